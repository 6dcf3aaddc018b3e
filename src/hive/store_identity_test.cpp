#include "hive/store_identity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <thread>

#include "support/hive_database.h"
#include "support/temporary_directory.h"

namespace triune::hive {
namespace {

using testing::HiveDatabase;
using testing::PostgresServer;

Deadline patience() {
  return Deadline::after(std::chrono::minutes(1));
}

StoreIdentity settled(contract::RelationalStore& store) {
  auto identity = settle_incarnation(store, patience());
  EXPECT_TRUE(identity) << identity.error().message;
  return identity.value_or(StoreIdentity());
}

/// pg_dump into psql.
bool copy(const PostgresServer& from, const std::string& source, const PostgresServer& to, const std::string& target) {
  const std::string binaries = "/usr/lib/postgresql/15/bin/";
  const auto command =
      binaries + "pg_dump '" + from.url(source) + "' | psql -q -v ON_ERROR_STOP=1 '" + to.url(target) + "' > /dev/null";
  return std::system(("bash -o pipefail -c \"" + command + "\"").c_str()) == 0;
}

class StoreIdentityTest : public ::testing::Test {
 protected:
  void fill() {
    database_.execute(
        "INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
        "VALUES (1, 1, 'k', 'put')");
    database_.execute("INSERT INTO triune_commits VALUES (1, 'key', 'hash', 77, 1, 1)");
    database_.execute("INSERT INTO triune_log_floors VALUES (1, 5)");
    database_.execute("INSERT INTO triune_leases VALUES ('work', 'ada', 3, now())");
    database_.execute(
        "INSERT INTO triune_cluster_nodes (node_id, organization_id, host, process_id) "
        "VALUES ('a', 1, 'h', 1)");
    database_.execute("INSERT INTO triune_collections (organization_id, kind, name) VALUES (1, 'label', 'Agent')");
  }
  static void expect_forgotten(const PostgresServer& server, const std::string& database) {
    for (const auto* const table : {"triune_change_log", "triune_log_floors", "triune_leases", "triune_cluster_nodes"})
      EXPECT_EQ(server.execute(std::string("SELECT count(*) FROM ") + table, database), "0") << table;
    EXPECT_EQ(server.execute("SELECT lsn FROM triune_commits", database), "0") << "known, of no position";
    EXPECT_EQ(server.execute("SELECT name FROM triune_collections", database), "Agent") << "data stay";
  }

  HiveDatabase database_;
};

TEST_F(StoreIdentityTest, StaysTheSameWhenOpenedAgain) {
  const auto first = settled(database_.store());
  EXPECT_TRUE(first.renewed);
  EXPECT_EQ(first.note, "");
  fill();
  const auto again = settled(*database_.connect());
  EXPECT_FALSE(again.renewed);
  EXPECT_EQ(again.incarnation, first.incarnation);
  EXPECT_EQ(database_.execute("SELECT count(*) FROM triune_change_log"), "1");
  EXPECT_TRUE(check_incarnation(database_.store(), first.incarnation, patience()));
}

TEST_F(StoreIdentityTest, CopyInAnotherDatabaseOfTheServerIsAnotherHistory) {
  const auto original = settled(database_.store());
  fill();
  const auto target = database_.server().create_database();
  ASSERT_TRUE(copy(database_.server(), database_.name(), database_.server(), target));
  {
    const auto store = database_.connect(target);
    EXPECT_EQ(check_incarnation(*store, original.incarnation, patience()).error().code, ErrorCode::conflict);
    const auto copied = settled(*store);
    EXPECT_TRUE(copied.renewed);
    EXPECT_NE(copied.incarnation, original.incarnation);
    expect_forgotten(database_.server(), target);
    EXPECT_EQ(settled(*store).incarnation, copied.incarnation);
  }
  database_.server().drop_database(target);
  EXPECT_EQ(settled(database_.store()).incarnation, original.incarnation);
}

TEST_F(StoreIdentityTest, CopyOnAnotherServerIsAnotherHistoryOnWhichAllOpenersAgree) {
  const auto original = settled(database_.store());
  fill();
  PostgresServer other;
  HiveDatabase place(other);
  const auto target = other.create_database();
  ASSERT_TRUE(copy(database_.server(), database_.name(), other, target));
  std::set<std::string> incarnations;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const auto identity = settled(*place.connect(target));
      const std::scoped_lock lock(mutex);
      incarnations.insert(identity.incarnation);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(incarnations.size(), 1U);
  EXPECT_FALSE(incarnations.contains(original.incarnation));
  expect_forgotten(other, target);
}

TEST_F(StoreIdentityTest, AnotherTimelineIsAnotherHistory) {
  const auto before = settled(database_.store());
  fill();
  // As after a promotion: the number is stored in front of the last digits of the history.
  database_.execute(
      "UPDATE triune_hive SET value = regexp_replace(value, '/[^/]*$', '/000000FF') WHERE key = 'history'");
  EXPECT_EQ(check_incarnation(database_.store(), before.incarnation, patience()).error().code, ErrorCode::conflict);
  const auto after = settled(database_.store());
  EXPECT_TRUE(after.renewed);
  EXPECT_NE(after.incarnation, before.incarnation);
  expect_forgotten(database_.server(), database_.name());
}

TEST_F(StoreIdentityTest, RoleThatMayNotSeeTheServerIsToldAndKeepsTheIncarnation) {
  const auto before = settled(database_.store());
  database_.execute("UPDATE triune_hive SET value = '/' || split_part(value, '/', 2) || '/' WHERE key = 'history'");
  const auto after = settled(database_.store());
  EXPECT_EQ(after.incarnation, before.incarnation) << "what was not known may be anything";
}

TEST(StoreIdentity, OfAnEmbeddedStoreIsMadeOnce) {
  const testing::TemporaryDirectory directory;
  const auto open = [&] {
    auto store = adapters::builtin().relational.at("sqlite")(
        {.path = directory.path() / "hive.db", .url = {}, .make_pool = testing::pool_factory()});
    EXPECT_TRUE(store);
    EXPECT_TRUE(migrate::apply(**store, "hive", migrate::migrations(contract::Dialect::sqlite), patience()));
    return std::move(*store);
  };
  const auto first = settled(*open());
  const auto second = settled(*open());
  EXPECT_TRUE(first.renewed);
  EXPECT_FALSE(second.renewed);
  EXPECT_EQ(first.incarnation, second.incarnation);
  EXPECT_TRUE(check_incarnation(*open(), first.incarnation, patience()));
}

}  // namespace
}  // namespace triune::hive
