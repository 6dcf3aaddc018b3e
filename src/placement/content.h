// What the cells of a column hold, judged by a sample of them. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "triune/value.h"

namespace triune::placement {

/// Vectors found in a sample.
struct VectorContent {
  enum class Form : std::uint8_t { none, json, float32, float64 };
  Form form = Form::none;
  std::size_t dimension = 0;
  std::size_t vectors = 0;  ///< Cells that are vectors of this dimension.
  double smallest_norm = 0;
  double mean_norm = 0;
  double largest_norm = 0;
};

/// Vectors: nine cells of ten are lists of as many numbers, at least eight, not all of them whole; or blobs of as many
/// floats of a sensible size. Fewer than eight numbers would be boxes, colours and positions.
VectorContent vectors_in(std::span<const Value> cells);

/// The elements of a list of keys: a JSON array of integers and texts, or two or more words without blanks between
/// commas. Empty when the cell is no such list.
std::vector<Value> list_elements(const Value& cell, bool json);

/// Whether a column holds lists of keys: nine cells of ten do, and one has two elements at least.
bool holds_lists(std::span<const Value> cells, bool json);

}  // namespace triune::placement
