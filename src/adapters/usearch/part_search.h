// A search among the segments of a collection: walks over their graphs, or scans of their ground, whichever is cheaper.
//
// Segments are walked one after the other. What was met in those before bounds the walk in the next one, so that all
// together keep about as many candidates as one graph over all of them would.
#pragma once

#include <cstdint>
#include <vector>

#include "adapters/usearch/candidates.h"
#include "adapters/usearch/part.h"
#include "adapters/usearch/probe.h"
#include "adapters/usearch/walk.h"
#include "adapters/usearch/walk_costs.h"

namespace triune::adapters::usearch {

/// What a search has found, and how.
struct Found {
  explicit Found(std::size_t count) : nearest(count) {}
  Nearest nearest;          ///< By score.
  bool walked = false;      ///< Some graph was asked.
  std::size_t scanned = 0;  ///< Compared one by one.
};

/// Thread rule: one thread.
class PartSearch {
 public:
  /// `expansion` candidates are kept. The arguments must outlive the object.
  PartSearch(std::span<const Part> parts, Probes& probes, const contract::VectorQueryOptions& options,
             const Selection& selection, std::size_t expansion, WalkCosts& costs);

  /// Offers the nearest of all segments to `found`.
  Status run(Found& found);

 private:
  enum class Way : std::uint8_t { scan, over_all, over_candidates };

  Status look_in(std::uint32_t at, Found& found);
  /// The cheapest one.
  [[nodiscard]] Way way_through(const Part& part) const;
  /// The rows that may be found.
  [[nodiscard]] std::vector<Row> chosen(const Part& part) const;
  [[nodiscard]] std::span<const contract::VectorKey> keys_in(const Part& part) const;
  [[nodiscard]] std::vector<Row> swept(const Part& part) const;
  [[nodiscard]] std::size_t estimate(const Part& part) const;
  Status compare(std::uint32_t at, std::span<const Row> rows, Found& found);
  Result<Nearest> nearest_by_codes(const Part& part, std::span<const Row> rows, const Question& question) const;
  /// False when the graph led to fewer than there may be.
  Result<bool> walk(std::uint32_t at, Way way, Found& found);
  /// Those of a part's strays that may be found.
  [[nodiscard]] std::vector<Walk::Node> strays(std::uint32_t at, const Question& question) const;
  Status measure(const Part& part, std::span<const Row> rows, Found& found) const;

  std::span<const Part> parts_;
  Probes& probes_;
  const contract::VectorQueryOptions& options_;
  const Selection& selection_;
  std::size_t expansion_;
  WalkCosts& costs_;
  std::size_t most_;  ///< Candidates that are compared again.
  Candidates candidates_;
};

}  // namespace triune::adapters::usearch
