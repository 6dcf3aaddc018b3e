// W1 and W2: processes that are killed at any moment, and several at once.
#include <gmock/gmock.h>
#include <signal.h>

#include <random>

#include "modules/workflow_fixture.h"
#include "support/child_process.h"

namespace triune::testing {
namespace {

constexpr int executions = 12;

class WorkflowKillTest : public WorkflowTest {
 protected:
  void SetUp() override {
    WorkflowTest::SetUp();
    // A claim of a process that was killed comes back soon.
    ASSERT_TRUE(queues_->configure({.name = "work", .lease_ms = 300, .max_attempts = 1'000, .backoff_ms = 0}));
    auto transaction = hive_->begin(Deadline::never()).value();
    ASSERT_TRUE(transaction->sql("CREATE TABLE effects (execution TEXT, step TEXT, PRIMARY KEY (execution, step))"));
    ASSERT_TRUE(transaction->commit());
    define(Document::parse(R"({"queue": "work", "steps": [
      {"name": "a", "type": "task", "payload": "${input.n}"},
      {"name": "many", "type": "parallel", "steps": [
        {"name": "b", "type": "task", "payload": "${steps.a}"},
        {"name": "turns", "type": "loop", "times": 3, "step": {"name": "c", "type": "task", "payload": "${loops.turns.index}"}}]},
      {"name": "graph", "type": "dag", "steps": [
        {"name": "d", "type": "task", "depends_on": ["e"], "payload": ["${steps.e}"]},
        {"name": "e", "type": "task", "payload": "${steps.turns}"}]}]})"));
    for (int n = 0; n < executions; ++n) start({{"n", n}});
  }

  void close() {
    workflows_.reset();
    queues_.reset();
    hive_.reset();
  }

  int effects() const { return std::stoi(place_.other_program("SELECT count(*) FROM effects;")); }

  std::vector<std::string> command(const std::string& name) const {
    return {TRIUNE_WORKFLOW_WORKER, place_.location(), (place_.directory() / name).string(), name};
  }

  void expect_everything_done_once() {
    reopen();
    open_all();
    const auto found = workflows_->executions().value();
    EXPECT_EQ(found.size(), static_cast<std::size_t>(executions));
    for (const auto& execution : found) {
      EXPECT_EQ(execution.status, "completed") << execution.error;
      const auto n = Document::parse(execution.input.text).at("n");
      EXPECT_EQ(Document::parse(execution.output.text),
                (Document{{"a", n},
                          {"many", {{"b", n}, {"turns", {0, 1, 2}}}},
                          {"graph", {{"d", Document::array({Document{0, 1, 2}})}, {"e", {0, 1, 2}}}}}));
      const auto steps = workflows_->steps(execution.id).value();
      for (const auto& step : steps) EXPECT_EQ(step.attempt, 1) << step.key;
    }
    EXPECT_EQ(scalar("SELECT count(*) FROM effects"), std::to_string(executions * 7));
    EXPECT_EQ(queues_->statistics("work")->completed, executions * 7);
    EXPECT_EQ(scalar("SELECT count(*) FROM triune_workflow_wakes"), "0");
    expect_verified();
  }
};

TEST_F(WorkflowKillTest, ExecutionsOutliveProcessesThatAreKilledAtAnyMoment) {
  close();
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int kills = 0; kills < 20; ++kills) {
    ChildProcess worker(command("w"));
    worker.read_lines(std::chrono::seconds(60), [](const std::string& line) { return line != "ready"; });
    worker.read_lines(std::chrono::milliseconds(random() % 60), [](const std::string&) { return true; });
    worker.send(SIGKILL);
    static_cast<void>(worker.wait());
    if (kills > 0) continue;
    EXPECT_LT(effects(), executions * 7) << "nothing was left to be killed in";
  }
  place_.wait_until_alone();
  ChildProcess last(command("w"));
  EXPECT_EQ(last.wait().exit_code, 0);
  expect_everything_done_once();
}

TEST_F(WorkflowKillTest, ProcessesSideBySideDoEachStepOnce) {
  if (!on_postgres()) GTEST_SKIP() << "a directory belongs to one process";
  close();
  {
    ChildProcess one(command("w1"));
    ChildProcess two(command("w2"));
    ChildProcess killed(command("w3"));
    killed.read_lines(std::chrono::milliseconds(600), [](const std::string&) { return true; });
    killed.send(SIGKILL);
    static_cast<void>(killed.wait());
    EXPECT_EQ(one.wait().exit_code, 0);
    EXPECT_EQ(two.wait().exit_code, 0);
  }
  expect_everything_done_once();
}

TEST_F(WorkflowKillTest, ThreadsSideBySideDoEachStepOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      while (answered < executions * 7) {
        const auto items = queues_->claim("work", "t" + std::to_string(t), 2, 60'000);
        if (items)
          for (const auto& item : *items) {
            const auto payload = Document::parse(item.payload.text);
            auto transaction = hive_->begin(Deadline::never()).value();
            const std::array<Value, 2> row{payload.at("execution").get<std::string>(),
                                           payload.at("key").get<std::string>()};
            EXPECT_TRUE(transaction->sql("INSERT INTO effects (execution, step) VALUES (?1, ?2)", row)) << "done twice";
            EXPECT_TRUE(transaction->commit());
            const QueueCompletion completion{item.id, item.claim, Json{payload.at("input").dump()}};
            EXPECT_TRUE(queues_->complete(std::span(&completion, 1)));
            ++answered;
          }
        const auto advanced = workflows_->advance();
        EXPECT_TRUE(advanced) << advanced.error().message;
      }
    });
  for (auto& thread : threads) thread.join();
  advance();
  close();
  expect_everything_done_once();
}

}  // namespace
}  // namespace triune::testing
