// A worker of queues that is killed: threads claim, work and complete, and say what they were told.
//
//   queue_worker HIVE FILES NAME THREADS ITEMS
//
// Claims are a few items at a time with short leases; some are held too long, so that another gets them. Ends when all
// ITEMS have been completed.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include "triune/modules/queue.h"

namespace triune {
namespace {

constexpr std::int64_t lease_ms = 150;

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void say(const std::string& line) {
  fmt::print("{}\n", line);  // one write of a whole line
  std::fflush(stdout);
}

/// What it claimed is done at once, held too long, forgotten, or fails.
void work_on(Queues& queues, const std::vector<QueueItem>& items, std::minstd_rand& random) {
  if (random() % 12 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(lease_ms + 50));
  for (const auto& item : items) {
    if (random() % 20 == 0) continue;
    if (random() % 10 == 0) {
      const QueueFailure failed{item.id, item.claim, "it broke", false};
      static_cast<void>(queues.fail(std::span(&failed, 1)));
      continue;
    }
    const QueueCompletion completion{item.id, item.claim, Json{std::to_string(item.claim)}};
    if (queues.complete(std::span(&completion, 1))) say(fmt::format("done {} {}", item.id, item.claim));
  }
}

void work(Queues& queues, const std::string& name, std::int64_t items) {
  std::minstd_rand random(std::random_device{}());
  for (;;) {
    const auto claimed = queues.claim("work", name, 1 + random() % 4, lease_ms);
    if (claimed)
      for (const auto& item : *claimed) say(fmt::format("claimed {} {}", item.id, item.claim));
    if (claimed && !claimed->empty()) {
      work_on(queues, *claimed, random);
      continue;
    }
    const auto counts = queues.statistics("work");
    if (counts && counts->completed >= items) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

int run(char** arguments) {
  HiveOptions options;
  options.projections = arguments[2];  // of no effect in a directory
  options.project_in_background = false;
  const auto hive = Hive::open(arguments[1], options);
  auto queues = hive ? Queues::open(**hive) : Result<std::unique_ptr<Queues>>(std::unexpected(hive.error()));
  if (!queues) {
    fmt::print(stderr, "{}\n", queues.error().message);
    return 2;
  }
  say("ready");
  std::vector<std::jthread> threads;
  for (std::int64_t i = 0; i < number(arguments[4]); ++i)
    threads.emplace_back([&, i] { work(**queues, fmt::format("{}-{}", arguments[3], i), number(arguments[5])); });
  threads.clear();
  return 0;
}

}  // namespace
}  // namespace triune

int main(int count, char** arguments) {
  return count == 6 ? triune::run(arguments) : 2;
}
