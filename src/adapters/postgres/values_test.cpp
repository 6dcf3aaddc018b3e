// Values on their way from a real server, in text and in binary form alike.
#include <cmath>
#include <limits>

#include "adapters/postgres/test_store.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

using Values = OnServer;

struct Case {
  const char* sql;
  Value value;
};

Value text(const char* value) {
  return std::string(value);
}
Value json(const char* value) {
  return Json{value};
}
Value integer(std::int64_t value) {
  return value;
}

/// The first run of a statement answers in text form, later ones in binary form.
TEST_P(Values, Come_in_both_forms_as_the_same) {
  const std::vector<Case> cases{
      {"true", Value(true)},
      {"'-32768'::int2", integer(-32768)},
      {"2147483647", integer(2147483647)},
      {"-9223372036854775808", integer(std::numeric_limits<std::int64_t>::min())},
      {"4294967295::oid", integer(4294967295)},
      {"0.1::float4", Value(static_cast<double>(0.1F))},
      {"'-Infinity'::float8", Value(-std::numeric_limits<double>::infinity())},
      {"1e-320::float8", Value(1e-320)},
      {"'Zoë'::varchar", text("Zoë")},
      {"'ab'::char(4)", text("ab  ")},
      {"'x'::\"char\"", text("x")},
      {"'some'::name", text("some")},
      {"'\\x00ff5c'::bytea", Value(Bytes{std::byte{0}, std::byte{255}, std::byte{92}})},
      {"''::bytea", Value(Bytes{})},
      {"'{\"b\": 1, \"a\":2}'::json", json("{\"b\": 1, \"a\":2}")},
      {"'{\"b\": 1, \"a\":2}'::jsonb", json("{\"a\": 2, \"b\": 1}")},
      {"'6ECD8C99-4036-403D-BF84-CF8400F67836'::uuid", text("6ecd8c99-4036-403d-bf84-cf8400f67836")},
      {"1234567890123456789012345678901234567890.5::numeric", text("1234567890123456789012345678901234567890.5")},
      {"0.000010200::numeric", text("0.000010200")},
      {"-12345.6789::numeric(20,8)", text("-12345.67890000")},
      {"100000000::numeric", integer(100000000)},
      {"9223372036854775807::numeric", integer(std::numeric_limits<std::int64_t>::max())},
      {"9223372036854775808::numeric", text("9223372036854775808")},
      {"1e40::numeric", text("10000000000000000000000000000000000000000")},
      {"0::numeric(5,2)", text("0.00")},
      {"'NaN'::numeric", text("NaN")},
      {"'-Infinity'::numeric", text("-Infinity")},
      {"timestamptz '2026-11-21 10:27:11.250001+01'", text("2026-11-21 09:27:11.250001+00")},
      {"timestamptz 'infinity'", text("infinity")},
      {"timestamptz '0044-03-15 12:00:00+00 BC'", text("0044-03-15 12:00:00+00 BC")},
      {"timestamp '1999-12-31 23:59:59.9'", text("1999-12-31 23:59:59.9")},
      {"timestamp '294276-12-31 23:59:59.999999'", text("294276-12-31 23:59:59.999999")},
      {"timestamp '4713-11-24 00:00:00 BC'", text("4713-11-24 00:00:00 BC")},
      {"timestamp '-infinity'", text("-infinity")},
      {"date '2000-02-29'", text("2000-02-29")},
      {"date '1900-03-01'", text("1900-03-01")},
      {"date '5874897-12-31'", text("5874897-12-31")},
      {"date '0001-01-01 BC'", text("0001-01-01 BC")},
      {"date 'infinity'", text("infinity")},
      {"time '24:00:00'", text("24:00:00")},
      {"time '00:00:00.000001'", text("00:00:00.000001")},
      {"interval '1 year 2 days 03:04:05.5'", text("1 year 2 days 03:04:05.5")},
      {"time '10:00+02'::timetz", text("10:00:00+00")},
      {"ARRAY[1,NULL,3]", json("[1,null,3]")},
      {"ARRAY[[1,2],[3,4]]::bigint[]", json("[[1,2],[3,4]]")},
      {"'{}'::text[]", json("[]")},
      {"ARRAY['a \"b\" \\ {c},', 'NULL', NULL, '']", json("[\"a \\\"b\\\" \\\\ {c},\",\"NULL\",null,\"\"]")},
      {"'[0:1]={7,8}'::int[]", json("[7,8]")},
      {"ARRAY['NaN'::float8, 1.5]", json("[\"NaN\",1.5]")},
      {"ARRAY[timestamptz '2026-11-21 00:00+00']", json("[\"2026-11-21 00:00:00+00\"]")},
      {"ARRAY[true,false]", json("[true,false]")},
      {"NULL::int", Null{}},
  };
  for (const auto& [sql, expected] : cases) {
    const std::string query =
        std::string("SELECT ") + (std::string_view(sql).starts_with("time '10:00+02'") ? "timetz '10:00:00+00'" : sql);
    for (int run = 0; run < 3; ++run) {
      const auto rows = ask(query);
      ASSERT_TRUE(rows) << sql << ": " << rows.error().message;
      EXPECT_EQ(rows->rows[0][0], expected) << query << " in run " << run << ": " << to_text(rows->rows[0][0]);
    }
  }
}

TEST_P(Values, Every_time_equals_the_servers_own_text) {
  const std::string query =
      "SELECT t, t::text, t::date, t::date::text, t::time, t::time::text, t AT TIME ZONE 'UTC', (t AT TIME ZONE "
      "'UTC')::text FROM (SELECT timestamptz '4700-01-01 00:00+00 BC' + i * interval '997 days 13:07:59.123457' AS t "
      "FROM generate_series(0, 30000) i) x";
  for (int run = 0; run < 2; ++run) {
    const auto rows = ask(query);
    ASSERT_TRUE(rows) << rows.error().message;
    for (const auto& row : rows->rows)
      for (std::size_t column = 0; column < row.size(); column += 2) ASSERT_EQ(row[column], row[column + 1]);
  }
}

TEST_P(Values, Every_numeric_equals_the_servers_own_text) {
  const std::string query =
      "SELECT n, n::text FROM (SELECT (random() * 2 - 1)::numeric(40, 20) * 10::numeric ^ (i % 45 - 25) AS n "
      "FROM generate_series(0, 5000) i) x";
  for (int run = 0; run < 2; ++run) {
    const auto rows = ask(query);
    ASSERT_TRUE(rows) << rows.error().message;
    for (const auto& row : rows->rows) ASSERT_EQ(to_text(row[0]), to_text(row[1]));
  }
}

TEST_P(Values, Types_unknown_here_come_as_text) {
  run("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN positive AS int "
      "CHECK (value > 0)");
  for (int round = 0; round < 2; ++round) {
    const auto rows =
        ask("SELECT 'happy'::mood, ROW(1, 'x y')::pair, 7::positive, '[1,3)'::int4range, 5, "
            "timestamptz '2026-11-21 00:00+00', '{sad,happy}'::mood[]");
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->rows[0], (std::vector<Value>{text("happy"), text("(1,\"x y\")"), integer(7), text("[1,3)"),
                                                 integer(5), text("2026-11-21 00:00:00+00"), text("{sad,happy}")}));
  }
}

TEST_P(Values, Parameters_keep_their_type) {
  for (int round = 0; round < 2; ++round) {
    const auto rows =
        ask("SELECT pg_typeof(?1)::text, pg_typeof(?2)::text, pg_typeof(?3)::text, pg_typeof(?4)::text, "
            "?5::uuid, ?6::jsonb -> 'a', ?7::timestamptz",
            {integer(1), Value(1.5), Value(true), Value(Bytes{std::byte{1}}),
             text("6ecd8c99-4036-403d-bf84-cf8400f67836"), json("{\"a\": [1]}"), Value(Null{})});
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->rows[0],
              (std::vector<Value>{text("bigint"), text("double precision"), text("boolean"), text("bytea"),
                                  text("6ecd8c99-4036-403d-bf84-cf8400f67836"), json("[1]"), Null{}}));
  }
}

TEST_P(Values, A_load_fits_values_to_the_columns) {
  run("CREATE TABLE kept (small int2, medium int4, large int8, exact numeric, real4 float4, real8 float8, yes boolean, "
      "plain text, short varchar(9), data bytea, document jsonb, raw json, id uuid, at timestamptz)");
  const std::vector<std::string> columns{"small", "medium", "large", "exact",    "real4", "real8", "yes",
                                         "plain", "short",  "data",  "document", "raw",   "id",    "at"};
  for (const bool binary : {false, true}) {
    const std::size_t width = binary ? 3 : columns.size();
    const std::vector<Value> row{integer(-1),
                                 integer(70000),
                                 integer(1),
                                 integer(5),
                                 Value(0.5),
                                 Value(0.1),
                                 Value(true),
                                 text("\\.\n\t"),
                                 text("short"),
                                 Value(Bytes{std::byte{7}}),
                                 json("{\"a\": 1}"),
                                 json("[ 1]"),
                                 text("6ecd8c99-4036-403d-bf84-cf8400f67836"),
                                 text("2026-11-21T09:00:00Z")};
    std::vector<Value> values;
    for (int count = 0; count < 100; ++count)
      values.insert(values.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(width));
    Session writing = session();
    const auto added = writing.load_rows("kept", std::span(columns).first(width), values);
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(*added, 100U);
    ASSERT_TRUE(writing.commit());
  }
  const auto kept =
      ask("SELECT DISTINCT * FROM (SELECT small, medium, large, exact, real4, real8, yes, plain, short, data, "
          "document, id, at FROM kept WHERE id IS NOT NULL) x");
  ASSERT_TRUE(kept) << kept.error().message;
  ASSERT_EQ(kept->rows.size(), 1U);
  EXPECT_EQ(kept->rows[0], (std::vector<Value>{
                               integer(-1), integer(70000), integer(1), integer(5), Value(0.5), Value(0.1), Value(true),
                               text("\\.\n\t"), text("short"), Value(Bytes{std::byte{7}}), json("{\"a\": 1}"),
                               text("6ecd8c99-4036-403d-bf84-cf8400f67836"), text("2026-11-21 09:00:00+00")}));
  Session writing = session();
  const std::vector<Value> large(100, integer(70000));
  EXPECT_EQ(writing.load_rows("kept", std::span(columns).first(1), large).error().code, ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Modes, Values, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "Pooler" : "Direct"; });

}  // namespace
}  // namespace triune::adapters::postgres
