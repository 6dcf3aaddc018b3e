// What decisions of access are about: principals, roles, permissions, requests. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune {

enum class PrincipalType : std::uint8_t { user, agent, api_key };
std::string_view to_string(PrincipalType type) noexcept;
Result<PrincipalType> parse_principal_type(std::string_view word);

/// Whoever acts.
struct Principal {
  PrincipalType type = PrincipalType::user;
  std::string id;
  bool operator==(const Principal&) const = default;
};
/// "user:ID", and back.
std::string to_string(const Principal& principal);
Result<Principal> parse_principal(std::string_view text);

/// What a member of the organization may do without further roles, within the organization:
///   owner   everything
///   admin   everything but `admin` of the `organization` itself
///   member  create, read, update and execute, and of users, roles, keys and the organization only read
///   viewer  read and monitor
///   guest   nothing
enum class MemberRole : std::uint8_t { owner, admin, member, viewer, guest };
std::string_view to_string(MemberRole role) noexcept;
Result<MemberRole> parse_member_role(std::string_view word);

/// How far a permission reaches.
enum class AccessScope : std::uint8_t {
  global,        ///< Also what concerns the whole hive.
  organization,  ///< Everything of the organization.
  project,       ///< What is in one project.
  resource,      ///< One resource.
  instance,      ///< One running instance of a resource.
};
std::string_view to_string(AccessScope scope) noexcept;
Result<AccessScope> parse_access_scope(std::string_view word);

enum class Effect : std::uint8_t { allow, deny };
std::string_view to_string(Effect effect) noexcept;
Result<Effect> parse_effect(std::string_view word);

struct NewRole {
  std::string id;  ///< Empty: a new UUIDv7.
  std::string name;
  std::string description;
  std::vector<std::string> parents;  ///< Ids or names.
};

struct Role {
  std::string id;
  std::string name;
  std::string description;
  bool is_system = false;
  std::vector<std::string> parents;  ///< Names, at most 1,000.
};

struct Permission {
  std::string id;  ///< Told, not given.
  Effect effect = Effect::allow;
  /// api_endpoint, database, file_system, service, agent, workflow, monitoring, configuration, task, or any other word
  /// of a-z, 0-9, '_', '.', '-'; "*": all.
  std::string resource_type;
  /// create, read, update, delete, execute, admin, configure, monitor, deploy, scale; "*": all. None contains another.
  std::string action;
  AccessScope scope = AccessScope::organization;
  std::string resource_id;  ///< Of the project, resource or instance; empty for wider scopes.
  /// What must hold of `AccessRequest::context`: {"environment":"staging"}, {"environment":["test","staging"]},
  /// {"cost":{"max":10}}, {"environment":{"not":"production"}}, {"owner":"$principal"}. All of it. An allowing
  /// permission counts when it holds, a denying one unless it surely does not. At most 4 KiB and 32 names.
  Json conditions{"{}"};
  std::optional<std::int64_t> expires_at_ms;  ///< From then on it counts for nothing, whether it allows or denies.
};

struct RoleAssignment {
  Principal principal;
  std::string role;  ///< Name.
  std::optional<std::int64_t> expires_at_ms;
  std::string granted_by;
  std::int64_t created_at_ms = 0;
};

/// May `principal` do `action` to this? Name all that is known of it: what is left empty stands for all of them, so an
/// allowing permission must contain what is asked for, and a denying one counts when it touches it.
struct AccessRequest {
  Principal principal;
  std::string action;
  std::string resource_type;
  std::string resource;  ///< Id; empty: all of the type, or one that is yet to be made.
  std::string project;   ///< Id of the project that it is in.
  std::string instance;
  bool whole_hive = false;  ///< It concerns other organizations too; only `global` permissions allow that.
  Record context;           ///< What conditions look at; at most 100 names.
};

struct Decision {
  bool allowed = false;
  std::string reason;  ///< For people.
  /// What decided: "permission:ID", "membership:ROLE", "key:ID" (its scopes, expiry), "status", "nothing".
  std::string rule;
};

/// A permission that a principal has, and what it was worth in a decision.
struct ConsideredPermission {
  Permission permission;
  std::string role;  ///< Name of the role that has it.
  bool counts = false;
  std::string why;  ///< It counts, or does not.
};

struct AccessExplanation {
  Decision decision;
  std::string membership;                        ///< Role as a member; empty: none.
  std::vector<ConsideredPermission> considered;  ///< Denying ones first; at most 10,000.
};

}  // namespace triune
