#include "adapters/kuzu/apply.h"

#include <fmt/format.h>

#include <bit>
#include <span>

#include "adapters/kuzu/graph_writer.h"
#include "base/failpoint.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::Position;

constexpr std::string_view position_table = "_triune_position";

// Deletes first, edges after the nodes they need.
Status write_changes(GraphWriter& writer, const SortedBatch& sorted) {
  for (const auto& [table, edges] : sorted.delete_edges) TRIUNE_TRY(writer.delete_edges(table, edges));
  for (const auto& [label, ids] : sorted.delete_nodes) TRIUNE_TRY(writer.delete_nodes(label, ids));
  for (const auto& [label, nodes] : sorted.put_nodes) TRIUNE_TRY(writer.put_nodes(label, nodes));
  for (const auto& [table, edges] : sorted.put_edges) TRIUNE_TRY(writer.put_edges(table, edges));
  return {};
}

}  // namespace

Status ensure_position_table(Session& session) {
  const Session::InternalTables internal(session);
  return session.execute(fmt::format(
      "CREATE NODE TABLE IF NOT EXISTS {}(`id` STRING PRIMARY KEY, incarnation STRING, lsn INT64)", position_table));
}

Result<std::optional<Position>> read_position(Session& session) {
  const Session::InternalTables internal(session);
  std::optional<Position> position;
  TRIUNE_TRY(session.visit(fmt::format("MATCH (p:{}) RETURN p.incarnation, p.lsn", position_table), {},
                           [&](std::span<const Value> row) -> Status {
                             position = Position{std::get<std::string>(row[0]),
                                                 std::bit_cast<std::uint64_t>(std::get<std::int64_t>(row[1]))};
                             return {};
                           }));
  return position;
}

Status write_position(Session& session, const Position& position) {
  const PutNode row{
      .node = {std::string(position_table), "position"},
      .properties = {{"incarnation", position.incarnation}, {"lsn", std::bit_cast<std::int64_t>(position.lsn)}}};
  const PutNode* const rows[] = {&row};
  return GraphWriter(session).put_nodes(row.node.label, rows);
}

Status in_transaction(Session& session, const std::function<Status()>& work) {
  TRIUNE_TRY(session.execute("BEGIN TRANSACTION"));
  auto status = work();
  if (!status) {
    // Kuzu rolls back by itself when a statement fails, so this may find no transaction.
    session.set_deadline(Deadline::never());
    [[maybe_unused]] const auto rolled_back = session.execute("ROLLBACK");
    return status;
  }
  // Once begun, the commit must not be cut off by the clock.
  session.set_deadline(Deadline::never());
  status = session.execute("COMMIT");
  if (!status) status.error().retry = Retry::outcome_unknown;
  return status;
}

Status apply_batch(Session& session, const contract::GraphBatch& batch, const SortedBatch& sorted) {
  const auto status = in_transaction(session, [&]() -> Status {
    GraphWriter writer(session);
    TRIUNE_TRY(write_changes(writer, sorted));
    if (batch.position) TRIUNE_TRY(write_position(session, *batch.position));
    base::failpoint("kuzu.apply.before_commit");
    return {};
  });
  if (status) base::failpoint("kuzu.apply.after_commit");
  return status;
}

}  // namespace triune::adapters::kuzu
