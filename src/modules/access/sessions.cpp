// Logins, sessions, and tokens that are refused.
#include <array>

#include "base/try.h"
#include "modules/access/checks.h"
#include "modules/access/implementation.h"
#include "modules/access/key_text.h"
#include "modules/kit/rows.h"
#include "triune/ids.h"

namespace triune::modules::access {
namespace {

using contract::RelationalSession;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t longest_lifetime_ms = 90 * day_ms;
constexpr std::int64_t note_activity_every_ms = 60'000;

Status check_may_log_in(const User& user, std::int64_t now) {
  if (user.status != AccountStatus::active)
    return failure(ErrorCode::permission_denied, fmt::format("the user is {}", to_string(user.status)));
  if (user.locked_until_ms && *user.locked_until_ms > now)
    return failure(ErrorCode::permission_denied,
                   fmt::format("the user is locked for {} s more, after {} failed logins",
                               (*user.locked_until_ms - now + 999) / 1'000, user.failed_login_attempts));
  return {};
}

std::unexpected<Error> no_session() {
  return failure(ErrorCode::permission_denied, "there is no such session, or it has ended; log in again");
}

}  // namespace

Result<User> StoredAccess::note_login(std::string_view who, bool succeeded, const Actor& actor) {
  User user;
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(user, find_user(session, own(), who));
    const auto now = now_ms();
    TRIUNE_TRY(check_may_log_in(user, now));
    if (succeeded) {
      user.failed_login_attempts = 0;
      user.last_login_at_ms = now;
      ++user.login_count;
    } else {
      // A lock that has passed begins anew.
      user.failed_login_attempts = (user.locked_until_ms ? 0 : user.failed_login_attempts) + 1;
    }
    user.locked_until_ms.reset();
    if (user.failed_login_attempts >= options_.failed_logins_allowed)
      user.locked_until_ms = now + options_.lockout.count();
    const std::array<Value, 6> row{own(),
                                   user.id,
                                   user.failed_login_attempts,
                                   or_null(user.locked_until_ms),
                                   user.login_count,
                                   or_null(user.last_login_at_ms)};
    return about(
        session.execute("UPDATE triune_users SET failed_login_attempts = ?3, locked_until_ms = ?4, login_count "
                        "= ?5, last_login_at_ms = ?6 WHERE organization_id = ?1 AND id = ?2",
                        row),
        fmt::format("user {}", user.id));
  }));
  return user;
}

Result<IssuedSession> StoredAccess::begin_session(const NewSession& session, const Actor& actor) {
  if (session.lifetime_ms <= 0 || session.lifetime_ms > longest_lifetime_ms)
    return failure(ErrorCode::invalid_argument, "a session lasts more than nothing and at most 90 days");
  TRIUNE_ASSIGN(const auto user, note_login(session.user, true, actor));
  const auto now = now_ms();
  IssuedSession issued{new_id(), random_text(secret_length), now + session.lifetime_ms};
  const std::array<Value, 8> row{own(),
                                 issued.id,
                                 user.id,
                                 secret_hash(issued.token),
                                 session.client_ip,
                                 session.user_agent.substr(0, 1'000),
                                 now,
                                 issued.expires_at_ms};
  TRIUNE_TRY(write(actor, [&](RelationalSession& at) -> Status {
    return about(
        at.execute("INSERT INTO triune_login_sessions (organization_id, id, user_id, token_hash, client_ip, "
                   "user_agent, created_at_ms, last_activity_at_ms, expires_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, "
                   "?6, ?7, ?7, ?8)",
                   row),
        fmt::format("a session of user {}", user.id));
  }));
  return issued;
}

Result<LoginSession> StoredAccess::session(std::string_view token) {
  const auto now = now_ms();
  const std::array<Value, 3> key{own(), secret_hash(token), now};
  TRIUNE_ASSIGN(const RowSet rows,
                read("SELECT s.id, s.user_id, s.client_ip, s.user_agent, s.created_at_ms, s.last_activity_at_ms, "
                     "s.expires_at_ms FROM triune_login_sessions s JOIN triune_users u ON u.organization_id = "
                     "s.organization_id AND u.id = s.user_id WHERE s.organization_id = ?1 AND s.token_hash = ?2 AND "
                     "s.ended_at_ms IS NULL AND s.expires_at_ms > ?3 AND u.status = 'active'",
                     key));
  if (rows.rows.empty()) return no_session();
  const auto& row = rows.rows[0];
  LoginSession found{text(row[0]),    text(row[1]),    text(row[2]),   text(row[3]),
                     integer(row[4]), integer(row[5]), integer(row[6])};
  if (now - found.last_activity_at_ms < note_activity_every_ms) return found;
  const std::array<Value, 3> activity{own(), found.id, now};
  TRIUNE_TRY(module_.write(
      {.type = ActorType::system},
      [&](RelationalSession& at) -> Status {
        TRIUNE_TRY(
            at.execute("UPDATE triune_login_sessions SET last_activity_at_ms = ?3 WHERE organization_id = ?1 AND "
                       "id = ?2",
                       activity));
        return {};
      },
      patience()));
  found.last_activity_at_ms = now;
  return found;
}

Status StoredAccess::end_session(std::string_view id, const Actor& actor) {
  const std::array<Value, 3> row{own(), std::string(id), now_ms()};
  return write(actor, [&](RelationalSession& session) -> Status {
    return about(
        session.execute("UPDATE triune_login_sessions SET ended_at_ms = ?3 WHERE organization_id = ?1 AND id = "
                        "?2 AND ended_at_ms IS NULL",
                        row),
        fmt::format("session {}", id));
  });
}

Status StoredAccess::revoke_token(const RevokedToken& token, const Actor& actor) {
  const std::array<Value, 7> row{own(),        token.jti, token.type,         token.subject,
                                 token.reason, now_ms(),  token.expires_at_ms};
  return write(actor, [&](RelationalSession& session) -> Status {
    return about(
        session.execute("INSERT INTO triune_revoked_tokens (organization_id, jti, token_type, subject, reason, "
                        "revoked_at_ms, expires_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT "
                        "(organization_id, jti) DO NOTHING",
                        row),
        fmt::format("token {}", token.jti));
  });
}

Result<bool> StoredAccess::is_token_revoked(std::string_view jti) {
  const std::array<Value, 2> key{own(), std::string(jti)};
  TRIUNE_ASSIGN(const RowSet rows,
                read("SELECT 1 FROM triune_revoked_tokens WHERE organization_id = ?1 AND jti = ?2", key));
  return !rows.rows.empty();
}

Result<std::uint64_t> StoredAccess::sweep(const Actor& actor) {
  const std::array<Value, 3> key{own(), now_ms() - day_ms, static_cast<std::int64_t>(most_rows)};
  std::uint64_t gone = 0;
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto sessions,
                  session.execute("DELETE FROM triune_login_sessions WHERE organization_id = ?1 AND id IN (SELECT id "
                                  "FROM triune_login_sessions WHERE organization_id = ?1 AND expires_at_ms < ?2 ORDER "
                                  "BY expires_at_ms LIMIT ?3)",
                                  key));
    TRIUNE_ASSIGN(const auto tokens,
                  session.execute("DELETE FROM triune_revoked_tokens WHERE organization_id = ?1 AND jti IN (SELECT jti "
                                  "FROM triune_revoked_tokens WHERE organization_id = ?1 AND expires_at_ms < ?2 ORDER "
                                  "BY expires_at_ms LIMIT ?3)",
                                  key));
    TRIUNE_ASSIGN(const auto invitations,
                  session.execute("DELETE FROM triune_invitations WHERE organization_id = ?1 AND user_id IN (SELECT "
                                  "user_id FROM triune_invitations WHERE organization_id = ?1 AND expires_at_ms < ?2 "
                                  "ORDER BY expires_at_ms LIMIT ?3)",
                                  key));
    gone = sessions + tokens + invitations;
    return {};
  }));
  return gone;
}

}  // namespace triune::modules::access
