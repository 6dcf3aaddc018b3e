#include "placement/pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::placement {
namespace {

constexpr std::size_t smallest_piece = 100;

}  // namespace

std::string key_text(std::span<const Value> key) {
  std::string text;
  for (const auto& cell : key) text += (text.empty() ? "" : ", ") + to_text(cell);
  return text;
}

std::string from_table(const TableReport& table) {
  return "\"main\"." + model::quote_identifier(table.name);
}

std::string Pieces::compared(std::string_view operation, std::size_t first_parameter) const {
  std::string places;
  for (std::size_t i = 0; i < table_.key.size(); ++i)
    places += fmt::format("{}?{}", i == 0 ? "" : ", ", first_parameter + i);
  if (table_.key.size() == 1) return fmt::format("{} {} {}", quoted_list(table_.key), operation, places);
  return fmt::format("({}) {} ({})", quoted_list(table_.key), operation, places);
}

void Pieces::adapt() {
  const auto now = std::chrono::steady_clock::now();
  if (began_) {
    const auto took = now - *began_;
    if (took < source_.piece() / 2) size_ = std::min(size_ * 2, largest_);
    if (took > source_.piece()) size_ = std::max(size_ / 2, smallest_piece);
  }
  began_ = now;
}

/// Text that is not UTF-8 comes as bytes, which sort behind every text: the next piece would seem to be the last.
Status Pieces::check_key(std::span<const Value> key) const {
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto* column = find_column(table_, table_.key[i]);
    if (std::holds_alternative<Bytes>(key[i]) && column != nullptr && column->affinity == "text")
      return failure(ErrorCode::unsupported,
                     fmt::format("keys in {} are text that is not UTF-8; the rows from there on were not looked at",
                                 column->name));
  }
  return {};
}

Result<std::optional<Piece>> Pieces::next() {
  if (done_) return std::optional<Piece>();
  adapt();
  if (table_.key.empty()) {
    done_ = true;
    return std::optional<Piece>(Piece{.condition = "TRUE", .parameters = {}});
  }
  Piece piece{.condition = last_.empty() ? "TRUE" : compared(">", 1), .parameters = last_};
  const auto sql = fmt::format("SELECT {0} FROM {1} WHERE {2} ORDER BY {0} LIMIT 1 OFFSET {3}", quoted_list(table_.key),
                               from_table(table_), piece.condition, size_ - 1);
  TRIUNE_ASSIGN(auto end, source_.rows(sql, piece.parameters, 1));
  if (end.rows.empty()) {
    done_ = true;
    return std::optional<Piece>(std::move(piece));
  }
  TRIUNE_TRY(check_key(end.rows.front()));
  const auto first_parameter = piece.parameters.size() + 1;
  piece.condition += " AND " + compared("<=", first_parameter);
  last_ = std::move(end.rows.front());
  piece.parameters.insert(piece.parameters.end(), last_.begin(), last_.end());
  return std::optional<Piece>(std::move(piece));
}

}  // namespace triune::placement
