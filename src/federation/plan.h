// The plan of a federated statement, from that of the canonical store and what the functions did.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "federation/query.h"
#include "triune/query.h"
#include "triune/value.h"

namespace triune::federation {

/// What running the whole statement was like.
struct Measured {
  std::uint64_t rows = 0;
  double milliseconds = 0;
  bool cut = false;  ///< At the limit of rows: there are more.
};

/// `steps` are the rows of SQLite's EXPLAIN QUERY PLAN: id, parent, anything, what is done. Without `measured` nothing
/// was run.
PlanNode plan_of(const RowSet& steps, const Query& query, std::string_view engine,
                 const std::optional<Measured>& measured);

/// The same from PostgreSQL's EXPLAIN in its text form, one line a row; functions answered before hang below the root.
PlanNode plan_of_lines(const RowSet& lines, const Query& query, std::string_view engine,
                       const std::optional<Measured>& measured);

}  // namespace triune::federation
