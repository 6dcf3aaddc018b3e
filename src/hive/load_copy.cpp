#include "hive/load_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "base/try.h"
#include "hive/bulk.h"

namespace triune::hive {
namespace {

constexpr std::string_view savepoint = "triune_copy";
/// Values and bytes of one piece; two of them are held at once.
constexpr std::size_t values_at_a_time = 100'000;
constexpr std::size_t bytes_at_a_time = 16U << 20U;

struct KeyHash {
  std::size_t operator()(std::string_view key) const noexcept { return base::hash64(key); }
};

std::size_t size_of(const Value& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return text->size();
  const auto* const bytes = std::get_if<Bytes>(&value);
  return bytes == nullptr ? 0 : bytes->size();
}

/// Rows that are sent at once.
struct Piece {
  std::vector<Value> values;
  std::size_t end = 0;  ///< The row behind the last of them.
};

Piece make_piece(const CopiedRows& rows, std::size_t first) {
  Piece piece{.values = {}, .end = first};
  std::size_t bytes = 0;
  while (piece.end < rows.count && piece.values.size() < values_at_a_time && bytes < bytes_at_a_time) {
    const std::size_t before = piece.values.size();
    rows.values(piece.end++, piece.values);
    for (std::size_t i = before; i < piece.values.size(); ++i) bytes += size_of(piece.values[i]);
  }
  return piece;
}

}  // namespace

Result<bool> has_bulk_path(contract::RelationalSession& session) {
  if (session.dialect() != contract::Dialect::postgres) return false;
  // Whoever runs the database may have kept temporary tables from us.
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT pg_catalog.has_database_privilege(current_database(), 'TEMP')", {}, 1));
  return std::get<bool>(rows.rows.at(0).at(0));
}

Result<std::uint64_t> copy_rows(contract::RelationalSession& session, std::string_view table, const CopiedRows& rows) {
  std::uint64_t added = 0;
  auto piece = make_piece(rows, 0);
  while (!piece.values.empty()) {
    // The next one is made while the server takes this one; its future waits for it, however this ends.
    auto next = std::async(std::launch::async, make_piece, std::cref(rows), piece.end);
    TRIUNE_ASSIGN(const std::uint64_t count, session.load_rows(table, rows.columns, piece.values));
    added += count;
    piece = next.get();
  }
  return added;
}

Result<bool> copy_new_rows(contract::RelationalSession& session, std::string_view table, const CopiedRows& rows) {
  TRIUNE_TRY(session.savepoint(savepoint));
  const auto copied = copy_rows(session, table, rows);
  if (!copied && (copied.error().code != ErrorCode::conflict || copied.error().retry != Retry::never))
    return std::unexpected<Error>(copied.error());
  if (!copied) TRIUNE_TRY(session.rollback_to(savepoint));
  TRIUNE_TRY(session.release(savepoint));
  return copied.has_value();
}

Status stage_rows(contract::RelationalSession& session, std::string_view column_definitions, const CopiedRows& rows) {
  // Gone with the transaction, so that nothing of it is left in a connection that a pooler gives to others.
  TRIUNE_TRY(session.execute(
      fmt::format("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP", staging_table, column_definitions), {}));
  TRIUNE_TRY(copy_rows(session, staging_table, rows));
  // The planner knows nothing of a new table, and would guess at few rows.
  TRIUNE_TRY(session.execute(fmt::format("ANALYZE {}", staging_table), {}));
  return {};
}

Status drop_staged_rows(contract::RelationalSession& session) {
  TRIUNE_TRY(session.execute(fmt::format("DROP TABLE {}", staging_table), {}));
  return {};
}

Rounds::Rounds(std::span<const std::string_view> keys) {
  std::unordered_map<std::string_view, std::int32_t, KeyHash> seen;
  seen.reserve(keys.size());
  rounds_.reserve(keys.size());
  for (const auto key : keys) {
    rounds_.push_back(seen[key]++);
    count_ = std::max<std::int64_t>(count_, rounds_.back() + 1);
  }
}

}  // namespace triune::hive
