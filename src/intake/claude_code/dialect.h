// What the import's statements say differently on SQLite and on PostgreSQL.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "triune/hive.h"

namespace triune::intake::claude {

struct Dialect {
  std::string_view integer;         ///< Type of 64 bits.
  std::string_view table_suffix;    ///< Ends CREATE TABLE.
  std::string_view create_view;     ///< Begins the definition of a view that may be there already.
  std::string_view existing_names;  ///< Query: the import's tables, indexes and views.
  std::string_view is_one_of;       ///< Condition after a column: one of the texts in the JSON array ?1.
  std::string_view order;           ///< After an expression in ORDER BY: by bytes, NULL first.
  std::string_view number_order;    ///< The same for numbers.
  std::string_view bytewise;        ///< After a text that is compared by its bytes.

  /// The store's type for "TEXT" or "INTEGER".
  [[nodiscard]] std::string_view type(std::string_view name) const { return name == "INTEGER" ? integer : name; }
  /// What stands after ORDER BY: texts by their bytes in both stores, whatever the database's collation.
  [[nodiscard]] std::string in_order(std::initializer_list<std::string_view> texts, std::string_view number = {}) const;
};

const Dialect& dialect_of(const Hive& hive);

}  // namespace triune::intake::claude
