// Phases vectors and blobs: what columns hold, kept a second time where it is found faster. The columns stay.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "base/failpoint.h"
#include "base/memory.h"
#include "base/try.h"
#include "intake/legacy_sqlite/vector_cells.h"
#include "intake/legacy_sqlite/work.h"
#include "model/json.h"
#include "model/sql_text.h"

namespace triune::intake::legacy {

using model::quote_identifier;

Result<VectorCells> VectorCells::open(LegacySource& source, const VectorPlan& plan) {
  const auto* table = source.table(plan.table);
  if (table == nullptr)
    return failure(ErrorCode::conflict,
                   fmt::format("vectors {}: the source has no table \"{}\"", plan.collection, plan.table));
  return VectorCells(source, plan, *table);
}

VectorCells::VectorCells(LegacySource& source, const VectorPlan& plan, const placement::TableReport& table)
    : source_(source), plan_(plan), owner_(identity_column(table)), order_(RowLayout(table)) {
  const auto id = owner_.empty() ? order_.parts().front() : owner_;
  columns_ = fmt::format("CAST({} AS TEXT), {}", quote_identifier(id), quote_identifier(plan.column));
}

Status VectorCells::turn() {
  const bool begun = !rows_.empty();
  at_ = 0;
  if (begun && rows_.size() < page) {
    rows_.clear();
    return {};
  }
  std::string condition = fmt::format("{} IS NOT NULL", quote_identifier(plan_.column));
  std::vector<Value> parameters;
  if (begun) {
    condition += " AND " + order_.compare(">", last_, 1);
    parameters = values_of(last_);
  }
  const auto keys = order_.select_keys(condition, fmt::format("LIMIT {}", page));
  const auto sql = "SELECT " + columns_ + ", " + keys.substr(std::string_view("SELECT ").size());
  TRIUNE_ASSIGN(auto found, source_.database().query(sql, parameters, page, patient_deadline()));
  rows_ = std::move(found.rows);
  if (!rows_.empty()) last_ = order_.key_cells(std::span(rows_.back()).subspan(2));
  return {};
}

Result<bool> VectorCells::next(std::string& id, std::vector<float>& values) {
  while (true) {
    if (at_ == rows_.size()) TRIUNE_TRY(turn());
    if (rows_.empty()) return false;
    const auto& row = rows_[at_++];
    id = to_text(row[0]);
    if (!is_null(row[0]) && !id.empty() && read(row[1], values)) return true;
    if (left_out_++ == 0) first_left_out_ = id;
  }
}

bool VectorCells::read(const Value& cell, std::vector<float>& values) const {
  values.clear();
  if (plan_.form == "json") {
    const auto* text = std::get_if<std::string>(&cell);
    auto parsed = text == nullptr ? Result<std::vector<float>>(failure(ErrorCode::invalid_argument, ""))
                                  : model::parse_json_vector(*text);
    if (parsed) values = std::move(*parsed);
  } else if (const auto* bytes = std::get_if<Bytes>(&cell)) {
    const std::size_t width = plan_.form == "float64 blob" ? sizeof(double) : sizeof(float);
    if (bytes->size() != width * plan_.dimension) return false;
    values.resize(plan_.dimension);
    if (width == sizeof(float)) {
      std::memcpy(values.data(), bytes->data(), bytes->size());
    } else {
      std::vector<double> wide(plan_.dimension);
      std::memcpy(wide.data(), bytes->data(), bytes->size());
      for (std::size_t i = 0; i < wide.size(); ++i) values[i] = static_cast<float>(wide[i]);
    }
  }
  if (values.size() != plan_.dimension) return false;
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

namespace {

Result<std::uint64_t> load_collection(const Work& work, const VectorPlan& plan) {
  TRIUNE_ASSIGN(auto cells, VectorCells::open(work.source, plan));
  TRIUNE_ASSIGN(const Metric metric, parse_metric(plan.metric));
  TRIUNE_TRY(work.hive.create_collection({.name = plan.collection,
                                          .dimension = static_cast<std::uint32_t>(plan.dimension),
                                          .metric = metric,
                                          .owner_table = cells.owner().empty() ? "" : plan.table}));
  std::uint64_t count = 0;
  TRIUNE_TRY(work.hive.load_vectors(
      plan.collection,
      [&](PutVector& put) -> Result<bool> {
        TRIUNE_TRY(work.go_on());
        put.collection = plan.collection;
        put.metadata.clear();
        TRIUNE_ASSIGN(const bool more, cells.next(put.id, put.values));
        if (more) ++count;
        return more;
      },
      work.progress));
  if (cells.left_out() > 0)
    work.remarks.push_back(
        fmt::format("{}.{}: {} cells are no vector of {} finite numbers and are not in the "
                    "collection, the first in row {}; the column keeps them",
                    plan.table, plan.column, cells.left_out(), plan.dimension, cells.first_left_out()));
  return count;
}

}  // namespace

Status make_vectors(const Work& work) {
  for (const auto& plan : work.plan.vectors) {
    if (!plan.apply) continue;
    work.report("vectors " + plan.collection, 0, 0);
    TRIUNE_TRY(work.once("vectors", plan.collection, [&] { return load_collection(work, plan); }));
    base::release_free_memory();
  }
  return {};
}

namespace {

Bytes bytes_of(const Value& cell) {
  if (const auto* bytes = std::get_if<Bytes>(&cell)) return *bytes;
  const auto text = to_text(cell);
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

/// Values beyond a size, one commit each, since one may be as large as a commit.
Result<std::uint64_t> put_blobs(const Work& work, const BlobPlan& plan) {
  const auto* table = work.source.table(plan.table);
  const auto key = table == nullptr ? std::string() : identity_column(*table);
  if (key.empty())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("blobs of {}.{}: the table has no single key column to name them by; set \"apply\" to "
                               "false",
                               plan.table, plan.column));
  std::uint64_t count = 0;
  const auto column = quote_identifier(plan.column);
  const auto sql = fmt::format("SELECT CAST({0} AS TEXT), {1} FROM \"main\".{2} WHERE octet_length({1}) > {3}",
                               quote_identifier(key), column, quote_identifier(plan.table), plan.larger_than);
  TRIUNE_TRY(work.source.reader()(sql, {}, [&](std::span<const Value> row) -> Status {
    TRIUNE_TRY(work.go_on());
    Commit commit;
    commit.changes.emplace_back(
        PutBlob{.owner = plan.table, .name = to_text(row[0]) + "/" + plan.column, .bytes = bytes_of(row[1])});
    TRIUNE_TRY(work.hive.commit(commit));
    ++count;
    return {};
  }));
  return count;
}

}  // namespace

Status make_blobs(const Work& work) {
  for (const auto& plan : work.plan.blobs) {
    if (!plan.apply) continue;
    work.report("blobs of " + plan.table, 0, 0);
    TRIUNE_TRY(work.once("blobs", plan.table + "." + plan.column, [&] { return put_blobs(work, plan); }));
  }
  return {};
}

}  // namespace triune::intake::legacy
