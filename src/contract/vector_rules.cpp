#include "contract/vector_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "base/try.h"

namespace triune::contract {
namespace {

std::optional<VectorKey> first_duplicate(std::vector<VectorKey> keys) {
  std::ranges::sort(keys);
  const auto at = std::ranges::adjacent_find(keys);
  return at == keys.end() ? std::nullopt : std::optional(*at);
}

Status check_unique(std::vector<VectorKey> keys, std::string_view list) {
  const auto duplicate = first_duplicate(std::move(keys));
  if (!duplicate) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("key {} is twice in the batch's {}; send the last one only", *duplicate, list));
}

std::string describe(std::optional<VectorKey> key) {
  return key ? fmt::format("the vector of key {}", *key) : "the query";
}

}  // namespace

Status check_specification(const VectorSpecification& specification, std::uint32_t max_dimension) {
  if (specification.collection.empty()) return failure(ErrorCode::invalid_argument, "a vector collection needs a name");
  if (specification.dimension == 0 || specification.dimension > max_dimension)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("collection '{}' has dimension {}; this engine takes 1 to {}", specification.collection,
                               specification.dimension, max_dimension));
  return {};
}

Status check_values(std::span<const float> values, std::uint32_t dimension, std::optional<VectorKey> key) {
  if (values.size() != dimension)
    return failure(ErrorCode::invalid_argument, fmt::format("{} has {} values; the collection's dimension is {}",
                                                            describe(key), values.size(), dimension));
  // A sum of x - x is 0 when all are finite and NaN otherwise: one pass without branches.
  float sum = 0;
  for (const float value : values) sum += value - value;
  if (sum == 0) return {};
  const auto at = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  return failure(ErrorCode::invalid_argument, fmt::format("value {} of {} is {}; only finite numbers can be compared",
                                                          at - values.begin(), describe(key), *at));
}

Status check_batch(const VectorBatch& batch, std::uint32_t dimension) {
  std::vector<VectorKey> keys;
  keys.reserve(batch.puts.size());
  for (const auto& entry : batch.puts) {
    TRIUNE_TRY(check_values(entry.values, dimension, entry.key));
    keys.push_back(entry.key);
  }
  TRIUNE_TRY(check_unique(std::move(keys), "puts"));
  return check_unique(batch.deletes, "deletes");
}

Status check_query(std::span<const float> query, const VectorQueryOptions& options, std::uint32_t dimension) {
  TRIUNE_TRY(check_values(query, dimension, std::nullopt));
  if (options.count == 0)
    return failure(ErrorCode::invalid_argument, "a search for 0 vectors finds nothing; ask for 1");
  const auto& keys = options.filter.keys;
  if (keys && std::ranges::adjacent_find(*keys, std::greater_equal<>()) != keys->end())
    return failure(ErrorCode::invalid_argument, "the filter's keys must be sorted and unique");
  if (options.deadline.expired())
    return failure(ErrorCode::deadline_exceeded, "the deadline passed before the search began");
  return {};
}

bool metadata_matches(const Record& metadata, const Record& wanted) {
  return std::ranges::all_of(wanted, [&](const Field& field) {
    const Value* value = find(metadata, field.name);
    return value == nullptr ? is_null(field.value) : *value == field.value;
  });
}

double exact_distance(Metric metric, std::span<const float> left, std::span<const float> right) noexcept {
  double product = 0;
  double left_square = 0;
  double right_square = 0;
  double difference_square = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double a = left[i];
    const double b = right[i];
    product += a * b;
    left_square += a * a;
    right_square += b * b;
    difference_square += (a - b) * (a - b);
  }
  if (metric == Metric::l2) return difference_square;
  if (metric == Metric::dot) return 1 - product;
  const double lengths = std::sqrt(left_square) * std::sqrt(right_square);
  return lengths > 0 ? 1 - product / lengths : 1;
}

}  // namespace triune::contract
