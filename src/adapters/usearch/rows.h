// The vectors of one collection, packed, in numbered rows: the ground that the graph stands on and that scans run over.
//
// A row's vector is never overwritten while anybody may read it: an update takes a new row. So vectors can be read
// outside the gate by whoever holds a `Pin`, which keeps rows from being used again.
//
// States of a row:
//
//            put                 added to the graph
//   free ──────────► fresh ──────────────────────────► indexed ◄──────┐
//    ▲                │ ▲                              │   │          │ reachable after all
//    │     deleted    │ │  the graph was dropped       │   └──► stray ┘ the graph cannot reach it
//    ├────────────────┘ └──────────────────────────────┤         │
//    │                                          deleted│         │deleted
//    └──────────── a graph without it ──────────── tombstone ◄───┘
//
// (A fresh row that is deleted while a graph with it is being built goes from free to tombstone when that graph comes.)
//
// Invariants
//  1. A key has at most one live row (fresh, indexed or stray), and the map finds it.
//  2. `scanned()` holds exactly the fresh and stray rows: what a search must compare besides asking the graph.
//  3. Tombstones keep their vector, since paths of the graph lead over them.
//  4. While a Pin lives, no row that was in use when it was taken gets another vector.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "adapters/usearch/key_map.h"
#include "contract/vector_store.h"

namespace triune::adapters::usearch {

enum class RowState : std::uint8_t { free = 0, fresh = 1, indexed = 2, stray = 3, tombstone = 4 };

/// Thread rule: const methods under a seat of the collection's gate, others with the gate closed.
class Rows {
 public:
  static constexpr std::size_t rows_in_chunk = 1024;
  using Chunk = std::shared_ptr<std::byte[]>;

  /// Keeps vectors where they are while it lives, for readers outside the gate. Taken under a seat.
  class Pin {
   public:
    explicit Pin(const Rows& rows);
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin();
    [[nodiscard]] const std::byte* vector(Row row) const {
      return chunks_[row / rows_in_chunk].get() + (row % rows_in_chunk) * stride_;
    }

   private:
    std::shared_ptr<std::atomic<int>> pins_;
    std::vector<Chunk> chunks_;
    std::size_t stride_;
  };

  explicit Rows(std::size_t stride);

  /// Makes room for `count` more puts, so that they cannot fail. Throws std::bad_alloc and has then changed nothing.
  void reserve(std::size_t count);
  /// Keeps `packed` under `key`, replacing what the key held. Needs `reserve`.
  Row put(contract::VectorKey key, const std::byte* packed, float length);
  /// Removes the key; false when there is none.
  bool erase(contract::VectorKey key);

  [[nodiscard]] std::optional<Row> find(contract::VectorKey key) const { return map_.find(key, keys_); }
  [[nodiscard]] const std::byte* vector(Row row) const {
    return chunks_[row / rows_in_chunk].get() + (row % rows_in_chunk) * stride_;
  }
  [[nodiscard]] contract::VectorKey key(Row row) const { return keys_[row]; }
  [[nodiscard]] float length(Row row) const { return lengths_[row]; }
  [[nodiscard]] RowState state(Row row) const { return states_[row]; }
  [[nodiscard]] bool is_live(Row row) const {
    const auto state = states_[row];
    return state >= RowState::fresh && state <= RowState::stray;
  }
  /// Rows ever used: numbers below this are valid.
  [[nodiscard]] Row end() const { return static_cast<Row>(keys_.size()); }
  [[nodiscard]] std::size_t live() const { return live_; }
  [[nodiscard]] std::size_t tombstones() const { return tombstones_; }
  [[nodiscard]] std::span<const Row> scanned() const { return scanned_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::size_t memory_bytes() const;

  /// The row is in the graph now and found there.
  void set_indexed(Row row);
  /// The row is in the graph, where searches may miss it.
  void set_stray(Row row);
  /// The graph was replaced by one that holds the rows marked in `in_graph` (a shorter list: no more), all of which
  /// were live and pinned when it was begun. Tombstones outside it become free, live rows outside it fresh.
  void adopt(const std::vector<bool>& in_graph);
  /// Replaces every packed vector by what `convert` writes for it, of another size. Pins keep the old ones.
  void repack(std::size_t stride, const std::function<void(const std::byte* from, std::byte* to)>& convert);

  /// For snapshots: everything as it is, and back. `restore` needs an empty object and checks nothing.
  [[nodiscard]] const std::vector<contract::VectorKey>& keys() const { return keys_; }
  [[nodiscard]] const std::vector<RowState>& states() const { return states_; }
  [[nodiscard]] const std::vector<float>& lengths() const { return lengths_; }
  void restore(std::vector<contract::VectorKey> keys, std::vector<RowState> states, std::vector<float> lengths);
  [[nodiscard]] std::byte* writable_vector(Row row) {
    return chunks_[row / rows_in_chunk].get() + (row % rows_in_chunk) * stride_;
  }

 private:
  Row take();
  void add_chunk();
  void release(Row row);
  void add_scanned(Row row);
  void remove_scanned(Row row);

  std::size_t stride_;
  std::vector<Chunk> chunks_;
  Chunk slab_;                   ///< That the next chunks are parts of.
  std::size_t slab_chunks_ = 0;  ///< How many it still has room for.
  std::vector<contract::VectorKey> keys_;
  std::vector<RowState> states_;
  std::vector<float> lengths_;
  std::vector<Row> places_;  ///< Of a fresh or stray row in `scanned_`.
  std::vector<Row> scanned_;
  std::vector<Row> free_;
  std::vector<Row> retired_;  ///< Will be free when no Pin lives.
  KeyMap map_;
  std::size_t live_ = 0;
  std::size_t tombstones_ = 0;
  std::shared_ptr<std::atomic<int>> pins_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace triune::adapters::usearch
