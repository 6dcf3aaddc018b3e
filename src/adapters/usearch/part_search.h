// A search among the segments of a collection: candidates by their ground, the nearest of which are compared again by
// their records.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "adapters/usearch/part.h"
#include "adapters/usearch/probe.h"

namespace triune::adapters::usearch {

/// What a search has found, and how.
struct Found {
  explicit Found(std::size_t count) : nearest(count) {}
  Nearest nearest;          ///< By score.
  bool walked = false;      ///< Some graph was asked.
  std::size_t scanned = 0;  ///< Compared one by one.
};

/// Thread rule: one thread, which holds seat `seat`.
class PartSearch {
 public:
  struct Settings {
    const Scorer& wide;
    std::size_t expansion;        ///< Candidates kept in one segment.
    std::size_t usual_expansion;  ///< With which `usual_distances` are counted.
    double walk_cost;
    std::atomic<std::uint64_t>& usual_distances;
  };

  PartSearch(std::span<const Part> parts, std::span<const float> query, const contract::VectorQueryOptions& options,
             const Selection& selection, const Settings& settings, std::uint32_t seat);

  /// How many candidates by codes are compared again to find the nearest `count`. `effort`: as a multiple of the usual.
  static std::size_t most_candidates(std::size_t count, double effort = 1);

  /// Offers the nearest of all segments to `found`.
  Status run(Found& found);

 private:
  struct Candidate {
    std::uint32_t part = 0;
    Row row = 0;
    float score = 0;
  };

  Status look_in(std::uint32_t at, Found& found);
  [[nodiscard]] bool prefers_scan(const Part& part, std::size_t candidates, std::size_t wanted) const;
  [[nodiscard]] std::optional<std::vector<Row>> looked_up(const Part& part) const;
  [[nodiscard]] std::vector<Row> swept(const Part& part) const;
  [[nodiscard]] std::size_t estimate(const Part& part) const;
  Status compare(std::uint32_t at, std::span<const Row> rows, Found& found);
  /// False when the graph led to fewer than there may be.
  Result<bool> walk(std::uint32_t at, std::size_t wanted, Found& found);
  Status measure(const Part& part, std::span<const Row> rows, Found& found) const;

  std::span<const Part> parts_;
  std::span<const float> query_;
  const contract::VectorQueryOptions& options_;
  const Selection& selection_;
  const Settings settings_;
  std::uint32_t seat_;
  std::size_t most_;  ///< Candidates that are compared again.
  std::vector<Candidate> candidates_;
};

}  // namespace triune::adapters::usearch
