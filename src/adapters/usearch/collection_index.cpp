// How the graph over what is in memory is built, grown and replaced.
#include <algorithm>
#include <chrono>

#include "adapters/usearch/collection.h"
#include "adapters/usearch/graph_build.h"
#include "base/memory.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

// While vectors are added searches wait, so a turn is short.
constexpr auto longest_turn = std::chrono::milliseconds(2);
// Writers wait for, or do, the freezing of what has grown to this many times the bound.
constexpr double most_bodies = 1.5;
}  // namespace

Collection::Task Collection::next_task(bool draining) const {
  const Rows& rows = body_.rows;
  if (dropped_) return Task::nothing;
  if (body_bytes(body_) > freeze_bound(!parts_.empty()) && may_freeze()) return Task::freeze;
  if (!body_.graph) return rows.live() >= settings_.index_from ? Task::rebuild : Task::nothing;
  // Half of the bound, so that a collection that stays near it does not build and drop graphs all the time.
  if (rows.live() < settings_.index_from / 2) return Task::drop_graph;
  const auto tombstones = static_cast<double>(rows.tombstones());
  if (tombstones > settings_.most_tombstones * static_cast<double>(body_.graph->size())) return Task::rebuild;
  const std::size_t in_graph = body_.graph->size() - rows.tombstones();
  const std::size_t fresh = rows.live() - std::min(in_graph, rows.live());
  const std::size_t strays = rows.scanned().size() - std::min(fresh, rows.scanned().size());
  // Building anew helps against strays that additions made, not against those that the data make.
  if (strays > settings_.most_fresh / 2 + 2 * unavoidable_strays_.load()) return Task::rebuild;
  return fresh > (draining ? 0 : settings_.most_fresh) ? Task::add : Task::nothing;
}

bool Collection::needs_maintenance() {
  const Seat seat(gate_, Deadline::never());
  return next_task(false) != Task::nothing || !parts_to_merge().empty() || segment_to_hold() != nullptr;
}

Status Collection::maintain() {
  TRIUNE_TRY(maintain_body());
  while (!stop_.load()) {
    {
      const Seat seat(gate_, Deadline::never());
      if (dropped_ || parts_to_merge().empty()) break;
    }
    TRIUNE_TRY(merge_parts());
    TRIUNE_TRY(maintain_body());
  }
  return hold_segments();
}

Status Collection::maintain_body() {
  const std::scoped_lock lock(maintenance_);
  bool added = false;
  while (!stop_.load()) {
    Task task = Task::nothing;
    {
      const Seat seat(gate_, Deadline::never());
      task = next_task(added);
    }
    if (task == Task::nothing) {
      if (!added) break;
      TRIUNE_TRY(mark_strays());
      added = false;  // and looks again: what is astray may be so much that the graph is made anew
      continue;
    }
    if (task == Task::add) TRIUNE_TRY(add_burst(settings_.most_fresh));
    if (task == Task::rebuild) TRIUNE_TRY(rebuild());
    if (task == Task::drop_graph) drop_graph();
    if (task == Task::freeze) {
      TRIUNE_TRY(freeze());
      base::release_free_memory();  // the vectors that stand in the segment now
    }
    added = added || task == Task::add;
  }
  return {};
}

void Collection::drop_graph() {
  const Closed closed(gate_);
  body_.graph.reset();
  body_.rows.adopt({});
  checked_nodes_ = all_checked_nodes_ = 0;
  ++version_;
}

Status Collection::add_burst(std::size_t most) {
  const Closed closed(gate_);
  if (dropped_ || !body_.graph) return {};
  Rows& rows = body_.rows;
  Graph& graph = *body_.graph;
  const auto end = std::chrono::steady_clock::now() + longest_turn;
  ++version_;
  // From the back, since adding takes a row out of the list by moving the last into its place.
  for (std::size_t at = rows.scanned().size(); at > 0 && most > 0; --at) {
    const Row row = rows.scanned()[at - 1];
    if (rows.state(row) != RowState::fresh) continue;
    TRIUNE_TRY(graph.reserve(graph.size() + 1));
    TRIUNE_TRY(graph.add(row, rows.vector(row)));
    rows.set_indexed(row);
    --most;
    if (std::chrono::steady_clock::now() >= end) break;
  }
  return {};
}

void Collection::help_if_behind() {
  // When vectors come faster than maintenance takes them in, their writer lends a hand, or searches would scan ever
  // more and memory would grow. A failure leaves the vectors where they are and found; maintenance meets it again and
  // reports it.
  bool too_large = false;
  bool too_fresh = false;
  const auto look = [&] {
    const Seat seat(gate_, Deadline::never());
    too_large = body_bytes(body_) > most_bodies * freeze_bound(!parts_.empty()) && may_freeze();
    too_fresh = body_.graph && body_.rows.scanned().size() >= 4 * settings_.most_fresh;
  };
  look();
  if (!too_large && !too_fresh) return;
  std::unique_lock lock(maintenance_, std::defer_lock);
  if (too_large)
    lock.lock();
  else if (!lock.try_lock())  // the graph is built anew or frozen just now
    return;
  look();
  if (too_large)
    (void)freeze();
  else if (too_fresh)
    (void)add_burst(settings_.most_fresh);
}

Status Collection::mark_strays() {
  // Links change only under maintenance_, which is held: they are read without a seat, and searches go on.
  if (!body_.graph) return {};
  const Graph& graph = *body_.graph;
  const bool all = graph.size() > all_checked_nodes_ + all_checked_nodes_ / 2;
  const bool by_search = specification_.metric != Metric::dot;
  const auto misses = [&](Row row, std::size_t) -> Result<bool> {
    const Seat seat(gate_, Deadline::never());
    if (dropped_ || stop_.load()) return failure(ErrorCode::cancelled, "the collection is closing");
    return graph.misses(row, body_.rows.vector(row), seat.number());
  };
  const auto rows_tried = graph.rows().subspan(all ? 0 : checked_nodes_);
  TRIUNE_ASSIGN(const auto lost, by_search ? lost_among(rows_tried, 1, misses) : graph.unreached());
  const Closed closed(gate_);
  Rows& rows = body_.rows;
  // Whoever was tried and found is in reach again.
  for (const Row row : by_search ? rows_tried : graph.rows())
    if (rows.state(row) == RowState::stray) rows.set_indexed(row);
  for (const Row row : lost)
    if (rows.state(row) == RowState::indexed) rows.set_stray(row);
  checked_nodes_ = graph.size();
  if (all) all_checked_nodes_ = graph.size();
  return {};
}

Status Collection::rebuild() {
  std::vector<Row> live;
  std::optional<Rows::Pin> pin;
  const Scorer* scorer = nullptr;
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return {};
    for (Row row = 0; row < body_.rows.end(); ++row)
      if (body_.rows.is_live(row)) live.push_back(row);
    pin.emplace(body_.rows);
    scorer = body_.scorer;
  }
  const auto pinned = [&](Row row) { return pin->vector(row); };
  TRIUNE_ASSIGN(auto graph, build_graph(*scorer, settings_, live, pinned, stop_));
  TRIUNE_ASSIGN(const auto lost, lost_of(*graph, specification_.metric, settings_.threads, pinned, stop_));

  const Closed closed(gate_);
  if (dropped_) return {};
  // The collection may have been widened meanwhile: links stay good, vectors stand elsewhere.
  graph->retarget(*body_.scorer, [this](Row row) { return body_.rows.vector(row); });
  std::vector<bool> members(body_.rows.end());
  for (const Row row : live) members[row] = true;
  body_.rows.adopt(members);
  for (const Row row : lost)
    if (body_.rows.is_live(row)) body_.rows.set_stray(row);
  body_.graph = std::move(graph);
  unavoidable_strays_ = lost.size();
  checked_nodes_ = all_checked_nodes_ = body_.graph->size();
  ++version_;
  return {};
}

}  // namespace triune::adapters::usearch
