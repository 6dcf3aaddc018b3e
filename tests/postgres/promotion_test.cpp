// A primary dies under load and its synchronous standby takes over: nothing acknowledged is lost, nothing takes effect
// twice (I1, I11), and whoever has the hive open is told to open it anew.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "support/patroni.h"
#include "support/postgres_server.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int writers = 4;

/// A primary and its synchronous standby.
class Cluster {
 public:
  virtual ~Cluster() = default;
  [[nodiscard]] virtual std::string hosts() const = 0;
  /// Kills the primary; the standby takes over at once or in a while.
  virtual void fail_over() = 0;
};

/// Promoted by hand.
class ByHand final : public Cluster {
 public:
  ByHand() : standby_(PostgresOptions{.standby_of = &primary_}) {
    primary_.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary_.execute("SELECT pg_reload_conf()");
  }
  [[nodiscard]] std::string hosts() const override {
    return "127.0.0.1:" + std::to_string(primary_.port()) + ",127.0.0.1:" + std::to_string(standby_.port());
  }
  void fail_over() override {
    primary_.kill9();
    standby_.promote();
  }

 private:
  PostgresServer primary_;
  PostgresServer standby_;
};

class ByPatroni final : public Cluster {
 public:
  [[nodiscard]] std::string hosts() const override { return cluster_.hosts(); }
  void fail_over() override { cluster_.kill_primary(); }

 private:
  PatroniCluster cluster_;
};

class Promotion : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "patroni")
      cluster_ = std::make_unique<ByPatroni>();
    else
      cluster_ = std::make_unique<ByHand>();
  }

  [[nodiscard]] std::string url() const {
    return "postgresql://triune@" + cluster_->hosts() + "/postgres?target_session_attrs=read-write";
  }
  std::unique_ptr<Hive> open() {
    auto opened = Hive::open(url(), {.projections = directory_.path() / "node"});
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  static Commit commit_of(const std::string& id) {
    return {.changes = {PutNode{{"Task", id}, {}}, PutEdge{{"PART_OF", {"Task", id}, {"Plan", "all"}}, {}}},
            .idempotency_key = id};
  }

  std::unique_ptr<Cluster> cluster_;
  TemporaryDirectory directory_;
};

TEST_P(Promotion, OfASynchronousStandbyLosesNothingAcknowledged) {
  auto hive = open();
  ASSERT_TRUE(hive);
  ASSERT_TRUE(hive->commit({.changes = {PutNode{{"Plan", "all"}, {}}}, .idempotency_key = {}}));
  const auto before = hive->status().value().incarnation;

  std::mutex mutex;
  std::set<std::string> acknowledged;
  std::set<std::string> unknown;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < writers; ++writer)
    threads.emplace_back([&, writer] {
      for (int i = 0; !stop; ++i) {
        const auto id = std::to_string(writer) + "-" + std::to_string(i);
        const auto done = hive->commit(commit_of(id), {.deadline = Deadline::after(seconds(2))});
        const std::scoped_lock lock(mutex);
        (done ? acknowledged : unknown).insert(id);
        if (!done) return;
      }
    });
  std::this_thread::sleep_for(milliseconds(700));
  cluster_->fail_over();
  stop = true;
  threads.clear();
  ASSERT_GT(acknowledged.size(), 20U) << "too little was written; the test shows nothing";

  // Told so, sooner or later; meanwhile calls reach the new primary.
  const auto until = std::chrono::steady_clock::now() + seconds(90);
  Status told;
  while (told && std::chrono::steady_clock::now() < until) {
    if (auto asked = hive->receipt(); !asked && asked.error().code == ErrorCode::conflict)
      told = std::unexpected(asked.error());
    std::this_thread::sleep_for(milliseconds(100));
  }
  ASSERT_FALSE(told) << "nobody noticed the new history";
  EXPECT_NE(told.error().message.find("open the hive anew"), std::string::npos) << told.error().message;
  hive = open();
  ASSERT_TRUE(hive);
  EXPECT_NE(hive->status().value().incarnation, before);

  for (const auto& id : acknowledged) ASSERT_TRUE(hive->get_node({"Task", id})) << id << " was acknowledged";
  for (const auto& id : unknown) {
    ASSERT_TRUE(hive->commit(commit_of(id))) << id;
    const auto again = hive->commit(commit_of(id));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->replayed) << id;
  }
  const auto counted = hive->cypher("MATCH (t:Task)-[:PART_OF]->(p:Plan) RETURN count(*)");
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(to_text(counted->rows[0][0]), std::to_string(acknowledged.size() + unknown.size()));
  const auto report = hive->verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->ok);
}

INSTANTIATE_TEST_SUITE_P(Clusters, Promotion, ::testing::Values("hand", "patroni"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace triune::testing
