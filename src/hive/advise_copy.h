// Temporary copies of tables under their own names, on which a recorded statement is run with and without an index.
//
// In SQLite they are in the temporary file of a second connection, and no writer waits for them. In PostgreSQL they are
// in a transaction that is rolled back: it holds no lock on the tables but that of a reader. Belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/foreign_database.h"
#include "contract/relational_store.h"
#include "triune/deadline.h"

namespace triune::hive {

/// An index of a user's table.
struct TableIndex {
  std::string name;
  std::vector<std::string> columns;  ///< Empty where it holds expressions.
  bool unique = false;
  bool made = false;  ///< By CREATE INDEX, so that it can be dropped.
  bool partial = false;
  bool unused = false;  ///< As far as the engine counts it itself (PostgreSQL).
};

/// Those of a table, the primary key too.
Result<std::vector<TableIndex>> indexes_of(contract::RelationalSession& session, const std::string& table);

class CopyBench {
 public:
  /// On the file of a hive in a directory, or in a transaction of a server; one of them is null. `schema` is where the
  /// tables are.
  CopyBench(std::unique_ptr<contract::ForeignDatabase> file, std::unique_ptr<contract::RelationalTransaction> server,
            std::string schema, Deadline deadline)
      : file_(std::move(file)), server_(std::move(server)), schema_(std::move(schema)), deadline_(deadline) {}

  static constexpr std::int64_t most_rows = 100'000;

  /// Copies the first rows of a table, with its indexes; once. Returns the rows there are.
  Result<std::uint64_t> copy(const std::string& table, std::span<const TableIndex> indexes);
  /// Removes all copies.
  Status clear();

  Status add_index(const std::string& table, std::span<const std::string> columns);
  /// Removes the index that was added last.
  Status remove_index();

  /// At most `count` values of a column, drawn at random.
  Result<std::vector<Value>> draw(const std::string& table, const std::string& column, std::size_t count);
  /// The first rows of two columns that are both there, or the cells of one.
  Result<std::vector<std::vector<Value>>> take(const std::string& table, std::span<const std::string> columns,
                                               std::size_t most);
  /// The median of running `sql` with each of these parameters, after a first run that does not count. At most `most`
  /// rows of each answer are fetched.
  Result<double> median_us(const std::string& sql, std::span<const std::vector<Value>> parameters,
                           std::size_t most = 1000);
  /// What writing a row into a table with these indexes takes.
  Result<double> write_us(const std::string& table, std::span<const TableIndex> indexes);

  [[nodiscard]] contract::Dialect dialect() const {
    return file_ ? contract::Dialect::sqlite : contract::Dialect::postgres;
  }
  [[nodiscard]] bool in_time() const { return !deadline_.expired(); }

 private:
  Status run(const std::string& sql);
  Result<RowSet> rows(const std::string& sql, std::span<const Value> parameters, std::size_t most);
  Status make_empty(const std::string& table);
  Status fill(const std::string& table, std::int64_t rows);
  Status index(const std::string& table, std::span<const std::string> columns);
  [[nodiscard]] std::string original(const std::string& table) const;
  [[nodiscard]] std::string copied(const std::string& table) const;

  std::unique_ptr<contract::ForeignDatabase> file_;
  std::unique_ptr<contract::RelationalTransaction> server_;
  std::string schema_;
  Deadline deadline_;
  std::set<std::string> copies_;
  std::uint64_t indexes_ = 0;
};

}  // namespace triune::hive
