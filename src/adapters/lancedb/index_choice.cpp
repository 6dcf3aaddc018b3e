#include "adapters/lancedb/index_choice.h"

#include <algorithm>
#include <cmath>

namespace triune::adapters::lancedb {
namespace {

// A byte a value, 20 to 40 links of four bytes and what LanceDB keeps of each row besides.
constexpr std::uint64_t graph_bytes_besides_values = 256;
// Of 100,000 vectors making a graph takes 19 s longer than partitions, and each search of it 1.6 ms less: both grow
// with the rows.
constexpr std::uint64_t rows_paid_by_a_search = 8;
// More find hardly more and cost: an eighth of the partitions.
constexpr std::uint64_t fewest_untried = 24;
constexpr std::uint64_t rows_for_a_probe = 8'192;
// Of rows that a filter admits by chance: finds some 0.99 of the nearest in clusters, where a root finds 0.92 to 0.98.
constexpr double further_exponent = 0.75;
// The sizes of partitions are kept up by the engine; their number was right for so many fewer rows.
constexpr std::uint64_t outgrown = 4;
// A segment costs every search 0.2 ms. Making an index of more rows takes longer, and is put off longer.
constexpr std::uint64_t few_segments = 8;
constexpr std::uint64_t rows_for_a_segment = 32'768;
// By inner product LanceDB's product quantisation finds less than half of the nearest.
constexpr std::uint64_t quantised_rows = 1'000'000;
constexpr std::uint32_t quantised_dimension = 64;

}  // namespace

bool GraphRoom::fits(const void* owner, std::uint64_t bytes) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [other, taken] : taken_)
    if (other != owner) bytes += taken;
  return bytes <= most_;
}

void GraphRoom::set(const void* owner, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (bytes == 0)
    taken_.erase(owner);
  else
    taken_[owner] = bytes;
}

std::uint64_t graph_bytes(std::uint64_t rows, std::uint32_t dimension) {
  return rows * (dimension + graph_bytes_besides_values);
}

bool graph_is_paid_back(std::uint64_t searches, std::uint64_t rows) {
  return searches >= rows / rows_paid_by_a_search;
}

std::uint32_t untried_probes(std::uint64_t rows) {
  return static_cast<std::uint32_t>(std::max(fewest_untried, rows / rows_for_a_probe));
}

// The nearest of one row in so many lie in more partitions than the nearest of all, and so do more of the nearest.
// Where vectors lie close together in few partitions, what is nearest outside them may be in any (docs/decisions/0026).
std::uint32_t probes_among(const Trial& trial, const Wanted& wanted) {
  const auto times = [](std::uint64_t many, std::uint64_t few) {
    return std::max(1.0, static_cast<double>(many) / static_cast<double>(std::max<std::uint64_t>(few, 1)));
  };
  const double share = times(wanted.rows, wanted.admitted);
  const double untried = untried_probes(wanted.rows) * std::sqrt(share);
  if (trial.probes == 0) return static_cast<std::uint32_t>(std::ceil(untried));
  const double further = std::pow(share * times(wanted.count, tried_count), further_exponent);
  const double probes = trial.probes * times(wanted.rows, trial.rows) * further;
  return static_cast<std::uint32_t>(std::ceil(std::min(probes, untried)));
}

bool graph_pays(const Trial& trial, std::uint32_t dimension, std::uint64_t least_bytes) {
  return trial.probes == 0 || std::uint64_t{trial.probes} * rows_in_partition * dimension >= least_bytes;
}

IndexKind partitioned_index(Metric metric, std::uint32_t dimension, std::uint64_t rows) {
  const bool is_quantised =
      metric == Metric::l2 && rows >= quantised_rows && dimension >= quantised_dimension && dimension % 2 == 0;
  return is_quantised ? IndexKind::ivf_pq : IndexKind::ivf_sq;
}

// A byte a value hardly changes the order; codes do.
std::uint32_t least_refine(IndexKind kind) {
  return kind == IndexKind::ivf_pq ? 10 : 2;
}

bool is_worn(const IndexState& index) {
  if (index.segments > std::max(few_segments, index.rows / rows_for_a_segment)) return true;
  return index.kind != IndexKind::hnsw && index.trained > 0 && index.rows > outgrown * index.trained;
}

}  // namespace triune::adapters::lancedb
