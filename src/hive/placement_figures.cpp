#include "hive/placement_figures.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using placement::CollectionFigures;

// So many edges show what a network is like, and are read and measured in a fraction of a second.
constexpr std::int64_t edges_looked_at = 100'000;

Result<std::uint64_t> count(contract::RelationalSession& session, std::string_view sql,
                            std::span<const Value> parameters) {
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

/// `edges` selects the two ends of each edge.
Status measure_network(contract::RelationalSession& session, const std::string& edges,
                       std::span<const Value> parameters, std::string_view from_kind, std::string_view to_kind,
                       CollectionFigures& figures) {
  placement::NetworkBuilder builder(edges_looked_at);
  TRIUNE_TRY(session.visit(fmt::format("{} LIMIT {}", edges, edges_looked_at), parameters,
                           [&](std::span<const Value> row) -> Status {
                             builder.add(placement::node_of(from_kind, row[0]), placement::node_of(to_kind, row[1]));
                             return {};
                           }));
  figures.network = std::move(builder).measure();
  figures.network->sampled = figures.entities > static_cast<std::uint64_t>(edges_looked_at);
  return {};
}

}  // namespace

Result<CollectionFigures> table_figures(contract::RelationalSession& session, const std::string& table) {
  CollectionFigures figures;
  TRIUNE_ASSIGN(figures.entities, count(session, "SELECT count(*) FROM " + quote_identifier(table), {}));
  return figures;
}

Result<CollectionFigures> mapping_figures(contract::RelationalSession& session, const EdgeMapping& mapping) {
  TRIUNE_ASSIGN(auto figures, table_figures(session, mapping.table));
  TRIUNE_TRY(measure_network(session,
                             fmt::format("SELECT {0}, {1} FROM {2} WHERE {0} IS NOT NULL AND {1} IS NOT NULL",
                                         quote_identifier(mapping.from_column), quote_identifier(mapping.to_column),
                                         quote_identifier(mapping.table)),
                             {}, mapping.from_label, mapping.to_label, figures));
  return figures;
}

Result<CollectionFigures> node_figures(contract::RelationalSession& session, std::int64_t organization_id,
                                       std::int64_t label_id) {
  const std::array<Value, 2> parameters{organization_id, label_id};
  CollectionFigures figures;
  TRIUNE_ASSIGN(
      figures.entities,
      count(session, "SELECT count(*) FROM triune_nodes WHERE organization_id = ?1 AND label_id = ?2", parameters));
  return figures;
}

Result<CollectionFigures> edge_figures(contract::RelationalSession& session, std::int64_t organization_id,
                                       std::int64_t type_id) {
  const std::array<Value, 2> parameters{organization_id, type_id};
  CollectionFigures figures;
  TRIUNE_ASSIGN(
      figures.entities,
      count(session, "SELECT count(*) FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2", parameters));
  TRIUNE_TRY(measure_network(session,
                             "SELECT from_node, to_node FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2",
                             parameters, "node", "node", figures));
  return figures;
}

Result<CollectionFigures> vector_figures(contract::RelationalSession& session, std::int64_t organization_id,
                                         std::int64_t collection_id) {
  const std::array<Value, 2> parameters{organization_id, collection_id};
  CollectionFigures figures;
  TRIUNE_ASSIGN(figures.entities,
                count(session, "SELECT count(*) FROM triune_vectors WHERE organization_id = ?1 AND collection_id = ?2",
                      parameters));
  // The first entry of a vector that is there was its making; of one that is gone, each was a change.
  figures.vector_engine.emplace();
  TRIUNE_ASSIGN(figures.vector_engine->changed,
                count(session,
                      "SELECT count(*) - count(DISTINCT v.vector_key) FROM triune_change_log l LEFT JOIN "
                      "triune_vectors v ON v.organization_id = l.organization_id AND v.vector_key = "
                      "CAST(l.key AS bigint) WHERE l.organization_id = ?1 AND l.collection_id = ?2 AND "
                      "l.operation <> 'load'",
                      parameters));
  return figures;
}

}  // namespace triune::hive
