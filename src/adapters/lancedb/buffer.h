// Changes that are not in LanceDB yet. A search compares with all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "adapters/lancedb/table.h"
#include "contract/vector_store.h"

namespace triune::adapters::lancedb {

/// A vector as it was put.
struct BufferedRow {
  StoredRow stored;
  Record metadata;
};

/// The last change of each key: a row, or nothing for a deletion. Thread rule: immutable once shared.
class Buffer {
 public:
  using Changes = std::unordered_map<contract::VectorKey, std::shared_ptr<const BufferedRow>>;

  void put(std::shared_ptr<const BufferedRow> row) { changes_[row->stored.key] = std::move(row); }
  void erase(contract::VectorKey key) { changes_[key] = nullptr; }
  /// Takes over what happened after.
  void add(const Buffer& later) {
    for (const auto& [key, row] : later.changes_) changes_[key] = row;
  }
  [[nodiscard]] const Changes& changes() const { return changes_; }
  [[nodiscard]] bool contains(contract::VectorKey key) const { return changes_.contains(key); }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  [[nodiscard]] std::size_t size() const { return changes_.size(); }

 private:
  Changes changes_;
};

}  // namespace triune::adapters::lancedb
