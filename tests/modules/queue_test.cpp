// Queues: claimed by one at a time, completed once, tried again, and never lost.
#include "triune/modules/queue.h"

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class QueueTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    open_queues();
    ASSERT_TRUE(queues_->configure({.name = "work", .max_attempts = 3, .backoff_ms = 0}));
  }

  void open_queues() {
    auto opened = Queues::open(*hive_);
    ASSERT_TRUE(opened) << opened.error().message;
    queues_ = std::move(*opened);
  }

  void TearDown() override {
    queues_.reset();
    tasks_.reset();
  }

  void put(const std::string& id, const std::string& lane = {}, TaskPriority priority = TaskPriority::normal) {
    const NewQueueItem item{.id = id, .lane = lane, .priority = priority};
    const auto made = queues_->put("work", std::span(&item, 1));
    ASSERT_TRUE(made) << made.error().message;
  }

  std::vector<QueueItem> claim(std::size_t count = 1, const std::string& worker = "w", std::int64_t lease_ms = 0) {
    auto claimed = queues_->claim("work", worker, count, lease_ms);
    EXPECT_TRUE(claimed) << claimed.error().message;
    return claimed ? *claimed : std::vector<QueueItem>();
  }

  Status complete(const QueueItem& item) {
    const QueueCompletion completion{item.id, item.claim, Json{R"({"ok":true})"}};
    return queues_->complete(std::span(&completion, 1));
  }

  Status fail(const QueueItem& item, bool final = false) {
    const QueueFailure failed{item.id, item.claim, "it broke", final};
    return queues_->fail(std::span(&failed, 1));
  }

  static std::vector<std::string> ids(const std::vector<QueueItem>& items) {
    std::vector<std::string> found;
    for (const auto& item : items) found.push_back(item.id);
    return found;
  }

  std::unique_ptr<Queues> queues_;
  std::unique_ptr<Tasks> tasks_;
};

TEST_F(QueueTest, GivesTheMostUrgentFirstAndEachItemOnce) {
  put("a");
  put("b", {}, TaskPriority::urgent);
  put("c");
  EXPECT_THAT(ids(claim(2)), ElementsAre("b", "a"));
  EXPECT_THAT(ids(claim(2)), ElementsAre("c"));
  EXPECT_TRUE(claim().empty());
}

TEST_F(QueueTest, LanesTakeTurnsWhateverOneOfThemPutsIn) {
  for (int i = 0; i < 6; ++i) put("big" + std::to_string(i), "big");
  put("small0", "small");
  put("small1", "small");
  EXPECT_THAT(ids(claim(4)), ElementsAre("big0", "small0", "big1", "small1"));
  // A lane that was silent has no claim on the past.
  put("late", "late");
  EXPECT_THAT(ids(claim(2)), ::testing::Contains("late"));
}

TEST_F(QueueTest, ACompletionCountsOnceAndOnlyForItsClaim) {
  put("a");
  const auto first = claim().at(0);
  ASSERT_TRUE(queues_->release("a", first.claim));
  const auto second = claim().at(0);
  EXPECT_EQ(second.attempts, 1);
  const auto stale = complete(first);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict);
  EXPECT_THAT(stale.error().message, HasSubstr("was lost"));
  EXPECT_TRUE(complete(second));
  EXPECT_TRUE(complete(second));
  EXPECT_FALSE(fail(second));
  EXPECT_EQ(queues_->get("a")->state, "completed");
  EXPECT_EQ(queues_->get("a")->result.text, R"({"ok":true})");
}

TEST_F(QueueTest, ManyAreCompletedTogetherOrNone) {
  for (int i = 0; i < 4; ++i) put("item " + std::to_string(i));
  const auto held = claim(4);
  ASSERT_EQ(held.size(), 4U);
  const auto completion = [&](std::size_t which, std::int64_t later = 0) {
    return QueueCompletion{held[which].id, held[which].claim + later, Json{R"({"quoted":"\\\"ü"})"}};
  };
  const std::vector<QueueCompletion> one_lost{completion(0), completion(1), completion(2, 1)};
  const auto refused = queues_->complete(one_lost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("item 2"));
  for (const auto& item : held) EXPECT_EQ(queues_->get(item.id)->state, "claimed");

  const std::vector<QueueCompletion> all{completion(0), completion(1), completion(1), completion(2), completion(3)};
  const auto done = queues_->complete(all);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(queues_->complete(all)) << "completing again changes nothing";
  for (const auto& item : held) {
    EXPECT_EQ(queues_->get(item.id)->state, "completed");
    EXPECT_EQ(queues_->get(item.id)->result.text, R"({"quoted":"\\\"ü"})");
  }
}

TEST_F(QueueTest, AnEndedLeaseGivesTheItemToAnother) {
  put("a");
  const auto lost = claim(1, "slow", 1).at(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto taken = claim(1, "quick").at(0);
  EXPECT_EQ(taken.id, "a");
  EXPECT_EQ(taken.attempts, 2);
  EXPECT_THAT(taken.last_error, HasSubstr("slow"));
  EXPECT_EQ(complete(lost).error().code, ErrorCode::conflict);
  EXPECT_EQ(queues_->extend("a", lost.claim).error().code, ErrorCode::conflict);
  EXPECT_TRUE(complete(taken));
}

TEST_F(QueueTest, AHeartbeatKeepsTheClaim) {
  put("a");
  const auto held = claim(1, "w", 50).at(0);
  ASSERT_TRUE(queues_->extend("a", held.claim, 60'000));
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  EXPECT_TRUE(claim(1, "other").empty());
  EXPECT_TRUE(complete(held));
}

TEST_F(QueueTest, AfterItsAttemptsAnItemIsDeadAndCanBeRevived) {
  put("a");
  for (int attempt = 0; attempt < 3; ++attempt) ASSERT_TRUE(fail(claim().at(0)));
  EXPECT_TRUE(claim().empty());
  EXPECT_EQ(queues_->get("a")->state, "dead");
  EXPECT_EQ(queues_->get("a")->last_error, "it broke");
  ASSERT_TRUE(queues_->revive("a"));
  EXPECT_EQ(claim().at(0).attempts, 1);
  put("b");
  ASSERT_TRUE(fail(claim().at(0), true));
  EXPECT_THAT(ids(queues_->items("work", "dead").value()), ElementsAre("b"));
}

TEST_F(QueueTest, AFailedItemWaitsItsPause) {
  ASSERT_TRUE(queues_->configure({.name = "work", .max_attempts = 3, .backoff_ms = 60'000}));
  put("a");
  ASSERT_TRUE(fail(claim().at(0)));
  EXPECT_TRUE(claim().empty());
  const auto item = queues_->get("a").value();
  EXPECT_EQ(item.state, "waiting");
  EXPECT_GE(item.due_at_ms - item.created_at_ms, 30'000);
  const NewQueueItem later{.id = "later", .due_at_ms = item.created_at_ms + 3'600'000};
  ASSERT_TRUE(queues_->put("work", std::span(&later, 1)));
  EXPECT_EQ(queues_->statistics("work")->waiting, 2);
}

TEST_F(QueueTest, APausedQueueGivesNothing) {
  put("a");
  ASSERT_TRUE(queues_->configure({.name = "work", .paused = true}));
  EXPECT_TRUE(claim().empty());
  EXPECT_EQ(queues_->claim("absent", "w").error().code, ErrorCode::not_found);
}

TEST_F(QueueTest, APausedQueueTakesBackWhatExpiredAlthoughNothingWasFoundBefore) {
  put("a");
  ASSERT_EQ(claim(1, "slow", 1).size(), 1U);
  ASSERT_TRUE(queues_->configure({.name = "work", .paused = true, .backoff_ms = 60'000}));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(claim().empty());  // takes it back, and remembers that it found nothing
  EXPECT_EQ(queues_->get("a")->state, "waiting");
  ASSERT_TRUE(queues_->configure({.name = "work"}));
  put("b");
  ASSERT_EQ(claim(1, "slow", 1).size(), 1U) << "who found nothing looks, and finds what came";
  ASSERT_TRUE(queues_->configure({.name = "work", .paused = true, .backoff_ms = 60'000}));
  EXPECT_TRUE(claim().empty());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(claim().empty());
  EXPECT_EQ(queues_->get("b")->state, "waiting");
}

TEST_F(QueueTest, AnItemThatStandsForATaskChangesWithIt) {
  tasks_ = Tasks::open(*hive_).value();
  ASSERT_TRUE(tasks_->create({.id = "build", .name = "build"}));
  ASSERT_TRUE(tasks_->create({.id = "test", .name = "test"}));
  ASSERT_TRUE(tasks_->depend({.source = "test", .target = "build"}));
  const std::vector<NewQueueItem> items{{.id = "q1", .task = "build"}, {.id = "q2", .task = "test"}};
  ASSERT_TRUE(queues_->put("work", items));
  EXPECT_EQ(queues_->get("q2")->state, "blocked");
  const auto build = claim(5).at(0);
  EXPECT_EQ(build.task, "build");
  EXPECT_EQ(tasks_->get("build")->status, TaskStatus::in_progress);
  EXPECT_EQ(tasks_->get("build")->assigned_to, "w");
  ASSERT_TRUE(complete(build));
  EXPECT_EQ(tasks_->get("build")->status, TaskStatus::completed);
  EXPECT_EQ(tasks_->get("build")->output.text, R"({"ok":true})");
  EXPECT_EQ(tasks_->executions("build")->size(), 1U);
  const auto test = claim(5).at(0);
  EXPECT_EQ(test.task, "test");
  ASSERT_TRUE(fail(test));
  EXPECT_EQ(tasks_->get("test")->status, TaskStatus::pending);
  EXPECT_EQ(tasks_->get("test")->retries, 1);
  ASSERT_TRUE(fail(claim().at(0), true));
  EXPECT_EQ(tasks_->get("test")->status, TaskStatus::failed);
  const NewQueueItem twice{.id = "q3", .task = "absent"};
  EXPECT_EQ(queues_->put("work", std::span(&twice, 1)).error().code, ErrorCode::not_found);
}

TEST_F(QueueTest, ManyWorkersWithCrashesAndLostLeasesCompleteEveryItemExactlyOnce) {
  constexpr int count = 400;
  ASSERT_TRUE(queues_->configure({.name = "work", .lease_ms = 40, .max_attempts = 1'000, .backoff_ms = 0}));
  std::vector<NewQueueItem> items;
  for (int i = 0; i < count; ++i) items.push_back({.id = "i" + std::to_string(i), .lane = std::to_string(i % 3)});
  ASSERT_TRUE(queues_->put("work", items));
  std::mutex mutex;
  std::map<std::string, int> completed;
  std::map<std::string, std::set<std::int64_t>> claims;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 8; ++worker)
    workers.emplace_back([&, worker] {
      std::uint32_t random = static_cast<std::uint32_t>(worker) * 7919U + 1;
      for (int idle = 0; idle < 40;) {
        const auto claimed = queues_->claim("work", "w" + std::to_string(worker), 4);
        if (!claimed) {
          if (claimed.error().retry == Retry::safe) continue;
          ADD_FAILURE() << claimed.error().message;
          return;
        }
        if (claimed->empty()) {
          ++idle;
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
          continue;
        }
        idle = 0;
        for (const auto& item : *claimed) {
          {
            const std::scoped_lock lock(mutex);
            EXPECT_TRUE(claims[item.id].insert(item.claim).second) << "one claim was given twice";
          }
          random = random * 1664525U + 1013904223U;
          if ((random >> 16U) % 10 == 0) continue;                                                    // it crashed
          if ((random >> 16U) % 10 == 1) std::this_thread::sleep_for(std::chrono::milliseconds(60));  // too slow
          const auto done = complete(item);
          const std::scoped_lock lock(mutex);
          if (done) ++completed[item.id];
        }
      }
    });
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(count));
  for (const auto& [id, times] : completed) EXPECT_EQ(times, 1) << id;
  EXPECT_EQ(queues_->statistics("work")->completed, count);
}

TEST_F(QueueTest, WhatWasPutInOutlivesTheProcess) {
  put("a");
  put("b");
  const auto claimed = claim(1, "w").at(0);
  queues_.reset();
  reopen();
  open_queues();
  EXPECT_TRUE(complete(claimed));
  EXPECT_THAT(ids(claim(5)), ElementsAre("b"));
  EXPECT_EQ(queues_->release_worker("w").value(), 1);
  EXPECT_EQ(queues_->statistics("work")->waiting, 1);
  EXPECT_EQ(queues_->sweep("work", -1'000).value(), 1);
}

}  // namespace
}  // namespace triune
