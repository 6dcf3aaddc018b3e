// How a collection's graph is built, grown and replaced.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>

#include "adapters/usearch/collection.h"
#include "adapters/usearch/packed.h"
#include "base/failpoint.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::usearch {
namespace {

// While vectors are added searches wait, so a turn is short.
constexpr auto longest_turn = std::chrono::milliseconds(2);
// A vector with no more links to it than this may be missed by searches, and is tried (measured: those that were missed
// had 0 to 6, which a tenth of all have).
constexpr std::size_t few_links = 6;

// Calls `work` with every number below `count` from several threads, until one fails; returns its error.
Status in_parallel(std::size_t count, std::size_t threads,
                   const std::function<Status(std::size_t number, std::size_t thread)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  Status status;  // guarded by mutex
  const auto run = [&](std::size_t thread) {
    for (std::size_t number = next++; number < count; number = next++) {
      auto mine = work(number, thread);
      if (mine) continue;
      next = count;
      const std::scoped_lock lock(mutex);
      status = std::move(mine);
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t thread = 1; thread < threads; ++thread) helpers.emplace_back(run, thread);
    run(0);
  }
  return status;
}

}  // namespace

Collection::Task Collection::next_task(bool draining) const {
  const Rows& rows = body_.rows;
  if (dropped_) return Task::nothing;
  if (!body_.graph) return rows.live() >= settings_.index_from ? Task::add : Task::nothing;
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
  return next_task(false) != Task::nothing;
}

Status Collection::maintain(const std::atomic<bool>& stop) {
  const std::scoped_lock lock(maintenance_);
  bool added = false;
  while (!stop.load()) {
    Task task = Task::nothing;
    {
      const Seat seat(gate_, Deadline::never());
      task = next_task(added);
    }
    if (task == Task::nothing) break;
    if (task == Task::add) {
      TRIUNE_TRY(add_burst(settings_.most_fresh));
      added = true;
    } else if (task == Task::rebuild) {
      TRIUNE_TRY(rebuild(stop));
    } else {
      const Closed closed(gate_);
      body_.graph.reset();
      body_.rows.adopt({});
      checked_nodes_ = all_checked_nodes_ = 0;
      ++version_;
    }
  }
  return added && !stop.load() ? mark_strays() : Status{};
}

Status Collection::add_burst(std::size_t most) {
  const Closed closed(gate_);
  if (dropped_) return {};
  Rows& rows = body_.rows;
  if (!body_.graph) {
    TRIUNE_ASSIGN(body_.graph, Graph::make(*body_.scorer, settings_.tuning, rows.live(), settings_.seats));
  }
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

void Collection::add_some_if_behind() {
  // When vectors come faster than maintenance adds them, their writer lends a hand, or searches would scan ever more.
  // Not while the graph is built anew: then maintenance is taken.
  const std::unique_lock lock(maintenance_, std::try_to_lock);
  if (!lock) return;
  {
    const Seat seat(gate_, Deadline::never());
    if (!body_.graph || body_.rows.scanned().size() < 4 * settings_.most_fresh) return;
  }
  // A failure to add leaves the vectors fresh, where searches find them; maintenance meets it again and reports it.
  (void)add_burst(settings_.most_fresh);
}

Status Collection::mark_strays() {
  // Links change only under maintenance_, which is held: they are read without a seat, and searches go on.
  if (!body_.graph) return {};
  const Graph& graph = *body_.graph;
  const bool all = graph.size() > all_checked_nodes_ + all_checked_nodes_ / 4;
  const bool by_search = specification_.metric != Metric::dot;
  std::vector<Row> suspects;
  if (all || !by_search)
    suspects = graph.suspects(by_search ? few_links : 0);
  else
    suspects.assign(graph.rows().begin() + static_cast<std::ptrdiff_t>(checked_nodes_), graph.rows().end());
  std::vector<Row> lost;
  for (const Row row : suspects) {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return {};
    bool missed = true;
    if (by_search) {
      TRIUNE_ASSIGN(missed, graph.misses(row, body_.rows.vector(row), seat.number()));
    }
    if (missed) lost.push_back(row);
  }
  const Closed closed(gate_);
  Rows& rows = body_.rows;
  // Whoever was tried and found is in reach again.
  for (const Row row : suspects)
    if (rows.state(row) == RowState::stray) rows.set_indexed(row);
  for (const Row row : lost)
    if (rows.state(row) == RowState::indexed) rows.set_stray(row);
  checked_nodes_ = graph.size();
  if (all) all_checked_nodes_ = graph.size();
  return {};
}

Result<std::vector<Row>> Collection::lost_of(const Graph& graph, const Graph::VectorOf& vector_of) const {
  if (specification_.metric == Metric::dot) return graph.suspects(0);
  const auto suspects = graph.suspects(few_links);
  std::vector<Row> lost;
  std::mutex mutex;
  TRIUNE_TRY(in_parallel(suspects.size(), settings_.threads, [&](std::size_t at, std::size_t context) -> Status {
    TRIUNE_ASSIGN(const bool missed, graph.misses(suspects[at], vector_of(suspects[at]), context));
    if (!missed) return {};
    const std::scoped_lock lock(mutex);
    lost.push_back(suspects[at]);
    return {};
  }));
  return lost;
}

Result<std::unique_ptr<Graph>> Collection::build_graph(const Scorer& scorer, std::span<const Row> rows,
                                                       const Graph::VectorOf& vector_of,
                                                       const std::atomic<bool>& stop) const {
  TRIUNE_ASSIGN(auto graph, Graph::make(scorer, settings_.tuning, rows.size(), settings_.seats));
  TRIUNE_TRY(in_parallel(rows.size(), settings_.threads, [&](std::size_t at, std::size_t context) -> Status {
    if (stop.load(std::memory_order_relaxed)) return failure(ErrorCode::cancelled, "the vector store is closing");
    return graph->add(rows[at], vector_of(rows[at]), context);
  }));
  return graph;
}

Status Collection::rebuild(const std::atomic<bool>& stop) {
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
  TRIUNE_ASSIGN(auto graph, build_graph(*scorer, live, pinned, stop));
  TRIUNE_ASSIGN(const auto lost, lost_of(*graph, pinned));

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

Status Collection::fill(Body& body, std::uint64_t expected, const contract::VectorSource& source) const {
  body.rows.reserve(expected);
  std::vector<std::byte> packed(wide_.bytes());
  return source([&](const contract::VectorEntry& entry) -> Status {
    TRIUNE_TRY(contract::check_values(entry.values, specification_.dimension, entry.key));
    if (body.rows.find(entry.key))
      return failure(ErrorCode::invalid_argument, fmt::format("key {} came twice in the load", entry.key));
    if (!body.scorer->fits(entry.values)) widen(body);
    body.rows.reserve(1);
    const float length = body.scorer->pack(entry.values, packed.data());
    body.rows.put(entry.key, packed.data(), length);
    if (!entry.metadata.empty()) body.metadata.insert_or_assign(entry.key, entry.metadata);
    return {};
  });
}

Status Collection::bulk_load(std::uint64_t expected, const contract::VectorSource& source,
                             const contract::Position& position) {
  const std::scoped_lock lock(maintenance_);
  const auto filled = [this] {
    return failure(ErrorCode::conflict, fmt::format("vector collection '{}' is not empty; only an empty one can be "
                                                    "bulk loaded, drop it first",
                                                    specification_.collection));
  };
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return std::unexpected(gone());
    if (body_.rows.live() != 0) return filled();
  }
  Body body(narrow_);
  TRIUNE_TRY(fill(body, expected, source));
  if (body.rows.live() >= settings_.index_from) {
    std::vector<Row> all(body.rows.live());
    std::iota(all.begin(), all.end(), 0U);
    const std::atomic<bool> never{false};
    const auto vector_of = [&](Row row) { return static_cast<const Rows&>(body.rows).vector(row); };
    TRIUNE_ASSIGN(body.graph, build_graph(*body.scorer, all, vector_of, never));
    for (const Row row : all) body.rows.set_indexed(row);
    TRIUNE_ASSIGN(const auto lost, lost_of(*body.graph, vector_of));
    for (const Row row : lost) body.rows.set_stray(row);
  }
  {
    const Closed closed(gate_);
    if (dropped_) return std::unexpected(gone());
    if (body_.rows.live() != 0) return filled();
    body_ = std::move(body);
    scalar_ = body_.scorer->scalar();
    position_ = position;
    unavoidable_strays_ = body_.graph ? body_.rows.scanned().size() : 0;
    checked_nodes_ = all_checked_nodes_ = body_.graph ? body_.graph->size() : 0;
    ++version_;
  }
  base::failpoint("usearch.bulk_load.loaded");
  return {};
}

}  // namespace triune::adapters::usearch
