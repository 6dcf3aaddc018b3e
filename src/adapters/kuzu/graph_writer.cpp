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
  std::vector<EdgeIndex> edge_indexes_at(TableNumber table) const;
  void delete_edge(EdgeIndex& index, Offset start, Offset end, const InternalId& number);
  Status delete_edges_at(EdgeIndex& index, TableNumber table, Offset node);
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

// Every table that may hold edges at nodes of `table`.
std::vector<EdgeIndex> GraphWriter::Native::edge_indexes_at(TableNumber table) const {
  std::vector<EdgeIndex> indexes;
  const auto& catalog = *tables.context().getCatalog();
  for (auto* type : tables.edge_types()) {
    for (const auto& pair : type->getRelEntryInfos()) {
      const auto& ends = pair.nodePair;
      if (ends.srcTableID != table && ends.dstTableID != table) continue;
      indexes.emplace_back(tables, *catalog.getTableCatalogEntry(tables.transaction(), ends.srcTableID),
                           *catalog.getTableCatalogEntry(tables.transaction(), ends.dstTableID), *type);
    }
  }
  return indexes;
}

void GraphWriter::Native::delete_edge(EdgeIndex& index, Offset start, Offset end, const InternalId& number) {
  from.set(index.from(start));
  to.set(index.to(end));
  edge.set(number);
  ::kuzu::storage::RelTableDeleteState state(from.vector(), to.vector(), edge.vector());
  index.storage().delete_(tables.transaction(), state);
}

// One by one and not by Kuzu's detachDelete (nor DETACH DELETE): in 0.11.3 that takes the edges of a node by their
// place in a page and forgets that deleted ones leave gaps there, so it leaves edges behind at nodes that lost one
// before.
Status GraphWriter::Native::delete_edges_at(EdgeIndex& index, TableNumber table, Offset node) {
  std::size_t deleted = 0;
  if (index.from_table() == table) {
    for (const auto& found : index.at(node, RelDataDirection::FWD)) {
      TRIUNE_TRY(check_deadline(deleted++));
      delete_edge(index, node, found.other, found.number);
    }
  }
  if (index.to_table() == table) {
    for (const auto& found : index.at(node, RelDataDirection::BWD)) {
      TRIUNE_TRY(check_deadline(deleted++));
      delete_edge(index, found.other, node, found.number);
    }
  }
  return {};
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
    const auto number = table.getTableID();
    auto indexes = native_->edge_indexes_at(number);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      TRIUNE_TRY(native_->check_deadline(i));
      const auto offset = native_->find_node(table, ids[i]);
      if (!offset) continue;
      for (auto& index : indexes) TRIUNE_TRY(native_->delete_edges_at(index, number, *offset));
      native_->from.set(InternalId{*offset, number});
      ::kuzu::storage::NodeTableDeleteState state(native_->from.vector(), native_->key.vector());
      table.delete_(native_->tables.transaction(), state);
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
    for (const auto& edge : placed)
      if (edge.number) native_->delete_edge(index, edge.from, edge.to, *edge.number);
    return {};
  });
}

}  // namespace triune::adapters::kuzu
