// Definitions: vector collections, mappings of tables into the graph, text indexes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune {

/// How two vectors are compared.
enum class Metric : std::uint8_t {
  cosine,  ///< 1 - cosine similarity: 0 to 2.
  l2,      ///< Squared Euclidean distance.
  dot,     ///< 1 - inner product.
};

/// The word for a metric ("cosine"), and back.
std::string_view to_string(Metric metric) noexcept;
Result<Metric> parse_metric(std::string_view text);

/// An embedding set.
struct VectorCollection {
  std::string name;
  std::uint32_t dimension = 0;  ///< 1 to 8,192.
  Metric metric = Metric::cosine;
  std::string owner_table;  ///< Table whose single-column primary key is the vectors' id; empty: none.
  /// What makes vectors of texts here: a name of `HiveOptions::embedders` or of `make_embedder`; empty: nothing does.
  std::string embedder;
  /// What searches them: "usearch" or "lancedb" (docs/vector_engines.md); empty: usearch. `Hive::move_vectors` changes
  /// it.
  std::string engine;
};

/// Every row of `table` is a node: its single-column primary key is the id.
struct NodeMapping {
  std::string table;
  std::string label;
  std::vector<std::string> properties;  ///< Columns; empty: all but the key.
};

/// Every row of `table` is an edge between the nodes named by two of its columns. Rows with the same ends are one edge;
/// a row whose end does not exist (yet) is no edge until it does.
struct EdgeMapping {
  std::string table;
  std::string type;
  std::string from_column;
  std::string from_label;
  std::string to_column;
  std::string to_label;
  std::vector<std::string> properties;  ///< Columns.
};

/// A full-text index over columns of a table, kept by triggers.
struct TextIndex {
  std::string name;
  std::string table;  ///< Needs a single-column primary key.
  std::vector<std::string> columns;
};

}  // namespace triune
