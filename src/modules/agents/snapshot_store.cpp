// Snapshots of contexts (context_store.h).
#include <fmt/format.h>

#include "base/try.h"
#include "modules/agents/context_store.h"

namespace triune::modules::agents {
namespace {

constexpr std::string_view snapshot_columns =
    "id, session_id, level, reason, content_hash, original_bytes, stored_bytes, token_count, importance, tags, "
    "expires_at_ms, created_at_ms";

Result<Snapshot> snapshot_of(const std::vector<Value>& row) {
  Snapshot snapshot{.id = text(row[0]), .session = text(row[1])};
  TRIUNE_ASSIGN(snapshot.level, parse_memory_level(text(row[2])));
  snapshot.reason = text(row[3]);
  snapshot.content_hash = text(row[4]);
  snapshot.original_bytes = integer(row[5]);
  snapshot.stored_bytes = integer(row[6]);
  snapshot.compression_ratio =
      static_cast<double>(snapshot.original_bytes) / static_cast<double>(snapshot.stored_bytes);
  snapshot.tokens = integer(row[7]);
  snapshot.importance = real(row[8]);
  snapshot.tags = Json{text(row[9])};
  snapshot.expires_at_ms = optional_integer(row[10]);
  snapshot.created_at_ms = integer(row[11]);
  return snapshot;
}

std::unexpected<Error> no_snapshot(std::string_view id) {
  return failure(ErrorCode::not_found, fmt::format("there is no snapshot {}, or it has expired", id));
}

}  // namespace

Result<SavedSnapshot> ContextStore::save(const NewSnapshot& snapshot, const SnapshotBytes& bytes,
                                         const std::string& id) const {
  TRIUNE_TRY(find(snapshot.session));
  const auto now = now_ms();
  // One that has expired is none, also while nothing swept it.
  const std::array<Value, 4> expired{organization(), snapshot.session, bytes.hash, now};
  TRIUNE_TRY(session_.execute(
      "DELETE FROM triune_memory_snapshots WHERE organization_id = ?1 AND session_id = ?2 AND content_hash = ?3 AND "
      "expires_at_ms <= ?4",
      expired));
  const std::array<Value, 14> row{organization(),
                                  id,
                                  snapshot.session,
                                  std::string(to_string(snapshot.level)),
                                  snapshot.reason,
                                  bytes.hash,
                                  bytes.encoding,
                                  bytes.original_bytes,
                                  static_cast<std::int64_t>(bytes.stored.size()),
                                  snapshot.tokens,
                                  snapshot.importance,
                                  snapshot.tags.text,
                                  or_null(snapshot.expires_at_ms),
                                  now};
  TRIUNE_ASSIGN(
      const RowSet put,
      rows(
          "INSERT INTO triune_memory_snapshots AS s (organization_id, id, session_id, level, reason, content_hash, "
          "encoding, original_bytes, stored_bytes, token_count, importance, tags, expires_at_ms, created_at_ms) VALUES "
          "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (organization_id, session_id, "
          "content_hash) DO UPDATE SET importance = CASE WHEN excluded.importance > s.importance THEN "
          "excluded.importance ELSE s.importance END, expires_at_ms = CASE WHEN s.expires_at_ms IS NULL OR "
          "excluded.expires_at_ms IS NULL THEN NULL WHEN excluded.expires_at_ms > s.expires_at_ms THEN "
          "excluded.expires_at_ms ELSE s.expires_at_ms END RETURNING id",
          row));
  const auto stored = text(put.rows.at(0).at(0));
  return SavedSnapshot{.id = stored, .existed = stored != id};
}

Result<std::vector<Snapshot>> ContextStore::select_snapshots(std::string_view where, const std::string& which,
                                                             std::size_t limit) const {
  const std::array<Value, 4> parameters{organization(), which, now_ms(), limited(limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_memory_snapshots WHERE organization_id = ?1 AND {} = ?2 AND "
                                 "(expires_at_ms IS NULL OR expires_at_ms > ?3) ORDER BY created_at_ms DESC, id DESC "
                                 "LIMIT ?4",
                                 snapshot_columns, where),
                     parameters));
  std::vector<Snapshot> snapshots;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(auto snapshot, snapshot_of(row));
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

Result<Snapshot> ContextStore::snapshot(std::string_view id) const {
  TRIUNE_ASSIGN(auto found, select_snapshots("id", std::string(id), 1));
  if (found.empty()) return no_snapshot(id);
  return std::move(found.front());
}

Result<std::string> ContextStore::encoding(std::string_view id) const {
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT encoding FROM triune_memory_snapshots WHERE organization_id = ?1 AND id = ?2", key));
  if (found.rows.empty()) return no_snapshot(id);
  return text(found.rows[0][0]);
}

Result<std::vector<Snapshot>> ContextStore::snapshots(std::string_view session, std::size_t limit) const {
  TRIUNE_TRY(find(session));
  return select_snapshots("session_id", std::string(session), limit);
}

}  // namespace triune::modules::agents
