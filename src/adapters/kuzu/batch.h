// A batch as Kuzu takes it: checked, and sorted by table, so that each table needs one statement for thousands of rows.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "adapters/kuzu/catalogue.h"
#include "contract/graph_store.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// The longest text that a property or an id may have. Kuzu itself takes 256 KiB; long texts belong elsewhere.
inline constexpr std::uint64_t longest_text = 64U << 10U;

/// (edge type, label of the start, label of the end): one table of Kuzu inside the type.
struct EdgeTable {
  std::string type;
  std::string from;
  std::string to;
  auto operator<=>(const EdgeTable&) const = default;
};

struct SortedBatch {
  std::map<std::string, std::vector<const PutNode*>> put_nodes;
  std::map<EdgeTable, std::vector<const PutEdge*>> put_edges;
  std::map<std::string, std::vector<std::string>> delete_nodes;
  std::map<EdgeTable, std::vector<const EdgeReference*>> delete_edges;
};

/// Checks everything that can be checked without the database: duplicate keys, labels, types, pairs of ends,
/// properties, value types, sizes, UTF-8. Deletes of what no table can hold are dropped. The result points into
/// `batch`.
Result<SortedBatch> sort_batch(const contract::GraphBatch& batch, const Catalogue& catalogue);

/// Checks one node or edge to be put against its table.
Status check_node(const PutNode& node, const Catalogue& catalogue);
Status check_edge(const PutEdge& edge, const Catalogue& catalogue);

/// The values of `record` in the order of `properties`, NULL where it has none: a put replaces all properties.
void append_in_order(const Record& record, const std::vector<contract::PropertyDefinition>& properties,
                     std::vector<Value>& to);

}  // namespace triune::adapters::kuzu
