#include "triune/modules/access.h"

#include <array>

#include "base/try.h"
#include "modules/access/checks.h"
#include "modules/access/definition.h"
#include "modules/access/implementation.h"

namespace triune::modules::access {

Status StoredAccess::begin_epoch() const {
  {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    TRIUNE_ASSIGN(const auto epoch, read_epoch(*session, own()));
    if (epoch) return {};
  }
  const std::array<Value, 1> key{own()};
  return write({.type = ActorType::system}, [&](contract::RelationalSession& session) -> Status {
    TRIUNE_TRY(
        session.execute("INSERT INTO triune_access_epochs (organization_id, shard, epoch) VALUES (?1, 0, 0) ON "
                        "CONFLICT (organization_id, shard) DO NOTHING",
                        key));
    return {};
  });
}

Status StoredAccess::write(const Actor& actor, const contract::WriteJob& job) const {
  auto written = module_.write(actor, job, patience());
  PolicyStore::changed();
  if (!written) return std::unexpected<Error>(std::move(written.error()));
  return {};
}

Result<RowSet> StoredAccess::read(std::string_view sql, std::span<const Value> parameters) const {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  return session->query(sql, parameters, most_rows);
}

Result<Decision> StoredAccess::decide(const AccessRequest& request) {
  TRIUNE_TRY(check_request(request));
  TRIUNE_ASSIGN(const auto policy, policies_.policy(request.principal));
  return access::decide(*policy, request, now_ms());
}

Result<AccessExplanation> StoredAccess::explain(const AccessRequest& request) {
  TRIUNE_TRY(check_request(request));
  TRIUNE_ASSIGN(const auto policy, policies_.fresh_policy(request.principal));
  return access::explain(*policy, request, now_ms());
}

}  // namespace triune::modules::access

namespace triune {

Result<std::unique_ptr<Access>> Access::open(Hive& hive, AccessOptions options) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::access::definition()));
  auto access = std::make_unique<modules::access::StoredAccess>(std::move(module), options);
  TRIUNE_TRY(access->begin_epoch());
  return std::unique_ptr<Access>(std::move(access));
}

}  // namespace triune
