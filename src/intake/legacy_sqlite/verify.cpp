#include "intake/legacy_sqlite/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "hive/relocation.h"
#include "intake/legacy_sqlite/server_compare.h"
#include "intake/legacy_sqlite/vector_cells.h"
#include "model/sql_text.h"
#include "projection/canonical_sql.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

/// The digest of the rows of any statement.
Result<TableDigest> digest_rows(const RowReader& reader, std::string_view sql, std::span<const Value> parameters) {
  TableDigest digest;
  std::string text;
  TRIUNE_TRY(reader(sql, parameters, [&](std::span<const Value> row) -> Status {
    text.clear();
    for (const auto& value : row) encode(text, {value});
    digest.add(base::hash128(base::as_bytes(text)));
    return {};
  }));
  return digest;
}

/// The ids of a label as a statement on the source.
std::string ids_of(LegacySource& source, const NodePlan& node) {
  const auto table = "\"main\"." + quote_identifier(node.table);
  if (node.values_of.empty()) {
    const auto* report = source.table(node.table);
    const auto key = quote_identifier(report == nullptr ? "" : identity_column(*report));
    return fmt::format("SELECT CAST({0} AS TEXT) AS id FROM {1} WHERE {0} IS NOT NULL", key, table);
  }
  std::string parts;
  for (const auto& column : node.values_of)
    parts += fmt::format("{0}SELECT CAST({1} AS TEXT) AS id FROM {2} WHERE {1} IS NOT NULL AND CAST({1} AS TEXT) <> ''",
                         parts.empty() ? "" : " UNION ", quote_identifier(column), table);
  return parts;
}

constexpr std::string_view hive_nodes =
    "SELECT n.id FROM triune_nodes n JOIN triune_collections c ON c.collection_id = n.label_id "
    "WHERE n.organization_id = ?1 AND c.kind = 'label' AND c.name = ?2";

constexpr std::string_view hive_edges =
    "SELECT e.from_node, e.to_node FROM triune_collections c JOIN triune_edges e ON e.type_id = c.collection_id "
    "AND e.organization_id = c.organization_id WHERE c.organization_id = ?1 AND c.kind = 'type' AND c.name = ?2";

constexpr std::string_view hive_vectors =
    "SELECT v.id, x.vector FROM triune_collections c JOIN triune_vectors v ON v.collection_id = c.collection_id "
    "AND v.organization_id = c.organization_id JOIN triune_vector_values x ON ";

/// In PostgreSQL every key begins with the organization.
std::string vectors_in(contract::Dialect dialect) {
  return fmt::format("{}{} WHERE c.organization_id = ?1 AND c.kind = 'vector' AND c.name = ?2", hive_vectors,
                     projection::vector_value_is(dialect, "v.organization_id", "v.vector_key"));
}

base::Hash128 hash_of(const Value& id) {
  std::string text;
  encode(text, {id});
  return base::hash128(base::as_bytes(text));
}

/// An edge by the hashes of its ends.
base::Hash128 hash_of(const base::Hash128& from, const base::Hash128& to) {
  const std::array<std::uint64_t, 4> ends{from.low, from.high, to.low, to.high};
  return base::hash128(std::as_bytes(std::span(ends)));
}

/// Hashes of the ids of all nodes by their numbers, 24 bytes each: looking the ends of every edge up in the table would
/// read it at random places.
class NodeHashes {
 public:
  Status load(const RowReader& reader, std::int64_t organization) {
    const Value parameter = organization;
    return reader("SELECT node_id, id FROM triune_nodes WHERE organization_id = ?1 ORDER BY node_id", {&parameter, 1},
                  [this](std::span<const Value> row) -> Status {
                    nodes_.emplace_back(std::get<std::int64_t>(row[0]), hash_of(row[1]));
                    return {};
                  });
  }
  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  /// Nothing for a number that no node has.
  [[nodiscard]] base::Hash128 of(const Value& number) const {
    const auto wanted = std::get<std::int64_t>(number);
    const auto found = std::lower_bound(nodes_.begin(), nodes_.end(), wanted,
                                        [](const auto& node, std::int64_t each) { return node.first < each; });
    return found == nodes_.end() || found->first != wanted ? base::Hash128() : found->second;
  }

 private:
  std::vector<std::pair<std::int64_t, base::Hash128>> nodes_;
};

class Verifier {
 public:
  Verifier(const Work& work, RowReader after)
      : work_(work),
        before_(work.source.reader()),
        after_(std::move(after)),
        organization_(hive::organization_of(work.hive)) {}

  Result<Verification> run() {
    for (const auto& plan : work_.plan.tables)
      if (plan.copy) TRIUNE_TRY(compare(plan));
    for (const auto& node : work_.plan.nodes)
      if (node.apply) TRIUNE_TRY(compare(node));
    for (const auto& edge : work_.plan.edges)
      if (edge.apply) TRIUNE_TRY(compare(edge));
    for (const auto& vector : work_.plan.vectors)
      if (vector.apply) TRIUNE_TRY(compare(vector));
    return std::move(result_);
  }

 private:
  Status compare(const TablePlan& plan) {
    TRIUNE_TRY(work_.go_on());
    work_.report("comparing " + plan.name, result_.tables.size(), work_.plan.tables.size());
    const auto* table = work_.source.table(plan.name);
    if (table == nullptr) return failure(ErrorCode::conflict, fmt::format("the source has no table \"{}\"", plan.name));
    auto compared =
        work_.to_server() ? compare_on_server(plan, *table) : compare_table(before_, after_, RowLayout(*table));
    if (!compared) {
      compared.error().message = fmt::format("comparing the table \"{}\": {}", plan.name, compared.error().message);
      return failure_of(compared);
    }
    result_.tables.push_back(std::move(*compared));
    base::release_free_memory();
    return {};
  }

  Result<TableComparison> compare_on_server(const TablePlan& plan, const placement::TableReport& table) {
    TRIUNE_ASSIGN(const auto columns, ServerColumns::make(plan));
    std::vector<std::string> key;
    for (const auto& column : table.columns)
      if (column.primary_key_position > 0) key.push_back(column.name);
    return compare_with_server(before_, RowLayout(table, RowLayout::For::server), after_, columns, key);
  }

  Status compare(const NodePlan& node) {
    return compare_part("nodes " + node.label, ids_of(work_.source, node), hive_nodes, node.label);
  }

  Status compare(const EdgePlan& edge) {
    const auto what = "edges " + edge.type;
    if (edge.kind != "columns") {
      TRIUNE_ASSIGN(const auto pairs, list_pairs(work_.source, work_.plan, edge));
      return compare_edges(what, "SELECT DISTINCT * FROM (" + pairs + ")", edge.type);
    }
    const auto* from = node_plan(work_.plan, edge.from_label);
    const auto* to = node_plan(work_.plan, edge.to_label);
    if (from == nullptr || to == nullptr)
      return failure(ErrorCode::invalid_argument, fmt::format("{}: the plan lacks the nodes of its ends", what));
    const auto sql = fmt::format(
        "SELECT DISTINCT CAST({0} AS TEXT) AS f, CAST({1} AS TEXT) AS g FROM \"main\".{2} "
        "WHERE CAST({0} AS TEXT) IN ({3}) AND CAST({1} AS TEXT) IN ({4})",
        quote_identifier(edge.from_column), quote_identifier(edge.to_column), quote_identifier(edge.table),
        ids_of(work_.source, *from), ids_of(work_.source, *to));
    return compare_edges(what, sql, edge.type);
  }

  Status compare_edges(const std::string& what, const std::string& before, const std::string& type) {
    TRIUNE_TRY(work_.go_on());
    work_.report("comparing " + what, 0, 0);
    if (nodes_.empty()) TRIUNE_TRY(nodes_.load(after_, organization_));
    PartComparison part{.what = what};
    TRIUNE_TRY(before_(before, {}, [&](std::span<const Value> row) -> Status {
      part.before.add(hash_of(hash_of(row[0]), hash_of(row[1])));
      return {};
    }));
    const std::array<Value, 2> parameters{organization_, type};
    TRIUNE_TRY(after_(hive_edges, parameters, [&](std::span<const Value> row) -> Status {
      part.after.add(hash_of(nodes_.of(row[0]), nodes_.of(row[1])));
      return {};
    }));
    result_.parts.push_back(std::move(part));
    base::release_free_memory();
    return {};
  }

  Status compare_part(const std::string& what, std::string_view before, std::string_view after,
                      const std::string& name) {
    TRIUNE_TRY(work_.go_on());
    work_.report("comparing " + what, 0, 0);
    PartComparison part{.what = what};
    TRIUNE_ASSIGN(part.before, digest_rows(before_, before, {}));
    const std::array<Value, 2> parameters{organization_, name};
    TRIUNE_ASSIGN(part.after, digest_rows(after_, after, parameters));
    result_.parts.push_back(std::move(part));
    return {};
  }

  Status compare(const VectorPlan& plan) {
    TRIUNE_TRY(work_.go_on());
    work_.report("comparing vectors " + plan.collection, 0, 0);
    PartComparison part{.what = "vectors " + plan.collection};
    TRIUNE_ASSIGN(auto cells, VectorCells::open(work_.source, plan));
    std::string id;
    std::vector<float> values;
    std::string text;
    while (true) {
      TRIUNE_ASSIGN(const bool more, cells.next(id, values));
      if (!more) break;
      const auto bytes = std::as_bytes(std::span(values));
      text.clear();
      encode(text, {id});
      encode(text, {Bytes(bytes.begin(), bytes.end())});
      part.before.add(base::hash128(base::as_bytes(text)));
    }
    const std::array<Value, 2> parameters{organization_, plan.collection};
    const auto dialect = work_.to_server() ? contract::Dialect::postgres : contract::Dialect::sqlite;
    TRIUNE_ASSIGN(part.after, digest_rows(after_, vectors_in(dialect), parameters));
    result_.parts.push_back(std::move(part));
    return {};
  }

  const Work& work_;
  const RowReader before_;
  const RowReader after_;
  const std::int64_t organization_;
  NodeHashes nodes_;
  Verification result_;
};

}  // namespace

bool Verification::same() const {
  return std::all_of(tables.begin(), tables.end(), [](const auto& table) { return table.same(); }) &&
         std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part.same(); });
}

Result<HiveRows> HiveRows::open(Hive& hive) {
  TRIUNE_ASSIGN(auto session, hive::read_relocation(hive, Deadline::never()));
  return HiveRows(std::move(session));
}

RowReader HiveRows::reader() const {
  return [session = session_.get()](std::string_view sql, std::span<const Value> parameters,
                                    const std::function<Status(std::span<const Value>)>& visitor) {
    return session->visit(sql, parameters, visitor);
  };
}

Result<Verification> compare_all(const Work& work) {
  TRIUNE_ASSIGN(const auto rows, HiveRows::open(work.hive));
  return Verifier(work, rows.reader()).run();
}

}  // namespace triune::intake::legacy
