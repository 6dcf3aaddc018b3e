// Sixteen workers, kills and leases that end: no item is claimed by two, completed twice, or lost.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <set>
#include <sstream>

#include "integration/hive_fixture.h"
#include "stress/settings.h"
#include "support/child_process.h"
#include "triune/modules/queue.h"

namespace triune::testing {
namespace {

constexpr unsigned workers = 16;

class QueueFaultTest : public HiveTest {
 protected:
  void put(std::uint64_t items) {
    const auto tasks = Tasks::open(*hive_).value();
    const auto queues = Queues::open(*hive_).value();
    ASSERT_TRUE(queues->configure({.name = "work", .lease_ms = 150, .max_attempts = 100'000, .backoff_ms = 0}));
    std::vector<NewTask> new_tasks;
    std::vector<NewQueueItem> new_items;
    for (std::uint64_t i = 0; i < items; ++i) {
      const auto id = "t" + std::to_string(i);
      new_tasks.push_back({.id = id, .name = id});
      new_items.push_back({.id = "i" + std::to_string(i), .lane = "lane" + std::to_string(i % 3), .task = id});
    }
    ASSERT_TRUE(tasks->create_many(new_tasks));
    ASSERT_TRUE(queues->put("work", new_items));
  }

  /// One process has a directory; several share a server.
  static unsigned processes() { return on_postgres() ? 4 : 1; }

  [[nodiscard]] std::unique_ptr<ChildProcess> start(std::uint64_t items) {
    const auto name = "w" + std::to_string(started_++);
    return std::make_unique<ChildProcess>(
        std::vector<std::string>{TRIUNE_QUEUE_WORKER, place_.location(), (place_.directory() / name).string(), name,
                                 std::to_string(workers / processes()), std::to_string(items)});
  }

  /// A claim belongs to whoever got its number, and ends once.
  void take(const std::string& line) {
    std::istringstream words(line);
    std::string what;
    std::string item;
    std::int64_t claim = 0;
    if (!(words >> what >> item >> claim)) return;
    if (what == "claimed") {
      EXPECT_TRUE(claimed_.emplace(item, claim).second) << item << " was claimed twice as " << claim;
    }
    if (what == "done") {
      EXPECT_TRUE(done_.emplace(item, claim).second) << item << " was completed twice";
    }
  }

  /// Until the process ends, or for so long.
  bool follow(ChildProcess& worker, std::chrono::milliseconds patience) {
    return worker.read_lines(patience, [&](const std::string& line) {
      take(line);
      return true;
    });
  }

  void kill(ChildProcess& worker) {
    worker.send(SIGKILL);
    follow(worker, std::chrono::seconds(10));
    static_cast<void>(worker.wait());
  }

  void run_with_kills(std::uint64_t items, std::uint64_t kills, std::uint64_t seed) {
    std::minstd_rand random(static_cast<unsigned>(seed));
    std::vector<std::unique_ptr<ChildProcess>> running;
    while (running.size() < processes()) running.push_back(start(items));
    for (std::uint64_t i = 0; i < kills; ++i) {
      for (auto& one : running) follow(*one, std::chrono::milliseconds(20 + random() % 150));
      auto& victim = running[random() % running.size()];
      kill(*victim);
      victim.reset();
      victim = start(items);
    }
    for (auto& one : running) {
      follow(*one, std::chrono::minutes(4));
      EXPECT_EQ(one->wait().exit_code, 0);
    }
  }

  void expect_each_done_once(std::uint64_t items) {
    place_.wait_until_alone();
    reopen();
    const auto queues = Queues::open(*hive_).value();
    EXPECT_EQ(queues->statistics("work")->completed, static_cast<std::int64_t>(items)) << "some are lost";
    for (const auto& [item, claim] : done_) {
      EXPECT_EQ(queues->get(item)->claim, claim) << item << " was completed by another claim than it says";
    }
    EXPECT_EQ(scalar("SELECT count(*) FROM triune_tasks WHERE status = 'completed'"), std::to_string(items));
    EXPECT_EQ(scalar("SELECT count(*) FROM (SELECT task_id FROM triune_task_executions WHERE outcome = 'completed' "
                     "GROUP BY task_id HAVING count(*) = 1) AS once"),
              std::to_string(items))
        << "each task was executed to its end once";
    EXPECT_EQ(scalar("SELECT count(*) FROM triune_task_executions WHERE outcome = 'completed'"), std::to_string(items));
    // Claims that ended other than well left an execution each.
    EXPECT_EQ(scalar("SELECT count(*) FROM triune_task_executions"),
              scalar("SELECT CAST(sum(claim) AS bigint) FROM triune_queue_items"));
  }

  std::set<std::pair<std::string, std::int64_t>> claimed_;
  std::map<std::string, std::int64_t> done_;
  unsigned started_ = 0;
};

TEST_F(QueueFaultTest, SixteenWorkersThatAreKilledCompleteEachItemOnce) {
  const auto seed = stress_seed();
  SCOPED_TRACE(seed);
  const auto items = stress_size("TRIUNE_STRESS_ITEMS", 400, 5'000);
  const auto kills = stress_size("TRIUNE_STRESS_ROUNDS", 6, 60);
  put(items);
  hive_.reset();
  run_with_kills(items, kills, seed);
  expect_each_done_once(items);
  std::cout << claimed_.size() << " claims, " << done_.size() << " completions were told\n";
}

}  // namespace
}  // namespace triune::testing
