#include "hive/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "base/try.h"
#include "hive/schema_upkeep.h"

namespace triune::hive {
namespace {

/// Edges looked at in all, and of one type; each in both directions.
constexpr std::int64_t most_sampled = 200'000;
constexpr std::int64_t most_sampled_of_one = 2'000;
constexpr std::size_t most_collections = 10'000;
/// Fewer changes do not change what a plan should be.
constexpr std::uint64_t changes_worth_it = 5'000;
/// So many entries of the log between two times while the hive is open: one commit of them waits.
constexpr std::uint64_t changes_between = 200'000;
/// How far the entities of one collection are counted for what a call is expected to return.
constexpr std::int64_t most_counted = 100'000;
/// Better no figures than a load, a commit or an end that waits for another program.
constexpr auto patience = std::chrono::seconds(10);
constexpr auto figures_last = std::chrono::minutes(1);
constexpr auto figures_patience = std::chrono::milliseconds(500);

/// Edges of one type and how many different nodes one end of them has.
struct EndSample {
  std::int64_t edges = 0;
  std::int64_t ends = 0;
  std::int64_t met = 0;  ///< Summed over the edges: how many have the same end.
};

/// The first edges in the order of an end, which leads through the index by it.
Result<EndSample> sample_ends(contract::RelationalSession& session, std::int64_t organization, std::int64_t type,
                              std::string_view end, std::int64_t limit) {
  const auto sql = fmt::format(
      "SELECT count(*) FROM (SELECT {0} FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2 ORDER BY {0} "
      "LIMIT {1}) AS t GROUP BY {0} ORDER BY {0}",
      end, limit);
  const std::array<Value, 2> parameters{organization, type};
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, parameters, static_cast<std::size_t>(limit)));
  EndSample sample;
  std::vector<std::int64_t> degrees;
  for (const auto& row : rows.rows) degrees.push_back(std::get<std::int64_t>(row[0]));
  // The limit has cut the edges of the last end.
  if (degrees.size() > 1 && std::accumulate(degrees.begin(), degrees.end(), std::int64_t{0}) == limit)
    degrees.pop_back();
  for (const auto degree : degrees) {
    sample.edges += degree;
    sample.met += degree * degree;
    ++sample.ends;
  }
  return sample;
}

/// What SQLite keeps of an index: the rows of the table, then how many share the first column, the first two, …
struct IndexFigures {
  std::string table;
  std::string index;  ///< Empty: of a table without any.
  std::string figures;
};

struct CollectionNumber {
  std::int64_t organization = 0;
  std::int64_t collection = 0;
};

/// How rows of a table are spread over organizations and collections.
struct Spread {
  std::int64_t rows = 0;
  std::vector<CollectionNumber> collections;
  [[nodiscard]] std::int64_t of_one_organization() const {
    std::vector<std::int64_t> organizations;
    for (const auto& one : collections) organizations.push_back(one.organization);
    std::sort(organizations.begin(), organizations.end());
    const auto distinct = std::unique(organizations.begin(), organizations.end()) - organizations.begin();
    return std::max<std::int64_t>(rows / std::max<std::int64_t>(distinct, 1), 1);
  }
  [[nodiscard]] std::int64_t of_one_collection() const {
    return std::max<std::int64_t>(rows / std::max<std::int64_t>(std::ssize(collections), 1), 1);
  }
};

/// Looks at the tables in a snapshot, so that no other writer waits meanwhile.
class Figures {
 public:
  explicit Figures(contract::RelationalSession& session) : session_(session) {}

  Result<std::vector<IndexFigures>> all() {
    TRIUNE_TRY(add_entities("triune_nodes", "label_id", "label"));
    TRIUNE_TRY(add_entities("triune_vectors", "collection_id", "vector"));
    if (values_ > 0) figures_.push_back({"triune_vector_values", "", std::to_string(values_)});
    TRIUNE_TRY(add_edges());
    return std::move(figures_);
  }

 private:
  Result<std::int64_t> number(const std::string& sql, std::span<const Value> parameters = {}) {
    TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, parameters, 1));
    const auto* const found = std::get_if<std::int64_t>(&rows.rows.at(0).at(0));
    return found == nullptr ? 0 : *found;
  }

  /// Collections without rows do not count: their numbers are in no index.
  Result<Spread> spread_of(std::string_view table, std::string_view column, std::string_view kind) {
    Spread spread;
    TRIUNE_ASSIGN(spread.rows, number(fmt::format("SELECT count(*) FROM {}", table)));
    TRIUNE_ASSIGN(const RowSet rows,
                  session_.query(fmt::format("SELECT c.organization_id, c.collection_id FROM triune_collections c "
                                             "WHERE c.kind = '{}' AND EXISTS (SELECT 1 FROM {} t WHERE "
                                             "t.organization_id = c.organization_id AND t.{} = c.collection_id)",
                                             kind, table, column),
                                 {}, most_collections));
    for (const auto& row : rows.rows)
      spread.collections.push_back({std::get<std::int64_t>(row[0]), std::get<std::int64_t>(row[1])});
    return spread;
  }

  Status add_entities(const std::string& table, std::string_view column, std::string_view kind) {
    TRIUNE_ASSIGN(const Spread spread, spread_of(table, column, kind));
    if (table == "triune_vectors") values_ = spread.rows;
    if (spread.rows == 0) return {};
    figures_.push_back(
        {table, fmt::format("sqlite_autoindex_{}_1", table),
         fmt::format("{} {} {} 1", spread.rows, spread.of_one_organization(), spread.of_one_collection())});
    return {};
  }

  Status add_edges() {
    TRIUNE_ASSIGN(const Spread spread, spread_of("triune_edges", "type_id", "type"));
    if (spread.rows == 0) return {};
    TRIUNE_ASSIGN(const std::int64_t from, rows_of_one_end(spread, "from_node"));
    TRIUNE_ASSIGN(const std::int64_t to, rows_of_one_end(spread, "to_node"));
    const auto of_type = fmt::format("{} {} {}", spread.rows, spread.of_one_organization(), spread.of_one_collection());
    figures_.push_back({"triune_edges", "triune_edges", fmt::format("{} {} 1", of_type, from)});
    figures_.push_back({"triune_edges", "triune_edges_by_target", fmt::format("{} {} 1", of_type, to)});
    return {};
  }

  /// How many edges of its type an edge shares an end with. Not how many an end has, which is less where few ends have
  /// many: a join comes from edges, and types with many edges an end would be looked up as cheaply as those with one.
  Result<std::int64_t> rows_of_one_end(const Spread& spread, std::string_view end) {
    const auto count = std::ssize(spread.collections);
    const auto each =
        std::clamp<std::int64_t>(most_sampled / std::max<std::int64_t>(count, 1), 20, most_sampled_of_one);
    EndSample all;
    for (const auto& one : spread.collections) {
      TRIUNE_ASSIGN(const EndSample sample, sample_ends(session_, one.organization, one.collection, end, each));
      all.edges += sample.edges;
      all.met += sample.met;
    }
    const auto shared = (all.met + all.edges / 2) / std::max<std::int64_t>(all.edges, 1);
    return std::clamp<std::int64_t>(shared, 1, spread.of_one_collection());
  }

  contract::RelationalSession& session_;
  std::int64_t values_ = 0;
  std::vector<IndexFigures> figures_;
};

constexpr std::string_view own_tables = "('triune_nodes', 'triune_edges', 'triune_vectors', 'triune_vector_values')";

Status write_figures(contract::RelationalSession& session, const std::vector<IndexFigures>& figures) {
  // All tables that have grown tenfold since, with a limit on what is read of each.
  TRIUNE_TRY(session.query("PRAGMA optimize = 0x10012", {}, 1));
  // Makes the tables of statistics where there are none.
  TRIUNE_TRY(session.execute("ANALYZE triune_bulk", {}));
  for (const auto* const kept : {"sqlite_stat1", "sqlite_stat4"})
    TRIUNE_TRY(session.execute(fmt::format("DELETE FROM {} WHERE tbl IN {}", kept, own_tables), {}));
  for (const auto& one : figures) {
    const std::array<Value, 3> parameters{one.table, one.index.empty() ? Value() : Value(one.index), one.figures};
    TRIUNE_TRY(session.execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)", parameters));
  }
  // Connections read statistics together with the schema, so that only another schema makes them look again; this one
  // looks after an ANALYZE.
  TRIUNE_TRY(session.execute("CREATE INDEX triune_statistics ON triune_bulk (active)", {}));
  TRIUNE_TRY(session.execute("DROP INDEX triune_statistics", {}));
  TRIUNE_TRY(session.execute("ANALYZE triune_bulk", {}));
  return schema_is_kept(session);
}

}  // namespace

Status Statistics::keep_on_sqlite(Deadline deadline) {
  std::vector<IndexFigures> figures;
  {
    TRIUNE_ASSIGN(const auto session, store_.read(contract::ReadScope::internal, deadline));
    TRIUNE_ASSIGN(figures, Figures(*session).all());
  }
  bool catalog_changed = false;
  TRIUNE_TRY(store_.write(
      [&](contract::RelationalSession& session) -> Status {
        projection::CatalogWriter writer(catalog_, session);
        TRIUNE_TRY(keep_up({session, writer, organization_id_}));
        catalog_changed = writer.changed();
        return write_figures(session, figures);
      },
      deadline));
  if (!catalog_changed) return {};
  return catalog_.reload(store_, deadline);
}

Status Statistics::keep(Deadline deadline) {
  if (store_.capabilities().dialect == contract::Dialect::sqlite) return keep_on_sqlite(deadline);
  return store_.write(
      [](contract::RelationalSession& session) -> Status {
        for (const auto* const table : {"triune_nodes", "triune_edges", "triune_vectors", "triune_vector_values"})
          TRIUNE_TRY(session.execute(fmt::format("ANALYZE {}", table), {}));
        return {};
      },
      deadline);
}

void Statistics::loaded(std::uint64_t changes) {
  forget();
  if (changes >= changes_worth_it) static_cast<void>(keep(Deadline::after(patience)));
}

void Statistics::noted(std::uint64_t lsn) {
  if (store_.capabilities().dialect != contract::Dialect::sqlite) return;
  auto kept = kept_lsn_.load();
  // One of several that commit at the same time does it.
  if (lsn < kept + changes_between || !kept_lsn_.compare_exchange_strong(kept, lsn)) return;
  forget();
  static_cast<void>(keep(Deadline::after(patience)));
}

void Statistics::closing(std::uint64_t lsn) {
  if (store_.capabilities().dialect != contract::Dialect::sqlite) return;
  if (lsn >= kept_lsn_ + changes_worth_it) static_cast<void>(keep(Deadline::after(patience)));
}

void Statistics::forget() {
  const std::scoped_lock lock(mutex_);
  figures_.clear();
}

std::optional<federation::NodeFigures> Statistics::nodes(std::string_view label) {
  const auto catalog = catalog_.snapshot();
  federation::NodeFigures all;
  for (const auto number : catalog->collections_of(organization_id_, projection::CollectionKind::label)) {
    if (!label.empty() && catalog->name_of(number) != label) continue;
    const auto one = figures_of(number, false);
    if (!one) return std::nullopt;
    all.nodes += one->count;
  }
  if (all.nodes == 0) return std::nullopt;
  return all;
}

std::optional<federation::EdgeFigures> Statistics::edges(std::string_view type) {
  const auto catalog = catalog_.snapshot();
  federation::EdgeFigures all;
  for (const auto number : catalog->collections_of(organization_id_, projection::CollectionKind::type)) {
    if (!type.empty() && catalog->name_of(number) != type) continue;
    const auto one = figures_of(number, true);
    if (!one) return std::nullopt;
    all.edges += one->count;
    all.out += one->out;
    all.in += one->in;
  }
  if (all.edges == 0) return std::nullopt;
  return all;
}

std::optional<Statistics::Entry> Statistics::figures_of(std::int64_t collection_id, bool edges) {
  {
    const std::scoped_lock lock(mutex_);
    const auto known = figures_.find(collection_id);
    if (known != figures_.end() && Clock::now() - known->second.measured < figures_last) return known->second;
  }
  // Not under the lock: at worst two threads look at the same time.
  auto measured = measure(collection_id, edges);
  if (!measured) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  figures_[collection_id] = *measured;
  return *measured;
}

Result<Statistics::Entry> Statistics::measure(std::int64_t collection_id, bool edges) {
  TRIUNE_ASSIGN(const auto session, store_.read(contract::ReadScope::internal, Deadline::after(figures_patience)));
  const std::array<Value, 2> parameters{organization_id_, collection_id};
  Entry entry{.measured = Clock::now()};
  const auto sql =
      fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} WHERE organization_id = ?1 AND {} = ?2 LIMIT {}) AS t",
                  edges ? "triune_edges" : "triune_nodes", edges ? "type_id" : "label_id", most_counted);
  TRIUNE_ASSIGN(const RowSet count, session->query(sql, parameters, 1));
  entry.count = static_cast<double>(std::get<std::int64_t>(count.rows.at(0).at(0)));
  if (!edges) return entry;
  for (const auto& [end, degree] : {std::pair("from_node", &entry.out), std::pair("to_node", &entry.in)}) {
    TRIUNE_ASSIGN(const EndSample sample,
                  sample_ends(*session, organization_id_, collection_id, end, most_sampled_of_one));
    *degree = static_cast<double>(sample.edges) / static_cast<double>(std::max<std::int64_t>(sample.ends, 1));
  }
  return entry;
}

}  // namespace triune::hive
