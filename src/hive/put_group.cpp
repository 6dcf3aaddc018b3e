#include "hive/put_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>

#include "base/try.h"

namespace triune::hive {
namespace {

/// A server keeps what it has prepared, which grows with the values: so few that hundreds of statements stay small.
constexpr std::size_t most_values = 1'024;
constexpr std::size_t most_rows = 256;
constexpr std::size_t most_bytes = 1U << 20U;

/// Rows of the largest statement: a power of two, so that statements repeat whatever the number of rows.
std::size_t most_rows_of(std::size_t columns) {
  return std::bit_floor(std::clamp<std::size_t>(most_values / std::max<std::size_t>(columns, 1), 1, most_rows));
}

std::size_t size_of(const std::vector<Value>& values) {
  std::size_t bytes = 0;
  for (const auto& value : values) {
    if (const auto* const text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* const raw = std::get_if<Bytes>(&value)) bytes += raw->size();
    if (const auto* const json = std::get_if<Json>(&value)) bytes += json->text.size();
  }
  return bytes;
}

}  // namespace

std::string statement_over(const RowPut& put, std::size_t rows) {
  std::string sql = put.before;
  std::size_t number = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (std::size_t column = 0; column < put.values.size(); ++column)
      fmt::format_to(std::back_inserter(sql), "{}?{}", column == 0 ? "" : ", ", ++number);
    sql += ')';
  }
  return sql + put.after;
}

bool PutGroup::takes(const RowPut& put) const {
  return rows_ < most_rows_of(put.values.size()) && bytes_ < most_bytes && form_.values.size() == put.values.size() &&
         form_.before == put.before && form_.after == put.after && (put.key.empty() || !keys_.contains(put.key));
}

Status PutGroup::add(RowPut put) {
  if (rows_ > 0 && !takes(put)) TRIUNE_TRY(send());
  bytes_ += size_of(put.values);
  values_.insert(values_.end(), std::make_move_iterator(put.values.begin()), std::make_move_iterator(put.values.end()));
  if (!put.key.empty()) keys_.insert(put.key);
  if (rows_++ == 0) form_ = std::move(put);
  return {};
}

Status PutGroup::send() {
  const std::size_t columns = form_.values.size();
  const std::span<const Value> values(values_);
  for (std::size_t sent = 0; sent < rows_;) {
    const std::size_t rows = std::bit_floor(rows_ - sent);
    TRIUNE_TRY(session_.execute_soon(statement_over(form_, rows), values.subspan(sent * columns, rows * columns),
                                     {.changed = changed_}));
    sent += rows;
  }
  values_.clear();
  keys_.clear();
  rows_ = 0;
  bytes_ = 0;
  return {};
}

}  // namespace triune::hive
