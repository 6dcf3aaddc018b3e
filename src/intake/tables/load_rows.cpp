#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/try.h"
#include "hive/tables.h"
#include "intake/tables/load_run.h"
#include "intake/tables/table_dialect.h"

namespace triune::intake {
namespace {

constexpr std::size_t batch_rows = 5'000;
constexpr std::size_t batch_bytes = 8U << 20U;

struct NumberedRow {
  PutRow put;
  std::uint64_t line = 0;
};

Result<std::string> key_of(const std::vector<TableColumn>& columns, const std::string& wanted) {
  const auto has = [&](std::string_view name) {
    return std::any_of(columns.begin(), columns.end(), [&](const TableColumn& column) { return column.name == name; });
  };
  if (columns.empty())
    return failure(ErrorCode::invalid_argument,
                   "the file has no rows to learn the columns of a table from; make the "
                   "table first with `triune sql 'CREATE TABLE …'`");
  if (wanted.empty()) return has("id") ? "id" : columns.front().name;
  if (has(wanted)) return wanted;
  return failure(ErrorCode::invalid_argument, fmt::format("the file has no column {} to be the key", wanted));
}

Status make_table(Hive& hive, TableReader& reader, const RowLoad& load) {
  TRIUNE_ASSIGN(const auto columns, reader.columns());
  TRIUNE_ASSIGN(const std::string key, key_of(columns, load.key));
  TRIUNE_TRY(hive.sql(create_statement(hive.dialect(), load.table, columns, key)));
  return {};
}

// A file whose rows would all be refused for the same column.
Status check_header(const TableReader& reader, const std::string& table, const std::vector<ColumnShape>& shape) {
  std::string names;
  for (const auto& column : shape) names += (names.empty() ? "" : ", ") + column.name;
  const auto header = reader.header();
  for (const auto& name : header)
    if (std::none_of(shape.begin(), shape.end(), [&](const ColumnShape& each) { return each.name == name; }))
      return failure(ErrorCode::invalid_argument, fmt::format("{} has a column {} that table {} has not; it has {}",
                                                              reader.name(), name, table, names));
  return {};
}

class RowLoader {
 public:
  RowLoader(Hive& hive, LoadRun& run, const RowLoad& load, std::vector<ColumnShape> shape)
      : hive_(hive), run_(run), table_(load.table), shape_(std::move(shape)) {}

  Status run() {
    Record record;
    for (;;) {
      TRIUNE_ASSIGN(const bool more, run_.next(record));
      if (!more) break;
      const auto ready = prepare(record);
      if (!ready.has_value()) {
        TRIUNE_TRY(run_.set_aside(ready.error().message));
        continue;
      }
      bytes_ += to_json(record).size();
      batch_.push_back({.put = {table_, record}, .line = run_.reader().line()});
      if (batch_.size() >= batch_rows || bytes_ >= batch_bytes) TRIUNE_TRY(flush());
    }
    return flush();
  }

 private:
  Status prepare(Record& record) const {
    TRIUNE_TRY(check_text(record));
    for (auto& field : record) {
      const auto column =
          std::find_if(shape_.begin(), shape_.end(), [&](const ColumnShape& each) { return each.name == field.name; });
      if (column == shape_.end())
        return failure(ErrorCode::invalid_argument, fmt::format("table {} has no column {}", table_, field.name));
      TRIUNE_TRY(fit(hive_.dialect(), *column, field.value));
    }
    for (const auto& column : shape_) {
      if (!column.is_key) continue;
      const auto* const value = find(record, column.name);
      if (value == nullptr || is_null(*value))
        return failure(ErrorCode::invalid_argument, fmt::format("the key {} is missing", column.name));
    }
    return {};
  }

  Status flush() {
    if (!batch_.empty()) TRIUNE_TRY(commit(batch_));
    batch_.clear();
    bytes_ = 0;
    run_.show_progress();
    return {};
  }

  // When the table refuses the batch, its halves are tried until the rows at fault are found.
  Status commit(std::span<NumberedRow> rows) {
    Commit commit;
    for (const auto& row : rows) commit.changes.emplace_back(row.put);
    auto receipt = hive_.commit(commit);
    if (receipt.has_value()) {
      run_.report().rows += rows.size();
      run_.report().changed += receipt->changes;
      run_.report().receipt = std::move(*receipt);
      return {};
    }
    const ErrorCode code = receipt.error().code;
    if (code != ErrorCode::invalid_argument && code != ErrorCode::conflict) return failure_of(receipt);
    if (rows.size() == 1) return run_.set_aside(rows.front().line, without_number(receipt.error().message));
    TRIUNE_TRY(this->commit(rows.first(rows.size() / 2)));
    return this->commit(rows.subspan(rows.size() / 2));
  }

  Hive& hive_;
  LoadRun& run_;
  std::string table_;
  std::vector<ColumnShape> shape_;
  std::vector<NumberedRow> batch_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<LoadReport> load_rows(Hive& hive, TableReader& reader, const RowLoad& load, const Progress& progress) {
  LoadRun run(reader, load.options, progress);
  TRIUNE_TRY(hive::check_user_table(load.table));
  TRIUNE_ASSIGN(auto shape, shape_of(hive, load.table));
  if (shape.empty()) {
    TRIUNE_TRY(make_table(hive, reader, load));
    TRIUNE_ASSIGN(shape, shape_of(hive, load.table));
  }
  TRIUNE_TRY(check_header(reader, load.table, shape));
  TRIUNE_TRY(RowLoader(hive, run, load, std::move(shape)).run());
  // The table refuses a batch later than the reader a row.
  std::ranges::stable_sort(run.report().bad_rows, {}, &BadRow::line);
  if (run.report().receipt.incarnation.empty()) {
    TRIUNE_ASSIGN(run.report().receipt, hive.receipt());
  }
  return run.report();
}

}  // namespace triune::intake
