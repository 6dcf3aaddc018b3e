#include "intake/claude_code/row_cache.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "intake/claude_code/dialect.h"
#include "model/json.h"
#include "model/sql_text.h"

namespace triune::intake::claude {
namespace {

constexpr std::size_t fetch_limit = 1'000'000;

std::string key_list(std::set<std::string>::const_iterator begin, std::set<std::string>::const_iterator end) {
  std::string json = "[";
  for (auto key = begin; key != end; ++key) {
    if (key != begin) json += ',';
    model::append_json_string(json, *key);
  }
  return json + "]";
}

std::string select_statement(const Dialect& dialect, const Table& table, std::string_view column) {
  std::string columns;
  for (const auto& each : table.columns) columns += (columns.empty() ? "" : ", ") + model::quote_identifier(each.name);
  return fmt::format("SELECT {} FROM {} WHERE {} {}", columns, model::quote_identifier(table.name),
                     model::quote_identifier(column), dialect.is_one_of);
}

}  // namespace

Row::Row(const Table& table, std::string key) : table_(&table), values_(table.columns.size()) {
  values_.front() = std::move(key);
}

Row::Row(const Table& table, std::vector<Value> stored) : table_(&table), values_(stored), stored_(std::move(stored)) {}

Value Row::stored(std::string_view column) const {
  return is_stored() ? stored_[table_->position(column)] : Value(Null{});
}

std::string_view Row::text(std::string_view column) const {
  const auto* const value = std::get_if<std::string>(&get(column));
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

std::int64_t Row::integer(std::string_view column) const {
  const auto* const value = std::get_if<std::int64_t>(&get(column));
  return value == nullptr ? 0 : *value;
}

void Row::set_text(std::string_view column, std::string_view value) {
  if (value.empty())
    set(column, Null{});
  else
    set(column, std::string(value));
}

void Row::set_text_once(std::string_view column, std::string_view value) {
  if (!value.empty() && is_null(column)) set(column, std::string(value));
}

PutRow Row::change() const {
  PutRow put{.table = std::string(table_->name), .values = {}};
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (i == 0 || !is_stored() || values_[i] != stored_[i])
      put.values.push_back({std::string(table_->columns[i].name), values_[i]});
  }
  return put;
}

Status RowCache::fetch(Hive& hive, std::string_view column, const std::set<std::string>& keys) {
  if (keys.empty()) return {};
  const std::array<Value, 1> parameters{key_list(keys.begin(), keys.end())};
  TRIUNE_ASSIGN(
      RowSet found,
      hive.sql(select_statement(dialect_of(hive), *table_, column), parameters,
               {.consistency = {}, .deadline = Deadline::after(std::chrono::minutes(2)), .max_rows = fetch_limit}));
  if (found.truncated)
    return failure(
        ErrorCode::resource_exhausted,
        fmt::format("one batch needs more than {} rows of {}; import with a smaller batch", fetch_limit, table_->name));
  for (auto& row : found.rows) {
    auto key = std::get<std::string>(row.front());
    rows_.try_emplace(std::move(key), *table_, std::move(row));
  }
  if (column == table_->columns.front().name) asked_.insert(keys.begin(), keys.end());
  return {};
}

Result<Row*> RowCache::load(Hive& hive, const std::string& key) {
  if (Row* const held = find(key); held != nullptr || asked_.contains(key)) return held;
  TRIUNE_TRY(fetch(hive, table_->columns.front().name, {key}));
  return find(key);
}

Row* RowCache::find(std::string_view key) {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

Row& RowCache::at(const std::string& key) {
  return rows_.try_emplace(key, *table_, key).first->second;
}

std::uint64_t RowCache::append_changes(std::vector<Change>& changes) const {
  std::uint64_t made = 0;
  for (const auto& [key, row] : rows_) {
    if (!row.is_changed()) continue;
    changes.emplace_back(row.change());
    if (!row.is_stored()) ++made;
  }
  return made;
}

}  // namespace triune::intake::claude
