// Phase graph: tables that appear as nodes and edges, and edges out of lists.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/failpoint.h"
#include "base/try.h"
#include "intake/legacy_sqlite/work.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

constexpr std::size_t page = 5'000;

/// Pages of a statement that ends in "… > ?1 ORDER BY 1 LIMIT n": a bulk load asks for one entity at a time.
class Pages {
 public:
  Pages(contract::ForeignDatabase& database, std::string first, std::string further)
      : database_(database), first_(std::move(first)), further_(std::move(further)) {}

  Result<const std::vector<Value>*> next() {
    if (at_ == rows_.size()) TRIUNE_TRY(turn());
    return rows_.empty() ? nullptr : &rows_[at_++];
  }

 private:
  Status turn() {
    const bool begun = !rows_.empty();
    if (begun && rows_.size() < page) {
      rows_.clear();
      at_ = 0;
      return {};
    }
    const std::vector<Value> parameters = begun ? std::vector<Value>{rows_.back()[0]} : std::vector<Value>{};
    TRIUNE_ASSIGN(auto found, database_.query(begun ? further_ : first_, parameters, page, patient_deadline()));
    rows_ = std::move(found.rows);
    at_ = 0;
    return {};
  }

  contract::ForeignDatabase& database_;
  std::string first_;
  std::string further_;
  std::vector<std::vector<Value>> rows_;
  std::size_t at_ = 0;
};

std::string values_sql(const NodePlan& node, std::string_view condition) {
  std::string parts;
  for (const auto& column : node.values_of)
    parts += fmt::format("{}SELECT CAST({} AS TEXT) AS v FROM \"main\".{}", parts.empty() ? "" : " UNION ",
                         quote_identifier(column), quote_identifier(node.table));
  return fmt::format("SELECT v FROM ({}) WHERE v IS NOT NULL AND v <> ''{} ORDER BY 1 LIMIT {}", parts, condition,
                     page);
}

/// Nodes that no table holds: the values of columns.
Result<std::uint64_t> load_value_nodes(const Work& work, const NodePlan& node) {
  Pages pages(work.source.database(), values_sql(node, ""), values_sql(node, " AND v > ?1"));
  std::uint64_t count = 0;
  TRIUNE_TRY(work.hive.load_nodes(
      node.label,
      [&](PutNode& put) -> Result<bool> {
        TRIUNE_TRY(work.go_on());
        TRIUNE_ASSIGN(const auto* row, pages.next());
        if (row == nullptr) return false;
        put = {.node = {.label = node.label, .id = to_text((*row)[0])}, .properties = {}};
        ++count;
        return true;
      },
      work.progress));
  return count;
}

Result<std::uint64_t> make_nodes(const Work& work, const NodePlan& node) {
  if (!node.values_of.empty()) return load_value_nodes(work, node);
  TRIUNE_TRY(work.hive.map_nodes({.table = node.table, .label = node.label, .properties = node.properties}));
  return work.source.count(node.table);
}

/// Edges out of lists, by a temporary table of their pairs, so that they can be asked for page by page.
Result<std::uint64_t> load_list_edges(const Work& work, const EdgePlan& edge) {
  auto& database = work.source.database();
  TRIUNE_TRY(database.scratch("DROP TABLE IF EXISTS temp.triune_pairs", {}, patient_deadline()));
  TRIUNE_TRY(database.scratch("CREATE TEMP TABLE triune_pairs (n INTEGER PRIMARY KEY, f TEXT, g TEXT, UNIQUE (f, g))",
                              {}, patient_deadline()));
  TRIUNE_ASSIGN(const auto pairs, list_pairs(work.source, work.plan, edge));
  TRIUNE_TRY(database.scratch("INSERT OR IGNORE INTO temp.triune_pairs (f, g) " + pairs, {}, patient_deadline()));
  Pages pages(database, fmt::format("SELECT n, f, g FROM temp.triune_pairs ORDER BY n LIMIT {}", page),
              fmt::format("SELECT n, f, g FROM temp.triune_pairs WHERE n > ?1 ORDER BY n LIMIT {}", page));
  std::uint64_t count = 0;
  TRIUNE_TRY(work.hive.load_edges(
      edge.type, edge.from_label, edge.to_label,
      [&](PutEdge& put) -> Result<bool> {
        TRIUNE_TRY(work.go_on());
        TRIUNE_ASSIGN(const auto* row, pages.next());
        if (row == nullptr) return false;
        put.edge.from.id = to_text((*row)[1]);
        put.edge.to.id = to_text((*row)[2]);
        ++count;
        return true;
      },
      work.progress));
  TRIUNE_TRY(database.scratch("DROP TABLE temp.triune_pairs", {}, patient_deadline()));
  return count;
}

Result<std::uint64_t> make_edges(const Work& work, const EdgePlan& edge) {
  if (edge.kind != "columns") return load_list_edges(work, edge);
  TRIUNE_TRY(work.hive.map_edges({.table = edge.table,
                                  .type = edge.type,
                                  .from_column = edge.from_column,
                                  .from_label = edge.from_label,
                                  .to_column = edge.to_column,
                                  .to_label = edge.to_label,
                                  .properties = edge.properties}));
  return work.source.count(edge.table);
}

Status analyze_nodes(const Work& work) {
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(work.hive, patient_deadline()));
  TRIUNE_TRY(transaction->session().execute("ANALYZE triune_nodes", {}));
  TRIUNE_TRY(transaction->commit());
  return {};
}

}  // namespace

Status make_graph(const Work& work) {
  for (const auto& node : work.plan.nodes) {
    if (!node.apply) continue;
    work.report("nodes " + node.label, 0, 0);
    TRIUNE_TRY(work.once("graph", "nodes " + node.label, [&] { return make_nodes(work, node); }));
  }
  // Edges are made by joining rows with the nodes that came just now.
  if (work.to_server()) TRIUNE_TRY(analyze_nodes(work));
  for (const auto& edge : work.plan.edges) {
    if (!edge.apply) continue;
    work.report("edges " + edge.type, 0, 0);
    TRIUNE_TRY(work.once("graph", "edges " + edge.type, [&] { return make_edges(work, edge); }));
  }
  return {};
}

}  // namespace triune::intake::legacy
