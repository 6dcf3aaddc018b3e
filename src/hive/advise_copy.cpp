#include "hive/advise_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/try.h"
#include "hive/tables.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using Clock = std::chrono::steady_clock;

// A statement that takes longer than this is slow enough.
constexpr std::chrono::milliseconds longest{3000};
constexpr std::chrono::milliseconds patience{1500};
constexpr std::int64_t rows_written = 2000;
constexpr std::size_t most_indexes = 1000;

constexpr std::string_view sqlite_indexes =
    "SELECT l.name, i.name, l.\"unique\", l.origin = 'c', l.partial, 0 FROM pragma_index_list(?1) l "
    "JOIN pragma_index_info(l.name) i ORDER BY l.seq, i.seqno";

// How often an index was used the server counts itself.
constexpr std::string_view postgres_indexes =
    "SELECT CAST(c.relname AS text), CAST(a.attname AS text), CAST(CAST(i.indisunique AS integer) AS bigint), "
    "CAST(CAST(NOT i.indisprimary AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) "
    "AS integer) AS bigint), CAST(CAST(i.indpred IS NOT NULL AS integer) AS bigint), "
    "CAST(CAST(coalesce(pg_stat_get_numscans(i.indexrelid), 0) = 0 AS integer) AS bigint) "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS n (attnum, place) "
    "LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.attnum "
    "WHERE i.indrelid = to_regclass(quote_ident(?1)) AND n.place <= i.indnkeyatts ORDER BY 1, n.place";

bool flag(const Value& value) {
  return std::get<std::int64_t>(value) != 0;
}

double since(Clock::time_point began) {
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

double median(std::vector<double> times) {
  if (times.empty()) return 0;
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

std::string list_of(std::span<const std::string> columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + quote_identifier(column);
  return list;
}

}  // namespace

Result<std::vector<TableIndex>> indexes_of(contract::RelationalSession& session, const std::string& table) {
  const bool sqlite = session.dialect() == contract::Dialect::sqlite;
  const std::array<Value, 1> parameters{table};
  TRIUNE_ASSIGN(const RowSet rows, session.query(sqlite ? sqlite_indexes : postgres_indexes, parameters, most_indexes));
  std::vector<TableIndex> indexes;
  std::set<std::string> with_expressions;
  for (const auto& row : rows.rows) {
    const auto name = to_text(row[0]);
    if (indexes.empty() || indexes.back().name != name)
      indexes.push_back({.name = name,
                         .columns = {},
                         .unique = flag(row[2]),
                         .made = flag(row[3]),
                         .partial = flag(row[4]),
                         .unused = flag(row[5])});
    if (is_null(row[1])) with_expressions.insert(name);
    indexes.back().columns.push_back(to_text(row[1]));
  }
  for (auto& one : indexes)
    if (with_expressions.contains(one.name)) one.columns.clear();
  // The rowid is the key itself, and no index.
  TRIUNE_ASSIGN(const TableShape shape, describe_table(session, table));
  const auto key = shape.key();
  const bool listed =
      std::any_of(indexes.begin(), indexes.end(), [&key](const TableIndex& one) { return one.columns == key; });
  if (!key.empty() && !listed) indexes.push_back({.name = "the primary key", .columns = key, .unique = true});
  return indexes;
}

std::string CopyBench::original(const std::string& table) const {
  return quote_identifier(schema_) + "." + quote_identifier(table);
}

std::string CopyBench::copied(const std::string& table) const {
  return (file_ ? "\"temp\"." : "pg_temp.") + quote_identifier(table);
}

Status CopyBench::run(const std::string& sql) {
  if (file_) return file_->scratch(sql, {}, Deadline::after(longest));
  auto& session = server_->session();
  // What fails, such as a table that may not be read, must not end the transaction.
  TRIUNE_TRY(session.savepoint("triune_copy"));
  const auto done = session.execute(sql, {});
  if (!done) TRIUNE_TRY(session.rollback_to("triune_copy"));
  TRIUNE_TRY(session.release("triune_copy"));
  if (!done) return std::unexpected<Error>(done.error());
  return {};
}

Result<RowSet> CopyBench::rows(const std::string& sql, std::span<const Value> parameters, std::size_t most) {
  if (file_) return file_->query(sql, parameters, most, Deadline::after(longest));
  auto& session = server_->session();
  TRIUNE_TRY(session.savepoint("triune_copy"));
  auto found = session.query(sql, parameters, most);
  if (!found) TRIUNE_TRY(session.rollback_to("triune_copy"));
  TRIUNE_TRY(session.release("triune_copy"));
  return found;
}

Status CopyBench::make_empty(const std::string& table) {
  copies_.insert(table);
  const auto select = fmt::format("SELECT * FROM {} WHERE 1 = 0", original(table));
  return run(fmt::format("CREATE TEMP TABLE {} AS {}", quote_identifier(table), select));
}

Status CopyBench::fill(const std::string& table, std::int64_t rows) {
  // By its schema, since the copy hides the table.
  return run(fmt::format("INSERT INTO {} SELECT * FROM {} LIMIT {}", copied(table), original(table), rows));
}

Status CopyBench::index(const std::string& table, std::span<const std::string> columns) {
  const auto name = fmt::format("triune_copied_{}", ++indexes_);
  if (file_)
    return run(fmt::format("CREATE INDEX \"temp\".{} ON {} ({})", name, quote_identifier(table), list_of(columns)));
  return run(fmt::format("CREATE INDEX {} ON {} ({})", name, copied(table), list_of(columns)));
}

Result<std::uint64_t> CopyBench::copy(const std::string& table, std::span<const TableIndex> indexes) {
  if (!copies_.contains(table)) {
    TRIUNE_TRY(make_empty(table));
    TRIUNE_TRY(fill(table, most_rows));
    for (const auto& one : indexes)
      if (!one.columns.empty() && !one.partial) TRIUNE_TRY(index(table, one.columns));
    if (!file_) TRIUNE_TRY(run("ANALYZE " + copied(table)));
  }
  TRIUNE_ASSIGN(const RowSet counted, rows("SELECT count(*) FROM " + copied(table), {}, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(counted.rows.at(0).at(0)));
}

Status CopyBench::clear() {
  for (const auto& table : copies_) TRIUNE_TRY(run(fmt::format("DROP TABLE IF EXISTS {}", copied(table))));
  copies_.clear();
  return {};
}

Status CopyBench::add_index(const std::string& table, std::span<const std::string> columns) {
  TRIUNE_TRY(index(table, columns));
  return file_ ? Status() : run("ANALYZE " + copied(table));
}

Status CopyBench::remove_index() {
  return run(fmt::format("DROP INDEX {}.triune_copied_{}", file_ ? "\"temp\"" : "pg_temp", indexes_));
}

Result<std::vector<Value>> CopyBench::draw(const std::string& table, const std::string& column, std::size_t count) {
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {0} FROM {1} WHERE {0} IS NOT NULL ORDER BY random() LIMIT {2}",
                                 quote_identifier(column), copied(table), count),
                     {}, count));
  std::vector<Value> values;
  for (const auto& row : found.rows) values.push_back(row[0]);
  return values;
}

Result<std::vector<std::vector<Value>>> CopyBench::take(const std::string& table, std::span<const std::string> columns,
                                                        std::size_t most) {
  std::string condition = "1 = 1";
  for (const auto& column : columns) condition += fmt::format(" AND {} IS NOT NULL", quote_identifier(column));
  TRIUNE_ASSIGN(RowSet found, rows(fmt::format("SELECT {} FROM {} WHERE {} LIMIT {}", list_of(columns), copied(table),
                                               condition, most),
                                   {}, most));
  return std::move(found.rows);
}

Result<double> CopyBench::median_us(const std::string& sql, std::span<const std::vector<Value>> parameters,
                                    std::size_t most) {
  std::vector<double> times;
  const auto end = Clock::now() + patience;
  TRIUNE_TRY(rows(sql, parameters[0], most));
  for (const auto& values : parameters) {
    if (!times.empty() && Clock::now() > end) break;
    const auto began = Clock::now();
    TRIUNE_TRY(rows(sql, values, most));
    times.push_back(since(began));
  }
  return median(std::move(times));
}

Result<double> CopyBench::write_us(const std::string& table, std::span<const TableIndex> indexes) {
  constexpr int rounds = 3;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    TRIUNE_TRY(clear());
    TRIUNE_TRY(make_empty(table));
    for (const auto& one : indexes)
      if (!one.columns.empty() && !one.partial) TRIUNE_TRY(index(table, one.columns));
    const auto began = Clock::now();
    TRIUNE_TRY(fill(table, rows_written));
    const double took = since(began);
    TRIUNE_ASSIGN(const auto written, copy(table, {}));
    if (written > 0) times.push_back(took / static_cast<double>(written));
  }
  TRIUNE_TRY(clear());
  return median(std::move(times));
}

}  // namespace triune::hive
