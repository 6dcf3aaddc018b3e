#include "placement/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/try.h"
#include "placement/learned_text.h"

namespace triune::placement {
namespace {

// What was measured loses half of its weight in this time.
constexpr double half_life_seconds = 1800;
constexpr std::chrono::seconds fade_interval{10};
// A weight below this says nothing.
constexpr double counts_at_all = 0.5;
constexpr double most_saved_us = 5e6;
// An answer that did not end would have taken longer: how much is not known.
constexpr double unfinished = 2;
constexpr std::chrono::milliseconds least_left{1000};
constexpr std::chrono::milliseconds least_patience{20};

std::size_t index(Side side) {
  return static_cast<std::size_t>(side);
}

/// What was measured and what was estimated, each by its weight, in the logarithm: latencies differ by factors.
double blend(const LatencySketch& sketch, double prior) {
  const double weight = sketch.weight();
  prior = std::max(prior, 1.0);
  if (weight < counts_at_all) return prior;
  return std::exp((weight * std::log(std::max(sketch.median(), 1.0)) + Router::prior_weight * std::log(prior)) /
                  (weight + Router::prior_weight));
}

std::chrono::milliseconds as_milliseconds(double microseconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(microseconds / 1000, 1e9)) + 1);
}

std::string spoken(double microseconds) {
  if (microseconds < 100) return fmt::format("{:.2g} ms", microseconds / 1000);
  return microseconds < 1e6 ? fmt::format("{:.3g} ms", microseconds / 1000)
                            : fmt::format("{:.3g} s", microseconds / 1e6);
}

}  // namespace

Router::Router(std::string sql, std::string engine, Clock clock)
    : names_{std::move(sql), std::move(engine)}, clock_(std::move(clock)) {}

Router::Shape& Router::shape_of(std::string_view name) {
  if (const auto found = places_.find(name); found != places_.end()) {
    shapes_.splice(shapes_.begin(), shapes_, found->second);
    return shapes_.front();
  }
  while (shapes_.size() >= most_shapes) drop_oldest();
  shapes_.push_front({.name = std::string(name), .engines = {}, .faded_at = clock_()});
  places_.emplace(shapes_.front().name, shapes_.begin());
  return shapes_.front();
}

void Router::drop_oldest() {
  places_.erase(shapes_.back().name);
  shapes_.pop_back();
}

void Router::fade(Shape& shape) const {
  const auto now = clock_();
  const auto since = std::chrono::duration<double>(now - shape.faded_at);
  // A clock that was set back fades nothing.
  if (since < fade_interval && since.count() >= 0) return;
  shape.faded_at = now;
  const double factor = std::exp2(-std::max(since.count(), 0.0) / half_life_seconds);
  for (auto& engine : shape.engines) engine.sketch.fade(factor);
}

std::string Router::reason_of(const Shape& shape, const RouteQuestion& question, Side side) const {
  const auto& chosen = shape.engines[index(side)].sketch;
  const auto& other = shape.engines[index(opposite(side))].sketch;
  const auto& chosen_name = names_[index(side)];
  const auto& other_name = names_[index(opposite(side))];
  const double other_prior = side == Side::sql ? question.engine_us : question.sql_us;
  if (other.weight() < counts_at_all)
    return fmt::format("learned: {} p50 {} over {} calls against an estimate of {} for {}", chosen_name,
                       spoken(chosen.median()), chosen.count(), spoken(other_prior), other_name);
  if (chosen.weight() < counts_at_all)
    return fmt::format("learned: {} p50 {} over {} calls against an estimate of {} for {}", other_name,
                       spoken(other.median()), other.count(),
                       spoken(side == Side::sql ? question.sql_us : question.engine_us), chosen_name);
  return fmt::format("learned: {} p50 {} against {} {} over {} and {} calls", chosen_name, spoken(chosen.median()),
                     other_name, spoken(other.median()), chosen.count(), other.count());
}

RouteChoice Router::choose(const RouteQuestion& question, const std::function<bool()>& may_try) {
  const std::lock_guard lock(mutex_);
  Shape& shape = shape_of(question.shape);
  fade(shape);
  const std::array<double, 2> expected{blend(shape.engines[0].sketch, question.sql_us),
                                       blend(shape.engines[1].sketch, question.engine_us)};
  const Side prior = question.sql_us <= question.engine_us ? Side::sql : Side::engine;
  const bool measured =
      shape.engines[0].sketch.weight() >= counts_at_all || shape.engines[1].sketch.weight() >= counts_at_all;
  if (!measured || !shape.decided) shape.side = prior;
  shape.decided = measured;
  // R3
  if (expected[index(opposite(shape.side))] < faster_by * expected[index(shape.side)]) {
    shape.side = opposite(shape.side);
    ++counts_.moves;
  }
  const Side side = shape.side;
  const Side other = opposite(side);
  const double cost = expected[index(other)];
  const auto most = std::max(least_patience, as_milliseconds(10 * cost));
  // R1, R2
  const bool affordable = shape.calls_since_trial + 1 >= calls_between && shape.saved_us >= cost &&
                          cost <= hopeless * expected[index(side)] && question.left > std::max(least_left, 2 * most);
  if (affordable && may_try())
    return {.side = other,
            .trial = true,
            .expected_us = cost,
            .most = most,
            .reason = fmt::format("tried to learn: {} is expected to take {}, {} takes {}", names_[index(other)],
                                  spoken(cost), names_[index(side)], spoken(expected[index(side)]))};
  const bool both =
      shape.engines[0].sketch.weight() >= counts_at_all && shape.engines[1].sketch.weight() >= counts_at_all;
  counts_.learned += side == prior ? 0 : 1;
  return {.side = side,
          .trial = false,
          .expected_us = expected[index(side)],
          .reason = both || side != prior ? reason_of(shape, question, side) : question.estimate};
}

void Router::record(std::string_view name, const RouteTaken& taken) {
  const std::lock_guard lock(mutex_);
  Shape& shape = shape_of(name);
  auto& engine = shape.engines[index(taken.side)];
  engine.sketch.add(taken.gave_up ? unfinished * taken.microseconds : taken.microseconds);
  ++engine.calls;
  engine.trials += taken.trial ? 1 : 0;
  engine.degraded += taken.degraded ? 1 : 0;
  ++counts_.calls;
  counts_.explorations += taken.trial ? 1 : 0;
  counts_.degraded += taken.degraded ? 1 : 0;
  if (taken.trial) {
    shape.saved_us -= taken.microseconds;
    shape.calls_since_trial = 0;
    return;
  }
  // Of what trials and others take together the trials' share is `trial_share`.
  shape.saved_us = std::min(shape.saved_us + taken.microseconds * trial_share / (1 + trial_share), most_saved_us);
  ++shape.calls_since_trial;
}

std::vector<RouteFigures> Router::figures() const {
  const std::lock_guard lock(mutex_);
  std::vector<RouteFigures> all;
  for (const auto& shape : shapes_)
    for (const Side side : {Side::sql, Side::engine}) {
      const auto& engine = shape.engines[index(side)];
      if (engine.calls == 0) continue;
      all.push_back({.shape = shape.name,
                     .engine = names_[index(side)],
                     .calls = engine.calls,
                     .explorations = engine.trials,
                     .degraded = engine.degraded,
                     .p50_us = engine.sketch.quantile(0.5),
                     .p95_us = engine.sketch.quantile(0.95)});
    }
  return all;
}

RouteCounts Router::counts() const {
  const std::lock_guard lock(mutex_);
  auto counts = counts_;
  counts.shapes = shapes_.size();
  return counts;
}

std::string Router::save() const {
  const std::lock_guard lock(mutex_);
  std::string lines = fmt::format("{}\t{}\t{}\t{}\t{}\n", counts_.calls, counts_.explorations, counts_.degraded,
                                  counts_.learned, counts_.moves);
  for (const auto& shape : shapes_) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(shape.faded_at.time_since_epoch()).count();
    lines += fmt::format("{}\t{}\t{}\t{}\t{:.1f}\t{}", escaped(shape.name), index(shape.side), shape.decided ? 1 : 0,
                         shape.calls_since_trial, shape.saved_us, std::max<std::int64_t>(seconds, 0));
    for (const auto& engine : shape.engines)
      lines += fmt::format("\t{}\t{}\t{}\t{}", engine.calls, engine.trials, engine.degraded, engine.sketch.encode());
    lines += '\n';
  }
  return lines;
}

Status Router::restore_line(std::string_view line, std::list<Shape>& shapes) const {
  const auto fields = parts_of(line, '\t');
  constexpr std::size_t of_shape = 6;
  constexpr std::size_t of_engine = 4;
  if (fields.size() != of_shape + 2 * of_engine) return failure(ErrorCode::corruption, "a shape lacks fields");
  Shape shape{.name = unescaped(fields[0]), .engines = {}};
  shape.side = fields[1] == "0" ? Side::sql : Side::engine;
  shape.decided = fields[2] == "1";
  TRIUNE_ASSIGN(const std::uint64_t calls, whole_number(fields[3]));
  shape.calls_since_trial = static_cast<std::uint32_t>(std::min<std::uint64_t>(calls, calls_between));
  TRIUNE_ASSIGN(shape.saved_us, real_number(fields[4]));
  TRIUNE_ASSIGN(const std::uint64_t seconds, whole_number(fields[5]));
  shape.faded_at = Time(std::chrono::seconds(std::min<std::uint64_t>(seconds, 1ULL << 33U)));
  for (std::size_t i = 0; i < shape.engines.size(); ++i) {
    auto& engine = shape.engines[i];
    const auto* const of = &fields[of_shape + i * of_engine];
    TRIUNE_ASSIGN(engine.calls, whole_number(of[0]));
    TRIUNE_ASSIGN(engine.trials, whole_number(of[1]));
    TRIUNE_ASSIGN(engine.degraded, whole_number(of[2]));
    TRIUNE_TRY(engine.sketch.decode(of[3]));
    engine.sketch.limit(kept_weight);
  }
  shapes.push_back(std::move(shape));
  return {};
}

Status Router::restore(std::string_view lines) {
  std::list<Shape> shapes;
  RouteCounts counts;
  auto rows = parts_of(lines, '\n');
  const auto totals = parts_of(rows.front(), '\t');
  if (totals.size() != 5) return failure(ErrorCode::corruption, "the totals of the routes lack fields");
  std::uint64_t* const targets[] = {&counts.calls, &counts.explorations, &counts.degraded, &counts.learned,
                                    &counts.moves};
  for (std::size_t i = 0; i < totals.size(); ++i) {
    TRIUNE_ASSIGN(*targets[i], whole_number(totals[i]));
  }
  for (std::size_t i = 1; i < rows.size() && shapes.size() < most_shapes; ++i)
    if (!rows[i].empty()) TRIUNE_TRY(restore_line(rows[i], shapes));
  const std::lock_guard lock(mutex_);
  places_.clear();
  shapes_ = std::move(shapes);
  counts_ = counts;
  for (auto place = shapes_.begin(); place != shapes_.end();) {
    const bool is_new = places_.emplace(place->name, place).second;
    place = is_new ? std::next(place) : shapes_.erase(place);
  }
  return {};
}

}  // namespace triune::placement
