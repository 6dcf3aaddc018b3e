// A decision, given all that it rests on: no store, no clock.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/access/checks.h"
#include "modules/access/conditions.h"
#include "triune/modules/access_policy.h"

namespace triune::modules::access {

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

/// A permission as a principal has it.
struct Rule {
  Permission permission;
  std::string role;                      ///< Name of the role that has it.
  std::optional<Conditions> conditions;  ///< Nothing: what is stored is none. It never holds and never fails.
  std::int64_t expires_at_ms = never;    ///< Of the permission or of having the role, whichever is earlier.
};

/// By resource type; the key "*" holds those for all types.
using Rules = std::map<std::string, std::vector<Rule>, std::less<>>;

/// Of an API key: what it may be used for.
struct KeyPolicy {
  std::string id;
  std::vector<KeyScope> scopes;
  std::int64_t expires_at_ms = never;
};

/// All that decisions about one principal rest on. Immutable once made.
struct Policy {
  std::string subject;   ///< Whose rights they are: the owner's, of a key that acts for one.
  std::string obstacle;  ///< Why nothing is allowed; empty: something may be.
  std::optional<MemberRole> membership;
  std::optional<KeyPolicy> key;
  Rules denying;
  Rules allowing;
};

Decision decide(const Policy& policy, const AccessRequest& request, std::int64_t now_ms);
AccessExplanation explain(const Policy& policy, const AccessRequest& request, std::int64_t now_ms);

}  // namespace triune::modules::access
