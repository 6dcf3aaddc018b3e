// The factory: characteristics in, a ready store out, in one transaction.
#include <fmt/format.h>

#include <chrono>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/placement_record.h"
#include "hive/schema_upkeep.h"
#include "hive/stored_definition.h"
#include "placement/storage_plan.h"

namespace triune {

Result<OptimalStorage> create_optimal_storage(Hive& hive, const DataCharacteristics& characteristics) {
  return hive.create_storage(characteristics);
}

}  // namespace triune

namespace triune::hive {
namespace {

bool holds_integers(const std::string& type) {
  return type == "INTEGER" || type == "BIGINT" || type == "INT";
}

Result<placement::TieEnd> end_of(const DefinitionContext& context, const std::string& table) {
  TRIUNE_TRY(check_user_table(table));
  TRIUNE_ASSIGN(const TableShape shape, describe_table(context.session, table));
  TRIUNE_ASSIGN(const std::string key, single_key(shape));
  placement::TieEnd end{.table = shape.name, .key = key, .integer_key = holds_integers(shape.column(key)->type)};
  TRIUNE_ASSIGN(const auto definitions, stored_definitions(context.session));
  for (const auto& one : definitions)
    if (one.organization_id == context.organization_id && one.kind() == "node_mapping" &&
        same_name(context.session.dialect(), one.table(), table))
      end.label = one.name();
  return end;
}

Status make(const DefinitionContext& context, const placement::StoragePlan& plan) {
  for (const auto& statement : plan.statements) TRIUNE_TRY(run_user_statement(context, statement, {}, 0));
  for (const auto& one : plan.nodes) TRIUNE_TRY(define(context, one));
  for (const auto& one : plan.edges) TRIUNE_TRY(define(context, one));
  for (const auto& one : plan.vectors) TRIUNE_TRY(define(context, one, {}));
  if (plan.text) TRIUNE_TRY(define(context, *plan.text));
  for (const auto& one : plan.placements)
    TRIUNE_TRY(record_placement(context.session, context.organization_id, one, false));
  return {};
}

/// Whether the store was made by the same characteristics before; `conflict` when it was made otherwise.
Result<bool> is_made(const DefinitionContext& context, const DataCharacteristics& data) {
  TRIUNE_ASSIGN(const auto recorded, placements_of(context.session, context.organization_id, "store", data.name));
  const bool there = describe_table(context.session, data.name).has_value();
  if (!there) return false;
  if (recorded.empty())
    return failure(ErrorCode::conflict, fmt::format("there is a table {} already that no store was made of; give the "
                                                    "store another name, or map the table as it is",
                                                    data.name));
  const auto* const definition = find(recorded.back().parameters, "definition");
  if (definition != nullptr && to_text(*definition) == placement::definition_of(data)) return true;
  return failure(ErrorCode::conflict,
                 fmt::format("the store {} was made of other characteristics: {}; give the new one another name",
                             data.name, definition == nullptr ? std::string() : to_text(*definition)));
}

}  // namespace

Result<OptimalStorage> Implementation::create_storage(const DataCharacteristics& data) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(placement::check(data));
  OptimalStorage storage{.name = data.name};
  TRIUNE_TRY(define_in_job([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    const DefinitionContext context{session, catalog, organization_id_};
    const auto find_end = [&](const std::string& table) { return end_of(context, table); };
    TRIUNE_ASSIGN(const bool made, is_made(context, data));
    TRIUNE_ASSIGN(const auto plan, placement::plan_storage(data, session.dialect(), find_end));
    if (!made) TRIUNE_TRY(make(context, plan));
    storage.created = !made;
    storage.made = plan.made;
    storage.how_to = plan.how_to;
    TRIUNE_ASSIGN(const auto recorded, placements_of(session, organization_id_, "store", data.name));
    storage.placement = recorded.back();
    return {};
  }));
  return storage;
}

}  // namespace triune::hive
