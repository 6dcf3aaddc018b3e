// Access: who may do what. One function decides, for everything.
//
//   auto access = triune::Access::open(*hive);
//   auto ada = (*access)->create_user({.email = "ada@example.org", .name = "Ada"});
//   (*access)->set_member({.user = *ada, .role = MemberRole::owner});
//   auto decision = (*access)->decide({.principal = {PrincipalType::user, *ada}, .action = "read", .resource_type =
//   "task"}); if (decision && decision->allowed) …
//
// A hive acts for one organization, and so does its Access (I7): principals of others are unknown to it. Times are
// milliseconds since 1970; documents are JSON text. Thread rule: every method may be called from any thread. Methods
// that write block until the change is durable (I1). Integrity is kept by the store itself, whoever writes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/access_keys.h"
#include "triune/modules/access_policy.h"
#include "triune/modules/actor.h"

namespace triune {

/// Of organizations, users and memberships. Only what is active may do anything.
enum class AccountStatus : std::uint8_t { active, inactive, pending, suspended, deleted, archived };
std::string_view to_string(AccountStatus status) noexcept;
Result<AccountStatus> parse_account_status(std::string_view word);

struct NewOrganization {
  std::string slug;  ///< a-z, 0-9 and '-', at most 100: its name for `HiveOptions::organization`. Unique, stays.
  std::string name;  ///< For people; empty: the slug.
  std::string description;
  std::string tier = "standard";
  Json settings{"{}"};
  Json features{"{}"};
  Json limits{"{}"};  ///< `max_users` is kept by the store; others are for programs to keep.
  std::string contact_email;
  std::string timezone = "UTC";
};

struct Organization {
  std::int64_t number = 0;  ///< `organization_id` of every table.
  std::string slug;
  std::string name;
  std::string description;
  std::string tier;
  AccountStatus status = AccountStatus::active;
  Json settings;
  Json features;
  Json limits;
  std::string contact_email;
  std::string timezone;
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
};

/// What is to change; nothing stays as it is.
struct OrganizationUpdate {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> tier;
  std::optional<AccountStatus> status;
  std::optional<Json> settings;
  std::optional<Json> features;
  std::optional<Json> limits;
};

struct NewUser {
  std::string id;     ///< Empty: a new UUIDv7.
  std::string email;  ///< Kept in lower case and without blanks around; unique in the organization.
  std::string name;
  std::string username;  ///< a-z, A-Z, 0-9, '.', '_', '-'; unique in the organization whatever the case; empty: none.
  AccountStatus status = AccountStatus::active;
  std::string timezone = "UTC";
  Json settings{"{}"};
  Json external_ids{"{}"};  ///< Of other systems: {"github":"ada"}.
};

struct User {
  std::string id;
  std::string email;
  std::string name;
  std::string username;
  AccountStatus status = AccountStatus::active;
  std::string timezone;
  Json settings;
  Json external_ids;
  std::int64_t failed_login_attempts = 0;
  std::optional<std::int64_t> locked_until_ms;  ///< No login before.
  std::int64_t login_count = 0;
  std::optional<std::int64_t> last_login_at_ms;
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
};

struct UserUpdate {
  std::optional<std::string> email;
  std::optional<std::string> name;
  std::optional<std::string> username;  ///< Empty: none.
  std::optional<AccountStatus> status;
  std::optional<std::string> timezone;
  std::optional<Json> settings;
  std::optional<Json> external_ids;
};

struct Membership {
  std::string user;
  MemberRole role = MemberRole::member;
  AccountStatus status = AccountStatus::active;  ///< pending: invited.
  std::string title;
  std::string department;
  std::string invited_by;
  std::optional<std::int64_t> joined_at_ms;  ///< Told, not given.
};

struct NewInvitation {
  std::string email;
  std::string name;  ///< Of a user that is made for it; empty: the address.
  MemberRole role = MemberRole::member;
  std::string title;
  std::string department;
  std::int64_t lifetime_ms = 7LL * 86'400'000;  ///< At most 90 days.
};

struct IssuedInvitation {
  std::string user;
  std::string token;  ///< Shown once; only its SHA-256 is kept.
  std::int64_t expires_at_ms = 0;
};

struct AccessOptions {
  /// For so long a decision may rest on what another process has changed since; what is changed in this process counts
  /// at once. Zero: every decision looks at the store.
  std::chrono::milliseconds staleness{1'000};
  std::size_t cached_principals = 10'000;
  std::int64_t failed_logins_allowed = 5;          ///< So many in a row lock the user,
  std::chrono::milliseconds lockout{15 * 60'000};  ///< for so long.
};

class Access {
 public:
  /// Makes the module's tables in the hive, or follows them. The hive outlives it.
  static Result<std::unique_ptr<Access>> open(Hive& hive, AccessOptions options = {});
  virtual ~Access() = default;  ///< Writes down the use of keys that was not written yet.

  /// Whether it is allowed. Deny wins; what nothing allows is denied; what is expired, suspended or deleted allows
  /// nothing. docs/modules/access.md has the rules in full. Mostly from memory (see `AccessOptions::staleness`),
  /// otherwise one read of the store. Errors: `invalid_argument` for a request that names no principal, no action or no
  /// resource type, or a word that does not exist; those of the store. Who gets an error must deny.
  virtual Result<Decision> decide(const AccessRequest& request) = 0;
  /// The same with every permission of the principal and why it counts or not. Looks at the store.
  virtual Result<AccessExplanation> explain(const AccessRequest& request) = 0;

  /// Returns its number. Whoever opens a hive with its slug as organization acts for it. An organization that exists
  /// only by its name is described. Error: `already_exists`.
  virtual Result<std::int64_t> create_organization(const NewOrganization& organization, const Actor& actor = {}) = 0;
  /// Empty: the one that the hive acts for. Error: `not_found`, also for one that was never described.
  virtual Result<Organization> organization(std::string_view slug = {}) = 0;
  /// Of all those in the hive, by their slugs; for whoever runs it. At most 10,000.
  virtual Result<std::vector<Organization>> organizations(std::size_t limit = 100) = 0;
  virtual Status update_organization(std::string_view slug, const OrganizationUpdate& update,
                                     const Actor& actor = {}) = 0;

  /// Returns the id. Errors: `invalid_argument` (e-mail address), `conflict` (id, address or username is taken).
  virtual Result<std::string> create_user(const NewUser& user, const Actor& actor = {}) = 0;
  /// By id, e-mail address or username. Error: `not_found`.
  virtual Result<User> user(std::string_view who) = 0;
  virtual Result<std::vector<User>> users(std::size_t limit = 100) = 0;
  /// Error: `conflict` when the last active owner would be none any more.
  virtual Status update_user(std::string_view id, const UserUpdate& update, const Actor& actor = {}) = 0;
  /// With memberships, roles, keys and sessions. Error: `conflict` for the last active owner.
  virtual Status remove_user(std::string_view id, const Actor& actor = {}) = 0;

  /// Adds it, or changes it. Errors: `not_found` (user), `conflict` when no active owner would be left.
  virtual Status set_member(const Membership& membership, const Actor& actor = {}) = 0;
  virtual Status remove_member(std::string_view user, const Actor& actor = {}) = 0;
  virtual Result<std::vector<Membership>> members(std::size_t limit = 100) = 0;
  /// Makes the user of an address a pending member, and the user where there is none, with a token that lets it in.
  /// Inviting again replaces the token. Errors: `invalid_argument`; `conflict` for who is a member already.
  virtual Result<IssuedInvitation> invite(const NewInvitation& invitation, const Actor& actor = {}) = 0;
  /// The member, and a user that was made for the invitation, is active from now on; the token is used up. Error:
  /// `permission_denied` when there is no such token, it has expired, or the membership is not pending any more.
  virtual Result<Membership> accept_invitation(std::string_view token, const Actor& actor = {}) = 0;

  /// Returns the id. Error: `conflict` when the name is taken.
  virtual Result<std::string> create_role(const NewRole& role, const Actor& actor = {}) = 0;
  virtual Result<std::vector<Role>> roles(std::size_t limit = 100) = 0;
  /// With its permissions, and taken from whoever has it. `role` is an id or a name here and below.
  virtual Status remove_role(std::string_view role, const Actor& actor = {}) = 0;
  /// The role has what the parent has, too. Errors: `not_found`, `conflict` when it would close a circle.
  virtual Status add_parent(std::string_view role, std::string_view parent, const Actor& actor = {}) = 0;
  virtual Status remove_parent(std::string_view role, std::string_view parent, const Actor& actor = {}) = 0;
  /// Adds a permission to a role, or changes conditions and expiry of the one with the same effect, type, action, scope
  /// and resource. Returns its id. Error: `invalid_argument` says what of it is wrong.
  virtual Result<std::string> grant(std::string_view role, const Permission& permission, const Actor& actor = {}) = 0;
  /// Takes a permission away by its id. Error: `not_found`.
  virtual Status revoke(std::string_view permission, const Actor& actor = {}) = 0;
  /// Of the role itself, without what it inherits.
  virtual Result<std::vector<Permission>> permissions(std::string_view role, std::size_t limit = 1'000) = 0;
  /// Gives somebody a role until then (nothing: for good), or changes until when. A user must exist; agents are taken
  /// by their name. Error: `conflict` for a key that acts for its owner.
  virtual Status assign(const Principal& to, std::string_view role, std::optional<std::int64_t> expires_at_ms = {},
                        const Actor& actor = {}) = 0;
  virtual Status unassign(const Principal& from, std::string_view role, const Actor& actor = {}) = 0;
  virtual Result<std::vector<RoleAssignment>> assignments(const Principal& of) = 0;

  /// Makes a key. Its text is in the answer and nowhere else. Errors: `invalid_argument` (no scope, no owner of both
  /// kinds), `not_found` (owner).
  virtual Result<IssuedKey> create_key(const NewApiKey& key, const Actor& actor = {}) = 0;
  /// Whose key this text is, if it is one, is not expired or revoked and its owner is active. Counts the use: at most
  /// once a minute for each key it writes that down. Errors: `invalid_argument` for a mistyped text, told without the
  /// store; `permission_denied` for all else, and nothing in it tells an unknown key from a wrong one.
  virtual Result<VerifiedKey> verify_key(std::string_view text) = 0;
  /// A new key in place of one, with its owner, scopes and roles; the old one is good for `overlap` more. Errors:
  /// `not_found`; `conflict` when it is revoked or was replaced already.
  virtual Result<IssuedKey> rotate_key(std::string_view id, std::chrono::milliseconds overlap,
                                       const Actor& actor = {}) = 0;
  /// For good. Revoking again is no error.
  virtual Status revoke_key(std::string_view id, std::string_view reason = {}, const Actor& actor = {}) = 0;
  virtual Result<std::vector<ApiKey>> keys(std::size_t limit = 100) = 0;

  /// Tells of a login that succeeded or failed; whether the password was right is for others to know. Returns the user.
  /// Errors: `permission_denied` while the user is locked or not active (also for a right password); `not_found`.
  virtual Result<User> note_login(std::string_view who, bool succeeded, const Actor& actor = {}) = 0;
  /// Begins a session of a user, whose token is in the answer and nowhere else. Errors: as of `note_login`.
  virtual Result<IssuedSession> begin_session(const NewSession& session, const Actor& actor = {}) = 0;
  /// The session of a token. Error: `permission_denied` when there is none, it has ended, or its user is not active.
  virtual Result<LoginSession> session(std::string_view token) = 0;
  virtual Status end_session(std::string_view id, const Actor& actor = {}) = 0;
  /// A token of another issuer is refused from now on until it expires. Again is no error.
  virtual Status revoke_token(const RevokedToken& token, const Actor& actor = {}) = 0;
  virtual Result<bool> is_token_revoked(std::string_view jti) = 0;
  /// Deletes sessions, tokens and invitations that expired more than a day ago; at most 10,000 each. Returns how many
  /// went.
  virtual Result<std::uint64_t> sweep(const Actor& actor = {}) = 0;
};

}  // namespace triune
