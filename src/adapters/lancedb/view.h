// What one reader of a collection sees: its buffers and its table, as they belong together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/lancedb/buffer.h"
#include "adapters/lancedb/table.h"

namespace triune::adapters::lancedb {

/// Held by whoever reads with a View; a flush waits until those of before are let go.
struct Epoch {};

/// Thread rule: a plain value; what it points to is not changed while it is held.
struct View {
  std::shared_ptr<Buffer> open;          ///< Never changed once a View was given out.
  std::shared_ptr<const Buffer> frozen;  ///< Null when none.
  std::shared_ptr<Table> table;          ///< Null when nothing was flushed yet.
  std::uint64_t rows = 0;                ///< In the table.
  std::optional<IndexKind> index;        ///< Of its vectors; none: each is compared.
  Trial trial;                           ///< Of the index.
  std::shared_ptr<Epoch> epoch;

  /// Whether the buffers hold a newer state of a key than the table's.
  [[nodiscard]] bool hides(contract::VectorKey key) const {
    return open->contains(key) || (frozen && frozen->contains(key));
  }
  /// At least as many as `hides` is true of.
  [[nodiscard]] std::size_t hidden() const { return open->size() + (frozen ? frozen->size() : 0); }
  [[nodiscard]] std::vector<contract::VectorKey> hidden_keys() const;
  /// Every buffered row that counts, newest first.
  void each_row(const std::function<void(const BufferedRow&)>& visit) const;
};

}  // namespace triune::adapters::lancedb
