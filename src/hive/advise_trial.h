// A hive of its own in a temporary directory, in which a part of a table is tried as a graph or as vectors: what would
// be answered there is what the advice promises. Removed at the end. Belongs to one thread.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "triune/hive.h"

namespace triune::hive {

class TrialHive {
 public:
  static Result<std::unique_ptr<TrialHive>> open();
  ~TrialHive();
  TrialHive(const TrialHive&) = delete;
  TrialHive& operator=(const TrialHive&) = delete;

  /// Pairs of keys become edges between nodes named by them.
  Status load_edges(std::span<const std::vector<Value>> pairs);
  /// The median of walking `depth` steps from each of `starts`.
  Result<double> walk_us(std::span<const Value> starts, std::uint32_t depth);

  /// JSON arrays or blobs of floats become vectors of one collection; those of another length are left out.
  Status load_vectors(std::span<const Value> cells, std::uint32_t dimension);
  /// The median of asking for the ten nearest to some of them.
  Result<double> search_us();

 private:
  TrialHive() = default;

  std::filesystem::path directory_;
  std::unique_ptr<Hive> hive_;
};

}  // namespace triune::hive
