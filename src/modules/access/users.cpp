// Users and memberships.
#include <array>

#include "base/try.h"
#include "modules/access/checks.h"
#include "modules/access/implementation.h"
#include "modules/kit/rows.h"
#include "triune/ids.h"

namespace triune::modules::access {
namespace {

using contract::RelationalSession;

constexpr std::string_view columns =
    "id, email, name, username, status, timezone, settings, external_ids, failed_login_attempts, locked_until_ms, "
    "login_count, last_login_at_ms, created_at_ms, updated_at_ms";

Result<User> user_of(const std::vector<Value>& row) {
  User user{.id = text(row[0]), .email = text(row[1]), .name = text(row[2]), .username = text(row[3])};
  TRIUNE_ASSIGN(user.status, parse_account_status(text(row[4])));
  user.timezone = text(row[5]);
  user.settings = Json{text(row[6])};
  user.external_ids = Json{text(row[7])};
  user.failed_login_attempts = integer(row[8]);
  user.locked_until_ms = optional_integer(row[9]);
  user.login_count = integer(row[10]);
  user.last_login_at_ms = optional_integer(row[11]);
  user.created_at_ms = integer(row[12]);
  user.updated_at_ms = integer(row[13]);
  return user;
}

/// Which of what must be unique is taken by somebody else. The store looks again.
Status check_free(RelationalSession& session, std::int64_t organization_id, const std::string& id,
                  const std::string& email, const std::string& username) {
  const std::array<Value, 4> key{organization_id, id, email, username};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT email = ?3 FROM triune_users WHERE organization_id = ?1 AND id <> ?2 AND (email = "
                    "?3 OR (?4 <> '' AND username IS NOT NULL AND lower(username) = lower(?4)))",
                    key, 1));
  if (rows.rows.empty()) return {};
  const bool address = text(rows.rows[0][0]) == "1" || text(rows.rows[0][0]) == "true";
  return failure(ErrorCode::conflict, address ? fmt::format("another user has the e-mail address {}", email)
                                              : fmt::format("another user has the username {}", username));
}

}  // namespace

Result<Membership> membership_of(const std::vector<Value>& row) {
  Membership membership{.user = text(row[0])};
  TRIUNE_ASSIGN(membership.role, parse_member_role(text(row[1])));
  TRIUNE_ASSIGN(membership.status, parse_account_status(text(row[2])));
  membership.title = text(row[3]);
  membership.department = text(row[4]);
  membership.invited_by = text(row[5]);
  membership.joined_at_ms = optional_integer(row[6]);
  return membership;
}

Result<User> find_user(RelationalSession& session, std::int64_t organization_id, std::string_view who) {
  const auto email = normalised_email(who);
  const std::array<Value, 3> key{organization_id, std::string(who), email ? *email : std::string()};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(fmt::format("SELECT {} FROM triune_users WHERE organization_id = ?1 AND (id = ?2 OR email = ?3 OR "
                                "(username IS NOT NULL AND lower(username) = lower(?2))) ORDER BY CASE WHEN id = ?2 "
                                "THEN 0 ELSE 1 END, id LIMIT 1",
                                columns),
                    key, 1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no user {}", who));
  return user_of(rows.rows[0]);
}

Result<std::string> StoredAccess::create_user(const NewUser& user, const Actor& actor) {
  const auto id = user.id.empty() ? new_id() : user.id;
  TRIUNE_ASSIGN(const auto email, normalised_email(user.email));
  TRIUNE_TRY(check_username(user.username));
  const std::array<Value, 10> row{own(),
                                  id,
                                  email,
                                  user.name,
                                  text_or_null(user.username),
                                  std::string(to_string(user.status)),
                                  user.timezone,
                                  user.settings.text,
                                  user.external_ids.text,
                                  now_ms()};
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_TRY(check_free(session, own(), id, email, user.username));
    return about(session.execute("INSERT INTO triune_users (organization_id, id, email, name, username, status, "
                                 "timezone, settings, external_ids, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, "
                                 "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
                                 row),
                 fmt::format("user {}", id));
  }));
  return id;
}

Result<User> StoredAccess::user(std::string_view who) {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  return find_user(*session, own(), who);
}

Result<std::vector<User>> StoredAccess::users(std::size_t limit) {
  const std::array<Value, 2> parameters{own(), limited(limit)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      read(fmt::format("SELECT {} FROM triune_users WHERE organization_id = ?1 ORDER BY email LIMIT ?2", columns),
           parameters));
  std::vector<User> found;
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(auto one, user_of(row));
    found.push_back(std::move(one));
  }
  return found;
}

Status StoredAccess::update_user(std::string_view id, const UserUpdate& update, const Actor& actor) {
  Assignments to;
  std::string email;
  if (update.email) {
    TRIUNE_ASSIGN(email, normalised_email(*update.email));
    to.set("email", email);
  }
  to.add("name", update.name);
  if (update.username) {
    TRIUNE_TRY(check_username(*update.username));
    to.set("username", text_or_null(*update.username));
  }
  if (update.status) to.set("status", std::string(to_string(*update.status)));
  to.add("timezone", update.timezone);
  to.add("settings", update.settings);
  to.add("external_ids", update.external_ids);
  to.set("updated_at_ms", now_ms());
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_TRY(check_exists(session, own(), {PrincipalType::user, std::string(id)}));
    TRIUNE_TRY(check_free(session, own(), std::string(id), email, update.username.value_or("")));
    return about(
        session.execute(fmt::format("UPDATE triune_users SET {} WHERE organization_id = ?1 AND id = ?2", to.text()),
                        to.parameters(own(), std::string(id))),
        fmt::format("user {}", id));
  });
}

Status StoredAccess::remove_user(std::string_view id, const Actor& actor) {
  const std::array<Value, 2> key{own(), std::string(id)};
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_TRY(check_exists(session, own(), {PrincipalType::user, std::string(id)}));
    return about(session.execute("DELETE FROM triune_users WHERE organization_id = ?1 AND id = ?2", key),
                 fmt::format("user {}", id));
  });
}

Status StoredAccess::set_member(const Membership& membership, const Actor& actor) {
  const auto now = now_ms();
  const std::array<Value, 9> row{own(),
                                 membership.user,
                                 std::string(to_string(membership.role)),
                                 std::string(to_string(membership.status)),
                                 membership.title,
                                 membership.department,
                                 membership.invited_by.empty() ? actor.id : membership.invited_by,
                                 membership.status == AccountStatus::active ? Value(now) : Value(),
                                 now};
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_TRY(check_exists(session, own(), {PrincipalType::user, membership.user}));
    return about(session.execute("INSERT INTO triune_memberships (organization_id, user_id, role, status, title, "
                                 "department, invited_by, joined_at_ms, created_at_ms, updated_at_ms) VALUES (?1, ?2, "
                                 "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) ON CONFLICT (organization_id, user_id) DO UPDATE SET "
                                 "role = excluded.role, status = excluded.status, title = excluded.title, department "
                                 "= excluded.department, joined_at_ms = coalesce(triune_memberships.joined_at_ms, "
                                 "excluded.joined_at_ms), updated_at_ms = excluded.updated_at_ms",
                                 row),
                 fmt::format("member {}", membership.user));
  });
}

Status StoredAccess::remove_member(std::string_view user, const Actor& actor) {
  const std::array<Value, 2> key{own(), std::string(user)};
  return write(actor, [&](RelationalSession& session) -> Status {
    const auto removed =
        session.execute("DELETE FROM triune_memberships WHERE organization_id = ?1 AND user_id = ?2", key);
    if (removed && *removed == 0)
      return failure(ErrorCode::not_found, fmt::format("{} is no member of the organization", user));
    return about(removed, fmt::format("member {}", user));
  });
}

Result<std::vector<Membership>> StoredAccess::members(std::size_t limit) {
  const std::array<Value, 2> parameters{own(), limited(limit)};
  TRIUNE_ASSIGN(const RowSet rows,
                read("SELECT user_id, role, status, title, department, invited_by, joined_at_ms FROM "
                     "triune_memberships WHERE organization_id = ?1 ORDER BY user_id LIMIT ?2",
                     parameters));
  std::vector<Membership> found;
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(auto one, membership_of(row));
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace triune::modules::access
