#include "triune/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "triune/change.h"
#include "triune/schema.h"

namespace triune {
namespace {

const Bytes two_bytes = {std::byte{0x0a}, std::byte{0xff}};

TEST(Value, PrintsForATable) {
  EXPECT_EQ(to_text(Null{}), "");
  EXPECT_EQ(to_text(true), "true");
  EXPECT_EQ(to_text(std::int64_t{-7}), "-7");
  EXPECT_EQ(to_text(2.5), "2.5");
  EXPECT_EQ(to_text(std::string("a\nb")), "a\nb");
  EXPECT_EQ(to_text(two_bytes), "0aff");
  EXPECT_EQ(to_text(Json{"[1]"}), "[1]");
}

TEST(Value, PrintsAsJson) {
  EXPECT_EQ(to_json(Value(Null{})), "null");
  EXPECT_EQ(to_json(Value(false)), "false");
  EXPECT_EQ(to_json(Value(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(to_json(Value(std::string("\"é"))), "\"\\\"é\"");
  EXPECT_EQ(to_json(Value(two_bytes)), "\"Cv8=\"");
  EXPECT_EQ(to_json(Value(Json{"{\"a\":1}"})), "{\"a\":1}");
}

TEST(Value, DoubleStaysADoubleInText) {
  EXPECT_EQ(to_json(Value(1.0)), "1.0");
  EXPECT_EQ(to_json(Value(-0.0)), "-0.0");
  EXPECT_EQ(to_json(Value(0.1)), "0.1");
  EXPECT_EQ(to_json(Value(1e300)), "1e+300");
  EXPECT_EQ(to_json(Value(123456789.0)), "123456789.0");
  EXPECT_EQ(to_text(3.0), "3.0");
}

TEST(Value, NumberThatJsonLacksIsNull) {
  EXPECT_EQ(to_json(Value(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(to_json(Value(-std::numeric_limits<double>::infinity())), "null");
}

TEST(Record, FindsByNameAndPrintsInOrder) {
  const Record record = {{"b", std::int64_t{1}}, {"a\"", std::string("x")}};
  ASSERT_NE(find(record, "b"), nullptr);
  EXPECT_EQ(*find(record, "b"), Value(std::int64_t{1}));
  EXPECT_EQ(find(record, "c"), nullptr);
  EXPECT_EQ(to_json(record), R"({"b":1,"a\"":"x"})");
  EXPECT_EQ(to_json(Record{}), "{}");
}

TEST(Words, OfTokensStatesAndMetrics) {
  EXPECT_EQ(to_string(Token{"abc", 17}), "abc:17");
  EXPECT_EQ(to_string(ProjectionState::current), "current");
  EXPECT_EQ(to_string(ProjectionState::behind), "behind");
  EXPECT_EQ(to_string(ProjectionState::rebuilding), "rebuilding");
  EXPECT_EQ(to_string(ProjectionState::quarantined), "quarantined");
  for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot})
    EXPECT_EQ(*parse_metric(to_string(metric)), metric);
  EXPECT_EQ(parse_metric("L2").error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace triune
