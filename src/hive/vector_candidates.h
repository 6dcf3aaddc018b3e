// Candidates of a vector search: which vectors to look at, and their exact distances.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contract/relational_store.h"
#include "contract/vector_store.h"
#include "hive/selectivity.h"
#include "hive/vector_filter.h"
#include "triune/schema.h"

namespace triune::hive {

struct Candidate {
  double distance = 0;
  contract::VectorKey key = 0;
  auto operator<=>(const Candidate&) const = default;
};

/// The values of a stored vector; `buffer` holds them.
std::span<const float> as_floats(const Value& blob, std::vector<float>& buffer);

/// What is asked of one collection, in one session. What it refers to outlives it. In the use of one thread.
struct CandidateSearch {
  contract::RelationalSession& session;
  std::int64_t organization_id = 0;
  std::int64_t collection_id = 0;
  Metric metric = Metric::cosine;
  std::span<const float> query;
  std::size_t count = 10;
  bool predicate_first = false;  ///< Known to leave few, and to be soon evaluated.

  /// Exact distances of `keys`, those still stored, nearest first.
  [[nodiscard]] Result<std::vector<Candidate>> rank(std::span<const contract::VectorKey> keys) const;
  /// The nearest of all, or of `keys`, straight from the canonical store: slow and always right (I4).
  [[nodiscard]] Result<std::vector<Candidate>> scan_canonical(
      const std::optional<std::vector<contract::VectorKey>>& keys) const;
  /// Whether fewer than `count` were found although the snapshot has more: the engine is at another lsn than the
  /// snapshot, and where one vector took the place of another it knows neither.
  [[nodiscard]] Result<bool> too_few(const std::optional<std::vector<contract::VectorKey>>& keys,
                                     std::size_t found) const;
  /// Asks the engine for a few more than wanted, because its copy is quantised and may hold what was just deleted; and
  /// for more again until enough are left.
  Result<std::vector<Candidate>> ask_engine(contract::VectorStore& store, contract::VectorQueryOptions options,
                                            std::string& strategy) const;
  /// Asks the engine for the nearest of all and looks which of them satisfy the predicate, for more of them where too
  /// few do; `found` is how many did, of how many. Nothing when so few do that finding all of them first is the better
  /// way.
  Result<std::optional<std::vector<Candidate>>> ask_before_predicate(contract::VectorStore& store,
                                                                     contract::VectorQueryOptions options,
                                                                     VectorPredicate& predicate,
                                                                     std::optional<double> expected,
                                                                     Selected& found) const;
};

}  // namespace triune::hive
