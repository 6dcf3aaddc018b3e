#include "adapters/kuzu/adjacency.h"

#include <algorithm>
#include <limits>

#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();

std::vector<NodeTableSize> chosen_tables(const GraphReader& reader, const std::vector<std::string>& labels) {
  std::vector<NodeTableSize> chosen;
  for (const auto& table : reader.tables())
    if (labels.empty() || std::find(labels.begin(), labels.end(), table.label) != labels.end()) chosen.push_back(table);
  return chosen;
}

}  // namespace

Result<Adjacency> Adjacency::read(GraphReader& reader, const std::vector<std::string>& labels,
                                  const std::vector<std::string>& types) {
  TRIUNE_TRY(reader.follow(types));
  const auto tables = chosen_tables(reader, labels);
  Adjacency adjacency;
  std::uint64_t nodes = 0;
  for (const auto& table : tables) {
    if (adjacency.first_numbers_.size() <= table.table) adjacency.first_numbers_.resize(table.table + 1, not_chosen);
    adjacency.first_numbers_[table.table] = nodes;
    nodes += table.rows;
  }
  if (nodes > most)
    return kuzu_failure(ErrorCode::resource_exhausted, "the graph has too many nodes to analyse at once");
  adjacency.starts_.reserve(nodes + 1);
  std::vector<NodePlace> neighbors;
  for (const auto& table : tables) {
    for (std::uint64_t row = 0; row < table.rows; ++row) {
      adjacency.starts_.push_back(adjacency.ends_.size());
      TRIUNE_TRY(reader.neighbors({table.table, row}, Direction::out, neighbors));
      for (const auto neighbor : neighbors)
        if (const auto end = adjacency.number(neighbor)) adjacency.ends_.push_back(*end);
    }
  }
  adjacency.starts_.push_back(adjacency.ends_.size());
  if (adjacency.ends_.size() > most)
    return kuzu_failure(ErrorCode::resource_exhausted, "the graph has too many edges to analyse at once");
  return adjacency;
}

std::optional<std::uint32_t> Adjacency::number(NodePlace place) const {
  if (place.table >= first_numbers_.size() || first_numbers_[place.table] == not_chosen) return std::nullopt;
  return static_cast<std::uint32_t>(first_numbers_[place.table] + place.row);
}

}  // namespace triune::adapters::kuzu
