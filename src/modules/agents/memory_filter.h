// What a recall restricts memories to, as SQL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "triune/modules/memory.h"
#include "triune/value.h"

namespace triune::modules::agents {

/// What a query restricts memories to: conditions over triune_memories as m, with their values.
class MemoryFilter {
 public:
  /// How what has expired is kept out: of rows that are read anyway, or of many in an index that says nothing of it; or
  /// that it is counted with the rest.
  enum class Expired : std::uint8_t { by_row, by_index, stays };
  /// Values are bound behind `first` parameters, of which ?1 is the organization.
  MemoryFilter(const RecallQuery& query, std::int64_t now, std::size_t first, Expired expired = Expired::by_row);

  [[nodiscard]] const std::string& sql() const { return sql_; }  ///< " AND …".
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }

 private:
  void add(std::string_view condition, Value value);

  std::size_t first_;
  std::string sql_;
  std::vector<Value> values_;
};

}  // namespace triune::modules::agents
