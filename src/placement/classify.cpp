#include "placement/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "placement/names.h"

namespace triune::placement {
namespace {

/// Of a figure that is `distance` away from the threshold, where `far` is as far as matters.
double sureness(double distance, double far) {
  return 0.5 + 0.5 * std::min(1.0, std::fabs(distance) / far);
}

void add_label(GraphSchema& schema, const std::string& label) {
  if (label.empty()) return;
  if (std::find(schema.labels.begin(), schema.labels.end(), label) == schema.labels.end())
    schema.labels.push_back(label);
}

void decide_graph(const Characteristics& data, Decision& decision) {
  constexpr std::uint64_t few_edges = 1000;
  for (const auto& relationship : data.relationships) {
    double sure = sureness(relationship.complexity - graph_threshold, 0.3);
    if (relationship.sampled) sure *= 0.9;
    if (!data.multi_hop_share) sure *= 0.95;
    const bool graph = relationship.complexity > graph_threshold;
    // Where both engines are quick anyway, the figures of a few edges decide nothing.
    if (graph && relationship.edges > 0 && relationship.edges < few_edges) sure *= 0.8;
    decision.confidence = std::min(decision.confidence, sure);
    decision.reasons.push_back(
        fmt::format("{}{}: network complexity {:.2f} {} {:.1f}{}: {}", relationship.type,
                    relationship.edges > 0 ? fmt::format(" ({} edges)", relationship.edges) : std::string(),
                    relationship.complexity, graph ? "is above" : "is not above", graph_threshold,
                    relationship.sampled ? ", judged by a part" : "",
                    graph ? "paths and patterns are searched in the graph; one to three hops from a row stay in SQL"
                          : "a covering index on both ends answers it in SQL"));
    if (!graph) continue;
    add_label(decision.graph, relationship.from);
    add_label(decision.graph, relationship.to);
    decision.graph.types.push_back({relationship.type, relationship.from, relationship.to});
  }
  if (!decision.graph.types.empty()) decision.engines.emplace_back("graph");
}

std::string metric_of(const VectorCharacteristics& vectors, Decision& decision) {
  if (vectors.metric) return std::string(to_string(*vectors.metric));
  if (vectors.normalized.value_or(false)) {
    decision.reasons.push_back("all vectors have length 1, so every metric orders them alike; cosine is the safe one");
    return "cosine";
  }
  decision.confidence = std::min(decision.confidence, 0.8);
  decision.reasons.push_back(
      "cosine compares directions, as embeddings are made for; choose l2 when lengths mean something");
  return "cosine";
}

void decide_vectors(const Characteristics& data, Decision& decision) {
  const auto largest = std::max_element(data.vectors.begin(), data.vectors.end(),
                                        [](const VectorCharacteristics& left, const VectorCharacteristics& right) {
                                          return left.dimension < right.dimension;
                                        });
  if (largest == data.vectors.end()) return;
  const double distance = static_cast<double>(largest->dimension) - static_cast<double>(vector_threshold);
  decision.confidence = std::min(decision.confidence, sureness(distance, 50));
  const auto subject = largest->column.empty() ? std::string("vectors") : "vectors in " + largest->column;
  if (largest->dimension <= vector_threshold) {
    decision.reasons.push_back(
        fmt::format("{} have {} dimensions, not more than {}: rows are compared one by one in SQL", subject,
                    largest->dimension, vector_threshold));
    return;
  }
  decision.engines.emplace_back("vector");
  decision.reasons.push_back(fmt::format("{} have {} dimensions, more than {}: the vector engine searches them",
                                         subject, largest->dimension, vector_threshold));
  VectorIndex index{.dimension = largest->dimension, .metric = metric_of(*largest, decision), .index = "hnsw"};
  if (largest->count > 0 && largest->count < index_from) {
    index.index = "exact";
    decision.reasons.push_back(fmt::format("{} vectors are fewer than {}: comparing all is exact and fast enough",
                                           largest->count, index_from));
  }
  // Directions in many dimensions differ little: more links keep the recall.
  constexpr std::uint64_t many_dimensions = 1024;
  constexpr std::uint64_t many_vectors = 1'000'000;
  if (largest->dimension >= many_dimensions || largest->count >= many_vectors) index.connectivity = 32;
  decision.vector = index;
}

void decide_rows(const Characteristics& data, Decision& decision) {
  constexpr double mostly = 0.8;
  if (decision.engines.size() > 1 && data.write_share.value_or(0) > mostly) {
    decision.confidence *= 0.9;
    decision.reasons.push_back(fmt::format("{:.0f} % of the statements write: the other engines follow each of them",
                                           *data.write_share * 100));
  }
  decision.transaction_mode = data.append_only ? "bulk_load" : "group_commit";
  decision.reasons.emplace_back(
      data.append_only ? "rows are only added, in batches: a bulk load writes them with one entry in the log"
                       : "each commit is durable; commits that wait share one transaction");
  if (!data.text_columns.empty()) {
    decision.engines.emplace_back("text");
    std::string columns;
    for (const auto& column : data.text_columns) columns += (columns.empty() ? "" : ", ") + column;
    decision.reasons.push_back(fmt::format("{}: prose, worth a text index", columns));
  }
  if (data.large_documents > 0)
    decision.reasons.push_back(
        fmt::format("{} JSON documents of more than 100 KB: keep them as blobs beside the rows", data.large_documents));
  decision.indexes = data.missing_indexes;
  if (!decision.indexes.empty())
    decision.reasons.push_back(fmt::format("foreign keys without an index: {}", decision.indexes.size()));
}

/// The engine whose query costs most when it is answered elsewhere.
std::string primary_of(const Decision& decision, const Characteristics& data) {
  const auto serves = [&decision](std::string_view engine) {
    return std::find(decision.engines.begin(), decision.engines.end(), engine) != decision.engines.end();
  };
  const bool asked_for_hops = !data.multi_hop_share || *data.multi_hop_share > 0;
  if (serves("graph") && asked_for_hops) return "graph";
  return serves("vector") ? "vector" : "relational";
}

}  // namespace

Decision classify(const Characteristics& data) {
  Decision decision{.name = data.name, .engines = {"relational"}, .confidence = 1};
  decide_graph(data, decision);
  decide_vectors(data, decision);
  decide_rows(data, decision);
  if (data.relationships.empty() && data.vectors.empty())
    decision.reasons.insert(decision.reasons.begin(), "neither relationships of a network nor vectors were found");
  decision.primary = primary_of(decision, data);
  decision.confidence = std::clamp(decision.confidence, 0.0, 1.0);
  return decision;
}

}  // namespace triune::placement
