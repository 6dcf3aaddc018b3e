// Write jobs: errors, retry rules, groups, batches.
#include <atomic>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "base/try.h"
#include "conformance/relational/suite.h"

namespace triune::conformance {
namespace {

Value text(const char* value) {
  return std::string(value);
}
Value integer(std::int64_t value) {
  return value;
}

/// Starts `jobs` threads and returns when all of them wait behind `transaction`: the queue then holds all the jobs.
class Queued {
 public:
  Queued(contract::RelationalStore& store, std::size_t jobs, const std::function<contract::WriteJob(std::size_t)>& job)
      : results_(jobs) {
    for (std::size_t index = 0; index < jobs; ++index)
      threads_.emplace_back([this, &store, work = job(index), index] {
        started_.fetch_add(1);
        results_[index] = store.write(work, soon());
      });
    while (started_.load() < jobs) std::this_thread::yield();
    // Between the counter and the queue is a lock; the pause is generous, and a late job only forms a group of its own.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  std::vector<Status>& results() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    return results_;
  }

 private:
  std::atomic<std::size_t> started_{0};
  std::vector<Status> results_;
  std::vector<std::thread> threads_;
};

TEST_P(RelationalConformance, Upserts_are_idempotent) {
  create("kept", "id INTEGER PRIMARY KEY, name TEXT");
  const char* upsert = "INSERT INTO kept VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET name = excluded.name";
  for (int round = 0; round < 3; ++round) must(upsert, {integer(1), text("same")});
  EXPECT_EQ(count("kept"), 1);
  must(upsert, {integer(1), text("other")});
  EXPECT_EQ(cell("SELECT name FROM kept"), text("other"));
}

TEST_P(RelationalConformance, Of_duplicate_keys_in_one_batch_the_last_wins) {
  create("kept", "id INTEGER PRIMARY KEY, name TEXT");
  const std::vector<Value> values{integer(1), text("first"), integer(2), text("two"), integer(1), text("last")};
  ASSERT_TRUE(store().write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute_many(
            "INSERT INTO kept VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET name = excluded.name", 2, values));
        return {};
      },
      soon()));
  EXPECT_EQ(count("kept"), 2);
  EXPECT_EQ(cell("SELECT name FROM kept WHERE id = 1"), text("last"));
}

TEST_P(RelationalConformance, Deleting_what_is_absent_is_no_error) {
  create("kept", "id INTEGER PRIMARY KEY");
  must("INSERT INTO kept VALUES(1)");
  EXPECT_EQ(run("DELETE FROM kept WHERE id = 2").value_or(9), 0U);
  EXPECT_EQ(run("DELETE FROM kept WHERE id = 1").value_or(9), 1U);
  EXPECT_EQ(run("DELETE FROM kept WHERE id = 1").value_or(9), 0U);
  EXPECT_EQ(count("kept"), 0);
}

TEST_P(RelationalConformance, Broken_constraints_are_conflicts) {
  create("parent", "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE CHECK(length(name) < 9)");
  create("child", "id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id)");
  must("INSERT INTO parent VALUES(1, 'one')");
  must("INSERT INTO child VALUES(1, 1)");
  const auto& hints = quirks().constraint_hints;
  const std::vector<std::tuple<const char*, std::string, ErrorCode>> broken{
      {"INSERT INTO parent VALUES(1, 'two')", hints[0], ErrorCode::conflict},
      {"INSERT INTO parent VALUES(2, 'one')", hints[1], ErrorCode::conflict},
      {"INSERT INTO parent VALUES(2, NULL)", hints[2], ErrorCode::conflict},
      {"INSERT INTO parent VALUES(2, 'much too long')", hints[3], ErrorCode::conflict},
      {"INSERT INTO child VALUES(2, 77)", hints[4], ErrorCode::conflict},
      {"DELETE FROM parent", hints[4], ErrorCode::conflict},
      {"INSERT INTO parent VALUES('text', 'x')", "", quirks().wrong_type}};
  for (const auto& [sql, hint, code] : broken) {
    const auto error = error_of(run(sql));
    EXPECT_EQ(error.code, code) << sql << ": " << error.message;
    EXPECT_EQ(error.retry, Retry::never) << sql;
    EXPECT_TRUE(error.connection_usable) << sql;
    EXPECT_EQ(error.engine, quirks().engine);
    EXPECT_FALSE(error.native_code.empty());
    EXPECT_NE(error.message.find(hint), std::string::npos) << error.message;
  }
  EXPECT_EQ(count("parent"), 1);
  EXPECT_EQ(count("child"), 1);
}

TEST_P(RelationalConformance, A_failing_job_leaves_nothing) {
  create("kept", "id INTEGER PRIMARY KEY");
  const auto failed = store().write(
      [](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(1)", {}));
        TRIUNE_TRY(session.execute("CREATE TABLE made(id INTEGER)", {}));
        return failure(ErrorCode::not_found, "changed my mind");
      },
      soon());
  EXPECT_EQ(error_of(failed).code, ErrorCode::not_found);
  EXPECT_EQ(error_of(failed).message, "changed my mind");
  EXPECT_EQ(count("kept"), 0);
  EXPECT_EQ(error_of(store().describe("made")).code, ErrorCode::not_found);
}

TEST_P(RelationalConformance, A_failed_statement_leaves_the_rest_of_the_job_or_undoes_all) {
  create("kept", "id INTEGER PRIMARY KEY");
  if (quirks().error_ends_transaction) {
    const auto swallowed = error_of(store().write(
        [](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(1)", {}));
          EXPECT_FALSE(session.execute("INSERT INTO kept VALUES(2), (1)", {}));
          return {};
        },
        soon()));
    EXPECT_EQ(swallowed.code, ErrorCode::conflict) << "never a success that kept nothing";
    EXPECT_NE(swallowed.message.find("kept"), std::string::npos) << swallowed.message;
    EXPECT_EQ(count("kept"), 0);
    return;
  }
  EXPECT_TRUE(store().write(
      [](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(1)", {}));
        EXPECT_FALSE(session.execute("INSERT INTO kept VALUES(2), (1)", {}));
        TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(3)", {}));
        return {};
      },
      soon()));
  EXPECT_EQ(cell("SELECT sum(id) FROM kept"), integer(4));
}

TEST_P(RelationalConformance, An_exception_in_a_job_is_an_error_and_undoes_it) {
  create("kept", "id INTEGER PRIMARY KEY");
  const auto failed = store().write(
      [](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(1)", {}));
        throw std::runtime_error("boom");
      },
      soon());
  EXPECT_EQ(error_of(failed).code, ErrorCode::internal);
  EXPECT_NE(error_of(failed).message.find("boom"), std::string::npos);
  EXPECT_EQ(error_of(store().write([](contract::RelationalSession&) -> Status { throw 7; }, soon())).code,
            ErrorCode::internal);
  EXPECT_EQ(count("kept"), 0);
  must("INSERT INTO kept VALUES(1)");
}

TEST_P(RelationalConformance, Transaction_control_is_refused_in_a_job) {
  create("kept", "id INTEGER PRIMARY KEY");
  for (const char* sql : {"BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT x", "RELEASE triune_job",
                          "ROLLBACK TO triune_job", "/* */ commit ;"}) {
    const auto swallowed = store().write(
        [sql](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(1) ON CONFLICT DO NOTHING", {}));
          EXPECT_EQ(error_of(session.execute(sql, {})).code, ErrorCode::permission_denied) << sql;
          EXPECT_EQ(error_of(session.query(sql, {}, 1)).code, ErrorCode::permission_denied) << sql;
          EXPECT_EQ(error_of(session.execute_script(sql)).code, ErrorCode::permission_denied) << sql;
          EXPECT_EQ(error_of(session.execute_user(sql, {}, 1)).code, ErrorCode::permission_denied) << sql;
          return failure(ErrorCode::cancelled, "undo");
        },
        soon());
    EXPECT_EQ(error_of(swallowed).code, ErrorCode::cancelled);
    EXPECT_EQ(count("kept"), 0) << sql;
  }
}

TEST_P(RelationalConformance, Waiting_jobs_share_a_commit_and_fail_alone) {
  open(4, 1);
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  Queued queued(store(), 24, [](std::size_t index) -> contract::WriteJob {
    return [index](contract::RelationalSession& session) -> Status {
      const Value id = static_cast<std::int64_t>(index);
      TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(?1)", {&id, 1}));
      if (index % 3 == 0) return failure(ErrorCode::not_found, "mine alone");
      if (index % 3 == 1) TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(?1)", {&id, 1}));
      return {};
    };
  });
  const auto before = store().statistics();
  ASSERT_TRUE((*transaction)->rollback());
  const auto& results = queued.results();
  for (std::size_t index = 0; index < results.size(); ++index) {
    if (index % 3 == 0) {
      EXPECT_EQ(error_of(results[index]).code, ErrorCode::not_found);
    } else if (index % 3 == 1) {
      EXPECT_EQ(error_of(results[index]).code, ErrorCode::conflict);
    } else {
      EXPECT_TRUE(results[index]);
    }
  }
  EXPECT_EQ(count("kept"), 8);
  EXPECT_EQ(cell("SELECT count(*) FROM kept WHERE id % 3 = 2"), integer(8));
  const auto after = store().statistics();
  EXPECT_EQ(after->commits - before->commits, 8U);
  if (!store().capabilities().shared) {
    EXPECT_LT(after->groups - before->groups, 8U) << "24 waiting jobs must not commit one by one";
  }
}

TEST_P(RelationalConformance, A_job_that_outlives_its_deadline_is_stopped_and_the_others_stay) {
  open(4, 1);
  create("numbers", "value INTEGER");
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  Queued queued(store(), 4, [](std::size_t index) -> contract::WriteJob {
    return [index](contract::RelationalSession& session) -> Status {
      const Value id = static_cast<std::int64_t>(index);
      TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(?1)", {&id, 1}));
      return {};
    };
  });
  Status endless;
  std::thread runaway([&] {
    endless = store().write(
        [&](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(99)", {}));
          TRIUNE_TRY(session.execute(quirks().endless_write, {}));
          return {};
        },
        Deadline::after(std::chrono::milliseconds(600)));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_TRUE((*transaction)->rollback());
  runaway.join();
  for (const auto& result : queued.results()) EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(error_of(endless).code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(error_of(endless).retry, Retry::safe);
  EXPECT_EQ(count("kept"), 4);
  EXPECT_EQ(count("numbers"), 0);
}

TEST_P(RelationalConformance, A_write_that_never_gets_its_turn_did_nothing) {
  open(4, 1);
  create("kept", "id INTEGER PRIMARY KEY");
  auto transaction = store().begin(soon());
  ASSERT_TRUE(transaction);
  bool ran = false;
  const auto job = [&](contract::RelationalSession&) -> Status {
    ran = true;
    return {};
  };
  for (const auto wait : {std::chrono::milliseconds(0), std::chrono::milliseconds(50)}) {
    const auto error = error_of(store().write(job, Deadline::after(wait)));
    EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
    EXPECT_EQ(error.retry, Retry::safe);
  }
  EXPECT_EQ(error_of(store().begin(Deadline::after(std::chrono::milliseconds(50)))).code, ErrorCode::deadline_exceeded);
  ASSERT_TRUE((*transaction)->commit());
  EXPECT_FALSE(ran);
  must("INSERT INTO kept VALUES(1)");
}

}  // namespace
}  // namespace triune::conformance
