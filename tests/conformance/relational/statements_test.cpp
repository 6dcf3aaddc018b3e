// Statements, their errors, and what the catalogue says.
#include <random>
#include <stdexcept>

#include "base/try.h"
#include "conformance/relational/suite.h"
#include "model/sql_text.h"

namespace triune::conformance {
namespace {

Value text(const char* value) {
  return std::string(value);
}
Value integer(std::int64_t value) {
  return value;
}

/// Engines compress.
std::string incompressible(std::size_t size) {
  std::mt19937 random(7);
  std::string result;
  while (result.size() < size) result += static_cast<char>(' ' + random() % 90);
  return result;
}

TEST_P(RelationalConformance, One_statement_at_a_time) {
  create("kept", "value INTEGER");
  for (const char* sql : {"SELECT 1; SELECT 2", "INSERT INTO kept VALUES(1); DELETE FROM kept", "SELECT 1; junk"}) {
    EXPECT_EQ(error_of(run(sql)).code, ErrorCode::invalid_argument) << sql;
    EXPECT_EQ(error_of(ask(sql)).code, ErrorCode::invalid_argument) << sql;
    EXPECT_EQ(error_of(store().is_read_only(sql, soon())).code, ErrorCode::invalid_argument) << sql;
  }
  EXPECT_EQ(count("kept"), 0);
  EXPECT_TRUE(ask("SELECT 1; -- and no more\n ;/* really */ "));
}

TEST_P(RelationalConformance, Text_without_a_statement_is_refused) {
  for (const std::string& sql : {std::string(), std::string(" \n"), std::string("-- nothing"), std::string(";"),
                                 std::string("SELECT 1\0; SELECT 2", 19)})
    EXPECT_EQ(error_of(ask(sql)).code, ErrorCode::invalid_argument) << sql;
}

TEST_P(RelationalConformance, A_statement_that_does_not_parse_says_where) {
  const auto error = error_of(ask("SELECT 1 FRM nothing"));
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_EQ(error.retry, Retry::never);
  EXPECT_EQ(error.engine, quirks().engine);
  EXPECT_FALSE(error.native_code.empty());
  EXPECT_NE(error.message.find("byte 13"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("nothing"), std::string::npos) << error.message;
  EXPECT_EQ(error_of(ask("SELECT missing FROM absent")).code, ErrorCode::invalid_argument);
  EXPECT_EQ(error_of(store().is_read_only("SELEC 1", soon())).code, ErrorCode::invalid_argument);
}

TEST_P(RelationalConformance, Queries_stop_at_the_row_limit) {
  create("kept", "value INTEGER");
  for (std::int64_t value = 0; value < 5; ++value) must("INSERT INTO kept VALUES(?1)", {Value(value)});
  auto session = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  for (const auto& [limit, cut] :
       std::vector<std::pair<std::size_t, bool>>{{0, true}, {4, true}, {5, false}, {6, false}}) {
    const auto rows = (*session)->query("SELECT value FROM kept ORDER BY value", {}, limit);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->rows.size(), std::min<std::size_t>(limit, 5));
    EXPECT_EQ(rows->truncated, cut) << limit;
  }
}

TEST_P(RelationalConformance, Visitors_see_every_row_and_may_stop) {
  create("kept", "value INTEGER");
  for (std::int64_t value = 0; value < 5; ++value) must("INSERT INTO kept VALUES(?1)", {Value(value)});
  auto session = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  std::int64_t sum = 0;
  EXPECT_TRUE((*session)->visit("SELECT value FROM kept", {}, [&](std::span<const Value> row) -> Status {
    sum += std::get<std::int64_t>(row[0]);
    return {};
  }));
  EXPECT_EQ(sum, 10);
  int seen = 0;
  const auto stopped = (*session)->visit("SELECT value FROM kept", {}, [&](std::span<const Value>) -> Status {
    if (++seen == 2) return failure(ErrorCode::cancelled, "enough");
    return {};
  });
  EXPECT_EQ(error_of(stopped).code, ErrorCode::cancelled);
  EXPECT_EQ(seen, 2);
}

TEST_P(RelationalConformance, A_visitor_may_run_the_same_statement) {
  create("kept", "value INTEGER");
  for (std::int64_t value = 0; value < 3; ++value) must("INSERT INTO kept VALUES(?1)", {Value(value)});
  auto session = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  int inner = 0;
  const auto count_inner = [&](std::span<const Value>) -> Status {
    ++inner;
    return {};
  };
  EXPECT_TRUE((*session)->visit("SELECT value FROM kept", {}, [&](std::span<const Value>) {
    return (*session)->visit("SELECT value FROM kept", {}, count_inner);
  }));
  EXPECT_EQ(inner, 9);
}

TEST_P(RelationalConformance, A_visitor_of_many_rows_may_write_meanwhile) {
  create("kept", "value INTEGER, body TEXT");
  create("copied", "value INTEGER");
  const auto work = [&](contract::RelationalSession& session) -> Status {
    std::vector<Value> values;
    for (std::int64_t value = 0; value < 6'000; ++value) {
      values.emplace_back(value);
      values.emplace_back(std::string(static_cast<std::size_t>(value % 700), 'x'));
    }
    TRIUNE_TRY(session.execute_many("INSERT INTO kept VALUES(?1, ?2)", 2, values));
    const auto copy = [&](std::span<const Value> row) -> Status {
      const auto value = std::get<std::int64_t>(row[0]);
      EXPECT_EQ(std::get<std::string>(row[1]).size(), static_cast<std::size_t>(value % 700));
      if (value % 1'000 == 999) TRIUNE_TRY(session.query("SELECT count(*) FROM copied", {}, 1));
      return session.execute_soon("INSERT INTO copied VALUES(?1)", row.first(1), {});
    };
    return session.visit("SELECT value, body FROM kept ORDER BY value", {}, copy);
  };
  const auto written = store().write(work, soon());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(cell("SELECT sum(value) FROM copied"), Value(std::int64_t{5'999} * 6'000 / 2));
}

TEST_P(RelationalConformance, After_a_visitor_of_many_rows_has_stopped_the_session_goes_on) {
  create("kept", "value INTEGER");
  std::vector<Value> values;
  for (std::int64_t value = 0; value < 20'000; ++value) values.emplace_back(value);
  ASSERT_TRUE(store().write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute_many("INSERT INTO kept VALUES(?1)", 1, values));
        return {};
      },
      soon()));
  auto session = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  for (const int enough : {1, 300, 5'000}) {
    int seen = 0;
    const auto stopped = (*session)->visit("SELECT value FROM kept", {}, [&](std::span<const Value>) -> Status {
      return ++seen == enough ? Status(failure(ErrorCode::cancelled, "enough")) : Status();
    });
    EXPECT_EQ(error_of(stopped).code, ErrorCode::cancelled);
    EXPECT_EQ(seen, enough);
    const auto rows = (*session)->query("SELECT count(*) FROM kept", {}, 1);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->rows[0][0], Value(std::int64_t{20'000}));
  }
  const auto thrower = [](std::span<const Value>) -> Status { throw std::runtime_error("thrown"); };
  EXPECT_THROW(static_cast<void>((*session)->visit("SELECT value FROM kept", {}, thrower)), std::runtime_error);
  EXPECT_TRUE((*session)->query("SELECT count(*) FROM kept", {}, 1));
}

TEST_P(RelationalConformance, Execute_counts_its_own_rows) {
  create("kept", "value INTEGER");
  create("log", "value INTEGER");
  create_trigger("kept_log", "AFTER INSERT", "kept", "INSERT INTO log VALUES(NEW.value), (NEW.value)");
  EXPECT_EQ(run("INSERT INTO kept VALUES(1), (2), (3)").value_or(99), 3U);
  EXPECT_EQ(count("log"), 6);
  EXPECT_EQ(run("UPDATE kept SET value = 0 WHERE value > 1").value_or(99), 2U);
  EXPECT_EQ(run("DELETE FROM kept WHERE value = 77").value_or(99), 0U);
  EXPECT_EQ(run("CREATE INDEX kept_value ON kept(value)").value_or(99), 0U);
  EXPECT_EQ(run("SELECT value FROM kept").value_or(99), 0U);
}

TEST_P(RelationalConformance, Execute_many_runs_once_for_each_row) {
  create("kept", "id INTEGER PRIMARY KEY, name TEXT");
  const std::vector<Value> values{integer(1), text("a"), integer(2), text("b"), integer(3), Null{}};
  const auto write = [&](std::size_t columns, std::span<const Value> given) {
    return store().write(
        [&](contract::RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(const auto changed, session.execute_many("INSERT INTO kept VALUES(?1, ?2)", columns, given));
          EXPECT_EQ(changed, given.size() / 2);
          return {};
        },
        soon());
  };
  EXPECT_TRUE(write(2, values));
  EXPECT_EQ(count("kept"), 3);
  EXPECT_TRUE(write(2, {}));
  EXPECT_EQ(error_of(write(4, values)).code, ErrorCode::invalid_argument);
  EXPECT_EQ(error_of(write(0, values)).code, ErrorCode::invalid_argument);
  const auto duplicate = error_of(write(2, values));
  EXPECT_EQ(duplicate.code, ErrorCode::conflict);
  EXPECT_NE(duplicate.message.find("row 1"), std::string::npos) << duplicate.message;
}

TEST_P(RelationalConformance, Scripts_run_whole_or_say_which_line_failed) {
  const auto script = [&](const std::string& sql) {
    return store().write([&](contract::RelationalSession& session) { return session.execute_script(sql); }, soon());
  };
  EXPECT_TRUE(
      script("-- first\nCREATE TABLE a(x INTEGER);\nINSERT INTO a VALUES(1);INSERT INTO a VALUES(2);\n-- end\n"));
  EXPECT_EQ(count("a"), 2);
  EXPECT_TRUE(script(""));
  const auto error =
      error_of(script("INSERT INTO a VALUES(3);\nINSERT INTO a VALUES(4); INSERT INTO absent VALUES(5);"));
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("line 2"), std::string::npos) << error.message;
  EXPECT_EQ(count("a"), 2);
}

TEST_P(RelationalConformance, Describes_tables_and_views) {
  create("kept", "id INTEGER NOT NULL, name TEXT NOT NULL, score " + quirks().double_type + ", PRIMARY KEY(name, id)");
  must("CREATE VIEW seen AS SELECT name, score * 2 AS twice FROM kept");
  const auto columns = store().describe("kept");
  ASSERT_TRUE(columns) << columns.error().message;
  ASSERT_EQ(columns->size(), 3U);
  EXPECT_EQ((*columns)[0].name, "id");
  EXPECT_EQ((*columns)[0].primary_key_position, 2U);
  EXPECT_TRUE((*columns)[0].not_null);
  EXPECT_EQ((*columns)[1].primary_key_position, 1U);
  EXPECT_EQ((*columns)[2].type, quirks().double_type);
  EXPECT_FALSE((*columns)[2].not_null);
  const auto view = store().describe("seen");
  ASSERT_TRUE(view) << view.error().message;
  ASSERT_EQ(view->size(), 2U);
  EXPECT_EQ((*view)[1].name, "twice");
  EXPECT_EQ(error_of(store().describe("absent")).code, ErrorCode::not_found);
  EXPECT_EQ(error_of(store().describe("kept'; DROP TABLE kept; --")).code, ErrorCode::not_found);
}

TEST_P(RelationalConformance, Names_and_values_cannot_inject) {
  create("kept", "value TEXT");
  must("INSERT INTO kept VALUES(?1)", {text("first")});
  for (const std::string& nasty :
       {std::string("x'); DROP TABLE kept; --"), std::string("x\"; DROP TABLE kept; --"), std::string("' OR '1'='1"),
        std::string("\\'; DELETE FROM kept; --"), std::string("?1"), std::string("$$; DROP TABLE kept; $$")}) {
    must("INSERT INTO kept VALUES(?1)", {Value(nasty)});
    EXPECT_EQ(cell("SELECT count(*) FROM kept WHERE value = ?1", {Value(nasty)}), integer(1));
    const std::string table = model::quote_identifier(nasty);
    std::string statement = "CREATE TABLE ";
    must(statement.append(table).append("(").append(table).append(" TEXT)"));
    statement = "INSERT INTO ";
    must(statement.append(table).append(" VALUES(").append(model::quote_literal(nasty)).append(")"));
    statement = "SELECT ";
    EXPECT_EQ(cell(statement.append(table).append(" FROM ").append(table)), Value(nasty));
    EXPECT_TRUE(store().describe(nasty)) << nasty;
  }
  EXPECT_EQ(count("kept"), 7);
}

TEST_P(RelationalConformance, Full_text_finds_words) {
  if (!store().capabilities().full_text) {
    EXPECT_FALSE(run(quirks().full_text_create));
    return;
  }
  must(quirks().full_text_create);
  for (const char* body : {"the quick brown bee", "a slow bear", "bees and BEARS"})
    must(quirks().full_text_insert, {text(body)});
  const auto found = ask(quirks().full_text_query, {text("bear")});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(found->rows[0][0], text("a slow bear"));
  const auto as_user = ask(quirks().full_text_query, {text("BEE")}, contract::ReadScope::user);
  ASSERT_TRUE(as_user) << as_user.error().message;
  EXPECT_EQ(as_user->rows.size(), 1U);
}

TEST_P(RelationalConformance, Reports_health_and_statistics) {
  const auto before = store().statistics();
  ASSERT_TRUE(before);
  create("kept", "value TEXT");
  must("INSERT INTO kept VALUES(?1)", {Value(incompressible(100'000))});
  EXPECT_EQ(count("kept"), 1);
  const auto after = store().statistics();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->commits, before->commits + 2);
  EXPECT_EQ(after->groups, before->groups + 2);
  EXPECT_EQ(after->reads, before->reads + 1);
  EXPECT_GT(after->log_bytes + after->file_bytes, before->log_bytes + before->file_bytes) << "a row of 100 kB";
  EXPECT_TRUE(store().checkpoint());
  const auto moved = store().statistics();
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->log_bytes, 0U);
  EXPECT_GT(moved->file_bytes, 100'000U);
  const auto health = store().health();
  EXPECT_TRUE(health.ok);
  EXPECT_FALSE(health.detail.empty());
}

}  // namespace
}  // namespace triune::conformance
