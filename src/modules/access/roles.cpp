// Roles, their permissions, and who has them.
#include <array>

#include "base/try.h"
#include "modules/access/checks.h"
#include "modules/access/implementation.h"
#include "modules/kit/rows.h"
#include "triune/ids.h"

namespace triune::modules::access {
namespace {

using contract::RelationalSession;

constexpr std::size_t most_parents = 1'000;

/// The names of the parents of each.
Status add_parents(RelationalSession& session, std::int64_t organization_id, std::vector<Role>& roles) {
  for (auto& role : roles) {
    const std::array<Value, 2> of{organization_id, role.id};
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query("SELECT r.name FROM triune_role_parents p JOIN triune_roles r ON r.organization_id = "
                                "p.organization_id AND r.id = p.parent_id WHERE p.organization_id = ?1 AND p.role_id = "
                                "?2 ORDER BY r.name",
                                of, most_parents));
    for (const auto& row : rows.rows) role.parents.push_back(text(row[0]));
  }
  return {};
}

Status add_parent_in(RelationalSession& session, std::int64_t organization_id, const std::string& role,
                     std::string_view parent) {
  TRIUNE_ASSIGN(const auto id, find_role(session, organization_id, parent));
  const std::array<Value, 3> link{organization_id, role, id};
  TRIUNE_ASSIGN(const RowSet known,
                session.query("SELECT 1 FROM triune_role_parents WHERE organization_id = ?1 AND role_id = ?2 AND "
                              "parent_id = ?3",
                              link, 1));
  if (!known.rows.empty()) return {};
  return about(session.execute("INSERT INTO triune_role_parents (organization_id, role_id, parent_id) VALUES (?1, ?2, "
                               "?3)",
                               link),
               fmt::format("role {} under {}", role, parent));
}

}  // namespace

Result<std::string> find_role(RelationalSession& session, std::int64_t organization_id, std::string_view role) {
  const std::array<Value, 2> key{organization_id, std::string(role)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT id FROM triune_roles WHERE organization_id = ?1 AND (id = ?2 OR name = ?2) ORDER "
                              "BY CASE WHEN id = ?2 THEN 0 ELSE 1 END LIMIT 1",
                              key, 1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no role {}", role));
  return text(rows.rows[0][0]);
}

Status check_exists(RelationalSession& session, std::int64_t organization_id, const Principal& principal) {
  if (principal.id.empty()) return failure(ErrorCode::invalid_argument, "the id of a user, agent or key is empty");
  if (principal.type == PrincipalType::agent) return {};
  const std::array<Value, 2> key{organization_id, principal.id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT 1 FROM {} WHERE organization_id = ?1 AND id = ?2",
                                          principal.type == PrincipalType::user ? "triune_users" : "triune_api_keys"),
                              key, 1));
  if (!rows.rows.empty()) return {};
  return failure(
      ErrorCode::not_found,
      fmt::format("there is no {} {}", principal.type == PrincipalType::user ? "user" : "API key", principal.id));
}

Result<std::string> StoredAccess::create_role(const NewRole& role, const Actor& actor) {
  const auto id = role.id.empty() ? new_id() : role.id;
  if (role.parents.size() > most_parents)
    return failure(ErrorCode::invalid_argument, fmt::format("a role has at most {} parents", most_parents));
  const std::array<Value, 5> row{own(), id, role.name, role.description, now_ms()};
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_TRY(about(session.execute("INSERT INTO triune_roles (organization_id, id, name, description, created_at_ms, "
                                     "updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                                     row),
                     fmt::format("role {}", role.name)));
    for (const auto& parent : role.parents) TRIUNE_TRY(add_parent_in(session, own(), id, parent));
    return {};
  }));
  return id;
}

Result<std::vector<Role>> StoredAccess::roles(std::size_t limit) {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  const std::array<Value, 2> parameters{own(), limited(limit)};
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT id, name, description, is_system FROM triune_roles WHERE "
                                                  "organization_id = ?1 ORDER BY name LIMIT ?2",
                                                  parameters, most_rows));
  std::vector<Role> found;
  for (const auto& row : rows.rows)
    found.push_back({text(row[0]), text(row[1]), text(row[2]), integer(row[3]) == 1, {}});
  TRIUNE_TRY(add_parents(*session, own(), found));
  return found;
}

Status StoredAccess::remove_role(std::string_view role, const Actor& actor) {
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto id, find_role(session, own(), role));
    const std::array<Value, 2> key{own(), id};
    return about(session.execute("DELETE FROM triune_roles WHERE organization_id = ?1 AND id = ?2", key),
                 fmt::format("role {}", role));
  });
}

Status StoredAccess::add_parent(std::string_view role, std::string_view parent, const Actor& actor) {
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto id, find_role(session, own(), role));
    return add_parent_in(session, own(), id, parent);
  });
}

Status StoredAccess::remove_parent(std::string_view role, std::string_view parent, const Actor& actor) {
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto id, find_role(session, own(), role));
    TRIUNE_ASSIGN(const auto parent_id, find_role(session, own(), parent));
    const std::array<Value, 3> link{own(), id, parent_id};
    return about(session.execute("DELETE FROM triune_role_parents WHERE organization_id = ?1 AND role_id = ?2 AND "
                                 "parent_id = ?3",
                                 link),
                 fmt::format("role {}", role));
  });
}

Result<std::string> StoredAccess::grant(std::string_view role, const Permission& permission, const Actor& actor) {
  TRIUNE_TRY(check_permission(permission));
  const auto fresh = new_id();
  std::string id;
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto role_id, find_role(session, own(), role));
    const std::array<Value, 11> row{own(),
                                    fresh,
                                    role_id,
                                    std::string(to_string(permission.effect)),
                                    permission.resource_type,
                                    permission.action,
                                    std::string(to_string(permission.scope)),
                                    permission.resource_id,
                                    permission.conditions.text,
                                    or_null(permission.expires_at_ms),
                                    now_ms()};
    TRIUNE_TRY(about(
        session.execute("INSERT INTO triune_permissions (organization_id, id, role_id, effect, resource_type, action, "
                        "scope, resource_id, conditions, expires_at_ms, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                        "?7, ?8, ?9, ?10, ?11) ON CONFLICT (organization_id, role_id, resource_type, action, scope, "
                        "resource_id, effect) DO UPDATE SET conditions = excluded.conditions, expires_at_ms = "
                        "excluded.expires_at_ms",
                        row),
        fmt::format("a permission of role {}", role)));
    const std::array<Value, 7> key{own(), role_id, row[3], row[4], row[5], row[6], row[7]};
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query("SELECT id FROM triune_permissions WHERE organization_id = ?1 AND role_id = ?2 AND "
                                "effect = ?3 AND resource_type = ?4 AND action = ?5 AND scope = ?6 AND resource_id = "
                                "?7",
                                key, 1));
    id = text(rows.rows.at(0).at(0));
    return {};
  }));
  return id;
}

Status StoredAccess::revoke(std::string_view permission, const Actor& actor) {
  const std::array<Value, 2> key{own(), std::string(permission)};
  return write(actor, [&](RelationalSession& session) -> Status {
    const auto removed = session.execute("DELETE FROM triune_permissions WHERE organization_id = ?1 AND id = ?2", key);
    if (removed && *removed == 0)
      return failure(ErrorCode::not_found, fmt::format("there is no permission {}", permission));
    return about(removed, fmt::format("permission {}", permission));
  });
}

Result<std::vector<Permission>> StoredAccess::permissions(std::string_view role, std::size_t limit) {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  TRIUNE_ASSIGN(const auto id, find_role(*session, own(), role));
  const std::array<Value, 3> parameters{own(), limited(limit), id};
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT id, effect, resource_type, action, scope, resource_id, conditions, "
                               "expires_at_ms FROM triune_permissions WHERE organization_id = ?1 AND role_id = ?3 "
                               "ORDER BY resource_type, action, scope, resource_id, effect LIMIT ?2",
                               parameters, most_rows));
  std::vector<Permission> found;
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(auto one, permission_of(row));
    found.push_back(std::move(one));
  }
  return found;
}

Status StoredAccess::assign(const Principal& to, std::string_view role, std::optional<std::int64_t> expires_at_ms,
                            const Actor& actor) {
  const auto id = new_id();
  const auto column = principal_column(to.type);
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_TRY(check_exists(session, own(), to));
    TRIUNE_ASSIGN(const auto role_id, find_role(session, own(), role));
    const std::array<Value, 4> key{own(), to.id, role_id, or_null(expires_at_ms)};
    const auto changed = session.execute(
        fmt::format("UPDATE triune_role_assignments SET expires_at_ms = ?4 WHERE organization_id = ?1 AND {} = ?2 AND "
                    "role_id = ?3",
                    column),
        key);
    if (!changed || *changed > 0) return about(changed, fmt::format("role {} of {}", role, to_string(to)));
    const std::array<Value, 7> row{own(), id, role_id, to.id, or_null(expires_at_ms), actor.id, now_ms()};
    return about(
        session.execute(fmt::format("INSERT INTO triune_role_assignments (organization_id, id, role_id, {}, "
                                    "expires_at_ms, granted_by, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                    column),
                        row),
        fmt::format("role {} of {}", role, to_string(to)));
  });
}

Status StoredAccess::unassign(const Principal& from, std::string_view role, const Actor& actor) {
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto role_id, find_role(session, own(), role));
    const std::array<Value, 3> key{own(), from.id, role_id};
    return about(session.execute(fmt::format("DELETE FROM triune_role_assignments WHERE organization_id = ?1 AND {} = "
                                             "?2 AND role_id = ?3",
                                             principal_column(from.type)),
                                 key),
                 fmt::format("role {} of {}", role, to_string(from)));
  });
}

Result<std::vector<RoleAssignment>> StoredAccess::assignments(const Principal& of) {
  const std::array<Value, 2> parameters{own(), of.id};
  TRIUNE_ASSIGN(const RowSet rows,
                read(fmt::format("SELECT r.name, a.expires_at_ms, a.granted_by, a.created_at_ms FROM "
                                 "triune_role_assignments a JOIN triune_roles r ON r.organization_id = "
                                 "a.organization_id AND r.id = a.role_id WHERE a.organization_id = ?1 AND a.{} = ?2 "
                                 "ORDER BY r.name",
                                 principal_column(of.type)),
                     parameters));
  std::vector<RoleAssignment> found;
  for (const auto& row : rows.rows)
    found.push_back({of, text(row[0]), optional_integer(row[1]), text(row[2]), integer(row[3])});
  return found;
}

}  // namespace triune::modules::access
