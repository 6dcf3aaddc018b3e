#include "adapters/kuzu/graph_writer.h"

#include <map>
#include <unordered_map>

#include "adapters/kuzu/native_tables.h"
#include "base/try.h"
#include "contract/graph_rules.h"

namespace triune::adapters::kuzu {
namespace {

using ::kuzu::common::DataChunkState;
using ::kuzu::common::LogicalType;
using ::kuzu::common::RelDataDirection;
using ::kuzu::common::ValueVector;

// How many rows between two looks at the clock.
constexpr std::size_t rows_between_checks = 256;

// An edge of the batch whose ends were found, with its number when it is in the table already.
struct PlacedEdge {
  Offset from = 0;
  Offset to = 0;
  std::optional<InternalId> number;
};

std::vector<ValueVector*> vectors(const std::vector<Column>& columns) {
  std::vector<ValueVector*> result;
  for (const auto& column : columns) result.push_back(&column.cell.vector());
  return result;
}

void fill(std::vector<Column>& columns, const Record& values) {
  static const Value null = Null{};
  for (auto& column : columns) {
    const auto* value = find(values, column.name);
    column.cell.set(value == nullptr ? null : *value);
  }
}

}  // namespace

struct GraphWriter::Native {
  explicit Native(Session& of)
      : session(of),
        tables(NativeAccess::context(of)),
        single(DataChunkState::getSingleValueDataChunkState()),
        key(LogicalType::STRING(), tables.memory(), single),
        from(LogicalType::INTERNAL_ID(), tables.memory(), single),
        to(LogicalType::INTERNAL_ID(), tables.memory(), single),
        edge(LogicalType::INTERNAL_ID(), tables.memory(), single) {}

  Status check_deadline(std::size_t row) const;
  std::optional<Offset> find_node(const NodeStorage& table, std::string_view id);
  void put_node(NodeStorage& table, std::vector<Column>& columns, std::string_view id);
  void delete_edges_at(TableNumber table);
  EdgeIndex edge_index(const EdgeTable& table) const;
  Result<std::vector<PlacedEdge>> place(const EdgeTable& table, std::size_t count,
                                        const std::function<const EdgeReference&(std::size_t)>& edge, bool must_exist);
  Status find_existing(EdgeIndex& index, std::vector<PlacedEdge>& edges) const;
  void put_edge(EdgeIndex& index, const PlacedEdge& placed, std::vector<Column>& columns);

  Session& session;
  NativeTables tables;
  VectorState single;
  Cell key;
  Cell from;
  Cell to;
  Cell edge;
};

Status GraphWriter::Native::check_deadline(std::size_t row) const {
  if (row % rows_between_checks != 0 || !session.deadline().expired()) return {};
  return kuzu_failure(ErrorCode::deadline_exceeded, "the batch was not written before its deadline", Retry::safe);
}

std::optional<Offset> GraphWriter::Native::find_node(const NodeStorage& table, std::string_view id) {
  key.set_text(id);
  Offset offset = 0;
  if (!table.lookupPK(tables.transaction(), &key.vector(), 0, offset)) return std::nullopt;
  return offset;
}

// `columns` holds the values; a node that is there keeps its key.
void GraphWriter::Native::put_node(NodeStorage& table, std::vector<Column>& columns, std::string_view id) {
  const auto key_column = table.getPKColumnID();
  if (const auto offset = find_node(table, id)) {
    from.set(InternalId{*offset, table.getTableID()});
    for (const auto& column : columns) {
      if (column.number == key_column) continue;
      ::kuzu::storage::NodeTableUpdateState state(column.number, from.vector(), column.cell.vector());
      table.initUpdateState(&tables.context(), state);
      table.update(tables.transaction(), state);
    }
    return;
  }
  columns[key_column].cell.set_text(id);
  from.set(InternalId{0, table.getTableID()});  // the insert fills in the offset
  ::kuzu::storage::NodeTableInsertState state(from.vector(), columns[key_column].cell.vector(), vectors(columns));
  table.initInsertState(&tables.context(), state);
  table.insert(tables.transaction(), state);
}

// The edges at the node in `from`, which is of `table`, in every edge table that may hold some.
void GraphWriter::Native::delete_edges_at(TableNumber table) {
  const auto many = std::make_shared<DataChunkState>();
  const Cell neighbors(LogicalType::INTERNAL_ID(), tables.memory(), many);
  const Cell numbers(LogicalType::INTERNAL_ID(), tables.memory(), many);
  ::kuzu::storage::RelTableDeleteState state(from.vector(), neighbors.vector(), numbers.vector());
  const auto detach = [&](::kuzu::common::oid_t number, RelDataDirection direction) {
    state.detachDeleteDirection = direction;
    tables.edges(number).detachDelete(tables.transaction(), &state);
  };
  for (const auto* type : tables.edge_types()) {
    for (const auto& pair : type->getRelEntryInfos()) {
      if (pair.nodePair.srcTableID == table) detach(pair.oid, RelDataDirection::FWD);
      if (pair.nodePair.dstTableID == table) detach(pair.oid, RelDataDirection::BWD);
    }
  }
}

EdgeIndex GraphWriter::Native::edge_index(const EdgeTable& table) const {
  return {tables, tables.entry(table.from), tables.entry(table.to), tables.entry(table.type)};
}

// Finds the ends of `count` edges. One with a missing end is an error, or left out.
Result<std::vector<PlacedEdge>> GraphWriter::Native::place(
    const EdgeTable& table, std::size_t count, const std::function<const EdgeReference&(std::size_t)>& edge_at,
    bool must_exist) {
  const auto& from_nodes = tables.nodes(tables.entry(table.from));
  const auto& to_nodes = tables.nodes(tables.entry(table.to));
  std::vector<PlacedEdge> placed;
  placed.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    TRIUNE_TRY(check_deadline(i));
    const auto& reference = edge_at(i);
    const auto start = find_node(from_nodes, reference.from.id);
    const auto end = find_node(to_nodes, reference.to.id);
    if (start && end)
      placed.push_back({*start, *end, std::nullopt});
    else if (must_exist)
      return kuzu_failure(ErrorCode::invalid_argument,
                          contract::missing_end_message(start ? reference.to : reference.from));
  }
  return placed;
}

// Reads the edges of each start once.
Status GraphWriter::Native::find_existing(EdgeIndex& index, std::vector<PlacedEdge>& edges) const {
  std::map<Offset, std::unordered_map<Offset, std::optional<InternalId>>> by_start;
  for (const auto& placed : edges) by_start[placed.from].emplace(placed.to, std::nullopt);
  for (auto& [start, ends] : by_start) {
    TRIUNE_TRY(check_deadline(0));
    index.find(start, ends);
  }
  for (auto& placed : edges) placed.number = by_start[placed.from][placed.to];
  return {};
}

// `columns` holds the values; the first is the edge's number, which Kuzu gives.
void GraphWriter::Native::put_edge(EdgeIndex& index, const PlacedEdge& placed, std::vector<Column>& columns) {
  from.set(index.from(placed.from));
  to.set(index.to(placed.to));
  if (!placed.number) {
    ::kuzu::storage::RelTableInsertState state(from.vector(), to.vector(), vectors(columns));
    index.storage().insert(tables.transaction(), state);
    return;
  }
  edge.set(*placed.number);
  for (std::size_t i = 1; i < columns.size(); ++i) {
    ::kuzu::storage::RelTableUpdateState state(columns[i].number, from.vector(), to.vector(), edge.vector(),
                                               columns[i].cell.vector());
    index.storage().update(tables.transaction(), state);
  }
}

GraphWriter::GraphWriter(Session& session) : native_(std::make_unique<Native>(session)) {}

GraphWriter::~GraphWriter() = default;

Status GraphWriter::put_nodes(const std::string& label, std::span<const PutNode* const> nodes) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    const auto& entry = native_->tables.entry(label);
    auto& table = native_->tables.nodes(entry);
    auto columns = native_->tables.columns(entry, native_->single);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      TRIUNE_TRY(native_->check_deadline(i));
      fill(columns, nodes[i]->properties);
      native_->put_node(table, columns, nodes[i]->node.id);
    }
    return {};
  });
}

Status GraphWriter::delete_nodes(const std::string& label, std::span<const std::string> ids) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    auto& table = native_->tables.nodes(native_->tables.entry(label));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      TRIUNE_TRY(native_->check_deadline(i));
      const auto offset = native_->find_node(table, ids[i]);
      if (!offset) continue;
      native_->from.set(InternalId{*offset, table.getTableID()});
      ::kuzu::storage::NodeTableDeleteState state(native_->from.vector(), native_->key.vector());
      if (table.delete_(native_->tables.transaction(), state)) native_->delete_edges_at(table.getTableID());
    }
    return {};
  });
}

// All are looked up before the first is written: an index does not see what is inserted after it was made.
Status GraphWriter::put_edges(const EdgeTable& table, std::span<const PutEdge* const> edges) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    const auto reference = [&](std::size_t i) -> const EdgeReference& { return edges[i]->edge; };
    TRIUNE_ASSIGN(auto placed, native_->place(table, edges.size(), reference, true));
    auto index = native_->edge_index(table);
    TRIUNE_TRY(native_->find_existing(index, placed));
    auto columns = native_->tables.columns(native_->tables.entry(table.type), native_->single);
    for (std::size_t i = 0; i < edges.size(); ++i) {
      TRIUNE_TRY(native_->check_deadline(i));
      fill(columns, edges[i]->properties);
      native_->put_edge(index, placed[i], columns);
    }
    return {};
  });
}

Status GraphWriter::delete_edges(const EdgeTable& table, std::span<const EdgeReference* const> edges) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    const auto reference = [&](std::size_t i) -> const EdgeReference& { return *edges[i]; };
    TRIUNE_ASSIGN(auto placed, native_->place(table, edges.size(), reference, false));
    auto index = native_->edge_index(table);
    TRIUNE_TRY(native_->find_existing(index, placed));
    for (const auto& edge : placed) {
      if (!edge.number) continue;
      native_->from.set(index.from(edge.from));
      native_->to.set(index.to(edge.to));
      native_->edge.set(*edge.number);
      ::kuzu::storage::RelTableDeleteState state(native_->from.vector(), native_->to.vector(), native_->edge.vector());
      index.storage().delete_(native_->tables.transaction(), state);
    }
    return {};
  });
}

}  // namespace triune::adapters::kuzu
