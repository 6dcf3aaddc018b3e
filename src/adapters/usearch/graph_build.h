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

/// Calls `work` with every number below `count` from several threads, until one fails; returns its error.
Status in_parallel(std::size_t count, std::size_t threads,
                   const std::function<Status(std::size_t number, std::size_t thread)>& work);

/// A graph of these rows, added in a random order: the first ones that come keep the links that lead far, and where all
/// of them are of one group, searches do not find the way to others. `cancelled` once `stop` is set.
Result<std::unique_ptr<Graph>> build_graph(const Comparer& comparer, const Settings& settings,
                                           std::span<const Row> rows, const Graph::VectorOf& vector_of,
                                           const std::atomic<bool>& stop);

/// Whether a search misses a row, as Graph::misses tells.
using Misses = std::function<Result<bool>(Row row, std::size_t context)>;
/// Those of `rows` that searches miss. Each is tried: how many links lead to a vector does not tell whether searches
/// find the way, and where groups lie far apart a tenth of all was missed.
Result<std::vector<Row>> lost_among(std::span<const Row> rows, std::size_t threads, const Misses& misses);
/// Those of the whole graph. For the metric dot, where trying tells nothing, those that no path leads to.
/// `cancelled` once `stop` is set.
Result<std::vector<Row>> lost_of(const Graph& graph, Metric metric, std::uint32_t threads,
                                 const Graph::VectorOf& vector_of, const std::atomic<bool>& stop);

}  // namespace triune::adapters::usearch
