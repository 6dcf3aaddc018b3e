// What is left when the disk fails at any of its operations (I1, I11; W1-W4 of writer.h).
#include "adapters/sqlite/fault_vfs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "adapters/sqlite/test_store.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

constexpr int threads_writing = 3;
constexpr int jobs_each = 6;
constexpr std::int64_t rows_in_job = 3;

/// Faults are made above the system's files, so memory serves as well as a disk and is faster by far.
std::filesystem::path fast_directory() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

enum class Answer : std::uint8_t { committed, unknown, nothing };

struct Outcome {
  std::map<std::int64_t, Answer> jobs;
  std::uint64_t operations = 0;
};

class FaultTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { install_fault_vfs(); }
  void TearDown() override { set_fault_rule({}); }

  static Result<std::unique_ptr<contract::RelationalStore>> open(const std::filesystem::path& path) {
    Writer::Options options;
    options.checkpoint_frames = 6;  // so that faults hit checkpoints too
    return Store::open_with({.path = path, .readers = 1, .make_pool = pool_factory()}, options);
  }

  static Status insert_job(contract::RelationalStore& store, std::int64_t id) {
    return store.write(
        [id](contract::RelationalSession& session) -> Status {
          for (std::int64_t part = 0; part < rows_in_job; ++part) {
            const std::vector<Value> values{id, part, std::string(700, 'x')};
            TRIUNE_TRY(session.execute("INSERT INTO kept VALUES(?1, ?2, ?3)", values));
          }
          return {};
        },
        soon());
  }

  static Answer answer_of(const Status& status) {
    if (status) return Answer::committed;
    return status.error().retry == Retry::outcome_unknown ? Answer::unknown : Answer::nothing;
  }

  /// Several threads write while `rule` is in force; the store is closed under it as well.
  static Outcome work(const std::filesystem::path& path, FaultRule rule) {
    Outcome outcome;
    auto opened = open(path);
    EXPECT_TRUE(opened) << opened.error().message;
    auto& store = **opened;
    EXPECT_TRUE(store.write(
        [](contract::RelationalSession& session) {
          return session.execute_script(
              "CREATE TABLE kept(job INTEGER, part INTEGER, text TEXT, PRIMARY KEY(job, part))");
        },
        soon()));
    set_fault_rule(std::move(rule));
    std::vector<std::thread> threads;
    std::vector<std::vector<std::pair<std::int64_t, Answer>>> answers(threads_writing);
    for (int thread = 0; thread < threads_writing; ++thread)
      threads.emplace_back([&, thread] {
        for (int job = 0; job < jobs_each; ++job) {
          const std::int64_t id = thread * 100 + job;
          answers[static_cast<std::size_t>(thread)].emplace_back(id, answer_of(insert_job(store, id)));
        }
      });
    for (auto& thread : threads) thread.join();
    for (const auto& each : answers) outcome.jobs.insert(each.begin(), each.end());
    opened->reset();
    outcome.operations = fault_operations();
    set_fault_rule({});
    return outcome;
  }

  static void check(const std::filesystem::path& path, const Outcome& outcome) {
    auto opened = open(path);
    ASSERT_TRUE(opened) << opened.error().message;
    auto session = (*opened)->read(contract::ReadScope::internal, soon());
    ASSERT_TRUE(session) << session.error().message;
    const auto sound = (*session)->query("PRAGMA integrity_check", {}, 10);
    ASSERT_TRUE(sound) << sound.error().message;
    EXPECT_EQ(sound->rows[0][0], Value(std::string("ok")));
    for (const auto& [job, answer] : outcome.jobs) {
      const Value id = job;
      const auto rows = (*session)->query("SELECT count(*) FROM kept WHERE job = ?1", {&id, 1}, 1);
      ASSERT_TRUE(rows) << rows.error().message;
      const auto parts = std::get<std::int64_t>(rows->rows[0][0]);
      EXPECT_TRUE(parts == 0 || parts == rows_in_job) << "job " << job << " is there in part: " << parts;
      const bool acknowledged_and_lost = answer == Answer::committed && parts == 0;
      const bool denied_and_there = answer == Answer::nothing && parts != 0;
      EXPECT_FALSE(acknowledged_and_lost) << "job " << job;
      EXPECT_FALSE(denied_and_there) << "job " << job;
    }
    session->reset();
    EXPECT_TRUE(insert_job(**opened, 9999)) << "the store must work again";
  }

  /// Every operation that the workload makes fails once: in a run of its own each.
  static void sweep(bool sticky, int code, int torn_bytes) {
    std::uint64_t failed_jobs = 0;
    std::uint64_t unknown_jobs = 0;
    std::uint64_t number = 1;
    for (std::uint64_t operations = 1; number <= operations && number <= most_points && !HasFatalFailure(); ++number) {
      SCOPED_TRACE(testing::Message() << "operation " << number << (sticky ? " and all later ones" : "")
                                      << " fails with " << code << ", torn after " << torn_bytes);
      const TemporaryDirectory directory(fast_directory());
      const Outcome outcome = work(directory.file(), fail_at(number, sticky, code, torn_bytes));
      operations = std::max(operations, outcome.operations);
      for (const auto& [job, answer] : outcome.jobs) {
        failed_jobs += answer == Answer::nothing ? 1 : 0;
        unknown_jobs += answer == Answer::unknown ? 1 : 0;
      }
      check(directory.file(), outcome);
    }
    EXPECT_GT(number, 30U) << "the workload makes fewer operations than expected; the sweep proves little";
    EXPECT_GT(failed_jobs + unknown_jobs, 0U) << "no fault reached a job";
    std::cout << number - 1 << " fault points, " << failed_jobs << " jobs failed, " << unknown_jobs << " unknown\n";
  }

  static constexpr std::uint64_t most_points = 150;
};

TEST_F(FaultTest, TheLayerIsUnderTheStoreAndChangesNothingByItself) {
  const TemporaryDirectory directory(fast_directory());
  const Outcome outcome = work(directory.file(), {});
  EXPECT_GT(outcome.operations, 30U);
  for (const auto& [job, answer] : outcome.jobs) EXPECT_EQ(answer, Answer::committed) << job;
  check(directory.file(), outcome);
}

TEST_F(FaultTest, AnyOperationMayFailOnce) {
  sweep(false, SQLITE_IOERR, 0);
}

TEST_F(FaultTest, AnyOperationMayFailForGood) {
  sweep(true, SQLITE_IOERR, 0);
}

TEST_F(FaultTest, AnyWriteMayBeTorn) {
  sweep(true, SQLITE_IOERR, 100);
}

TEST_F(FaultTest, TheDiskMayBeFullAtAnyOperation) {
  sweep(true, SQLITE_FULL, 0);
}

TEST_F(FaultTest, AFailedSyncOfACommitIsUnknownAndTheWriterGoesOn) {
  const TemporaryDirectory directory(fast_directory());
  auto opened = open(directory.file());
  ASSERT_TRUE(opened);
  auto& store = **opened;
  ASSERT_TRUE(store.write(
      [](contract::RelationalSession& session) {
        return session.execute_script("CREATE TABLE kept(job INTEGER, part INTEGER, text TEXT)");
      },
      soon()));
  set_fault_rule([](const FaultEvent& event) -> Fault {
    return event.operation == FaultOperation::sync ? Fault{SQLITE_IOERR} : Fault{};
  });
  const Status failed = insert_job(store, 1);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().retry, Retry::outcome_unknown);
  EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(failed.error().connection_usable);
  EXPECT_EQ(failed.error().native_code, "SQLITE_IOERR_FSYNC");
  set_fault_rule({});
  EXPECT_TRUE(insert_job(store, 2));
  EXPECT_TRUE(store.health().ok);
  auto transaction = store.begin(soon());
  ASSERT_TRUE(transaction);
  EXPECT_TRUE((*transaction)->session().execute("INSERT INTO kept VALUES(3, 0, '')", {}));
  set_fault_rule([](const FaultEvent& event) -> Fault {
    return event.operation == FaultOperation::sync ? Fault{SQLITE_IOERR} : Fault{};
  });
  const Status lost = (*transaction)->commit();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().retry, Retry::outcome_unknown);
  set_fault_rule({});
  EXPECT_TRUE(insert_job(store, 4));
}

TEST_F(FaultTest, AWriterThatCannotBeReplacedSaysSoUntilItCan) {
  const TemporaryDirectory directory(fast_directory());
  auto opened = open(directory.file());
  ASSERT_TRUE(opened);
  auto& store = **opened;
  ASSERT_TRUE(store.write(
      [](contract::RelationalSession& session) {
        return session.execute_script("CREATE TABLE kept(job INTEGER, part INTEGER, text TEXT)");
      },
      soon()));
  set_fault_rule([](const FaultEvent& event) -> Fault {
    if (event.operation == FaultOperation::sync) return Fault{SQLITE_IOERR};
    if (event.operation == FaultOperation::open) return Fault{SQLITE_CANTOPEN};
    return {};
  });
  EXPECT_FALSE(insert_job(store, 1));
  const Status refused = insert_job(store, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_FALSE(store.begin(soon()));
  EXPECT_FALSE(store.health().ok);
  set_fault_rule({});
  EXPECT_TRUE(insert_job(store, 3));
  EXPECT_TRUE(store.health().ok);
}

TEST_F(FaultTest, ADamagedFileIsCorruption) {
  const TemporaryDirectory directory(fast_directory());
  {
    auto opened = open(directory.file());
    ASSERT_TRUE(opened);
    ASSERT_TRUE((*opened)->write(
        [](contract::RelationalSession& session) {
          return session.execute_script("CREATE TABLE kept(job INTEGER, part INTEGER, text TEXT)");
        },
        soon()));
    for (std::int64_t job = 0; job < 20; ++job) ASSERT_TRUE(insert_job(**opened, job));
  }
  {
    std::fstream file(directory.file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096, '\x5A');
  }
  auto opened = open(directory.file());
  ASSERT_TRUE(opened) << "the schema is whole";
  auto session = (*opened)->read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  const auto rows = (*session)->query("SELECT sum(length(text)) FROM kept", {}, 10);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::corruption);
  EXPECT_FALSE(rows.error().connection_usable);
}

}  // namespace
}  // namespace triune::adapters::sqlite
