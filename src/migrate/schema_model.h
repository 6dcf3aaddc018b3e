// What a series of migrations makes, as far as the linter must know it: tables with their keys, read from the words of
// CREATE TABLE, CREATE INDEX and ALTER TABLE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "migrate/sql_script.h"

namespace triune::migrate {

struct ForeignKeyModel {
  std::vector<std::string> columns;
  std::string to;
  std::size_t file = 0;
  std::uint32_t line = 0;
  std::vector<Allowance> allowances;  ///< Of the statement that made it.
};

struct TableModel {
  std::size_t file = 0;  ///< Which one made it.
  std::vector<std::string> columns;
  std::map<std::string, std::string> types;    ///< Of columns, in small letters.
  std::vector<std::vector<std::string>> keys;  ///< Primary and unique ones; the primary one first if there is any.
  bool has_primary_key = false;
  std::vector<ForeignKeyModel> foreign_keys;
  std::map<std::string, std::vector<std::string>> indexes;  ///< By name.
  std::map<std::string, std::string> only_where_set;        ///< Partial indexes: the column that is not NULL in them.
  std::vector<std::string> triggers;
};

/// The part of a statement that says which table it is about.
struct TableReference {
  std::string name;
  std::size_t after = 0;  ///< The word behind the name.
};

/// A name at `at`, without its schema and what stands before it (IF NOT EXISTS, ONLY).
TableReference name_at(const ScriptStatement& statement, std::size_t at);

/// The names in brackets at `at`, up to the bracket's end; expressions are empty names.
std::vector<std::string> names_in_brackets(const ScriptStatement& statement, std::size_t at);

/// Behind the bracket that closes the one at `at`.
std::size_t behind_brackets(const ScriptStatement& statement, std::size_t at);

class SchemaModel {
 public:
  /// Follows a statement of file number `file`.
  void add(const ScriptStatement& statement, std::size_t file);

  [[nodiscard]] const TableModel* table(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, TableModel>& tables() const { return tables_; }
  /// Whether file `file` made the table, so that it holds nothing that others use yet.
  [[nodiscard]] bool is_new(const std::string& name, std::size_t file) const;
  /// The table of an index.
  [[nodiscard]] std::string table_of_index(const std::string& index) const;

 private:
  void create_table(const ScriptStatement& statement, std::size_t file);
  void create_index(const ScriptStatement& statement);
  void alter_table(const ScriptStatement& statement, std::size_t file);
  void add_item(TableModel& table, const ScriptStatement& statement, std::size_t from, std::size_t to,
                std::size_t file);
  static void add_foreign_key(TableModel& table, const ScriptStatement& statement, std::vector<std::string> columns,
                              std::size_t references, std::size_t file);
  void add_column(TableModel& table, const ScriptStatement& statement, std::size_t from, std::size_t to,
                  std::size_t file);

  std::map<std::string, TableModel> tables_;
};

}  // namespace triune::migrate
