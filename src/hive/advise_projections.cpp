// Projections that recorded statements would be served by: what they do in SQL is done once more as a walk or a search.
#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "hive/advise.h"
#include "hive/advise_trial.h"
#include "hive/tables.h"
#include "model/sql_text.h"
#include "placement/content.h"

namespace triune::hive {
namespace {

using placement::RecordedShape;

constexpr std::size_t shapes_looked_at = 20;
constexpr std::size_t runs = 9;
constexpr std::uint32_t recursive_depth = 10;
constexpr double worth_while = 1.5;
constexpr std::size_t most_edges = 50'000;
constexpr std::size_t most_vectors = 20'000;
constexpr std::size_t cells_looked_at = 50;
// An answer of fewer rows is no scan for the nearest.
constexpr std::uint64_t rows_of_a_scan = 100;

}  // namespace

std::optional<Adviser::Walk> Adviser::walk_of(const ShapeParts& parts) const {
  for (const auto& join : parts.joins) {
    const auto* const left = table_of(parts, join.left_qualifier, join.left_column);
    const auto* const right = table_of(parts, join.right_qualifier, join.right_column);
    if (left == nullptr || right == nullptr || *left != *right) continue;
    if (join.left_qualifier == join.right_qualifier || same_name(dialect(), join.left_column, join.right_column))
      continue;
    const auto times = std::count_if(parts.tables.begin(), parts.tables.end(), [&](const ShapeTable& one) {
      const auto* const table = table_called(one.table);
      return table != nullptr && *table == *left;
    });
    if (times < 2) continue;
    // The column that is compared with a value is where the walk begins.
    const bool begins_left = std::any_of(parts.values.begin(), parts.values.end(), [&](const ShapeValue& value) {
      return same_name(dialect(), value.column, join.left_column);
    });
    const auto& from = begins_left ? join.left_column : join.right_column;
    const auto& to = begins_left ? join.right_column : join.left_column;
    return Walk{*left, {from, to}, static_cast<std::uint32_t>(times)};
  }
  if (!parts.recursive) return {};
  for (const auto& one : parts.tables) {
    const auto* const table = table_called(one.table);
    if (table == nullptr) continue;
    for (const auto& index : tables_.at(*table).indexes)
      if (index.unique && index.columns.size() == 2) return Walk{*table, index.columns, recursive_depth};
  }
  return {};
}

Result<Advice> Adviser::measure_walk(const RecordedShape& shape, const ShapeParts& parts, const Walk& walk,
                                     Advice advice) {
  if (dialect() == contract::Dialect::postgres)
    return failure(ErrorCode::unsupported,
                   "a hive in a directory, where it could be tried, is no measure for a server");
  TRIUNE_ASSIGN(const auto parameters, prepare(parts));
  TRIUNE_ASSIGN(advice.before_us, bench_->median_us(numbered(dialect(), shape.shape), parameters));
  TRIUNE_ASSIGN(const auto pairs, bench_->take(walk.table, walk.ends, most_edges));
  advice.rows = pairs.size();
  TRIUNE_ASSIGN(const auto starts, bench_->draw(walk.table, walk.ends[0], runs));
  TRIUNE_ASSIGN(const auto trial, TrialHive::open());
  TRIUNE_TRY(trial->load_edges(pairs));
  TRIUNE_ASSIGN(advice.after_us, trial->walk_us(starts, walk.depth));
  advice.measured = true;
  return advice;
}

void Adviser::advise_walk(const RecordedShape& shape, const ShapeParts& parts, const std::set<std::string>& mapped,
                          std::vector<Advice>& all) {
  const auto walk = walk_of(parts);
  if (!walk || mapped.contains(walk->table)) return;
  Advice advice{
      .kind = "add_graph",
      .subject = walk->table,
      .statement = fmt::format("triune map edges --table {} --type {} --from {}:LABEL --to {}:LABEL", walk->table,
                               walk->table, walk->ends[0], walk->ends[1]),
      .reason = fmt::format("{} calls, p50 {:.3g} ms, walk {} {}; as edges between mapped nodes (LABEL is what "
                            "their table is mapped to) neighbors() answers it",
                            shape.calls, shape.latencies.median() / 1000, walk->table,
                            parts.recursive ? "recursively" : fmt::format("{} steps", walk->depth)),
      .shape = shape.shape,
      .calls = shape.calls};
  auto measured = measure_walk(shape, parts, *walk, advice);
  if (!measured) {
    advice.not_measured = measured.error().message;
    merge(all, std::move(advice));
  } else if (measured->before_us > worth_while * measured->after_us) {
    merge(all, std::move(*measured));
  }
}

const std::string* Adviser::table_read_whole(const RecordedShape& shape, const ShapeParts& parts) const {
  if (parts.tables.size() != 1 || !parts.joins.empty() || parts.recursive) return nullptr;
  const bool limited = std::any_of(parts.values.begin(), parts.values.end(),
                                   [](const ShapeValue& value) { return value.is_limit || !value.column.empty(); });
  if (limited || shape.calls == 0 || shape.rows / shape.calls < rows_of_a_scan) return nullptr;
  return table_called(parts.tables[0].table);
}

Result<Advice> Adviser::measure_vectors(const RecordedShape& shape, const std::string& table, const std::string& column,
                                        Advice advice) {
  if (dialect() == contract::Dialect::postgres)
    return failure(ErrorCode::unsupported,
                   "a hive in a directory, where it could be tried, is no measure for a server");
  const std::vector<std::vector<Value>> no_parameters(3);
  TRIUNE_ASSIGN(advice.before_us,
                bench_->median_us(numbered(dialect(), shape.shape), no_parameters, CopyBench::most_rows));
  TRIUNE_ASSIGN(const auto cells, bench_->take(table, {&column, 1}, most_vectors));
  std::vector<Value> vectors;
  for (const auto& row : cells) vectors.push_back(row[0]);
  const auto content = placement::vectors_in(std::span(vectors).first(std::min(vectors.size(), cells_looked_at)));
  TRIUNE_ASSIGN(const auto trial, TrialHive::open());
  TRIUNE_TRY(trial->load_vectors(vectors, static_cast<std::uint32_t>(content.dimension)));
  TRIUNE_ASSIGN(advice.after_us, trial->search_us());
  advice.rows = vectors.size();
  advice.measured = true;
  return advice;
}

void Adviser::advise_vectors(const RecordedShape& shape, const ShapeParts& parts, std::vector<Advice>& all) {
  const auto* const table = table_read_whole(shape, parts);
  if (table == nullptr || bench_ == nullptr || !bench_->copy(*table, {})) return;
  for (const auto& column : tables_.at(*table).columns) {
    // The column must be read by the statement, or all columns are.
    const bool read = shape.shape.find(column) != std::string::npos || shape.shape.find('*') != std::string::npos;
    const auto drawn = read ? bench_->draw(*table, column, cells_looked_at) : Result<std::vector<Value>>();
    if (!drawn) continue;
    const auto content = placement::vectors_in(*drawn);
    const bool usable =
        content.form == placement::VectorContent::Form::json || content.form == placement::VectorContent::Form::float32;
    if (!usable) continue;
    Advice advice{.kind = "add_vectors",
                  .subject = *table,
                  .statement = fmt::format("triune collection create {} --dimension {} --owner-table {}", *table,
                                           content.dimension, *table),
                  .reason = fmt::format("{} calls read all of {}, {} rows each, with vectors of {} dimensions in {}: a "
                                        "search in a collection returns the nearest alone",
                                        shape.calls, *table, shape.rows / shape.calls, content.dimension, column),
                  .shape = shape.shape,
                  .calls = shape.calls};
    auto measured = measure_vectors(shape, *table, column, advice);
    if (!measured) {
      advice.not_measured = measured.error().message;
      merge(all, std::move(advice));
    } else if (measured->before_us > worth_while * measured->after_us) {
      merge(all, std::move(*measured));
    }
  }
}

std::vector<Advice> Adviser::projections_to_add(const std::set<std::string>& mapped) {
  std::vector<Advice> all;
  for (std::size_t i = 0; i < std::min(shapes_.size(), shapes_looked_at); ++i) {
    if (bench_ != nullptr && !bench_->in_time()) break;
    const auto parts = parts_of_shape(dialect(), shapes_[i].shape);
    advise_walk(shapes_[i], parts, mapped, all);
    advise_vectors(shapes_[i], parts, all);
    if (bench_ != nullptr) static_cast<void>(bench_->clear());
  }
  return all;
}

}  // namespace triune::hive
