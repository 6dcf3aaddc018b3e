// API keys.
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

constexpr std::size_t most_scopes = 100;
constexpr std::chrono::hours longest_overlap{24 * 90};
/// Of no secret: what is presented under an unknown prefix is compared all the same.
const std::string nobodys_hash(64, '0');

/// A key as it is stored, made of what was asked for.
struct KeyRow {
  std::string id;
  std::string name;
  std::optional<Principal> owner;
  std::string scopes;
  std::optional<std::int64_t> expires_at_ms;
  std::string created_by;
};

/// Secrets are made before the transaction: it may run again.
struct Secret {
  std::string prefix = random_text(prefix_length);
  std::string secret = random_text(secret_length);
};

Status insert_key(RelationalSession& session, std::int64_t organization_id, const KeyRow& key, const Secret& secret) {
  const bool user = key.owner && key.owner->type == PrincipalType::user;
  const bool agent = key.owner && key.owner->type == PrincipalType::agent;
  const std::array<Value, 11> row{organization_id,
                                  key.id,
                                  key.name,
                                  secret.prefix,
                                  secret_hash(secret.secret),
                                  user ? Value(key.owner->id) : Value(),
                                  agent ? Value(key.owner->id) : Value(),
                                  key.scopes,
                                  or_null(key.expires_at_ms),
                                  key.created_by,
                                  now_ms()};
  return about(session.execute("INSERT INTO triune_api_keys (organization_id, id, name, key_prefix, secret_hash, "
                               "user_id, agent_id, scopes, expires_at_ms, created_by, created_at_ms) VALUES (?1, ?2, "
                               "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                               row),
               fmt::format("API key {}", key.name));
}

Status check_key(const NewApiKey& key) {
  if (key.scopes.empty() || key.scopes.size() > most_scopes)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("an API key has 1 to {} scopes, such as task:read, or * for all that its owner may; not {}",
                    most_scopes, key.scopes.size()));
  for (const auto& scope : key.scopes) TRIUNE_TRY(parse_key_scope(scope));
  if (key.owner && key.owner->type == PrincipalType::api_key)
    return failure(ErrorCode::invalid_argument, "an API key acts for a user, for an agent or for itself");
  return {};
}

constexpr std::string_view columns =
    "k.id, k.name, k.key_prefix, k.user_id, k.agent_id, k.scopes, k.status, k.revoked_reason, k.expires_at_ms, "
    "k.replaced_by, u.usage_count, u.last_used_at_ms, k.created_by, k.created_at_ms";
constexpr std::string_view tables =
    "triune_api_keys k LEFT JOIN triune_api_key_usage u ON u.organization_id = k.organization_id AND u.key_id = k.id";

Result<ApiKey> key_of(const std::vector<Value>& row) {
  ApiKey key{.id = text(row[0]), .name = text(row[1]), .prefix = text(row[2]), .owner = {}};
  if (!is_null(row[3])) key.owner = Principal{PrincipalType::user, text(row[3])};
  if (!is_null(row[4])) key.owner = Principal{PrincipalType::agent, text(row[4])};
  TRIUNE_ASSIGN(key.scopes, parse_scopes(text(row[5])));
  key.revoked = text(row[6]) == "revoked";
  key.revoked_reason = text(row[7]);
  key.expires_at_ms = optional_integer(row[8]);
  key.replaced_by = text(row[9]);
  key.usage_count = integer(row[10]);
  key.last_used_at_ms = optional_integer(row[11]);
  key.created_by = text(row[12]);
  key.created_at_ms = integer(row[13]);
  return key;
}

Result<ApiKey> find_key(RelationalSession& session, std::int64_t organization_id, std::string_view id) {
  const std::array<Value, 2> key{organization_id, std::string(id)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(fmt::format("SELECT {} FROM {} WHERE k.organization_id = ?1 AND k.id = ?2", columns, tables), key,
                    1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no API key {}", id));
  return key_of(rows.rows[0]);
}

Status check_replaceable(const ApiKey& key) {
  std::string_view why;
  if (key.revoked) why = "it is revoked";
  if (!key.replaced_by.empty()) why = "it was replaced already";
  if (key.expires_at_ms && *key.expires_at_ms <= now_ms()) why = "it has expired";
  if (why.empty()) return {};
  return failure(ErrorCode::conflict, fmt::format("API key {} cannot be replaced: {}; create another", key.id, why));
}

/// The roles of a key that acts for itself go over to the one that replaces it.
Status copy_roles(RelationalSession& session, std::int64_t organization_id, const std::string& from,
                  const std::string& to) {
  const std::array<Value, 2> key{organization_id, from};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT role_id, expires_at_ms, granted_by FROM triune_role_assignments WHERE "
                              "organization_id = ?1 AND api_key_id = ?2",
                              key, most_rows));
  for (const auto& row : rows.rows) {
    const std::array<Value, 7> copy{organization_id, new_id(), row[0], to, row[1], row[2], now_ms()};
    TRIUNE_TRY(
        session.execute("INSERT INTO triune_role_assignments (organization_id, id, role_id, api_key_id, "
                        "expires_at_ms, granted_by, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        copy));
  }
  return {};
}

Status replace_key(RelationalSession& session, std::int64_t organization_id, const ApiKey& key,
                   const std::string& replacement, std::chrono::milliseconds overlap) {
  const auto until = now_ms() + overlap.count();
  const std::array<Value, 4> row{organization_id, key.id, replacement,
                                 key.expires_at_ms ? std::min(*key.expires_at_ms, until) : until};
  return about(
      session.execute("UPDATE triune_api_keys SET replaced_by = ?3, expires_at_ms = ?4 WHERE organization_id = "
                      "?1 AND id = ?2",
                      row),
      fmt::format("API key {}", key.id));
}

std::unexpected<Error> refused(std::string_view why) {
  return failure(ErrorCode::permission_denied, std::string(why));
}

}  // namespace

Result<IssuedKey> StoredAccess::create_key(const NewApiKey& key, const Actor& actor) {
  TRIUNE_TRY(check_key(key));
  const Secret secret;
  const KeyRow row{new_id(), key.name, key.owner, scopes_json(key.scopes), key.expires_at_ms, actor.id};
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    if (key.owner) TRIUNE_TRY(check_exists(session, own(), *key.owner));
    return insert_key(session, own(), row, secret);
  }));
  return IssuedKey{row.id, key_text(secret.prefix, secret.secret)};
}

Result<VerifiedKey> StoredAccess::verify_key(std::string_view text) {
  const auto parts = parse_key(text);
  if (!parts)
    return failure(ErrorCode::invalid_argument,
                   "this is no API key, or one with a typing error: a key is triune_ and 60 more characters");
  TRIUNE_ASSIGN(const auto record, policies_.key(parts->prefix));
  const bool equal = equal_in_constant_time(secret_hash(parts->secret), record ? record->secret_hash : nobodys_hash);
  if (!record || !equal) return refused("the API key is not valid");
  const auto now = now_ms();
  if (record->revoked) return refused("the API key is revoked");
  if (record->expires_at_ms <= now) return refused("the API key has expired");
  VerifiedKey verified{record->id, record->name, {PrincipalType::api_key, record->id}, record->owner};
  TRIUNE_ASSIGN(const auto policy, policies_.policy(verified.principal));
  if (!policy->obstacle.empty()) return refused(policy->obstacle);
  usage_.note(record->id, now);
  return verified;
}

Result<IssuedKey> StoredAccess::rotate_key(std::string_view id, std::chrono::milliseconds overlap, const Actor& actor) {
  if (overlap.count() < 0 || overlap > longest_overlap)
    return failure(ErrorCode::invalid_argument, "the old API key is good for 0 to 90 days more");
  const Secret secret;
  const auto fresh = new_id();
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto old, find_key(session, own(), id));
    TRIUNE_TRY(check_replaceable(old));
    const KeyRow row{fresh, old.name, old.owner, scopes_json(old.scopes), old.expires_at_ms, actor.id};
    TRIUNE_TRY(insert_key(session, own(), row, secret));
    TRIUNE_TRY(copy_roles(session, own(), old.id, fresh));
    return replace_key(session, own(), old, fresh, overlap);
  }));
  return IssuedKey{fresh, key_text(secret.prefix, secret.secret)};
}

Status StoredAccess::revoke_key(std::string_view id, std::string_view reason, const Actor& actor) {
  const std::array<Value, 4> row{own(), std::string(id), now_ms(), std::string(reason.substr(0, 1'000))};
  return write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto key, find_key(session, own(), id));
    if (key.revoked) return {};
    return about(session.execute("UPDATE triune_api_keys SET status = 'revoked', revoked_at_ms = ?3, revoked_reason = "
                                 "?4 WHERE organization_id = ?1 AND id = ?2",
                                 row),
                 fmt::format("API key {}", id));
  });
}

Result<std::vector<ApiKey>> StoredAccess::keys(std::size_t limit) {
  const std::array<Value, 2> parameters{own(), limited(limit)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      read(fmt::format("SELECT {} FROM {} WHERE k.organization_id = ?1 ORDER BY k.created_at_ms, k.id LIMIT ?2",
                       columns, tables),
           parameters));
  std::vector<ApiKey> found;
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(auto one, key_of(row));
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace triune::modules::access
