// Queues: claimed and completed by 16 workers, on both stores.
#include <fmt/format.h>

#include <atomic>
#include <fstream>

#include "module_place.h"
#include "raw_postgres.h"
#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/modules/queue.h"

namespace triune::bench {
namespace {

constexpr int workers = 16;

/// The least there is to know to claim and to complete, with an entry of the log for each: the statements of the peers.
constexpr std::string_view next_items =
    "SELECT id FROM triune_queue_items WHERE organization_id = 1 AND queue = 'work' AND state = 'ready' ORDER BY "
    "priority DESC, turn, id LIMIT {}";
constexpr std::string_view claim_items =
    "UPDATE triune_queue_items SET state = 'claimed', claim = claim + 1, attempts = attempts + 1, worker = 'peer', "
    "claimed_at_ms = 1700000000000, lease_until_ms = 1700000060000 WHERE organization_id = 1 AND ";
constexpr std::string_view complete_items =
    "UPDATE triune_queue_items SET state = 'completed', result = '{\"ok\":true}', ended_at_ms = 1700000000000, "
    "lease_until_ms = NULL WHERE organization_id = 1 AND state = 'claimed' AND ";
constexpr std::string_view log_entry =
    "INSERT INTO triune_audit_log (organization_id, actor, actor_type, reason, request_id, table_name, record_id, "
    "operation, before, after) ";
constexpr std::string_view entry_of_claim =
    "'peer', 'api', '', '', 'triune_queue_items', id, 'update', '{\"state\":\"ready\",\"attempts\":0,\"claim\":0,"
    "\"worker\":\"\",\"claimed_at_ms\":null,\"lease_until_ms\":null}', '{\"state\":\"claimed\",\"attempts\":1,"
    "\"claim\":1,\"worker\":\"peer\",\"claimed_at_ms\":1700000000000,\"lease_until_ms\":1700000060000}'";
constexpr std::string_view entry_of_completion =
    "'peer', 'api', '', '', 'triune_queue_items', id, 'update', '{\"state\":\"claimed\",\"lease_until_ms\":"
    "1700000060000,\"result\":null,\"ended_at_ms\":null}', '{\"state\":\"completed\",\"lease_until_ms\":null,"
    "\"result\":\"{\\\"ok\\\":true}\",\"ended_at_ms\":1700000000000}'";

constexpr std::string_view many_items =
    "INSERT INTO triune_queue_items (organization_id, id, queue, state, turn, due_at_ms, payload, created_at_ms) WITH "
    "RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {}) SELECT 1, 'item-' || "
    "substr(CAST(100000000 + i AS text), 2), 'work', 'ready', i, 0, '{{\"kind\":\"review\",\"file\":\"main.cpp\"}}', 0 "
    "FROM n";

void put_items(Queues& queues, int count) {
  must(queues.configure({.name = "work"}));
  constexpr int at_once = 10'000;
  for (int begin = 0; begin < count; begin += at_once) {
    std::vector<NewQueueItem> items;
    for (int i = begin; i < std::min(begin + at_once, count); ++i)
      items.push_back({.id = fmt::format("item-{:08}", i), .payload = Json{R"({"kind":"review","file":"main.cpp"})"}});
    must(queues.put("work", items));
  }
}

/// Claims and completes `share` items, each claim of `at_once`.
void work(Queues& queues, int number, std::size_t at_once, std::atomic<std::int64_t>& left) {
  const auto name = fmt::format("worker-{}", number);
  while (left.fetch_sub(static_cast<std::int64_t>(at_once)) > 0) {
    const auto claimed = must(queues.claim("work", name, at_once));
    std::vector<QueueCompletion> completions;
    for (const auto& item : claimed) completions.push_back({item.id, item.claim, Json{R"({"ok":true})"}});
    must(queues.complete(completions));
    if (claimed.size() != at_once) throw std::runtime_error("the queue ran dry");
  }
}

/// SQLite alone: one thread, the jobs of all workers in one durable transaction.
class BareQueue {
 public:
  BareQueue(const std::string& path, std::size_t at_once)
      : file_(path),
        next_(file_.prepare(fmt::format(fmt::runtime(next_items), at_once))),
        claim_(file_.prepare(fmt::format("{} id = ?1", claim_items))),
        complete_(file_.prepare(fmt::format("{} id = ?1 AND claim = ?2", complete_items))),
        log_claim_(file_.prepare(fmt::format("{} VALUES (1, {})", log_entry, replaced(entry_of_claim)))),
        log_completion_(file_.prepare(fmt::format("{} VALUES (1, {})", log_entry, replaced(entry_of_completion)))) {}

  /// Returns how many.
  std::int64_t cycles() {
    std::vector<std::vector<std::string>> held(workers);
    std::int64_t done = 0;
    file_.run("BEGIN IMMEDIATE");
    for (auto& ids : held) {
      while (next_.step()) ids.emplace_back(next_.text(0));
      next_.reset();
      for (const auto& id : ids) {
        claim_.bind(1, std::string_view(id)).run();
        log_claim_.bind(1, std::string_view(id)).run();
      }
    }
    file_.run("COMMIT");
    file_.run("BEGIN IMMEDIATE");
    for (const auto& ids : held)
      for (const auto& id : ids) {
        complete_.bind(1, std::string_view(id)).bind(2, std::int64_t{1}).run();
        log_completion_.bind(1, std::string_view(id)).run();
        ++done;
      }
    file_.run("COMMIT");
    return done;
  }

 private:
  static std::string replaced(std::string_view entry) {
    std::string text(entry);
    const auto at = text.find(", id,");
    return text.replace(at, 5, ", ?1,");
  }
  RawSqlite file_;
  RawStatement next_;
  RawStatement claim_;
  RawStatement complete_;
  RawStatement log_claim_;
  RawStatement log_completion_;
};

/// Both sides have items of their own, and the peer's tables no triggers.
struct Sides {
  Sides(Store store, const std::filesystem::path& folder, int items, int items_of_peer)
      : ours(store, folder / "ours"), peer(store, folder / "peer") {
    queues = must(Queues::open(ours.hive()));
    put_items(*queues, items);
    must(must(Queues::open(peer.hive()))->configure({.name = "work"}));
    peer.close();
    peer.load({}, {fmt::format(fmt::runtime(many_items), items_of_peer)});
    if (store == Store::sqlite) {
      RawSqlite file(peer.raw());
      for (const auto* const trigger : {"audit_triune_queue_items_update", "queue_items_task", "queue_items_wake"})
        file.run(fmt::format("DROP TRIGGER triune_{}", trigger));
    } else {
      RawPostgres(peer.raw()).run("ALTER TABLE triune_queue_items DISABLE TRIGGER USER");
    }
  }
  ModulePlace ours;
  ModulePlace peer;
  std::unique_ptr<Queues> queues;
};

/// pgbench takes a colon with a word behind it for a variable, also in the JSON of an entry.
std::string for_pgbench(std::string_view sql) {
  std::string text(sql);
  for (auto at = text.find("\":"); at != std::string::npos; at = text.find("\":", at + 2)) text.insert(at + 2, " ");
  return text;
}

std::filesystem::path cycle_script(const std::filesystem::path& folder, std::size_t at_once) {
  auto path = folder / "cycle.sql";
  const auto claim = fmt::format(
      "WITH next AS MATERIALIZED ({} FOR UPDATE SKIP LOCKED), claimed AS ({} id IN (SELECT id FROM next) RETURNING "
      "id), logged AS ({} SELECT 1, {} FROM claimed) SELECT CAST(array_agg(id) AS text) AS ids FROM claimed \\gset\n",
      fmt::format(fmt::runtime(next_items), at_once), claim_items, log_entry, entry_of_claim);
  const auto complete =
      fmt::format("WITH done AS ({} id = ANY(CAST(:ids AS text[])) RETURNING id) {} SELECT 1, {} FROM done;\n",
                  complete_items, log_entry, entry_of_completion);
  std::ofstream(path) << for_pgbench(claim + complete);
  return path;
}

double bare_rate(Sides& sides, Store store, const std::filesystem::path& folder, std::size_t at_once,
                 std::int64_t count) {
  if (store == Store::postgres)
    return pgbench_rate(sides.peer.raw(), cycle_script(folder, at_once), workers, 2) * static_cast<double>(at_once);
  BareQueue bare(sides.peer.raw(), at_once);
  const Stopwatch watch;
  std::int64_t done = 0;
  while (done < count) done += bare.cycles();
  return static_cast<double>(done) / watch.seconds();
}

void bench_cycles(Bench& bench, Store store, std::size_t at_once) {
  const WorkFolder folder(bench.settings(), "queues");
  const bool server = store == Store::postgres;
  const int rounds = bench.sized(2, 5, 9);
  const int count = server ? bench.sized(3'200, 9'600, 19'200) : bench.sized(16'000, 32'000, 64'000);
  const int of_peer = server ? (at_once > 1 ? 200'000 : 40'000) * rounds : (count + 1'000) * rounds;
  Sides sides(store, folder.path(), count * rounds, of_peer);
  Samples ours;
  Samples peers;
  double cpu = 0;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<std::int64_t> left{count};
    const double began = processor_seconds();
    ours.add(count / in_threads(workers, [&](int number) { work(*sides.queues, number, at_once, left); }));
    cpu += processor_seconds() - began;
    peers.add(bare_rate(sides, store, folder.path(), at_once, count));
  }
  auto row = measured(row_name(fmt::format("queue_cycles_{}_at_once", at_once), store), "cycles/s", ours.median())
                 .against(server ? "pgbench, 16 clients, tables without triggers" : "SQLite alone, without triggers",
                          peers.median())
                 .detail("best", ours.largest())
                 .detail("processor_us_a_cycle", cpu * 1e6 / count / rounds)
                 .detail("workers", std::int64_t{workers});
  bench.add(server ? row : row.at_least(20'000));
}

}  // namespace

void bench_queues(Bench& bench) {
  for (const std::size_t at_once : {32U, 1U}) bench_cycles(bench, Store::sqlite, at_once);
}

void bench_queues_postgres(Bench& bench) {
  for (const std::size_t at_once : {32U, 1U}) bench_cycles(bench, Store::postgres, at_once);
}

}  // namespace triune::bench
