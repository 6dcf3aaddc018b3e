// Queues, dependencies, what is ready, and what the audit log costs.
#include <fmt/format.h>

#include <atomic>
#include <random>
#include <thread>

#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/modules/queue.h"
#include "triune/modules/tasks.h"

namespace triune::bench {
namespace {

constexpr int workers = 16;

HiveOptions rows_only() {
  HiveOptions options;
  options.project_in_background = false;  // nothing here asks the graph
  return options;
}

std::vector<NewQueueItem> items_of(int begin, int count) {
  std::vector<NewQueueItem> items;
  for (int i = begin; i < begin + count; ++i)
    items.push_back({.id = fmt::format("item-{:08}", i), .payload = Json{R"({"kind":"review","file":"main.cpp"})"}});
  return items;
}

/// Claims and completes until nothing is left; returns how many.
std::int64_t work(Queues& queues, int number, std::size_t at_once) {
  std::int64_t done = 0;
  const auto name = fmt::format("worker-{}", number);
  for (;;) {
    const auto claimed = must(queues.claim("work", name, at_once));
    if (claimed.empty()) return done;
    std::vector<QueueCompletion> completions;
    for (const auto& item : claimed) completions.push_back({item.id, item.claim, Json{R"({"ok":true})"}});
    must(queues.complete(completions));
    done += static_cast<std::int64_t>(completions.size());
  }
}

void bench_queue(Bench& bench, std::size_t at_once) {
  const WorkFolder folder(bench.settings(), "queue");
  const auto hive = must(Hive::open((folder.path() / "hive").string(), rows_only()));
  const auto queues = must(Queues::open(*hive));
  must(queues->configure({.name = "work"}));
  const int count = bench.sized(20'000, 200'000, 400'000);
  for (int begin = 0; begin < count; begin += 10'000) must(queues->put("work", items_of(begin, 10'000)));
  std::atomic<std::int64_t> done{0};
  const double seconds = timed([&] {
    std::vector<std::thread> threads;
    for (int number = 0; number < workers; ++number)
      threads.emplace_back([&, number] { done += work(*queues, number, at_once); });
    for (auto& thread : threads) thread.join();
  });
  if (done != count) throw std::runtime_error(fmt::format("{} of {} items were completed", done.load(), count));
  bench.add(measured(fmt::format("queue_cycles_{}_at_once", at_once), "cycles/s", count / seconds)
                .at_least(20'000)
                .detail("workers", std::int64_t{workers})
                .detail("items", std::int64_t{count}));
}

/// Tasks and dependencies of random tasks on earlier ones, put in by the file's own statements: what is measured comes
/// after.
std::filesystem::path many_tasks(Bench& bench, int tasks, int dependencies) {
  return prepared(bench, fmt::format("tasks_{}", tasks), [&](const std::filesystem::path& folder) {
    {
      const auto hive = must(Hive::open((folder / "hive").string(), rows_only()));
      must(Tasks::open(*hive));
    }
    RawSqlite file(folder / "hive" / "hive.db", 256ULL << 20U);
    bench.say(fmt::format("making {} tasks and {} dependencies", tasks, dependencies));
    file.run("BEGIN");
    auto task = file.prepare(
        "INSERT INTO triune_tasks (organization_id, id, name, status, priority, ordinal, created_at_ms, updated_at_ms) "
        "VALUES (1, 't' || ?1, 'task', CASE ?1 % 4 WHEN 0 THEN 'pending' ELSE 'draft' END, ?1 % 5, ?1, 0, 0)");
    for (int i = 1; i <= tasks; ++i) {
      task.bind(1, std::int64_t{i});
      task.run();
    }
    auto dependency = file.prepare(
        "INSERT OR IGNORE INTO triune_task_dependencies (organization_id, source_id, target_id, dependency_type, "
        "created_at_ms) VALUES (1, 't' || ?1, 't' || ?2, 'depends_on', 0)");
    std::mt19937_64 random(11);
    for (int i = 0; i < dependencies; ++i) {
      const auto source = static_cast<std::int64_t>(2 + random() % static_cast<std::uint64_t>(tasks - 1));
      dependency.bind(1, source);
      dependency.bind(2, static_cast<std::int64_t>(1 + random() % static_cast<std::uint64_t>(source - 1)));
      dependency.run();
    }
    file.run("COMMIT");
  });
}

void bench_dependencies(Bench& bench) {
  const int count = bench.sized(50'000, 1'000'000, 1'000'000);
  const auto made = many_tasks(bench, count, count);
  const WorkFolder folder(bench.settings(), "dependencies");
  std::filesystem::copy(made / "hive", folder.path() / "hive", std::filesystem::copy_options::recursive);
  const auto hive = must(Hive::open((folder.path() / "hive").string(), rows_only()));
  const auto tasks = must(Tasks::open(*hive));
  std::mt19937_64 random(12);
  Samples along;
  Samples against;
  std::int64_t refused = 0;
  const int rounds = bench.sized(100, 300, 1'000);
  for (int i = 0; i < rounds; ++i) {
    auto one = static_cast<int>(1 + random() % static_cast<std::uint64_t>(count));
    auto other = static_cast<int>(1 + random() % static_cast<std::uint64_t>(count));
    if (one == other) continue;
    const bool forward = i % 2 == 0;
    if ((one < other) == forward) std::swap(one, other);
    const Stopwatch watch;
    const auto added = tasks->depend({.source = fmt::format("t{}", one), .target = fmt::format("t{}", other)});
    (forward ? along : against).add(watch.milliseconds());
    if (!added) ++refused;
  }
  Samples all = along;
  all.add(against);
  bench.add(measured("cycle_check", "ms", all.percentile(95))
                .at_most(10)
                .detail("measure", std::string("p95, half of them against the order"))
                .detail("along_p95_ms", along.percentile(95))
                .detail("against_p95_ms", against.percentile(95))
                .detail("largest_ms", all.largest())
                .detail("refused", refused)
                .detail("dependencies", std::int64_t{count}));
  Samples ready;
  for (int i = 0; i < bench.sized(50, 200, 500); ++i) {
    const Stopwatch watch;
    must(tasks->ready(100));
    ready.add(watch.milliseconds());
  }
  bench.add(measured("ready_tasks", "ms", ready.percentile(95))
                .at_most(5)
                .detail("measure", std::string("p95 of the 100 most urgent"))
                .detail("tasks", std::int64_t{count}));
  Samples summary;
  for (int i = 0; i < 50; ++i) {
    const Stopwatch watch;
    must(tasks->summary());
    summary.add(watch.milliseconds());
  }
  bench.add(measured("task_summary", "ms", summary.percentile(95)).at_most(100));
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
  bench_queue(bench, 32);
  bench_queue(bench, 1);
  bench_dependencies(bench);
  bench_audit(bench);
}

}  // namespace triune::bench
