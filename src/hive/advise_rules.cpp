#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/try.h"
#include "hive/advise.h"
#include "hive/tables.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using placement::RecordedShape;

constexpr std::size_t shapes_looked_at = 40;
constexpr std::size_t runs = 9;
constexpr std::size_t most_columns = 3;
constexpr double worth_while = 1.5;
constexpr double least_gain_us = 20;
// Fewer statements say nothing of what is never asked.
constexpr std::uint64_t enough_calls = 100;
constexpr std::size_t plan_steps = 1000;

std::string statement_for(const std::string& table, std::span<const std::string> columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + quote_identifier(column);
  return fmt::format("CREATE INDEX {} ON {} ({})",
                     quote_identifier(fmt::format("{}_{}", table, fmt::join(columns, "_"))), quote_identifier(table),
                     list);
}

double gain(const Advice& advice) {
  return (advice.before_us - advice.after_us) * static_cast<double>(std::max<std::uint64_t>(advice.calls, 1));
}

}  // namespace

Adviser::Adviser(contract::RelationalSession& session, std::vector<RecordedShape> shapes, CopyBench* bench,
                 std::string no_bench)
    : session_(session), shapes_(std::move(shapes)), bench_(bench), no_bench_(std::move(no_bench)) {}

Status Adviser::look() {
  TRIUNE_ASSIGN(const auto names, user_tables(session_));
  for (const auto& name : names) {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(session_, name));
    auto& table = tables_[name];
    for (const auto& column : shape.columns) table.columns.push_back(column.name);
    TRIUNE_ASSIGN(table.indexes, indexes_of(session_, name));
  }
  return {};
}

const std::string* Adviser::table_called(const std::string& name) const {
  for (const auto& [table, about] : tables_)
    if (same_name(dialect(), table, name)) return &table;
  return nullptr;
}

const std::string* Adviser::table_of(const ShapeParts& parts, const std::string& qualifier,
                                     const std::string& column) const {
  const std::string* found = nullptr;
  for (const auto& one : parts.tables) {
    if (!qualifier.empty() && !same_name(dialect(), qualifier, one.alias)) continue;
    const auto* const table = table_called(one.table);
    if (table == nullptr) continue;
    const auto& columns = tables_.at(*table).columns;
    const bool has = std::any_of(columns.begin(), columns.end(),
                                 [&](const std::string& name) { return same_name(dialect(), name, column); });
    if (!has) continue;
    if (found != nullptr && *found != *table) return nullptr;
    found = table;
  }
  return found;
}

std::set<std::string> Adviser::tables_in(const ShapeParts& parts) const {
  std::set<std::string> tables;
  for (const auto& one : parts.tables)
    if (const auto* const table = table_called(one.table)) tables.insert(*table);
  return tables;
}

bool Adviser::is_served(const Candidate& candidate) const {
  const auto& indexes = tables_.at(candidate.table).indexes;
  return std::any_of(indexes.begin(), indexes.end(), [&](const TableIndex& index) {
    if (index.partial || index.columns.size() < candidate.columns.size()) return false;
    return std::all_of(candidate.columns.begin(), candidate.columns.end(), [&](const std::string& wanted) {
      return std::any_of(index.columns.begin(),
                         index.columns.begin() + static_cast<std::ptrdiff_t>(candidate.columns.size()),
                         [&](const std::string& column) { return same_name(dialect(), column, wanted); });
    });
  });
}

std::vector<Adviser::Candidate> Adviser::candidates_for(const ShapeParts& parts) const {
  // Columns that equal something first, then one that is in a range: so an index can use them all.
  std::map<std::string, std::vector<std::string>> equal;
  std::map<std::string, std::string> range;
  for (const auto& value : parts.values) {
    const auto* const table = value.column.empty() ? nullptr : table_of(parts, value.qualifier, value.column);
    if (table == nullptr) continue;
    auto& columns = equal[*table];
    const bool known = std::find(columns.begin(), columns.end(), value.column) != columns.end();
    if (value.operation == "=" || value.operation == "in") {
      if (!known && columns.size() < most_columns) columns.push_back(value.column);
    } else if (value.operation == "<" || value.operation == ">" || value.operation == "<=" || value.operation == ">=") {
      range.try_emplace(*table, value.column);
    }
  }
  std::vector<Candidate> candidates;
  for (auto& [table, columns] : equal) {
    if (const auto found = range.find(table); found != range.end()) columns.push_back(found->second);
    if (!columns.empty()) candidates.push_back({table, columns});
  }
  for (const auto& join : parts.joins)
    for (const auto& [qualifier, column] :
         {std::pair(join.left_qualifier, join.left_column), std::pair(join.right_qualifier, join.right_column)})
      if (const auto* const table = table_of(parts, qualifier, column)) candidates.push_back({*table, {column}});
  std::erase_if(candidates, [this](const Candidate& one) { return is_served(one); });
  return candidates;
}

Result<std::vector<std::vector<Value>>> Adviser::prepare(const ShapeParts& parts) {
  if (bench_ == nullptr) return failure(ErrorCode::unavailable, no_bench_);
  if (parts.unsure) return failure(ErrorCode::unsupported, "what its values are compared with cannot be told");
  for (const auto& table : tables_in(parts)) {
    TRIUNE_ASSIGN(const auto rows, bench_->copy(table, tables_.at(table).indexes));
    if (rows == 0) return failure(ErrorCode::unsupported, fmt::format("table {} is empty", table));
  }
  std::vector<std::vector<Value>> parameters(runs);
  for (const auto& value : parts.values) {
    if (value.is_limit) {
      for (auto& one : parameters) one.emplace_back(std::int64_t{10});
      continue;
    }
    const auto* const table = table_of(parts, value.qualifier, value.column);
    if (table == nullptr)
      return failure(ErrorCode::unsupported, fmt::format("which table column {} is of cannot be told", value.column));
    TRIUNE_ASSIGN(const auto drawn, bench_->draw(*table, value.column, runs));
    if (drawn.empty())
      return failure(ErrorCode::unsupported, fmt::format("column {} of {} holds nothing", value.column, *table));
    for (std::size_t i = 0; i < runs; ++i) parameters[i].push_back(drawn[i % drawn.size()]);
  }
  return parameters;
}

Advice Adviser::to_add(const RecordedShape& shape, const Candidate& candidate) const {
  return {
      .kind = "add_index",
      .subject = candidate.table,
      .statement = statement_for(candidate.table, candidate.columns),
      .reason = fmt::format("{} calls, p50 {:.3g} ms, find rows of {} by {}, and no index begins with it", shape.calls,
                            shape.latencies.median() / 1000, candidate.table, fmt::join(candidate.columns, ", ")),
      .shape = shape.shape,
      .calls = shape.calls};
}

Result<Advice> Adviser::measure(const RecordedShape& shape, const ShapeParts& parts, const Candidate& candidate) {
  auto advice = to_add(shape, candidate);
  TRIUNE_ASSIGN(const auto parameters, prepare(parts));
  TRIUNE_ASSIGN(advice.rows, bench_->copy(candidate.table, {}));
  const auto sql = numbered(dialect(), shape.shape);
  TRIUNE_ASSIGN(advice.before_us, bench_->median_us(sql, parameters));
  TRIUNE_TRY(bench_->add_index(candidate.table, candidate.columns));
  const auto after = bench_->median_us(sql, parameters);
  TRIUNE_TRY(bench_->remove_index());
  if (!after) return std::unexpected<Error>(after.error());
  advice.after_us = *after;
  advice.measured = true;
  return advice;
}

void Adviser::merge(std::vector<Advice>& all, Advice advice) const {
  const auto same =
      std::find_if(all.begin(), all.end(), [&](const Advice& one) { return one.statement == advice.statement; });
  if (same == all.end()) return all.push_back(std::move(advice));
  if (gain(advice) > gain(*same)) std::swap(*same, advice);
}

std::vector<Advice> Adviser::indexes_to_add() {
  std::vector<Advice> all;
  for (std::size_t i = 0; i < std::min(shapes_.size(), shapes_looked_at); ++i) {
    const auto parts = parts_of_shape(dialect(), shapes_[i].shape);
    for (const auto& candidate : candidates_for(parts)) {
      auto measured = bench_ != nullptr && !bench_->in_time()
                          ? Result<Advice>(failure(ErrorCode::deadline_exceeded, "there was no time left"))
                          : measure(shapes_[i], parts, candidate);
      if (!measured) {
        auto advice = to_add(shapes_[i], candidate);
        advice.not_measured = measured.error().message;
        merge(all, std::move(advice));
      } else if (measured->before_us > worth_while * measured->after_us &&
                 measured->before_us - measured->after_us >= least_gain_us) {
        merge(all, std::move(*measured));
      }
    }
    if (bench_ != nullptr) static_cast<void>(bench_->clear());
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Advice& left, const Advice& right) { return gain(left) > gain(right); });
  return all;
}

std::vector<Value> Adviser::some_values(const ShapeParts& parts) {
  std::vector<Value> values;
  for (const auto& value : parts.values) {
    auto& one = values.emplace_back();
    if (value.is_limit) one = std::int64_t{10};
    const auto* const table = value.column.empty() ? nullptr : table_of(parts, value.qualifier, value.column);
    if (table == nullptr) continue;
    const auto found = session_.query(fmt::format("SELECT {0} FROM {1} WHERE {0} IS NOT NULL LIMIT 1",
                                                  quote_identifier(value.column), quote_identifier(*table)),
                                      {}, 1);
    if (found && !found->rows.empty()) one = found->rows[0][0];
  }
  return values;
}

std::set<std::string> Adviser::used_indexes() {
  std::set<std::string> used;
  // What a server counts itself covers other programs, and lags a little.
  for (const auto& [name, table] : tables_)
    for (const auto& index : table.indexes)
      if (dialect() == contract::Dialect::postgres && !index.unused) used.insert(index.name);
  const std::string_view explain = dialect() == contract::Dialect::sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ";
  for (const auto& shape : shapes_) {
    const auto parts = parts_of_shape(dialect(), shape.shape);
    if (tables_in(parts).empty()) continue;
    // A statement in which other engines are called does not compile here, and uses their indexes.
    if (dialect() == contract::Dialect::postgres && !session_.savepoint("triune_plan")) continue;
    const auto plan =
        session_.query(fmt::format("{}{}", explain, numbered(dialect(), shape.shape)), some_values(parts), plan_steps);
    if (dialect() == contract::Dialect::postgres && !plan) static_cast<void>(session_.rollback_to("triune_plan"));
    for (const auto& row : plan ? plan->rows : std::vector<std::vector<Value>>())
      note_indexes(to_text(row.back()), used);
  }
  return used;
}

void Adviser::note_indexes(const std::string& step, std::set<std::string>& used) const {
  for (const auto& [name, table] : tables_)
    for (const auto& index : table.indexes)
      for (const auto& spelled : {index.name, quote_identifier(index.name)})
        if ((step + " ").find(" " + spelled + " ") != std::string::npos) used.insert(index.name);
}

std::uint64_t Adviser::calls_on(const std::string& table) const {
  std::uint64_t calls = 0;
  for (const auto& shape : shapes_)
    if (tables_in(parts_of_shape(dialect(), shape.shape)).contains(table)) calls += shape.calls;
  return calls;
}

Advice Adviser::to_drop(const std::string& table, const TableIndex& index, std::string reason) {
  Advice advice{.kind = "drop_index",
                .subject = index.name,
                .statement = "DROP INDEX " + quote_identifier(index.name),
                .reason = std::move(reason),
                .calls = calls_on(table)};
  if (bench_ == nullptr || !bench_->in_time()) {
    advice.not_measured = bench_ == nullptr ? no_bench_ : "there was no time left";
    return advice;
  }
  auto without = tables_.at(table).indexes;
  const auto with = without;
  std::erase_if(without, [&index](const TableIndex& one) { return one.name == index.name; });
  const auto before = bench_->write_us(table, with);
  const auto after = before ? bench_->write_us(table, without) : before;
  if (!after) {
    advice.not_measured = after.error().message;
    return advice;
  }
  advice.measured = *before > 0;
  advice.before_us = *before;
  advice.after_us = *after;
  if (!advice.measured) advice.not_measured = fmt::format("table {} is empty", table);
  return advice;
}

const TableIndex* Adviser::wider_than(const AdvisedTable& table, const TableIndex& index) {
  const auto wider = std::find_if(table.indexes.begin(), table.indexes.end(), [&](const TableIndex& other) {
    const bool longer = other.columns.size() > index.columns.size() ||
                        (other.columns == index.columns && (other.name < index.name || !other.made));
    return other.name != index.name && !other.partial && longer &&
           std::equal(index.columns.begin(), index.columns.end(), other.columns.begin());
  });
  return wider == table.indexes.end() ? nullptr : &*wider;
}

std::vector<Advice> Adviser::indexes_to_drop() {
  std::vector<Advice> all;
  auto used = used_indexes();
  // Where a narrower one goes, what it was used for falls to the wider one.
  for (const auto& [name, table] : tables_)
    for (const auto& index : table.indexes)
      if (const auto* const wider = wider_than(table, index); wider != nullptr && used.contains(index.name))
        used.insert(wider->name);
  for (const auto& [name, table] : tables_) {
    for (const auto& index : table.indexes) {
      if (!index.made || index.unique || index.partial || index.columns.empty()) continue;
      const auto* const wider = wider_than(table, index);
      const auto calls = calls_on(name);
      if (wider != nullptr)
        all.push_back(
            to_drop(name, index, fmt::format("{} serves all that {} on {} serves", wider->name, index.name, name)));
      else if (!used.contains(index.name) && calls >= enough_calls)
        all.push_back(
            to_drop(name, index, fmt::format("none of {} recorded reads of {} uses {}", calls, name, index.name)));
    }
  }
  return all;
}

}  // namespace triune::hive
