#include "adapters/kuzu/native_tables.h"

#include <map>

namespace triune::adapters::kuzu {
namespace {

using ::kuzu::common::LogicalType;
using ::kuzu::common::PhysicalTypeID;

double number(const Value& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
}

const std::string& text(const Value& value) {
  const auto* plain = std::get_if<std::string>(&value);
  return plain != nullptr ? *plain : std::get<Json>(value).text;
}

::kuzu::graph::NativeGraphEntry graph_entry(TableEntry& from, TableEntry& to, TableEntry& type) {
  std::vector<TableEntry*> nodes{&from};
  if (from.getTableID() != to.getTableID()) nodes.push_back(&to);
  return {std::move(nodes), {&type}};
}

::kuzu::common::oid_t edge_table_number(TableEntry& from, TableEntry& to, TableEntry& type) {
  return type.constCast<EdgeTypeEntry>().getRelEntryInfo(from.getTableID(), to.getTableID())->oid;
}

}  // namespace

void Cell::set(const InternalId& id) {
  vector_->setNull(0, false);
  vector_->setValue<InternalId>(0, id);
}

void Cell::set_text(std::string_view value) {
  vector_->resetAuxiliaryBuffer();  // where long texts are kept; it would only grow
  vector_->setNull(0, false);
  vector_->setValue<std::string_view>(0, value);
}

void Cell::set(const Value& value) {
  vector_->setNull(0, is_null(value));
  if (is_null(value)) return;
  switch (vector_->dataType.getPhysicalType()) {
    case PhysicalTypeID::BOOL: return vector_->setValue<bool>(0, std::get<bool>(value));
    case PhysicalTypeID::INT64: return vector_->setValue<std::int64_t>(0, std::get<std::int64_t>(value));
    case PhysicalTypeID::DOUBLE: return vector_->setValue<double>(0, number(value));
    default: return set_text(text(value));
  }
}

TableEntry& NativeTables::entry(const std::string& name) const {
  return *context_->getCatalog()->getTableCatalogEntry(transaction(), name);
}

NodeStorage& NativeTables::nodes(const TableEntry& entry) const {
  return *context_->getStorageManager()->getTable(entry.getTableID())->ptrCast<NodeStorage>();
}

EdgeStorage& NativeTables::edges(::kuzu::common::oid_t number) const {
  return *context_->getStorageManager()->getTable(number)->ptrCast<EdgeStorage>();
}

std::vector<EdgeTypeEntry*> NativeTables::edge_types() const {
  return context_->getCatalog()->getRelGroupEntries(transaction());
}

std::vector<Column> NativeTables::columns(const TableEntry& entry, const VectorState& state) const {
  std::map<::kuzu::common::column_id_t, std::pair<std::string, LogicalType>> ordered;
  for (const auto& property : entry.getProperties())
    ordered.emplace(entry.getColumnID(property.getName()), std::pair(property.getName(), property.getType().copy()));
  std::vector<Column> columns;
  for (const auto& [id, named] : ordered) columns.push_back({named.first, id, Cell(named.second, memory(), state)});
  return columns;
}

EdgeIndex::EdgeIndex(const NativeTables& tables, TableEntry& from, TableEntry& to, TableEntry& type)
    : from_(from.getTableID()),
      to_(to.getTableID()),
      storage_(&tables.edges(edge_table_number(from, to, type))),
      graph_(&tables.context(), graph_entry(from, to, type)),
      scan_(graph_.prepareRelScan(type, storage_->getTableID(), to_, {::kuzu::common::InternalKeyword::ID})) {}

std::vector<EdgeAtNode> EdgeIndex::at(Offset node, ::kuzu::common::RelDataDirection direction) {
  std::vector<EdgeAtNode> found;
  const bool out = direction == ::kuzu::common::RelDataDirection::FWD;
  for (const auto chunk : out ? graph_.scanFwd(from(node), *scan_) : graph_.scanBwd(to(node), *scan_)) {
    chunk.forEach([&](auto neighbors, const auto& properties, auto i) {
      found.push_back({neighbors[i].offset, properties[0]->template getValue<InternalId>(i)});
    });
  }
  return found;
}

void EdgeIndex::find(Offset source, std::unordered_map<Offset, std::optional<InternalId>>& edges) {
  for (const auto chunk : graph_.scanFwd(from(source), *scan_)) {
    chunk.forEach([&](auto neighbors, const auto& properties, auto i) {
      const auto found = edges.find(neighbors[i].offset);
      if (found != edges.end()) found->second = properties[0]->template getValue<InternalId>(i);
    });
  }
}

}  // namespace triune::adapters::kuzu
