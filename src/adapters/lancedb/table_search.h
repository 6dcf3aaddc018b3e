// One search of a collection's table, in turns: more is asked for each time, until enough of what came counts.
//
// LanceDB knows labels, but not which keys a filter names and which a buffer hides. Keys are sent to it where that
// costs less than asking for so many more and leaving out what does not count.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/lancedb/view.h"
#include "contract/vector_store.h"

namespace triune::adapters::lancedb {

/// Thread rule: one thread. Blocks until the process has answered, no longer than the deadline of `options`.
class TableSearch {
 public:
  /// All must outlive the object. `metric`: "l2" or "dot". `most_keys`: more are never sent.
  TableSearch(const View& view, std::span<const float> query, const contract::VectorQueryOptions& options,
              const std::string& metric, std::size_t most_keys);

  /// Whether an index is asked.
  [[nodiscard]] bool uses_index() const { return !query_.exact; }
  /// Those of the nearest that no buffer hides, nearest first. Call once.
  Result<std::vector<contract::VectorMatch>> run();
  /// How the last turn found them.
  [[nodiscard]] std::string strategy() const;

 private:
  using Matches = std::vector<TableMatch>;

  Result<Matches> find();
  void send_keys();
  void look_keys_up(std::size_t among);
  void ask_for(std::size_t among);
  [[nodiscard]] bool counts(contract::VectorKey key) const;
  void ask_for_more(bool is_all);
  Result<Matches> compare(Matches approximate) const;

  const View& view_;
  const contract::VectorQueryOptions& options_;
  const bool can_send_;
  const std::uint32_t usual_refine_;
  TableQuery query_;
  std::optional<std::vector<contract::VectorKey>> sent_;         ///< Keys; `query_` points to them.
  const std::vector<contract::VectorKey>* looked_up_ = nullptr;  ///< In what came.
};

}  // namespace triune::adapters::lancedb
