// What a hive on PostgreSQL makes of an existing SQLite database: types, definitions, and what stays behind by name.
#include <algorithm>
#include <array>

#include "integration/migration_fixture.h"

namespace triune::testing {
namespace {

class MigrationServer : public MigrationTest {
 protected:
  void SetUp() override {
    if (!on_postgres()) GTEST_SKIP() << "of hives on PostgreSQL";
  }

  static const legacy::TablePlan& table(const legacy::Plan& plan, const std::string& name) {
    return *std::find_if(plan.tables.begin(), plan.tables.end(), [&](const auto& one) { return one.name == name; });
  }
  static std::string types(const legacy::Plan& plan, const std::string& name) {
    std::string text;
    for (const auto& type : table(plan, name).types) {
      text += (text.empty() ? "" : ", ") + type.column + " " + type.type + " of";
      for (const auto& held : type.holds) text += " " + held;
    }
    return text;
  }
  /// What the old program is answered, spelled as `rows` does.
  static std::string answer(const ForeignProgram& program, const std::string& sql) {
    std::string text;
    const auto collect = [](void* to, int count, char** cells, char**) {
      auto& lines = *static_cast<std::string*>(to);
      for (int i = 0; i < count; ++i) lines += (i == 0 ? "" : "|") + std::string(cells[i] == nullptr ? "" : cells[i]);
      lines += "\n";
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(program.handle(), sql.c_str(), collect, &text, nullptr), SQLITE_OK) << sql;
    return text;
  }
  /// The reason why something stays behind; empty when it does not.
  static std::string reason(const std::vector<legacy::LeftOut>& all, const std::string& name) {
    for (const auto& one : all)
      if (one.name == name) return one.kind + ": " + one.reason;
    return {};
  }
};

TEST_F(MigrationServer, GivesColumnsTypesThatKeepEveryValue) {
  make(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, price DECIMAL(9,2), code INTEGER, any_thing, odd TEXT, later DATETIME, "
      "big REAL);"
      "INSERT INTO t VALUES (1, 2, 17, x'00ff', CAST(x'610062' AS TEXT), NULL, -0.0),"
      " (2, 2.5, 'unknown', 'text', 'plain', NULL, 9e999), (3, NULL, '12a', 1.5, CAST(x'fffe' AS TEXT), NULL, 1e300),"
      " (9223372036854775807, -7, -5, 'x', '', NULL, 5e-324)");
  const auto plan = planned();
  EXPECT_EQ(types(plan, "t"),
            "id bigint of integer, price double precision of integer real, code text of integer text, "
            "any_thing text of real text blob, odd bytea of text, later text of text, big double precision of real");
  const auto report = applied(plan);
  EXPECT_EQ(report.state, "finished") << differences(report.verification);
  EXPECT_EQ(report.verification.tables.at(0).before.rows, 4U);
  EXPECT_EQ(rows("SELECT id, price, code, any_thing FROM t ORDER BY id LIMIT 3"),
            "1|2.0|17|\\x00ff\n2|2.5|unknown|text\n3||12a|1.5\n");
  EXPECT_EQ(rows("SELECT count(*) FROM t WHERE price > 1.5 AND id = 1"), "1\n");
}

TEST_F(MigrationServer, NamesColumnsThatItCannotKeepAndLeavesTheirTablesBehind) {
  make(
      "CREATE TABLE fine(id INTEGER PRIMARY KEY); CREATE TABLE twofold(a); INSERT INTO twofold VALUES (1), ('1');"
      "CREATE TABLE zero(a); INSERT INTO zero VALUES (1), (CAST(x'6100' AS TEXT));"
      "CREATE TABLE system(xmin); CREATE TABLE " +
      std::string(64, 'n') + "(a)");
  const auto plan = planned();
  EXPECT_TRUE(table(plan, "fine").copy);
  for (const std::string name : {"twofold", "zero", "system"}) EXPECT_FALSE(table(plan, name).copy) << name;
  EXPECT_NE(reason(plan.left_out, "twofold.a").find("CAST"), std::string::npos) << reason(plan.left_out, "twofold.a");
  EXPECT_NE(reason(plan.left_out, "zero.a").find("NUL"), std::string::npos) << reason(plan.left_out, "zero.a");
  EXPECT_NE(reason(plan.left_out, "system.xmin").find("rename"), std::string::npos);
  EXPECT_NE(reason(plan.left_out, std::string(64, 'n')).find("63 bytes"), std::string::npos);
  auto forced = plan;
  for (auto& one : forced.tables) one.copy = true;
  EXPECT_NE(refused(forced).message.find("\"definition\""), std::string::npos);
  EXPECT_EQ(applied(plan).state, "finished");
}

TEST_F(MigrationServer, RefusesAPlanForADirectory) {
  make("CREATE TABLE t(a)");
  auto plan = planned();
  plan.target = legacy::to_directory;
  const auto error = refused(plan);
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("--hive"), std::string::npos) << error.message;
}

TEST_F(MigrationServer, KeepsKeysDefaultsAndConstraintsAndGoesOnCounting) {
  make(
      "PRAGMA foreign_keys = OFF; CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE COLLATE "
      "NOCASE, made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, n INT DEFAULT -3, note TEXT DEFAULT 'it''s');"
      "CREATE TABLE orders(id INTEGER PRIMARY KEY, user INTEGER REFERENCES users ON DELETE CASCADE, total REAL CHECK "
      "(total >= 0 AND total < 1e6), UNIQUE(user, total));"
      "CREATE TABLE tags(user INT, tag TEXT, PRIMARY KEY(user, tag)) WITHOUT ROWID;"
      "CREATE INDEX by_total ON orders(total DESC); CREATE INDEX some ON orders(total) WHERE total > 5;"
      "INSERT INTO users(email) VALUES ('Ada@x'), ('bob@x'), ('gone@x'); DELETE FROM users WHERE id = 3;"
      "PRAGMA ignore_check_constraints = ON; INSERT INTO orders VALUES (1, 1, 5.5), (2, 404, -1.0);"
      "INSERT INTO tags VALUES (1, 'a'), (1, 'b')");
  const auto plan = planned();
  const auto report = applied(plan);
  EXPECT_EQ(report.state, "finished") << differences(report.verification);
  EXPECT_NE(reason(report.left_out, "index some").find("part of the rows"), std::string::npos);
  EXPECT_NE(reason(report.left_out, "users").find("collation"), std::string::npos);
  for (const auto& one : report.left_out) EXPECT_NE(one.kind, "refused by the server") << one.name << one.reason;
  EXPECT_EQ(rows("INSERT INTO users(email) VALUES ('new@x') RETURNING id, n, note, length(made)"), "4|-3|it's|19\n");
  EXPECT_EQ(hive().sql("INSERT INTO users(email) VALUES ('ADA@X')").error().code, ErrorCode::conflict);
  EXPECT_EQ(hive().sql("INSERT INTO orders VALUES (3, 1, -1)").error().code, ErrorCode::conflict);
  EXPECT_EQ(hive().sql("INSERT INTO orders VALUES (3, 99, 1)").error().code, ErrorCode::conflict);
  EXPECT_EQ(hive().sql("INSERT INTO orders VALUES (3, 1, 5.5)").error().code, ErrorCode::conflict);
  EXPECT_EQ(hive().sql("INSERT INTO tags VALUES (1, 'b')").error().code, ErrorCode::conflict);
  ASSERT_TRUE(hive().sql("DELETE FROM users WHERE id = 1"));
  EXPECT_EQ(rows("SELECT id FROM orders"), "2\n");
  EXPECT_EQ(objects_called("by_total"), "1\n");
}

TEST_F(MigrationServer, TranslatesViewsThatMeanTheSameAndNamesTheOthers) {
  make(
      "CREATE TABLE Orders(Id INTEGER PRIMARY KEY, total REAL); INSERT INTO Orders VALUES (1, 2.5), (2, 4.0);"
      "CREATE VIEW large AS SELECT o.id, total AS Amount FROM orders o WHERE total > 3 ORDER BY id;"
      "CREATE VIEW sums AS SELECT count(*) AS n, sum(amount) AS s FROM large;"
      "CREATE VIEW dated AS SELECT strftime('%Y', id) FROM orders;"
      "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM orders WHERE id < 0; END");
  const auto report = applied(planned());
  EXPECT_EQ(report.state, "finished") << differences(report.verification);
  EXPECT_EQ(rows("SELECT \"Id\", \"Amount\" FROM large"), "2|4.0\n");
  EXPECT_EQ(rows("SELECT n, s FROM sums"), "1|4.0\n");
  EXPECT_NE(reason(report.left_out, "dated").find("strftime() is SQLite's"), std::string::npos)
      << reason(report.left_out, "dated");
  EXPECT_NE(reason(report.left_out, "t").find("trigger"), std::string::npos);
}

TEST_F(MigrationServer, ReportsWhatTheServerRefusesAndGoesOn) {
  make("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x')");
  auto plan = planned();
  plan.statements.push_back({.name = "view broken", .sql = "CREATE VIEW broken AS SELECT julianday(a) FROM t"});
  plan.statements.push_back({.name = "view mine", .sql = "CREATE VIEW mine AS SELECT a FROM t"});
  const auto report = applied(plan);
  EXPECT_EQ(report.state, "finished");
  EXPECT_NE(reason(report.left_out, "view broken").find("julianday"), std::string::npos);
  EXPECT_EQ(rows("SELECT a FROM mine"), "x\n");
  EXPECT_EQ(rows("SELECT count(*) FROM triune_relocation_audit WHERE event = 'refused view broken'"), "1\n");
  ASSERT_TRUE(taken_back());
  EXPECT_EQ(objects_called("mine"), "0\n");
}

TEST_F(MigrationServer, StopsAtRowsThatNoLongerFitTheTypesOfThePlan) {
  make("CREATE TABLE t(id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 1)");
  const auto plan = planned();
  make("INSERT INTO t VALUES (2, 'two')");
  auto options = approved();
  options.accept_changes = true;
  const auto error = refused(plan, options);
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("t.n holds two"), std::string::npos) << error.message;
  ASSERT_TRUE(taken_back());
  EXPECT_EQ(objects_called("t"), "0\n");
}

TEST_F(MigrationServer, TellsForgedRowsOfTablesWithoutAKey) {
  make("CREATE TABLE t(a, b TEXT);" + numbers(3000) + "INSERT INTO t SELECT i, 'text ' || i FROM n;" + numbers(10) +
       "INSERT INTO t SELECT 7, 'same' FROM n");
  const auto plan = planned();
  auto options = approved();
  options.stop_after = "copy";
  applied(plan, options);
  ASSERT_TRUE(hive().sql("UPDATE t SET b = 'forged' WHERE a = 1234"));
  ASSERT_TRUE(hive().sql("INSERT INTO t VALUES (7, 'same')"));
  options.stop_after.clear();
  const auto report = applied(plan, options);
  EXPECT_EQ(report.state, "running");
  const auto found = differences(report.verification);
  EXPECT_NE(found.find("missing a 1234\n"), std::string::npos) << found;
  EXPECT_NE(found.find("extra a 1234\n"), std::string::npos) << found;
  EXPECT_NE(found.find("extra a 7\n"), std::string::npos) << found;
}

/// The program's statements: the same answers, or an error of PostgreSQL that says why.
TEST_F(MigrationServer, AnswersRecordedStatementsAlikeOrSaysWhyNot) {
  make(
      "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, balance DECIMAL(9,2)); CREATE TABLE orders(id INTEGER "
      "PRIMARY KEY, buyer INTEGER REFERENCES users(id), placed DATETIME, total REAL);" +
      numbers(80) + "INSERT INTO users SELECT i, 'User ' || i, i * 1.25 FROM n;" + numbers(700) +
      "INSERT INTO orders SELECT i, 1 + i * 31 % 80, datetime('2024-01-01', '+' || i || ' hours'), i * 37 % 100 + 0.5 "
      "FROM n");
  ASSERT_EQ(applied(planned()).state, "finished");
  constexpr std::array<const char*, 14> shared{
      "SELECT * FROM orders ORDER BY id",
      "SELECT id, name FROM users ORDER BY name DESC LIMIT 7 OFFSET 2",
      "SELECT u.name, o.id, o.total FROM users u JOIN orders o ON o.buyer = u.id WHERE o.total > 95 ORDER BY o.id",
      "SELECT u.id, count(o.id) FROM users u LEFT JOIN orders o ON o.buyer = u.id GROUP BY u.id ORDER BY 1",
      "SELECT min(placed), max(placed), sum(total) FROM orders",
      "SELECT id, rank() OVER (ORDER BY total DESC, id) FROM orders ORDER BY 2 LIMIT 10",
      "WITH RECURSIVE d(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM d WHERE n < 5) SELECT n FROM d",
      "SELECT CASE WHEN total > 50 THEN 'big' ELSE 'small' END AS size, count(*) FROM orders GROUP BY 1 ORDER BY 1",
      "SELECT name FROM users WHERE id IN (SELECT buyer FROM orders WHERE total > 98) ORDER BY name",
      "SELECT id FROM users WHERE coalesce(balance, 0) > 90 ORDER BY id",
      "SELECT upper(name), length(name) FROM users WHERE id % 20 = 0 ORDER BY id",
      "SELECT placed FROM orders WHERE placed BETWEEN '2024-01-02' AND '2024-01-03' ORDER BY placed",
      "SELECT buyer FROM orders WHERE total > 90 EXCEPT SELECT id FROM users WHERE id < 40 ORDER BY 1",
      "SELECT name FROM users WHERE name = 'user 1'"};
  ForeignProgram program(source());
  for (const char* sql : shared) EXPECT_EQ(rows(sql), answer(program, sql)) << sql;
  for (const char* sql : {"SELECT name FROM users WHERE name GLOB 'User 1*'", "SELECT rowid FROM users",
                          "SELECT strftime('%Y', placed) FROM orders", "REPLACE INTO users(id) VALUES (1)"}) {
    const auto refused = hive().sql(sql);
    ASSERT_FALSE(refused) << sql;
    EXPECT_FALSE(refused.error().message.empty()) << sql;
  }
}

}  // namespace
}  // namespace triune::testing
