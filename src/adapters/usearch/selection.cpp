#include "adapters/usearch/selection.h"

#include <algorithm>

namespace triune::adapters::usearch {
namespace {

// A bit for each number between the first and the last key is worth its memory up to this many bits a key.
constexpr std::uint64_t most_bits_per_key = 64;
constexpr std::size_t first_step = 8;  ///< Away from where a key would be.

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

bool KeySet::holds(std::span<const contract::VectorKey> sorted, contract::VectorKey key) {
  if (sorted.empty() || key < sorted.front() || key > sorted.back()) return false;
  // Keys are numbers given one after the other, so those of a filter are spread evenly: it is looked for around where
  // it would be, in steps that double.
  const std::size_t count = sorted.size();
  const double range = static_cast<double>(sorted.back() - sorted.front()) + 1;
  const double share = static_cast<double>(key - sorted.front()) / range;
  std::size_t low = std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)));
  std::size_t high = low + 1;
  for (std::size_t step = first_step; low > 0 && sorted[low] > key; step *= 2) {
    high = low;
    low -= std::min(low, step);
  }
  for (std::size_t step = first_step; high < count && sorted[high] <= key; step *= 2) {
    low = high;
    high += std::min(count - high, step);
  }
  return std::ranges::binary_search(sorted.subspan(low, high - low), key);
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
