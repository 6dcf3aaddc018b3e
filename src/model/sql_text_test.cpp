#include "model/sql_text.h"

#include <gtest/gtest.h>

namespace triune::model {
namespace {

TEST(SqlText, QuotesIdentifiers) {
  EXPECT_EQ(quote_identifier("task"), "\"task\"");
  EXPECT_EQ(quote_identifier(""), "\"\"");
  EXPECT_EQ(quote_identifier("a b;é"), "\"a b;é\"");
  EXPECT_EQ(quote_identifier("x\"; DROP TABLE y; --"), "\"x\"\"; DROP TABLE y; --\"");
  EXPECT_EQ(quote_identifier("\"\""), "\"\"\"\"\"\"");
}

TEST(SqlText, QuotesLiterals) {
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal("'); DROP TABLE y; --"), "'''); DROP TABLE y; --'");
  EXPECT_EQ(quote_literal("\"\\"), "'\"\\'");
}

}  // namespace
}  // namespace triune::model
