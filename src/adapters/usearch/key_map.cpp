#include "adapters/usearch/key_map.h"

#include <bit>
#include <cassert>

namespace triune::adapters::usearch {

std::size_t KeyMap::home(contract::VectorKey key) const {
  // Fibonacci hashing: the high bits of the product are mixed best.
  const std::uint64_t mixed = (key ^ (key >> 32U)) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(mixed >> 20U) & (places_.size() - 1);
}

std::size_t KeyMap::place_of(contract::VectorKey key, const Keys& keys) const {
  std::size_t place = home(key);
  while (places_[place] != nobody && keys[places_[place]] != key) place = after(place);
  return place;
}

std::optional<Row> KeyMap::find(contract::VectorKey key, const Keys& keys) const {
  if (count_ == 0) return std::nullopt;
  const Row row = places_[place_of(key, keys)];
  return row == nobody ? std::nullopt : std::optional(row);
}

void KeyMap::reserve(std::size_t count, const Keys& keys) {
  if (count * 4 <= places_.size() * 3) return;
  std::vector<Row> old(std::bit_ceil(count * 4 / 3 + 16), nobody);
  old.swap(places_);
  for (const Row row : old)
    if (row != nobody) places_[place_of(keys[row], keys)] = row;
}

void KeyMap::insert(Row row, const Keys& keys) {
  reserve(count_ + 1, keys);
  const std::size_t place = place_of(keys[row], keys);
  assert(places_[place] == nobody);
  places_[place] = row;
  ++count_;
}

void KeyMap::erase(contract::VectorKey key, const Keys& keys) {
  std::size_t hole = place_of(key, keys);
  assert(places_[hole] != nobody);
  for (std::size_t at = after(hole); places_[at] != nobody; at = after(at)) {
    // Whoever sits at `at` may move into the hole unless its home lies between the two (cyclically).
    const std::size_t distance_home = (at - home(keys[places_[at]])) & (places_.size() - 1);
    const std::size_t distance_hole = (at - hole) & (places_.size() - 1);
    if (distance_home < distance_hole) continue;
    places_[hole] = places_[at];
    hole = at;
  }
  places_[hole] = nobody;
  --count_;
}

}  // namespace triune::adapters::usearch
