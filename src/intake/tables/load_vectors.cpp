#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/try.h"
#include "intake/tables/load_run.h"

namespace triune::intake {
namespace {

class VectorSupply {
 public:
  VectorSupply(LoadRun& run, const VectorLoad& load) : run_(run), load_(load) {}

  /// Reads up to the first sound vector, whose dimension a new collection gets.
  Result<std::uint32_t> first_dimension() {
    first_.emplace();
    TRIUNE_ASSIGN(const bool any, read(*first_));
    if (!any) first_.reset();
    return any ? static_cast<std::uint32_t>(first_->values.size()) : 0U;
  }

  void set_dimension(std::uint32_t dimension) { dimension_ = dimension; }

  Result<bool> operator()(PutVector& vector) {
    if (first_) {
      vector = std::move(*first_);
      first_.reset();
      const auto fits = check_dimension(vector);
      if (fits.has_value()) return take(vector);
      TRIUNE_TRY(run_.set_aside(fits.error().message));
    }
    TRIUNE_ASSIGN(const bool any, read(vector));
    return any ? take(vector) : Result<bool>(false);
  }

 private:
  Result<bool> take(PutVector& vector) {
    vector.collection = load_.collection;
    ++run_.report().rows;
    return true;
  }

  Result<bool> read(PutVector& vector) {
    Record record;
    for (;;) {
      TRIUNE_ASSIGN(const bool more, run_.next(record));
      if (!more) return false;
      const auto read = convert(record, vector);
      if (read.has_value()) return true;
      TRIUNE_TRY(run_.set_aside(read.error().message));
    }
  }

  Status convert(Record& record, PutVector& vector) const {
    TRIUNE_ASSIGN(vector.id, take_id(record, "id"));
    const auto cell =
        std::find_if(record.begin(), record.end(), [](const Field& field) { return field.name == "vector"; });
    if (cell == record.end()) return failure(ErrorCode::invalid_argument, "vector is missing");
    TRIUNE_ASSIGN(vector.values, parse_vector(cell->value));
    record.erase(cell);
    if (!std::all_of(vector.values.begin(), vector.values.end(), [](float value) { return std::isfinite(value); }))
      return failure(ErrorCode::invalid_argument, "the vector holds a number that is not finite");
    TRIUNE_TRY(check_properties(record));
    vector.metadata = std::move(record);
    return check_dimension(vector);
  }

  Status check_dimension(const PutVector& vector) const {
    if (dimension_ == 0 || vector.values.size() == dimension_) return {};
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the vector has {} numbers; collection {} has {} dimensions", vector.values.size(),
                               load_.collection, dimension_));
  }

  LoadRun& run_;
  const VectorLoad& load_;
  std::uint32_t dimension_ = 0;  // 0: not known yet
  std::optional<PutVector> first_;
};

// The dimension of a collection that exists.
Result<std::optional<std::uint32_t>> existing_dimension(Hive& hive, const std::string& collection) {
  const std::array<Value, 1> parameters{collection};
  TRIUNE_ASSIGN(const RowSet found,
                hive.sql("SELECT v.dimension FROM triune_vector_collections v "
                         "JOIN triune_collections c ON c.collection_id = v.collection_id WHERE c.name = ?1",
                         parameters));
  if (found.rows.size() != 1) return std::optional<std::uint32_t>();
  return std::optional(static_cast<std::uint32_t>(std::get<std::int64_t>(found.rows[0][0])));
}

}  // namespace

Result<LoadReport> load_vectors(Hive& hive, TableReader& reader, const VectorLoad& load, const Progress& progress) {
  LoadRun run(reader, load.options, progress);
  TRIUNE_TRY(run.need({"id", "vector"}));
  VectorSupply supply(run, load);
  TRIUNE_ASSIGN(std::optional<std::uint32_t> dimension, existing_dimension(hive, load.collection));
  const bool exists = dimension.has_value();
  if (!exists) {
    TRIUNE_ASSIGN(dimension, supply.first_dimension());
  }
  if (*dimension == 0) {  // nothing to load, and nothing to make a collection of
    TRIUNE_ASSIGN(run.report().receipt, hive.receipt());
    return run.report();
  }
  if (!exists || load.metric)
    TRIUNE_TRY(
        hive.create_collection({load.collection, *dimension, load.metric.value_or(Metric::cosine), load.owner_table}));
  supply.set_dimension(*dimension);
  auto receipt = hive.load_vectors(load.collection, [&](PutVector& vector) { return supply(vector); });
  if (!receipt.has_value()) return failure_of(receipt);
  run.show_progress();
  run.report().changed = receipt->changes;
  run.report().receipt = std::move(*receipt);
  return run.report();
}

}  // namespace triune::intake
