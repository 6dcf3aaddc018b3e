#include "hive/deleted_ends.h"

#include <array>

#include "base/try.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

using contract::Dialect;

#define TRIUNE_DELETED                                                                                      \
  "SELECT 1 FROM triune_change_log WHERE organization_id = ?1 AND collection_id IN (?2, ?3) AND operation " \
  "= 'delete' AND lsn > ?4 "

// An lsn is a transaction's id: one that began before the mark may have ended after it.
constexpr std::string_view deleted_unseen_sql =
    TRIUNE_DELETED "AND NOT pg_visible_in_snapshot(CAST(CAST(lsn AS text) AS xid8), CAST(?5 AS pg_snapshot)) LIMIT 1";
constexpr std::string_view deleted_sql = TRIUNE_DELETED "LIMIT 1";

// Whoever deletes a row leaves its transaction's id, of 32 bits, in `xmax`; those of transactions that ended long ago
// are of no interest. A lock waits for the rest, and a deleted row is not locked.
constexpr std::string_view wait_for_deletions_sql =
    "SELECT count(*) FROM (SELECT 1 FROM triune_nodes WHERE organization_id = ?1 AND label_id IN (?2, ?3) "
    "AND CAST(CAST(xmax AS text) AS bigint) <> 0 AND mod(CAST(CAST(xmax AS text) AS bigint) + 4294967296 "
    "- mod(CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint), 4294967296), 4294967296) < "
    "2147483648 "
    "FOR KEY SHARE) AS held";

constexpr std::string_view remove_sql =
    "DELETE FROM triune_edges AS e WHERE e.organization_id = ?1 AND e.type_id = ?2 AND NOT ("
    "EXISTS (SELECT 1 FROM triune_nodes n WHERE n.organization_id = ?1 AND n.node_id = e.from_node) AND "
    "EXISTS (SELECT 1 FROM triune_nodes n WHERE n.organization_id = ?1 AND n.node_id = e.to_node))";

}  // namespace

Status DeletedEnds::mark(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t from_label_id,
                         std::int64_t to_label_id) {
  organization_id_ = organization_id;
  from_label_id_ = from_label_id;
  to_label_id_ = to_label_id;
  if (session.dialect() == Dialect::sqlite) {
    TRIUNE_ASSIGN(const std::uint64_t head, projection::log_head(session, organization_id));
    lsn_ = static_cast<std::int64_t>(head);
    return {};
  }
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT CAST(pg_current_snapshot() AS text), "
                              "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) - 1",
                              {}, 1));
  snapshot_ = to_text(rows.rows.at(0).at(0));
  lsn_ = std::get<std::int64_t>(rows.rows[0].at(1));
  return {};
}

Result<bool> DeletedEnds::any(contract::RelationalSession& session) const {
  // What was swept meanwhile cannot be looked at.
  TRIUNE_ASSIGN(const std::uint64_t start, projection::log_start(session, organization_id_));
  if (start > static_cast<std::uint64_t>(lsn_) + 1) return true;
  const std::array<Value, 5> parameters{organization_id_, from_label_id_, to_label_id_, lsn_, snapshot_};
  const bool unseen = !snapshot_.empty();
  TRIUNE_ASSIGN(const RowSet rows, session.query(unseen ? deleted_unseen_sql : deleted_sql,
                                                 std::span<const Value>(parameters).first(unseen ? 5 : 4), 1));
  return !rows.rows.empty();
}

Status DeletedEnds::check(contract::RelationalSession& session) const {
  TRIUNE_ASSIGN(const bool deleted, any(session));
  if (!deleted) return {};
  Error error{.code = ErrorCode::conflict,
              .message = "nodes were deleted while edges to such nodes were loaded; load the edges again",
              .engine = {},
              .native_code = {}};
  error.retry = Retry::safe;
  return std::unexpected<Error>(std::move(error));
}

Status DeletedEnds::settle(contract::RelationalStore& store, std::int64_t type_id, Deadline deadline) const {
  if (snapshot_.empty()) return {};
  return store.write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 3> nodes{organization_id_, from_label_id_, to_label_id_};
        TRIUNE_TRY(session.query(wait_for_deletions_sql, nodes, 1));
        TRIUNE_ASSIGN(const bool deleted, any(session));
        if (!deleted) return {};
        const std::array<Value, 2> edges{organization_id_, type_id};
        TRIUNE_TRY(session.execute(remove_sql, edges));
        return {};
      },
      deadline);
}

}  // namespace triune::hive
