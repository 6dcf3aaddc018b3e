// Transactions over several calls, savepoints, snapshots, many threads.
#include <atomic>
#include <random>
#include <thread>

#include "base/try.h"
#include "conformance/relational/suite.h"

namespace triune::conformance {
namespace {

Value integer(std::int64_t value) {
  return value;
}

std::int64_t number(contract::RelationalSession& session, std::string_view sql) {
  const auto rows = session.query(sql, {}, 1);
  EXPECT_TRUE(rows) << rows.error().message;
  return rows && !rows->rows.empty() ? std::get<std::int64_t>(rows->rows[0][0]) : -1;
}

/// Whom the pool of this name calls the one that has had a connection for longest; empty without such a pool.
std::string oldest_borrower(contract::RelationalStore& store, std::string_view pool) {
  const auto statistics = store.statistics();
  EXPECT_TRUE(statistics) << statistics.error().message;
  for (const auto& one : statistics->pools)
    if (one.name == pool) return one.oldest_borrower;
  return {};
}

TEST_P(RelationalConformance, Pools_name_the_borrower_of_a_connection) {
  const auto reading = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(reading);
  EXPECT_NE(oldest_borrower(store(), "read").find("transactions_test.cpp"), std::string::npos)
      << oldest_borrower(store(), "read");
  if (!store().capabilities().shared) return;  // one writer, no pool of them
  {
    const auto writing = store().begin(soon());
    ASSERT_TRUE(writing);
    EXPECT_NE(oldest_borrower(store(), "write").find("transactions_test.cpp"), std::string::npos)
        << oldest_borrower(store(), "write");
  }
  std::string during;
  ASSERT_TRUE(store().write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.query("SELECT 1", {}, 1));
        during = oldest_borrower(store(), "write");
        return {};
      },
      soon()));
  EXPECT_NE(during.find("transactions_test.cpp"), std::string::npos) << during;
}

TEST_P(RelationalConformance, Transactions_commit_whole) {
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  auto& session = (*transaction)->session();
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(1)", {}));
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(2)", {}));
  EXPECT_EQ(number(session, "SELECT count(*) FROM kept"), 2);
  EXPECT_EQ(count("kept"), 0) << "others must not see it yet";
  EXPECT_TRUE((*transaction)->commit());
  EXPECT_EQ(count("kept"), 2);
}

TEST_P(RelationalConformance, Transactions_roll_back_by_word_and_by_destruction) {
  create("kept", "id INTEGER PRIMARY KEY");
  for (const bool by_word : {true, false}) {
    auto transaction = store().begin(soon());
    ASSERT_TRUE(transaction);
    EXPECT_TRUE((*transaction)->session().execute("INSERT INTO kept VALUES(1)", {}));
    if (by_word) {
      EXPECT_TRUE((*transaction)->rollback());
    }
  }
  EXPECT_EQ(count("kept"), 0);
  must("INSERT INTO kept VALUES(1)");
}

TEST_P(RelationalConformance, An_ended_transaction_refuses_every_call) {
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  ASSERT_TRUE((*transaction)->commit());
  EXPECT_FALSE((*transaction)->session().execute("INSERT INTO kept VALUES(1)", {}));
  EXPECT_FALSE((*transaction)->session().query("SELECT 1", {}, 1));
  EXPECT_FALSE((*transaction)->session().savepoint("late"));
  EXPECT_FALSE((*transaction)->commit());
  EXPECT_FALSE((*transaction)->rollback());
  must("INSERT INTO kept VALUES(2)");
  EXPECT_EQ(count("kept"), 1);
}

TEST_P(RelationalConformance, A_failed_statement_leaves_the_transaction_usable) {
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  auto& session = (*transaction)->session();
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(1)", {}));
  EXPECT_EQ(error_of(session.execute("COMMIT", {})).code, ErrorCode::permission_denied);
  const auto fails = [&](const char* sql, ErrorCode code) {
    const bool guarded = quirks().error_ends_transaction;
    if (guarded) {
      EXPECT_TRUE(session.savepoint("guard"));
    }
    EXPECT_EQ(error_of(session.execute(sql, {})).code, code);
    if (!guarded) return;
    EXPECT_EQ(error_of(session.execute("INSERT INTO kept VALUES(9)", {})).code, ErrorCode::conflict);
    EXPECT_TRUE(session.rollback_to("guard"));
  };
  fails("INSERT INTO kept VALUES(1)", ErrorCode::conflict);
  fails("INSERT INTO absent VALUES(1)", ErrorCode::invalid_argument);
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(2)", {}));
  EXPECT_TRUE((*transaction)->commit());
  EXPECT_EQ(count("kept"), 2);
}

TEST_P(RelationalConformance, Savepoints_undo_only_what_came_after) {
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  auto& session = (*transaction)->session();
  if (!store().capabilities().savepoints) {
    EXPECT_EQ(error_of(session.savepoint("a")).code, ErrorCode::unsupported);
    return;
  }
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(1)", {}));
  EXPECT_TRUE(session.savepoint("outer"));
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(2)", {}));
  EXPECT_TRUE(session.savepoint("in\"ner; DROP TABLE kept"));
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(3)", {}));
  EXPECT_TRUE(session.rollback_to("in\"ner; DROP TABLE kept"));
  EXPECT_EQ(number(session, "SELECT sum(id) FROM kept"), 3);
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(4)", {}));
  EXPECT_TRUE(session.rollback_to("outer"));
  EXPECT_FALSE(session.release("in\"ner; DROP TABLE kept")) << "undone together with what came after \"outer\"";
  EXPECT_TRUE(session.execute("INSERT INTO kept VALUES(5)", {}));
  EXPECT_TRUE(session.release("outer"));
  EXPECT_EQ(error_of(session.rollback_to("outer")).code, ErrorCode::invalid_argument);
  EXPECT_TRUE((*transaction)->commit());
  EXPECT_EQ(cell("SELECT sum(id) FROM kept"), integer(6));
}

TEST_P(RelationalConformance, Savepoints_cannot_reach_beyond_their_job) {
  if (!store().capabilities().savepoints) GTEST_SKIP() << "no savepoints";
  create("kept", "id INTEGER PRIMARY KEY");
  EXPECT_TRUE(store().write(
      [](contract::RelationalSession& session) -> Status {
        EXPECT_FALSE(session.release("triune_job"));
        EXPECT_FALSE(session.rollback_to("triune_job"));
        TRIUNE_TRY(session.savepoint("triune_job"));
        TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(1)", {}));
        return session.rollback_to("triune_job");  // and left open: the job's end releases it
      },
      soon()));
  EXPECT_EQ(count("kept"), 0);
  must("INSERT INTO kept VALUES(2)");
  EXPECT_EQ(count("kept"), 1);
}

TEST_P(RelationalConformance, A_read_session_sees_one_snapshot) {
  create("kept", "id INTEGER PRIMARY KEY");
  must("INSERT INTO kept VALUES(1)");
  auto session = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  must("INSERT INTO kept VALUES(2)");
  EXPECT_EQ(number(**session, "SELECT count(*) FROM kept"), 2) << "the snapshot begins with the first statement";
  must("INSERT INTO kept VALUES(3)");
  must("DELETE FROM kept WHERE id = 1");
  EXPECT_EQ(number(**session, "SELECT count(*) FROM kept"), 2);
  EXPECT_EQ(number(**session, "SELECT min(id) FROM kept"), 1);
  session->reset();
  EXPECT_EQ(cell("SELECT min(id) FROM kept"), integer(2));
}

TEST_P(RelationalConformance, A_committed_write_is_in_every_later_snapshot) {
  create("kept", "id INTEGER PRIMARY KEY");
  for (std::int64_t id = 1; id <= 50; ++id) {
    must("INSERT INTO kept VALUES(?1)", {integer(id)});
    EXPECT_EQ(count("kept"), id);
  }
}

TEST_P(RelationalConformance, A_read_session_cannot_write) {
  create("kept", "id INTEGER PRIMARY KEY");
  for (const auto scope : {contract::ReadScope::internal, contract::ReadScope::user}) {
    auto session = store().read(scope, soon());
    ASSERT_TRUE(session);
    EXPECT_EQ(error_of((*session)->execute("INSERT INTO kept VALUES(1)", {})).code, ErrorCode::permission_denied);
    EXPECT_EQ(error_of((*session)->execute("CREATE TABLE made(id INTEGER)", {})).code, ErrorCode::permission_denied);
    EXPECT_EQ(error_of((*session)->execute_user("INSERT INTO kept VALUES(1)", {}, 1)).code,
              ErrorCode::permission_denied);
    EXPECT_EQ(number(**session, "SELECT count(*) FROM kept"), 0) << "the session stays usable";
  }
}

TEST_P(RelationalConformance, Readers_wait_for_a_connection_in_turn) {
  open(2);
  auto first = store().read(contract::ReadScope::internal, soon());
  auto second = store().read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(first && second);
  const auto refused =
      error_of(store().read(contract::ReadScope::internal, Deadline::after(std::chrono::milliseconds(30))));
  EXPECT_EQ(refused.code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(refused.retry, Retry::safe);
  std::atomic<int> served{0};
  std::vector<int> order(3);
  std::vector<std::thread> threads;
  for (int index = 0; index < 3; ++index) {
    threads.emplace_back([&, index] {
      auto session = store().read(contract::ReadScope::internal, soon());
      ASSERT_TRUE(session);
      order[static_cast<std::size_t>(served.fetch_add(1))] = index;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(served.load(), 0);
  first->reset();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_P(RelationalConformance, A_runaway_query_stops_at_its_deadline) {
  for (const auto scope : {contract::ReadScope::internal, contract::ReadScope::user}) {
    auto session = store().read(scope, Deadline::after(std::chrono::milliseconds(100)));
    ASSERT_TRUE(session);
    const auto error = error_of((*session)->query(quirks().endless_query, {}, 1));
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_EQ(error.retry, Retry::safe);
    session->reset();
    EXPECT_EQ(cell("SELECT 1"), integer(1)) << "its connection serves the next one";
  }
}

TEST_P(RelationalConformance, Everything_is_there_after_reopening) {
  create("kept", "id INTEGER PRIMARY KEY, name TEXT");
  for (std::int64_t id = 0; id < 20; ++id) must("INSERT INTO kept VALUES(?1, 'name')", {integer(id)});
  must("DELETE FROM kept WHERE id % 2 = 0");
  open();
  EXPECT_EQ(count("kept"), 10);
  EXPECT_TRUE(store().checkpoint());
  open();
  EXPECT_EQ(count("kept"), 10);
}

/// Sixteen threads move money about; every snapshot must hold the same sum.
TEST_P(RelationalConformance, Sixteen_threads_read_and_write_without_seeing_halves) {
  constexpr std::int64_t accounts = 10;
  create("accounts", "id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK(balance >= 0)");
  for (std::int64_t id = 0; id < accounts; ++id) must("INSERT INTO accounts VALUES(?1, 100)", {integer(id)});
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::atomic<int> moved{0};
  std::atomic<bool> sound{true};
  const auto mover = [&](unsigned thread) {
    std::mt19937 random(seed + thread);
    for (int round = 0; round < 40; ++round) {
      const Value from = static_cast<std::int64_t>(random() % accounts);
      const Value to = static_cast<std::int64_t>(random() % accounts);
      const auto status = store().write(
          [&](contract::RelationalSession& session) -> Status {
            TRIUNE_TRY(session.execute("UPDATE accounts SET balance = balance + 30 WHERE id = ?1", {&to, 1}));
            TRIUNE_TRY(session.execute("UPDATE accounts SET balance = balance - 30 WHERE id = ?1", {&from, 1}));
            return {};
          },
          soon());
      if (status) moved.fetch_add(1);
      if (!status && status.error().code != ErrorCode::conflict) sound = false;
    }
  };
  const auto reader = [&] {
    for (int round = 0; round < 60; ++round) {
      auto session = store().read(contract::ReadScope::internal, soon());
      if (!session || number(**session, "SELECT sum(balance) FROM accounts") != accounts * 100) sound = false;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 8; ++thread) threads.emplace_back(mover, thread);
  for (unsigned thread = 0; thread < 8; ++thread) threads.emplace_back(reader);
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(sound);
  EXPECT_GT(moved.load(), 0);
  EXPECT_EQ(cell("SELECT sum(balance) FROM accounts"), integer(accounts * 100));
}

}  // namespace
}  // namespace triune::conformance
