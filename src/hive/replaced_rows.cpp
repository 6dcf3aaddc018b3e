#include "hive/replaced_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/try.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using model::quote_literal;

constexpr std::size_t constraint_limit = 10'000;

// A constraint with an expression among its columns (cid -2) is left out, and so are partial indexes.
constexpr std::string_view select_constraints =
    "SELECT l.seq, l.origin, x.name, x.coll FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) x "
    "WHERE l.\"unique\" = 1 AND l.partial = 0 AND x.key = 1 "
    "AND NOT EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name) e WHERE e.key = 1 AND e.cid = -2) ORDER BY l.seq, "
    "x.seqno";

std::string same(const UniqueConstraint& constraint) {
  std::string text;
  for (const auto& [name, collation] : constraint.columns) {
    const auto collate = collation.empty() ? std::string() : " COLLATE " + quote_identifier(collation);
    text += fmt::format("{}t.{} = new.{}{}", text.empty() ? "" : " AND ", quote_identifier(name),
                        quote_identifier(name), collate);
  }
  return "(" + text + ")";
}

/// Whether `t` is another row than `old`.
std::string other_row(const TableShape& shape) {
  const auto key = shape.key();
  if (key.empty()) return "t.rowid IS NOT old.rowid";
  std::string text;
  for (const auto& column : key)
    text += fmt::format("{}t.{} IS NOT old.{}", text.empty() ? "" : " OR ", quote_identifier(column),
                        quote_identifier(column));
  return "(" + text + ")";
}

}  // namespace

Result<std::vector<UniqueConstraint>> unique_constraints(contract::RelationalSession& session,
                                                         const TableShape& shape) {
  const std::array<Value, 1> parameters{shape.name};
  TRIUNE_ASSIGN(const RowSet rows, session.query(select_constraints, parameters, constraint_limit));
  std::vector<UniqueConstraint> constraints;
  Value last;
  for (const auto& row : rows.rows) {
    if (constraints.empty() || row[0] != last)
      constraints.push_back({.columns = {}, .primary = to_text(row[1]) == "pk"});
    last = row[0];
    constraints.back().columns.push_back({.name = to_text(row[2]), .collation = to_text(row[3])});
  }
  std::stable_partition(constraints.begin(), constraints.end(), [](const auto& one) { return one.primary; });
  if (!constraints.empty() && constraints.front().primary) return constraints;
  // An INTEGER PRIMARY KEY is the rowid itself and has no index.
  UniqueConstraint primary{.columns = {}, .primary = true};
  for (const auto& column : shape.key()) primary.columns.push_back({.name = column, .collation = {}});
  if (primary.columns.empty()) primary.columns.push_back({.name = "rowid", .collation = {}});
  constraints.insert(constraints.begin(), std::move(primary));
  return constraints;
}

std::string ReplacedRows::notes() const {
  return fmt::format("(SELECT first, second FROM triune_replaced WHERE capture = {}) n", quote_literal(capture));
}

std::vector<SchemaObject> replaced_row_triggers(const TableShape& shape,
                                                const std::vector<UniqueConstraint>& constraints,
                                                const ReplacedRows& rows, bool key_matters) {
  std::string conflicts;
  std::set<std::string> columns;
  for (const auto& constraint : constraints) {
    if (constraint.primary && !key_matters) continue;
    conflicts += (conflicts.empty() ? "" : " OR ") + same(constraint);
    for (const auto& column : constraint.columns) columns.insert(column.name);
  }
  if (conflicts.empty()) return {};
  std::string changed;
  for (const auto& column : columns)
    if (shape.column(column) != nullptr) changed += (changed.empty() ? "" : ", ") + quote_identifier(column);
  const auto mine = fmt::format("capture = {}", quote_literal(rows.capture));
  const auto note = [&](std::string_view condition) {
    return fmt::format(
        "DELETE FROM triune_replaced WHERE {0}; INSERT INTO triune_replaced (capture, first, second) "
        "SELECT {1}, {2}, {3} FROM {4} t WHERE ({5}) AND ({6}){7};",
        mine, quote_literal(rows.capture), rows.first, rows.second, quote_identifier(shape.name), conflicts,
        rows.condition, condition);
  };
  const auto forget = fmt::format("{} DELETE FROM triune_replaced WHERE {};", rows.forget, mine);
  const auto when = fmt::format(" WHEN EXISTS (SELECT 1 FROM triune_replaced WHERE {})", mine);
  // SQLite's grammar has WHEN behind the table.
  const auto after = [&](std::string_view name, std::string_view event) {
    SchemaObject object{.name = rows.capture + std::string(name), .table = shape.name, .sql = {}};
    object.sql = fmt::format("CREATE TRIGGER {} AFTER {} ON {}{} BEGIN {} END", quote_identifier(object.name), event,
                             quote_identifier(shape.name), when, forget);
    return object;
  };
  std::vector<SchemaObject> triggers{trigger(rows.capture + "_note_insert", "BEFORE INSERT", shape.name, note("")),
                                     after("_replaced_by_insert", "INSERT")};
  if (changed.empty()) return triggers;
  triggers.push_back(trigger(rows.capture + "_note_update", "BEFORE UPDATE OF " + changed, shape.name,
                             note(" AND " + other_row(shape))));
  triggers.push_back(after("_replaced_by_update", "UPDATE OF " + changed));
  return triggers;
}

}  // namespace triune::hive
