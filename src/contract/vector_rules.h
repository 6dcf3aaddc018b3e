// What every vector engine refuses, in one place, so that all refuse alike (I10); and what a distance is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "contract/vector_store.h"

namespace triune::contract {

/// A collection needs a name and a dimension from 1 to `max_dimension`: else `invalid_argument`.
Status check_specification(const VectorSpecification& specification, std::uint32_t max_dimension);

/// Every vector has `dimension` finite values, and no key is twice in one of the lists: else `invalid_argument`.
Status check_batch(const VectorBatch& batch, std::uint32_t dimension);

/// One vector has `dimension` finite values. The message names it by its key, or calls it the query.
Status check_values(std::span<const float> values, std::uint32_t dimension, std::optional<VectorKey> key);

/// The query fits the dimension, `count` is not zero, the filter's keys are sorted and unique, and the deadline has not
/// passed.
Status check_query(std::span<const float> query, const VectorQueryOptions& options, std::uint32_t dimension);

/// Whether `metadata` has every value of `wanted`. Types count (1 is not 1.0); a NULL wanted is met by NULL and by
/// absence.
bool metadata_matches(const Record& metadata, const Record& wanted);

/// The distance in the metric (triune/schema.h), of the values as they are and in double precision. As many on either
/// side. A vector of zeros has no direction: by cosine it is at distance 1 of everything.
double exact_distance(Metric metric, std::span<const float> left, std::span<const float> right) noexcept;

}  // namespace triune::contract
