// Assessment of a foreign database: what is in it, what is wrong with it, and what would be faster elsewhere.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>

#include "contract/registry.h"
#include "placement/assessment.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::placement {

struct AssessOptions {
  Deadline deadline = Deadline::never();
  /// Asked between statements, from the calling thread; true ends the assessment with `cancelled`.
  std::function<bool()> cancelled;
  /// Told what is done, in tables of all. From the calling thread.
  std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)> progress;
  std::string engine = "sqlite";
  bool measure = true;  ///< Index gains on copies, and the baseline.
  /// Bytes of a table's rows that are copied to measure on; a larger table is measured by its first rows.
  std::uint64_t copy_bytes = 64ULL << 20U;
  std::size_t most_edges = NetworkBuilder::default_most_edges;  ///< Of one relationship.
  std::optional<double> multi_hop_share;                        ///< Of the workload, where it is known.
  /// Only this table, with what it refers to; empty: all.
  std::string table;
};

/// Looks at the file without changing it, in statements of at most some seconds (a tenth of one where a reader holds
/// writers up) and in bounded memory: 32 MB of cache and 100 bytes for each edge looked at. What cannot be read
/// (damaged pages, columns that need functions of the application) is listed in `problems`, and the rest goes on.
/// Errors: those of opening, `deadline_exceeded`, `cancelled`, `not_found` for a table that is not there.
Result<Assessment> assess(const contract::Registry& engines, const std::filesystem::path& path,
                          const AssessOptions& options);

}  // namespace triune::placement
