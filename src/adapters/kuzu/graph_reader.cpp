#include "adapters/kuzu/graph_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "adapters/kuzu/native_tables.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::PropertyDefinition;
using ::kuzu::common::DataChunkState;
using ::kuzu::common::LogicalType;
using ::kuzu::common::RelDataDirection;
using ::kuzu::common::ValueVector;
using ::kuzu::storage::NodeTableScanState;

constexpr std::size_t calls_between_checks = 1024;

Value value_at(const ValueVector& vector, std::uint32_t position) {
  using ::kuzu::common::PhysicalTypeID;
  if (vector.isNull(position)) return Null{};
  switch (vector.dataType.getPhysicalType()) {
    case PhysicalTypeID::BOOL: return vector.getValue<bool>(position);
    case PhysicalTypeID::INT64: return vector.getValue<std::int64_t>(position);
    case PhysicalTypeID::DOUBLE: return vector.getValue<double>(position);
    default: return vector.getValue<::kuzu::common::ku_string_t>(position).getAsString();
  }
}

// Vectors for some columns of a table of nodes, filled row by row or page by page.
class NodeColumns {
 public:
  NodeColumns(const NativeTables& tables, const TableEntry& entry, const std::vector<std::string>& names)
      : table_(tables.nodes(entry)),
        transaction_(tables.transaction()),
        state_(std::make_shared<DataChunkState>()),
        ids_(LogicalType::INTERNAL_ID(), tables.memory(), state_) {
    std::vector<::kuzu::common::column_id_t> numbers;
    std::vector<ValueVector*> vectors;
    for (const auto& name : names) {
      numbers.push_back(entry.getColumnID(name));
      values_.emplace_back(entry.getProperty(name).getType(), tables.memory(), state_);
      vectors.push_back(&values_.back().vector());
    }
    scan_ = std::make_unique<NodeTableScanState>(&ids_.vector(), std::move(vectors), state_);
    scan_->setToTable(transaction_, &table_, std::move(numbers));
  }

  // The row's values are at position 0 then. False: no such row in the snapshot.
  bool look_up(Offset row) {
    state_->getSelVectorUnsafe().setToUnfiltered(1);
    ids_.vector().setValue<InternalId>(0, InternalId{row, table_.getTableID()});
    for (const auto& value : values_) value.vector().resetAuxiliaryBuffer();
    table_.initScanState(transaction_, *scan_, table_.getTableID(), row);
    return table_.lookup(transaction_, *scan_);
  }

  // Pages of the table one after the other; `visitor` is given each position that holds a visible row.
  Status scan(const std::function<Status(Offset, std::uint32_t)>& visitor) {
    for (std::uint64_t group = 0; group < table_.getNumCommittedNodeGroups(); ++group) {
      scan_->source = ::kuzu::storage::TableScanSource::COMMITTED;
      scan_->nodeGroupIdx = group;
      table_.initScanState(transaction_, *scan_);
      while (table_.scan(transaction_, *scan_)) {
        const auto& selected = state_->getSelVector();
        for (std::uint64_t i = 0; i < selected.getSelSize(); ++i) {
          const auto position = static_cast<std::uint32_t>(selected[i]);
          TRIUNE_TRY(visitor(ids_.vector().getValue<InternalId>(position).offset, position));
        }
      }
    }
    return {};
  }

  [[nodiscard]] Value value(std::size_t column, std::uint32_t position) const {
    return value_at(values_[column].vector(), position);
  }
  [[nodiscard]] std::string text(std::size_t column, std::uint32_t position) const {
    return values_[column].vector().getValue<::kuzu::common::ku_string_t>(position).getAsString();
  }

 private:
  NodeStorage& table_;
  ::kuzu::transaction::Transaction* transaction_;
  VectorState state_;
  Cell ids_;
  std::vector<Cell> values_;
  std::unique_ptr<NodeTableScanState> scan_;
};

// A table of nodes: where ids are found, and found again from rows.
struct NodeTable {
  std::string label;
  NodeStorage* storage = nullptr;
  std::unique_ptr<NodeColumns> ids;
};

// The edges from one table of nodes to another of one type.
struct Relation {
  TableNumber from = 0;
  TableNumber to = 0;
  std::unique_ptr<::kuzu::graph::NbrScanState> scan;
};

std::vector<std::string> property_names(const std::vector<PropertyDefinition>& properties) {
  std::vector<std::string> names;
  for (const auto& property : properties) names.push_back(property.name);
  return names;
}

}  // namespace

struct GraphReader::Native {
  explicit Native(Session& of) : session(of), tables(NativeAccess::context(of)) {}

  void open_tables(const contract::KnownSchema& known);
  [[nodiscard]] std::vector<TableEntry*> node_entries() const;
  std::vector<Relation> relations_of(std::vector<TableEntry*> types, const std::vector<std::string>& properties,
                                     std::unique_ptr<::kuzu::graph::OnDiskGraph>& in);
  Status check_deadline();
  std::string id_at(TableNumber table, Offset row);
  Status scan_relation(const std::string& type, const std::vector<std::string>& properties, Relation& relation,
                       ::kuzu::graph::OnDiskGraph& in, const std::function<Status(const PutEdge&)>& visitor);

  Session& session;
  NativeTables tables;
  std::map<TableNumber, NodeTable> nodes;
  std::map<std::string, TableNumber, std::less<>> numbers;
  std::vector<NodeTableSize> sizes;
  std::vector<TableEntry*> types;
  std::unique_ptr<::kuzu::graph::OnDiskGraph> graph;
  std::vector<Relation> relations;
  std::size_t calls = 0;
  bool in_transaction = false;
};

void GraphReader::Native::open_tables(const contract::KnownSchema& known) {
  for (const auto& [name, label] : known.labels) {
    auto& entry = tables.entry(name);
    auto& storage = tables.nodes(entry);
    const auto number = entry.getTableID();
    nodes[number] = {name, &storage, std::make_unique<NodeColumns>(tables, entry, std::vector<std::string>{"id"})};
    numbers[name] = number;
    sizes.push_back({name, number, storage.getNumTotalRows(tables.transaction())});
  }
  for (const auto& [name, type] : known.types) types.push_back(&tables.entry(name));
}

std::vector<TableEntry*> GraphReader::Native::node_entries() const {
  std::vector<TableEntry*> entries;
  for (const auto& [number, table] : nodes) entries.push_back(&tables.entry(table.label));
  return entries;
}

std::vector<Relation> GraphReader::Native::relations_of(std::vector<TableEntry*> of,
                                                        const std::vector<std::string>& properties,
                                                        std::unique_ptr<::kuzu::graph::OnDiskGraph>& in) {
  std::vector<Relation> result;
  in = std::make_unique<::kuzu::graph::OnDiskGraph>(&tables.context(),
                                                    ::kuzu::graph::NativeGraphEntry(node_entries(), std::move(of)));
  for (const auto& [number, table] : nodes)
    for (const auto& info : in->getRelInfos(number))
      result.push_back({info.srcTableID, info.dstTableID,
                        in->prepareRelScan(*info.relGroupEntry, info.relTableID, info.dstTableID, properties)});
  return result;
}

Status GraphReader::Native::check_deadline() {
  if (++calls % calls_between_checks != 0 || !session.deadline().expired()) return {};
  return kuzu_failure(ErrorCode::deadline_exceeded, "the graph was not read before the deadline", Retry::safe);
}

std::string GraphReader::Native::id_at(TableNumber table, Offset row) {
  auto& columns = *nodes.at(table).ids;
  return columns.look_up(row) ? columns.text(0, 0) : std::string();
}

Status GraphReader::Native::scan_relation(const std::string& type, const std::vector<std::string>& properties,
                                          Relation& relation, ::kuzu::graph::OnDiskGraph& in,
                                          const std::function<Status(const PutEdge&)>& visitor) {
  const auto& from = nodes.at(relation.from);
  PutEdge edge{.edge = {type, {from.label, {}}, {nodes.at(relation.to).label, {}}}, .properties = {}};
  NodeColumns starts(tables, tables.entry(from.label), {"id"});
  return starts.scan([&](Offset row, std::uint32_t position) -> Status {
    TRIUNE_TRY(check_deadline());
    edge.edge.from.id = starts.text(0, position);
    Status status;
    for (const auto chunk : in.scanFwd({row, relation.from}, *relation.scan)) {
      chunk.forEach([&](auto neighbors, const auto& vectors, auto i) {
        if (!status) return;
        edge.edge.to.id = id_at(relation.to, neighbors[i].offset);
        edge.properties.clear();
        for (std::size_t j = 0; j < properties.size(); ++j)
          if (auto value = value_at(*vectors[j], static_cast<std::uint32_t>(i)); !is_null(value))
            edge.properties.push_back({properties[j], std::move(value)});
        status = visitor(edge);
      });
      // Texts of this chunk; they would pile up until the end of the scan.
      chunk.forEach([&](auto, const auto& vectors, auto) {
        for (auto* vector : vectors) vector->resetAuxiliaryBuffer();
      });
      TRIUNE_TRY(status);
    }
    return {};
  });
}

GraphReader::GraphReader(std::unique_ptr<Native> native) : native_(std::move(native)) {}

GraphReader::~GraphReader() {
  native_->relations.clear();
  native_->graph.reset();
  native_->nodes.clear();
  native_->session.set_deadline(Deadline::never());
  [[maybe_unused]] const auto ended = native_->session.execute("COMMIT");
}

Result<std::unique_ptr<GraphReader>> GraphReader::begin(Session& session, const contract::KnownSchema& known) {
  TRIUNE_TRY(session.execute("BEGIN TRANSACTION READ ONLY"));
  std::unique_ptr<GraphReader> reader(new GraphReader(std::make_unique<Native>(session)));
  TRIUNE_TRY(without_exceptions(session.deadline(), [&]() -> Status {
    reader->native_->open_tables(known);
    return {};
  }));
  return reader;
}

Result<std::optional<NodePlace>> GraphReader::find(const NodeReference& node) {
  return without_exceptions(native_->session.deadline(), [&]() -> Result<std::optional<NodePlace>> {
    const auto number = native_->numbers.find(node.label);
    if (number == native_->numbers.end()) return std::optional<NodePlace>();
    Cell key(LogicalType::STRING(), native_->tables.memory(), DataChunkState::getSingleValueDataChunkState());
    key.set_text(node.id);
    Offset row = 0;
    const auto& storage = *native_->nodes.at(number->second).storage;
    if (!storage.lookupPK(native_->tables.transaction(), &key.vector(), 0, row)) return std::optional<NodePlace>();
    return std::optional(NodePlace{number->second, row});
  });
}

Result<NodeReference> GraphReader::name(NodePlace place) {
  return without_exceptions(native_->session.deadline(), [&]() -> Result<NodeReference> {
    TRIUNE_TRY(native_->check_deadline());
    return NodeReference{native_->nodes.at(place.table).label, native_->id_at(place.table, place.row)};
  });
}

const std::vector<NodeTableSize>& GraphReader::tables() const {
  return native_->sizes;
}

Status GraphReader::follow(const std::vector<std::string>& types) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    std::vector<TableEntry*> chosen;
    for (auto* entry : native_->types)
      if (types.empty() || std::find(types.begin(), types.end(), entry->getName()) != types.end())
        chosen.push_back(entry);
    native_->relations.clear();
    native_->relations = native_->relations_of(std::move(chosen), {}, native_->graph);
    return {};
  });
}

Status GraphReader::neighbors(NodePlace place, Direction direction, std::vector<NodePlace>& result) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    TRIUNE_TRY(native_->check_deadline());
    result.clear();
    const InternalId node{place.row, place.table};
    const auto collect = [&](::kuzu::graph::Graph::EdgeIterator edges, TableNumber table) {
      for (const auto chunk : edges)
        chunk.forEach([&](auto found, const auto&, auto i) { result.push_back({table, found[i].offset}); });
    };
    for (auto& relation : native_->relations) {
      if (direction != Direction::in && relation.from == place.table)
        collect(native_->graph->scanFwd(node, *relation.scan), relation.to);
      if (direction != Direction::out && relation.to == place.table)
        collect(native_->graph->scanBwd(node, *relation.scan), relation.from);
    }
    return {};
  });
}

Status GraphReader::scan_ids(const std::string& label, const std::function<Status(NodePlace, std::string)>& visitor) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    const auto& entry = native_->tables.entry(label);
    NodeColumns columns(native_->tables, entry, {"id"});
    return columns.scan([&](Offset row, std::uint32_t position) -> Status {
      TRIUNE_TRY(native_->check_deadline());
      return visitor({entry.getTableID(), row}, columns.text(0, position));
    });
  });
}

Status GraphReader::scan_nodes(const contract::NodeLabel& label, const std::function<Status(const PutNode&)>& visitor) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    const auto properties = property_names(label.properties);
    std::vector<std::string> names{"id"};
    names.insert(names.end(), properties.begin(), properties.end());
    NodeColumns columns(native_->tables, native_->tables.entry(label.name), names);
    PutNode node{.node = {label.name, {}}, .properties = {}};
    return columns.scan([&](Offset, std::uint32_t position) -> Status {
      TRIUNE_TRY(native_->check_deadline());
      node.node.id = columns.text(0, position);
      node.properties.clear();
      for (std::size_t i = 0; i < properties.size(); ++i)
        if (auto value = columns.value(i + 1, position); !is_null(value))
          node.properties.push_back({properties[i], std::move(value)});
      return visitor(node);
    });
  });
}

Status GraphReader::scan_edges(const contract::EdgeType& type, const std::function<Status(const PutEdge&)>& visitor) {
  return without_exceptions(native_->session.deadline(), [&]() -> Status {
    const auto properties = property_names(type.properties);
    std::unique_ptr<::kuzu::graph::OnDiskGraph> in;
    auto relations = native_->relations_of({&native_->tables.entry(type.name)}, properties, in);
    for (auto& relation : relations) TRIUNE_TRY(native_->scan_relation(type.name, properties, relation, *in, visitor));
    return {};
  });
}

}  // namespace triune::adapters::kuzu
