// Events of the module: how fast they are told, and how fast it is said how many came.
#include "triune/modules/events.h"

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "raw_sqlite.h"
#include "scenarios.h"
#include "support/postgres_server.h"
#include "triune/ids.h"

namespace triune::bench {
namespace {

constexpr std::size_t batch_size = 1'000;
constexpr std::size_t producers = 16;
constexpr std::size_t batch_producers = 2;
constexpr std::int64_t day_ms = 86'400'000;
constexpr std::size_t sources = 5;
constexpr std::size_t types = 20;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Every event has an external id: each is looked for among all that came before.
NewEvent event_number(std::uint64_t number, std::int64_t occurred_at_ms = 0) {
  NewEvent event{.source = fmt::format("source{}", number % sources),
                 .type = fmt::format("type{}", number / 7 % types),
                 .actor = fmt::format("agent{}", number * 7919 % 1'000),
                 .occurred_at_ms = occurred_at_ms,
                 .external_id = fmt::format("delivery-{:012}", number)};
  event.data = {fmt::format(R"({{"attempt":1,"duration_ms":{},"path":"src/part{}.cpp"}})", number % 977, number % 313)};
  return event;
}

std::vector<NewEvent> batch_from(std::uint64_t first) {
  std::vector<NewEvent> batch;
  batch.reserve(batch_size);
  for (std::size_t i = 0; i < batch_size; ++i) batch.push_back(event_number(first + i));
  return batch;
}

std::unique_ptr<Events> opened(Hive& hive) {
  auto events = must(Events::open(hive));
  for (std::size_t i = 0; i < sources; ++i) must(events->register_source({.name = fmt::format("source{}", i)}));
  return events;
}

/// Threads that call `work` with the numbers from `next` on for a while; returns how many a second.
double rate(std::size_t threads, double seconds, std::atomic<std::uint64_t>& next, std::size_t step,
            const std::function<void(std::uint64_t)>& work) {
  std::atomic<std::uint64_t> done = 0;
  const Stopwatch watch;
  {
    std::vector<std::jthread> all;
    for (std::size_t t = 0; t < threads; ++t)
      all.emplace_back([&] {
        while (watch.seconds() < seconds) {
          work(next.fetch_add(step));
          done += step;
        }
      });
  }
  return static_cast<double>(done.load()) / watch.seconds();
}

/// The same rows and keys in two tables of SQLite alone, a durable transaction for each batch.
class BareEvents {
 public:
  explicit BareEvents(const std::filesystem::path& folder)
      : sqlite_((std::filesystem::create_directories(folder), folder / "bare.db")) {
    sqlite_.run(
        "CREATE TABLE events (id TEXT PRIMARY KEY, source INTEGER, type INTEGER, at INTEGER, actor TEXT, external "
        "TEXT, "
        "data TEXT) STRICT, WITHOUT ROWID");
    sqlite_.run(
        "CREATE TABLE keys (source INTEGER, key TEXT, id TEXT, PRIMARY KEY (source, key)) STRICT, WITHOUT ROWID");
  }
  void write(const std::vector<NewEvent>& batch) {
    auto event = sqlite_.prepare("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    auto key = sqlite_.prepare("INSERT INTO keys VALUES (?1, ?2, ?3)");
    sqlite_.run("BEGIN IMMEDIATE");
    for (const auto& one : batch) {
      const auto id = new_id();
      const auto source = std::int64_t{static_cast<unsigned char>(one.source.back())};
      key.bind(1, source).bind(2, one.external_id).bind(3, id).run();
      event.bind(1, id).bind(2, source).bind(3, std::int64_t{1}).bind(4, now_ms());
      event.bind(5, one.actor).bind(6, one.external_id).bind(7, one.data.text).run();
    }
    sqlite_.run("COMMIT");
  }

 private:
  RawSqlite sqlite_;
};

void bench_sqlite(Bench& bench, const std::filesystem::path& folder) {
  const auto hive = must(Hive::open(folder / "hive"));
  const auto events = opened(*hive);
  BareEvents bare(folder / "peer");
  std::atomic<std::uint64_t> next = 1;
  std::atomic<std::uint64_t> bare_next = 1;
  Samples batches;
  Samples bare_batches;
  Samples singles;
  const double seconds = bench.sized(1.5, 4.0, 8.0);
  for (int round = 0; round < bench.sized(3, 5, 7); ++round) {
    batches.add(rate(batch_producers, seconds, next, batch_size,
                     [&](std::uint64_t first) { must(events->ingest_many(batch_from(first))); }));
    bare_batches.add(
        rate(1, seconds, bare_next, batch_size, [&](std::uint64_t first) { bare.write(batch_from(first)); }));
    singles.add(
        rate(producers, seconds, next, 1, [&](std::uint64_t number) { must(events->ingest(event_number(number))); }));
  }
  bench.add(measured("events_batches", "events/s", batches.median())
                .against("bare SQLite, the same rows and keys", bare_batches.median())
                .at_least(100'000)
                .detail("best", batches.largest())
                .detail("batch", static_cast<std::int64_t>(batch_size))
                .detail("told", static_cast<std::int64_t>(next.load())));
  bench.add(measured("events_single", "events/s", singles.median())
                .at_least(20'000)
                .detail("best", singles.largest())
                .detail("producers", static_cast<std::int64_t>(producers)));
}

void bench_server(Bench& bench, const std::filesystem::path& folder) {
  testing::PostgresServer server({.settings = {{"max_connections", "100"}}, .durable = true});
  const auto hive = must(
      Hive::open(server.url(server.create_database()), {.projections = folder / "nodes", .environment = "production"}));
  const auto events = opened(*hive);
  std::atomic<std::uint64_t> next = 1;
  Samples batches;
  Samples singles;
  const double seconds = bench.sized(1.5, 4.0, 8.0);
  for (int round = 0; round < bench.sized(2, 3, 5); ++round) {
    batches.add(rate(batch_producers, seconds, next, batch_size,
                     [&](std::uint64_t first) { must(events->ingest_many(batch_from(first))); }));
    singles.add(
        rate(producers, seconds, next, 1, [&](std::uint64_t number) { must(events->ingest(event_number(number))); }));
  }
  bench.add(measured("events_batches_postgres", "events/s", batches.median()));
  bench.add(measured("events_single_postgres", "events/s", singles.median()));
}

/// The slowest of what a dashboard asks.
void ask_dashboard(Bench& bench, Events& events, std::int64_t total) {
  const auto now = now_ms();
  const std::vector<std::pair<std::string, std::function<void()>>> queries{
      {"days", [&] { must(events.aggregates({})); }},
      {"days_by_source_and_type",
       [&] { must(events.aggregates({.by_source = true, .by_type = true, .limit = 10'000})); }},
      {"hours_of_a_week",
       [&] { must(events.aggregates({.period = EventPeriod::hour, .since_ms = now - 7 * day_ms})); }},
      {"actors_of_days", [&] { must(events.aggregates({.since_ms = now - 7 * day_ms, .actors = true})); }},
      {"health", [&] { must(events.health()); }},
      {"newest_of_a_type", [&] { must(events.query({.type = "type3", .limit = 50})); }}};
  double slowest = 0;
  Row row = measured("events_dashboard", "ms", 0);
  for (const auto& [name, ask] : queries) {
    Samples times;
    for (int i = 0; i < 20; ++i) times.add(timed(ask) * 1e3);
    slowest = std::max(slowest, times.percentile(95));
    row.detail(name + "_p95_ms", times.percentile(95));
  }
  row.ours = slowest;
  bench.add(row.at_most(100).detail("events", total));
}

}  // namespace

void bench_dashboard(Bench& bench) {
  const std::uint64_t total = bench.sized<std::uint64_t>(500'000, 10'000'000, 10'000'000);
  const auto folder = prepared(bench, fmt::format("events-{}", total), [&](const std::filesystem::path& place) {
    const auto hive = must(Hive::open(place / "hive"));
    const auto events = opened(*hive);
    const auto start = now_ms() - 30 * day_ms;
    for (std::uint64_t first = 0; first < total; first += 10 * batch_size) {
      std::vector<NewEvent> batch;
      for (std::uint64_t i = first; i < first + 10 * batch_size; ++i) {
        batch.push_back(event_number(i, start + static_cast<std::int64_t>(i * 30 * day_ms / total)));
        batch.back().external_id.clear();
      }
      must(events->ingest_many(batch));
      bench.update("events of 30 days", first, total);
    }
  });
  const auto hive = must(Hive::open(folder / "hive"));
  const auto events = must(Events::open(*hive));
  ask_dashboard(bench, *events, static_cast<std::int64_t>(total));
}

void bench_events(Bench& bench) {
  const WorkFolder folder(bench.settings(), "events");
  bench_sqlite(bench, folder.path());
  bench_server(bench, folder.path());
}

}  // namespace triune::bench
