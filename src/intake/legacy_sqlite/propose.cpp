#include "intake/legacy_sqlite/propose.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/try.h"
#include "intake/legacy_sqlite/work.h"
#include "model/sql_text.h"
#include "placement/classify.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;
using placement::Assessment;
using placement::ColumnReport;
using placement::RelationshipReport;
using placement::TableReport;

constexpr std::size_t most_properties = 8;
constexpr std::uint64_t longest_id = 1024;          ///< Bytes.
constexpr std::uint64_t longest_property = 64;      ///< Bytes on average.
constexpr std::uint64_t large_value = 1ULL << 20U;  ///< Worth a blob, if anything is.
/// What a query along edges gains at least where the old file has no index for it, or where many ways lead on.
constexpr double promised = 2;
/// In smaller networks every way to look something up is fast.
constexpr std::uint64_t edges_worth_a_promise = 1'000;
/// A node with more than one of so many edges is a hub.
constexpr std::uint64_t hub_share = 20;
constexpr std::uint64_t rows_worth_an_index = 1'000;

class Proposal {
 public:
  Proposal(const Assessment& assessment, LegacySource& source) : assessment_(assessment), source_(source) {}

  Result<Plan> make() {
    plan_.source = stamp_of(assessment_.path);
    plan_.source.schema_hash = source_.schema_hash();
    for (const auto& table : assessment_.tables) TRIUNE_TRY(add_table(table));
    for (const auto& relationship : assessment_.relationships) add_relationship(relationship);
    for (const auto& table : assessment_.tables) add_foreign_keys(table);
    for (const auto& vector : assessment_.vectors) add_vector(vector);
    for (const auto& table : assessment_.tables) add_large_values(table);
    add_objects();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool is_copied(std::string_view name) const { return copied_table(plan_, name) != nullptr; }

  [[nodiscard]] const TableReport* report_of(std::string_view name) const {
    return placement::find_table(assessment_.tables, name);
  }

  Status add_table(const TableReport& table) {
    if (table.kind == TableReport::Kind::view) return {};
    if (table.kind != TableReport::Kind::table) {
      plan_.left_out.push_back(
          {table.name, std::string(to_string(table.kind)),
           table.kind == TableReport::Kind::shadow
               ? "it holds the insides of a virtual table"
               : "virtual tables need the code that made them; for full text, plan a text index instead"});
      return {};
    }
    if (placement::small_letters(table.name).starts_with("triune_")) {
      plan_.left_out.push_back({table.name, "table", "names that start with triune_ belong to Triune; rename it"});
      return {};
    }
    TRIUNE_ASSIGN(const auto characteristics, placement::characteristics_of(assessment_, table.name));
    const auto decision = placement::classify(characteristics.front());
    plan_.tables.push_back({.name = table.name,
                            .rows = table.rows,
                            .bytes = table.bytes,
                            .engines = decision.engines,
                            .primary = decision.primary,
                            .confidence = decision.confidence,
                            .reasons = decision.reasons});
    add_text_index(table, characteristics.front().text_columns);
    add_missing_indexes(table);
    return {};
  }

  void add_text_index(const TableReport& table, const std::vector<std::string>& columns) {
    if (columns.empty() || identity_column(table).empty()) return;
    std::string name = "text_";
    for (const char letter : table.name) {
      const bool plain =
          (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
      name += plain ? letter : '_';
    }
    constexpr std::size_t longest_name = 60;
    name = unused(texts_, name.substr(0, longest_name));
    plan_.texts.push_back(
        {.name = name, .table = table.name, .columns = columns, .reason = "prose, worth full-text search"});
  }

  void add_missing_indexes(const TableReport& table) {
    for (const auto& key : table.foreign_keys) {
      if (key.indexed || key.create_index.empty()) continue;
      std::string name = "index_" + table.name;
      for (const auto& column : key.columns) name += "_" + column;
      while (source_.definition("index", name) != nullptr || source_.definition("table", name) != nullptr) name += "_2";
      plan_.indexes.push_back({.name = unused(indexes_, name),
                               .apply = table.rows >= rows_worth_an_index,
                               .table = table.name,
                               .columns = key.columns,
                               .measured_gain = key.gain ? key.gain->ratio() : 0,
                               .reason = fmt::format("no index finds the rows of a row of {}", key.parent)});
    }
  }

  static std::string unused(std::set<std::string>& names, const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; !names.insert(name).second; ++number) name = fmt::format("{}_{}", wanted, number);
    return name;
  }

  [[nodiscard]] bool is_vector(const TableReport& table, const ColumnReport& column) const {
    return std::any_of(assessment_.vectors.begin(), assessment_.vectors.end(),
                       [&](const auto& vector) { return vector.table == table.name && vector.column == column.name; });
  }

  /// Columns that hold text which is not UTF-8 or has NUL: no engine but SQLite's tables can keep it.
  const std::set<std::string>& odd_columns(const TableReport& table) {
    const auto known = odd_.find(table.name);
    if (known != odd_.end()) return known->second;
    auto& odd = odd_[table.name];
    std::vector<std::string> names;
    for (const auto& column : table.columns)
      if (is_short(table, column) && column.texts > 0) names.push_back(column.name);
    if (names.empty()) return odd;
    const auto sql =
        fmt::format("SELECT {} FROM \"main\".{}", placement::quoted_list(names), quote_identifier(table.name));
    const auto read = source_.reader()(sql, {}, [&](std::span<const Value> row) -> Status {
      for (std::size_t i = 0; i < row.size(); ++i)
        if (std::holds_alternative<Bytes>(row[i])) odd.insert(names[i]);
      return {};
    });
    // A table that cannot be read to its end is not made nodes or edges of.
    if (!read) odd.insert(names.begin(), names.end());
    return odd;
  }

  [[nodiscard]] bool is_short(const TableReport& table, const ColumnReport& column) const {
    const auto values = column.texts + column.blobs;
    return !column.generated && column.blobs == 0 && !is_vector(table, column) &&
           (values == 0 || column.bytes / values <= longest_property);
  }

  /// Whether values name rows as text without doubt: all whole numbers, or all texts that any engine can hold.
  bool names_rows(const TableReport& table, const std::string& name) {
    const auto* column = placement::find_column(table, name);
    if (column == nullptr || column->reals > 0 || column->blobs > 0 || column->largest_bytes > longest_id) return false;
    return (column->integers == 0 || column->texts == 0) && !odd_columns(table).contains(column->name);
  }

  /// Short columns: what a query along edges wants to see or filter by. Long ones would be stored twice.
  [[nodiscard]] std::vector<std::string> properties_of(const TableReport& table,
                                                       const std::vector<std::string>& without) {
    std::vector<std::string> names;
    for (const auto& column : table.columns) {
      const bool fits = is_short(table, column) && !odd_columns(table).contains(column.name);
      const bool taken = std::any_of(without.begin(), without.end(),
                                     [&](const auto& name) { return placement::same_name(name, column.name); });
      if (fits && !taken && names.size() < most_properties) names.push_back(column.name);
    }
    return names;
  }

  /// The label of a table's nodes, which are planned when first asked for; empty when rows have no name.
  std::string label_of(const std::string& table_name) {
    for (const auto& node : plan_.nodes)
      if (node.values_of.empty() && placement::same_name(node.table, table_name)) return node.label;
    const auto* table = report_of(table_name);
    if (table == nullptr || !is_copied(table_name)) return {};
    const auto key = identity_column(*table);
    if (key.empty() || !names_rows(*table, key)) return {};
    const auto label = unused(labels_, table->name);
    auto properties = properties_of(*table, {key});
    // Without any named, a mapping would take all columns; the key is there anyway.
    if (properties.empty()) properties.push_back(key);
    plan_.nodes.push_back({.label = label,
                           .table = table->name,
                           .properties = std::move(properties),
                           .reason = "its rows are the ends of edges"});
    return label;
  }

  std::string value_label(const RelationshipReport& relationship) {
    const auto label = unused(labels_, relationship.table + "_node");
    plan_.nodes.push_back({.label = label,
                           .table = relationship.table,
                           .values_of = {relationship.from_column, relationship.to_column},
                           .reason = "no table holds these nodes"});
    return label;
  }

  static std::string kind_of(const RelationshipReport& relationship) {
    if (relationship.kind == RelationshipReport::Kind::json_list) return "json list";
    return relationship.kind == RelationshipReport::Kind::text_list ? "text list" : "columns";
  }

  void add_relationship(const RelationshipReport& relationship) {
    const auto* table = report_of(relationship.table);
    if (table == nullptr || !is_copied(relationship.table)) return;
    EdgePlan edge{.type = relationship.edge_type,
                  .kind = kind_of(relationship),
                  .table = relationship.table,
                  .from_column = relationship.from_column,
                  .to_column = relationship.to_column,
                  .edges = relationship.network.edges,
                  .complexity = relationship.network.complexity};
    if (relationship.from_table.empty()) {
      if (!names_rows(*table, edge.from_column) || !names_rows(*table, edge.to_column)) return;
      edge.from_label = edge.to_label = value_label(relationship);
    } else {
      edge.from_label = label_of(relationship.from_table);
      edge.to_label = label_of(relationship.to_table);
    }
    if (edge.from_label.empty() || edge.to_label.empty()) return;
    if (edge.kind == "columns" && relationship.kind != RelationshipReport::Kind::self_reference)
      edge.properties = properties_of(*table, {edge.from_column, edge.to_column});
    edge.type = unused(types_, edge.type);
    explain(relationship, *table, edge);
    plan_.edges.push_back(std::move(edge));
  }

  /// Whether an index of the old file begins with the column.
  static bool is_indexed(const TableReport& table, std::string_view column) {
    if (!table.key.empty() && placement::same_name(table.key.front(), column)) return true;
    return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const auto& index) {
      return !index.partial && !index.columns.empty() && placement::same_name(index.columns.front(), column);
    });
  }

  /// The end of an edge that no index of the old file finds; empty when both are found.
  static std::string unindexed_end(const TableReport& table, const EdgePlan& edge) {
    if (!is_indexed(table, edge.from_column)) return edge.from_column;
    return is_indexed(table, edge.to_column) ? std::string() : edge.to_column;
  }

  static void explain(const RelationshipReport& relationship, const TableReport& table, EdgePlan& edge) {
    const bool list = edge.kind != "columns";
    // What a hub leads to is much, however it is found.
    const bool large =
        edge.edges >= edges_worth_a_promise && relationship.network.highest_degree * hub_share <= edge.edges;
    if (list) {
      edge.reason =
          "keys in a list, which no index of SQL can follow; edges are made once, writes to the column do not "
          "change them";
    } else if (const auto column = unindexed_end(table, edge); !column.empty()) {
      edge.reason =
          fmt::format("no index of {} begins with {}, so a step from there reads the table", table.name, column);
    } else if (relationship.network.complexity > 0.7) {
      edge.reason = fmt::format("network complexity {:.2f} is above 0.7: many ways lead on", edge.complexity);
    } else {
      edge.reason = fmt::format("network complexity {:.2f}: SQL follows it well; as edges it can be walked by name",
                                edge.complexity);
    }
    if (large && (list || !unindexed_end(table, edge).empty())) edge.promised_gain = promised;
  }

  /// Plain references are edges too, for whoever wants to walk them; SQL serves them as well, so they are off.
  void add_foreign_keys(const TableReport& table) {
    if (!is_copied(table.name) || identity_column(table).empty()) return;
    for (const auto& key : table.foreign_keys) {
      const auto* parent = report_of(key.parent);
      if (parent == nullptr || key.columns.size() != 1 || is_planned(table.name, key.columns[0])) continue;
      if (key.parent_columns.size() != 1 || !placement::same_name(key.parent_columns[0], identity_column(*parent)))
        continue;
      if (!has_label(table.name) || !has_label(key.parent)) continue;
      const auto stem = placement::reference_stem(key.columns[0]);
      plan_.edges.push_back(
          {.type = unused(types_, placement::edge_type_of(table.name + "_" + (stem.empty() ? key.columns[0] : stem))),
           .apply = false,
           .kind = "columns",
           .table = table.name,
           .from_column = identity_column(table),
           .from_label = label_of(table.name),
           .to_column = key.columns[0],
           .to_label = label_of(key.parent),
           .edges = table.rows,
           .reason = "a plain reference: joins in SQL serve it; turn it on to walk it as an edge"});
    }
  }

  [[nodiscard]] bool has_label(std::string_view table) const {
    return std::any_of(plan_.nodes.begin(), plan_.nodes.end(), [&](const NodePlan& node) {
      return node.values_of.empty() && placement::same_name(node.table, table);
    });
  }

  [[nodiscard]] bool is_planned(std::string_view table, std::string_view column) const {
    return std::any_of(plan_.edges.begin(), plan_.edges.end(), [&](const EdgePlan& edge) {
      return placement::same_name(edge.table, table) &&
             (placement::same_name(edge.to_column, column) || placement::same_name(edge.from_column, column));
    });
  }

  void add_vector(const placement::VectorReport& vector) {
    const auto* table = report_of(vector.table);
    if (table == nullptr || !is_copied(vector.table)) return;
    const auto key = identity_column(*table);
    const bool named = key.empty() ? !table->without_rowid : names_rows(*table, key);
    plan_.vectors.push_back(
        {.collection = unused(collections_, vector.table + "_" + vector.column),
         .apply = named,
         .table = vector.table,
         .column = vector.column,
         .form = vector.form,
         .dimension = vector.dimension,
         .metric = "cosine",
         .reason = fmt::format("{} vectors kept as {}; as a collection they are found by nearness. The column stays",
                               vector.count, vector.form)});
  }

  void add_large_values(const TableReport& table) {
    if (!is_copied(table.name) || identity_column(table).empty()) return;
    for (const auto& column : table.columns)
      if (column.largest_bytes > large_value)
        plan_.blobs.push_back({.table = table.name,
                               .column = column.name,
                               .larger_than = large_value,
                               .reason =
                                   "values of more than 1 MB; turned on, each is also kept as a blob, and the column "
                                   "keeps it, so that the application's SQL goes on"});
  }

  void add_objects() {
    for (const auto& one : source_.definitions()) {
      if (one.type == "view") plan_.views.push_back({.name = one.name, .reason = "carried over as it is"});
      const bool on_table = is_copied(one.table) || source_.definition("view", one.table) != nullptr;
      if (one.type == "trigger")
        plan_.triggers.push_back({.name = one.name,
                                  .apply = on_table,
                                  .reason = on_table ? "carried over once the rows are there, so that it does not run "
                                                       "for them again"
                                                     : "it is not on a table that is copied"});
    }
    if (source_.definition("table", "sqlite_stat1") != nullptr)
      plan_.left_out.push_back({"sqlite_stat1", "statistics", "run ANALYZE in the hive to make them anew"});
  }

  const Assessment& assessment_;
  LegacySource& source_;
  Plan plan_;
  std::map<std::string, std::set<std::string>> odd_;
  std::set<std::string> labels_;
  std::set<std::string> types_;
  std::set<std::string> collections_;
  std::set<std::string> texts_;
  std::set<std::string> indexes_;
};

}  // namespace

Result<Plan> propose(const placement::Assessment& assessment, LegacySource& source) {
  return Proposal(assessment, source).make();
}

}  // namespace triune::intake::legacy
