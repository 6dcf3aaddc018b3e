#include "adapters/usearch/selection.h"

#include <algorithm>

namespace triune::adapters::usearch {
namespace {

// A bit for each number between the first and the last key is worth its memory up to this many bits a key.
constexpr std::uint64_t most_bits_per_key = 64;

bool is_nearer(const contract::VectorMatch& left, const contract::VectorMatch& right) {
  return left.distance != right.distance ? left.distance < right.distance : left.key < right.key;
}

}  // namespace

KeySet::KeySet(std::span<const contract::VectorKey> sorted) : sorted_(sorted) {
  if (sorted.empty()) return;
  const std::uint64_t range = sorted.back() - sorted.front();
  if (range / most_bits_per_key >= sorted.size()) return;
  first_ = sorted.front();
  range_ = range + 1;
  bits_.resize(range / 64 + 1);
  for (const auto key : sorted) bits_[(key - first_) / 64] |= 1ULL << ((key - first_) % 64);
}

bool KeySet::search(contract::VectorKey key) const {
  return std::ranges::binary_search(sorted_, key);
}

void Nearest::insert(const contract::VectorMatch& match) {
  if (heap_.size() == count_) {
    if (!is_nearer(match, heap_.front())) return;
    std::ranges::pop_heap(heap_, is_nearer);
    heap_.back() = match;
  } else {
    heap_.push_back(match);
  }
  std::ranges::push_heap(heap_, is_nearer);
}

std::vector<contract::VectorMatch> Nearest::take() {
  std::ranges::sort_heap(heap_, is_nearer);
  return std::move(heap_);
}

}  // namespace triune::adapters::usearch
