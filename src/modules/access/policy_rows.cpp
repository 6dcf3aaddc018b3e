#include "modules/access/policy_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include <array>

#include "base/try.h"
#include "modules/kit/rows.h"
#include "triune/modules/access.h"

namespace triune::modules::access {
namespace {

using contract::RelationalSession;

constexpr std::size_t most_rules = 10'000;

/// Loads one policy; the steps fill it.
class Loading {
 public:
  Loading(RelationalSession& session, std::int64_t organization_id)
      : session_(session), organization_id_(organization_id) {}

  Result<LoadedPolicy> run(const Principal& principal) {
    loaded_.policy.subject = principal.id;
    TRIUNE_TRY(organization());
    if (principal.type == PrincipalType::api_key)
      TRIUNE_TRY(key(principal.id));
    else
      TRIUNE_TRY(person(principal));
    return std::move(loaded_);
  }

 private:
  void obstruct(std::string obstacle) {
    if (loaded_.policy.obstacle.empty()) loaded_.policy.obstacle = std::move(obstacle);
  }

  void unknown(std::string obstacle) {
    loaded_.known = false;
    obstruct(std::move(obstacle));
  }

  Result<RowSet> rows_of(std::string_view sql, const std::string& id, std::size_t most = 1) {
    const std::array<Value, 2> key{organization_id_, id};
    return session_.query(sql, key, most);
  }

  /// One that was never described is active.
  Status organization() {
    const std::array<Value, 1> key{organization_id_};
    TRIUNE_ASSIGN(const RowSet rows,
                  session_.query("SELECT status FROM triune_organization_details WHERE organization_id = ?1", key, 1));
    if (!rows.rows.empty() && text(rows.rows[0][0]) != "active")
      obstruct(fmt::format("the organization is {}", text(rows.rows[0][0])));
    return {};
  }

  Status key(const std::string& id) {
    TRIUNE_ASSIGN(const RowSet rows, rows_of("SELECT status, scopes, expires_at_ms, user_id, agent_id FROM "
                                             "triune_api_keys WHERE organization_id = ?1 AND id = ?2",
                                             id));
    if (rows.rows.empty()) {
      unknown("there is no such API key");
      return {};
    }
    const auto& row = rows.rows[0];
    if (text(row[0]) != "active") obstruct(fmt::format("the API key is {}", text(row[0])));
    KeyPolicy policy{.id = id, .scopes = {}, .expires_at_ms = optional_integer(row[2]).value_or(never)};
    TRIUNE_ASSIGN(const auto scopes, parse_scopes(text(row[1])));
    for (const auto& scope : scopes) {
      TRIUNE_ASSIGN(auto parsed, parse_key_scope(scope));
      policy.scopes.push_back(std::move(parsed));
    }
    loaded_.policy.key = std::move(policy);
    if (!is_null(row[3])) return person({PrincipalType::user, text(row[3])});
    if (!is_null(row[4])) return person({PrincipalType::agent, text(row[4])});
    return rules({PrincipalType::api_key, id});
  }

  Status person(const Principal& principal) {
    loaded_.policy.subject = principal.id;
    if (principal.type == PrincipalType::user) TRIUNE_TRY(user(principal.id));
    return rules(principal);
  }

  Status user(const std::string& id) {
    TRIUNE_ASSIGN(const RowSet rows,
                  rows_of("SELECT u.status, m.role, m.status FROM triune_users u LEFT JOIN triune_memberships m ON "
                          "m.organization_id = u.organization_id AND m.user_id = u.id WHERE u.organization_id = ?1 "
                          "AND u.id = ?2",
                          id));
    if (rows.rows.empty()) {
      unknown("there is no such user in the organization");
      return {};
    }
    const auto& row = rows.rows[0];
    if (text(row[0]) != "active") obstruct(fmt::format("the user is {}", text(row[0])));
    if (is_null(row[1])) return {};
    if (text(row[2]) != "active") obstruct(fmt::format("the user's membership is {}", text(row[2])));
    TRIUNE_ASSIGN(loaded_.policy.membership, parse_member_role(text(row[1])));
    return {};
  }

  /// Of the roles that the principal has, and of all that these inherit from.
  Status rules(const Principal& principal) {
    TRIUNE_ASSIGN(
        const RowSet rows,
        rows_of(fmt::format(
                    "WITH RECURSIVE held (role_id, until_ms) AS (SELECT role_id, expires_at_ms FROM "
                    "triune_role_assignments WHERE organization_id = ?1 AND {} = ?2 UNION SELECT p.parent_id, "
                    "h.until_ms FROM held h JOIN triune_role_parents p ON p.organization_id = ?1 AND p.role_id = "
                    "h.role_id) SELECT p.id, p.effect, p.resource_type, p.action, p.scope, p.resource_id, "
                    "p.conditions, p.expires_at_ms, h.until_ms, r.name FROM held h JOIN triune_permissions p ON "
                    "p.organization_id = ?1 AND p.role_id = h.role_id JOIN triune_roles r ON r.organization_id = ?1 "
                    "AND r.id = h.role_id ORDER BY r.name, p.id",
                    principal_column(principal.type)),
                principal.id, most_rules + 1));
    if (rows.rows.size() > most_rules)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("{} has more than {} permissions, and so none: give it fewer roles, or roles of wider "
                                 "permissions",
                                 to_string(principal), most_rules));
    for (const auto& row : rows.rows) TRIUNE_TRY(add_rule(row));
    return {};
  }

  Status add_rule(const std::vector<Value>& row) {
    Rule rule;
    TRIUNE_ASSIGN(rule.permission, permission_of(row));
    rule.role = text(row[9]);
    rule.expires_at_ms = std::min(optional_integer(row[7]).value_or(never), optional_integer(row[8]).value_or(never));
    if (auto conditions = Conditions::parse(rule.permission.conditions.text)) rule.conditions = std::move(*conditions);
    auto& rules = rule.permission.effect == Effect::deny ? loaded_.policy.denying : loaded_.policy.allowing;
    rules[rule.permission.resource_type].push_back(std::move(rule));
    return {};
  }

  RelationalSession& session_;
  std::int64_t organization_id_;
  LoadedPolicy loaded_;
};

}  // namespace

std::string_view principal_column(PrincipalType type) {
  constexpr std::array<std::string_view, 3> columns{"user_id", "agent_id", "api_key_id"};
  return columns[static_cast<std::size_t>(type)];
}

Result<Permission> permission_of(std::span<const Value> row) {
  Permission permission{.id = text(row[0]), .resource_type = text(row[2]), .action = text(row[3])};
  TRIUNE_ASSIGN(permission.effect, parse_effect(text(row[1])));
  TRIUNE_ASSIGN(permission.scope, parse_access_scope(text(row[4])));
  permission.resource_id = text(row[5]);
  permission.conditions = Json{text(row[6])};
  permission.expires_at_ms = optional_integer(row[7]);
  return permission;
}

Result<std::optional<std::int64_t>> read_epoch(RelationalSession& session, std::int64_t organization_id) {
  const std::array<Value, 1> key{organization_id};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT CAST(sum(epoch) AS bigint) FROM triune_access_epochs WHERE organization_id = ?1", key, 1));
  if (rows.rows.empty()) return std::optional<std::int64_t>();
  return optional_integer(rows.rows[0][0]);
}

Result<LoadedPolicy> load_policy(RelationalSession& session, std::int64_t organization_id, const Principal& principal) {
  return Loading(session, organization_id).run(principal);
}

Result<std::optional<KeyRecord>> load_key(RelationalSession& session, std::int64_t organization_id,
                                          std::string_view prefix) {
  const std::array<Value, 2> key{organization_id, std::string(prefix)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT id, name, secret_hash, user_id, agent_id, status, expires_at_ms FROM "
                              "triune_api_keys WHERE organization_id = ?1 AND key_prefix = ?2",
                              key, 1));
  if (rows.rows.empty()) return std::optional<KeyRecord>();
  const auto& row = rows.rows[0];
  KeyRecord record{.id = text(row[0]), .name = text(row[1]), .secret_hash = text(row[2]), .owner = {}};
  if (!is_null(row[3])) record.owner = Principal{PrincipalType::user, text(row[3])};
  if (!is_null(row[4])) record.owner = Principal{PrincipalType::agent, text(row[4])};
  record.revoked = text(row[5]) != "active";
  record.expires_at_ms = optional_integer(row[6]).value_or(never);
  return std::optional(std::move(record));
}

}  // namespace triune::modules::access
