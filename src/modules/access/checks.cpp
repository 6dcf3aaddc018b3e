#include "modules/access/checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>

#include "base/try.h"
#include "model/json.h"
#include "modules/access/conditions.h"

namespace triune::modules::access {
namespace {

constexpr std::size_t longest_email = 320;
constexpr std::size_t longest_resource_id = 400;
constexpr std::size_t most_context = 100;

bool is_lower(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}

bool is_blank_or_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20U || byte == 0x7FU;
}

bool is_address(std::string_view email) {
  const auto at = email.find('@');
  if (at == std::string_view::npos || at == 0 || email.find('@', at + 1) != std::string_view::npos) return false;
  const auto domain = email.substr(at + 1);
  const auto dot = domain.find('.', 1);
  return dot != std::string_view::npos && domain.size() > dot + 1 && domain.back() != '.';
}

std::unexpected<Error> wrong(std::string message) {
  return failure(ErrorCode::invalid_argument, std::move(message));
}

}  // namespace

Result<std::string> normalised_email(std::string_view email) {
  while (!email.empty() && is_blank_or_control(email.front())) email.remove_prefix(1);
  while (!email.empty() && is_blank_or_control(email.back())) email.remove_suffix(1);
  std::string plain(email);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (plain.size() > longest_email || !is_address(plain) || !model::is_storable_text(plain) ||
      std::any_of(plain.begin(), plain.end(), is_blank_or_control))
    return wrong(fmt::format("'{}' is no e-mail address: one '@', a dot behind it, no blank, at most {} bytes",
                             email.substr(0, longest_email), longest_email));
  return plain;
}

Status check_slug(std::string_view slug) {
  if (!slug.empty() && slug.size() <= 100 &&
      std::all_of(slug.begin(), slug.end(), [](char c) { return is_lower(c) || c == '-'; }))
    return {};
  return wrong(fmt::format("'{}' is no slug: 1 to 100 of a-z, 0-9 and '-'", slug.substr(0, 200)));
}

Status check_username(std::string_view username) {
  if (username.size() <= 100 && std::all_of(username.begin(), username.end(),
                                            [](char c) { return is_letter(c) || c == '.' || c == '_' || c == '-'; }))
    return {};
  return wrong(
      fmt::format("'{}' is no username: at most 100 of a-z, A-Z, 0-9, '.', '_' and '-'", username.substr(0, 200)));
}

Status check_action(std::string_view action, bool takes_all) {
  if (std::find(actions.begin(), actions.end(), action) != actions.end() || (takes_all && action == "*")) return {};
  return wrong(fmt::format("an action is one of {}{}, not '{}'", fmt::join(actions, ", "), takes_all ? " or *" : "",
                           action.substr(0, 200)));
}

Status check_resource_type(std::string_view type, bool takes_all) {
  if (takes_all && type == "*") return {};
  if (!type.empty() && type.size() <= 100 &&
      std::all_of(type.begin(), type.end(), [](char c) { return is_lower(c) || c == '_' || c == '.' || c == '-'; }))
    return {};
  return wrong(fmt::format("a resource type is 1 to 100 of a-z, 0-9, '_', '.' and '-'{}, not '{}'",
                           takes_all ? ", or *" : "", type.substr(0, 200)));
}

Status check_permission(const Permission& permission) {
  TRIUNE_TRY(check_resource_type(permission.resource_type, true));
  TRIUNE_TRY(check_action(permission.action, true));
  const bool wide = permission.scope == AccessScope::global || permission.scope == AccessScope::organization;
  if (wide != permission.resource_id.empty())
    return wrong(
        fmt::format("a permission of scope {} {}", to_string(permission.scope),
                    wide ? "has no resource id: take a narrower scope or leave it out" : "needs a resource id"));
  if (permission.resource_id.size() > longest_resource_id)
    return wrong(fmt::format("a resource id has at most {} bytes", longest_resource_id));
  TRIUNE_TRY(Conditions::parse(permission.conditions.text));
  return {};
}

Status check_request(const AccessRequest& request) {
  if (request.principal.id.empty()) return wrong("a request for access names a principal; this one has an empty id");
  TRIUNE_TRY(check_action(request.action, false));
  TRIUNE_TRY(check_resource_type(request.resource_type, false));
  if (request.context.size() > most_context)
    return wrong(fmt::format("the context of a request has at most {} names", most_context));
  return {};
}

Result<KeyScope> parse_key_scope(std::string_view text) {
  if (text == "*") return KeyScope{"*", "*"};
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return wrong(
        fmt::format("a scope of a key is TYPE:ACTION, such as task:read, or *; not '{}'", text.substr(0, 200)));
  KeyScope scope{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  TRIUNE_TRY(check_resource_type(scope.resource_type, true));
  TRIUNE_TRY(check_action(scope.action, true));
  return scope;
}

std::string scopes_json(const std::vector<std::string>& scopes) {
  std::string json = "[";
  for (const auto& scope : scopes) {
    if (json.size() > 1) json += ',';
    model::append_json_string(json, scope);
  }
  return json + "]";
}

Result<std::vector<std::string>> parse_scopes(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  std::vector<std::string> scopes;
  if (parser.parse(json).get_array().get(array) != simdjson::SUCCESS)
    return failure(ErrorCode::corruption, "the scopes of an API key are no list");
  for (const auto element : array) {
    std::string_view scope;
    if (element.get_string().get(scope) != simdjson::SUCCESS)
      return failure(ErrorCode::corruption, "a scope of an API key is no text");
    scopes.emplace_back(scope);
  }
  return scopes;
}

}  // namespace triune::modules::access
