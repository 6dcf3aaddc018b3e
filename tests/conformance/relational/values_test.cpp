// Typed values on their way in and out.
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "conformance/relational/suite.h"

namespace triune::conformance {
namespace {

const Value text(const char* value) {
  return std::string(value);
}
const Value integer(std::int64_t value) {
  return value;
}

TEST_P(RelationalConformance, Every_type_of_value_comes_back) {
  create("kept", "id INTEGER PRIMARY KEY, i INTEGER, d " + quirks().double_type + ", t TEXT, b " + quirks().bytes_type);
  const Bytes bytes{std::byte{0}, std::byte{255}, std::byte{1}};
  must("INSERT INTO kept VALUES(?1, ?2, ?3, ?4, ?5)",
       {integer(1), integer(-7), Value(2.5), text("seven"), Value(bytes)});
  must("INSERT INTO kept VALUES(?1, ?2, ?3, ?4, ?5)", {integer(2), Null{}, Null{}, Null{}, Null{}});
  const auto rows = ask("SELECT i, d, t, b FROM kept ORDER BY id");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->columns, (std::vector<std::string>{"i", "d", "t", "b"}));
  ASSERT_EQ(rows->rows.size(), 2U);
  EXPECT_EQ(rows->rows[0], (std::vector<Value>{integer(-7), Value(2.5), text("seven"), Value(bytes)}));
  EXPECT_EQ(rows->rows[1], (std::vector<Value>{Null{}, Null{}, Null{}, Null{}}));
  EXPECT_FALSE(rows->truncated);
}

TEST_P(RelationalConformance, Booleans_and_json_come_back) {
  create("kept", "yes " + quirks().boolean_type + ", no " + quirks().boolean_type + ", document " + quirks().json_type);
  must("INSERT INTO kept VALUES(?1, ?2, ?3)", {Value(true), Value(false), Value(Json{R"({"a":[1,"ü"]})"})});
  const auto rows = ask("SELECT yes, no, document FROM kept");
  ASSERT_TRUE(rows) << rows.error().message;
  if (quirks().booleans_are_integers) {
    EXPECT_EQ(rows->rows[0][0], integer(1));
    EXPECT_EQ(rows->rows[0][1], integer(0));
  } else {
    EXPECT_EQ(rows->rows[0][0], Value(true));
    EXPECT_EQ(rows->rows[0][1], Value(false));
  }
  const Value document = quirks().json_is_text ? text(R"({"a":[1,"ü"]})") : Value(Json{R"({"a":[1,"ü"]})"});
  EXPECT_EQ(rows->rows[0][2], document);
}

TEST_P(RelationalConformance, Integers_are_exact) {
  create("kept", "value INTEGER");
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t value : {Limits::min(), Limits::min() + 1, std::int64_t{-1}, std::int64_t{0},
                                   Limits::max() - 1, Limits::max(), std::int64_t{9'007'199'254'740'993}}) {
    must("DELETE FROM kept");
    must("INSERT INTO kept VALUES(?1)", {Value(value)});
    EXPECT_EQ(cell("SELECT value FROM kept"), Value(value));
  }
}

TEST_P(RelationalConformance, Doubles_are_exact) {
  create("kept", "value " + quirks().double_type);
  using Limits = std::numeric_limits<double>;
  std::vector<double> values{0.0,
                             -0.0,
                             0.1,
                             1e308,
                             Limits::max(),
                             Limits::min(),
                             Limits::denorm_min(),
                             Limits::infinity(),
                             -Limits::infinity(),
                             1.0,
                             4503599627370497.5};
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  while (values.size() < 60) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const double value : values) {
    must("DELETE FROM kept");
    must("INSERT INTO kept VALUES(?1)", {Value(value)});
    EXPECT_EQ(cell("SELECT value FROM kept"), Value(value));
  }
}

TEST_P(RelationalConformance, NaN_comes_back_where_it_is_kept) {
  if (!quirks().keeps_nan) GTEST_SKIP() << "refused, see below";
  create("kept", "value " + quirks().double_type);
  must("INSERT INTO kept VALUES(?1)", {Value(std::numeric_limits<double>::quiet_NaN())});
  for (int round = 0; round < 2; ++round) {
    const Value value = cell("SELECT value FROM kept");
    ASSERT_TRUE(std::holds_alternative<double>(value));
    EXPECT_TRUE(std::isnan(std::get<double>(value)));
  }
}

TEST_P(RelationalConformance, Unicode_comes_back) {
  create("kept", "value TEXT");
  std::string long_text;
  while (long_text.size() < 1'000'000) long_text += "größer 🐝 ";
  for (const std::string& value :
       {std::string(), std::string("é"), std::string("e\u0301"), std::string("漢字"), std::string("🧑‍🚀"),
        std::string("עברית"), std::string("\u0001\u001F\u007F\uFFFD\U0010FFFF"), std::string("'\"\\;--\n\r\t"),
        long_text}) {
    must("DELETE FROM kept");
    must("INSERT INTO kept VALUES(?1)", {Value(value)});
    EXPECT_EQ(cell("SELECT value FROM kept"), Value(value));
  }
}

TEST_P(RelationalConformance, Unicode_names_work) {
  must(R"(CREATE TABLE "tábla 漢"("spalte ü" TEXT))" + quirks().table_suffix);
  must(R"(INSERT INTO "tábla 漢"("spalte ü") VALUES(?1))", {text("🐝")});
  const auto rows = ask(R"(SELECT "spalte ü" FROM "tábla 漢")");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->columns, std::vector<std::string>{"spalte ü"});
  EXPECT_EQ(rows->rows[0][0], text("🐝"));
}

TEST_P(RelationalConformance, Empty_values_are_not_null) {
  create("kept", "t TEXT, b " + quirks().bytes_type);
  must("INSERT INTO kept VALUES(?1, ?2)", {Value(std::string()), Value(Bytes{})});
  const auto rows = ask("SELECT t, b FROM kept");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0], (std::vector<Value>{Value(std::string()), Value(Bytes{})}));
  EXPECT_EQ(cell("SELECT count(*) FROM kept WHERE t IS NOT NULL AND b IS NOT NULL"), integer(1));
}

TEST_P(RelationalConformance, Values_that_cannot_be_kept_are_refused) {
  create("kept", "value " + quirks().any_type);
  std::vector<Value> refused{Value(std::string("a\0b", 3)), Value(std::string("\xFF\xFE")), Value(std::string("\xC3")),
                             Value(std::string("\xED\xA0\x80")), Value(Json{std::string("\"\0\"", 3)})};
  if (!quirks().keeps_nan) refused.emplace_back(std::numeric_limits<double>::quiet_NaN());
  for (std::size_t index = 0; index < refused.size(); ++index) {
    const auto error = error_of(run("INSERT INTO kept VALUES(?1)", {refused[index]}));
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << index;
    EXPECT_NE(error.message.find("parameter 1"), std::string::npos) << error.message;
    EXPECT_EQ(error.retry, Retry::never);
  }
  EXPECT_EQ(count("kept"), 0);
}

TEST_P(RelationalConformance, Oversized_values_are_refused) {
  if (quirks().longest_value == 0) GTEST_SKIP() << "the engine has no bound worth testing";
  create("kept", "id INTEGER, value TEXT");
  const auto error =
      error_of(run("INSERT INTO kept VALUES(1, ?1)", {Value(std::string(quirks().longest_value + 1, 'x'))}));
  EXPECT_EQ(error.code, ErrorCode::resource_exhausted);
  EXPECT_EQ(error.retry, Retry::never);
  EXPECT_TRUE(error.connection_usable);
  EXPECT_EQ(count("kept"), 0);
  must("INSERT INTO kept VALUES(2, ?1)", {Value(std::string(quirks().longest_value / 2, 'x'))});
  EXPECT_EQ(cell("SELECT length(value) FROM kept"), integer(static_cast<std::int64_t>(quirks().longest_value / 2)));
}

TEST_P(RelationalConformance, Too_many_parameters_are_refused) {
  const std::uint32_t most = store().capabilities().max_parameters;
  ASSERT_GT(most, 100U);
  const auto list = [](std::uint32_t parameters) {
    std::string sql = "SELECT coalesce(?1";
    for (std::uint32_t index = 2; index <= 50; ++index) sql += ", ?" + std::to_string(index);
    return sql + ") + ?" + std::to_string(parameters);
  };
  EXPECT_TRUE(ask(list(most), std::vector<Value>(most, integer(1))));
  EXPECT_EQ(error_of(ask(list(most + 1), std::vector<Value>(most + 1, integer(1)))).code, ErrorCode::invalid_argument);
}

TEST_P(RelationalConformance, A_wrong_number_of_values_is_refused) {
  for (const std::size_t given : {0U, 1U, 3U}) {
    const auto error = error_of(ask("SELECT ?1, ?2", std::vector<Value>(given, integer(1))));
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_NE(error.message.find('2'), std::string::npos) << error.message;
  }
  const auto repeated = ask("SELECT ?2, ?1, ?2", {text("a"), text("b")});
  ASSERT_TRUE(repeated) << repeated.error().message;
  EXPECT_EQ(repeated->rows[0], (std::vector<Value>{text("b"), text("a"), text("b")}));
}

}  // namespace
}  // namespace triune::conformance
