// Single rows and nodes by their key among a million, against a prepared statement of SQLite.
#include <fmt/format.h>

#include "data.h"
#include "raw_sqlite.h"
#include "scenarios.h"

namespace triune::bench {
namespace {

constexpr std::uint64_t block = 500;

std::string item_id(std::uint64_t number) {
  return fmt::format("item-{}", number);
}

void make_hive(Bench& bench, const std::filesystem::path& folder, std::uint32_t count) {
  HiveOptions options;
  options.project_in_background = false;  // nothing here asks the graph
  const auto hive = must(Hive::open(folder, options));
  must(hive->sql("CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, note TEXT)"));
  const std::vector<Value> parameters{std::int64_t{count}};
  ReadOptions patient;
  patient.deadline = Deadline::after(std::chrono::minutes(10));
  must(hive->sql(
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) "
      "INSERT INTO items SELECT 'item-' || i, 'Item number ' || i, i % 1000, 'kept in store ' || (i % 17) FROM n",
      parameters, patient));
  must(hive->load_nodes("Person", nodes_of({count, 0}), bench.progress()));
}

/// Reads in blocks, ours and the peer's in turn.
void compare(Bench& bench, const std::string& name, std::uint64_t count, const std::function<void(std::uint64_t)>& ours,
             const std::function<void(std::uint64_t)>& peer) {
  std::mt19937_64 random(5);
  Samples our_times;
  Samples peer_times;
  const auto blocks = bench.sized(20, 100, 400);
  for (int i = 0; i < blocks; ++i) {
    for (auto* const side : {&our_times, &peer_times}) {
      for (std::uint64_t read = 0; read < block; ++read) {
        const auto number = random() % count;
        const Stopwatch watch;
        (side == &our_times ? ours : peer)(number);
        side->add(watch.milliseconds());
      }
    }
  }
  bench.add(measured(name, "ms", our_times.percentile(99))
                .against("raw prepared statement", peer_times.percentile(99))
                .at_most(1)
                .detail("measure", std::string("p99"))
                .detail("ours_p50_ms", our_times.percentile(50))
                .detail("peer_p50_ms", peer_times.percentile(50))
                .detail("rows", static_cast<std::int64_t>(count)));
}

}  // namespace

void bench_point_read(Bench& bench) {
  const auto count = bench.sized(100'000U, 1'000'000U, 1'000'000U);
  const auto folder = prepared(bench, "points", [&](const auto& made) { make_hive(bench, made / "hive", count); });
  HiveOptions options;
  options.project_in_background = false;
  const auto hive = must(Hive::open(folder / "hive", options));
  RawSqlite sqlite(folder / "hive" / "hive.db", options.relational_cache_bytes);
  auto row = sqlite.prepare("SELECT id, name, price, note FROM items WHERE id = ?1");
  auto node = sqlite.prepare(
      "SELECT properties FROM triune_nodes WHERE organization_id = 1 AND label_id = "
      "(SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Person') AND id = ?1");
  const auto read = [](RawStatement& statement, const std::string& id) {
    statement.bind(1, id);
    if (!statement.step()) throw std::runtime_error("nothing is stored under " + id);
    const std::string copy(statement.text(0));
    statement.reset();
  };
  compare(
      bench, "point_read_row", count,
      [&](std::uint64_t number) { must(hive->get_row("items", {{"id", item_id(number)}})); },
      [&](std::uint64_t number) { read(row, item_id(number)); });
  compare(
      bench, "point_read_node", count,
      [&](std::uint64_t number) {
        must(hive->get_node({"Person", RandomGraph::id(static_cast<std::uint32_t>(number))}));
      },
      [&](std::uint64_t number) { read(node, RandomGraph::id(static_cast<std::uint32_t>(number))); });
}

}  // namespace triune::bench
