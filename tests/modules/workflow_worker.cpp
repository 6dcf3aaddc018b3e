// A process that works on workflows until it is killed, or until all executions have ended: it does the steps, which
// leave a row each, and takes the executions on.
//
//   workflow_worker HIVE FILES NAME
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "triune/modules/queue.h"
#include "triune/modules/workflows.h"

namespace triune {
namespace {

/// The effect of a step, by its key: done again it has no effect.
bool leave_effect(Hive& hive, const nlohmann::json& payload) {
  auto transaction = hive.begin(Deadline::after(std::chrono::seconds(20)));
  if (!transaction) return false;
  const std::array<Value, 2> row{payload.at("execution").get<std::string>(), payload.at("key").get<std::string>()};
  if (!(*transaction)->sql("INSERT INTO effects (execution, step) VALUES (?1, ?2) ON CONFLICT DO NOTHING", row))
    return false;
  return (*transaction)->commit().has_value();
}

/// Errors are tried again: another process may be in the way.
int work(Hive& hive, const std::string& name) {
  auto workflows = Workflows::open(hive);
  auto queues = Queues::open(hive);
  if (!workflows || !queues) {
    fmt::print(stderr, "{}\n", workflows ? queues.error().message : workflows.error().message);
    return 2;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  for (;;) {
    const auto items = (*queues)->claim("work", name, 3);
    if (items)
      for (const auto& item : *items) {
        const auto payload = nlohmann::json::parse(item.payload.text);
        if (!leave_effect(hive, payload)) continue;
        const QueueCompletion completion{item.id, item.claim, Json{payload.at("input").dump()}};
        static_cast<void>((*queues)->complete(std::span(&completion, 1)));
      }
    static_cast<void>((*workflows)->advance(50));
    if (items && items->empty()) {
      const auto running = (*workflows)->executions({.workflow = {}, .status = "running", .limit = 1});
      if (running && running->empty()) return 0;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

}  // namespace
}  // namespace triune

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  triune::HiveOptions options;
  options.projections = argv[2];  // of no effect in a directory
  options.project_in_background = false;
  const auto hive = triune::Hive::open(argv[1], options);
  if (!hive) {
    fmt::print(stderr, "{}\n", hive.error().message);
    return 2;
  }
  return triune::work(**hive, argv[3]);
}
