// The class behind triune/modules/access.h. Which file answers what: access.cpp opens and decides, organizations.cpp,
// users.cpp (with memberships), invitations.cpp, roles.cpp (permissions, assignments), keys.cpp, sessions.cpp (logins,
// tokens).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "modules/access/policy_store.h"
#include "modules/access/usage.h"
#include "modules/kit/module.h"
#include "triune/modules/access.h"

namespace triune::modules::access {

inline constexpr std::size_t most_rows = 10'000;

/// The columns that an update sets, with their values behind ?3.
class Assignments {
 public:
  template <class T>
  void add(std::string_view column, const std::optional<T>& value) {
    if (value) set(column, Value(*value));
  }
  void add(std::string_view column, const std::optional<Json>& value) {
    if (value) set(column, value->text);
  }
  void set(std::string_view column, Value value) {
    values_.push_back(std::move(value));
    text_ += fmt::format("{}{} = ?{}", text_.empty() ? "" : ", ", column, values_.size() + 2);
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::vector<Value> parameters(Value first, Value second) const {
    std::vector<Value> all{std::move(first), std::move(second)};
    all.insert(all.end(), values_.begin(), values_.end());
    return all;
  }

 private:
  std::string text_;
  std::vector<Value> values_;
};

class StoredAccess final : public Access {
 public:
  StoredAccess(Module module, const AccessOptions& options)
      : module_(std::move(module)),
        options_(options),
        policies_(module_, options),
        usage_(module_, options.cached_principals) {}
  ~StoredAccess() override { usage_.flush(); }

  /// Whoever counts changes begins.
  Status begin_epoch() const;

  Result<Decision> decide(const AccessRequest& request) override;
  Result<AccessExplanation> explain(const AccessRequest& request) override;

  Result<std::int64_t> create_organization(const NewOrganization& organization, const Actor& actor) override;
  Result<Organization> organization(std::string_view slug) override;
  Result<std::vector<Organization>> organizations(std::size_t limit) override;
  Status update_organization(std::string_view slug, const OrganizationUpdate& update, const Actor& actor) override;

  Result<std::string> create_user(const NewUser& user, const Actor& actor) override;
  Result<User> user(std::string_view who) override;
  Result<std::vector<User>> users(std::size_t limit) override;
  Status update_user(std::string_view id, const UserUpdate& update, const Actor& actor) override;
  Status remove_user(std::string_view id, const Actor& actor) override;
  Status set_member(const Membership& membership, const Actor& actor) override;
  Status remove_member(std::string_view user, const Actor& actor) override;
  Result<std::vector<Membership>> members(std::size_t limit) override;
  Result<IssuedInvitation> invite(const NewInvitation& invitation, const Actor& actor) override;
  Result<Membership> accept_invitation(std::string_view token, const Actor& actor) override;

  Result<std::string> create_role(const NewRole& role, const Actor& actor) override;
  Result<std::vector<Role>> roles(std::size_t limit) override;
  Status remove_role(std::string_view role, const Actor& actor) override;
  Status add_parent(std::string_view role, std::string_view parent, const Actor& actor) override;
  Status remove_parent(std::string_view role, std::string_view parent, const Actor& actor) override;
  Result<std::string> grant(std::string_view role, const Permission& permission, const Actor& actor) override;
  Status revoke(std::string_view permission, const Actor& actor) override;
  Result<std::vector<Permission>> permissions(std::string_view role, std::size_t limit) override;
  Status assign(const Principal& to, std::string_view role, std::optional<std::int64_t> expires_at_ms,
                const Actor& actor) override;
  Status unassign(const Principal& from, std::string_view role, const Actor& actor) override;
  Result<std::vector<RoleAssignment>> assignments(const Principal& of) override;

  Result<IssuedKey> create_key(const NewApiKey& key, const Actor& actor) override;
  Result<VerifiedKey> verify_key(std::string_view text) override;
  Result<IssuedKey> rotate_key(std::string_view id, std::chrono::milliseconds overlap, const Actor& actor) override;
  Status revoke_key(std::string_view id, std::string_view reason, const Actor& actor) override;
  Result<std::vector<ApiKey>> keys(std::size_t limit) override;

  Result<User> note_login(std::string_view who, bool succeeded, const Actor& actor) override;
  Result<IssuedSession> begin_session(const NewSession& session, const Actor& actor) override;
  Result<LoginSession> session(std::string_view token) override;
  Status end_session(std::string_view id, const Actor& actor) override;
  Status revoke_token(const RevokedToken& token, const Actor& actor) override;
  Result<bool> is_token_revoked(std::string_view jti) override;
  Result<std::uint64_t> sweep(const Actor& actor) override;

 private:
  [[nodiscard]] std::int64_t own() const { return module_.organization_id(); }
  static std::int64_t limited(std::size_t limit) { return static_cast<std::int64_t>(std::min(limit, most_rows)); }

  /// One transaction; decisions look at the store afterwards, however it ended (I11).
  Status write(const Actor& actor, const contract::WriteJob& job) const;
  [[nodiscard]] Result<RowSet> read(std::string_view sql, std::span<const Value> parameters) const;

  Module module_;
  AccessOptions options_;
  PolicyStore policies_;
  KeyUsage usage_;
};

/// A user by id, address or username, the id first. Error: `not_found`.
Result<User> find_user(contract::RelationalSession& session, std::int64_t organization_id, std::string_view who);

/// Of user_id, role, status, title, department, invited_by, joined_at_ms.
Result<Membership> membership_of(const std::vector<Value>& row);

/// Id of a role by id or name, the id first. Error: `not_found`.
Result<std::string> find_role(contract::RelationalSession& session, std::int64_t organization_id,
                              std::string_view role);

/// That a user, or a key, exists; agents need not.
Status check_exists(contract::RelationalSession& session, std::int64_t organization_id, const Principal& principal);

/// `result` with what it was about before its message.
template <class T>
Status about(const Result<T>& result, std::string_view what) {
  if (result) return {};
  auto error = result.error();
  error.message = fmt::format("{}: {}", what, error.message);
  return std::unexpected<Error>(std::move(error));
}

}  // namespace triune::modules::access
