// Where the two schemas of the canonical store differ for readers.
#pragma once

#include <string>
#include <string_view>

#include "contract/dialect.h"

namespace triune::projection {

/// The condition that joins `x`, a row of triune_vector_values, to the vector `key` of an organization; both are SQL.
/// In PostgreSQL every key begins with the organization; in SQLite the number alone is the key.
inline std::string vector_value_is(contract::Dialect dialect, std::string_view organization, std::string_view key) {
  std::string condition;
  if (dialect == contract::Dialect::postgres)
    condition.append("x.organization_id = ").append(organization).append(" AND ");
  return condition.append("x.vector_key = ").append(key);
}

}  // namespace triune::projection
