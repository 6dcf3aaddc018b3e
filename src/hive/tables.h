// Users' tables: their shape, and how SQL names their keys and columns.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::hive {

/// A table as the catalogue describes it.
struct TableShape {
  std::string name;
  std::vector<contract::ColumnDescription> columns;

  /// Columns of the primary key in their order; empty when the table has none.
  [[nodiscard]] std::vector<std::string> key() const;
  [[nodiscard]] const contract::ColumnDescription* column(std::string_view wanted) const;
};

/// Shapes known from earlier, where asking costs a way over the network: forgotten when the schema has changed or a
/// statement failed. Any thread.
class TableShapes {
 public:
  [[nodiscard]] std::optional<TableShape> find(const std::string& table) const;
  void remember(const TableShape& shape);
  void forget();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TableShape, std::less<>> shapes_;
};

/// Reads a table's shape within a session, so that tables made by the same job are seen. `not_found` when there is
/// none. Types of columns are spelled as in SQLite where it has them: INTEGER for a number that fills itself in when it
/// is left out, BIGINT for any other whole number, REAL, TEXT.
Result<TableShape> describe_table(contract::RelationalSession& session, std::string_view table);

/// Refuses the names that belong to Triune ("triune_…", "sqlite_…").
Status check_user_table(std::string_view table);

/// The names of users' tables, in their order.
Result<std::vector<std::string>> user_tables(contract::RelationalSession& session);

/// A text that changes whenever the schema does.
Result<std::string> schema_version(contract::RelationalSession& session);

/// Whether two names of tables or columns mean the same: SQLite ignores the case of letters.
bool same_name(contract::Dialect dialect, std::string_view left, std::string_view right);

/// The key of row `prefix` as the change log holds it: the primary key's value, a JSON array of several, or the rowid.
std::string key_expression(std::string_view prefix, const TableShape& shape);

/// `PREFIX."column"` as text, the form in which rows name graph nodes.
std::string column_as_id(std::string_view prefix, std::string_view column);

/// `json_object(…)` over columns of `prefix`, sorted by name; bytes become hexadecimal text, which JSON can hold.
std::string columns_as_json(std::string_view prefix, std::vector<std::string> columns);

}  // namespace triune::hive
