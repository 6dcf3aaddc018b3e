// EXPLAIN in front of a statement.
#pragma once

#include <optional>
#include <string_view>

namespace triune::federation {

struct ExplainRequest {
  std::string_view statement;  ///< What is to be explained.
  bool analyze = false;
  bool json = false;
};

/// EXPLAIN, EXPLAIN ANALYZE, EXPLAIN (ANALYZE, FORMAT JSON | TEXT) and what follows. Nothing for any other text, for
/// EXPLAIN QUERY PLAN, and for options that only PostgreSQL knows: those are the canonical store's own.
std::optional<ExplainRequest> explain_request(std::string_view sql);

}  // namespace triune::federation
