#include "modules/agents/key_value_store.h"

#include <fmt/format.h>

#include "base/try.h"

namespace triune::modules::agents {
namespace {

constexpr std::string_view columns = "namespace, key, value, version, expires_at_ms, updated_at_ms";

KeyValue key_value_of(const std::vector<Value>& row) {
  return {text(row[0]), text(row[1]), Json{text(row[2])}, integer(row[3]), optional_integer(row[4]), integer(row[5])};
}

std::unexpected<Error> changed_meanwhile(const PutValue& put) {
  return failure(ErrorCode::conflict, fmt::format("{}/{} is not at version {} any more; read it and decide again",
                                                  put.ns, put.key, put.version.value_or(0)));
}

}  // namespace

Result<std::int64_t> KeyValueStore::put(const PutValue& put) const {
  const auto now = now_ms();
  const std::array<Value, 7> row{
      organization(),      put.ns, put.key, put.value, put.ttl_ms == 0 ? Value() : Value(now + put.ttl_ms), now,
      or_null(put.version)};
  const std::array<Value, 4> expired{organization(), put.ns, put.key, now};
  TRIUNE_TRY(
      session_.execute("DELETE FROM triune_key_values WHERE organization_id = ?1 AND namespace = ?2 AND key = ?3 AND "
                       "expires_at_ms <= ?4",
                       expired));
  if (!put.version || *put.version > 0) {
    TRIUNE_ASSIGN(const RowSet updated,
                  rows("UPDATE triune_key_values SET value = ?4, expires_at_ms = ?5, version = version + 1, "
                       "updated_at_ms = ?6 WHERE organization_id = ?1 AND namespace = ?2 AND key = ?3 AND version = "
                       "coalesce(?7, version) RETURNING version",
                       row));
    if (!updated.rows.empty()) return integer(updated.rows[0][0]);
    if (put.version) return changed_meanwhile(put);
  }
  // Another writer may have put it meanwhile.
  TRIUNE_ASSIGN(const RowSet made,
                rows(fmt::format("INSERT INTO triune_key_values AS k (organization_id, namespace, key, value, "
                                 "expires_at_ms, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON "
                                 "CONFLICT (organization_id, namespace, key) DO {} RETURNING version",
                                 put.version ? "NOTHING"
                                             : "UPDATE SET value = excluded.value, expires_at_ms = "
                                               "excluded.expires_at_ms, version = k.version + 1, updated_at_ms = "
                                               "excluded.updated_at_ms"),
                     std::span(row).first(6)));
  if (made.rows.empty()) return changed_meanwhile(put);
  return integer(made.rows[0][0]);
}

Result<KeyValue> KeyValueStore::find(std::string_view ns, std::string_view key) const {
  const std::array<Value, 4> which{organization(), std::string(ns), std::string(key), now_ms()};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_key_values WHERE organization_id = ?1 AND namespace = ?2 AND "
                                 "key = ?3 AND (expires_at_ms IS NULL OR expires_at_ms > ?4)",
                                 columns),
                     which));
  if (found.rows.empty())
    return failure(ErrorCode::not_found, fmt::format("nothing is kept as {}/{}, or it has expired", ns, key));
  return key_value_of(found.rows[0]);
}

Result<std::vector<KeyValue>> KeyValueStore::list(std::string_view ns, std::string_view prefix,
                                                  std::size_t limit) const {
  const std::array<Value, 5> which{organization(), std::string(ns), std::string(prefix), now_ms(), limited(limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_key_values WHERE organization_id = ?1 AND namespace = ?2 AND "
                                 "substr(key, 1, length(?3)) = ?3 AND (expires_at_ms IS NULL OR expires_at_ms > ?4) "
                                 "ORDER BY key LIMIT ?5",
                                 columns),
                     which));
  std::vector<KeyValue> values;
  for (const auto& row : found.rows) values.push_back(key_value_of(row));
  return values;
}

Status KeyValueStore::erase(std::string_view ns, std::string_view key) const {
  const std::array<Value, 3> which{organization(), std::string(ns), std::string(key)};
  TRIUNE_TRY(session_.execute(
      "DELETE FROM triune_key_values WHERE organization_id = ?1 AND namespace = ?2 AND key = ?3", which));
  return {};
}

}  // namespace triune::modules::agents
