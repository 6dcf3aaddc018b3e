// What is looked at before the store is asked, so that an error says what to mend.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "triune/modules/access.h"

namespace triune::modules::access {

inline constexpr std::array<std::string_view, 10> actions{"create", "read",      "update",  "delete", "execute",
                                                          "admin",  "configure", "monitor", "deploy", "scale"};

/// Without blanks around and upper case (ASCII). Error: `invalid_argument` when it is no address: one '@' with
/// something before it, a dot behind it, no blank within, at most 320 bytes.
Result<std::string> normalised_email(std::string_view email);

Status check_slug(std::string_view slug);
Status check_username(std::string_view username);
/// One of `actions`, or "*" where that is taken.
Status check_action(std::string_view action, bool takes_all);
/// a-z, 0-9, '_', '.', '-', at most 100; or "*" where that is taken.
Status check_resource_type(std::string_view type, bool takes_all);
Status check_permission(const Permission& permission);
Status check_request(const AccessRequest& request);

/// What a key may be used for at most.
struct KeyScope {
  std::string resource_type;
  std::string action;
};
Result<KeyScope> parse_key_scope(std::string_view text);
/// As they are stored: a JSON array of texts, and back.
std::string scopes_json(const std::vector<std::string>& scopes);
Result<std::vector<std::string>> parse_scopes(const std::string& json);

}  // namespace triune::modules::access
