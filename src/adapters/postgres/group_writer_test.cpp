// Jobs of several callers in one transaction, on a real server.
#include <atomic>
#include <mutex>
#include <thread>

#include "adapters/postgres/store.h"
#include "adapters/postgres/test_store.h"
#include "base/try.h"
#include "support/pool_factory.h"

namespace triune::adapters::postgres {
namespace {

using contract::RelationalSession;
using contract::WriteMode;

class Groups : public OnServer {
 protected:
  void SetUp() override {
    OnServer::SetUp();
    run("CREATE TABLE items (id bigint PRIMARY KEY, caller bigint NOT NULL)");
    auto opened = Store::open({.readers = 2,
                               .writers = 12,
                               .url = url(),
                               .transaction_pooler = GetParam(),
                               .make_pool = testing::pool_factory()});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void TearDown() override {
    store_.reset();
    OnServer::TearDown();
  }

  Status insert(std::int64_t id, std::int64_t caller, std::uint64_t& changed, RowSet& seen) {
    return store_->write(
        [&](RelationalSession& session) -> Status {
          changed = 0;
          seen = {};
          const std::vector<Value> values{id, caller};
          TRIUNE_TRY(session.execute_soon("INSERT INTO items VALUES (?1, ?2)", values, {.changed = &changed}));
          return session.execute_soon("SELECT count(*), CAST(max(id) AS bigint) FROM items", {},
                                      {.rows = &seen, .at_end = true});
        },
        soon(), WriteMode::shared);
  }
  Status insert(std::int64_t id, std::int64_t caller) {
    std::uint64_t changed = 0;
    RowSet seen;
    return insert(id, caller, changed, seen);
  }
  std::int64_t count() {
    const auto rows = ask("SELECT count(*) FROM items");
    return rows ? std::get<std::int64_t>(rows->rows[0][0]) : -1;
  }
  /// Runs `call` for each caller at once.
  static void at_once(std::int64_t callers, const std::function<void(std::int64_t)>& call) {
    std::vector<std::jthread> threads;
    for (std::int64_t caller = 0; caller < callers; ++caller) threads.emplace_back([&call, caller] { call(caller); });
  }

  std::unique_ptr<contract::RelationalStore> store_;
};

TEST_P(Groups, Hold_jobs_of_many_callers_and_answer_each_its_own) {
  constexpr std::int64_t callers = 24;
  constexpr std::int64_t each = 30;
  at_once(callers, [&](std::int64_t caller) {
    for (std::int64_t i = 0; i < each; ++i) {
      std::uint64_t changed = 0;
      RowSet seen;
      const auto done = insert(caller * each + i, caller, changed, seen);
      ASSERT_TRUE(done) << done.error().message;
      EXPECT_EQ(changed, 1U);
      ASSERT_EQ(seen.rows.size(), 1U);
      EXPECT_GE(std::get<std::int64_t>(seen.rows[0][0]), i + 1) << "asked before what it should see";
    }
  });
  EXPECT_EQ(count(), callers * each);
  const auto statistics = store_->statistics();
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->commits, static_cast<std::uint64_t>(callers * each));
  EXPECT_LT(statistics->groups, statistics->commits) << "no job shared a transaction; the test shows nothing";
}

TEST_P(Groups, Undo_a_job_that_fails_and_no_other) {
  constexpr std::int64_t callers = 20;
  constexpr std::int64_t each = 15;
  ASSERT_TRUE(insert(-1, 0));
  std::atomic<std::int64_t> refused = 0;
  at_once(callers, [&](std::int64_t caller) {
    for (std::int64_t i = 0; i < each; ++i) {
      const bool is_bad = (caller + i) % 7 == 0;
      const auto done = insert(is_bad ? -1 : caller * each + i, caller);
      ASSERT_EQ(done.has_value(), !is_bad) << (done ? "a duplicate was taken" : done.error().message);
      if (done) continue;
      EXPECT_EQ(done.error().code, ErrorCode::conflict);
      ++refused;
    }
  });
  EXPECT_EQ(count(), callers * each - refused + 1);
}

TEST_P(Groups, Are_not_held_up_by_a_job_that_waits_for_a_lock) {
  ASSERT_TRUE(insert(-1, 0));
  auto holder = store_->begin(soon());
  ASSERT_TRUE(holder) << holder.error().message;
  ASSERT_TRUE((*holder)->session().execute("UPDATE items SET caller = 1 WHERE id = -1", {}));
  std::atomic<int> waiting = 0;
  std::vector<std::jthread> held_up;
  for (int i = 0; i < 4; ++i)
    held_up.emplace_back([&] {
      ++waiting;
      const auto done = store_->write(
          [](RelationalSession& session) {
            return session.execute_soon("UPDATE items SET caller = caller + 1 WHERE id = -1", {}, {});
          },
          soon(), WriteMode::shared);
      EXPECT_TRUE(done) << done.error().message;
      --waiting;
    });
  at_once(6, [&](std::int64_t caller) {
    for (std::int64_t i = 0; i < 10; ++i) {
      const auto done = insert(caller * 10 + i, caller);
      ASSERT_TRUE(done) << done.error().message;
    }
  });
  EXPECT_EQ(count(), 61);
  EXPECT_EQ(waiting, 4) << "they did not wait for the lock; the test shows nothing";
  ASSERT_TRUE((*holder)->commit());
  held_up.clear();
  const auto rows = ask("SELECT caller FROM items WHERE id = -1");
  ASSERT_TRUE(rows);
  EXPECT_EQ(std::get<std::int64_t>(rows->rows[0][0]), 5);
}

TEST_P(Groups, Tell_all_their_callers_when_the_server_goes_away_and_lose_nothing_acknowledged) {
  constexpr std::int64_t callers = 16;
  std::mutex mutex;
  std::vector<std::int64_t> acknowledged;
  int failed = 0;
  const auto own = ask("SELECT pg_backend_pid()");
  ASSERT_TRUE(own) << own.error().message;
  const auto others =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid NOT IN "
      "(pg_backend_pid(), " +
      to_text(own->rows[0][0]) + ") AND backend_type = 'client backend'";
  at_once(callers, [&](std::int64_t caller) {
    for (std::int64_t i = 0; i < 200; ++i) {
      if (caller == 0 && i % 20 == 10) on_server(others);
      const auto done = insert(caller * 200 + i, caller);
      const std::scoped_lock lock(mutex);
      if (!done) {
        EXPECT_NE(done.error().retry, Retry::never) << done.error().message;
        ++failed;
        continue;
      }
      acknowledged.push_back(caller * 200 + i);
    }
  });
  ASSERT_FALSE(acknowledged.empty());
  EXPECT_GT(failed, 0) << "nothing was lost; the test shows nothing";
  for (const auto id : acknowledged) {
    const auto found = ask("SELECT count(*) FROM items WHERE id = ?1", {id});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(std::get<std::int64_t>(found->rows[0][0]), 1) << id;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Groups, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "pooler" : "named"; });

}  // namespace
}  // namespace triune::adapters::postgres
