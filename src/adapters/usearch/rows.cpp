#include "adapters/usearch/rows.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

#include "adapters/usearch/huge_pages.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::align_val_t chunk_alignment{64};  // a cache line

Rows::Chunk small_chunk(std::size_t bytes) {
  auto* const chunk = static_cast<std::byte*>(::operator new[](bytes, chunk_alignment));
  return {chunk, [](std::byte* each) { ::operator delete[](each, chunk_alignment); }};
}

}  // namespace

Rows::Pin::Pin(const Rows& rows) : pins_(rows.pins_), chunks_(rows.chunks_), stride_(rows.stride_) {
  pins_->fetch_add(1, std::memory_order_relaxed);
}

Rows::Pin::~Pin() {
  pins_->fetch_sub(1, std::memory_order_release);
}

Rows::Rows(std::size_t stride) : stride_(stride) {}

void Rows::reserve(std::size_t count) {
  if (!retired_.empty() && pins_->load(std::memory_order_acquire) == 0) {
    free_.insert(free_.end(), retired_.begin(), retired_.end());
    retired_.clear();
  }
  const std::size_t total = keys_.size() + (count > free_.size() ? count - free_.size() : 0);
  while (chunks_.size() * rows_in_chunk < total) add_chunk();
  // Doubling by hand: reserve to the exact size would copy everything at each batch.
  const auto room = [total](auto& list) {
    if (list.capacity() < total) list.reserve(std::max(total, list.capacity() * 2));
  };
  room(keys_);
  room(states_);
  room(lengths_);
  room(places_);
  room(scanned_);
  room(free_);
  room(retired_);
  map_.reserve(live_ + count, keys_);
}

void Rows::add_chunk() {
  const std::size_t bytes = rows_in_chunk * stride_;
  // A small collection would fill little of a huge page.
  if (chunks_.size() * bytes < slab_bytes) return chunks_.push_back(small_chunk(bytes));
  if (slab_chunks_ == 0) {
    slab_ = allocate_slab(bytes);
    slab_chunks_ = std::max<std::size_t>(1, slab_bytes / bytes);
  }
  // A chunk keeps its whole slab.
  const std::size_t place = std::max<std::size_t>(1, slab_bytes / bytes) - slab_chunks_--;
  chunks_.emplace_back(slab_, slab_.get() + place * bytes);
}

Row Rows::take() {
  if (!free_.empty()) {
    const Row row = free_.back();
    free_.pop_back();
    return row;
  }
  const Row row = end();
  keys_.push_back(0);
  states_.push_back(RowState::free);
  lengths_.push_back(0);
  places_.push_back(0);
  return row;
}

void Rows::release(Row row) {
  states_[row] = RowState::free;
  (pins_->load(std::memory_order_acquire) == 0 ? free_ : retired_).push_back(row);
}

void Rows::add_scanned(Row row) {
  places_[row] = static_cast<Row>(scanned_.size());
  scanned_.push_back(row);
}

void Rows::remove_scanned(Row row) {
  const Row last = scanned_.back();
  scanned_[places_[row]] = last;
  places_[last] = places_[row];
  scanned_.pop_back();
}

Row Rows::put(contract::VectorKey key, const std::byte* packed, float length) {
  erase(key);
  const Row row = take();
  std::memcpy(writable_vector(row), packed, stride_);
  keys_[row] = key;
  lengths_[row] = length;
  states_[row] = RowState::fresh;
  add_scanned(row);
  map_.insert(row, keys_);
  ++live_;
  return row;
}

bool Rows::erase(contract::VectorKey key) {
  const auto row = find(key);
  if (!row) return false;
  map_.erase(key, keys_);
  --live_;
  const RowState state = states_[*row];
  if (state == RowState::fresh || state == RowState::stray) remove_scanned(*row);
  if (state == RowState::fresh) {
    release(*row);
  } else {
    states_[*row] = RowState::tombstone;
    ++tombstones_;
  }
  return true;
}

void Rows::set_indexed(Row row) {
  assert(is_live(row));
  if (states_[row] == RowState::indexed) return;
  remove_scanned(row);
  states_[row] = RowState::indexed;
}

void Rows::set_stray(Row row) {
  assert(is_live(row));
  if (states_[row] == RowState::indexed) add_scanned(row);
  states_[row] = RowState::stray;
}

void Rows::adopt(const std::vector<bool>& in_graph) {
  scanned_.clear();
  tombstones_ = 0;
  for (Row row = 0; row < end(); ++row) {
    RowState& state = states_[row];
    const bool member = row < in_graph.size() && in_graph[row];
    if (is_live(row)) {
      state = member ? RowState::indexed : RowState::fresh;
      if (!member) add_scanned(row);
    } else if (member) {
      state = RowState::tombstone;
      ++tombstones_;
    } else if (state == RowState::tombstone) {
      state = RowState::free;
      retired_.push_back(row);
    }
  }
  std::erase_if(retired_, [this](Row row) { return states_[row] != RowState::free; });
}

void Rows::repack(std::size_t stride, const std::function<void(const std::byte*, std::byte*)>& convert) {
  Rows other(stride);
  while (other.chunks_.size() < chunks_.size()) other.add_chunk();
  for (Row row = 0; row < end(); ++row) convert(vector(row), other.writable_vector(row));
  chunks_.swap(other.chunks_);
  slab_.swap(other.slab_);
  std::swap(slab_chunks_, other.slab_chunks_);
  stride_ = stride;
}

void Rows::restore(std::vector<contract::VectorKey> keys, std::vector<RowState> states, std::vector<float> lengths) {
  assert(keys_.empty());
  reserve(keys.size());
  keys_ = std::move(keys);
  states_ = std::move(states);
  lengths_ = std::move(lengths);
  places_.resize(keys_.size());
  for (Row row = 0; row < end(); ++row) {
    if (states_[row] == RowState::tombstone) ++tombstones_;
    if (states_[row] == RowState::free) free_.push_back(row);
    if (!is_live(row)) continue;
    map_.insert(row, keys_);
    ++live_;
    if (states_[row] != RowState::indexed) add_scanned(row);
  }
}

std::size_t Rows::memory_bytes() const {
  const std::size_t lists =
      keys_.capacity() * sizeof(contract::VectorKey) + states_.capacity() + lengths_.capacity() * sizeof(float) +
      (places_.capacity() + scanned_.capacity() + free_.capacity() + retired_.capacity()) * sizeof(Row);
  return chunks_.size() * rows_in_chunk * stride_ + lists + map_.memory_bytes();
}

}  // namespace triune::adapters::usearch
