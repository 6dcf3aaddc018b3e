// Invitations: a membership that is pending until whoever holds the token accepts it.
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

constexpr std::int64_t longest_lifetime_ms = 90LL * 86'400'000;

std::unexpected<Error> no_invitation() {
  return failure(
      ErrorCode::permission_denied,
      "there is no such invitation: it was accepted, replaced or withdrawn, or has expired; ask for another");
}

/// The user of the address, made when there is none. Pending, so that only accepting lets it in.
Result<std::string> invited_user(RelationalSession& session, std::int64_t organization_id,
                                 const NewInvitation& invitation, const std::string& email, std::int64_t now) {
  auto known = find_user(session, organization_id, email);
  if (known) return known->id;
  if (known.error().code != ErrorCode::not_found) return failure_of(known);
  auto id = new_id();
  const std::array<Value, 5> row{organization_id, id, email, invitation.name.empty() ? email : invitation.name, now};
  TRIUNE_TRY(about(session.execute("INSERT INTO triune_users (organization_id, id, email, name, status, timezone, "
                                   "settings, external_ids, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, "
                                   "'pending', 'UTC', '{}', '{}', ?5, ?5)",
                                   row),
                   fmt::format("user {}", email)));
  return id;
}

/// A member that is not pending has no use for an invitation, and what ended a membership is not undone by one.
Status check_may_be_invited(RelationalSession& session, std::int64_t organization_id, const std::string& user,
                            const std::string& email) {
  const std::array<Value, 2> key{organization_id, user};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT status FROM triune_memberships WHERE organization_id = ?1 AND user_id = ?2", key, 1));
  if (rows.rows.empty() || text(rows.rows[0][0]) == "pending") return {};
  return failure(ErrorCode::conflict, fmt::format("{} is a member already, and is {}; change that with `member set`",
                                                  email, text(rows.rows[0][0])));
}

Status put_membership(RelationalSession& session, std::int64_t organization_id, const NewInvitation& invitation,
                      const std::string& user, const Actor& actor, std::int64_t now) {
  const std::array<Value, 7> row{
      organization_id, user, std::string(to_string(invitation.role)), invitation.title, invitation.department,
      actor.id,        now};
  return about(session.execute("INSERT INTO triune_memberships (organization_id, user_id, role, status, title, "
                               "department, invited_by, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, 'pending', "
                               "?4, ?5, ?6, ?7, ?7) ON CONFLICT (organization_id, user_id) DO UPDATE SET role = "
                               "excluded.role, title = excluded.title, department = excluded.department, invited_by = "
                               "excluded.invited_by, updated_at_ms = excluded.updated_at_ms",
                               row),
               fmt::format("member {}", user));
}

Status put_token(RelationalSession& session, std::int64_t organization_id, const IssuedInvitation& issued,
                 std::int64_t now) {
  const std::array<Value, 5> row{organization_id, issued.user, secret_hash(issued.token), now, issued.expires_at_ms};
  return about(session.execute("INSERT INTO triune_invitations (organization_id, user_id, token_hash, created_at_ms, "
                               "expires_at_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organization_id, user_id) DO "
                               "UPDATE SET token_hash = excluded.token_hash, created_at_ms = excluded.created_at_ms, "
                               "expires_at_ms = excluded.expires_at_ms",
                               row),
               fmt::format("an invitation of user {}", issued.user));
}

}  // namespace

Result<IssuedInvitation> StoredAccess::invite(const NewInvitation& invitation, const Actor& actor) {
  if (invitation.lifetime_ms <= 0 || invitation.lifetime_ms > longest_lifetime_ms)
    return failure(ErrorCode::invalid_argument, "an invitation lasts more than nothing and at most 90 days");
  TRIUNE_ASSIGN(const auto email, normalised_email(invitation.email));
  IssuedInvitation issued;
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    const auto now = now_ms();
    issued = {.user = {}, .token = random_text(secret_length), .expires_at_ms = now + invitation.lifetime_ms};
    TRIUNE_ASSIGN(issued.user, invited_user(session, own(), invitation, email, now));
    TRIUNE_TRY(check_may_be_invited(session, own(), issued.user, email));
    TRIUNE_TRY(put_membership(session, own(), invitation, issued.user, actor, now));
    return put_token(session, own(), issued, now);
  }));
  return issued;
}

Result<Membership> StoredAccess::accept_invitation(std::string_view token, const Actor& actor) {
  Membership membership;
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    const auto now = now_ms();
    const std::array<Value, 3> proof{own(), secret_hash(token), now};
    // Who deletes it has it: of two that accept at once, one finds nothing.
    TRIUNE_ASSIGN(const RowSet taken, session.query("DELETE FROM triune_invitations WHERE organization_id = ?1 AND "
                                                    "token_hash = ?2 AND expires_at_ms > ?3 RETURNING user_id",
                                                    proof, 1));
    if (taken.rows.empty()) return no_invitation();
    const std::array<Value, 3> member{own(), taken.rows[0][0], now};
    TRIUNE_ASSIGN(
        const RowSet joined,
        session.query("UPDATE triune_memberships SET status = 'active', joined_at_ms = coalesce(joined_at_ms, "
                      "?3), updated_at_ms = ?3 WHERE organization_id = ?1 AND user_id = ?2 AND status = "
                      "'pending' AND EXISTS (SELECT 1 FROM triune_users u WHERE u.organization_id = ?1 AND "
                      "u.id = ?2 AND u.status IN ('active', 'pending')) RETURNING user_id, role, status, "
                      "title, department, invited_by, joined_at_ms",
                      member, 1));
    if (joined.rows.empty()) return no_invitation();
    TRIUNE_ASSIGN(membership, membership_of(joined.rows[0]));
    return about(session.execute("UPDATE triune_users SET status = 'active', updated_at_ms = ?3 WHERE organization_id "
                                 "= ?1 AND id = ?2 AND status = 'pending'",
                                 member),
                 fmt::format("user {}", membership.user));
  }));
  return membership;
}

}  // namespace triune::modules::access
