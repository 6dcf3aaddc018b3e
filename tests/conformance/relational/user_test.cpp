// SQL given by users: what a read session and a write job let through, and what counts as reading.
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

TEST_P(RelationalConformance, Users_read_and_nothing_else) {
  create("kept", "id INTEGER");
  must("CREATE INDEX kept_id ON kept(id)");
  must("INSERT INTO kept VALUES(1)");
  for (const auto& sql : quirks().user.not_reading) {
    const auto error = error_of(ask(sql, {}, contract::ReadScope::user));
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << sql << ": " << error.message;
    EXPECT_FALSE(error.message.empty());
    EXPECT_EQ(error.retry, Retry::never) << sql;
  }
  for (const auto& sql : quirks().user.dangerous) EXPECT_FALSE(ask(sql, {}, contract::ReadScope::user)) << sql;
  for (const auto& sql : quirks().user.reading) {
    const auto rows = ask(sql, {}, contract::ReadScope::user);
    EXPECT_TRUE(rows) << sql << ": " << rows.error().message;
  }
  EXPECT_EQ(cell("SELECT sum(id) FROM kept"), integer(1));
  EXPECT_EQ(error_of(store().describe("made")).code, ErrorCode::not_found);
  auto session = store().read(contract::ReadScope::user, soon());
  ASSERT_TRUE(session);
  EXPECT_EQ(error_of((*session)->execute_script("SELECT 1")).code, ErrorCode::permission_denied);
}

TEST_P(RelationalConformance, The_parser_says_what_only_reads) {
  create("kept", "id INTEGER");
  must("CREATE INDEX kept_id ON kept(id)");
  for (const auto& sql : quirks().user.not_reading) {
    const auto answer = store().is_read_only(sql, soon());
    ASSERT_TRUE(answer) << sql << ": " << answer.error().message;
    EXPECT_FALSE(*answer) << sql;
  }
  for (const auto& sql : quirks().user.dangerous)
    EXPECT_FALSE(store().is_read_only(sql, soon()).value_or(false)) << sql;
  for (const char* sql :
       {"SELECT 1", "SELECT * FROM kept -- INSERT", "/* DELETE */ SELECT 'DROP TABLE kept' AS \"DELETE\"",
        "WITH x AS (SELECT 1) SELECT * FROM x", "VALUES(1), (2)", "EXPLAIN SELECT 1", "SELECT ?1"}) {
    EXPECT_TRUE(store().is_read_only(sql, soon()).value_or(false)) << sql;
  }
}

TEST_P(RelationalConformance, Users_cannot_exhaust_the_parser) {
  std::string deep = "1";
  for (int depth = 0; depth < 5000; ++depth) deep.insert(0, "(").append("+1)");
  EXPECT_FALSE(ask("SELECT " + deep, {}, contract::ReadScope::user));
  std::string wide = "SELECT 1";
  for (int part = 0; part < 2000; ++part) wide += " UNION ALL SELECT 1";
  const auto answer = ask(wide, {}, contract::ReadScope::user);  // an engine may be able to
  if (answer) {
    EXPECT_EQ(answer->rows.size(), 2001U);
  }
  for (const auto& sql : quirks().user.exhausting) EXPECT_FALSE(ask(sql, {}, contract::ReadScope::user)) << sql;
  EXPECT_EQ(cell("SELECT 1"), integer(1));
}

class ProtectedTables : public RelationalConformance {
 protected:
  void SetUp() override {
    RelationalConformance::SetUp();
    create("kept", "id INTEGER PRIMARY KEY, name TEXT");
    create("triune_log", "entry INTEGER, id INTEGER");
    create("triune_head", "id INTEGER PRIMARY KEY");
    create("triune_detail", "id INTEGER REFERENCES triune_head(id) ON DELETE CASCADE");
    must("CREATE INDEX triune_by_id ON triune_log(id)");
    must("CREATE VIEW triune_seen AS SELECT * FROM kept");
    create_trigger("triune_kept_insert", "AFTER INSERT", "kept", "INSERT INTO triune_log(id) VALUES(NEW.id)");
    create_trigger("triune_kept_delete", "AFTER DELETE", "kept", "DELETE FROM triune_head WHERE id = OLD.id");
    must("INSERT INTO kept VALUES(1, 'one')");
    must("INSERT INTO triune_head VALUES(1)");
    must("INSERT INTO triune_detail VALUES(1)");
  }
};

TEST_P(ProtectedTables, Users_write_their_own_tables) {
  const auto inserted =
      run_user("INSERT INTO kept VALUES(?1, ?2), (3, 'three') RETURNING id, name", {integer(2), text("two")});
  ASSERT_TRUE(inserted) << inserted.error().message;
  EXPECT_EQ(inserted->columns, (std::vector<std::string>{"id", "name"}));
  EXPECT_EQ(inserted->rows.size(), 2U);
  EXPECT_EQ(count("triune_log"), 3) << "Triune's trigger writes what the user may not";
  for (const auto& sql : quirks().user.own_tables) {
    const auto done = run_user(sql);
    EXPECT_TRUE(done) << sql << ": " << done.error().message;
  }
  EXPECT_EQ(cell("SELECT count(*) FROM kept WHERE name LIKE 'by %'"), integer(3));
}

TEST_P(ProtectedTables, Triggers_and_cascades_of_triune_reach_its_tables) {
  const auto deleted = run_user("DELETE FROM kept WHERE id = 1");
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_EQ(count("triune_head"), 0);
  EXPECT_EQ(count("triune_detail"), 0);
}

TEST_P(ProtectedTables, Full_text_tables_of_triune_are_kept_by_its_triggers) {
  if (store().capabilities().dialect != contract::Dialect::sqlite) GTEST_SKIP() << "no tables made for it";
  must("CREATE VIRTUAL TABLE triune_words USING fts5(body)");
  must(
      "CREATE TRIGGER triune_words_insert AFTER INSERT ON kept BEGIN INSERT INTO triune_words(rowid, body) "
      "VALUES(NEW.id, NEW.name); END");
  const auto inserted = run_user("INSERT INTO kept VALUES(5, 'a searched word')");
  ASSERT_TRUE(inserted) << inserted.error().message;
  const auto found =
      ask("SELECT rowid FROM triune_words WHERE triune_words MATCH 'searched'", {}, contract::ReadScope::user);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->rows.size(), 1U);
  for (const char* sql : {"INSERT INTO triune_words VALUES('x')",
                          "INSERT INTO triune_words(triune_words) VALUES('delete-all')", "DROP TABLE triune_words"})
    EXPECT_EQ(error_of(run_user(sql)).code, ErrorCode::permission_denied) << sql;
}

TEST_P(ProtectedTables, Users_cannot_touch_what_is_triunes) {
  for (const auto& sql : quirks().user.triunes) {
    const auto error = error_of(run_user(sql));
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << sql << ": " << error.message;
  }
  for (const auto& sql : quirks().user.dangerous) EXPECT_FALSE(run_user(sql)) << sql;
  for (const auto& sql : quirks().user.refused) EXPECT_FALSE(run_user(sql)) << sql;
  EXPECT_FALSE(run_user("DELETE FROM kept; DELETE FROM triune_log"));
  EXPECT_EQ(count("triune_log"), 1);
  EXPECT_EQ(cell("SELECT id FROM triune_log"), integer(1));
  for (const char* name : {"mine", "triune_mine"})
    EXPECT_EQ(error_of(store().describe(name)).code, ErrorCode::not_found) << name;
}

TEST_P(ProtectedTables, Definitions_by_users_cannot_touch_what_is_triunes) {
  for (const auto& sql : quirks().user.sneaky) {
    const auto defined = run_user(sql);
    const auto denied = defined ? run_user("UPDATE kept SET name = 'x'") : defined;
    EXPECT_EQ(error_of(denied).code, ErrorCode::permission_denied) << sql;
  }
  EXPECT_EQ(count("triune_log"), 1);
}

TEST_P(ProtectedTables, Views_are_no_door_to_what_is_triunes) {
  ASSERT_TRUE(run_user("CREATE VIEW door AS SELECT * FROM triune_log"));
  ASSERT_TRUE(run_user("CREATE VIEW porch AS SELECT * FROM door"));
  for (const char* sql :
       {"INSERT INTO porch VALUES(7)", "DELETE FROM porch", "UPDATE door SET id = 7", "DELETE FROM \"door\"",
        "CREATE TRIGGER through INSTEAD OF INSERT ON door BEGIN DELETE FROM triune_log; END; DELETE FROM door"})
    EXPECT_FALSE(run_user(sql)) << sql;
  EXPECT_EQ(cell("SELECT id FROM triune_log"), integer(1));
}

TEST_P(ProtectedTables, A_refused_statement_of_a_user_leaves_the_rest_of_the_job) {
  EXPECT_TRUE(store().write(
      [](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(2, 'two')", {}));
        EXPECT_FALSE(session.execute_user("DELETE FROM triune_log", {}, 1));
        EXPECT_FALSE(session.execute_user("INSERT INTO kept VALUES(3, 'three'), (1, 'one')", {}, 1));
        EXPECT_FALSE(session.execute_user("SELECT missing FROM absent", {}, 1));
        EXPECT_TRUE(session.execute_user("INSERT INTO kept VALUES(4, 'four')", {}, 1));
        return {};
      },
      soon()));
  EXPECT_EQ(cell("SELECT sum(id) FROM kept"), integer(7));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Engines, ProtectedTables, ::testing::ValuesIn(engines()), engine_name);

}  // namespace triune::conformance
