// Definitions, and the decisions about collections that are recorded with them.
#include <fmt/format.h>

#include "adapters/builtin.h"
#include "base/try.h"
#include "hive/definitions.h"
#include "hive/implementation.h"
#include "hive/placement_figures.h"
#include "hive/placement_record.h"
#include "hive/stored_definition.h"
#include "hive/vector_engines.h"
#include "placement/decide.h"

namespace triune::hive {
namespace {

using placement::CollectionFigures;
using projection::CollectionKind;

Deadline measuring_deadline() {
  return Deadline::after(std::chrono::minutes(1));
}

/// What cannot be measured is wrong in a way that the definition itself will name.
CollectionFigures or_none(const Result<CollectionFigures>& figures) {
  return figures ? *figures : CollectionFigures();
}

/// Of a traversal or search of the collection: its shape ends with the name.
bool names_collection(const RouteFigures& route, const std::string& name) {
  return route.shape.ends_with(" " + name);
}

}  // namespace

CollectionFigures Implementation::measured(const Measurement& measure) {
  // Outside of the write job: nobody waits for it.
  const auto session = store_->read(contract::ReadScope::internal, measuring_deadline());
  return session ? or_none(measure(**session)) : CollectionFigures();
}

Status Implementation::create_collection(const VectorCollection& collection) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(embeddings_->check(collection));
  if (!collection.engine.empty()) TRIUNE_TRY(check_vector_engine(adapters::builtin(), collection.engine));
  const auto version = embeddings_->version_of(collection);
  return define_in_job([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    TRIUNE_TRY(define({session, catalog, organization_id_}, collection, version));
    return record_placement(session, organization_id_, placement::decide_vectors(collection, {}, "create_collection"),
                            true);
  });
}

Status Implementation::map_nodes(const NodeMapping& mapping) {
  TRIUNE_TRY(check_open());
  const auto figures = measured([&](auto& session) { return table_figures(session, mapping.table); });
  return define_in_job([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    TRIUNE_TRY(define({session, catalog, organization_id_}, mapping));
    return record_placement(session, organization_id_,
                            placement::decide_label(mapping.label, mapping.table, figures, "map_nodes"), true);
  });
}

Status Implementation::map_edges(const EdgeMapping& mapping) {
  TRIUNE_TRY(check_open());
  const auto figures = measured([&](auto& session) { return mapping_figures(session, mapping); });
  return define_in_job([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    TRIUNE_TRY(define({session, catalog, organization_id_}, mapping));
    return record_placement(session, organization_id_,
                            placement::decide_type(mapping.type, mapping.table, figures, "map_edges"), true);
  });
}

Status Implementation::create_text_index(const TextIndex& index) {
  TRIUNE_TRY(check_open());
  const auto figures = measured([&](auto& session) { return table_figures(session, index.table); });
  return define_in_job([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    TRIUNE_TRY(define({session, catalog, organization_id_}, index));
    return record_placement(session, organization_id_, placement::decide_text(index, figures, "create_text_index"),
                            true);
  });
}

Result<PlacementList> Implementation::placements() {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, reader({}));
  PlacementList list;
  TRIUNE_ASSIGN(list.placements, newest_placements(*session, organization_id_));
  TRIUNE_ASSIGN(list.decisions, decisions_recorded(*session, organization_id_));
  list.totals = learned_->counts();
  list.routes = learned_->figures();
  return list;
}

Result<PlacementExplanation> Implementation::explain_placement(std::string_view name) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, reader({}));
  TRIUNE_ASSIGN(const auto newest, newest_placements(*session, organization_id_));
  const Placement* found = nullptr;
  std::string alike;
  std::size_t count = 0;
  for (const auto& one : newest) {
    if (name != one.name && name != one.kind + ":" + one.name) continue;
    alike += fmt::format("{}{}:{}", alike.empty() ? "" : ", ", one.kind, one.name);
    found = &one;
    ++count;
  }
  if (found == nullptr)
    return failure(ErrorCode::not_found, fmt::format("no decision about {} was recorded; `triune placement list` shows "
                                                     "all, `triune placement review` decides about what has none",
                                                     name));
  if (count > 1)
    return failure(ErrorCode::invalid_argument, fmt::format("{} is several: say which of {}", name, alike));
  PlacementExplanation explanation{.current = *found};
  TRIUNE_ASSIGN(explanation.history, placements_of(*session, organization_id_, found->kind, found->name));
  for (auto& route : learned_->figures())
    if (names_collection(route, found->name)) explanation.routes.push_back(std::move(route));
  return explanation;
}

Result<std::vector<Placement>> Implementation::decide_anew() {
  const auto deadline = Deadline::after(std::chrono::hours(1));
  TRIUNE_TRY(catalog_.reload(*store_, deadline));
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const auto definitions, stored_definitions(*session));
  const auto catalog = catalog_.snapshot();
  const auto table_of = [&](std::string_view kind, const std::string& name) -> std::string {
    for (const auto& one : definitions)
      if (one.organization_id == organization_id_ && one.kind() == kind && one.name() == name) return one.table();
    return {};
  };
  std::vector<Placement> decided;
  for (const auto id : catalog->collections_of(organization_id_, CollectionKind::label)) {
    const auto& label = catalog->name_of(id);
    TRIUNE_ASSIGN(const auto figures, node_figures(*session, organization_id_, id));
    decided.push_back(placement::decide_label(label, table_of("node_mapping", label), figures, "review"));
  }
  for (const auto id : catalog->collections_of(organization_id_, CollectionKind::type)) {
    const auto& type = catalog->name_of(id);
    TRIUNE_ASSIGN(const auto figures, edge_figures(*session, organization_id_, id));
    decided.push_back(placement::decide_type(type, table_of("edge_mapping", type), figures, "review"));
  }
  const bool has_lancedb = check_vector_engine(adapters::builtin(), "lancedb").has_value();
  for (const auto id : catalog->collections_of(organization_id_, CollectionKind::vector)) {
    TRIUNE_ASSIGN(auto figures, vector_figures(*session, organization_id_, id));
    figures.vector_engine->memory_allowed = options_.vector_memory_bytes;
    figures.vector_engine->lancedb_installed = has_lancedb;
    decided.push_back(placement::decide_vectors(catalog->vector_collections.at(id), figures, "review"));
  }
  for (const auto& one : definitions) {
    const auto* const index = std::get_if<TextIndex>(&one.what);
    if (index == nullptr || one.organization_id != organization_id_) continue;
    TRIUNE_ASSIGN(const auto figures, table_figures(*session, index->table));
    decided.push_back(placement::decide_text(*index, figures, "review"));
  }
  return decided;
}

Result<std::vector<Placement>> Implementation::review_placements() {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto decided, decide_anew());
  std::vector<Placement> before;
  std::vector<Placement> after;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(before, newest_placements(session, organization_id_));
        for (const auto& one : decided) TRIUNE_TRY(record_placement(session, organization_id_, one, false));
        TRIUNE_ASSIGN(after, newest_placements(session, organization_id_));
        return {};
      },
      measuring_deadline()));
  std::erase_if(after, [&](const Placement& one) {
    for (const auto& old : before)
      if (old.kind == one.kind && old.name == one.name && old.revision == one.revision) return true;
    return false;
  });
  return after;
}

}  // namespace triune::hive
