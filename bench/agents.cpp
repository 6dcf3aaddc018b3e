// Messages from one agent to another.
#include <fmt/format.h>

#include "scenarios.h"
#include "triune/modules/agents.h"
#include "words.h"

namespace triune::bench {
namespace {

constexpr int agent_count = 50;

std::string agent_id(int number) {
  return fmt::format("agent-{:02}", number);
}

void enroll_all(Agents& agents) {
  for (int i = 0; i < agent_count; ++i) must(agents.enroll({.id = agent_id(i)}));
}

void bench_messages(Bench& bench) {
  const WorkFolder folder(bench.settings(), "messages");
  HiveOptions options;
  options.project_in_background = false;
  const auto hive = must(Hive::open((folder.path() / "hive").string(), options));
  const auto agents = must(Agents::open(*hive));
  enroll_all(*agents);
  Words words(3);
  Samples direct;
  Samples to_all;
  const int rounds = bench.sized(200, 1'000, 5'000);
  for (int i = 0; i < rounds; ++i) {
    const int from = words.below(agent_count);
    const int to = (from + 1 + words.below(agent_count - 1)) % agent_count;
    const Stopwatch watch;
    const auto id = must(agents->send({.from = agent_id(from), .to = agent_id(to), .content = words.text(20)}));
    if (must(agents->receive(agent_id(to), 100)).empty()) throw std::runtime_error("a message did not arrive");
    direct.add(watch.milliseconds());
    must(agents->acknowledge(agent_id(to), id));
    if (i % 10 != 0) continue;
    const Stopwatch all;
    must(agents->send({.from = agent_id(from), .content = words.text(20)}));
    if (must(agents->receive(agent_id(to), 100)).empty()) throw std::runtime_error("a message did not arrive");
    to_all.add(all.milliseconds());
  }
  const auto add = [&](std::string name, const Samples& samples) {
    bench.add(measured(std::move(name), "ms", samples.percentile(95))
                  .at_most(10)
                  .detail("measure", std::string("p95 from sending to having received, both durable"))
                  .detail("p50_ms", samples.percentile(50))
                  .detail("agents", std::int64_t{agent_count}));
  };
  add("message_to_one", direct);
  add("message_to_all", to_all);
}

}  // namespace

void bench_agents(Bench& bench) {
  bench_messages(bench);
}

}  // namespace triune::bench
