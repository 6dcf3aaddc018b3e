// Building a whole graph with several threads, and finding out whom it cannot reach.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "adapters/usearch/graph.h"
#include "adapters/usearch/settings.h"
#include "triune/schema.h"

namespace triune::adapters::usearch {

/// A vector with no more links to it than this may be missed by searches, and is tried (measured: those that were
/// missed had 0 to 6, which a tenth of all have).
inline constexpr std::size_t few_links = 6;

/// Calls `work` with every number below `count` from several threads, until one fails; returns its error.
Status in_parallel(std::size_t count, std::size_t threads,
                   const std::function<Status(std::size_t number, std::size_t thread)>& work);

/// A graph of these rows; `cancelled` once `stop` is set.
Result<std::unique_ptr<Graph>> build_graph(const Comparer& comparer, const Settings& settings,
                                           std::span<const Row> rows, const Graph::VectorOf& vector_of,
                                           const std::atomic<bool>& stop);

/// The rows that searches of the graph miss.
Result<std::vector<Row>> lost_of(const Graph& graph, Metric metric, std::uint32_t threads,
                                 const Graph::VectorOf& vector_of);

}  // namespace triune::adapters::usearch
