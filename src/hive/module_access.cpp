#include "hive/module_access.h"

#include "base/try.h"
#include "hive/implementation.h"
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
  auto& hive = behind(hive_);
  TRIUNE_TRY(hive.check_open());
  TRIUNE_TRY(check_changes(changes));
  TRIUNE_ASSIGN(const auto blobs, hive.stage_blobs(changes));
  hive.know_collections(changes);
  const auto snapshot = hive.catalog().snapshot();
  const auto embedded = hive.embeddings().embed(changes, *snapshot, deadline);
  std::uint64_t lsn = 0;
  std::uint64_t changed = 0;
  bool catalog_changed = false;
  TRIUNE_TRY(hive.store().write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(job(session));
        TRIUNE_TRY(hive.hold_blobs(session, blobs));
        projection::CatalogWriter catalog(hive.catalog(), session);
        ChangeApplier applier(session, catalog, *snapshot, hive.organization_id());
        if (embedded) applier.note_embedding_trouble(embedded->trouble);
        TRIUNE_TRY(applier.apply(embedded ? std::span<const Change>(embedded->changes) : changes, blobs));
        changed = applier.changed();
        catalog_changed = catalog.changed();
        TRIUNE_ASSIGN(lsn, projection::commit_lsn(session, hive.organization_id()));
        return {};
      },
      deadline));
  hive.committed(lsn, catalog_changed);
  auto receipt = hive.make_receipt(lsn, changed);
  receipt.pending_embeddings = embedded ? embedded->pending : 0;
  if (receipt.pending_embeddings > 0) hive.embeddings().wake();
  return receipt;
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

}  // namespace triune::hive
