// Writes nodes and edges straight into Kuzu's tables, inside a transaction of a session.
//
// Cypher can find a node by a key that is written in the statement, but not by one that comes from a list: for
// `UNWIND $rows … MATCH (n {id: r.id})` Kuzu 0.11.3 reads the whole table of nodes, and for MERGE of an edge the whole
// table of edges, whatever the size of the batch (measured at 1M nodes and 5M edges: 65 ms and out of memory). The
// tables' own interface, which Kuzu exports for its extensions, finds a key in a microsecond, so a batch costs what it
// holds. It takes part in Kuzu's transactions, log and recovery like any operator of a query.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "adapters/kuzu/batch.h"
#include "adapters/kuzu/engine.h"
#include "triune/change.h"

namespace triune::adapters::kuzu {

/// Lives between BEGIN and COMMIT of `session`. Each call checks the session's deadline as it goes. After an error the
/// caller rolls back.
class GraphWriter {
 public:
  explicit GraphWriter(Session& session);
  GraphWriter(const GraphWriter&) = delete;
  GraphWriter& operator=(const GraphWriter&) = delete;
  ~GraphWriter();

  /// Inserts nodes or replaces all their properties. The batch was checked. `label` may also be an internal table.
  Status put_nodes(const std::string& label, std::span<const PutNode* const> nodes);
  /// Deletes nodes and the edges at them; absent ones are skipped.
  Status delete_nodes(const std::string& label, std::span<const std::string> ids);
  /// Inserts edges or replaces all their properties. Error: `invalid_argument` when an end does not exist. The edges of
  /// one table go in one call: a second one would not see what the first inserted.
  Status put_edges(const EdgeTable& table, std::span<const PutEdge* const> edges);
  /// Deletes edges; absent ones are skipped. To be called before the puts.
  Status delete_edges(const EdgeTable& table, std::span<const EdgeReference* const> edges);

 private:
  struct Native;
  std::unique_ptr<Native> native_;
};

}  // namespace triune::adapters::kuzu
