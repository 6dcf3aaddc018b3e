// Dependencies among a million tasks, what is ready, what dashboards ask, and what the audit log costs.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "module_place.h"
#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/modules/agents.h"
#include "triune/modules/tasks.h"

namespace triune::bench {
namespace {

constexpr int workers = 16;
constexpr int agent_count = 60;

HiveOptions rows_only() {
  HiveOptions options;
  options.project_in_background = false;  // nothing here asks the graph
  return options;
}

/// Task n is `t`n. Of ten, two are pending, one is at work, one a draft, five are completed and one failed; those that
/// somebody had are spread over the agents, and all over the last 90 days.
std::vector<std::string> task_statements(std::int64_t count, std::int64_t now) {
  constexpr std::string_view numbers =
      "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < {0}) ";
  const auto sql = [&](std::string_view text) { return fmt::format(fmt::runtime(text), count, now, agent_count); };
  const auto status = [](std::string_view number) {
    return fmt::format(
        "CASE {} % 10 WHEN 0 THEN 'pending' WHEN 1 THEN 'pending' WHEN 2 THEN 'in_progress' WHEN 3 THEN 'draft' WHEN 4 "
        "THEN 'failed' ELSE 'completed' END",
        number);
  };
  return {
      "BEGIN",
      sql(fmt::format("INSERT INTO triune_tasks (organization_id, id, name, status, priority, ordinal, assigned_to, "
                      "created_at_ms, updated_at_ms) {} SELECT 1, 't' || i, 'task', {}, i % 5, i, CASE WHEN i % 10 IN "
                      "(0, 1, 3) THEN NULL ELSE 'agent-' || (i / 10 % {{2}}) END, {{1}} - i % 90 * 86400000, {{1}} "
                      "FROM n",
                      numbers, status("i"))),
      // Of the source any task before it, by numbers that look random.
      sql(fmt::format("INSERT INTO triune_task_dependencies (organization_id, source_id, target_id, dependency_type, "
                      "satisfied, created_at_ms) {} SELECT 1, 't' || p.source, 't' || p.target, 'depends_on', CASE "
                      "WHEN p.target % 10 > 4 THEN 1 ELSE 0 END, {{1}} FROM (SELECT r.source, 1 + r.other % (r.source "
                      "- 1) AS target FROM (SELECT 2 + (i * i % 1000003 * 48271 + i * 16807) % 2147483647 % ({{0}} - "
                      "1) AS source, (i * i % 998244353 * 1103 + i * 69621) % 2147483629 AS other FROM n) r) p WHERE "
                      "true ON CONFLICT DO NOTHING",
                      numbers)),
      ("UPDATE triune_tasks SET unmet_dependencies = (SELECT count(*) FROM triune_task_dependencies d WHERE "
       "d.organization_id = 1 AND d.source_id = triune_tasks.id AND d.satisfied = 0)"),
      ("INSERT INTO triune_task_days (organization_id, day, status, tasks) SELECT 1, created_at_ms / 86400000, status, "
       "count(*) FROM triune_tasks GROUP BY created_at_ms / 86400000, status"),
      ("INSERT INTO triune_task_loads (organization_id, agent, status, tasks) SELECT 1, assigned_to, status, count(*) "
       "FROM triune_tasks WHERE assigned_to IS NOT NULL GROUP BY assigned_to, status"),
      "COMMIT"};
}

void fill(Bench& bench, ModulePlace& place, int count) {
  bench.say(fmt::format("  making {} tasks and dependencies", count));
  {
    must(Tasks::open(place.hive()));
  }
  place.close();
  place.load({"triune_tasks", "triune_task_dependencies"},
             task_statements(count, std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count()));
  place.open();
  // Derives what was taken away, and fills the graph's tables.
  {
    must(Tasks::open(place.hive()));
  }
  const auto agents = must(Agents::open(place.hive()));
  for (int i = 0; i < agent_count; ++i) must(agents->enroll({.id = fmt::format("agent-{}", i)}));
}

struct Inserts {
  Samples along;
  Samples against;
  std::int64_t refused = 0;
};

/// Random dependencies, half of them against the order; taken back at the end.
Inserts insert_dependencies(Tasks& tasks, int count, int rounds) {
  Inserts inserts;
  std::mt19937_64 random(12);
  std::vector<std::pair<std::string, std::string>> added;
  for (int i = 0; i < rounds; ++i) {
    auto source = static_cast<int>(1 + random() % static_cast<std::uint64_t>(count));
    auto target = static_cast<int>(1 + random() % static_cast<std::uint64_t>(count));
    if (source == target) continue;
    const bool forward = i % 2 == 0;
    if ((source < target) == forward) std::swap(source, target);
    const TaskDependency dependency{.source = fmt::format("t{}", source), .target = fmt::format("t{}", target)};
    const Stopwatch watch;
    const auto done = tasks.depend(dependency);
    (forward ? inserts.along : inserts.against).add(watch.milliseconds());
    if (done)
      added.emplace_back(dependency.source, dependency.target);
    else
      ++inserts.refused;
  }
  for (const auto& [source, target] : added) must(tasks.undepend(source, target));
  return inserts;
}

void add_query(Bench& bench, std::string name, std::string_view measure, double limit, std::int64_t count,
               const std::function<void()>& ask) {
  Samples samples;
  for (int i = 0; i < bench.sized(30, 100, 300); ++i) samples.add(timed(ask) * 1e3);
  bench.add(measured(std::move(name), "ms", samples.percentile(95))
                .at_most(limit)
                .detail("measure", std::string(measure))
                .detail("p50_ms", samples.percentile(50))
                .detail("tasks", count));
}

void measure_tasks(Bench& bench, ModulePlace& place, int count) {
  const auto tasks = must(Tasks::open(place.hive()));
  const auto agents = must(Agents::open(place.hive()));
  insert_dependencies(*tasks, count, 20);  // the caches fill
  const auto inserts = insert_dependencies(*tasks, count, bench.sized(200, 1'000, 3'000));
  Samples all = inserts.along;
  all.add(inserts.against);
  bench.add(measured(row_name("cycle_check", place.store()), "ms", all.percentile(95))
                .at_most(10)
                .detail("measure", std::string("p95, durable, half of them against the order"))
                .detail("along_p50_ms", inserts.along.median())
                .detail("along_p95_ms", inserts.along.percentile(95))
                .detail("against_p50_ms", inserts.against.median())
                .detail("against_p95_ms", inserts.against.percentile(95))
                .detail("largest_ms", all.largest())
                .detail("refused", inserts.refused)
                .detail("dependencies", std::int64_t{count}));
  const auto query = [&](std::string_view name, std::string_view measure, double limit,
                         const std::function<void()>& ask) {
    add_query(bench, row_name(name, place.store()), measure, limit, count, ask);
  };
  query("ready_tasks", "p95 of the 100 most urgent", 5, [&] { must(tasks->ready(100)); });
  query("task_summary", "p95 of a month by day and status", 100, [&] { must(tasks->summary()); });
  query("agent_load", "p95 of 60 agents with their tasks", 100, [&] { must(agents->summary()); });
}

void bench_million(Bench& bench, Store store) {
  const int count = bench.sized(50'000, 1'000'000, 1'000'000);
  if (store == Store::sqlite) {
    const auto made = prepared(bench, fmt::format("tasks_{}", count), [&](const std::filesystem::path& folder) {
      ModulePlace place(store, folder / "hive");
      fill(bench, place, count);
    });
    ModulePlace place(store, made / "hive");
    return measure_tasks(bench, place, count);
  }
  const WorkFolder folder(bench.settings(), "tasks");
  ModulePlace place(store, folder.path() / "nodes");
  fill(bench, place, count);
  measure_tasks(bench, place, count);
}

/// Updates a second of 16 producers.
double updates_per_second(Bench& bench, Tasks& tasks) {
  const int count = bench.sized(4'000, 20'000, 40'000);
  std::atomic<int> next{0};
  const double seconds = timed([&] {
    std::vector<std::thread> threads;
    for (int number = 0; number < workers; ++number)
      threads.emplace_back([&] {
        for (int i = next++; i < count; i = next++)
          must(tasks.update(fmt::format("a{}", i % 2'000), {.description = fmt::format("state {}", i)},
                            {.id = "bench"}));
      });
    for (auto& thread : threads) thread.join();
  });
  return count / seconds;
}

void bench_audit(Bench& bench) {
  Samples with;
  Samples without;
  const WorkFolder folder(bench.settings(), "audit");
  for (const bool audited : {true, false}) {
    const auto place = folder.path() / (audited ? "with" : "without");
    auto hive = must(Hive::open(place.string(), rows_only()));
    auto tasks = must(Tasks::open(*hive));
    std::vector<NewTask> some;
    for (int i = 0; i < 2'000; ++i) some.push_back({.id = fmt::format("a{}", i), .name = "task"});
    must(tasks->create_many(some));
    tasks.reset();
    hive.reset();
    if (!audited) {
      RawSqlite file(place / "hive.db");
      for (const auto* event : {"insert", "update", "delete"})
        file.run(fmt::format("DROP TRIGGER triune_audit_triune_tasks_{}", event));
    }
  }
  const auto with_hive = must(Hive::open((folder.path() / "with").string(), rows_only()));
  const auto without_hive = must(Hive::open((folder.path() / "without").string(), rows_only()));
  const auto with_tasks = must(Tasks::open(*with_hive));
  const auto without_tasks = must(Tasks::open(*without_hive));
  for (int round = 0; round < 3; ++round) {
    with.add(updates_per_second(bench, *with_tasks));
    without.add(updates_per_second(bench, *without_tasks));
  }
  bench.add(measured("audit_throughput", "updates/s", with.median())
                .against("the same without the audit log", without.median())
                .ratio_at_least(0.6));
}

}  // namespace

void bench_tasks(Bench& bench) {
  bench_million(bench, Store::sqlite);
}

void bench_tasks_postgres(Bench& bench) {
  bench_million(bench, Store::postgres);
}

void bench_audit_log(Bench& bench) {
  bench_audit(bench);
}

}  // namespace triune::bench
