// Classification: from the characteristics of some data to the engines that serve it, with reasons a person can check.
//
// The rules are the seeds', where network complexity and dimensions come from measurements:
//   relationships with a network complexity above 0.7   the graph engine serves them besides the rows
//   vectors of more than 50 dimensions                  the vector engine serves them
//   everything                                          rows in the canonical store, which the others follow
// Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "placement/assessment.h"
#include "triune/schema.h"
#include "triune/status.h"

namespace triune::placement {

/// Vectors of more dimensions are served by the vector engine (the seeds' rule).
inline constexpr std::uint64_t vector_threshold = 50;
/// From so many vectors on an index answers faster than comparing all of them.
inline constexpr std::uint64_t index_from = 10'000;

struct RelationshipCharacteristics {
  std::string type = "RELATES_TO";
  std::string from;  ///< Label of the nodes; empty: not known.
  std::string to;
  std::uint64_t edges = 0;  ///< 0: not known.
  double complexity = 0;    ///< Network complexity, 0 to 1.
  bool sampled = false;
};

struct VectorCharacteristics {
  std::string column;
  std::uint64_t dimension = 0;
  std::uint64_t count = 0;         ///< 0: not known.
  std::optional<bool> normalized;  ///< All of length 1.
  std::optional<Metric> metric;    ///< Where it is known how they are compared.
};

/// What is known of some data that belong together, such as a table.
struct Characteristics {
  std::string name;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::vector<RelationshipCharacteristics> relationships;
  std::vector<VectorCharacteristics> vectors;
  std::vector<std::string> text_columns;     ///< Of prose, worth a text index.
  std::vector<std::string> missing_indexes;  ///< CREATE INDEX statements.
  std::uint64_t large_documents = 0;         ///< Cells of more than 100 KB of JSON.
  std::optional<double> multi_hop_share;     ///< Of the queries, 0 to 1.
  std::optional<double> write_share;         ///< Of the statements, 0 to 1.
  bool append_only = false;                  ///< Written in batches, never changed.
};

struct GraphSchema {
  struct EdgeType {
    std::string type;
    std::string from;
    std::string to;
  };
  std::vector<std::string> labels;
  std::vector<EdgeType> types;
};

struct VectorIndex {
  std::uint64_t dimension = 0;
  std::string metric;  ///< "cosine", "l2", "dot".
  std::string index;   ///< "hnsw", or "exact" while there are few.
  std::uint32_t connectivity = 16;
  std::uint32_t expansion_add = 128;
  std::uint32_t expansion_search = 128;
};

struct Decision {
  std::string name;
  std::vector<std::string> engines;  ///< "relational" always; "graph", "vector" and "text" where they serve too.
  std::string primary;               ///< The one that the typical query asks: the seeds' single answer.
  GraphSchema graph;
  std::optional<VectorIndex> vector;
  std::string transaction_mode;      ///< "group_commit", or "bulk_load" for what only grows.
  std::vector<std::string> indexes;  ///< Statements that should be run.
  double confidence = 0;  ///< 0 to 1: how far the figures are from where the decision turns, and how sure they are.
  std::vector<std::string> reasons;
};

Decision classify(const Characteristics& data);

/// The characteristics of each table of an assessed file; of one, when `table` names it. Relationships belong to the
/// table that holds them. Error: `not_found`.
Result<std::vector<Characteristics>> characteristics_of(const Assessment& report, std::string_view table = {});

/// Characteristics from JSON, by the names above or the seeds' (hasRelationships, networkComplexity, hasVectors,
/// dimensionality). Error: `invalid_argument` that names the member.
Result<Characteristics> parse_characteristics(std::string_view json);

}  // namespace triune::placement
