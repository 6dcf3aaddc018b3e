#include "adapters/kuzu/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <span>
#include <unordered_set>

#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/names.h"
#include "base/failpoint.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::Position;
using contract::PropertyDefinition;
using contract::PropertyType;

// Rows of one statement: more save no time and cost memory.
constexpr std::size_t rows_per_statement = 4096;

constexpr std::string_view position_table = "_triune_position";

template <class Item>
Status in_pieces(const std::vector<Item>& items, const std::function<Status(std::span<const Item>)>& work) {
  for (std::size_t begin = 0; begin < items.size(); begin += rows_per_statement) {
    const auto count = std::min(rows_per_statement, items.size() - begin);
    TRIUNE_TRY(work(std::span<const Item>(items).subspan(begin, count)));
  }
  return {};
}

std::vector<PropertyType> column_types(std::size_t keys, const std::vector<PropertyDefinition>& properties) {
  std::vector<PropertyType> types(keys, PropertyType::text);
  for (const auto& property : properties) types.push_back(property.type);
  return types;
}

// " SET x.`a` = r.c1, x.`b` = r.c2"
std::string set_clause(std::string_view variable, const std::vector<PropertyDefinition>& properties,
                       std::size_t first_column, std::string_view row_prefix) {
  std::string text;
  for (std::size_t i = 0; i < properties.size(); ++i)
    text += fmt::format("{} {}.{} = {}c{}", i == 0 ? " SET" : ",", variable, in_backticks(properties[i].name),
                        row_prefix, first_column + i);
  return text;
}

Status put_nodes(Session& session, const contract::NodeLabel& label, const std::vector<const PutNode*>& nodes) {
  const auto cypher = fmt::format("UNWIND $rows AS r MERGE (n:{} {{`id`: r.c0}}){}", in_backticks(label.name),
                                  set_clause("n", label.properties, 1, "r."));
  return in_pieces<const PutNode*>(nodes, [&](std::span<const PutNode* const> piece) {
    ArgumentTable table{.columns = column_types(1, label.properties), .rows = {}};
    for (const auto* node : piece) {
      std::vector<Value> row{node->node.id};
      append_in_order(node->properties, label.properties, row);
      table.rows.push_back(std::move(row));
    }
    return session.execute(cypher, {{"rows", std::move(table)}});
  });
}

Status delete_nodes(Session& session, const std::string& label, const std::vector<std::string>& ids) {
  const auto cypher =
      fmt::format("UNWIND $ids AS wanted MATCH (n:{}) WHERE n.`id` = wanted DETACH DELETE n", in_backticks(label));
  return in_pieces<std::string>(ids, [&](std::span<const std::string> piece) {
    return session.execute(cypher, {{"ids", std::vector(piece.begin(), piece.end())}});
  });
}

Status put_edges(Session& session, const EdgeTable& table, const std::vector<PropertyDefinition>& properties,
                 const std::vector<const PutEdge*>& edges) {
  std::string unpacked;
  std::string carried;
  for (std::size_t i = 0; i < properties.size(); ++i) {
    unpacked += fmt::format(", r.c{0} AS c{0}", i + 2);
    carried += fmt::format(", c{}", i + 2);
  }
  // Keys as variables of their own, one MATCH after the other: Kuzu plans this as lookups by key. The obvious form
  // becomes a cross product and takes 300 times as long.
  const auto cypher = fmt::format(
      "UNWIND $rows AS r WITH r.c0 AS c0, r.c1 AS c1{} MATCH (a:{}) WHERE a.`id` = c0 WITH a, c1{} "
      "MATCH (b:{}) WHERE b.`id` = c1 MERGE (a)-[e:{}]->(b){}",
      unpacked, in_backticks(table.from), carried, in_backticks(table.to), in_backticks(table.type),
      set_clause("e", properties, 2, ""));
  return in_pieces<const PutEdge*>(edges, [&](std::span<const PutEdge* const> piece) {
    ArgumentTable rows{.columns = column_types(2, properties), .rows = {}};
    for (const auto* edge : piece) {
      std::vector<Value> row{edge->edge.from.id, edge->edge.to.id};
      append_in_order(edge->properties, properties, row);
      rows.rows.push_back(std::move(row));
    }
    return session.execute(cypher, {{"rows", std::move(rows)}});
  });
}

Status delete_edges(Session& session, const EdgeTable& table, const std::vector<const EdgeReference*>& edges) {
  const auto cypher = fmt::format(
      "UNWIND $rows AS r WITH r.c0 AS c0, r.c1 AS c1 MATCH (a:{}) WHERE a.`id` = c0 WITH a, c1 "
      "MATCH (a)-[e:{}]->(b:{}) WHERE b.`id` = c1 DELETE e",
      in_backticks(table.from), in_backticks(table.type), in_backticks(table.to));
  return in_pieces<const EdgeReference*>(edges, [&](std::span<const EdgeReference* const> piece) {
    ArgumentTable rows{.columns = column_types(2, {}), .rows = {}};
    for (const auto* edge : piece) rows.rows.push_back({edge->from.id, edge->to.id});
    return session.execute(cypher, {{"rows", std::move(rows)}});
  });
}

// Checks that the ends of the edges exist, after the batch's deletes and puts of nodes. Kuzu's MERGE would drop an edge
// with a missing end in silence.
class EndsCheck {
 public:
  EndsCheck(Session& session, const SortedBatch& sorted) : session_(session), sorted_(sorted) {}

  Status run() {
    std::map<std::string, std::set<std::string>> wanted;
    for (const auto& [table, edges] : sorted_.put_edges) {
      for (const auto* edge : edges) {
        wanted[table.from].insert(edge->edge.from.id);
        wanted[table.to].insert(edge->edge.to.id);
      }
    }
    for (auto& [label, ids] : wanted) {
      drop_put_ones(label, ids);
      TRIUNE_TRY(check(label, std::vector(ids.begin(), ids.end())));
    }
    return {};
  }

 private:
  void drop_put_ones(const std::string& label, std::set<std::string>& ids) const {
    const auto put = sorted_.put_nodes.find(label);
    if (put == sorted_.put_nodes.end()) return;
    for (const auto* node : put->second) ids.erase(node->node.id);
  }

  Status check(const std::string& label, const std::vector<std::string>& ids) {
    const auto cypher =
        fmt::format("UNWIND $ids AS wanted MATCH (n:{}) WHERE n.`id` = wanted RETURN n.`id`", in_backticks(label));
    return in_pieces<std::string>(ids, [&](std::span<const std::string> piece) -> Status {
      std::unordered_set<std::string> found;
      TRIUNE_TRY(session_.visit(cypher, {{"ids", std::vector(piece.begin(), piece.end())}},
                                [&](std::span<const Value> row) -> Status {
                                  found.insert(std::get<std::string>(row[0]));
                                  return {};
                                }));
      for (const auto& id : piece)
        if (!found.contains(id))
          return kuzu_failure(
              ErrorCode::invalid_argument,
              fmt::format("node {}:'{}', an end of an edge in the batch, does not exist; put it before or "
                          "in the same batch",
                          label, id));
      return {};
    });
  }

  Session& session_;
  const SortedBatch& sorted_;
};

Status apply_changes(Session& session, const Catalogue& catalogue, const SortedBatch& sorted) {
  for (const auto& [table, edges] : sorted.delete_edges) TRIUNE_TRY(delete_edges(session, table, edges));
  for (const auto& [label, ids] : sorted.delete_nodes) TRIUNE_TRY(delete_nodes(session, label, ids));
  for (const auto& [label, nodes] : sorted.put_nodes) TRIUNE_TRY(put_nodes(session, *catalogue.label(label), nodes));
  TRIUNE_TRY(EndsCheck(session, sorted).run());
  for (const auto& [table, edges] : sorted.put_edges)
    TRIUNE_TRY(put_edges(session, table, catalogue.type(table.type)->properties, edges));
  return {};
}

}  // namespace

Status ensure_position_table(Session& session) {
  const Session::InternalTables internal(session);
  return session.execute(fmt::format(
      "CREATE NODE TABLE IF NOT EXISTS {}(`id` STRING PRIMARY KEY, incarnation STRING, lsn INT64)", position_table));
}

Result<std::optional<Position>> read_position(Session& session) {
  const Session::InternalTables internal(session);
  std::optional<Position> position;
  TRIUNE_TRY(session.visit(fmt::format("MATCH (p:{}) RETURN p.incarnation, p.lsn", position_table), {},
                           [&](std::span<const Value> row) -> Status {
                             position = Position{std::get<std::string>(row[0]),
                                                 std::bit_cast<std::uint64_t>(std::get<std::int64_t>(row[1]))};
                             return {};
                           }));
  return position;
}

Status write_position(Session& session, const Position& position) {
  const Session::InternalTables internal(session);
  return session.execute(
      fmt::format("MERGE (p:{} {{`id`: 'position'}}) SET p.incarnation = $incarnation, p.lsn = $lsn", position_table),
      {{"incarnation", Value(position.incarnation)}, {"lsn", Value(std::bit_cast<std::int64_t>(position.lsn))}});
}

Status in_transaction(Session& session, const std::function<Status()>& work) {
  TRIUNE_TRY(session.execute("BEGIN TRANSACTION"));
  auto status = work();
  if (!status) {
    // Kuzu rolls back by itself when a statement fails, so this may find no transaction.
    session.set_deadline(Deadline::never());
    [[maybe_unused]] const auto rolled_back = session.execute("ROLLBACK");
    return status;
  }
  // Once begun, the commit must not be cut off by the clock.
  session.set_deadline(Deadline::never());
  status = session.execute("COMMIT");
  if (!status) status.error().retry = Retry::outcome_unknown;
  return status;
}

Status apply_batch(Session& session, const Catalogue& catalogue, const contract::GraphBatch& batch,
                   const SortedBatch& sorted) {
  const auto status = in_transaction(session, [&]() -> Status {
    TRIUNE_TRY(apply_changes(session, catalogue, sorted));
    if (batch.position) TRIUNE_TRY(write_position(session, *batch.position));
    base::failpoint("kuzu.apply.before_commit");
    return {};
  });
  if (status) base::failpoint("kuzu.apply.after_commit");
  return status;
}

}  // namespace triune::adapters::kuzu
