#include "modules/access/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace triune::modules::access {
namespace {

constexpr std::size_t most_explained = 10'000;

enum class Worth : std::uint8_t { counts, other_type, other_action, elsewhere, expired, condition_fails, cannot_tell };

std::string_view to_string(Worth worth) {
  switch (worth) {
    case Worth::counts: return "it counts";
    case Worth::other_type: return "it is for another type of resource";
    case Worth::other_action: return "it is for another action";
    case Worth::elsewhere: return "its scope does not reach what is asked for";
    case Worth::expired: return "it has expired, or having the role has";
    case Worth::condition_fails: return "its conditions do not hold";
    case Worth::cannot_tell: return "the request does not tell whether its conditions hold";
  }
  return "";
}

/// The place that a permission of a narrow scope is about, as the request names it.
std::string_view place_of(const AccessRequest& request, AccessScope scope) {
  switch (scope) {
    case AccessScope::project: return request.project;
    case AccessScope::resource: return request.resource;
    case AccessScope::instance: return request.instance;
    default: return {};
  }
}

/// Whether the permission's reach contains all that is asked for.
bool contains(const Permission& permission, const AccessRequest& request) {
  if (permission.scope == AccessScope::global) return true;
  if (request.whole_hive) return false;
  return permission.scope == AccessScope::organization || place_of(request, permission.scope) == permission.resource_id;
}

/// Whether some of what is asked for is within its reach: a place that the request leaves open may be this one.
bool touches(const Permission& permission, const AccessRequest& request) {
  if (permission.scope == AccessScope::global || permission.scope == AccessScope::organization) return true;
  const auto place = place_of(request, permission.scope);
  return place.empty() || place == permission.resource_id;
}

Worth worth_of(const Rule& rule, const AccessRequest& request, std::string_view subject, std::int64_t now_ms) {
  const auto& permission = rule.permission;
  const bool denies = permission.effect == Effect::deny;
  if (permission.resource_type != "*" && permission.resource_type != request.resource_type) return Worth::other_type;
  if (permission.action != "*" && permission.action != request.action) return Worth::other_action;
  if (denies ? !touches(permission, request) : !contains(permission, request)) return Worth::elsewhere;
  if (rule.expires_at_ms <= now_ms) return Worth::expired;
  const auto judgement = rule.conditions ? rule.conditions->judge(request.context, subject) : Judgement::unknown;
  if (judgement == Judgement::fails) return Worth::condition_fails;
  return judgement == Judgement::unknown && !denies ? Worth::cannot_tell : Worth::counts;
}

const Rule* first_that_counts(const Rules& rules, const AccessRequest& request, std::string_view subject,
                              std::int64_t now_ms) {
  for (const std::string_view type : {std::string_view(request.resource_type), std::string_view("*")}) {
    const auto found = rules.find(type);
    if (found == rules.end()) continue;
    for (const auto& rule : found->second)
      if (worth_of(rule, request, subject, now_ms) == Worth::counts) return &rule;
  }
  return nullptr;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// What the role of a member allows by itself (MemberRole); nothing of it reaches beyond the organization.
bool membership_allows(MemberRole role, const AccessRequest& request) {
  if (request.whole_hive) return false;
  switch (role) {
    case MemberRole::owner: return true;
    case MemberRole::admin: return request.action != "admin" || request.resource_type != "organization";
    case MemberRole::member:
      if (is_one_of(request.resource_type, {"organization", "user", "role", "api_key"}))
        return request.action == "read";
      return is_one_of(request.action, {"create", "read", "update", "execute"});
    case MemberRole::viewer: return is_one_of(request.action, {"read", "monitor"});
    case MemberRole::guest: return false;
  }
  return false;
}

std::string rule_id(const Rule& rule) {
  return "permission:" + rule.permission.id;
}

/// Nothing when the key is no obstacle.
std::optional<Decision> decide_key(const KeyPolicy& key, const AccessRequest& request, std::int64_t now_ms) {
  if (key.expires_at_ms <= now_ms) return Decision{false, "the API key has expired", "key:" + key.id};
  for (const auto& scope : key.scopes)
    if ((scope.resource_type == "*" || scope.resource_type == request.resource_type) &&
        (scope.action == "*" || scope.action == request.action))
      return std::nullopt;
  return Decision{false,
                  fmt::format("the scopes of the API key do not name {}:{}", request.resource_type, request.action),
                  "key:" + key.id};
}

void consider(const Rules& rules, const Policy& policy, const AccessRequest& request, std::int64_t now_ms,
              std::vector<ConsideredPermission>& to) {
  for (const auto& [type, of_type] : rules)
    for (const auto& rule : of_type) {
      if (to.size() == most_explained) return;
      const auto worth = worth_of(rule, request, policy.subject, now_ms);
      to.push_back({rule.permission, rule.role, worth == Worth::counts, std::string(to_string(worth))});
    }
}

}  // namespace

Decision decide(const Policy& policy, const AccessRequest& request, std::int64_t now_ms) {
  if (!policy.obstacle.empty()) return {false, policy.obstacle, "status"};
  if (policy.key)
    if (auto refused = decide_key(*policy.key, request, now_ms)) return *std::move(refused);
  if (const auto* const rule = first_that_counts(policy.denying, request, policy.subject, now_ms))
    return {false, fmt::format("the role {} denies it", rule->role), rule_id(*rule)};
  if (policy.membership && membership_allows(*policy.membership, request)) {
    const auto role = to_string(*policy.membership);
    return {true, fmt::format("members that are {} may", role), fmt::format("membership:{}", role)};
  }
  if (const auto* const rule = first_that_counts(policy.allowing, request, policy.subject, now_ms))
    return {true, fmt::format("the role {} allows it", rule->role), rule_id(*rule)};
  return {false, "nothing allows it", "nothing"};
}

AccessExplanation explain(const Policy& policy, const AccessRequest& request, std::int64_t now_ms) {
  AccessExplanation explanation{.decision = decide(policy, request, now_ms), .membership = {}, .considered = {}};
  if (policy.membership) explanation.membership = to_string(*policy.membership);
  consider(policy.denying, policy, request, now_ms, explanation.considered);
  consider(policy.allowing, policy, request, now_ms, explanation.considered);
  return explanation;
}

}  // namespace triune::modules::access
