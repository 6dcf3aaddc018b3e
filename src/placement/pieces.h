// A table in pieces, each short enough for one statement: nobody waits long, and memory stays bounded.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// Rows between two keys. `condition` uses the parameters from ?1 on; further ones of a statement follow them.
struct Piece {
  std::string condition;
  std::vector<Value> parameters;
};

/// Walks a table in the order of its key. A table whose key cannot be named (its columns hide the rowid) is one piece.
class Pieces {
 public:
  static constexpr std::size_t default_largest = 100'000;

  /// No piece has more than `largest` rows, however fast they are.
  Pieces(Source& source, const TableReport& table, std::size_t largest = default_largest)
      : source_(source), table_(table), largest_(largest), size_(std::min<std::size_t>(largest, 1000)) {}

  /// The next piece, or nothing at the end. The time since the last call decides how large it is.
  Result<std::optional<Piece>> next();

 private:
  void adapt();
  [[nodiscard]] Status check_key(std::span<const Value> key) const;
  [[nodiscard]] std::string compared(std::string_view operation, std::size_t first_parameter) const;

  Source& source_;
  const TableReport& table_;
  std::size_t largest_;
  std::size_t size_;
  bool done_ = false;
  std::vector<Value> last_;  ///< Key of the last row of the last piece.
  std::optional<std::chrono::steady_clock::time_point> began_;
};

/// The key of a row as people write it: its cells with commas between.
std::string key_text(std::span<const Value> key);

/// FROM for a table of the file: "main"."name".
std::string from_table(const TableReport& table);

}  // namespace triune::placement
