// The server dies, restarts, and nodes are killed, all under load (I1, I3, I11).
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "fault_postgres/shared_database.h"
#include "stress/settings.h"

namespace triune::testing {
namespace {

using std::chrono::milliseconds;

constexpr unsigned threads = 3;
constexpr std::uint64_t without_end = 1'000'000;

unsigned turns() {
  return static_cast<unsigned>(stress_size("TRIUNE_STRESS_TURNS", 1, 20));
}

class ServerFault : public ::testing::Test {
 protected:
  void SetUp() override {
    std::cout << "seed " << seed_ << "\n";
    judge_ = database_.open("judge");
    ASSERT_NE(judge_, nullptr);
    const auto prepared = prepare_workload(*judge_);
    ASSERT_TRUE(prepared) << prepared.error().message;
    database_.trace_effects();
  }

  void start(const std::string& node, unsigned life = 0) {
    nodes_.push_back(database_.start(node, threads, without_end, life));
    ASSERT_TRUE(nodes_.back()->wait_until_ready())
        << (nodes_.back()->run().errors.empty() ? "" : nodes_.back()->run().errors[0]);
  }

  /// Keeps the nodes' output flowing for a random time.
  void let_work(unsigned least, unsigned most) {
    const auto end = Deadline::after(milliseconds(least + random_() % (most - least)));
    while (!end.expired())
      for (auto& node : nodes_) node->collect(milliseconds(5));
  }

  /// Until each node has commits acknowledged that it had not: its breakers have closed.
  void let_recover() {
    const auto end = Deadline::after(std::chrono::seconds(30));
    for (auto& node : nodes_) {
      const auto before = node->run().commits();
      while (node->run().commits() == before && !end.expired()) let_work(10, 30);
    }
    EXPECT_FALSE(end.expired()) << "a node does not recover";
  }

  /// Ends the load in good order and checks everything.
  void expect_all_whole() {
    for (auto& node : nodes_) node->stop_writing();
    for (auto& node : nodes_) EXPECT_TRUE(node->wait_until_finished());
    for (auto& node : nodes_) node->settle();
    for (auto& node : nodes_) {
      EXPECT_EQ(node->finish().ending.exit_code, 0);
      expect_clean(node->run());
      EXPECT_EQ(node->run().graph, nodes_.front()->run().graph);
      EXPECT_EQ(node->run().vectors, nodes_.front()->run().vectors);
      runs_.push_back(node->run());
    }
    WriterRun all;
    for (const auto& run : runs_) {
      all.threads.insert(run.threads.begin(), run.threads.end());
      for (const auto& [kind, count] : run.failures) all.failures[kind] += count;
    }
    // This node was open all the time and was not told of anything: when its breakers ask again, it goes on.
    const auto end = Deadline::after(std::chrono::seconds(30));
    while (!judge_->receipt() && !end.expired()) std::this_thread::sleep_for(milliseconds(20));
    while (!judge_->commit({.changes = {PutNode{{"Hub", "hub"}, {}}}}) && !end.expired())
      std::this_thread::sleep_for(milliseconds(20));
    EXPECT_FALSE(end.expired()) << "the node does not recover";
    const auto found = expect_acknowledged(*judge_, all);
    expect_single_effects(*judge_, all);
    expect_whole_edges(*judge_);
    expect_current(*judge_);
    expect_equal_everywhere(*judge_);
    std::cout << all.commits() << " commits acknowledged, " << found << " found whole, none twice; failed attempts:";
    for (const auto& [kind, count] : all.failures) std::cout << " " << count << " " << kind << ";";
    std::cout << "\n";
    failed_ = all.failed();
  }

  PostgresServer server_{{.settings = {{"max_connections", "100"}}, .durable = true}};
  SharedDatabase database_{server_};
  std::unique_ptr<Hive> judge_;
  std::vector<std::unique_ptr<WriterProcess>> nodes_;
  std::vector<WriterRun> runs_;  ///< Of processes that ended.
  std::uint64_t failed_ = 0;
  const unsigned seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
};

TEST_F(ServerFault, KillsAndRestartsOfTheServerLoseNothing) {
  start("north");
  start("south");
  unsigned kills = 0;
  for (unsigned turn = 0; turn < turns(); ++turn) {
    for (int fault = 0; fault < 4; ++fault) {
      let_work(300, 1'200);
      if (fault % 2 == 0)
        server_.kill9();
      else
        server_.stop(fault == 1 ? PostgresServer::Stop::fast : PostgresServer::Stop::immediate);
      ++kills;
      const auto refused = judge_->commit(Commit{.changes = {PutNode{{"Hub", "hub"}, {}}}},
                                          {.deadline = Deadline::after(milliseconds(300))});
      EXPECT_FALSE(refused);
      if (!refused) {
        EXPECT_TRUE(refused.error().code == ErrorCode::unavailable ||
                    refused.error().code == ErrorCode::deadline_exceeded)
            << to_string(refused.error().code) << ": " << refused.error().message;
      }
      let_work(100, 600);
      server_.start();
      let_recover();
    }
  }
  let_work(300, 600);
  expect_all_whole();
  EXPECT_GT(failed_, 0U) << "the faults met no commit";
  for (const auto& run : runs_) EXPECT_GT(run.not_asked, 0U) << "no breaker opened";
  std::cout << kills << " ends of the server\n";
}

TEST_F(ServerFault, KillsOfNodesLoseNothing) {
  start("north");
  start("south");
  unsigned kills = 0;
  for (unsigned life = 1; life <= 3 * turns(); ++life) {
    let_work(200, 1'000);
    auto victim = std::move(nodes_.back());
    nodes_.pop_back();
    victim->send(SIGKILL);
    ++kills;
    EXPECT_EQ(victim->finish().ending.signal, SIGKILL);
    expect_clean(victim->run());
    runs_.push_back(victim->run());
    start("south", life);
  }
  let_work(300, 600);
  expect_all_whole();
  std::cout << kills << " nodes killed\n";
}

}  // namespace
}  // namespace triune::testing
