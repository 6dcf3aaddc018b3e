// Ids of one label to node numbers, for loads of many edges: ten million look-ups in a B-tree would dominate them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::hive {

/// Open addressing over one arena of text; about 30 bytes a node and the ids themselves.
class NodeIndex {
 public:
  /// Reads every node of the label.
  Status load(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t label_id);
  /// The node's number, or 0.
  [[nodiscard]] std::int64_t find(std::string_view id) const noexcept;

 private:
  struct Slot {
    std::int64_t node_id = 0;  // 0: free
    std::uint32_t offset_high = 0;
    std::uint32_t offset_low = 0;
    std::uint32_t length = 0;
    std::uint32_t hash = 0;
  };
  void insert(std::int64_t node_id, std::string_view id);
  void reserve(std::size_t count);
  [[nodiscard]] std::string_view text(const Slot& slot) const noexcept;

  std::vector<Slot> slots_;
  std::string arena_;
};

}  // namespace triune::hive
