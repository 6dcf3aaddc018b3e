#include "commit_work.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "harness.h"

namespace triune::bench {
namespace {

constexpr std::size_t distinct_vectors = 4096;
constexpr std::uint64_t item_seed = 11;

}  // namespace

WorkItems::WorkItems() {
  ClusteredVectors vectors(vector_dimension, item_seed);
  vectors_.resize(distinct_vectors);
  for (auto& vector : vectors_) vectors.next(vector);
}

WorkItem WorkItems::item(std::uint64_t number) const {
  std::mt19937_64 random(number);
  WorkItem item{.task = fmt::format("task-{}", number),
                .title = fmt::format("Look into report {} and answer it", number),
                .priority = static_cast<std::int64_t>(number % 5),
                .edges = {},
                .vector_id = fmt::format("memory-{}", number),
                .vector = &vectors_[number % vectors_.size()]};
  for (auto& [from, to] : item.edges) {
    from = RandomGraph::id(static_cast<std::uint32_t>(random() % commit_agents));
    to = RandomGraph::id(static_cast<std::uint32_t>(random() % commit_agents));
  }
  return item;
}

Commit WorkItems::commit(std::uint64_t number) const {
  const auto item = this->item(number);
  Commit commit;
  commit.changes.emplace_back(
      PutRow{"tasks",
             {{"id", item.task}, {"title", item.title}, {"state", std::string("open")}, {"priority", item.priority}}});
  for (const auto& [from, to] : item.edges)
    commit.changes.emplace_back(PutEdge{{"WORKS_WITH", {"Agent", from}, {"Agent", to}}, {}});
  commit.changes.emplace_back(PutVector{"memories", item.vector_id, *item.vector, {{"kind", std::string("note")}}});
  return commit;
}

void prepare_hive(Hive& hive) {
  must(hive.sql(commit_table_sql));
  must(hive.create_collection({.name = "memories", .dimension = vector_dimension, .owner_table = {}}));
  auto agents = nodes_of({.nodes = commit_agents, .degree = 0});
  must(hive.load_nodes("Agent", agents));
  // The first edge makes the type; what it costs to follow that is no part of the steady state.
  must(
      hive.commit({.changes = {PutEdge{{"WORKS_WITH", {"Agent", "p0"}, {"Agent", "p1"}}, {}}}, .idempotency_key = {}}));
  must(hive.wait(must(hive.receipt()).token(), Deadline::after(std::chrono::minutes(5))));
}

std::uint64_t produce(std::size_t threads, double seconds, std::uint64_t first,
                      const std::function<void(std::uint64_t)>& commit, Samples& latencies) {
  std::atomic<std::uint64_t> next{first};
  std::mutex mutex;
  std::exception_ptr failed;
  const Stopwatch all;
  const auto work = [&] {
    Samples mine;
    try {
      while (all.seconds() < seconds) {
        const Stopwatch watch;
        commit(next++);
        mine.add(watch.milliseconds());
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      failed = std::current_exception();
    }
    const std::scoped_lock lock(mutex);
    latencies.add(mine);
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) workers.emplace_back(work);
  }
  if (failed) std::rethrow_exception(failed);
  return next - first;
}

}  // namespace triune::bench
