// The router that learns: which of two engines should answer a query of some shape.
//
// For each shape it keeps a sketch of the latencies of either engine. An estimate stands for `prior_weight`
// measurements, so the static rule decides until something was measured and whenever what was measured is old.
//
// Invariants
//  R1 At most 1 call of a shape in `calls_between` is a trial of the other engine, and the trials of a shape take at
//     most `trial_share` of its time: a trial needs its expected cost saved up, and pays what it really cost.
//  R2 No trial of an engine that is expected to be more than `hopeless` times slower, where the caller forbids it (a
//     degraded engine), or where less time is left than a trial that goes wrong would take.
//  R3 A shape goes over to the other engine only when that is expected to be faster by a third, and back likewise.
//  R4 At most `most_shapes` are kept; the one not asked for longest goes first.
//
//            estimate decides ──measured──► sketches decide ──other is a third faster──► moved
//                    ▲                          │    ▲                                     │
//                    └──── half an hour halves ─┘    └─────────────── likewise ────────────┘
//
// Thread rule: any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "placement/latency_sketch.h"
#include "triune/placement.h"

namespace triune::placement {

/// The two that can answer: SQL in the canonical store, or the specialized engine.
enum class Side : std::uint8_t { sql, engine };

constexpr Side opposite(Side side) {
  return side == Side::sql ? Side::engine : Side::sql;
}

/// What is asked, and what the static rule expects.
struct RouteQuestion {
  std::string shape;
  double sql_us = 0;
  double engine_us = 0;
  std::string estimate;               ///< The static rule in words.
  std::chrono::milliseconds left{0};  ///< Until the deadline.
};

struct RouteChoice {
  Side side = Side::sql;
  bool trial = false;                 ///< It answers in order to learn; bounded by `most`.
  double expected_us = 0;             ///< Of the engine chosen.
  std::chrono::milliseconds most{0};  ///< A trial that takes longer should be given up.
  std::string reason;
};

struct RouteTaken {
  Side side = Side::sql;
  double microseconds = 0;
  bool trial = false;
  bool degraded = false;
  bool gave_up = false;  ///< It did not end: the latency would have been larger.
};

class Router {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  static constexpr double prior_weight = 2;
  static constexpr std::uint32_t calls_between = 50;
  static constexpr double trial_share = 0.05;
  static constexpr double hopeless = 50;
  static constexpr double faster_by = 0.67;
  static constexpr std::size_t most_shapes = 512;
  /// What was learned before a restart counts as so many measurements: machines and data change meanwhile.
  static constexpr double kept_weight = 4;

  /// The names of the two engines. The clock is of wall time, since what was learned outlives the process.
  Router(std::string sql, std::string engine, Clock clock = std::chrono::system_clock::now);

  /// `may_try` is asked only before a trial.
  RouteChoice choose(const RouteQuestion& question, const std::function<bool()>& may_try);
  void record(std::string_view shape, const RouteTaken& taken);

  [[nodiscard]] std::vector<RouteFigures> figures() const;
  [[nodiscard]] RouteCounts counts() const;

  /// As lines of text, and back; what was known before is forgotten. Error: `corruption`, and then nothing is taken.
  [[nodiscard]] std::string save() const;
  Status restore(std::string_view lines);

 private:
  using Time = std::chrono::system_clock::time_point;

  struct Engine {
    LatencySketch sketch = LatencySketch();
    std::uint64_t calls = 0;
    std::uint64_t trials = 0;
    std::uint64_t degraded = 0;
  };
  struct Shape {
    std::string name;
    std::array<Engine, 2> engines;
    Side side = Side::sql;
    bool decided = false;  ///< Sketches have decided at least once.
    std::uint32_t calls_since_trial = 0;
    double saved_us = 0;  ///< What trials may cost (R1).
    Time faded_at;
  };

  Shape& shape_of(std::string_view name);
  void fade(Shape& shape) const;
  [[nodiscard]] std::string reason_of(const Shape& shape, const RouteQuestion& question, Side side) const;
  Status restore_line(std::string_view line, std::list<Shape>& shapes) const;
  void drop_oldest();  // with mutex_

  const std::array<std::string, 2> names_;
  const Clock clock_;
  mutable std::mutex mutex_;
  std::list<Shape> shapes_;  // guarded by mutex_; asked for last comes first
  std::unordered_map<std::string_view, std::list<Shape>::iterator> places_;
  RouteCounts counts_;
};

}  // namespace triune::placement
