// The change log on a server: a transaction that began early may commit late, and nobody may miss it (I3, I5).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <unordered_map>

#include "adapters/builtin.h"
#include "fault_postgres/event_source.h"
#include "fault_postgres/shared_database.h"
#include "projection/change_log.h"
#include "stress/settings.h"
#include "support/pool_factory.h"

namespace triune::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned writers = 12;

std::uint64_t events() {
  return stress_size("TRIUNE_STRESS_EVENTS", 60'000, 2'000'000);
}

Status make_events(Hive& hive) {
  if (auto made = hive.sql(events_table); !made) return failure_of(made);
  return hive.map_nodes({.table = "events", .label = "Event"});
}

/// Reads the log as a projector does and counts how often it sees each event.
class LogReader {
 public:
  explicit LogReader(const SharedDatabase& database) {
    auto opened = adapters::builtin().relational.at("postgres")(
        {.path = {}, .writers = 1, .url = database.url(), .make_pool = pool_factory()});
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
    label_ = std::stoll(database.server().execute(
        "SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Event'", database.name()));
    organization_ = std::stoll(database.server().execute(
        "SELECT organization_id FROM triune_organizations WHERE name = 'default'", database.name()));
    // A node that has read nothing yet, and is never silent: the log is kept for it however long the test takes.
    database.server().execute(
        "INSERT INTO triune_cluster_nodes (node_id, organization_id, host, process_id, seen_at, "
        "watermark) SELECT 'reader', organization_id, 'here', 1, now() + interval '1 year', 0 "
        "FROM triune_organizations WHERE name = 'default'",
        database.name());
  }

  /// Reads on; how many events it saw. Counts steps during which it waited for transactions that had not ended.
  std::size_t step() {
    const auto session = store_->read(contract::ReadScope::internal, Deadline::after(seconds(30)));
    if (!session) throw std::runtime_error(session.error().message);
    const auto batch = projection::read_log(**session, organization_, watermark_, 3'000);
    if (!batch) throw std::runtime_error(batch.error().message);
    EXPECT_FALSE(batch->too_large || batch->swept);
    EXPECT_GE(batch->last_lsn, watermark_);
    std::size_t found = 0;
    for (const auto& entry : batch->entries) {
      EXPECT_GT(entry.lsn, watermark_) << "an entry below the watermark";
      if (entry.collection_id != label_) continue;
      ++seen_[to_text(entry.key)];
      ++found;
    }
    watermark_ = batch->last_lsn;
    if (batch->more && batch->entries.empty()) ++held_back_;
    return found;
  }

  [[nodiscard]] const std::unordered_map<std::string, int>& seen() const { return seen_; }
  [[nodiscard]] std::uint64_t held_back() const { return held_back_; }

 private:
  std::unique_ptr<contract::RelationalStore> store_;
  std::int64_t label_ = 0;
  std::int64_t organization_ = 0;
  std::uint64_t watermark_ = 0;
  std::uint64_t held_back_ = 0;
  std::unordered_map<std::string, int> seen_;
};

TEST(LogOrder, NoEventIsSkippedHoweverTransactionsOverlap) {
  const SharedDatabase database(shared_postgres_server());
  const auto hive = database.open("follower");
  ASSERT_NE(hive, nullptr);
  const auto made = make_events(*hive);
  ASSERT_TRUE(made) << made.error().message;
  LogReader reader(database);
  const auto seed = static_cast<unsigned>(stress_seed() % 1'000'000);
  const auto total = events() / writers * writers;
  EventSource source(database.url(), {.writers = writers, .events_each = total / writers, .seed = seed});
  std::thread reading([&] {
    while (source.acknowledged() < total && !HasFailure()) {
      if (reader.step() == 0) std::this_thread::sleep_for(milliseconds(2));
    }
  });
  EXPECT_EQ(source.finish(), "");
  reading.join();
  while (reader.step() > 0) {
  }
  EXPECT_EQ(source.acknowledged(), total);
  EXPECT_EQ(reader.seen().size(), total);
  for (const auto& [id, times] : reader.seen()) ASSERT_EQ(times, 1) << id;
  EXPECT_GT(reader.held_back(), 0U) << "no transaction overtook another; the test shows nothing";
  expect_current(*hive, std::chrono::minutes(2) + std::chrono::milliseconds(total));
  expect_equal_everywhere(*hive);
  const auto projected = hive->cypher("MATCH (e:Event) RETURN count(*), sum(e.place)");
  ASSERT_TRUE(projected) << projected.error().message;
  EXPECT_EQ(to_text(projected->rows[0][0]), std::to_string(total));
  const auto each = total / writers;
  EXPECT_EQ(to_text(projected->rows[0][1]), std::to_string(writers * (each * (each - 1) / 2)));
  std::cout << total << " events in " << source.transactions()
            << " transactions, each seen once; the reader was held back " << reader.held_back() << " times\n";
}

TEST(LogOrder, ATransactionHeldOpenHoldsTheWatermarkAndNothingElse) {
  const SharedDatabase database(shared_postgres_server());
  const auto hive = database.open("follower");
  ASSERT_NE(hive, nullptr);
  const auto made = make_events(*hive);
  ASSERT_TRUE(made) << made.error().message;
  expect_current(*hive);
  OpenTransaction held(database.url(), "INSERT INTO events VALUES ('held', 1)");
  const auto later = hive->commit(
      {.changes = {PutRow{"events", {{"id", "later"}, {"place", std::int64_t{2}}}}, PutNode{{"Witness", "here"}, {}},
                   PutEdge{{"SEES", {"Witness", "here"}, {"Witness", "here"}}, {}}}});
  ASSERT_TRUE(later) << later.error().message;

  // Reads of the canonical store go on, with what was committed and without what was not.
  EXPECT_TRUE(hive->get_node({"Witness", "here"}));
  const auto rows = hive->sql("SELECT string_agg(id, ',') FROM events");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(to_text(rows->rows[0][0]), "later");

  // A projection does not say that it holds what it cannot know to be complete.
  ReadOptions options;
  options.consistency = Consistency::at_least(later->token());
  options.deadline = Deadline::after(milliseconds(700));
  const auto begun = std::chrono::steady_clock::now();
  const auto read = hive->cypher("MATCH (e:Event) RETURN count(*)", {}, options);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::deadline_exceeded) << read.error().message;
  // What the rows can answer too they do, in the time that is left (I4).
  options.deadline = Deadline::after(seconds(2));
  const auto counted = hive->count_paths({.type = "SEES", .length = 1, .from = {}}, options);
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(counted->value, 1U);
  EXPECT_TRUE(counted->route.degraded) << counted->route.reason;
  const auto status = hive->status();
  ASSERT_TRUE(status) << status.error().message;
  for (const auto& projection : status->projections) EXPECT_LT(projection.watermark, later->lsn) << projection.name;
  ASSERT_TRUE(status->log);
  EXPECT_GT(status->log->unsettled_entries, 0U);
  ASSERT_FALSE(status->log->holders.empty());
  EXPECT_EQ(status->log->holders.front().application, "held open");

  if (std::getenv("TRIUNE_STRESS") != nullptr) {  // the alarm comes after half a minute
    std::this_thread::sleep_for(seconds(31));
    const auto alarmed = hive->status();
    ASSERT_TRUE(alarmed && alarmed->log);
    EXPECT_TRUE(alarmed->log->alarm);
    EXPECT_NE(alarmed->log->message.find(std::to_string(status->log->holders.front().process_id)), std::string::npos)
        << alarmed->log->message;
  }

  held.commit();
  const auto arrived = hive->wait(later->token(), Deadline::after(seconds(20)));
  ASSERT_TRUE(arrived) << arrived.error().message;
  const auto both = hive->cypher("MATCH (e:Event) RETURN e.id");
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(both->rows.size(), 2U);
  expect_equal_everywhere(*hive);
}

}  // namespace
}  // namespace triune::testing
