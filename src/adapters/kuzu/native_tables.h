// Kuzu's tables as its operators use them: cells, columns, and the edges of one table by their ends. Includes Kuzu's
// headers: for graph_writer.cpp and graph_reader.cpp alone.
#pragma once

#include <catalog/catalog.h>
#include <catalog/catalog_entry/rel_group_catalog_entry.h>
#include <graph/on_disk_graph.h>
#include <storage/storage_manager.h>
#include <storage/table/node_table.h>
#include <storage/table/rel_table.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/kuzu/engine_native.h"
#include "triune/value.h"

namespace triune::adapters::kuzu {

using Offset = ::kuzu::common::offset_t;
using TableNumber = ::kuzu::common::table_id_t;
using InternalId = ::kuzu::common::internalID_t;
using TableEntry = ::kuzu::catalog::TableCatalogEntry;
using EdgeTypeEntry = ::kuzu::catalog::RelGroupCatalogEntry;
using NodeStorage = ::kuzu::storage::NodeTable;
using EdgeStorage = ::kuzu::storage::RelTable;
using VectorState = std::shared_ptr<::kuzu::common::DataChunkState>;

/// A vector of Kuzu that holds one value.
class Cell {
 public:
  Cell(const ::kuzu::common::LogicalType& type, ::kuzu::storage::MemoryManager* memory, const VectorState& state)
      : vector_(std::make_unique<::kuzu::common::ValueVector>(type.copy(), memory, state)) {}

  [[nodiscard]] ::kuzu::common::ValueVector& vector() const { return *vector_; }
  void set(const InternalId& id);
  void set_text(std::string_view text);
  /// A value that fits the column's type: integers fit DOUBLE, Json fits STRING, NULL fits all.
  void set(const Value& value);

 private:
  std::unique_ptr<::kuzu::common::ValueVector> vector_;
};

/// A column of a table with the cell for the value to be written.
struct Column {
  std::string name;
  ::kuzu::common::column_id_t number = 0;
  Cell cell;
};

/// The tables of one database in the transaction that is open on its connection.
class NativeTables {
 public:
  explicit NativeTables(::kuzu::main::ClientContext& context) : context_(&context) {}

  [[nodiscard]] ::kuzu::main::ClientContext& context() const { return *context_; }
  [[nodiscard]] ::kuzu::transaction::Transaction* transaction() const { return context_->getTransaction(); }
  [[nodiscard]] ::kuzu::storage::MemoryManager* memory() const { return context_->getMemoryManager(); }
  [[nodiscard]] TableEntry& entry(const std::string& name) const;
  [[nodiscard]] NodeStorage& nodes(const TableEntry& entry) const;
  [[nodiscard]] EdgeStorage& edges(::kuzu::common::oid_t number) const;
  [[nodiscard]] std::vector<EdgeTypeEntry*> edge_types() const;
  /// The columns in the order of their numbers.
  [[nodiscard]] std::vector<Column> columns(const TableEntry& entry, const VectorState& state) const;

 private:
  ::kuzu::main::ClientContext* context_;
};

/// An edge at a node: the other end and its number.
struct EdgeAtNode {
  Offset other = 0;
  InternalId number;
};

/// The edges from one label to another of one type. Sees what was in the tables when it was made.
class EdgeIndex {
 public:
  EdgeIndex(const NativeTables& tables, TableEntry& from, TableEntry& to, TableEntry& type);

  [[nodiscard]] EdgeStorage& storage() const { return *storage_; }
  [[nodiscard]] InternalId from(Offset offset) const { return {offset, from_}; }
  [[nodiscard]] InternalId to(Offset offset) const { return {offset, to_}; }
  [[nodiscard]] TableNumber from_table() const { return from_; }
  [[nodiscard]] TableNumber to_table() const { return to_; }
  /// The edges out of a node (FWD), or into it (BWD).
  [[nodiscard]] std::vector<EdgeAtNode> at(Offset node, ::kuzu::common::RelDataDirection direction);
  /// Fills in the numbers of those edges from `source` whose ends are keys of `edges`.
  void find(Offset source, std::unordered_map<Offset, std::optional<InternalId>>& edges);

 private:
  TableNumber from_;
  TableNumber to_;
  EdgeStorage* storage_;
  ::kuzu::graph::OnDiskGraph graph_;
  std::unique_ptr<::kuzu::graph::NbrScanState> scan_;
};

}  // namespace triune::adapters::kuzu
