// What federation asks of the hive: each engine's answers as rows, with how they came about.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/query.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::federation {

/// Rows of one call and the engine that answered it.
struct Answer {
  std::vector<std::vector<Value>> rows;
  Route route;
  std::vector<contract::ColumnType> types;  ///< Of a Cypher query's columns.
};

/// A vector search as a statement asks for it.
struct VectorCall {
  std::string collection;
  VectorQuery query;
  std::size_t count = 10;
  std::string where;
  std::vector<Value> parameters;  ///< Of the predicate.
};

/// Counted lately, up to a limit: for estimates.
struct NodeFigures {
  double nodes = 0;
};
struct EdgeFigures {
  double edges = 0;
  double out = 0;  ///< Of a node that has any: how many leave it…
  double in = 0;   ///< …and how many arrive.
};

/// Each call reads the canonical store through `session`, in the snapshot of the statement, and an engine at the
/// statement's consistency or newer (I5); it ends at the statement's deadline. Used by the thread of the statement.
class Engines {
 public:
  virtual ~Engines() = default;
  /// The columns of its RETURN.
  virtual Result<Answer> cypher(std::string_view query, const Record& parameters) = 0;
  /// id, distance, score (larger is nearer), metadata.
  virtual Result<Answer> vector_search(contract::RelationalSession& session, const VectorCall& call) = 0;
  /// id, score, snippet. `where` names columns of the table that is indexed.
  virtual Result<Answer> text_search(contract::RelationalSession& session, const TextSearch& search) = 0;
  /// The text index of the table that owns the vectors of `collection`, for hybrid search.
  virtual Result<std::string> text_index_of(contract::RelationalSession& session, std::string_view collection) = 0;
  /// label, id, distance.
  virtual Result<Answer> neighbors(contract::RelationalSession& session, const NeighborsQuery& query) = 0;
  /// step, label, id.
  virtual Result<Answer> shortest_path(contract::RelationalSession& session, const PathQuery& query) = 0;
  /// Of a label, of all when it is empty; nothing where nobody knows. Asked before the statement has its session.
  virtual std::optional<NodeFigures> node_figures(std::string_view label) = 0;
  /// Of a type of edges, of all when it is empty.
  virtual std::optional<EdgeFigures> edge_figures(std::string_view type) = 0;
};

}  // namespace triune::federation
