// Bulk loads: large batches, each one transaction. A batch that is large beside what is there already is logged by one
// 'load' entry, and the projections then take the engine's bulk path.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/failpoint.h"
#include "base/try.h"
#include "hive/change_applier.h"
#include "hive/definitions.h"
#include "hive/implementation.h"
#include "hive/node_index.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

constexpr std::size_t node_batch = 200'000;
constexpr std::size_t vector_batch = 10'000;
// Edges are held as two numbers and an offset, sorted, and inserted in the order of the table: many at a time, because
// every batch touches every page of the two trees.
constexpr std::size_t edge_batch = 8'000'000;
constexpr std::size_t edge_batch_bytes = 192U << 20U;
// Below this many, or beside ten times as many, log entries of their own are cheaper than making the projection anew.
constexpr std::uint64_t bulk_minimum = 10'000;
constexpr std::uint64_t bulk_share = 10;
// Rows bound at a time; keeps the bound values small.
constexpr std::size_t insert_chunk = 10'000;

Deadline load_deadline() { return Deadline::after(std::chrono::minutes(30)); }

Result<std::uint64_t> count_rows(contract::RelationalSession& session, std::string_view table,
                                 std::int64_t organization_id) {
  const std::array<Value, 1> parameters{organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT count(*) FROM {} WHERE organization_id = ?1", table), parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

/// Turns the capture of single rows off for the rest of a job, and logs the load instead.
class BulkMode {
 public:
  static Status begin(contract::RelationalSession& session) {
    TRIUNE_TRY(session.execute("UPDATE triune_bulk SET active = 1", {}));
    return {};
  }
  static Status end(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id) {
    TRIUNE_TRY(session.execute("UPDATE triune_bulk SET active = 0", {}));
    base::failpoint("load.before_log");
    const std::array<Value, 2> parameters{organization_id, collection_id};
    TRIUNE_TRY(session.execute("INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
                               "VALUES (?1, ?2, NULL, 'load')",
                               parameters));
    return {};
  }
};

/// Adds the place to an error of one entity.
template <class T>
std::unexpected<Error> at_entity(Result<T>& result, std::uint64_t number) {
  result.error().message = fmt::format("entity {}: {}", number, result.error().message);
  return failure_of(result);
}

/// Holds values until there are enough for one `execute_many`.
class ChunkedInsert {
 public:
  ChunkedInsert(contract::RelationalSession& session, std::string_view sql, std::size_t columns)
      : session_(session), sql_(sql), columns_(columns) {}

  template <class... Values>
  Status add(Values&&... values) {
    (values_.emplace_back(std::forward<Values>(values)), ...);
    return values_.size() < insert_chunk * columns_ ? Status() : flush();
  }
  Status flush() {
    TRIUNE_ASSIGN(const std::uint64_t changed, session_.execute_many(sql_, columns_, values_));
    changed_ += changed;
    values_.clear();
    return {};
  }
  [[nodiscard]] std::uint64_t changed() const { return changed_; }

 private:
  contract::RelationalSession& session_;
  std::string_view sql_;
  std::size_t columns_;
  std::vector<Value> values_;
  std::uint64_t changed_ = 0;
};

/// Edges of one type between two labels, by number.
struct NumberedEdge {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::uint64_t offset = 0;  // of the properties in the batch's arena
  std::uint32_t length = 0;  // 0: none
  std::uint32_t order = 0;   // the last of equal ones wins
};

struct EdgeBatch {
  std::vector<NumberedEdge> edges;
  std::string arena;

  [[nodiscard]] bool full() const {
    return edges.size() >= edge_batch || edges.size() * sizeof(NumberedEdge) + arena.size() >= edge_batch_bytes;
  }
  void add(std::int64_t from, std::int64_t to, const std::string& properties) {
    const bool plain = properties == "{}";
    edges.push_back({from, to, arena.size(), plain ? 0U : static_cast<std::uint32_t>(properties.size()),
                     static_cast<std::uint32_t>(edges.size())});
    if (!plain) arena += properties;
  }
  /// In the order of the table, each edge once.
  void sort() {
    std::sort(edges.begin(), edges.end(), [](const NumberedEdge& a, const NumberedEdge& b) {
      return std::tie(a.from, a.to, b.order) < std::tie(b.from, b.to, a.order);
    });
    const auto same = [](const NumberedEdge& a, const NumberedEdge& b) { return a.from == b.from && a.to == b.to; };
    edges.erase(std::unique(edges.begin(), edges.end(), same), edges.end());
  }
  [[nodiscard]] std::string properties(const NumberedEdge& edge) const {
    return edge.length == 0 ? std::string("{}") : arena.substr(edge.offset, edge.length);
  }
};

constexpr std::string_view put_nodes_sql =
    "INSERT INTO triune_nodes (organization_id, label_id, id, properties) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (organization_id, label_id, id) DO UPDATE SET properties = excluded.properties "
    "WHERE triune_nodes.properties IS NOT excluded.properties";

constexpr std::string_view put_edges_sql =
    "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (organization_id, type_id, from_node, to_node) DO UPDATE SET properties = excluded.properties "
    "WHERE triune_edges.properties IS NOT excluded.properties";

/// Keeps one example of each property and type met, to register them once for a batch.
void note_types(const Record& properties, std::vector<Record>& examples) {
  for (const auto& field : properties) {
    const bool known = std::any_of(examples.begin(), examples.end(), [&](const Record& example) {
      return example[0].name == field.name && example[0].value.index() == field.value.index();
    });
    if (!known) examples.push_back({field});
  }
}

/// What one job of a load changed.
struct Loaded {
  std::uint64_t changed = 0;
  std::uint64_t lsn = 0;
  bool catalog_changed = false;
};

/// Runs `insert` in bulk mode when that pays, and logs what it did.
template <class Insert>
Status insert_batch(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                    std::uint64_t size, std::uint64_t existing, Loaded& loaded, const Insert& insert) {
  const bool bulk = size >= bulk_minimum && existing <= bulk_share * size;
  if (bulk) TRIUNE_TRY(BulkMode::begin(session));
  TRIUNE_ASSIGN(loaded.changed, insert());
  if (bulk && loaded.changed == 0) {
    TRIUNE_TRY(session.execute("UPDATE triune_bulk SET active = 0", {}));
  } else if (bulk) {
    TRIUNE_TRY(BulkMode::end(session, organization_id, collection_id));
  }
  TRIUNE_ASSIGN(loaded.lsn, projection::log_head(session));
  return {};
}

}  // namespace

Result<Receipt> Implementation::load_nodes(std::string_view label, const Supplier<PutNode>& next,
                                           const Progress& progress) {
  TRIUNE_TRY(check_open());
  const projection::ProjectionWorker::Pause pause(*projections_->graph().worker);
  std::uint64_t done = 0;
  std::uint64_t changed = 0;
  std::vector<Change> batch;
  const auto write_batch = [&]() -> Status {
    Loaded loaded;
    TRIUNE_TRY(store_->write(
        [&](contract::RelationalSession& session) -> Status {
          loaded = {};
          TRIUNE_TRY(check_not_mapped(session, organization_id_, "node_mapping", label));
          projection::CatalogWriter catalog(catalog_, session);
          TRIUNE_ASSIGN(const std::int64_t label_id,
                        catalog.collection(organization_id_, CollectionKind::label, label));
          TRIUNE_ASSIGN(const std::uint64_t existing, count_rows(session, "triune_nodes", organization_id_));
          TRIUNE_TRY(insert_batch(session, organization_id_, label_id, batch.size(), existing, loaded,
                                  [&]() -> Result<std::uint64_t> {
                                    ChunkedInsert insert(session, put_nodes_sql, 4);
                                    for (const auto& change : batch) {
                                      const auto& node = std::get<PutNode>(change);
                                      TRIUNE_TRY(catalog.properties(label_id, node.properties));
                                      TRIUNE_TRY(insert.add(organization_id_, label_id, node.node.id,
                                                            canonical_json(node.properties)));
                                    }
                                    TRIUNE_TRY(insert.flush());
                                    return insert.changed();
                                  }));
          loaded.catalog_changed = catalog.changed();
          return {};
        },
        load_deadline()));
    committed(loaded.lsn, loaded.catalog_changed);
    changed += loaded.changed;
    batch.clear();
    if (progress) progress("loading nodes", done, 0);
    return {};
  };
  PutNode node;
  for (;;) {
    node = {{std::string(label), {}}, {}};
    TRIUNE_ASSIGN(const bool more, next(node));
    if (!more) break;
    ++done;
    node.node.label = label;
    batch.emplace_back(std::move(node));
    if (auto checked = check_changes(std::span(batch).last(1)); !checked) return at_entity(checked, done);
    if (batch.size() >= node_batch) TRIUNE_TRY(write_batch());
  }
  if (!batch.empty()) TRIUNE_TRY(write_batch());
  return make_receipt(session_lsn_, changed);
}

Result<Receipt> Implementation::load_edges(std::string_view type, std::string_view from_label,
                                           std::string_view to_label, const Supplier<PutEdge>& next,
                                           const Progress& progress) {
  TRIUNE_TRY(check_open());
  const projection::ProjectionWorker::Pause pause(*projections_->graph().worker);
  const auto catalog_now = catalog_.snapshot();
  NodeIndex from_nodes;
  NodeIndex other_nodes;
  {
    TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, load_deadline()));
    const auto number = [&](std::string_view name) {
      return catalog_now->collection(organization_id_, CollectionKind::label, name).value_or(0);
    };
    TRIUNE_TRY(from_nodes.load(*session, organization_id_, number(from_label)));
    if (from_label != to_label) TRIUNE_TRY(other_nodes.load(*session, organization_id_, number(to_label)));
  }
  const NodeIndex& to_nodes = from_label == to_label ? from_nodes : other_nodes;
  std::uint64_t done = 0;
  std::uint64_t changed = 0;
  EdgeBatch batch;
  std::vector<Record> examples;
  const auto write_batch = [&]() -> Status {
    batch.sort();
    Loaded loaded;
    TRIUNE_TRY(store_->write(
        [&](contract::RelationalSession& session) -> Status {
          loaded = {};
          TRIUNE_TRY(check_not_mapped(session, organization_id_, "edge_mapping", type));
          projection::CatalogWriter catalog(catalog_, session);
          const auto collection = [&](CollectionKind kind, std::string_view name) {
            return catalog.collection(organization_id_, kind, name);
          };
          TRIUNE_ASSIGN(const std::int64_t type_id, collection(CollectionKind::type, type));
          TRIUNE_ASSIGN(const std::int64_t from_id, collection(CollectionKind::label, from_label));
          TRIUNE_ASSIGN(const std::int64_t to_id, collection(CollectionKind::label, to_label));
          TRIUNE_TRY(catalog.edge_end(type_id, from_id, to_id));
          for (const auto& record : examples) TRIUNE_TRY(catalog.properties(type_id, record));
          TRIUNE_ASSIGN(const std::uint64_t existing, count_rows(session, "triune_edges", organization_id_));
          TRIUNE_TRY(insert_batch(session, organization_id_, type_id, batch.edges.size(), existing, loaded,
                                  [&]() -> Result<std::uint64_t> {
                                    ChunkedInsert insert(session, put_edges_sql, 5);
                                    for (const auto& edge : batch.edges)
                                      TRIUNE_TRY(insert.add(organization_id_, type_id, edge.from, edge.to,
                                                            batch.properties(edge)));
                                    TRIUNE_TRY(insert.flush());
                                    return insert.changed();
                                  }));
          loaded.catalog_changed = catalog.changed();
          return {};
        },
        load_deadline()));
    committed(loaded.lsn, loaded.catalog_changed);
    changed += loaded.changed;
    batch = {};
    return {};
  };
  PutEdge edge;
  for (;;) {
    edge.edge.type = type;
    edge.edge.from.label = from_label;
    edge.edge.to.label = to_label;
    edge.properties.clear();
    TRIUNE_ASSIGN(const bool more, next(edge));
    if (!more) break;
    ++done;
    const auto missing = [&](std::string_view role, const std::string& label, const std::string& id) {
      return failure(ErrorCode::not_found,
                     fmt::format("entity {}: the {} node {}/{} does not exist; load the nodes first", done, role, label, id));
    };
    const auto from = from_nodes.find(edge.edge.from.id);
    if (from == 0) return missing("from", edge.edge.from.label, edge.edge.from.id);
    const auto to = to_nodes.find(edge.edge.to.id);
    if (to == 0) return missing("to", edge.edge.to.label, edge.edge.to.id);
    if (!edge.properties.empty()) {
      const std::array<Change, 1> one{edge};
      if (auto checked = check_changes(one); !checked) return at_entity(checked, done);
      note_types(edge.properties, examples);
    }
    batch.add(from, to, edge.properties.empty() ? "{}" : canonical_json(edge.properties));
    if (progress && done % 100'000 == 0) progress("reading edges", done, 0);
    if (batch.full()) TRIUNE_TRY(write_batch());
  }
  if (!batch.edges.empty()) TRIUNE_TRY(write_batch());
  return make_receipt(session_lsn_, changed);
}

Result<Receipt> Implementation::load_vectors(std::string_view collection, const Supplier<PutVector>& next,
                                             const Progress& progress) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto driven, projections_->vector(collection));
  const projection::ProjectionWorker::Pause pause(*driven.worker);
  const auto collection_id = driven.projection->collection_id();
  const auto snapshot = catalog_.snapshot();
  std::uint64_t done = 0;
  std::uint64_t changed = 0;
  std::vector<Change> batch;
  const auto write_batch = [&]() -> Status {
    Loaded loaded;
    TRIUNE_TRY(store_->write(
        [&](contract::RelationalSession& session) -> Status {
          loaded = {};
          projection::CatalogWriter catalog(catalog_, session);
          TRIUNE_ASSIGN(const std::uint64_t existing, count_rows(session, "triune_vectors", organization_id_));
          return insert_batch(session, organization_id_, collection_id, batch.size(), existing, loaded,
                              [&]() -> Result<std::uint64_t> {
                                ChangeApplier applier(session, catalog, *snapshot, organization_id_);
                                TRIUNE_TRY(applier.apply(batch, {}));
                                return applier.changed();
                              });
        },
        load_deadline()));
    committed(loaded.lsn, false);
    changed += loaded.changed;
    batch.clear();
    if (progress) progress("loading vectors", done, 0);
    return {};
  };
  PutVector vector;
  for (;;) {
    vector = {};
    TRIUNE_ASSIGN(const bool more, next(vector));
    if (!more) break;
    ++done;
    vector.collection = collection;
    batch.emplace_back(std::move(vector));
    if (auto checked = check_changes(std::span(batch).last(1)); !checked) return at_entity(checked, done);
    if (batch.size() >= vector_batch) TRIUNE_TRY(write_batch());
  }
  if (!batch.empty()) TRIUNE_TRY(write_batch());
  return make_receipt(session_lsn_, changed);
}

}  // namespace triune::hive
