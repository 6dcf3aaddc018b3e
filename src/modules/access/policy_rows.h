// Policies as the store has them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "contract/relational_store.h"
#include "modules/access/policy.h"

namespace triune::modules::access {

/// Grows with every change that a decision may rest on; nothing when nobody counts.
Result<std::optional<std::int64_t>> read_epoch(contract::RelationalSession& session, std::int64_t organization_id);

struct LoadedPolicy {
  Policy policy;
  bool known = true;  ///< False: there is no such user or key.
};
/// All in one snapshot. Error: `resource_exhausted` for a principal with more than 10,000 permissions.
Result<LoadedPolicy> load_policy(contract::RelationalSession& session, std::int64_t organization_id,
                                 const Principal& principal);

/// A key, to be compared with what is presented.
struct KeyRecord {
  std::string id;
  std::string name;
  std::string secret_hash;
  std::optional<Principal> owner;
  bool revoked = false;
  std::int64_t expires_at_ms = never;
};
/// Nothing when no key has the prefix.
Result<std::optional<KeyRecord>> load_key(contract::RelationalSession& session, std::int64_t organization_id,
                                          std::string_view prefix);

/// The column of triune_role_assignments that names principals of a type.
std::string_view principal_column(PrincipalType type);

/// A permission from the cells id, effect, resource_type, action, scope, resource_id, conditions, expires_at_ms.
Result<Permission> permission_of(std::span<const Value> row);

}  // namespace triune::modules::access
