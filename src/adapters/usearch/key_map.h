// Keys to rows, in four bytes for each place: the keys themselves stand in the rows.
//
// Open addressing with linear probing and deletion by shifting back, so that no tombstones collect (Knuth, The Art of
// Computer Programming, volume 3, section 6.4, algorithm R).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "contract/vector_store.h"

namespace triune::adapters::usearch {

using Row = std::uint32_t;

/// Thread rule: as a standard container. `keys` is the caller's array of keys by row, passed to every call.
class KeyMap {
 public:
  using Keys = std::vector<contract::VectorKey>;

  [[nodiscard]] std::optional<Row> find(contract::VectorKey key, const Keys& keys) const;
  /// The key must not be in the map yet; `keys[row]` must be it already.
  void insert(Row row, const Keys& keys);
  /// The key must be in the map.
  void erase(contract::VectorKey key, const Keys& keys);
  /// Makes room, so that inserts up to `count` keys in all do not allocate.
  void reserve(std::size_t count, const Keys& keys);
  [[nodiscard]] std::size_t memory_bytes() const { return places_.capacity() * sizeof(Row); }

 private:
  static constexpr Row nobody = std::numeric_limits<Row>::max();

  [[nodiscard]] std::size_t home(contract::VectorKey key) const;
  [[nodiscard]] std::size_t after(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  [[nodiscard]] std::size_t place_of(contract::VectorKey key, const Keys& keys) const;

  std::vector<Row> places_;  ///< A power of two, at most three quarters full.
  std::size_t count_ = 0;
};

}  // namespace triune::adapters::usearch
