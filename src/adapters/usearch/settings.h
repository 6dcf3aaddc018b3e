// Bounds that decide how a collection is kept. The defaults were measured; tests make them small.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "adapters/usearch/graph.h"

namespace triune::adapters::usearch {

struct Settings {
  GraphTuning tuning;
  std::uint32_t threads = 2;        ///< For building a whole graph.
  std::uint32_t seats = 16;         ///< Searches at once; more wait.
  std::size_t index_from = 10'000;  ///< Vectors from which on there is a graph.
  std::size_t most_fresh = 4'096;   ///< Vectors scanned besides the graph before they are added to it.
  double most_tombstones = 0.25;    ///< Share of a graph that may be deleted before it is built anew.
  /// Meeting a vector on a walk through the graph costs this many times one of a scan: its place is random, and it
  /// passes two queues. Measured at 100,000 x 100.
  double walk_cost = 2.5;

  /// Bytes of vectors and links in memory from which on they are frozen into a segment: one graph over all of them is
  /// searched twice as fast as two segments,
  std::size_t freeze_from = 192UL << 20U;
  std::size_t freeze_more_from = 64UL << 20U;      ///< and beside segments they cost memory for little.
  std::chrono::milliseconds freeze_pause{10'000};  ///< After one that failed: each try costs what a success does.
  /// Bytes that building one segment takes beside the rest. A quarter of the collection is allowed where that is more.
  std::size_t segment_bytes = 104UL << 20U;
  /// Bytes of a collection's segments that are held in huge pages: searches of 1,000,000 x 384 take a quarter less time
  /// there than over a mapping. The rest is mapped.
  std::size_t held_bytes = 384UL << 20U;
  std::size_t most_small_segments = 4;  ///< More of less than half that size are merged.
};

}  // namespace triune::adapters::usearch
