// What engines on a server need: statements sent along, bulk loads, several stores at one place.
#include <atomic>
#include <thread>

#include "base/try.h"
#include "conformance/relational/suite.h"

namespace triune::conformance {
namespace {

Value text(const char* value) {
  return std::string(value);
}
Value integer(std::int64_t value) {
  return value;
}

TEST_P(RelationalConformance, Speaks_its_dialect) {
  const auto dialect = store().capabilities().dialect;
  auto session = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  EXPECT_EQ((*session)->dialect(), dialect);
  const auto rows = [&](const std::string& sql, const char* set) {
    const Value value = text(set);
    auto found = (*session)->query(sql, {&value, 1}, 10);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->rows : std::vector<std::vector<Value>>();
  };
  using Rows = std::vector<std::vector<Value>>;
  EXPECT_EQ(rows("SELECT value, key FROM " + contract::integer_set(dialect, 1) + " AS s ORDER BY key", "[7,5]"),
            (Rows{{integer(7), integer(0)}, {integer(5), integer(1)}}));
  EXPECT_EQ(rows("SELECT value, key FROM " + contract::text_set(dialect, 1) + " AS s ORDER BY key", R"(["b","ä\""])"),
            (Rows{{text("b"), integer(0)}, {text("ä\""), integer(1)}}));
  EXPECT_EQ(
      rows("SELECT first, second FROM " + contract::pair_set(dialect, 1) + " AS s ORDER BY first", "[[2,3],[1,9]]"),
      (Rows{{integer(1), integer(9)}, {integer(2), integer(3)}}));
  EXPECT_EQ(rows("SELECT a.value FROM " + contract::integer_set(dialect, 1) + " AS a " +
                     std::string(contract::ordered_join(dialect)) + " " + contract::integer_set(dialect, 1) +
                     " AS b ON a.value = b.value AND a.value IS DISTINCT FROM b.key",
                 "[4]")
                .size(),
            1U);
}

TEST_P(RelationalConformance, Statements_sent_along_count_and_keep_their_order) {
  create("kept", "id INTEGER PRIMARY KEY, name TEXT");
  std::uint64_t changed = 0;
  ASSERT_TRUE(store().write(
      [&](contract::RelationalSession& session) -> Status {
        changed = 0;
        for (std::int64_t id = 0; id < 1000; ++id) {
          const std::vector<Value> values{integer(id), text("some name")};
          TRIUNE_TRY(session.execute_soon("INSERT INTO kept VALUES(?1, ?2)", values, {.changed = &changed}));
        }
        TRIUNE_TRY(session.execute_soon("UPDATE kept SET name = 'last' WHERE id < 10", {}, {.changed = &changed}));
        TRIUNE_TRY(session.execute_soon("DELETE FROM kept WHERE id = 77", {}, {}));
        TRIUNE_ASSIGN(const auto rows, session.query("SELECT count(*) FROM kept WHERE name = 'last'", {}, 1));
        EXPECT_EQ(changed, 1010U) << "known when another call has returned";
        EXPECT_EQ(rows.rows[0][0], integer(10));
        return session.execute_soon("UPDATE kept SET name = NULL", {}, {.changed = &changed});
      },
      soon()));
  EXPECT_EQ(changed, 2009U) << "known when the job has ended";
  EXPECT_EQ(cell("SELECT count(*) FROM kept WHERE name IS NULL"), integer(999));
}

TEST_P(RelationalConformance, An_error_of_a_statement_sent_along_comes_with_the_next_call_or_the_end) {
  create("kept", "id INTEGER PRIMARY KEY");
  must("INSERT INTO kept VALUES(1)");
  for (const bool asks : {true, false}) {
    const auto error = error_of(store().write(
        [&](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute_soon("INSERT INTO kept VALUES(2)", {}, {}));
          TRIUNE_TRY(session.execute_soon("INSERT INTO kept VALUES(1)", {}, {}));
          if (asks) TRIUNE_TRY(session.query("SELECT 1", {}, 1));
          return {};
        },
        soon()));
    EXPECT_EQ(error.code, ErrorCode::conflict);
    EXPECT_EQ(count("kept"), 1);
  }
}

TEST_P(RelationalConformance, Large_statements_sent_along_do_not_stall) {
  create("kept", "value TEXT");
  const Value large = std::string(300'000, 'x');
  ASSERT_TRUE(store().write(
      [&](contract::RelationalSession& session) -> Status {
        // Answers as large as the questions: whoever only sends would wait for a peer who only sends.
        for (int round = 0; round < 60; ++round)
          TRIUNE_TRY(session.execute_soon("INSERT INTO kept VALUES(?1) RETURNING value", {&large, 1}, {}));
        return {};
      },
      soon()));
  EXPECT_EQ(count("kept"), 60);
}

class Loading : public RelationalConformance {
 protected:
  Result<std::uint64_t> load(const std::string& table, const std::vector<std::string>& columns,
                             const std::vector<Value>& values) {
    std::uint64_t added = 0;
    TRIUNE_TRY(store().write(
        [&](contract::RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(added, session.load_rows(table, columns, values));
          return {};
        },
        soon()));
    return added;
  }
  /// Enough for an engine's bulk path, and few enough for another one.
  static std::vector<std::int64_t> sizes() { return {0, 1, 3, 500}; }
};

TEST_P(Loading, Loads_rows_with_triggers_and_constraints) {
  const std::string nasty = "od\"d; DROP TABLE log";
  must("CREATE TABLE \"od\"\"d; DROP TABLE log\"(id " + quirks().integer_type + " PRIMARY KEY, name TEXT, score " +
       quirks().double_type + ", data " + quirks().bytes_type + ")" + quirks().table_suffix);
  create("log", "id INTEGER");
  create_trigger("logged", "AFTER INSERT", "\"od\"\"d; DROP TABLE log\"", "INSERT INTO log VALUES(NEW.id)");
  const std::string nasty_text = "t\tab\\N\n\"q\" é";
  const Bytes bytes{std::byte{0}, std::byte{255}, std::byte{92}};
  std::int64_t next = 0;
  for (const std::int64_t size : sizes()) {
    std::vector<Value> values;
    for (std::int64_t row = 0; row < size; ++row, ++next) {
      values.resize(values.size() + 4);
      Value* cells = &values[values.size() - 4];
      if (next % 7 != 0) cells[0] = nasty_text;
      cells[1] = next;
      if (next % 5 != 0) cells[2] = static_cast<double>(next) / 3;
      if (next % 3 != 0) cells[3] = bytes;
    }
    const auto added = load(nasty, {"name", "id", "score", "data"}, values);
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(*added, static_cast<std::uint64_t>(size));
    EXPECT_EQ(count("log"), next);
  }
  const auto row = ask("SELECT id, name, score, data FROM \"od\"\"d; DROP TABLE log\" WHERE id = 400");
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(row->rows[0], (std::vector<Value>{integer(400), Value(nasty_text), Value(), Value(bytes)}));
  EXPECT_EQ(cell("SELECT score FROM \"od\"\"d; DROP TABLE log\" WHERE id = 401"), Value(401.0 / 3));
}

TEST_P(Loading, A_row_that_is_there_already_undoes_the_load) {
  create("kept", "id INTEGER PRIMARY KEY, name TEXT NOT NULL");
  must("INSERT INTO kept VALUES(1, 'one')");
  for (const std::int64_t size : {2, 500}) {
    std::vector<Value> values;
    for (std::int64_t row = 0; row < size; ++row) {
      values.push_back(integer(row));
      values.push_back(text("x"));
    }
    EXPECT_EQ(error_of(load("kept", {"id", "name"}, values)).code, ErrorCode::conflict);
    values.back() = Value();
    values[2] = integer(size);
    EXPECT_EQ(error_of(load("kept", {"id", "name"}, values)).code, ErrorCode::conflict);
    values.back() = Value(std::string("a\0b", 3));
    EXPECT_EQ(error_of(load("kept", {"id", "name"}, values)).code, ErrorCode::invalid_argument);
    EXPECT_FALSE(load("kept", {"id", "missing"}, values));
    EXPECT_FALSE(load("absent", {"id", "name"}, values));
    values.pop_back();
    EXPECT_EQ(error_of(load("kept", {"id", "name"}, values)).code, ErrorCode::invalid_argument);
  }
  EXPECT_EQ(error_of(load("kept", {}, {})).code, ErrorCode::invalid_argument);
  EXPECT_EQ(count("kept"), 1);
}

TEST_P(Loading, A_load_follows_a_change_of_the_table) {
  create("kept", "id INTEGER");
  std::vector<Value> values(500, Value(std::int64_t{7}));
  ASSERT_TRUE(load("kept", {"id"}, values));
  must("DROP TABLE kept");
  create("kept", "more TEXT, id " + quirks().double_type);
  ASSERT_TRUE(load("kept", {"id"}, values));
  EXPECT_EQ(cell("SELECT sum(id) FROM kept"), Value(3500.0));
}

INSTANTIATE_TEST_SUITE_P(Engines, Loading, ::testing::ValuesIn(engines()), engine_name);

TEST_P(RelationalConformance, Two_stores_see_each_others_commits) {
  if (!store().capabilities().shared) GTEST_SKIP() << "one process owns it";
  create("kept", "id INTEGER PRIMARY KEY, count INTEGER");
  must("INSERT INTO kept VALUES(1, 0)");
  auto other = open_another();
  ASSERT_TRUE(other) << other.error().message;
  const auto increments = [](contract::RelationalStore& to) {
    for (int round = 0; round < 50; ++round)
      EXPECT_TRUE(to.write(
          [](contract::RelationalSession& session) -> Status {
            TRIUNE_TRY(session.execute("UPDATE kept SET count = count + 1 WHERE id = 1", {}));
            return {};
          },
          soon()));
  };
  std::thread there([&] { increments(**other); });
  increments(store());
  there.join();
  EXPECT_EQ(cell("SELECT count FROM kept"), integer(100));
  auto session = (*other)->read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  const auto seen = (*session)->query("SELECT count FROM kept", {}, 1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->rows[0][0], integer(100));
}

/// Each locks a row and then wants the other's: the engine ends one of them, and its job runs again.
TEST_P(RelationalConformance, A_job_that_loses_a_deadlock_runs_again) {
  if (!store().capabilities().shared) GTEST_SKIP() << "one writer cannot deadlock";
  create("kept", "id INTEGER PRIMARY KEY, count INTEGER");
  must("INSERT INTO kept VALUES(1, 0), (2, 0)");
  std::atomic<int> locked{0};
  std::atomic<int> runs{0};
  const auto job = [&](std::int64_t first, std::int64_t second) {
    return [&, first, second](contract::RelationalSession& session) -> Status {
      runs.fetch_add(1);
      const char* sql = "UPDATE kept SET count = count + 1 WHERE id = ?1";
      const Value one = first;
      const Value two = second;
      TRIUNE_TRY(session.execute(sql, {&one, 1}));
      locked.fetch_add(1);
      while (locked.load() < 2) std::this_thread::yield();
      TRIUNE_TRY(session.execute(sql, {&two, 1}));
      return {};
    };
  };
  Status there;
  std::thread other([&] { there = store().write(job(2, 1), soon()); });
  const auto here = store().write(job(1, 2), soon());
  other.join();
  EXPECT_TRUE(here) << here.error().message;
  EXPECT_TRUE(there) << there.error().message;
  EXPECT_GE(runs.load(), 3);
  EXPECT_EQ(cell("SELECT sum(count) FROM kept"), integer(4));
}

}  // namespace
}  // namespace triune::conformance
