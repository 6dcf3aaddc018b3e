// Loading edges: held as numbers, sorted, and inserted in the order of the table.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "base/try.h"
#include "hive/bulk.h"
#include "hive/change_applier.h"
#include "hive/definitions.h"
#include "hive/deleted_ends.h"
#include "hive/load_copy.h"
#include "hive/node_index.h"
#include "hive/schema_upkeep.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

// Every batch touches every page of the tree, so there should be few: 24 bytes an edge and its properties.
constexpr std::size_t batch_limit = 6'000'000;
constexpr std::size_t batch_byte_limit = 160U << 20U;

constexpr std::string_view put_sql =
    "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (organization_id, type_id, from_node, to_node) DO UPDATE SET properties = excluded.properties "
    "WHERE triune_edges.properties IS DISTINCT FROM excluded.properties";

// The batch is in the order of the table and not of the index, whose tree would be entered at random places: beyond
// this size sorting the whole index costs less.
constexpr std::int64_t index_minimum = 100'000;
constexpr std::string_view index_name = "triune_edges_by_target";

/// An edge by the numbers of its ends.
struct NumberedEdge {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::uint64_t offset = 0;  // of the properties in the batch's arena; it grows, so the last of equal edges is known
};

/// Edges on their way into the table. The arena holds each one's properties and a NUL, which JSON never holds.
class EdgeBatch {
 public:
  [[nodiscard]] bool empty() const { return edges_.empty(); }
  [[nodiscard]] bool full() const {
    return edges_.size() >= batch_limit || edges_.size() * sizeof(NumberedEdge) + arena_.size() >= batch_byte_limit;
  }

  void add(std::int64_t from, std::int64_t to, const Record& properties) {
    // Memory that is not touched costs nothing, and growing would copy.
    if (edges_.size() == edges_.capacity()) edges_.reserve(edges_.empty() ? small_batch : batch_limit);
    edges_.push_back({from, to, arena_.size()});
    if (!properties.empty()) arena_ += canonical_json(properties);
    arena_ += '\0';
  }

  /// In the order of the table, each edge once.
  void sort() {
    std::sort(edges_.begin(), edges_.end(), [](const NumberedEdge& a, const NumberedEdge& b) {
      return std::tie(a.from, a.to, b.offset) < std::tie(b.from, b.to, a.offset);
    });
    const auto same = [](const NumberedEdge& a, const NumberedEdge& b) { return a.from == b.from && a.to == b.to; };
    edges_.erase(std::unique(edges_.begin(), edges_.end(), same), edges_.end());
  }

  [[nodiscard]] std::span<const NumberedEdge> edges() const { return edges_; }
  [[nodiscard]] std::string properties(const NumberedEdge& edge) const {
    const char* const json = arena_.data() + edge.offset;
    return *json == '\0' ? std::string("{}") : std::string(json);
  }

 private:
  static constexpr std::size_t small_batch = 10'000;

  std::vector<NumberedEdge> edges_;
  std::string arena_;
};

class EdgeLoader {
 public:
  EdgeLoader(const LoadContext& context, std::string_view type, std::string_view from_label, std::string_view to_label)
      : context_(context), type_(type), from_label_(from_label), to_label_(to_label) {}

  Result<std::uint64_t> run(const Supplier<PutEdge>& next) {
    auto loaded = load(next);
    if (type_id_ != 0) TRIUNE_TRY(deleted_ends_.settle(context_.store, type_id_, load_deadline()));
    if (!loaded) return failure_of(loaded);
    return changed_;
  }

 private:
  Status load(const Supplier<PutEdge>& next) {
    TRIUNE_TRY(index_nodes());
    PutEdge edge;
    for (;;) {
      edge.edge.type = type_;
      edge.edge.from.label = from_label_;
      edge.edge.to.label = to_label_;
      edge.properties.clear();
      TRIUNE_ASSIGN(const bool more, next(edge));
      if (!more) break;
      TRIUNE_TRY(take(edge));
      if (batch_.full()) TRIUNE_TRY(write());
    }
    return batch_.empty() ? Status() : write();
  }

  Status index_nodes() {
    TRIUNE_ASSIGN(const auto session, context_.store.read(contract::ReadScope::internal, load_deadline()));
    const auto catalog = context_.catalog.snapshot();
    const auto number = [&](const std::string& label) {
      return catalog->collection(context_.organization_id, CollectionKind::label, label).value_or(0);
    };
    TRIUNE_TRY(deleted_ends_.mark(*session, context_.organization_id, number(from_label_), number(to_label_)));
    TRIUNE_TRY(from_nodes_.load(*session, context_.organization_id, number(from_label_)));
    if (from_label_ == to_label_) return {};
    return other_nodes_.load(*session, context_.organization_id, number(to_label_));
  }

  Result<std::int64_t> end(const NodeIndex& nodes, std::string_view role, const NodeReference& node) const {
    const auto number = nodes.find(node.id);
    if (number != 0) return number;
    return at_entity(Error{.code = ErrorCode::not_found,
                           .message = fmt::format("the {} node {}/{} does not exist; load the nodes first", role,
                                                  node.label, node.id),
                           .engine = {},
                           .native_code = {}},
                     done_);
  }

  Status take(const PutEdge& edge) {
    ++done_;
    TRIUNE_ASSIGN(const std::int64_t from, end(from_nodes_, "from", edge.edge.from));
    TRIUNE_ASSIGN(const std::int64_t to,
                  end(from_label_ == to_label_ ? from_nodes_ : other_nodes_, "to", edge.edge.to));
    if (!edge.properties.empty()) {
      const std::array<Change, 1> one{edge};
      if (const auto checked = check_changes(one); !checked) return at_entity(checked.error(), done_);
      note_types(edge.properties);
    }
    batch_.add(from, to, edge.properties);
    if (context_.progress && done_ % 100'000 == 0) context_.progress("reading edges", done_, 0);
    return {};
  }

  /// Keeps one example of each property and type met, to register them once for a batch.
  void note_types(const Record& properties) {
    for (const auto& field : properties) {
      const bool known = std::any_of(examples_.begin(), examples_.end(), [&](const Record& example) {
        return example[0].name == field.name && example[0].value.index() == field.value.index();
      });
      if (!known) examples_.push_back({field});
    }
  }

  Status write() {
    batch_.sort();
    if (context_.progress) context_.progress("writing edges", done_, 0);
    Loaded loaded;
    TRIUNE_TRY(context_.store.write(
        [&](contract::RelationalSession& session) -> Status {
          loaded = {};
          projection::CatalogWriter catalog(context_.catalog, session);
          TRIUNE_TRY(keep_up({session, catalog, context_.organization_id}));
          TRIUNE_ASSIGN(const std::int64_t type_id, register_type(session, catalog));
          type_id_ = type_id;
          TRIUNE_TRY(deleted_ends_.check(session));
          TRIUNE_ASSIGN(const std::uint64_t existing, count_rows(session, "triune_edges", context_.organization_id));
          TRIUNE_TRY(insert_batch(session, context_.organization_id, type_id, batch_.edges().size(), existing, loaded,
                                  [&] { return insert(session, type_id); }));
          loaded.catalog_changed = catalog.changed();
          return {};
        },
        load_deadline()));
    context_.committed(loaded);
    changed_ += loaded.changed;
    batch_ = {};
    return {};
  }

  Result<std::int64_t> register_type(contract::RelationalSession& session, projection::CatalogWriter& catalog) {
    TRIUNE_TRY(check_not_mapped(session, context_.organization_id, "edge_mapping", type_));
    const auto collection = [&](CollectionKind kind, const std::string& name) {
      return catalog.collection(context_.organization_id, kind, name);
    };
    TRIUNE_ASSIGN(const std::int64_t type_id, collection(CollectionKind::type, type_));
    TRIUNE_ASSIGN(const std::int64_t from_id, collection(CollectionKind::label, from_label_));
    TRIUNE_ASSIGN(const std::int64_t to_id, collection(CollectionKind::label, to_label_));
    TRIUNE_TRY(catalog.edge_end(type_id, from_id, to_id));
    for (const auto& example : examples_) TRIUNE_TRY(catalog.properties(type_id, example));
    return type_id;
  }

  Result<std::uint64_t> insert(contract::RelationalSession& session, std::int64_t type_id) {
    TRIUNE_ASSIGN(const bool copies, has_bulk_path(session));
    if (copies) return copy(session, type_id);
    TRIUNE_ASSIGN(const bool anew, makes_index_anew(session));
    std::string index_sql;
    if (anew) {
      TRIUNE_ASSIGN(index_sql, drop_index(session));
    }
    ChunkedInsert rows(session, put_sql, 5);
    for (const auto& edge : batch_.edges())
      TRIUNE_TRY(rows.add(context_.organization_id, type_id, edge.from, edge.to, batch_.properties(edge)));
    TRIUNE_TRY(rows.flush());
    if (anew) {
      TRIUNE_TRY(session.execute(index_sql, {}));
      TRIUNE_TRY(schema_is_kept(session));
    }
    return rows.changed();
  }

  Result<std::uint64_t> copy(contract::RelationalSession& session, std::int64_t type_id) const {
    TRIUNE_ASSIGN(const bool loaded, looks_loaded(session, type_id));
    if (!loaded) {
      TRIUNE_ASSIGN(const bool copied,
                    copy_new_rows(session, "triune_edges",
                                  {.count = batch_.edges().size(),
                                   .columns = {"organization_id", "type_id", "from_node", "to_node", "properties"},
                                   .values = [&](std::size_t row, std::vector<Value>& values) {
                                     values.emplace_back(context_.organization_id);
                                     values.emplace_back(type_id);
                                     append_edge(row, values);
                                   }}));
      if (copied) return batch_.edges().size();
    }
    return merge(session, type_id);
  }

  Result<std::uint64_t> merge(contract::RelationalSession& session, std::int64_t type_id) const {
    TRIUNE_TRY(stage_rows(session, "from_node bigint, to_node bigint, properties text",
                          {.count = batch_.edges().size(),
                           .columns = {"from_node", "to_node", "properties"},
                           .values = [&](std::size_t row, std::vector<Value>& values) { append_edge(row, values); }}));
    static const auto sql = fmt::format(
        "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
        "SELECT ?1, ?2, l.from_node, l.to_node, l.properties FROM {} l "
        "ON CONFLICT (organization_id, type_id, from_node, to_node) DO UPDATE SET properties = excluded.properties "
        "WHERE triune_edges.properties IS DISTINCT FROM excluded.properties",
        staging_table);
    const std::array<Value, 2> parameters{context_.organization_id, type_id};
    TRIUNE_ASSIGN(const std::uint64_t changed, session.execute(sql, parameters));
    TRIUNE_TRY(drop_staged_rows(session));
    return changed;
  }

  void append_edge(std::size_t row, std::vector<Value>& values) const {
    const auto& edge = batch_.edges()[row];
    values.emplace_back(edge.from);
    values.emplace_back(edge.to);
    values.emplace_back(batch_.properties(edge));
  }

  /// Whether one of some edges out of the batch is there: what is loaded again is not worth trying as new.
  [[nodiscard]] Result<bool> looks_loaded(contract::RelationalSession& session, std::int64_t type_id) const {
    const auto edges = batch_.edges();
    for (const auto& edge : {edges.front(), edges[edges.size() / 2], edges.back()}) {
      const std::array<Value, 4> parameters{context_.organization_id, type_id, edge.from, edge.to};
      TRIUNE_ASSIGN(const RowSet rows,
                    session.query("SELECT 1 FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2 "
                                  "AND from_node = ?3 AND to_node = ?4",
                                  parameters, 1));
      if (!rows.rows.empty()) return true;
    }
    return false;
  }

  /// Whether the batch is the larger part of the index, which holds the edges of all organizations.
  [[nodiscard]] Result<bool> makes_index_anew(contract::RelationalSession& session) const {
    const auto size = static_cast<std::int64_t>(batch_.edges().size());
    // Making it again would keep everybody from reading in PostgreSQL, and would be seen as a change of the schema.
    if (size < index_minimum || session.dialect() == contract::Dialect::postgres) return false;
    const std::array<Value, 1> parameters{size + 1};
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query("SELECT count(*) <= ?1 - 1 FROM (SELECT 1 FROM triune_edges LIMIT ?1)", parameters, 1));
    return std::get<std::int64_t>(rows.rows.at(0).at(0)) != 0;
  }

  /// Returns the statement that makes it again.
  static Result<std::string> drop_index(contract::RelationalSession& session) {
    const std::array<Value, 1> parameters{std::string(index_name)};
    TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT sql FROM sqlite_schema WHERE name = ?1", parameters, 1));
    TRIUNE_TRY(session.execute(fmt::format("DROP INDEX {}", index_name), {}));
    return std::get<std::string>(rows.rows.at(0).at(0));
  }

  const LoadContext& context_;
  std::string type_;
  std::string from_label_;
  std::string to_label_;
  NodeIndex from_nodes_;
  NodeIndex other_nodes_;  // of the to label, when it is another
  DeletedEnds deleted_ends_;
  std::int64_t type_id_ = 0;  // once a batch was written
  EdgeBatch batch_;
  std::vector<Record> examples_;
  std::uint64_t done_ = 0;
  std::uint64_t changed_ = 0;
};

}  // namespace

Result<std::uint64_t> load_all_edges(const LoadContext& context, std::string_view type, std::string_view from_label,
                                     std::string_view to_label, const Supplier<PutEdge>& next) {
  return EdgeLoader(context, type, from_label, to_label).run(next);
}

}  // namespace triune::hive
