#include "adapters/usearch/graph_build.h"

#include <algorithm>
#include <mutex>
#include <random>
#include <thread>

#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::uint32_t order_seed = 1;
constexpr const char* closing = "the vector store is closing";

}  // namespace

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
  std::vector<Row> order(rows.begin(), rows.end());
  std::ranges::shuffle(order, std::minstd_rand(order_seed));
  TRIUNE_TRY(in_parallel(order.size(), settings.threads, [&](std::size_t at, std::size_t context) -> Status {
    if (stop.load(std::memory_order_relaxed)) return failure(ErrorCode::cancelled, closing);
    return graph->add(order[at], vector_of(order[at]), context);
  }));
  return graph;
}

Result<std::vector<Row>> lost_among(std::span<const Row> rows, std::size_t threads, const Misses& misses) {
  std::vector<Row> lost;
  std::mutex mutex;
  TRIUNE_TRY(in_parallel(rows.size(), threads, [&](std::size_t at, std::size_t context) -> Status {
    TRIUNE_ASSIGN(const bool missed, misses(rows[at], context));
    if (!missed) return {};
    const std::scoped_lock lock(mutex);
    lost.push_back(rows[at]);
    return {};
  }));
  return lost;
}

Result<std::vector<Row>> lost_of(const Graph& graph, Metric metric, std::uint32_t threads,
                                 const Graph::VectorOf& vector_of, const std::atomic<bool>& stop) {
  if (metric == Metric::dot) return graph.unreached();
  return lost_among(graph.rows(), threads, [&](Row row, std::size_t context) -> Result<bool> {
    if (stop.load(std::memory_order_relaxed)) return failure(ErrorCode::cancelled, closing);
    return graph.misses(row, vector_of(row), context);
  });
}

}  // namespace triune::adapters::usearch
