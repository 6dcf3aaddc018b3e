// What an engine can do. Each field names the code path it opens and the conformance case that proves it; a call that
// a capability denies returns `unsupported`, which the suite tests too.
#pragma once

#include <cstdint>
#include <string>

#include "contract/dialect.h"

namespace triune::contract {

struct RelationalCapabilities {
  std::string engine;
  Dialect dialect = Dialect::sqlite;  ///< of its statements       — Speaks_its_dialect
  bool shared = false;                ///< several processes write — Two_stores_see_each_others_commits
  bool savepoints = false;            ///< `savepoint`, `rollback_to`   — Savepoints_undo_only_what_came_after
  bool full_text = false;             ///< FTS tables may be created    — Full_text_finds_words
  bool table_functions = false;       ///< `read` takes functions  — Functions_stand_where_tables_may
  std::uint32_t max_parameters = 0;   ///< bound values per statement   — Too_many_parameters_are_refused
};

struct GraphCapabilities {
  std::string engine;
  bool query_language = false;       ///< `query` with Cypher       — Cypher_binds_parameters
  bool analytics = false;            ///< `analyze`                 — PageRank_ranks_the_hub_first
  bool persistent = false;           ///< survives close and reopen — Reopens_with_its_position
  std::uint64_t max_text_bytes = 0;  ///< of one text property — Oversized_text_is_refused
};

struct VectorCapabilities {
  std::string engine;
  bool approximate = false;         ///< an index answers         — Recall_is_at_least_95_percent
  bool metadata_filter = false;     ///< `VectorFilter::equals`   — Filters_by_metadata
  bool persistent = false;          ///< survives close, reopen   — Reopens_with_its_position
  std::uint32_t max_dimension = 0;  ///< of a collection          — Too_many_dimensions_are_refused
};

}  // namespace triune::contract
