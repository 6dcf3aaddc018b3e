#include "placement/decide.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace triune::placement {
namespace {

std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

Placement begin(std::string kind, const std::string& name, const Cause& cause) {
  return {.kind = std::move(kind), .name = name, .cause = cause, .engines = {"relational"}};
}

std::string source_of(const std::string& table) {
  return table.empty() ? "written as changes" : fmt::format("the rows of table {}", table);
}

}  // namespace

Placement decide_label(const std::string& label, const std::string& table, const CollectionFigures& figures,
                       const Cause& cause) {
  auto placement = begin("label", label, cause);
  placement.engines.emplace_back("graph");
  placement.primary = "relational";
  placement.confidence = 1;
  placement.reasons = {fmt::format("nodes of label {} are {}; the graph engine follows them", label, source_of(table)),
                       "a node is read from its row; the graph engine is asked for what lies around it"};
  if (!table.empty()) placement.parameters.push_back({"table", table});
  placement.figures = {{"nodes", number(figures.entities)}};
  return placement;
}

Placement decide_type(const std::string& type, const std::string& table, const CollectionFigures& figures,
                      const Cause& cause) {
  auto placement = begin("type", type, cause);
  placement.engines.emplace_back("graph");
  placement.figures = {{"edges", number(figures.entities)}};
  if (!table.empty()) placement.parameters.push_back({"table", table});
  if (!figures.network || figures.network->edges == 0) {
    placement.primary = "relational";
    placement.confidence = 0.5;
    placement.reasons = {
        fmt::format("edges of type {} are {}; there are none yet to judge the network by", type, source_of(table)),
        "one to three hops from a node are answered in SQL, paths by the faster engine"};
    return placement;
  }
  const auto& network = *figures.network;
  const auto decision = classify({.name = type,
                                  .relationships = {{.type = type,
                                                     .from = {},
                                                     .to = {},
                                                     .edges = figures.entities,
                                                     .complexity = network.complexity,
                                                     .sampled = network.sampled}}});
  placement.primary = decision.primary;
  placement.confidence = decision.confidence;
  placement.reasons.push_back(decision.reasons.front());
  if (decision.primary != "graph")
    placement.reasons.push_back(fmt::format(
        "the graph engine follows them all the same, since they are edges ({}); the router asks it where it is faster",
        source_of(table)));
  for (const auto& [name, value] :
       {std::pair{"complexity", network.complexity}, std::pair{"cycles", network.cycles},
        std::pair{"reach", network.reach}, std::pair{"spread", network.spread},
        std::pair{"reciprocity", network.reciprocity}, std::pair{"mean_degree", network.mean_degree}})
    placement.figures.push_back({name, value});
  placement.figures.push_back({"nodes", number(network.nodes)});
  placement.figures.push_back({"highest_degree", number(network.highest_degree)});
  placement.figures.push_back({"sampled", network.sampled});
  return placement;
}

Placement decide_vectors(const VectorCollection& collection, const CollectionFigures& figures, const Cause& cause) {
  auto placement = begin("vector", collection.name, cause);
  const auto decision = classify({.name = collection.name,
                                  .vectors = {{.column = {},
                                               .dimension = collection.dimension,
                                               .count = figures.entities,
                                               .normalized = {},
                                               .metric = collection.metric}}});
  placement.engines.emplace_back("vector");
  placement.primary = decision.primary;
  placement.confidence = decision.confidence;
  placement.reasons = decision.reasons;
  // How a collection commits is the hive's affair.
  std::erase_if(placement.reasons, [](const std::string& reason) { return reason.starts_with("each commit"); });
  // Few vectors are compared with each other, whatever the rule says of those that are not counted yet.
  const bool indexed = figures.entities >= index_from;
  if (decision.primary != "vector")
    placement.reasons.emplace_back("a collection is searched by the vector engine all the same, which compares all");
  placement.parameters = {{"dimension", std::int64_t{collection.dimension}},
                          {"metric", std::string(to_string(collection.metric))},
                          {"index", std::string(indexed ? "hnsw" : "exact")}};
  const std::string engine = collection.engine.empty() ? "usearch" : collection.engine;
  placement.parameters.push_back({"engine", engine});
  if (figures.vector_engine) {
    auto choice = choose_vector_engine(collection, figures.entities, *figures.vector_engine);
    if (choice.engine != engine) placement.parameters.push_back({"advised_engine", choice.engine});
    for (auto& reason : choice.reasons) placement.reasons.push_back(std::move(reason));
  }
  if (!collection.owner_table.empty()) placement.parameters.push_back({"owner_table", collection.owner_table});
  placement.figures = {{"vectors", number(figures.entities)}};
  if (!figures.vector_engine) return placement;
  placement.figures.push_back({"usearch_bytes", number(usearch_bytes(figures.entities, collection.dimension))});
  placement.figures.push_back({"memory_allowed", number(figures.vector_engine->memory_allowed)});
  placement.figures.push_back({"changed", number(figures.vector_engine->changed)});
  return placement;
}

Placement decide_text(const TextIndex& index, const CollectionFigures& figures, const Cause& cause) {
  auto placement = begin("text", index.name, cause);
  placement.engines.emplace_back("text");
  placement.primary = "text";
  placement.confidence = 1;
  placement.reasons = {
      fmt::format("the words of {} in table {} are indexed in the canonical store, in the transaction "
                  "of the row, so that a search is always current",
                  fmt::join(index.columns, ", "), index.table)};
  placement.parameters = {{"table", index.table}, {"columns", fmt::format("{}", fmt::join(index.columns, ", "))}};
  placement.figures = {{"rows", number(figures.entities)}};
  return placement;
}

bool same_decision(const Placement& left, const Placement& right) {
  return left.engines == right.engines && left.primary == right.primary && left.parameters == right.parameters;
}

}  // namespace triune::placement
