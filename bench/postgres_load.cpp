// Bulk loads into a hive on PostgreSQL against psql's \copy into the same tables with the same triggers.
#include "postgres_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <fstream>

#include "data.h"
#include "raw_postgres.h"
#include "support/postgres_server.h"

namespace triune::bench {
namespace {

constexpr std::uint32_t edges_of_node = 5;

/// A new hive, whose node numbers are then 1, 2, … in the order of loading.
struct LoadPlace {
  LoadPlace(testing::PostgresServer& server, const std::filesystem::path& folder)
      : url(server.url(server.create_database())),
        hive(must(Hive::open(url, {.project_in_background = false, .projections = folder / "load"}))) {}

  /// As in a bulk load of ours, rows are not logged one by one.
  [[nodiscard]] double time_copies(const std::vector<std::string>& copies) const {
    double seconds = 0;
    for (const auto& copy : copies) seconds += time_psql(url + "?options=-c%20triune.bulk%3Don", copy);
    return seconds;
  }
  [[nodiscard]] std::int64_t number(const std::string& kind) const {
    return std::get<std::int64_t>(
        must(hive->sql(fmt::format("SELECT max(collection_id) FROM triune_collections WHERE kind = '{}'", kind)))
            .rows[0][0]);
  }

  std::string url;
  std::unique_ptr<Hive> hive;
};

std::string copy_from(std::string_view table, std::string_view columns, const std::filesystem::path& file) {
  return fmt::format("\\copy {} ({}) FROM '{}' WITH (FORMAT csv)", table, columns, file.string());
}

struct Measured {
  std::string name;
  Samples ours;
  Samples peer;

  void add(std::size_t rows, double our_seconds, double peer_seconds) {
    ours.add(static_cast<double>(rows) / our_seconds);
    peer.add(static_cast<double>(rows) / peer_seconds);
  }
  void report(Bench& bench, std::size_t rows) const {
    bench.add(measured(name, "rows/s", ours.median())
                  .against("psql \\copy into the same tables", peer.median())
                  .ratio_at_least(0.8)
                  .detail("rows", static_cast<std::int64_t>(rows)));
  }
};

class Loads {
 public:
  Loads(Bench& bench, testing::PostgresServer& server, const std::filesystem::path& folder)
      : bench_(bench),
        server_(server),
        folder_(folder),
        graph_{.nodes = bench.sized<std::uint32_t>(40'000, 200'000, 400'000), .degree = edges_of_node},
        vectors_(bench.sized<std::size_t>(4'000, 20'000, 40'000)) {}

  void run() {
    for (int round = 0; round < bench_.sized(1, 3, 5); ++round) round_of_all();
    nodes_done_.report(bench_, graph_.nodes);
    edges_done_.report(bench_, graph_.edges());
    vectors_done_.report(bench_, vectors_);
  }

 private:
  void round_of_all() {
    LoadPlace ours(server_, folder_ / "ours");
    LoadPlace peer(server_, folder_ / "peer");
    one_of_each(*peer.hive);
    const double nodes = timed([&] { must(ours.hive->load_nodes("Person", nodes_of(graph_))); });
    nodes_done_.add(graph_.nodes, nodes, peer.time_copies({write_nodes(peer)}));
    const double edges = timed([&] { must(ours.hive->load_edges("KNOWS", "Person", "Person", edges_of(graph_))); });
    edges_done_.add(graph_.edges(), edges, peer.time_copies({write_edges(peer)}));
    must(ours.hive->create_collection({.name = "v", .dimension = vector_dimension, .metric = Metric::cosine}));
    const double vectors = timed([&] { must(ours.hive->load_vectors("v", vectors_of())); });
    vectors_done_.add(vectors_, vectors, peer.time_copies(write_vectors(peer)));
  }

  /// So that the dictionary knows them.
  static void one_of_each(Hive& hive) {
    must(hive.create_collection({.name = "v", .dimension = vector_dimension, .metric = Metric::cosine}));
    const NodeReference first{"Person", "first"};
    must(hive.commit({.changes = {PutNode{first, {{"name", "first"}}}, PutEdge{{"KNOWS", first, first}, {}}},
                      .idempotency_key = {}}));
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder_ / (name + ".csv"); }

  std::string write_nodes(const LoadPlace& peer) const {
    std::ofstream out(file("nodes"));
    const auto label = peer.number("label");
    for (std::uint32_t i = 0; i < graph_.nodes; ++i)
      out << fmt::format("1,{},{},\"{{\"\"name\"\":\"\"{}\"\"}}\"\n", label, RandomGraph::id(i), RandomGraph::name(i));
    out.close();
    return copy_from("triune_nodes", "organization_id, label_id, id, properties", file("nodes"));
  }

  /// In the order of the table, as ours sorts them.
  std::string write_edges(const LoadPlace& peer) const {
    std::ofstream out(file("edges"));
    const auto type = peer.number("type");
    for (std::uint32_t from = 0; from < graph_.nodes; ++from) {
      auto successors = graph_.successors(from);
      std::sort(successors.begin(), successors.end());
      for (const auto to : successors) out << fmt::format("1,{},{},{},{{}}\n", type, from + 2, to + 2);
    }
    out.close();
    return copy_from("triune_edges", "organization_id, type_id, from_node, to_node, properties", file("edges"));
  }

  std::vector<std::string> write_vectors(const LoadPlace& peer) const {
    std::ofstream heads(file("vectors"));
    std::ofstream values(file("values"));
    const auto collection = peer.number("vector");
    auto next = vectors_of();
    PutVector vector;
    for (std::size_t i = 1; must(next(vector)); ++i) {
      heads << fmt::format("1,{},{},{},{{}}\n", i, collection, vector.id);
      values << fmt::format("1,{},\\x", i);
      for (const float value : vector.values)
        values << fmt::format("{:08x}", __builtin_bswap32(std::bit_cast<std::uint32_t>(value)));
      values << '\n';
    }
    heads.close();
    values.close();
    return {copy_from("triune_vectors", "organization_id, vector_key, collection_id, id, metadata", file("vectors")),
            copy_from("triune_vector_values", "organization_id, vector_key, vector", file("values"))};
  }

  [[nodiscard]] Supplier<PutVector> vectors_of() const {
    return [source = ClusteredVectors(vector_dimension, 7), done = std::size_t{0},
            wanted = vectors_](PutVector& vector) mutable -> Result<bool> {
      if (done == wanted) return false;
      vector.id = fmt::format("v{}", done++);
      source.next(vector.values);
      return true;
    };
  }

  Bench& bench_;
  testing::PostgresServer& server_;
  const std::filesystem::path folder_;
  const RandomGraph graph_;
  const std::size_t vectors_;
  Measured nodes_done_{.name = "postgres_load_nodes", .ours = {}, .peer = {}};
  Measured edges_done_{.name = "postgres_load_edges", .ours = {}, .peer = {}};
  Measured vectors_done_{.name = "postgres_load_vectors", .ours = {}, .peer = {}};
};

}  // namespace

void bench_loads(Bench& bench, testing::PostgresServer& server, const std::filesystem::path& folder) {
  Loads(bench, server, folder).run();
}

}  // namespace triune::bench
