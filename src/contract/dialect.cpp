#include "contract/dialect.h"

#include <fmt/format.h>

namespace triune::contract {

std::string integer_set(Dialect dialect, int number) {
  if (dialect == Dialect::sqlite) return fmt::format("json_each(?{})", number);
  return fmt::format(
      "(SELECT element::bigint AS value, position - 1 AS key "
      "FROM jsonb_array_elements_text(CAST(?{} AS jsonb)) WITH ORDINALITY AS elements (element, position))",
      number);
}

std::string text_set(Dialect dialect, int number) {
  if (dialect == Dialect::sqlite) return fmt::format("json_each(?{})", number);
  return fmt::format(
      "(SELECT element AS value, position - 1 AS key "
      "FROM jsonb_array_elements_text(CAST(?{} AS jsonb)) WITH ORDINALITY AS elements (element, position))",
      number);
}

std::string pair_set(Dialect dialect, int number) {
  if (dialect == Dialect::sqlite)
    return fmt::format(
        "(SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS second FROM json_each(?{}))",
        number);
  return fmt::format(
      "(SELECT (pair ->> 0)::bigint AS first, (pair ->> 1)::bigint AS second "
      "FROM jsonb_array_elements(CAST(?{} AS jsonb)) AS pairs (pair))",
      number);
}

std::string_view ordered_join(Dialect dialect) {
  return dialect == Dialect::sqlite ? "CROSS JOIN" : "JOIN";
}

}  // namespace triune::contract
