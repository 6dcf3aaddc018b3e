// Words of enumerations.
#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "modules/kit/module.h"
#include "triune/modules/access.h"

namespace triune {
namespace {

constexpr std::array<std::string_view, 6> statuses{"active", "inactive", "pending", "suspended", "deleted", "archived"};
constexpr std::array<std::string_view, 3> principal_types{"user", "agent", "api_key"};
constexpr std::array<std::string_view, 5> member_roles{"owner", "admin", "member", "viewer", "guest"};
constexpr std::array<std::string_view, 5> scopes{"global", "organization", "project", "resource", "instance"};
constexpr std::array<std::string_view, 2> effects{"allow", "deny"};

template <class Enumeration, std::size_t count>
Result<Enumeration> parse(const std::array<std::string_view, count>& words, std::string_view word,
                          std::string_view what) {
  std::string known;
  for (std::size_t i = 0; i < count; ++i) {
    if (words[i] == word) return static_cast<Enumeration>(i);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", words[i]);
  }
  return modules::unknown_word(what, word, known);
}

}  // namespace

std::string_view to_string(AccountStatus status) noexcept {
  return statuses[static_cast<std::size_t>(status)];
}

Result<AccountStatus> parse_account_status(std::string_view word) {
  return parse<AccountStatus>(statuses, word, "the status of an account");
}

std::string_view to_string(PrincipalType type) noexcept {
  return principal_types[static_cast<std::size_t>(type)];
}

Result<PrincipalType> parse_principal_type(std::string_view word) {
  return parse<PrincipalType>(principal_types, word, "the type of a principal");
}

std::string to_string(const Principal& principal) {
  return fmt::format("{}:{}", to_string(principal.type), principal.id);
}

Result<Principal> parse_principal(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a principal is user:ID, agent:ID or api_key:ID, not '{}'", text));
  TRIUNE_ASSIGN(const auto type, parse_principal_type(text.substr(0, colon)));
  return Principal{type, std::string(text.substr(colon + 1))};
}

std::string_view to_string(MemberRole role) noexcept {
  return member_roles[static_cast<std::size_t>(role)];
}

Result<MemberRole> parse_member_role(std::string_view word) {
  return parse<MemberRole>(member_roles, word, "the role of a member");
}

std::string_view to_string(AccessScope scope) noexcept {
  return scopes[static_cast<std::size_t>(scope)];
}

Result<AccessScope> parse_access_scope(std::string_view word) {
  return parse<AccessScope>(scopes, word, "the scope of a permission");
}

std::string_view to_string(Effect effect) noexcept {
  return effects[static_cast<std::size_t>(effect)];
}

Result<Effect> parse_effect(std::string_view word) {
  return parse<Effect>(effects, word, "the effect of a permission");
}

}  // namespace triune
