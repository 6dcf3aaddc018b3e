// The driving thread, with a projection that does as it is told.
#include "projection/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "adapters/builtin.h"
#include "runtime/connection_pool.h"
#include "support/temporary_directory.h"

namespace triune::projection {
namespace {

Error broken(std::string engine, Retry retry) {
  Error error{.code = ErrorCode::unavailable, .message = "broken", .engine = std::move(engine), .native_code = {}};
  error.retry = retry;
  return error;
}

/// What the test decides, and what it counts.
struct Script {
  std::atomic<std::uint64_t> head = 0;
  std::atomic<bool> rebuild_fails = false;
  std::atomic<bool> apply_fails = false;
  std::atomic<bool> load_logged = false;  // the next step asks for the bulk path
  std::string failing_engine = "scripted";
  Retry retry = Retry::never;
  std::atomic<unsigned> rebuilds = 0;
  std::atomic<unsigned> steps = 0;
  std::atomic<unsigned> quarantines = 0;
  std::atomic<unsigned> removals = 0;
  std::atomic<unsigned> closes = 0;
};

class ScriptedProjection : public Projection {
 public:
  explicit ScriptedProjection(Script& script) : script_(script) {}
  [[nodiscard]] std::string name() const override { return "scripted"; }
  [[nodiscard]] std::string engine() const override { return "scripted"; }
  Result<std::optional<std::uint64_t>> open() override { return std::optional<std::uint64_t>(); }
  Result<Step> apply_next(contract::RelationalSession& /*canonical*/, std::uint64_t watermark) override {
    ++script_.steps;
    if (script_.apply_fails) return std::unexpected<Error>(broken(script_.failing_engine, script_.retry));
    const auto head = script_.head.load();
    if (script_.load_logged.exchange(false)) return Step{.watermark = watermark, .head = head, .rebuild = true};
    return Step{.watermark = head, .head = head};
  }
  Result<std::uint64_t> rebuild(const Progress& /*progress*/, Deadline /*deadline*/) override {
    if (script_.rebuild_fails) return std::unexpected<Error>(broken(script_.failing_engine, script_.retry));
    ++script_.rebuilds;
    return script_.head.load();
  }
  void close() override { ++script_.closes; }
  Status remove() override {
    ++script_.removals;
    return {};
  }
  Status quarantine(std::string_view /*reason*/) override {
    ++script_.quarantines;
    return {};
  }
  Result<Differences> verify(contract::RelationalSession& /*canonical*/, bool /*repair*/,
                             const Progress& /*progress*/) override {
    return Differences{};
  }
  Result<std::pair<std::uint64_t, std::uint64_t>> count() override { return std::pair<std::uint64_t, std::uint64_t>(); }
  Status save(bool /*force*/) override { return {}; }
  Result<std::uint64_t> durable_watermark() override { return 0; }

 private:
  Script& script_;
};

class Worker : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = adapters::builtin().relational.at("sqlite")(
        {.path = directory_.path() / "canonical.db", .make_pool = runtime::make_connection_pool});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    worker_ = std::make_unique<ProjectionWorker>(*store_, std::make_unique<ScriptedProjection>(script_));
  }
  void TearDown() override { worker_.reset(); }

  Status wait(std::uint64_t lsn, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    return worker_->wait_for(lsn, Deadline::after(patience));
  }
  /// Polls, because nothing tells of it.
  static bool comes_true(const std::function<bool()>& condition) {
    for (int round = 0; round < 2000 && !condition(); ++round)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
  }

  testing::TemporaryDirectory directory_;
  Script script_;
  std::unique_ptr<contract::RelationalStore> store_;
  std::unique_ptr<ProjectionWorker> worker_;
};

TEST_F(Worker, AWaitEndsWhenTheWatermarkIsReached) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  script_.head = 7;
  worker_->notify(7);
  EXPECT_TRUE(wait(7));
  EXPECT_EQ(worker_->status().state, ProjectionState::current);
}

TEST_F(Worker, AWaitForMoreThanTheLogHoldsMeetsItsDeadline) {
  worker_->start();
  const auto waited = wait(1, std::chrono::milliseconds(50));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(waited.error().retry, Retry::safe);
}

TEST_F(Worker, WhoCanAskElsewhereIsToldAtOnceThatTheEngineIsOut) {
  script_.rebuild_fails = true;
  worker_->start();
  const auto waited = worker_->wait_for(0, Deadline::never(), ProjectionWorker::Patience::until_out_of_service);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::unavailable);
}

TEST_F(Worker, WhatWasGivenUpIsTriedOnceMoreForWhoeverAsks) {
  script_.rebuild_fails = true;
  worker_->start();
  const auto given_up = wait(0, std::chrono::minutes(1));
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, ErrorCode::unavailable) << given_up.error().message;
  EXPECT_EQ(worker_->status().state, ProjectionState::quarantined);
  EXPECT_EQ(script_.quarantines, 1U) << "what follows are failures of the rebuild";
  const auto again = wait(0, std::chrono::seconds(5));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::unavailable) << "a second waiter is not left to its deadline";
  script_.rebuild_fails = false;
  EXPECT_TRUE(wait(0, std::chrono::seconds(5))) << "far less than the pause between attempts";
}

TEST_F(Worker, ABusyCanonicalStoreCostsNoRebuild) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  script_.failing_engine = "sqlite";
  script_.retry = Retry::safe;
  script_.apply_fails = true;
  const unsigned before = script_.steps;
  ASSERT_TRUE(comes_true([&] { return script_.steps > before + 10; }));
  EXPECT_EQ(worker_->status().state, ProjectionState::behind);
  script_.apply_fails = false;
  script_.head = 3;
  worker_->notify(3);
  EXPECT_TRUE(wait(3));
  EXPECT_EQ(script_.rebuilds, 1U) << "the first one, at the start";
  EXPECT_EQ(script_.quarantines, 0U);
}

TEST_F(Worker, AnEngineThatKeepsAskingForARetryIsMadeAnew) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  script_.retry = Retry::safe;
  script_.apply_fails = true;
  EXPECT_TRUE(comes_true([&] { return script_.quarantines == 1; }));
  script_.apply_fails = false;
  EXPECT_TRUE(wait(0));
  EXPECT_GE(script_.rebuilds, 2U);
}

TEST_F(Worker, LoadsThatFollowOneAnotherAreProjectedOnce) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  const unsigned before = script_.rebuilds;
  for (std::uint64_t load = 1; load <= 5; ++load) {
    const ProjectionWorker::Pause pause(*worker_);
    script_.head = load;
    script_.load_logged = true;
    worker_->notify(load);
  }
  EXPECT_TRUE(wait(5));
  EXPECT_LE(script_.rebuilds, before + 2) << "one that was on its way, and one for all";
}

TEST_F(Worker, NothingIsAppliedDuringALoad) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  const ProjectionWorker::Pause pause(*worker_);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the step in flight
  script_.head = 4;
  worker_->notify(4);
  EXPECT_FALSE(wait(4, std::chrono::milliseconds(300)));
}

TEST_F(Worker, AWaiterIsToldThatTheHiveCloses) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  std::thread closing([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    worker_->stop();
  });
  const auto waited = worker_->wait_for(9, Deadline::never());
  closing.join();
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::cancelled);
}

TEST_F(Worker, PutToSleepItIsClosedUntilSomebodyAsks) {
  worker_->start();
  ASSERT_TRUE(wait(0));
  ASSERT_TRUE(worker_->put_to_sleep());
  EXPECT_EQ(script_.closes, 1U);
  const auto rebuilds = script_.rebuilds.load();
  script_.head = 9;
  worker_->notify(9);
  // Awake, it looks at the log many times in this while.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(script_.rebuilds, rebuilds);
  EXPECT_TRUE(wait(9));
  EXPECT_EQ(script_.rebuilds, rebuilds + 1);
  EXPECT_EQ(worker_->status().state, ProjectionState::current);
}

TEST_F(Worker, WokenItFollowsTheLogAgain) {
  ASSERT_TRUE(worker_->put_to_sleep());
  worker_->start();
  script_.head = 5;
  worker_->wake();
  EXPECT_TRUE(comes_true([this] { return worker_->watermark() == 5; }));
}

TEST_F(Worker, ARetiredOneSendsWhoeverWaitsToItsSuccessor) {
  Script next;
  ProjectionWorker successor(*store_, std::make_unique<ScriptedProjection>(next));
  worker_->start();
  ASSERT_TRUE(wait(0));
  Status waited = failure(ErrorCode::internal, "not yet");
  std::thread waiter([&] { waited = wait(9); });
  next.head = 9;
  ASSERT_TRUE(successor.bring_up({}, Deadline::never()));
  worker_->retire(successor);
  waiter.join();
  EXPECT_TRUE(waited) << waited.error().message;
  ASSERT_TRUE(worker_->wait_until_gone(Deadline::after(std::chrono::seconds(20))));
  EXPECT_EQ(script_.removals, 1U);
  EXPECT_EQ(next.removals, 0U);
  const auto rebuilds = script_.rebuilds.load();
  ASSERT_TRUE(worker_->rebuild({}));
  EXPECT_EQ(script_.rebuilds, rebuilds) << "its files are gone and stay so";
  EXPECT_EQ(next.rebuilds, 2U);
  EXPECT_EQ(worker_->durable_watermark().value(), 0U);
}

TEST_F(Worker, OneThatWasNeverStartedIsRetiredToo) {
  Script next;
  ProjectionWorker successor(*store_, std::make_unique<ScriptedProjection>(next));
  worker_->retire(successor);
  EXPECT_TRUE(worker_->wait_until_gone(Deadline::after(std::chrono::seconds(20))));
  EXPECT_EQ(script_.rebuilds, 0U);
}

}  // namespace
}  // namespace triune::projection
