// What statements are read by: shapes without values, how often, how long, how many rows.
//
// Invariants
//  W1 No value of a statement is kept: shapes come in with their literals replaced (hive/statement_shape.h), parameters
//  are
//     not looked at.
//  W2 At most `most_shapes` shapes of at most `longest_shape` bytes; the one not seen for longest goes first.
//
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "placement/latency_sketch.h"
#include "triune/status.h"

namespace triune::placement {

/// One shape as recorded.
struct RecordedShape {
  std::string shape;
  std::uint64_t calls = 0;
  std::uint64_t rows = 0;  ///< Of all answers together.
  LatencySketch latencies{200};
};

class Workload {
 public:
  static constexpr std::size_t most_shapes = 256;
  static constexpr std::size_t longest_shape = 2000;

  /// `shape` is called only for a text that was not seen lately; an empty one is not recorded.
  void record(std::string_view statement, double microseconds, std::uint64_t rows,
              const std::function<std::string(std::string_view)>& shape);

  /// Most time first.
  [[nodiscard]] std::vector<RecordedShape> shapes() const;
  [[nodiscard]] std::uint64_t statements() const;
  /// When recording began; milliseconds since 1970.
  [[nodiscard]] std::int64_t since_ms() const;

  /// As lines, and back. Error: `corruption`, and then nothing is taken.
  [[nodiscard]] std::string save() const;
  Status restore(std::string_view lines);

 private:
  using Place = std::list<RecordedShape>::iterator;
  static constexpr std::size_t most_texts = 1024;

  Place place_of(std::string shape);  // with mutex_
  void drop_oldest();                 // with mutex_

  mutable std::mutex mutex_;
  std::list<RecordedShape> shapes_;  // guarded by mutex_; seen last comes first
  std::unordered_map<std::string_view, Place> places_;
  std::unordered_map<std::uint64_t, Place> texts_;  // by the hash of a whole statement
  std::uint64_t statements_ = 0;
  std::int64_t since_ms_ = 0;
};

}  // namespace triune::placement
