// Random schemas with random rows: both files are dumped by SQLite itself and compared.
#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "integration/migration_fixture.h"

namespace triune::testing {
namespace {

class RandomDatabase {
 public:
  explicit RandomDatabase(unsigned seed) : random_(seed) {}

  /// Rows that a strict table or a key refuses are left out.
  void fill(const std::filesystem::path& path) {
    const ForeignProgram program(path);
    program.run("PRAGMA foreign_keys = OFF; BEGIN");
    const auto tables = 1 + below(5);
    for (unsigned number = 0; number < tables; ++number) table(program, number);
    program.run("COMMIT");
  }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  template <std::size_t size>
  const char* one_of(const std::array<const char*, size>& choices) {
    return choices[below(size)];
  }

  void table(const ForeignProgram& program, unsigned number) {
    const std::string name = "\"" + std::string(one_of(names_)) + std::to_string(number) + "\"";
    const auto columns = 1 + below(6);
    const auto keys = below(3) == 0 ? 0 : 1 + below(std::min(columns, 2U));
    const bool strict = below(5) == 0;
    std::string sql = "CREATE TABLE " + name + "(";
    for (unsigned column = 0; column < columns; ++column)
      sql += (column == 0 ? "" : ", ") + std::string("c") + std::to_string(column) + " " +
             (strict ? one_of(strict_types_) : one_of(types_)) + (below(6) == 0 ? " COLLATE NOCASE" : "");
    if (keys > 0) sql += ", PRIMARY KEY(c0" + std::string(keys == 2 ? ", c1" : "") + ")";
    if (keys == 0 && below(3) == 0) sql += ", FOREIGN KEY(c0) REFERENCES " + name + "(c0)";
    sql += ")";
    const bool without = keys > 0 && below(2) == 0;
    if (without) sql += " WITHOUT ROWID";
    if (strict) sql += without ? ", STRICT" : " STRICT";
    program.run(sql);
    const auto rows = below(4) == 0 ? 0 : below(400);
    for (unsigned row = 0; row < rows; ++row)
      sqlite3_exec(program.handle(), insert(name, columns).c_str(), nullptr, nullptr, nullptr);
    if (below(2) == 0) program.run("CREATE INDEX \"i" + std::to_string(number) + "\" ON " + name + "(c0 DESC)");
  }

  std::string insert(const std::string& name, unsigned columns) {
    std::string sql = "INSERT OR IGNORE INTO " + name + " VALUES (";
    for (unsigned column = 0; column < columns; ++column) sql += (column == 0 ? "" : ", ") + value();
    return sql + ");";
  }

  std::string value() {
    switch (below(9)) {
      case 0: return "NULL";
      case 1: return std::to_string(static_cast<int>(below(200)) - 100);
      case 2: return std::to_string(static_cast<std::int64_t>(random_() * 0x9e3779b97f4a7c15ULL));
      case 3: return std::to_string(below(1000)) + ".5e" + std::to_string(static_cast<int>(below(600)) - 300);
      case 4: return "'" + std::string(below(30), static_cast<char>('a' + below(26))) + "'";
      case 5: return "CAST(" + blob() + " AS TEXT)";
      case 6: return "'" + std::to_string(below(100)) + "'";
      case 7: return below(2) == 0 ? "-0.0" : "''";
      default: return blob();
    }
  }

  std::string blob() {
    std::string sql = "x'";
    for (unsigned i = below(12); i > 0; --i) {
      constexpr std::string_view digits = "0123456789abcdef";
      sql += digits[below(16)];
      sql += digits[below(16)];
    }
    return sql + "'";
  }

  static constexpr std::array<const char*, 5> names_{"plain", "two words", "select", "it''s", "Größe"};
  static constexpr std::array<const char*, 9> types_{
      "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "", "BOOLEAN", "VARCHAR(20) NULL", "DATETIME"};
  static constexpr std::array<const char*, 6> strict_types_{"INTEGER", "INT", "REAL", "TEXT", "BLOB", "ANY"};
  std::mt19937_64 random_;
};

std::string quoted(const std::string& text) {
  std::string doubled;
  for (const char letter : text) doubled += letter == '\'' ? std::string("''") : std::string(1, letter);
  return doubled;
}

using Lines = std::vector<std::vector<std::string>>;

Lines query(const ForeignProgram& program, const std::string& sql) {
  Lines lines;
  const auto collect = [](void* to, int count, char** cells, char**) {
    auto& line = static_cast<Lines*>(to)->emplace_back();
    for (int i = 0; i < count; ++i) line.emplace_back(cells[i] == nullptr ? "-" : cells[i]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(program.handle(), sql.c_str(), collect, &lines, nullptr), SQLITE_OK)
      << sql << ": " << sqlite3_errmsg(program.handle());
  return lines;
}

/// Definitions, and sorted rows, each cell with its storage class and its bytes, by SQLite itself.
Lines dump(const std::filesystem::path& path) {
  const ForeignProgram program(path);
  const std::string own = "name NOT LIKE 'triune%' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'index_%'";
  Lines all = query(program, "SELECT type, name, sql FROM sqlite_schema WHERE " + own + " ORDER BY 1, 2");
  const auto tables =
      query(program, "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND " + own +
                         " ORDER BY name");
  for (const auto& table : tables) {
    std::string name;
    for (const char letter : table[0]) name += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    std::string cells = table[1] == "0" ? "rowid" : "1";
    for (const auto& column : query(program, "SELECT name FROM pragma_table_info('" + quoted(table[0]) + "')"))
      cells += ", typeof(" + column[0] + "), hex(" + column[0] + "), quote(" + column[0] + ")";
    auto lines = query(program, "SELECT " + cells + " FROM \"" + name + "\"");
    std::sort(lines.begin(), lines.end());
    all.insert(all.end(), lines.begin(), lines.end());
  }
  return all;
}

class MigrationRandom : public MigrationTest, public ::testing::WithParamInterface<int> {};

TEST_P(MigrationRandom, EveryCellIsTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomDatabase(seed).fill(source());
  const auto before = bytes();
  const auto report = applied(planned());
  EXPECT_EQ(report.state, "finished") << differences(report.verification);
  close();
  EXPECT_EQ(bytes(), before);
  if (on_postgres()) return;  // which SQLite cannot dump; migration_server_test looks at values there
  EXPECT_EQ(dump(place() / "hive.db"), dump(source()));
}

INSTANTIATE_TEST_SUITE_P(Databases, MigrationRandom, ::testing::Range(0, 8));

}  // namespace
}  // namespace triune::testing
