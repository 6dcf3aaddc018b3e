#include "adapters/sqlite/writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "adapters/sqlite/test_store.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

class WriterTest : public StoreTest {
 protected:
  void SetUp() override {}

  void start(Writer::Options options) {
    auto opened = Store::open_with({.path = directory_.file(), .make_pool = pool_factory()}, std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    ASSERT_TRUE(run("CREATE TABLE kept(id INTEGER PRIMARY KEY, text TEXT) STRICT"));
  }

  Status insert(std::int64_t id, Deadline deadline = soon(), const char* sql = "INSERT INTO kept(id) VALUES(?1)") {
    const Value value = id;
    return store_->write(
        [&](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute(sql, {&value, 1}));
          return {};
        },
        deadline);
  }

  std::int64_t rows() {
    const auto found = ask("SELECT count(*) FROM kept");
    return found ? std::get<std::int64_t>(found->rows[0][0]) : -1;
  }

  /// Runs `jobs` while a transaction holds the writer, so that they wait together, then lets them go.
  std::vector<Status> together(const std::vector<std::function<Status()>>& jobs) {
    auto transaction = store_->begin(soon());
    EXPECT_TRUE(transaction);
    std::vector<Status> results(jobs.size());
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < jobs.size(); ++index) {
      threads.emplace_back([&, index] { results[index] = jobs[index](); });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE((*transaction)->rollback());
    for (auto& thread : threads) thread.join();
    return results;
  }
};

TEST_F(WriterTest, AFullQueueRefusesAtOnce) {
  Writer::Options options;
  options.queue_capacity = 3;
  start(options);
  std::vector<std::function<Status()>> jobs;
  for (std::int64_t id = 1; id <= 5; ++id) jobs.emplace_back([this, id] { return insert(id); });
  const auto results = together(jobs);
  int refused = 0;
  for (const auto& result : results) {
    if (result) continue;
    ++refused;
    EXPECT_EQ(result.error().code, ErrorCode::resource_exhausted);
    EXPECT_EQ(result.error().retry, Retry::safe);
  }
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(rows(), 3);
}

TEST_F(WriterTest, GroupsAreBounded) {
  Writer::Options options;
  options.group_jobs = 4;
  start(options);
  const auto before = store_->statistics();
  std::vector<std::function<Status()>> jobs;
  for (std::int64_t id = 1; id <= 10; ++id) jobs.emplace_back([this, id] { return insert(id); });
  for (const auto& result : together(jobs)) EXPECT_TRUE(result);
  const auto after = store_->statistics();
  EXPECT_EQ(after->commits - before->commits, 10U);
  EXPECT_EQ(after->groups - before->groups, 3U);
}

TEST_F(WriterTest, AJobThatEndsTheTransactionCostsTheOthersNothing) {
  start({});
  ASSERT_TRUE(insert(100));
  std::vector<std::function<Status()>> jobs;
  for (std::int64_t id = 1; id <= 3; ++id) jobs.emplace_back([this, id] { return insert(id); });
  jobs.emplace_back([this] { return insert(100, soon(), "INSERT OR ROLLBACK INTO kept(id) VALUES(?1)"); });
  jobs.emplace_back([this] {
    return store_->write(
        [](contract::RelationalSession& session) -> Status {
          const Value id = std::int64_t{100};
          EXPECT_FALSE(session.execute("INSERT OR ROLLBACK INTO kept(id) VALUES(?1)", {&id, 1}));
          EXPECT_FALSE(session.execute("INSERT INTO kept(id) VALUES(55)", {})) << "it would commit alone";
          EXPECT_FALSE(session.savepoint("a"));
          EXPECT_FALSE(session.query("SELECT 1", {}, 1));
          return {};  // swallowed
        },
        soon());
  });
  for (std::int64_t id = 4; id <= 6; ++id) jobs.emplace_back([this, id] { return insert(id); });
  const auto results = together(jobs);
  for (std::size_t index = 0; index < results.size(); ++index) {
    if (index == 3 || index == 4) {
      ASSERT_FALSE(results[index]);
      EXPECT_EQ(results[index].error().code, ErrorCode::conflict);
    } else {
      EXPECT_TRUE(results[index]) << index << ": " << results[index].error().message;
    }
  }
  EXPECT_EQ(rows(), 7);
}

TEST_F(WriterTest, AnEndedTransactionOfACallerSaysSo) {
  start({});
  ASSERT_TRUE(insert(1));
  auto transaction = store_->begin(soon());
  ASSERT_TRUE(transaction);
  EXPECT_TRUE((*transaction)->session().execute("INSERT INTO kept(id) VALUES(2)", {}));
  EXPECT_FALSE((*transaction)->session().execute("INSERT OR ROLLBACK INTO kept(id) VALUES(1)", {}));
  const auto refused = (*transaction)->session().execute("INSERT INTO kept(id) VALUES(3)", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  const auto committed = (*transaction)->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().retry, Retry::safe);
  EXPECT_EQ(rows(), 1);
}

TEST_F(WriterTest, ADeferredConstraintFailsItsOwnJob) {
  start({});
  ASSERT_TRUE(run("CREATE TABLE child(id INTEGER REFERENCES kept(id) DEFERRABLE INITIALLY DEFERRED) STRICT"));
  std::vector<std::function<Status()>> jobs;
  jobs.emplace_back([this] { return insert(1); });
  jobs.emplace_back([this] { return run("INSERT INTO child VALUES(77)"); });
  jobs.emplace_back([this] { return insert(2); });
  const auto results = together(jobs);
  EXPECT_TRUE(results[0]);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().code, ErrorCode::conflict);
  EXPECT_TRUE(results[2]);
  auto transaction = store_->begin(soon());
  ASSERT_TRUE(transaction);
  EXPECT_TRUE((*transaction)->session().execute("INSERT INTO child VALUES(5)", {}));
  EXPECT_FALSE((*transaction)->commit()) << "the parent is missing, and the transaction goes on";
  EXPECT_TRUE((*transaction)->session().execute("INSERT INTO kept(id) VALUES(5)", {}));
  EXPECT_TRUE((*transaction)->commit());
  EXPECT_EQ(rows(), 3);
}

TEST_F(WriterTest, TheLogIsMovedIntoTheFileAsItGrows) {
  Writer::Options options;
  options.checkpoint_frames = 50;
  start(options);
  const auto log_file = directory_.file().string() + "-wal";
  for (std::int64_t id = 0; id < 400; ++id)
    ASSERT_TRUE(run("INSERT INTO kept VALUES(?1, ?2)", {id, std::string(3000, 'x')}));
  EXPECT_LT(std::filesystem::file_size(log_file), 200U * 4096U) << "1,200 frames were written";
  EXPECT_GT(std::filesystem::file_size(directory_.file()), 200U * 4096U);
}

TEST_F(WriterTest, TheLogStaysBoundedUnderReadersThatOverlap) {
  Writer::Options options;
  options.checkpoint_frames = 20;
  start(options);
  std::atomic<bool> stop{false};
  const auto read_on = [&] {
    while (!stop) {
      auto session = store_->read(contract::ReadScope::internal, soon());
      ASSERT_TRUE(session);
      ASSERT_TRUE((*session)->query("SELECT count(*) FROM kept", {}, 1));
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
    }
  };
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back(read_on);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::int64_t id = 0; id < 300; ++id)
    ASSERT_TRUE(run("INSERT INTO kept VALUES(?1, ?2)", {id, std::string(3000, 'x')}));
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_LT(std::filesystem::file_size(directory_.file().string() + "-wal"), 400U * 4096U) << "900 frames were written";
}

TEST_F(WriterTest, ClosingWaitsForReaders) {
  start({});
  ASSERT_TRUE(insert(1));
  auto session = store_->read(contract::ReadScope::internal, soon());
  ASSERT_TRUE(session);
  std::atomic<bool> ended{false};
  std::thread slow([&, held = std::move(*session)]() mutable {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    EXPECT_TRUE(held->query("SELECT count(*) FROM kept", {}, 1));
    ended = true;
    held.reset();
  });
  store_.reset();
  EXPECT_TRUE(ended);
  slow.join();
}

}  // namespace
}  // namespace triune::adapters::sqlite
