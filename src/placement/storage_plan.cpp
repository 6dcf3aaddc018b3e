#include "placement/storage_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/decide.h"
#include "placement/names.h"

namespace triune::placement {
namespace {

using contract::Dialect;
using model::quote_identifier;

constexpr std::string_view cause = "create_optimal_storage";

std::string type_in(Dialect dialect, std::string_view type) {
  const bool sqlite = dialect == Dialect::sqlite;
  if (type == "integer") return sqlite ? "INTEGER" : "bigint";
  if (type == "real") return sqlite ? "REAL" : "double precision";
  if (type == "boolean") return sqlite ? "INTEGER" : "boolean";
  if (type == "blob") return sqlite ? "BLOB" : "bytea";
  return sqlite ? "TEXT" : "text";
}

std::string collection_name(const DataCharacteristics& data, const EmbeddingCharacteristics& vector) {
  return vector.name.empty() ? data.name : data.name + "_" + vector.name;
}

class Planner {
 public:
  Planner(const DataCharacteristics& data, Dialect dialect, const FindEnd& find_end)
      : data_(data), dialect_(dialect), find_end_(find_end), decision_(classify(characteristics())) {}

  Result<StoragePlan> plan() {
    plan_.placements.push_back(decided());
    add_table();
    for (const auto& tie : data_.relationships) TRIUNE_TRY(add_tie(tie));
    for (const auto& vector : data_.vectors) add_vectors(vector);
    add_text();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Characteristics characteristics() const {
    Characteristics all{.name = data_.name,
                        .rows = data_.rows,
                        .multi_hop_share = data_.multi_hop_share,
                        .write_share = data_.write_share,
                        .append_only = data_.append_only};
    for (const auto& tie : data_.relationships)
      all.relationships.push_back({.type = tie.type,
                                   .from = data_.name,
                                   .to = tie.to.empty() ? data_.name : tie.to,
                                   .edges = tie.edges,
                                   .complexity = tie.complexity});
    for (const auto& vector : data_.vectors)
      all.vectors.push_back({.column = vector.name,
                             .dimension = vector.dimension,
                             .count = vector.count == 0 ? data_.rows : vector.count,
                             .normalized = {},
                             .metric = vector.metric});
    for (const auto& column : data_.columns)
      if (column.prose) all.text_columns.push_back(column.name);
    return all;
  }

  [[nodiscard]] Placement decided() const {
    Placement placement{.kind = "store",
                        .name = data_.name,
                        .cause = std::string(cause),
                        .engines = decision_.engines,
                        .primary = decision_.primary,
                        .confidence = decision_.confidence,
                        .reasons = decision_.reasons};
    placement.parameters = {{"table", data_.name},
                            {"transaction_mode", decision_.transaction_mode},
                            {"definition", Json{definition_of(data_)}}};
    placement.figures = {{"rows", static_cast<std::int64_t>(data_.rows)}};
    for (const auto& tie : data_.relationships) {
      placement.figures.push_back({tie.type + " complexity", tie.complexity});
      placement.figures.push_back({tie.type + " edges", static_cast<std::int64_t>(tie.edges)});
    }
    if (data_.multi_hop_share) placement.figures.push_back({"multi_hop_share", *data_.multi_hop_share});
    if (data_.write_share) placement.figures.push_back({"write_share", *data_.write_share});
    return placement;
  }

  void add_table() {
    std::string columns = "id " + type_in(dialect_, "text") + " NOT NULL PRIMARY KEY";
    std::string names = "id";
    std::string values = "?1";
    for (std::size_t i = 0; i < data_.columns.size(); ++i) {
      const auto& column = data_.columns[i];
      columns += fmt::format(", {} {}{}", quote_identifier(column.name), type_in(dialect_, column.type),
                             column.not_null ? " NOT NULL" : "");
      names += ", " + quote_identifier(column.name);
      values += fmt::format(", ?{}", i + 2);
    }
    create_table(data_.name, columns);
    for (const auto& column : data_.columns)
      if (column.searched) create_index(data_.name + "_" + column.name, data_.name, {column.name});
    plan_.how_to.push_back(fmt::format("INSERT INTO {} ({}) VALUES ({})", quote_identifier(data_.name), names, values));
  }

  void create_table(const std::string& name, const std::string& columns) {
    plan_.statements.push_back(fmt::format("CREATE TABLE {} ({}){}", quote_identifier(name), columns,
                                           dialect_ == Dialect::sqlite ? " STRICT" : ""));
    plan_.made.push_back("table " + name);
  }

  void create_index(const std::string& name, const std::string& table, std::vector<std::string> columns) {
    plan_.statements.push_back(fmt::format("CREATE INDEX {} ON {} ({})", quote_identifier(name),
                                           quote_identifier(table), quoted_list(columns)));
    plan_.made.push_back(fmt::format("index {} on {} ({})", name, table, fmt::join(columns, ", ")));
  }

  /// An edge table that answers in both directions from an index alone; and edges of the graph where that was decided.
  Status add_tie(const TieCharacteristics& tie) {
    TieEnd end{.table = data_.name, .key = "id", .label = data_.name};
    if (!tie.to.empty() && !same_name(tie.to, data_.name)) {
      TRIUNE_ASSIGN(end, find_end_(tie.to));
    }
    const auto table = data_.name + "_" + small_letters(tie.type);
    create_table(table, fmt::format("from_id {} NOT NULL REFERENCES {} (id) ON DELETE CASCADE, to_id {} NOT NULL "
                                    "REFERENCES {} ({}) ON DELETE CASCADE, PRIMARY KEY (from_id, to_id)",
                                    type_in(dialect_, "text"), quote_identifier(data_.name),
                                    type_in(dialect_, end.integer_key ? "integer" : "text"),
                                    quote_identifier(end.table), quote_identifier(end.key)));
    create_index(table + "_to", table, {"to_id", "from_id"});
    plan_.how_to.push_back(fmt::format("INSERT INTO {} (from_id, to_id) VALUES (?1, ?2)", quote_identifier(table)));
    const bool graph = std::any_of(decision_.graph.types.begin(), decision_.graph.types.end(),
                                   [&tie](const GraphSchema::EdgeType& one) { return one.type == tie.type; });
    if (graph) {
      map_tie(tie, table, end);
    } else {
      plan_.how_to.push_back(fmt::format("SELECT to_id FROM {} WHERE from_id = ?1", quote_identifier(table)));
    }
    return {};
  }

  void map_label(const std::string& table, const std::string& label, std::uint64_t rows) {
    const bool known =
        std::any_of(plan_.nodes.begin(), plan_.nodes.end(), [&](const NodeMapping& one) { return one.label == label; });
    if (known) return;
    plan_.nodes.push_back({.table = table, .label = label, .properties = {}});
    plan_.placements.push_back(decide_label(label, table, {.entities = rows, .network = {}}, std::string(cause)));
    plan_.made.push_back("label " + label);
  }

  void map_tie(const TieCharacteristics& tie, const std::string& table, const TieEnd& end) {
    map_label(data_.name, data_.name, data_.rows);
    const auto to_label = end.label.empty() ? end.table : end.label;
    if (end.label.empty()) map_label(end.table, end.table, 0);
    plan_.edges.push_back({.table = table,
                           .type = tie.type,
                           .from_column = "from_id",
                           .from_label = data_.name,
                           .to_column = "to_id",
                           .to_label = to_label,
                           .properties = {}});
    NetworkMeasure expected{.edges = std::max<std::uint64_t>(tie.edges, 1), .complexity = tie.complexity};
    auto placement = decide_type(tie.type, table, {.entities = tie.edges, .network = expected}, std::string(cause));
    // Nothing but the complexity is known before there are edges.
    placement.figures = {{"edges", static_cast<std::int64_t>(tie.edges)}, {"complexity", tie.complexity}};
    plan_.placements.push_back(std::move(placement));
    plan_.made.push_back("edge type " + tie.type);
    plan_.how_to.push_back(
        fmt::format("SELECT label, id, distance FROM neighbors('{}/ID', '{}', 'out', 2)", data_.name, tie.type));
    plan_.how_to.push_back(fmt::format("SELECT step, label, id FROM shortest_path('{}/ID', '{}/ID', '{}')", data_.name,
                                       to_label, tie.type));
  }

  void add_vectors(const EmbeddingCharacteristics& vector) {
    VectorCollection collection{.name = collection_name(data_, vector),
                                .dimension = vector.dimension,
                                .metric = vector.metric.value_or(Metric::cosine),
                                .owner_table = data_.name};
    const auto count = vector.count == 0 ? data_.rows : vector.count;
    plan_.placements.push_back(decide_vectors(collection, {.entities = count, .network = {}}, std::string(cause)));
    plan_.made.push_back(fmt::format("vector collection {} of {} dimensions, {}", collection.name, collection.dimension,
                                     to_string(collection.metric)));
    plan_.how_to.push_back(fmt::format("commit a PutVector {{collection \"{}\", id of the row, {} values}}",
                                       collection.name, collection.dimension));
    plan_.how_to.push_back(fmt::format("SELECT v.id, v.distance FROM vector_search('{}', ?1, 10) v", collection.name));
    plan_.vectors.push_back(std::move(collection));
  }

  void add_text() {
    TextIndex index{.name = data_.name, .table = data_.name, .columns = {}};
    for (const auto& column : data_.columns)
      if (column.prose) index.columns.push_back(column.name);
    if (index.columns.empty()) return;
    plan_.placements.push_back(decide_text(index, {.entities = data_.rows, .network = {}}, std::string(cause)));
    plan_.made.push_back(fmt::format("text index {} ({})", index.name, fmt::join(index.columns, ", ")));
    plan_.how_to.push_back(fmt::format("SELECT t.id, t.snippet FROM text_search('{}', ?1, 10) t", index.name));
    plan_.text = std::move(index);
  }

  const DataCharacteristics& data_;
  const Dialect dialect_;
  const FindEnd& find_end_;
  const Decision decision_;
  StoragePlan plan_;
};

}  // namespace

Result<StoragePlan> plan_storage(const DataCharacteristics& data, Dialect dialect, const FindEnd& find_end) {
  return Planner(data, dialect, find_end).plan();
}

}  // namespace triune::placement
