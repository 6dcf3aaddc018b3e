// The application's SQL goes on: the same statements on the old file and on the hive give the same answers.
#include <array>

#include "integration/migration_fixture.h"

namespace triune::testing {
namespace {

class MigrationSql : public MigrationTest {
 protected:
  void SetUp() override {
    make(
        "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE COLLATE NOCASE, born DATE, "
        "settings TEXT DEFAULT '{}', balance DECIMAL(9,2) CHECK (balance >= 0));"
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, "
        "placed DATETIME, total REAL, total_cents INT AS (CAST(round(total * 100) AS INT)));"
        "CREATE TABLE tags(user INTEGER, tag TEXT, PRIMARY KEY(user, tag)) WITHOUT ROWID;"
        "CREATE TABLE log(at, what);"
        "CREATE INDEX orders_user ON orders(user); CREATE INDEX big ON orders(total) WHERE total > 50;"
        "CREATE VIEW spending AS SELECT u.email, sum(o.total) AS total FROM users u LEFT JOIN orders o ON o.user = "
        "u.id "
        "GROUP BY u.id;"
        "CREATE TRIGGER ordered AFTER INSERT ON orders BEGIN INSERT INTO log VALUES (new.placed, 'order ' || new.id); "
        "END;"
        "CREATE TRIGGER spent INSTEAD OF UPDATE ON spending BEGIN INSERT INTO log VALUES (0, old.email); END;" +
        numbers(80) +
        "INSERT INTO users(email, born, settings, balance) SELECT 'User' || i || '@Example.org', date('1970-01-01', "
        "'+' || "
        "i * 97 || ' days'), json_object('theme', CASE i % 3 WHEN 0 THEN 'dark' ELSE 'light' END, 'n', json_array(i, i "
        "+ 1)), i * 1.25 FROM n;" +
        numbers(700) +
        "INSERT INTO orders(user, placed, total) SELECT 1 + i * 31 % 80, datetime('2024-01-01', '+' || i || ' hours'), "
        "i * 37 % 100 + 0.5 FROM n;" +
        numbers(200) + "INSERT OR IGNORE INTO tags SELECT 1 + i % 80, 'tag ' || (i * 7 % 11) FROM n");
  }

  /// The answer of the old program, spelled as `rows` spells the hive's.
  static std::string old_rows(const ForeignProgram& program, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(program.handle(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return "error";
    std::string text;
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
      for (int i = 0; i < sqlite3_column_count(statement); ++i)
        text += (i == 0 ? "" : "|") + to_text(value(statement, i));
      text += "\n";
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? text : "error";
  }

  static Value value(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, column)};
      case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
      case SQLITE_TEXT: return std::string(reinterpret_cast<const char*>(sqlite3_column_text(statement, column)));
      default: return Null{};
    }
  }

  std::string new_rows(const std::string& sql) { return hive().sql(sql) ? rows(sql) : "error"; }
};

constexpr std::array<const char*, 24> reads{
    "SELECT * FROM users ORDER BY id",
    "SELECT id, email FROM users WHERE email = 'user7@example.ORG'",
    "SELECT email FROM users WHERE email LIKE 'user1%' ORDER BY email DESC",
    "SELECT email FROM users WHERE email GLOB 'User[12]?@*' ORDER BY id",
    "SELECT strftime('%Y', born) AS year, count(*), avg(balance) FROM users GROUP BY year ORDER BY year",
    "SELECT date(born, '+1 month', 'start of month'), julianday(born) FROM users WHERE id < 5 ORDER BY id",
    "SELECT settings ->> '$.theme', settings -> '$.n' FROM users ORDER BY id LIMIT 9",
    "SELECT json_extract(settings, '$.n[1]'), count(*) FROM users GROUP BY 1 ORDER BY 1 LIMIT 5",
    "SELECT u.id, e.value FROM users u, json_each(u.settings, '$.n') e WHERE u.id < 4 ORDER BY 1, 2",
    "SELECT u.email, o.id, o.total_cents FROM users u JOIN orders o ON o.user = u.id WHERE o.total > 95 ORDER BY o.id",
    "SELECT u.id FROM users u LEFT JOIN tags t ON t.user = u.id WHERE t.tag IS NULL ORDER BY 1",
    "SELECT user, total, sum(total) OVER (PARTITION BY user ORDER BY id) FROM orders WHERE user < 4 ORDER BY id",
    "SELECT id, rank() OVER (ORDER BY total DESC, id) FROM orders ORDER BY 2 LIMIT 10",
    "WITH RECURSIVE d(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM d WHERE n < 5) SELECT n, (SELECT count(*) FROM tags "
    "WHERE user = n) FROM d",
    "SELECT * FROM spending ORDER BY total DESC, email LIMIT 5",
    "SELECT tag, group_concat(user) FROM (SELECT * FROM tags ORDER BY user) GROUP BY tag ORDER BY tag",
    "SELECT user FROM orders WHERE total > 50 EXCEPT SELECT user FROM tags ORDER BY 1",
    "SELECT typeof(balance), count(*) FROM users GROUP BY 1 ORDER BY 1",
    "SELECT rowid, at FROM log ORDER BY rowid LIMIT 3",
    "SELECT min(placed), max(placed), total(total) FROM orders",
    "SELECT CASE WHEN total > 50 THEN 'big' ELSE 'small' END AS size, count(*) FROM orders GROUP BY size HAVING "
    "count(*) > 1",
    "SELECT count(*) FROM orders WHERE user IN (SELECT id FROM users WHERE balance BETWEEN 10 AND 20)",
    "SELECT name FROM pragma_table_info('users')",
    "SELECT printf('%05.2f', balance), hex(email), upper(email) FROM users WHERE id % 20 = 0 ORDER BY id"};

constexpr std::array<const char*, 15> writes{
    "INSERT INTO users(email, balance) VALUES ('new@example.org', 5) RETURNING id, settings",
    "INSERT INTO users(email) VALUES ('NEW@example.org')",
    "INSERT INTO users(email, balance) VALUES ('new@example.org', 6) ON CONFLICT(email) DO UPDATE SET balance = "
    "balance + "
    "excluded.balance RETURNING balance",
    "INSERT OR IGNORE INTO users(email) VALUES ('user1@EXAMPLE.org')",
    "INSERT INTO users(email, balance) VALUES ('poor@example.org', -1)",
    "INSERT INTO orders(user, placed, total) VALUES (81, '2025-01-01', 12.345) RETURNING id, total_cents",
    "INSERT INTO orders(user, total) VALUES (4711, 1)",
    "UPDATE users SET settings = json_set(settings, '$.theme', 'blue') WHERE id % 2 = 0",
    "UPDATE orders SET total = total + 1 WHERE user = (SELECT id FROM users WHERE email = 'user3@example.org')",
    "UPDATE spending SET total = 0 WHERE email = 'User2@Example.org'",
    "REPLACE INTO tags VALUES (1, 'tag 7'), (1, 'another')",
    "DELETE FROM users WHERE id = 9",
    "DELETE FROM tags WHERE user > 70 RETURNING user, tag",
    "INSERT INTO log SELECT placed, total FROM orders WHERE id < 3",
    "DELETE FROM orders WHERE total < 3"};

TEST_F(MigrationSql, StatementsGiveTheSameAnswersOnBothSides) {
  if (on_postgres()) GTEST_SKIP() << "SQL of SQLite; migration_server_test asks what both understand";
  EXPECT_EQ(applied(planned()).state, "finished");
  ForeignProgram program(source());
  program.run("PRAGMA foreign_keys = ON");
  for (const char* sql : reads) EXPECT_EQ(new_rows(sql), old_rows(program, sql)) << sql;
  for (const char* sql : writes) {
    const auto before = old_rows(program, sql);
    const auto result = hive().sql(sql);
    EXPECT_EQ(result.has_value(), before != "error") << sql << (result ? "" : result.error().message);
    if (!result) continue;
    std::string after;
    for (const auto& row : result->rows) {
      for (std::size_t i = 0; i < row.size(); ++i) after += (i == 0 ? "" : "|") + to_text(row[i]);
      after += "\n";
    }
    EXPECT_EQ(after, before) << sql;
  }
  for (const char* sql : reads) EXPECT_EQ(new_rows(sql), old_rows(program, sql)) << "after the writes: " << sql;
  for (const char* table : {"users", "orders", "tags", "log"}) {
    const auto sql = std::string("SELECT * FROM ") + table + " ORDER BY 1, 2";
    EXPECT_EQ(new_rows(sql), old_rows(program, sql)) << table;
  }
}

}  // namespace
}  // namespace triune::testing
