// A million nodes and five million edges, with 200,000 vectors beside them in one process of bounded memory.
#include <fmt/format.h>

#include <fstream>

#include "graph_peers.h"
#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/hive.h"

namespace triune::bench {
namespace {

constexpr std::uint64_t copy_pool_bytes = 2ULL << 30U;
constexpr std::uint32_t edges_of_node = 5;
constexpr double memory_limit_mb = 500;

RandomGraph scale_graph(const Bench& bench) {
  return {bench.sized(100'000U, 1'000'000U, 1'000'000U), edges_of_node};
}

std::size_t scale_vectors(const Bench& bench) {
  return bench.sized<std::size_t>(20'000, 200'000, 200'000);
}

std::filesystem::path csv_files(Bench& bench) {
  return prepared(bench, "graph-scale-csv", [&](const auto& folder) { write_csv(scale_graph(bench), folder); });
}

/// The child's side: one hive, step by step, with the memory that each step came to.
class Load {
 public:
  Load(const std::filesystem::path& folder, std::filesystem::path csv)
      : csv_(std::move(csv)), hive_(must(Hive::open(folder))) {
    for (const auto* const name : {"VmHWM", "VmRSS"})
      report_.push_back({fmt::format("{}_at_start_kb", name), kilobytes(name)});
  }

  void graph() {
    const Stopwatch watch;
    step("nodes", [&] { must(hive_->load_nodes("Person", nodes_from_csv(csv_ / "nodes.csv"), bar_.callback())); });
    step("edges", [&] {
      must(hive_->load_edges("KNOWS", "Person", "Person", edges_from_csv(csv_ / "edges.csv"), bar_.callback()));
    });
    step("graph_current", [&] { wait(); });
    report_.push_back({"graph_s", watch.seconds()});
  }

  void vectors(std::size_t count) {
    must(hive_->create_collection({.name = "memories", .dimension = vector_dimension, .owner_table = {}}));
    const auto next = [made = ClusteredVectors(vector_dimension, 1), done = std::size_t{0},
                       count](PutVector& put) mutable -> Result<bool> {
      if (done == count) return false;
      put.id = fmt::format("v{}", done++);
      made.next(put.values);
      return true;
    };
    step("vectors", [&] { must(hive_->load_vectors("memories", next, bar_.callback())); });
    step("vectors_current", [&] { wait(); });
  }

  void queries(std::uint32_t nodes, int rounds) {
    std::mt19937_64 random(3);
    const auto person = [&] {
      return NodeReference{"Person", RandomGraph::id(static_cast<std::uint32_t>(random() % nodes))};
    };
    for (const std::uint32_t steps : {1U, 2U, 3U})
      query(fmt::format("{}_hop", steps), rounds, [&] {
        return must(hive_->count_neighbors({.node = person(), .type = "KNOWS", .depth = steps})).route.engine;
      });
    query("shortest_path", rounds, [&] {
      return must(hive_->shortest_path({.from = person(), .to = person(), .type = "KNOWS", .max_length = 15}))
          .route.engine;
    });
    query("path_count", 5, [&] { return must(hive_->count_paths({.type = "KNOWS", .length = 2})).route.engine; });
    query("paths_from_node", rounds,
          [&] { return must(hive_->count_paths({.type = "KNOWS", .length = 4, .from = person()})).route.engine; });
    ClusteredVectors vectors(vector_dimension, 1);
    std::vector<float> vector;
    query("vector_search", rounds, [&] {
      vectors.next(vector);
      return must(hive_->search({.collection = "memories", .query = vector})).strategy;
    });
    note_memory("queries");
  }

  Record finish() {
    report_.push_back({"anonymous_kb", kilobytes("RssAnon")});
    must(hive_->close());
    return std::move(report_);
  }

 private:
  static std::int64_t kilobytes(std::string_view name) { return static_cast<std::int64_t>(process_kilobytes(name)); }
  void wait() { must(hive_->wait(must(hive_->receipt()).token(), Deadline::after(std::chrono::minutes(30)))); }

  void note_memory(const std::string& name) {
    report_.push_back({name + "_peak_kb", kilobytes("VmHWM")});
    report_.push_back({name + "_resident_kb", kilobytes("VmRSS")});
  }

  void step(const std::string& name, const std::function<void()>& work) {
    report_.push_back({name + "_s", timed(work)});
    note_memory(name);
    bar_.finish();
  }

  void query(const std::string& name, int rounds, const std::function<std::string()>& ask) {
    Samples samples;
    std::string route;
    for (int round = 0; round < rounds; ++round) {
      const Stopwatch watch;
      route = ask();
      samples.add(watch.milliseconds());
    }
    report_.push_back({"query_" + name + "_ms", samples.median()});
    report_.push_back({"query_" + name + "_largest_ms", samples.largest()});
    report_.push_back({"query_" + name + "_route", route});
  }

  std::filesystem::path csv_;
  std::unique_ptr<Hive> hive_;
  runtime::ProgressBar bar_;
  Record report_;
};

/// Loads a hive in a child and keeps it for the row that opens a large one.
Record load_large_hive(Bench& bench, const std::filesystem::path& folder) {
  const auto hive = folder / "hive";
  std::filesystem::remove_all(hive);
  const auto graph = scale_graph(bench);
  return in_child(
      bench.settings(), "load-graph",
      {hive.string(), csv_files(bench).string(), std::to_string(graph.nodes), std::to_string(scale_vectors(bench))});
}

double largest_query(const Record& report) {
  double largest = 0;
  for (const auto& field : report)
    if (field.name.starts_with("query_") && field.name.ends_with("_largest_ms"))
      largest = std::max(largest, std::get<double>(field.value));
  return largest;
}

double copy_seconds(Bench& bench, const std::filesystem::path& csv) {
  const WorkFolder folder(bench.settings(), "copy");
  return timed([&] {
    RawKuzu kuzu(folder.path() / "graph.kuzu", copy_pool_bytes);
    copy_graph(kuzu, csv);
  });
}

/// The same rows in tables of the same shape by SQLite alone: one transaction, ends looked up by id, the index last.
double bare_sqlite_seconds(Bench& bench, const std::filesystem::path& csv) {
  const WorkFolder folder(bench.settings(), "bare-load");
  return timed([&] {
    RawSqlite database(folder.path() / "bare.db");
    database.run("CREATE TABLE nodes (node_id INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, properties TEXT NOT NULL)");
    database.run(
        "CREATE TABLE edges (from_node INTEGER NOT NULL, to_node INTEGER NOT NULL, properties TEXT NOT NULL, "
        "PRIMARY KEY (from_node, to_node)) WITHOUT ROWID");
    database.run("BEGIN");
    auto node = database.prepare("INSERT INTO nodes (id, properties) VALUES (?1, json_object('name', ?2))");
    PutNode put_node;
    for (auto next = nodes_from_csv(csv / "nodes.csv"); must(next(put_node));)
      node.bind(1, put_node.node.id).bind(2, std::get<std::string>(put_node.properties[0].value)).run();
    auto edge = database.prepare(
        "INSERT OR IGNORE INTO edges VALUES ((SELECT node_id FROM nodes WHERE id = ?1), "
        "(SELECT node_id FROM nodes WHERE id = ?2), '{}')");
    PutEdge put_edge;
    for (auto next = edges_from_csv(csv / "edges.csv"); must(next(put_edge));)
      edge.bind(1, put_edge.edge.from.id).bind(2, put_edge.edge.to.id).run();
    database.run("CREATE INDEX edges_by_target ON edges (to_node, from_node)");
    database.run("COMMIT");
  });
}

/// The two halves, each against the engine that does the same: rows into the canonical store, and from there into the
/// graph engine through its bulk path.
void report_load(Bench& bench, const Record& report, const Samples& copies, double bare_seconds) {
  const auto graph = scale_graph(bench);
  const auto entities = static_cast<double>(graph.nodes + graph.edges());
  const double row_seconds = number(report, "nodes_s") + number(report, "edges_s");
  bench.add(measured("graph_scale_rows", "entities/s", entities / row_seconds)
                .against("bare SQLite", entities / bare_seconds)
                .ratio_at_least(0.5)
                .detail("nodes_s", number(report, "nodes_s"))
                .detail("edges_s", number(report, "edges_s"))
                .detail("bare_s", bare_seconds));
  bench.add(measured("graph_scale_load", "entities/s", entities / number(report, "graph_current_s"))
                .against("Kuzu's COPY", entities / copies.median())
                .ratio_at_least(0.5)
                .detail("measure", std::string("the projection's load from the canonical store"))
                .detail("nodes", std::int64_t{graph.nodes})
                .detail("edges", static_cast<std::int64_t>(graph.edges()))
                .detail("copy_s", copies.median())
                .detail("graph_current_s", number(report, "graph_current_s"))
                .detail("rows_and_graph_s", number(report, "graph_s"))
                .detail("rows_and_graph_ratio", copies.median() / number(report, "graph_s")));
}

void report_rest(Bench& bench, const Record& report) {
  auto queries = measured("graph_scale_queries", "ms", largest_query(report)).at_most(1000);
  auto memory = measured("graph_scale_memory", "MB", number(report, "queries_peak_kb") / 1024).at_most(memory_limit_mb);
  queries.detail("measure", std::string("the slowest of all queries"));
  memory.detail("measure", std::string("peak resident memory of the process that loaded, projected and queried all"))
      .detail("vectors", static_cast<std::int64_t>(scale_vectors(bench)));
  for (const auto& field : report) {
    if (field.name.starts_with("query_")) queries.details.push_back(field);
    if (field.name.ends_with("_kb") || field.name.starts_with("vectors_")) memory.details.push_back(field);
  }
  bench.add(queries);
  bench.add(memory);
}

}  // namespace

Record load_graph_child(std::span<const std::string> arguments) {
  Load load(arguments[0], arguments[1]);
  load.graph();
  load.vectors(std::stoull(arguments[3]));
  load.queries(static_cast<std::uint32_t>(std::stoul(arguments[2])), 30);
  return load.finish();
}

std::filesystem::path large_hive(Bench& bench) {
  return prepared(bench, "large-hive", [&](const auto& folder) { load_large_hive(bench, folder); });
}

void bench_graph_scale(Bench& bench) {
  const auto csv = csv_files(bench);
  Samples copies;
  copies.add(copy_seconds(bench, csv));
  Record report;
  auto settings = bench.settings();
  settings.fresh = true;  // loading is what is measured
  Bench anew(settings);
  prepared(anew, "large-hive", [&](const auto& folder) { report = load_large_hive(bench, folder); });
  copies.add(copy_seconds(bench, csv));
  copies.add(copy_seconds(bench, csv));
  report_load(bench, report, copies, bare_sqlite_seconds(bench, csv));
  report_rest(bench, report);
}

}  // namespace triune::bench
