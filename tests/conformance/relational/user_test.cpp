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

/// Statements that must never pass as reading, those included that fool an engine's own "is it read-only" call.
const std::vector<std::string>& not_reading() {
  static const std::vector<std::string> statements{
      "INSERT INTO kept VALUES(1)",
      "UPDATE kept SET id = 2",
      "DELETE FROM kept",
      "REPLACE INTO kept VALUES(1)",
      "WITH x AS (SELECT 1) INSERT INTO kept SELECT * FROM x",
      "INSERT INTO kept VALUES(1) RETURNING id",
      "DROP TABLE kept",
      "CREATE TABLE made(id INTEGER)",
      "CREATE TEMP TABLE made(id INTEGER)",
      "CREATE TEMP VIEW made AS SELECT 1",
      "CREATE TEMP TRIGGER made AFTER INSERT ON kept BEGIN SELECT 1; END",
      "CREATE VIRTUAL TABLE made USING fts5(x)",
      "CREATE INDEX made ON kept(id)",
      "ALTER TABLE kept RENAME TO made",
      "PRAGMA writable_schema = 1",
      "PRAGMA query_only = OFF",
      "PRAGMA journal_mode = DELETE",
      "PRAGMA synchronous = OFF",
      "PRAGMA foreign_keys = OFF",
      "PRAGMA trusted_schema = ON",
      "PRAGMA user_version = 7",
      "PRAGMA wal_checkpoint(TRUNCATE)",
      "PRAGMA temp_store_directory = '/tmp'",
      "PRAGMA cache_size = 1000000000",
      "PRAGMA mmap_size = 1000000000",
      "PRAGMA key = 'x'",
      "PRAGMA rekey = 'x'",
      "PRAGMA optimize",
      "PRAGMA incremental_vacuum",
      "ATTACH ':memory:' AS other",
      "ATTACH 'other.db' AS other",
      "DETACH main",
      "VACUUM",
      "VACUUM INTO 'copy.db'",
      "ANALYZE",
      "REINDEX",
      "BEGIN",
      "COMMIT",
      "SAVEPOINT x",
      "ROLLBACK",
      "EXPLAIN DELETE FROM kept",
      "SELECT sqlite3mc_config('cipher')",
      "SELECT hex(sqlite3mc_codec_data('cipher_salt'))",
  };
  return statements;
}

/// Functions that engines' shells and builds may have; here they must be refused or be unknown.
const std::vector<std::string>& dangerous() {
  static const std::vector<std::string> statements{
      "SELECT load_extension('x')",        "SELECT readfile('/etc/passwd')",
      "SELECT writefile('made', 'x')",     "SELECT edit('x')",
      "SELECT fts3_tokenizer('simple')",   "SELECT * FROM fsdir('/')",
      "SELECT * FROM zipfile('x')",        "SELECT * FROM csv",
      "UPDATE sqlite_schema SET sql = ''", "INSERT INTO sqlite_master VALUES(1)",
      "DELETE FROM sqlite_schema",
  };
  return statements;
}

TEST_P(RelationalConformance, Users_read_and_nothing_else) {
  create("kept", "id INTEGER");
  must("CREATE INDEX kept_id ON kept(id)");
  must("INSERT INTO kept VALUES(1)");
  for (const auto& sql : not_reading()) {
    const auto error = error_of(ask(sql, {}, contract::ReadScope::user));
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << sql << ": " << error.message;
    EXPECT_FALSE(error.message.empty());
    EXPECT_EQ(error.retry, Retry::never) << sql;
  }
  for (const auto& sql : dangerous()) EXPECT_FALSE(ask(sql, {}, contract::ReadScope::user)) << sql;
  for (const char* sql :
       {"SELECT id FROM kept",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n", "VALUES(1)",
        "EXPLAIN QUERY PLAN SELECT * FROM kept", "SELECT count(*) FROM kept a JOIN kept b USING(id)",
        "SELECT json_extract('{\"a\":1}', '$.a'), upper('x'), round(1.5)", "SELECT name FROM sqlite_schema",
        "SELECT name FROM pragma_table_info('kept')", "PRAGMA table_info(kept)",
        "SELECT value FROM json_each('[1,2]')"}) {
    const auto rows = ask(sql, {}, contract::ReadScope::user);
    EXPECT_TRUE(rows) << sql << ": " << rows.error().message;
  }
  EXPECT_EQ(cell("SELECT sum(id) FROM kept"), integer(1));
  EXPECT_EQ(cell("SELECT count(*) FROM sqlite_schema"), integer(2));
  auto session = store().read(contract::ReadScope::user, soon());
  ASSERT_TRUE(session);
  EXPECT_EQ(error_of((*session)->execute_script("SELECT 1")).code, ErrorCode::permission_denied);
}

TEST_P(RelationalConformance, The_parser_says_what_only_reads) {
  create("kept", "id INTEGER");
  must("CREATE INDEX kept_id ON kept(id)");
  for (const auto& sql : not_reading()) {
    const auto answer = store().is_read_only(sql);
    ASSERT_TRUE(answer) << sql << ": " << answer.error().message;
    EXPECT_FALSE(*answer) << sql;
  }
  for (const auto& sql : dangerous()) EXPECT_FALSE(store().is_read_only(sql).value_or(false)) << sql;
  for (const char* sql :
       {"SELECT 1", "SELECT * FROM kept -- INSERT", "/* DELETE */ SELECT 'DROP TABLE kept' AS \"DELETE\"",
        "WITH x AS (SELECT 1) SELECT * FROM x", "VALUES(1), (2)", "EXPLAIN SELECT 1", "SELECT ?1"}) {
    EXPECT_TRUE(store().is_read_only(sql).value_or(false)) << sql;
  }
}

TEST_P(RelationalConformance, Users_cannot_exhaust_the_parser) {
  std::string deep = "1";
  for (int depth = 0; depth < 5000; ++depth) deep = "(" + deep + "+1)";
  EXPECT_FALSE(ask("SELECT " + deep, {}, contract::ReadScope::user));
  std::string wide = "SELECT 1";
  for (int part = 0; part < 2000; ++part) wide += " UNION ALL SELECT 1";
  EXPECT_FALSE(ask(wide, {}, contract::ReadScope::user));
  EXPECT_FALSE(ask("SELECT length(zeroblob(1000000000))", {}, contract::ReadScope::user));
  EXPECT_FALSE(ask("SELECT printf('%.1000000000c', 'x')", {}, contract::ReadScope::user));
  EXPECT_EQ(cell("SELECT 1"), integer(1));
}

class ProtectedTables : public RelationalConformance {
 protected:
  void SetUp() override {
    RelationalConformance::SetUp();
    create("kept", "id INTEGER PRIMARY KEY, name TEXT");
    create("triune_log", "entry INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER");
    create("triune_detail", "id INTEGER REFERENCES triune_head(id) ON DELETE CASCADE");
    create("triune_head", "id INTEGER PRIMARY KEY");
    must("CREATE INDEX triune_by_id ON triune_log(id)");
    must("CREATE VIEW triune_seen AS SELECT * FROM kept");
    must("CREATE TRIGGER triune_kept_insert AFTER INSERT ON kept BEGIN INSERT INTO triune_log(id) VALUES(NEW.id); END");
    must("CREATE TRIGGER triune_kept_delete AFTER DELETE ON kept BEGIN DELETE FROM triune_head WHERE id = OLD.id; END");
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
  for (const char* sql :
       {"UPDATE kept SET name = 'x' WHERE id = 2",
        "INSERT INTO kept VALUES(2, 'y') ON CONFLICT(id) DO UPDATE SET name = 'z'",
        "CREATE TABLE mine(id INTEGER PRIMARY KEY, kept INTEGER REFERENCES kept(id))",
        "CREATE INDEX mine_kept ON mine(kept)",
        "CREATE VIEW seen AS SELECT * FROM triune_log",
        "SELECT * FROM triune_log",
        "CREATE TRIGGER mine_insert AFTER INSERT ON mine BEGIN UPDATE kept SET name = 'by trigger'; END",
        "INSERT INTO mine VALUES(1, 1)",
        "ALTER TABLE mine ADD COLUMN extra TEXT",
        "ALTER TABLE mine RENAME COLUMN extra TO more",
        "ALTER TABLE mine RENAME TO ours",
        "ANALYZE ours",
        "REINDEX ours",
        "CREATE TABLE copied AS SELECT * FROM triune_log",
        "DROP TRIGGER mine_insert",
        "DROP VIEW seen",
        "DROP INDEX mine_kept",
        "DROP TABLE ours",
        "CREATE VIRTUAL TABLE texts USING fts5(body)",
        "INSERT INTO texts VALUES('some words')",
        "DROP TABLE texts"}) {
    const auto done = run_user(sql);
    EXPECT_TRUE(done) << sql << ": " << done.error().message;
  }
  EXPECT_EQ(cell("SELECT DISTINCT name FROM kept"), text("by trigger"));
}

TEST_P(ProtectedTables, Triggers_and_cascades_of_triune_reach_its_tables) {
  const auto deleted = run_user("DELETE FROM kept WHERE id = 1");
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_EQ(count("triune_head"), 0);
  EXPECT_EQ(count("triune_detail"), 0);
}

TEST_P(ProtectedTables, Full_text_tables_of_triune_are_kept_by_its_triggers) {
  if (!store().capabilities().full_text) GTEST_SKIP() << "no full text";
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
  for (const char* sql : {"INSERT INTO triune_log(id) VALUES(7)",
                          "UPDATE triune_log SET id = 7",
                          "DELETE FROM triune_log",
                          "DELETE FROM main.triune_log",
                          "DELETE FROM \"TRIUNE_LOG\"",
                          "REPLACE INTO triune_log VALUES(1, 7)",
                          "WITH x AS (SELECT 7) INSERT INTO triune_log(id) SELECT * FROM x",
                          "UPDATE triune_log SET id = 7 RETURNING id",
                          "UPDATE triune_log SET id = k.id FROM kept k",
                          "DROP TABLE triune_log",
                          "DROP INDEX triune_by_id",
                          "DROP VIEW triune_seen",
                          "DROP TRIGGER triune_kept_insert",
                          "DROP TABLE kept",
                          "ALTER TABLE triune_log RENAME TO mine",
                          "ALTER TABLE triune_log ADD COLUMN extra TEXT",
                          "ALTER TABLE triune_log DROP COLUMN id",
                          "ALTER TABLE kept RENAME TO triune_kept",
                          "ALTER TABLE kept RENAME TO Triune_kept",
                          "CREATE TABLE triune_mine(id INTEGER)",
                          "CREATE TABLE IF NOT EXISTS triune_mine(id INTEGER)",
                          "CREATE VIEW triune_view AS SELECT 1",
                          "CREATE INDEX triune_index ON kept(name)",
                          "CREATE INDEX mine ON triune_log(id)",
                          "CREATE TRIGGER mine AFTER INSERT ON triune_log BEGIN SELECT 1; END",
                          "CREATE TRIGGER triune_mine AFTER INSERT ON kept BEGIN SELECT 1; END",
                          "CREATE VIRTUAL TABLE triune_words USING fts5(x)",
                          "CREATE TEMP TABLE kept(id INTEGER)",
                          "CREATE TABLE temp.kept(id INTEGER)",
                          "CREATE TEMP VIEW kept AS SELECT 1",
                          "CREATE TEMP TRIGGER mine AFTER INSERT ON kept BEGIN SELECT 1; END",
                          "CREATE VIRTUAL TABLE temp.kept USING fts5(x)",
                          "PRAGMA foreign_keys = OFF",
                          "PRAGMA defer_foreign_keys = ON",
                          "PRAGMA recursive_triggers = ON",
                          "PRAGMA writable_schema = ON",
                          "ATTACH ':memory:' AS other",
                          "DETACH main"}) {
    const auto error = error_of(run_user(sql));
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << sql << ": " << error.message;
  }
  for (const auto& sql : dangerous()) EXPECT_FALSE(run_user(sql)) << sql;
  EXPECT_FALSE(run_user("VACUUM"));
  EXPECT_FALSE(run_user("VACUUM INTO 'copy.db'"));
  EXPECT_FALSE(run_user("DELETE FROM kept; DELETE FROM triune_log"));
  EXPECT_EQ(count("triune_log"), 1);
  EXPECT_EQ(cell("SELECT id FROM triune_log"), integer(1));
  EXPECT_EQ(cell("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%mine%'"), integer(0));
}

TEST_P(ProtectedTables, Triggers_made_by_users_cannot_touch_what_is_triunes) {
  ASSERT_TRUE(run_user("CREATE TRIGGER sneaky AFTER UPDATE ON kept BEGIN DELETE FROM triune_log; END"));
  EXPECT_EQ(error_of(run_user("UPDATE kept SET name = 'x'")).code, ErrorCode::permission_denied);
  ASSERT_TRUE(run_user("CREATE VIEW door AS SELECT 1 AS id"));
  ASSERT_TRUE(run_user("CREATE TRIGGER through INSTEAD OF INSERT ON door BEGIN DELETE FROM triune_log; END"));
  EXPECT_EQ(error_of(run_user("INSERT INTO door VALUES(1)")).code, ErrorCode::permission_denied);
  EXPECT_EQ(count("triune_log"), 1);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Engines, ProtectedTables, ::testing::ValuesIn(engines()), engine_name);

}  // namespace triune::conformance
