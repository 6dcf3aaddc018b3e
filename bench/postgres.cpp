// A hive on PostgreSQL against plain libpq, pgbench and psql on the same durable server.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include "adapters/builtin.h"
#include "commit_work.h"
#include "postgres_load.h"
#include "raw_postgres.h"
#include "runtime/connection_pool.h"
#include "scenarios.h"
#include "support/pgbouncer.h"
#include "support/postgres_server.h"

namespace triune::bench {
namespace {

constexpr std::size_t callers_connections = 16;
constexpr std::size_t batch_rows = 1'000;
constexpr std::string_view upsert =
    "INSERT INTO events (id, kind, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, "
    "body = excluded.body WHERE events.kind IS DISTINCT FROM excluded.kind OR events.body IS DISTINCT FROM "
    "excluded.body";

std::string id_of(std::uint64_t number) {
  return fmt::format("event-{:012}", number);
}

/// A hive on a fresh database of a durable server, with a captured table that the peers write to as well.
struct Place {
  explicit Place(const std::filesystem::path& folder)
      : server({.settings = {{"max_connections", "200"}}, .durable = true}),
        url(server.url(server.create_database())),
        hive(must(Hive::open(url, {.projections = folder / "nodes", .environment = "production"}))) {
    must(hive->sql("CREATE TABLE events (id text PRIMARY KEY, kind text NOT NULL, body text)"));
  }
  testing::PostgresServer server;
  std::string url;
  std::unique_ptr<Hive> hive;
  std::uint64_t next = 1;
};

Commit commit_of(std::uint64_t first, std::size_t rows) {
  Commit commit;
  for (std::size_t i = 0; i < rows; ++i)
    commit.changes.push_back(
        PutRow{"events", {{"id", id_of(first + i)}, {"kind", "made"}, {"body", "text of an event"}}});
  return commit;
}

/// Plain connections, one for each thread that is at it.
class RawConnections {
 public:
  RawConnections(const std::string& url, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      free_.push_back(std::make_unique<RawPostgres>(url));
      free_.back()->prepare("put", std::string(upsert));
    }
  }
  void put(std::uint64_t number) {
    std::unique_ptr<RawPostgres> mine;
    {
      const std::scoped_lock lock(mutex_);
      mine = std::move(free_.back());
      free_.pop_back();
    }
    mine->execute("put", {id_of(number), "made", "text of an event"});
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(mine));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RawPostgres>> free_;
};

struct Side {
  Samples rates;
  Samples latencies;

  void round(Place& place, std::size_t threads, double seconds, const std::function<void(std::uint64_t)>& commit) {
    const Stopwatch watch;
    const auto done = produce(threads, seconds, place.next, commit, latencies);
    rates.add(static_cast<double>(done) / watch.seconds());
    place.next += done + threads;
  }
};

/// Ours and libpq's in turn, `threads` at once.
void bench_single(Bench& bench, Place& place, std::size_t threads) {
  RawConnections raw(place.url, threads);
  Side ours;
  Side peer;
  const double seconds = bench.sized(1.0, 2.0, 4.0);
  for (int round = 0; round < bench.sized(2, 5, 9); ++round) {
    ours.round(place, threads, seconds, [&](std::uint64_t n) { must(place.hive->commit(commit_of(n, 1))); });
    peer.round(place, threads, seconds, [&](std::uint64_t n) { raw.put(n); });
  }
  bench.add(measured(fmt::format("postgres_commit_{}", threads), "commits/s", ours.rates.median())
                .against("libpq autocommit", peer.rates.median())
                .ratio_at_least(0.8)
                .detail("ours_p99_ms", ours.latencies.percentile(99))
                .detail("peer_p99_ms", peer.latencies.percentile(99)));
}

void bench_pgbench(Bench& bench, Place& place, const std::filesystem::path& folder) {
  const auto script = folder / "put.sql";
  std::ofstream(script) << "\\set n random(1, 1000000000)\n"
                           "INSERT INTO events (id, kind, body) VALUES ('bench-' || :n, 'made', 'text of an event') "
                           "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind;\n";
  Samples ours;
  Samples peers;
  Samples latency;
  const int seconds = bench.sized(1, 3, 6);
  for (int round = 0; round < bench.sized(1, 3, 5); ++round) {
    const Stopwatch watch;
    const auto done =
        produce(16, seconds, place.next, [&](std::uint64_t n) { must(place.hive->commit(commit_of(n, 1))); }, latency);
    ours.add(static_cast<double>(done) / watch.seconds());
    place.next += done + 16;
    peers.add(pgbench_rate(place.url, script, 16, seconds));
  }
  bench.add(measured("postgres_pgbench", "commits/s", ours.median())
                .against("pgbench, 16 clients, the same statement", peers.median())
                .ratio_at_least(0.8));
}

void bench_batch(Bench& bench, Place& place) {
  RawPostgres raw(place.url);
  raw.prepare("put", std::string(upsert));
  Samples ours;
  Samples peers;
  for (int round = 0; round < bench.sized(5, 20, 40); ++round) {
    const auto commit = commit_of(place.next, batch_rows);
    place.next += batch_rows;
    ours.add(batch_rows / timed([&] { must(place.hive->commit(commit)); }));
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < batch_rows; ++i) rows.push_back({id_of(place.next + i), "made", "text of an event"});
    place.next += batch_rows;
    peers.add(batch_rows / timed([&] { raw.execute_batch("put", rows); }));
  }
  bench.add(measured("postgres_batch", "rows/s", ours.median())
                .against("libpq pipeline in one transaction", peers.median())
                .ratio_at_least(0.8)
                .detail("rows", static_cast<std::int64_t>(batch_rows)));
}

std::unique_ptr<contract::RelationalStore> open_store(const std::string& url, std::uint32_t connections) {
  contract::EngineOptions options{
      .readers = connections, .writers = connections, .url = url, .make_pool = runtime::make_connection_pool};
  return must(adapters::builtin().relational.at("postgres")(options));
}

void bench_copy(Bench& bench, Place& place, const std::filesystem::path& folder) {
  const auto count = bench.sized<std::size_t>(50'000, 300'000, 1'000'000);
  const auto file = folder / "rows.csv";
  {
    std::ofstream out(file);
    for (std::size_t i = 0; i < count; ++i) out << i << ",name " << i << "," << i * 0.5 << '\n';
  }
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  const auto store = open_store(place.url, 2);
  RawPostgres raw(place.url);
  raw.run("CREATE TABLE bulk_ours (id bigint PRIMARY KEY, name text, score double precision)");
  raw.run("CREATE TABLE bulk_peer (id bigint PRIMARY KEY, name text, score double precision)");
  std::vector<Value> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.emplace_back(static_cast<std::int64_t>(i));
    values.emplace_back(fmt::format("name {}", i));
    values.emplace_back(static_cast<double>(i) * 0.5);
  }
  const std::vector<std::string> columns{"id", "name", "score"};
  Samples ours;
  Samples peers;
  for (int round = 0; round < 3; ++round) {
    raw.run("TRUNCATE bulk_ours, bulk_peer");
    ours.add(static_cast<double>(count) / timed([&] {
               must(store->write(
                   [&](contract::RelationalSession& session) -> Status {
                     const auto loaded = session.load_rows("bulk_ours", columns, values);
                     return loaded ? Status() : Status(std::unexpected(loaded.error()));
                   },
                   Deadline::after(std::chrono::minutes(5))));
             }));
    peers.add(static_cast<double>(count) /
              time_psql(place.url, fmt::format("\\copy bulk_peer FROM '{}' WITH (FORMAT csv)", file.string())));
  }
  bench.add(measured("postgres_copy", "rows/s", ours.median())
                .against("psql \\copy", peers.median())
                .ratio_at_least(0.8)
                .detail("rows", static_cast<std::int64_t>(count)));
}

struct Fairness {
  double rate = 0;
  Samples latencies;
  double slowest_to_median = 0;  ///< Of the callers' numbers of answers: median by the least.
};

Fairness call_from_many(std::size_t callers, double seconds,
                        const std::function<std::function<void()>()>& make_caller) {
  std::vector<Samples> each(callers);
  std::vector<std::function<void()>> calls;
  for (std::size_t i = 0; i < callers; ++i) calls.push_back(make_caller());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  const Stopwatch watch;
  for (std::size_t i = 0; i < callers; ++i)
    threads.emplace_back([&, i] {
      while (!stop) {
        const Stopwatch one;
        calls[i]();
        each[i].add(one.milliseconds());
      }
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (auto& thread : threads) thread.join();
  Fairness result;
  Samples medians;
  double slowest = 0;
  for (const auto& one : each) {
    result.latencies.add(one);
    medians.add(one.median());
    slowest = std::max(slowest, one.median());
  }
  result.rate = static_cast<double>(result.latencies.size()) / watch.seconds();
  result.slowest_to_median = slowest / medians.median();
  return result;
}

void bench_callers(Bench& bench, Place& place) {
  const auto callers = bench.sized<std::size_t>(200, 1'000, 1'000);
  const double seconds = bench.sized(2.0, 6.0, 12.0);
  const auto store = open_store(place.url, callers_connections);
  const auto ours = call_from_many(callers, seconds, [&] {
    return [&] {
      const auto session = must(store->read(contract::ReadScope::internal, Deadline::after(std::chrono::seconds(30))));
      must(session->query("SELECT count(*) FROM triune_organizations", {}, 1));
    };
  });
  testing::Pgbouncer bouncer(place.server, callers_connections);
  const auto database = place.url.substr(place.url.rfind('/') + 1);
  const auto pooled = bouncer.url(database.substr(0, database.find('?')));
  const auto peer = call_from_many(callers, seconds, [&]() -> std::function<void()> {
    auto raw = std::make_shared<RawPostgres>(pooled);
    return [raw] { raw->run("SELECT count(*) FROM triune_organizations"); };
  });
  bench.add(measured("postgres_callers_p99", "ms", ours.latencies.percentile(99))
                .against("libpq through PgBouncer", peer.latencies.percentile(99))
                .detail("callers", static_cast<std::int64_t>(callers))
                .detail("connections", static_cast<std::int64_t>(callers_connections))
                .detail("ours_per_s", ours.rate)
                .detail("peer_per_s", peer.rate)
                .detail("ours_p50_ms", ours.latencies.percentile(50))
                .detail("peer_p50_ms", peer.latencies.percentile(50)));
  bench.add(measured("postgres_callers_fairness", "×", ours.slowest_to_median)
                .against("libpq through PgBouncer", peer.slowest_to_median));
}

void bench_shared_lag(Bench& bench, Place& place) {
  const auto reader = must(Hive::open(place.url, {.projections = place.server.data().parent_path() / "reader"}));
  must(place.hive->commit({.changes = {PutNode{{"Beat", "first"}, {}}}, .idempotency_key = {}}));
  must(reader->wait(must(place.hive->receipt()).token(), Deadline::after(std::chrono::seconds(60))));
  Samples own;
  Samples other;
  for (int i = 0; i < bench.sized(50, 300, 1'000); ++i) {
    const auto receipt =
        must(place.hive->commit({.changes = {PutNode{{"Beat", std::to_string(i)}, {}}}, .idempotency_key = {}}));
    const Stopwatch watch;
    must(place.hive->wait(receipt.token(), Deadline::after(std::chrono::seconds(30))));
    own.add(watch.milliseconds());
    must(reader->wait(receipt.token(), Deadline::after(std::chrono::seconds(30))));
    other.add(watch.milliseconds());
  }
  bench.add(measured("postgres_read_own_writes", "ms", own.percentile(95)).at_most(50));
  bench.add(measured("postgres_lag_other_node", "ms", other.percentile(99)).at_most(250));
}

}  // namespace

void bench_postgres_bulk(Bench& bench) {
  const WorkFolder folder(bench.settings(), "postgres_bulk");
  testing::PostgresServer server({.settings = {{"max_connections", "50"}}, .durable = true});
  bench_loads(bench, server, folder.path());
  bench_import(bench, server, folder.path());
}

void bench_postgres(Bench& bench) {
  const WorkFolder folder(bench.settings(), "postgres");
  Place place(folder.path());
  bench_single(bench, place, 1);
  bench_single(bench, place, 16);
  bench_pgbench(bench, place, folder.path());
  bench_batch(bench, place);
  bench_copy(bench, place, folder.path());
  bench_callers(bench, place);
  bench_shared_lag(bench, place);
}

}  // namespace triune::bench
