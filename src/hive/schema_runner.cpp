#include "hive/schema_runner.h"

#include <memory>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/schema_upkeep.h"
#include "projection/change_log.h"

namespace triune::hive {

migrate::Runner schema_runner(Hive& hive) {
  // Hive::open makes nothing else.
  auto& behind = static_cast<Implementation&>(hive);
  const auto run = [&behind](contract::RelationalSession& session, std::string_view statement) -> Status {
    projection::CatalogWriter catalog(behind.catalog(), session);
    TRIUNE_TRY(run_user_statement({session, catalog, behind.organization_id()}, statement, {}, 0));
    return {};
  };
  const auto transaction = [&behind](const contract::WriteJob& job, Deadline deadline) -> Status {
    std::uint64_t lsn = 0;
    TRIUNE_TRY(behind.store().write(
        [&](contract::RelationalSession& session) -> Status {
          {
            // What another program did to the schema before is seen first.
            projection::CatalogWriter catalog(behind.catalog(), session);
            TRIUNE_TRY(keep_up({session, catalog, behind.organization_id()}));
          }
          TRIUNE_TRY(job(session));
          {
            projection::CatalogWriter catalog(behind.catalog(), session);
            TRIUNE_TRY(keep_up({session, catalog, behind.organization_id()}));
          }
          TRIUNE_ASSIGN(lsn, projection::commit_lsn(session, behind.organization_id()));
          return {};
        },
        deadline));
    behind.committed(lsn, true);
    return {};
  };
  return {.store = behind.store(), .transaction = transaction, .run = run};
}

}  // namespace triune::hive
