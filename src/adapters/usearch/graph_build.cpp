#include "adapters/usearch/graph_build.h"

#include <mutex>
#include <thread>

#include "base/try.h"

namespace triune::adapters::usearch {

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

Result<std::unique_ptr<Graph>> build_graph(const Comparer& comparer, const Settings& settings,
                                           std::span<const Row> rows, const Graph::VectorOf& vector_of,
                                           const std::atomic<bool>& stop) {
  TRIUNE_ASSIGN(auto graph, Graph::make(comparer, settings.tuning, rows.size(), settings.seats));
  TRIUNE_TRY(in_parallel(rows.size(), settings.threads, [&](std::size_t at, std::size_t context) -> Status {
    if (stop.load(std::memory_order_relaxed)) return failure(ErrorCode::cancelled, "the vector store is closing");
    return graph->add(rows[at], vector_of(rows[at]), context);
  }));
  return graph;
}

Result<std::vector<Row>> lost_of(const Graph& graph, Metric metric, std::uint32_t threads,
                                 const Graph::VectorOf& vector_of) {
  if (metric == Metric::dot) return graph.suspects(0);
  const auto suspects = graph.suspects(few_links);
  std::vector<Row> lost;
  std::mutex mutex;
  TRIUNE_TRY(in_parallel(suspects.size(), threads, [&](std::size_t at, std::size_t context) -> Status {
    TRIUNE_ASSIGN(const bool missed, graph.misses(suspects[at], vector_of(suspects[at]), context));
    if (!missed) return {};
    const std::scoped_lock lock(mutex);
    lost.push_back(suspects[at]);
    return {};
  }));
  return lost;
}

}  // namespace triune::adapters::usearch
