#include "hive/log_retention.h"

#include <gtest/gtest.h>

#include "base/try.h"
#include "hive/lease.h"
#include "projection/change_log.h"
#include "support/hive_database.h"

namespace triune::hive {
namespace {

using namespace std::chrono_literals;

class LogRetentionTest : public ::testing::Test {
 protected:
  /// Each in a transaction of its own; the lsn of the last.
  std::int64_t log(int entries) {
    std::string last;
    for (int i = 0; i < entries; ++i)
      last = database_.execute(
          "INSERT INTO triune_change_log (organization_id, collection_id, key, operation) VALUES "
          "(1, 1, 'k', 'put') RETURNING lsn");
    return std::stoll(last);
  }
  void node(const std::string& id, const std::string& watermark, const std::string& seen_ago,
            const std::string& stopped = "false") {
    database_.execute(
        "INSERT INTO triune_cluster_nodes (node_id, organization_id, host, process_id, seen_at, watermark,"
        " stopped) VALUES ('" +
        id + "', 1, 'h', 1, now() - interval '" + seen_ago + "', " + watermark + ", " + stopped + ")");
  }
  LogRetentionReport sweep(LogRetentionOptions options = {}) {
    options.least_swept = 1;
    options.step = 3;
    auto report = sweep_shared_log(database_.store(), 1, "sweeper", options);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(LogRetentionReport());
  }
  std::int64_t first() { return std::stoll(database_.execute("SELECT min(lsn) FROM triune_change_log")); }
  std::int64_t entries() { return std::stoll(database_.execute("SELECT count(*) FROM triune_change_log")); }
  projection::LogBatch read(std::int64_t after) {
    const auto session = database_.store().read(contract::ReadScope::internal, Deadline::after(1min));
    return *projection::read_log(**session, 1, static_cast<std::uint64_t>(after), 1000);
  }

  testing::HiveDatabase database_;
};

// R1
TEST_F(LogRetentionTest, KeepsWhatTheSlowestNodeNeeds) {
  const auto middle = log(10);
  const auto last = log(10);
  node("fast", std::to_string(last), "1 second");
  node("slow", std::to_string(middle), "1 second");
  node("without", "NULL", "1 second");
  const auto report = sweep();
  EXPECT_EQ(report.swept, 9U) << "in steps of three";
  EXPECT_EQ(report.slowest, "slow");
  EXPECT_EQ(first(), middle);
  EXPECT_FALSE(read(middle).swept);
  EXPECT_EQ(read(middle).entries.size(), 10U);
  EXPECT_TRUE(read(middle - 2).swept) << "R2: who comes from below notices";
  EXPECT_EQ(sweep().swept, 0U);
}

TEST_F(LogRetentionTest, KeepsTheLastSettledEntryWhenNobodyNeedsAny) {
  const auto last = log(10);
  EXPECT_EQ(sweep().swept, 9U);
  EXPECT_EQ(first(), last);
}

TEST_F(LogRetentionTest, KeepsWhatHasNotSettled) {
  log(5);
  auto open = database_.store().begin(Deadline::after(1min));
  ASSERT_TRUE(open && (*open)->session().query("SELECT CAST(pg_current_xact_id() AS text)", {}, 1));
  const auto last = log(5);
  node("hasty", std::to_string(last + 100), "1 second");
  EXPECT_EQ(sweep().swept, 4U);
  EXPECT_EQ(entries(), 6);
  ASSERT_TRUE((*open)->rollback());
  EXPECT_EQ(sweep().swept, 5U);
}

TEST_F(LogRetentionTest, WaitsForSilentNodesForADayAndThenForgetsThem) {
  const auto middle = log(10);
  node("stopped", std::to_string(middle), "23 hours", "true");
  node("lost", "0", "23 hours");
  log(10);
  auto report = sweep();
  EXPECT_EQ(report.swept, 0U);
  EXPECT_TRUE(report.forgotten.empty());
  database_.execute(
      "INSERT INTO triune_set_aside VALUES (1, 'graph of lost', 'e', 'r'), (1, 'graph of stopped', 'e', "
      "'r'), (1, 'graph of not lost', 'e', 'r'), (1, 'graph', 'e', 'r')");
  database_.execute("UPDATE triune_cluster_nodes SET seen_at = now() - interval '25 hours' WHERE node_id = 'lost'");
  report = sweep();
  EXPECT_EQ(report.forgotten, std::vector<std::string>{"lost"});
  EXPECT_EQ(report.swept, 9U);
  EXPECT_EQ(database_.execute("SELECT string_agg(projection, ',' ORDER BY projection) FROM triune_set_aside"),
            "graph,graph of not lost,graph of stopped");
  database_.execute("UPDATE triune_cluster_nodes SET seen_at = now() - interval '25 hours'");
  report = sweep();
  EXPECT_EQ(report.forgotten, std::vector<std::string>{"stopped"});
  EXPECT_EQ(report.swept, 10U);
}

TEST_F(LogRetentionTest, ForgetsTheLongestSilentFirstWhenTheLogIsTooLong) {
  const auto early = log(5);
  node("old", std::to_string(early), "3 hours");
  const auto later = log(5);
  node("newer", std::to_string(later), "2 hours", "true");
  log(10);
  EXPECT_TRUE(sweep({.most_entries = 20}).forgotten.empty());
  EXPECT_EQ(sweep({.most_entries = 12}).forgotten, std::vector<std::string>{"old"});
  EXPECT_EQ(first(), later);
  EXPECT_EQ(sweep({.most_entries = 5}).forgotten, std::vector<std::string>{"newer"});
}

TEST_F(LogRetentionTest, NeverOvertakesANodeThatRuns) {
  node("live", "0", "1 second");
  log(30);
  const auto report = sweep({.most_entries = 5});
  EXPECT_EQ(report.swept, 0U);
  EXPECT_TRUE(report.forgotten.empty());
  EXPECT_EQ(report.slowest, "live");
}

// R3
TEST_F(LogRetentionTest, LeavesTheWorkToWhoHoldsTheLease) {
  log(10);
  const auto lease = acquire_lease(database_.store(), "log retention 1", "another", 1min);
  ASSERT_TRUE(lease);
  EXPECT_TRUE(sweep().held_by_another);
  EXPECT_EQ(entries(), 10);
  ASSERT_TRUE(release_lease(database_.store(), *lease));
  EXPECT_EQ(sweep().swept, 9U);
}

TEST_F(LogRetentionTest, TouchesNoOtherOrganization) {
  database_.execute(
      "INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
      "SELECT 2, 1, 'k', 'put' FROM generate_series(1, 10)");
  log(10);
  EXPECT_EQ(sweep().swept, 9U);
  EXPECT_EQ(entries(), 11);
}

}  // namespace
}  // namespace triune::hive
