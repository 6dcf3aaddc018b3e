// API keys, login sessions and refused tokens. Plain values; what is done with them is in access.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/modules/access_policy.h"

namespace triune {

/// A key is "triune_PREFIX_SECRETCHECK": a prefix of 10 characters that is kept to find it, a secret of 43 (256 random
/// bits) of which only the SHA-256 is kept, and a check of 6 over all before it, which tells a mistyped key.
struct NewApiKey {
  std::string name;
  /// For whom it acts: it may do what the owner may and its scopes name. Nothing: for itself, with roles of its own.
  std::optional<Principal> owner;  ///< A user or an agent.
  /// "TYPE:ACTION", with "*" for all: "task:read", "task:*", "*:read", "*". At least one, at most 100.
  std::vector<std::string> scopes;
  std::optional<std::int64_t> expires_at_ms;
};

struct IssuedKey {
  std::string id;
  std::string text;  ///< The key itself: shown once, kept nowhere.
};

struct ApiKey {
  std::string id;
  std::string name;
  std::string prefix;
  std::optional<Principal> owner;
  std::vector<std::string> scopes;
  bool revoked = false;
  std::string revoked_reason;
  std::optional<std::int64_t> expires_at_ms;
  std::string replaced_by;  ///< Id; empty: not replaced.
  std::int64_t usage_count = 0;
  std::optional<std::int64_t> last_used_at_ms;  ///< To a minute.
  std::string created_by;
  std::int64_t created_at_ms = 0;
};

struct VerifiedKey {
  std::string id;
  std::string name;
  Principal principal;  ///< The key itself: what to ask `Access::decide` with.
  std::optional<Principal> owner;
};

/// Whether `text` has the form of a key and its check fits. Needs no store, and says nothing of whether it exists.
bool is_well_formed_key(std::string_view text) noexcept;

struct NewSession {
  std::string user;  ///< Id.
  std::int64_t lifetime_ms = 12LL * 3'600'000;
  std::string client_ip;
  std::string user_agent;
};

struct IssuedSession {
  std::string id;
  std::string token;  ///< Shown once; only its SHA-256 is kept.
  std::int64_t expires_at_ms = 0;
};

struct LoginSession {
  std::string id;
  std::string user;
  std::string client_ip;
  std::string user_agent;
  std::int64_t created_at_ms = 0;
  std::int64_t last_activity_at_ms = 0;  ///< To a minute.
  std::int64_t expires_at_ms = 0;
};

struct RevokedToken {
  std::string jti;
  std::string type = "access";  ///< access, refresh.
  std::string subject;
  std::string reason;
  std::int64_t expires_at_ms = 0;
};

}  // namespace triune
