// Workflows: steps taken through a queue by 16 workers, against as many plain items of a queue.
#include "triune/modules/workflows.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "module_place.h"
#include "raw_postgres.h"
#include "scenarios.h"
#include "triune/modules/queue.h"

namespace triune::bench {
namespace {

constexpr int workers = 16;
constexpr std::size_t at_once = 16;
constexpr int steps = 10;

/// One step, three that need it, three behind these, two, and one that needs both.
std::string ten_steps() {
  const auto step = [](std::string_view name, std::string_view needs, std::string_view payload) {
    return fmt::format(R"({{"name":"{}","type":"task","payload":{},"depends_on":[{}]}})", name, payload, needs);
  };
  std::string all = step("fetch", "", R"({"branch":"${input.branch}"})");
  for (int i = 1; i <= 3; ++i)
    all += "," + step(fmt::format("build{}", i), R"("fetch")", R"({"in":"${steps.fetch.folder}"})");
  for (int i = 1; i <= 3; ++i)
    all += "," + step(fmt::format("test{}", i), fmt::format(R"("build{}")", i),
                      fmt::format(R"({{"image":"${{steps.build{}.folder}}"}})", i));
  for (int i = 1; i <= 2; ++i)
    all += "," + step(fmt::format("pack{}", i), fmt::format(R"("test{}","test{}")", i, i + 1), R"({"kind":"pack"})");
  all += "," + step("ship", R"("pack1","pack2")", R"({"of":"${steps.pack1}"})");
  return fmt::format(R"({{"type":"dag","queue":"work","steps":[{}]}})", all);
}

/// Claims and completes until `most` are done or `stop`; a worker that finds nothing looks again a millisecond later.
void work(Queues& queues, int number, std::atomic<std::int64_t>& done, const std::function<bool()>& stop) {
  const auto name = fmt::format("worker-{}", number);
  while (!stop()) {
    const auto claimed = must(queues.claim("work", name, at_once));
    if (claimed.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    std::vector<QueueCompletion> completions;
    for (const auto& item : claimed) completions.push_back({item.id, item.claim, Json{R"({"folder":"/builds/1"})"}});
    must(queues.complete(completions));
    done += static_cast<std::int64_t>(completions.size());
  }
}

/// Seconds from the first start until all `count` executions have ended; two more threads start them and take them on.
double run_executions(Workflows& workflows, Queues& queues, int count) {
  std::atomic<std::int64_t> ended{0};
  std::atomic<std::int64_t> done{0};
  const auto over = [&] { return ended.load() >= count; };
  const double seconds = in_threads(workers + 2, [&](int number) {
    if (number > 1) return work(queues, number, done, over);
    for (int i = number; i < count; i += 2)
      must(workflows.start({.workflow = "ship", .input = {R"({"branch":"main"})"}}));
    while (!over()) {
      const auto advanced = must(workflows.advance(1'000));
      ended += advanced.ended;
      if (advanced.advanced == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  if (done != std::int64_t{steps} * count) throw std::runtime_error("a step was done twice or never");
  return seconds;
}

double run_items(Queues& queues, int round, int count) {
  std::vector<NewQueueItem> items;
  for (int i = 0; i < count; ++i)
    items.push_back({.id = fmt::format("plain-{}-{:08}", round, i), .payload = Json{R"({"branch":"main"})"}});
  std::atomic<std::int64_t> done{0};
  const Stopwatch watch;
  must(queues.put("work", items));
  in_threads(workers, [&](int number) { work(queues, number, done, [&] { return done.load() >= count; }); });
  return watch.seconds();
}

void bench_store(Bench& bench, Store store) {
  const WorkFolder folder(bench.settings(), "workflows");
  ModulePlace place(store, folder.path() / "hive");
  const auto queues = must(Queues::open(place.hive()));
  const auto workflows = must(Workflows::open(place.hive()));
  must(queues->configure({.name = "work"}));
  must(workflows->define({.name = "ship", .document = {ten_steps()}}));
  const bool server = store == Store::postgres;
  const int count = server ? bench.sized(50, 200, 400) : bench.sized(200, 1'000, 2'000);
  run_executions(*workflows, *queues, count);
  run_items(*queues, -1, steps * count);
  if (server) RawPostgres(place.raw()).run("ANALYZE");  // a server's autovacuum does it within a minute
  Samples executions;
  Samples items;
  double cpu = 0;
  const int rounds = bench.sized(2, 4, 7);
  for (int round = 0; round < rounds; ++round) {
    const double began = processor_seconds();
    executions.add(count / run_executions(*workflows, *queues, count));
    cpu += processor_seconds() - began;
    items.add(steps * count / run_items(*queues, round, steps * count));
  }
  bench.add(measured(row_name("workflow_steps", store), "steps/s", steps * executions.median())
                .against("as many plain items of the queue", items.median())
                .detail("executions_per_s", executions.median())
                .detail("processor_us_a_step", cpu * 1e6 / count / rounds / steps)
                .detail("workers", std::int64_t{workers})
                .detail("at_once", static_cast<std::int64_t>(at_once)));
}

}  // namespace

void bench_workflows(Bench& bench) {
  bench_store(bench, Store::sqlite);
}

void bench_workflows_postgres(Bench& bench) {
  bench_store(bench, Store::postgres);
}

}  // namespace triune::bench
