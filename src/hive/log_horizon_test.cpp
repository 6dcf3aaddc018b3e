#include "hive/log_horizon.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/try.h"
#include "support/hive_database.h"

namespace triune::hive {
namespace {

using namespace std::chrono_literals;

class LogHorizonTest : public ::testing::Test {
 protected:
  LogHorizonTest() : server_({.settings = {{"max_prepared_transactions", "4"}}, .data_directory = {}}) {}

  LogHorizon look(std::chrono::milliseconds alarm_after = 0ms) {
    const auto session = database_.store().read(contract::ReadScope::internal, Deadline::after(1min));
    auto horizon = log_horizon(**session, 1, alarm_after);
    EXPECT_TRUE(horizon) << horizon.error().message;
    return horizon.value_or(LogHorizon());
  }
  void log_one() {
    database_.execute(
        "INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
        "VALUES (1, 1, 'k', 'put')");
  }

  testing::PostgresServer server_;
  testing::HiveDatabase database_{server_};
};

TEST_F(LogHorizonTest, IsClearWhenNobodyWrites) {
  log_one();
  const auto horizon = look();
  EXPECT_FALSE(horizon.alarm);
  EXPECT_EQ(horizon.unsettled_entries, 0U);
  EXPECT_TRUE(horizon.holders.empty());
}

TEST_F(LogHorizonTest, NamesTheTransactionOfAnotherDatabaseThatHoldsItBack) {
  const auto other = database_.connect("postgres");
  auto writing = other->begin(Deadline::after(1min));
  ASSERT_TRUE(writing);
  ASSERT_TRUE((*writing)->session().query("SELECT CAST(pg_current_xact_id() AS text)", {}, 1));
  const auto process = (*writing)->session().query("SELECT CAST(pg_backend_pid() AS bigint)", {}, 1);
  log_one();
  log_one();
  const auto horizon = look();
  ASSERT_EQ(horizon.holders.size(), 1U);
  const auto& holder = horizon.holders.front();
  EXPECT_EQ(holder.process_id, std::get<std::int64_t>(process->rows[0][0]));
  EXPECT_EQ(holder.database, "postgres");
  EXPECT_EQ(holder.state, "idle in transaction");
  EXPECT_EQ(horizon.unsettled_entries, 2U);
  EXPECT_TRUE(horizon.alarm);
  EXPECT_NE(horizon.message.find("pg_terminate_backend(" + std::to_string(holder.process_id) + ")"), std::string::npos)
      << horizon.message;
  EXPECT_FALSE(look(1h).alarm) << "not yet for long";
  ASSERT_TRUE((*writing)->rollback());
  // The server may still be at it when the call returns.
  const auto patience = Deadline::after(20s);
  while (look().unsettled_entries > 0 && !patience.expired()) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(look().unsettled_entries, 0U);
  EXPECT_FALSE(look().alarm);
}

TEST_F(LogHorizonTest, TransactionThatOnlyReadsHoldsNothingBack) {
  auto reading = database_.store().begin(Deadline::after(1min));
  ASSERT_TRUE(reading);
  ASSERT_TRUE((*reading)->session().query("SELECT count(*) FROM triune_change_log", {}, 1));
  log_one();
  EXPECT_EQ(look().unsettled_entries, 0U);
  EXPECT_FALSE(look().alarm);
}

TEST_F(LogHorizonTest, NamesAPreparedTransactionAndHowToEndIt) {
  database_.execute("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'it''s forgotten'");
  log_one();
  const auto horizon = look();
  ASSERT_EQ(horizon.holders.size(), 1U);
  EXPECT_EQ(horizon.holders.front().prepared_transaction, "it's forgotten");
  EXPECT_EQ(horizon.unsettled_entries, 1U);
  EXPECT_NE(horizon.message.find("ROLLBACK PREPARED 'it''s forgotten'"), std::string::npos) << horizon.message;
  database_.execute("ROLLBACK PREPARED 'it''s forgotten'");
  EXPECT_EQ(look().unsettled_entries, 0U);
}

}  // namespace
}  // namespace triune::hive
