#include "projection/change_log.h"

#include <array>

#include "base/try.h"

namespace triune::projection {
namespace {

Result<std::uint64_t> one_lsn(contract::RelationalSession& session, std::string_view sql) {
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, {}, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

Operation parse_operation(std::string_view text) {
  if (text == "delete") return Operation::remove;
  return text == "load" ? Operation::load : Operation::put;
}

}  // namespace

Result<std::uint64_t> log_head(contract::RelationalSession& session) {
  return one_lsn(session, "SELECT coalesce(max(lsn), 0) FROM triune_change_log");
}

Result<std::uint64_t> log_start(contract::RelationalSession& session) {
  return one_lsn(session, "SELECT coalesce(min(lsn), 1) FROM triune_change_log");
}

Result<std::uint64_t> count_graph_entries(contract::RelationalSession& session, std::int64_t organization_id,
                                          std::uint64_t after) {
  const std::array<Value, 2> parameters{static_cast<std::int64_t>(after), organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT count(*) FROM triune_change_log WHERE lsn > ?1 AND organization_id = ?2 "
                              "AND collection_id IN (SELECT collection_id FROM triune_collections "
                              "WHERE organization_id = ?2 AND kind IN ('label', 'type'))",
                              parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

Result<LogBatch> read_log(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t after,
                          std::size_t limit) {
  LogBatch batch;
  batch.last_lsn = after;
  const std::array<Value, 2> parameters{static_cast<std::int64_t>(after), static_cast<std::int64_t>(limit)};
  TRIUNE_TRY(
      session.visit("SELECT lsn, organization_id, collection_id, key, operation FROM triune_change_log WHERE lsn > ?1 "
                    "ORDER BY lsn LIMIT ?2",
                    parameters, [&](std::span<const Value> row) -> Status {
                      batch.last_lsn = static_cast<std::uint64_t>(std::get<std::int64_t>(row[0]));
                      if (std::get<std::int64_t>(row[1]) != organization_id) return {};
                      batch.entries.push_back({.lsn = batch.last_lsn,
                                               .collection_id = std::get<std::int64_t>(row[2]),
                                               .key = row[3],
                                               .operation = parse_operation(std::get<std::string>(row[4]))});
                      return {};
                    }));
  TRIUNE_ASSIGN(batch.head, log_head(session));
  return batch;
}

}  // namespace triune::projection
