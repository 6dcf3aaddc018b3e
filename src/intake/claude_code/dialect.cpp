#include "intake/claude_code/dialect.h"

namespace triune::intake::claude {
namespace {

constexpr Dialect sqlite{.integer = "INTEGER",
                         .table_suffix = " STRICT",
                         .create_view = "CREATE VIEW IF NOT EXISTS",
                         .existing_names = "SELECT name FROM sqlite_master WHERE name LIKE 'claude%'",
                         .is_one_of = "IN (SELECT value FROM json_each(?1))",
                         .order = "",
                         .number_order = "",
                         .bytewise = ""};

constexpr Dialect postgres{.integer = "bigint",
                           .table_suffix = "",
                           .create_view = "CREATE OR REPLACE VIEW",
                           .existing_names =
                               "SELECT CAST(relname AS text) FROM pg_class WHERE relnamespace = "
                               "to_regnamespace(quote_ident(current_schema())) AND relname LIKE 'claude%'",
                           .is_one_of = "= ANY (ARRAY(SELECT json_array_elements_text(CAST(?1 AS json))))",
                           .order = " COLLATE \"C\" NULLS FIRST",
                           .number_order = " NULLS FIRST",
                           .bytewise = " COLLATE \"C\""};

}  // namespace

std::string Dialect::in_order(std::initializer_list<std::string_view> texts, std::string_view number) const {
  std::string list;
  for (const auto text : texts) {
    if (!list.empty()) list += ", ";
    list.append(text).append(order);
  }
  if (!number.empty()) list.append(", ").append(number).append(number_order);
  return list;
}

const Dialect& dialect_of(const Hive& hive) {
  return hive.dialect() == SqlDialect::sqlite ? sqlite : postgres;
}

}  // namespace triune::intake::claude
