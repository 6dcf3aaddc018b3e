#include "hive/dropped_collections.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/try.h"

namespace triune::hive {
namespace {

constexpr std::int64_t deleted_at_a_time = 5'000;
/// So long whoever knows the older dictionary may go on writing.
constexpr std::int64_t grace_ms = 60'000;
constexpr std::size_t most_generations = 1'000;

Deadline step_deadline() {
  return Deadline::after(std::chrono::minutes(5));
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<std::vector<std::int64_t>> due(contract::RelationalStore& store, std::int64_t organization_id) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, step_deadline()));
  const std::array<Value, 2> parameters{organization_id, now_ms() - grace_ms};
  // Of one that was dropped the row stays, and refuses who comes later; its collection is gone.
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT r.collection_id FROM triune_reembeddings r JOIN triune_collections c ON "
                               "c.collection_id = r.collection_id WHERE r.organization_id = ?1 AND "
                               "(r.phase = 'dropped' OR (r.phase = 'replaced' AND r.replaced_at_ms < ?2))",
                               parameters, most_generations));
  std::vector<std::int64_t> ids;
  for (const auto& row : rows.rows) ids.push_back(std::get<std::int64_t>(row[0]));
  return ids;
}

Status write(contract::RelationalStore& store, const contract::WriteJob& job) {
  return store.write(job, step_deadline());
}

}  // namespace

std::string replaced_name(std::string_view collection, std::int64_t collection_id) {
  return fmt::format("{} (replaced {})", collection, collection_id);
}

Status drop_vectors(contract::RelationalStore& store, std::int64_t organization_id, std::int64_t collection_id) {
  const std::array<Value, 3> parameters{organization_id, collection_id, deleted_at_a_time};
  for (std::uint64_t deleted = 1; deleted > 0;)
    TRIUNE_TRY(write(store, [&](contract::RelationalSession& session) -> Status {
      TRIUNE_ASSIGN(deleted, session.execute("DELETE FROM triune_vectors WHERE organization_id = ?1 AND vector_key IN "
                                             "(SELECT vector_key FROM triune_vectors WHERE organization_id = ?1 AND "
                                             "collection_id = ?2 LIMIT ?3)",
                                             parameters));
      return {};
    }));
  return {};
}

Status forget_collection(contract::RelationalSession& session, std::int64_t collection_id) {
  const std::array<Value, 1> key{collection_id};
  TRIUNE_TRY(session.execute("DELETE FROM triune_vector_collections WHERE collection_id = ?1", key));
  TRIUNE_TRY(session.execute("DELETE FROM triune_collections WHERE collection_id = ?1", key));
  if (session.dialect() == contract::Dialect::postgres) return {};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_hive (key, value) VALUES ('last_forgotten_collection', ?1) ON "
                      "CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), ?1)",
                      key));
  return {};
}

Result<bool> drop_replaced(contract::RelationalStore& store, std::int64_t organization_id) {
  TRIUNE_ASSIGN(const auto ids, due(store, organization_id));
  for (const auto id : ids) {
    const std::array<Value, 1> key{id};
    TRIUNE_TRY(write(store, [&](contract::RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute("UPDATE triune_reembeddings SET phase = 'dropped' WHERE collection_id = ?1", key));
      return {};
    }));
    TRIUNE_TRY(drop_vectors(store, organization_id, id));
    TRIUNE_TRY(write(store, [&](contract::RelationalSession& session) { return forget_collection(session, id); }));
  }
  return !ids.empty();
}

}  // namespace triune::hive
