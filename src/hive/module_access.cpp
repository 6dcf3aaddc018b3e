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

Result<std::unique_ptr<contract::RelationalSession>> ModuleAccess::read(Deadline deadline) const {
  TRIUNE_TRY(behind(hive_).check_open());
  return behind(hive_).store().read(contract::ReadScope::internal, deadline);
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
