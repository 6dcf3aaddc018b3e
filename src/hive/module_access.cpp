#include "hive/module_access.h"

#include <algorithm>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/search_order.h"
#include "hive/stored_definition.h"
#include "migrate/migrate.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

/// Hive::open makes nothing else.
Implementation& behind(Hive& hive) {
  return static_cast<Implementation&>(hive);
}

}  // namespace

contract::Dialect ModuleAccess::dialect() const {
  return behind(hive_).store().capabilities().dialect;
}

std::int64_t ModuleAccess::organization_id() const {
  return behind(hive_).organization_id();
}

Result<std::uint64_t> ModuleAccess::write(const contract::WriteJob& job, Deadline deadline) const {
  auto& hive = behind(hive_);
  TRIUNE_TRY(hive.check_open());
  RowSet position;
  TRIUNE_TRY(hive.store().write(
      [&](contract::RelationalSession& session) -> Status {
        position = {};
        TRIUNE_TRY(job(session));
        return projection::commit_lsn_soon(session, hive.organization_id(), position);
      },
      deadline));
  const auto lsn = projection::lsn_in(position);
  hive.committed(lsn, false);
  return lsn;
}

Result<Receipt> ModuleAccess::commit(std::span<const Change> changes, const contract::WriteJob& job,
                                     Deadline deadline) const {
  return behind(hive_).commit_along({.changes = {changes.begin(), changes.end()}, .idempotency_key = {}},
                                    {.deadline = deadline, .wait_for_projections = {}}, job);
}

Result<std::unique_ptr<contract::RelationalSession>> ModuleAccess::read(Deadline deadline) const {
  TRIUNE_TRY(behind(hive_).check_open());
  return behind(hive_).store().read(contract::ReadScope::internal, deadline);
}

Status ModuleAccess::run_outside(std::string_view sql, Deadline deadline) const {
  TRIUNE_TRY(behind(hive_).check_open());
  return behind(hive_).store().run_outside(sql, deadline);
}

Result<std::vector<contract::ColumnDescription>> ModuleAccess::describe(std::string_view table) const {
  return behind(hive_).store().describe(table);
}

Status ModuleAccess::install(std::string_view series, Deadline deadline) const {
  auto& hive = behind(hive_);
  TRIUNE_TRY(hive.check_open());
  return migrate::apply(hive.store(), series, migrate::migrations(dialect(), series), deadline);
}

Status ModuleAccess::define(const Definition& job) const {
  return behind(hive_).define_in_job(job);
}

Result<bool> ModuleAccess::release_nodes(std::string_view label, std::string_view table) const {
  const auto released = [&](const StoredDefinition& one) {
    return one.organization_id == organization_id() && one.kind() == "node_mapping" && one.name() == label &&
           one.table() == table;
  };
  {
    TRIUNE_ASSIGN(const auto session, read(Deadline::after(std::chrono::seconds(30))));
    TRIUNE_ASSIGN(const auto known, stored_definitions(*session));
    if (std::none_of(known.begin(), known.end(), released)) return false;
  }
  TRIUNE_TRY(define([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    TRIUNE_ASSIGN(const auto known, stored_definitions(session));
    for (const auto& one : known) {
      if (!released(one)) continue;
      TRIUNE_ASSIGN(const auto sql, translate(session, catalog, one));
      TRIUNE_TRY(drop_objects(session, sql.objects));
      TRIUNE_TRY(forget_definition(session, one));
    }
    return {};
  }));
  return true;
}

Result<VectorSearchResult> search_predicate_first(Hive& hive, const VectorSearch& search, const ReadOptions& options) {
  return behind(hive).search_in(nullptr, search, options, true);
}

}  // namespace triune::hive
