#include "model/json.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "triune/value.h"

namespace triune::model {
namespace {

Value parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text << ": " << value.error().message;
  return value.value_or(Null{});
}

ErrorCode refusal(std::string_view text) {
  const auto value = parse_json(text);
  EXPECT_FALSE(value) << text;
  return value ? ErrorCode::internal : value.error().code;
}

TEST(Json, ScalarsKeepTheirTypes) {
  EXPECT_EQ(parsed("null"), Value(Null{}));
  EXPECT_EQ(parsed("true"), Value(true));
  EXPECT_EQ(parsed("false"), Value(false));
  EXPECT_EQ(parsed("0"), Value(std::int64_t{0}));
  EXPECT_EQ(parsed("-9223372036854775808"), Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(parsed("9223372036854775807"), Value(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(parsed("1.0"), Value(1.0));
  EXPECT_EQ(parsed("1e3"), Value(1000.0));
  EXPECT_EQ(parsed("\"a\""), Value(std::string("a")));
  EXPECT_EQ(parsed("  \n\t 7 \r\n"), Value(std::int64_t{7}));
}

TEST(Json, IntegersBeyondSixtyFourBitsBecomeDouble) {
  EXPECT_EQ(parsed("9223372036854775808"), Value(9223372036854775808.0));
  EXPECT_EQ(parsed("18446744073709551615"), Value(18446744073709551615.0));
  EXPECT_EQ(parsed("18446744073709551616"), Value(18446744073709551616.0));
  EXPECT_EQ(parsed("-123456789012345678901234567890"), Value(-1.2345678901234568e29));
  EXPECT_EQ(parsed("[1,123456789012345678901234567890,\"123456789012345678901234567890\",0.123456789012345678901]"),
            Value(Json{"[1,1.2345678901234568e+29,\"123456789012345678901234567890\",0.12345678901234568]"}));
}

TEST(Json, NumberTooLargeForADoubleIsRefused) {
  EXPECT_EQ(refusal("1e400"), ErrorCode::invalid_argument);
}

TEST(Json, NestedValuesAreKeptAsMinifiedText) {
  EXPECT_EQ(parsed(" { \"a\" : [ 1 , 2.50 , { } ] } "), Value(Json{"{\"a\":[1,2.5,{}]}"}));
  EXPECT_EQ(parsed("[ ]"), Value(Json{"[]"}));
}

TEST(Json, NestingIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parsed(nested(1024)), Value(Json{nested(1024)}));
  EXPECT_EQ(refusal(nested(1025)), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(nested(1'000'000)), ErrorCode::invalid_argument);
}

TEST(Json, EscapesAreRead) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00")"), Value(std::string("\"\\/\b\f\n\r\té€😀")));
}

TEST(Json, HalfASurrogatePairBecomesTheReplacementCharacter) {
  EXPECT_EQ(parsed(R"("a\ud83d")"), Value(std::string("a\uFFFD")));
  EXPECT_EQ(parsed(R"("\ude00b")"), Value(std::string("\uFFFDb")));
  EXPECT_EQ(parsed(R"("\ud83d\ud83d\ude00")"), Value(std::string("\uFFFD😀")));
  EXPECT_EQ(parsed(R"("\\ud83d \ud83dx")"), Value(std::string("\\ud83d \uFFFDx"))) << "an escaped backslash is none";
}

TEST(Json, ByteOrderMarkIsSkipped) {
  EXPECT_EQ(parsed("\xEF\xBB\xBF{}"), Value(Json{"{}"}));
}

TEST(Json, WhatIsNotJsonIsRefused) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1}x", "nul", "'a'", "\"a", "{\"a\"}", "01", "+1", ".5", "NaN",
                           "\"\\x\"", "\"\\ud83\"", "\"\n\"", "\"\xFF\"", "\"\xC0\x80\"", "{\"a\":1,}"})
    EXPECT_EQ(refusal(text), ErrorCode::invalid_argument) << text;
}

TEST(Json, ErrorSaysWhatIsWrong) {
  const auto error = parse_json_object("[1]").error();
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("object"), std::string::npos) << error.message;
}

TEST(JsonObject, KeepsOrderAndTheLastOfARepeatedName) {
  const auto record = parse_json_object(R"({"b":1,"a":2,"b":3})");
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, (Record{{"b", std::int64_t{3}}, {"a", std::int64_t{2}}}));
}

TEST(JsonObject, RepeatedNamesAmongThousandsAreFound) {
  std::string text = "{";
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 20'000; ++i)
      text += (text.size() > 1 ? ",\"" : "\"") + std::to_string(i) + "\":" + std::to_string(i + round);
  const auto record = parse_json_object(text + "}");
  ASSERT_TRUE(record);
  ASSERT_EQ(record->size(), 20'000U);
  for (int i = 0; i < 20'000; ++i) {
    const auto& field = (*record)[static_cast<std::size_t>(i)];
    ASSERT_EQ(field, (Field{std::to_string(i), std::int64_t{i} + 1}));
  }
}

TEST(JsonVector, ReadsNumbersOfAnyForm) {
  EXPECT_EQ(*parse_json_vector("[1, -2.5, 3e2, 0]"), (std::vector<float>{1, -2.5F, 300, 0}));
  EXPECT_TRUE(parse_json_vector("[]")->empty());
}

TEST(JsonVector, WhatIsNoVectorOfFloatsIsRefused) {
  for (const char* text : {"{}", "[\"1\"]", "[null]", "[[1]]", "1", "[1e39]", "[-1e200]"}) {
    const auto vector = parse_json_vector(text);
    ASSERT_FALSE(vector) << text;
    EXPECT_EQ(vector.error().code, ErrorCode::invalid_argument);
  }
}

TEST(JsonString, EscapesWhatMustBe) {
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01\x1f/é"), R"("a\"b\\c\n\r\t\u0001\u001f/é")");
  EXPECT_EQ(json_string(""), "\"\"");
  EXPECT_EQ(json_string(std::string("\0", 1)), R"("\u0000")");
}

TEST(JsonString, WhatIsNotUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(json_string("a\xFFz"), "\"a\uFFFDz\"");
  EXPECT_EQ(json_string("\xC3"), "\"\uFFFD\"");
  EXPECT_EQ(json_string("\xE2\x82x"), "\"\uFFFD\uFFFDx\"");
  EXPECT_EQ(json_string("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"") << "a surrogate in UTF-8";
  EXPECT_EQ(json_string("\xF5\x80\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(json_string("ok é€😀 \x80"), "\"ok é€😀 \uFFFD\"");
}

TEST(StorableText, IsUtf8WithoutNul) {
  EXPECT_TRUE(is_storable_text(""));
  EXPECT_TRUE(is_storable_text("é€😀\x01"));
  EXPECT_FALSE(is_storable_text(std::string("a\0b", 3)));
  EXPECT_FALSE(is_storable_text("\xC3"));
  EXPECT_FALSE(is_storable_text("\xED\xA0\x80"));
}

/// Random values and texts, of all kinds of characters.
class Random {
 public:
  explicit Random(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::string text() {
    static const std::string pieces[] = {"a", "\"", "\\",     "\n", "\x01", "\x7f", "é",
                                         "€", "😀", "\u2028", "/",  " ",    "}"};
    std::string result;
    for (auto count = below(12); count > 0; --count) result += pieces[below(std::size(pieces))];
    return result;
  }

  Value value() {
    switch (below(6)) {
      case 0: return Null{};
      case 1: return below(2) == 0;
      case 2: return static_cast<std::int64_t>(random_()) >> below(64);
      case 3: return number();
      case 4: return text();
      default: return Json{nested(4)};
    }
  }

  double number() {
    double number = 0;
    do number = std::bit_cast<double>(random_());
    while (!std::isfinite(number));
    return number;
  }

  std::string nested(int depth) {
    const bool is_object = below(2) == 0;
    std::string result = is_object ? "{" : "[";
    for (auto count = below(4); count > 0; --count) {
      if (result.size() > 1) result += ',';
      if (is_object) result += json_string(text()) + ":";
      result += depth > 0 && below(2) == 0 ? nested(depth - 1) : json_string(text());
    }
    return result + (is_object ? "}" : "]");
  }

  Record record() {
    Record record;
    for (auto count = below(40); count > 0; --count) record.push_back({std::to_string(count) + text(), value()});
    return record;
  }

 private:
  std::mt19937_64 random_;
};

TEST(Json, RandomRecordsRoundTrip) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 3000; ++round) {
    const auto record = random.record();
    const auto text = to_json(record);
    const auto back = parse_json_object(text);
    ASSERT_TRUE(back) << text << ": " << back.error().message;
    ASSERT_EQ(*back, record) << text;
  }
}

TEST(Json, RandomDamageIsAnErrorOrAValueAndNeverACrash) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 20'000; ++round) {
    auto text = to_json(random.record());
    for (auto flips = 1 + random.below(3); flips > 0; --flips)
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    const auto value = parse_json(text);
    if (value) {
      ASSERT_TRUE(parse_json(to_json(*value))) << text;
    }
  }
}

TEST(Json, LargeDocumentsAreRead) {
  const std::string text(5'000'000, 'x');
  EXPECT_EQ(parsed(json_string(text)), Value(text));
}

}  // namespace
}  // namespace triune::model
