#include "hive/statement_shape.h"

#include <gtest/gtest.h>

#include <random>

namespace triune::hive {
namespace {

using contract::Dialect;

TEST(StatementShape, HoldsNoValue) {
  const auto shape = [](std::string_view sql) { return statement_shape(Dialect::sqlite, sql); };
  EXPECT_EQ(shape("SELECT  a FROM t\n WHERE b = 'secret' AND c > 12.5e3 -- secret\n AND d = ?7;"),
            "SELECT a FROM t WHERE b = ? AND c > ? AND d = ?");
  EXPECT_EQ(shape("SELECT /* secret */ \"a b\", [c d] FROM t WHERE x = X'ab12' LIMIT 5"),
            "SELECT \"a b\", [c d] FROM t WHERE x = X? LIMIT ?");
  EXPECT_EQ(shape("SELECT 'it''s secret' || f(1, 2)"), "SELECT ? || f(?, ?)");
}

TEST(StatementShape, ListsOfAnyLengthAreOneShape) {
  for (const auto* const list : {"1", "1, 2", "'a','b' , ?3,4"})
    EXPECT_EQ(statement_shape(Dialect::sqlite, std::string("SELECT 1 WHERE a IN (") + list + ") AND b = 2"),
              "SELECT ? WHERE a IN (?) AND b = ?");
  EXPECT_EQ(statement_shape(Dialect::sqlite, "SELECT 1 WHERE a IN (SELECT b, c FROM d)"),
            "SELECT ? WHERE a IN (SELECT b, c FROM d)");
}

TEST(StatementShape, WhatCannotBeToldForSureIsNotKept) {
  EXPECT_EQ(statement_shape(Dialect::postgres, "SELECT 1 /* a /* b */ secret */"), "");
}

TEST(StatementShape, PostgresQuotesAndBracketsHoldValues) {
  EXPECT_EQ(statement_shape(Dialect::postgres, "SELECT E'it\\'s secret'"), "SELECT ?");
  EXPECT_EQ(statement_shape(Dialect::postgres, "SELECT $tag$secret$tag$, $$secret$$, ARRAY['secret', 7]"),
            "SELECT ?, ?, ARRAY[?, ?]");
}

TEST(StatementShape, RandomStatementsLeakNothing) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  // A star right before a comment would end another one, and what the comment says be a name.
  const std::vector<std::string> pieces{
      "'zebra'", "'o''zebra'", "$q$zebra$q$", "a",         ",",        "(", ")",        "IN", "=", "\n",
      " ",       "-- zebra\n", "/* zebra */", "$$zebra$$", "\"name\"", "4", "E'zebra'", "/",  "* "};
  for (int i = 0; i < 20'000; ++i) {
    std::string sql;
    for (auto count = random() % 12; count > 0; --count)
      sql += pieces[random() % pieces.size()] + (random() % 3 == 0 ? "" : " ");
    const auto shape = statement_shape(Dialect::postgres, sql);
    EXPECT_EQ(shape.find("zebra"), std::string::npos) << sql << " gave " << shape;
  }
}

TEST(StatementShape, PartsSayWhatValuesAreComparedWith) {
  const auto parts = parts_of_shape(Dialect::sqlite,
                                    "SELECT o.id FROM orders AS o JOIN \"main\".customers c ON c.id = o.customer WHERE "
                                    "o.\"state\" = ? AND c.name LIKE ? "
                                    "AND total >= ? AND x IN (?) ORDER BY 1 LIMIT ? OFFSET ?");
  ASSERT_EQ(parts.tables.size(), 2U);
  EXPECT_EQ(parts.tables[0].table, "orders");
  EXPECT_EQ(parts.tables[0].alias, "o");
  EXPECT_EQ(parts.tables[1].table, "customers");
  EXPECT_EQ(parts.tables[1].alias, "c");
  ASSERT_EQ(parts.values.size(), 7U);
  EXPECT_EQ(parts.values[0].qualifier, "o");
  EXPECT_EQ(parts.values[0].column, "state");
  EXPECT_EQ(parts.values[0].operation, "=");
  EXPECT_EQ(parts.values[1].operation, "like");
  EXPECT_EQ(parts.values[2].operation, ">=");
  EXPECT_EQ(parts.values[2].column, "total");
  EXPECT_EQ(parts.values[3].operation, "in");
  EXPECT_EQ(parts.values[3].column, "x");
  EXPECT_TRUE(parts.values[5].is_limit);
  EXPECT_TRUE(parts.values[6].is_limit);
  ASSERT_EQ(parts.joins.size(), 1U);
  EXPECT_EQ(parts.joins[0].left_column, "id");
  EXPECT_EQ(parts.joins[0].right_column, "customer");
  EXPECT_EQ(parts.joins[0].right_qualifier, "o");
  EXPECT_TRUE(parts.unsure) << "ORDER BY 1 is a number like any other";
}

TEST(StatementShape, IsRunWithNumberedParameters) {
  EXPECT_EQ(numbered(Dialect::sqlite, "SELECT a FROM t WHERE b = ? AND c IN (?)"),
            "SELECT a FROM t WHERE b = ?1 AND c IN (?2)");
}

}  // namespace
}  // namespace triune::hive
