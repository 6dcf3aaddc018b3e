#include "hive/cluster_node.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/try.h"
#include "support/hive_database.h"

namespace triune::hive {
namespace {

using namespace std::chrono_literals;

class ClusterNodeTest : public ::testing::Test {
 protected:
  static ClusterNodeOptions options(std::string id, std::int64_t process_id = 0) {
    return {.node_id = std::move(id),
            .organization_id = 1,
            .watermark = {},
            .heartbeat = 20ms,
            .host = {},
            .process_id = process_id};
  }
  std::unique_ptr<ClusterNode> join(ClusterNodeOptions options) {
    auto node = ClusterNode::join(database_.store(), std::move(options));
    EXPECT_TRUE(node) << node.error().message;
    return node ? std::move(*node) : nullptr;
  }
  ClusterNodeStatus only() {
    const auto session = database_.store().read(contract::ReadScope::internal, Deadline::after(1min));
    const auto nodes = cluster_nodes(**session, 1, "a", 60s);
    EXPECT_TRUE(nodes && nodes->size() == 1);
    return nodes && !nodes->empty() ? nodes->front() : ClusterNodeStatus();
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    const auto deadline = Deadline::after(20s);
    while (!condition()) {
      if (deadline.expired()) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  static std::string error_of(const ClusterNode& node, std::string_view chore) {
    for (const auto& one : node.chores())
      if (one.name == chore) return one.last_error;
    return "there is no such chore";
  }

  testing::HiveDatabase database_;
};

TEST_F(ClusterNodeTest, IsSeenLiveWithItsWatermarkAndStoppedAfterItLeft) {
  std::atomic<std::uint64_t> durable{7};
  auto how = options("a");
  how.watermark = [&]() -> Result<std::optional<std::uint64_t>> { return std::optional<std::uint64_t>(durable); };
  const auto node = join(std::move(how));
  EXPECT_TRUE(eventually([&] { return only().watermark == 7U; }));
  EXPECT_EQ(only().state, NodeState::live);
  EXPECT_TRUE(only().self);
  EXPECT_EQ(only().process_id, ::getpid());
  durable = 8;
  EXPECT_TRUE(node->leave());
  EXPECT_EQ(only().state, NodeState::stopped);
  EXPECT_EQ(only().watermark, 8U) << "the last one";
  EXPECT_TRUE(node->leave()) << "again";
}

TEST_F(ClusterNodeTest, NeedsEverythingUntilItsWatermarkIsKnown) {
  const auto node = join(options("a"));
  EXPECT_EQ(only().watermark, 0U);
}

TEST_F(ClusterNodeTest, NeedsNothingWhenItSaysSo) {
  auto how = options("a");
  how.watermark = []() -> Result<std::optional<std::uint64_t>> { return std::optional<std::uint64_t>(); };
  const auto node = join(std::move(how));
  EXPECT_TRUE(eventually([&] { return !only().watermark; }));
}

TEST_F(ClusterNodeTest, SecondProcessUnderTheSameIdIsRefusedWithHostAndPid) {
  const auto node = join(options("a", 1));  // a process that surely runs
  const auto second = ClusterNode::join(database_.store(), options("a", ::getpid()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_NE(second.error().message.find("process 1 on " + only().host), std::string::npos) << second.error().message;
}

TEST_F(ClusterNodeTest, ComesBackAtOnceAfterItsProcessDiedOrLeftAndKeepsItsWatermark) {
  ASSERT_TRUE(join(options("a", 999'999'999))) << "no process has this id, as after a crash";
  database_.execute("UPDATE triune_cluster_nodes SET watermark = 5");
  const auto again = join(options("a", 1));
  EXPECT_EQ(only().watermark, 5U);
  ASSERT_TRUE(again->leave());
  EXPECT_NE(join(options("a")), nullptr);
  EXPECT_EQ(only().state, NodeState::live);
}

TEST_F(ClusterNodeTest, WhoLostItsIdToAnotherIsTold) {
  const auto node = join(options("a", 1));
  database_.execute(
      "UPDATE triune_cluster_nodes SET host = 'elsewhere', started_at = now() + interval '1 hour', "
      "seen_at = now() + interval '1 hour'");
  EXPECT_TRUE(eventually([&] { return error_of(*node, "heartbeat").find("elsewhere") != std::string::npos; }));
}

TEST_F(ClusterNodeTest, RegistersAnewWhenItWasForgotten) {
  const auto node = join(options("a"));
  database_.execute("DELETE FROM triune_cluster_nodes");
  EXPECT_TRUE(eventually([&] { return database_.execute("SELECT count(*) FROM triune_cluster_nodes") == "1"; }));
  EXPECT_TRUE(eventually([&] { return error_of(*node, "heartbeat").empty(); }));
}

// N3
TEST_F(ClusterNodeTest, ChoresAreDoneAgainAndAgainAndTheirErrorsShown) {
  const auto node = join(options("a"));
  std::atomic<int> runs{0};
  std::atomic<bool> fails{true};
  node->add_chore("sweep", 1ms, [&]() -> Status {
    ++runs;
    if (fails) return failure(ErrorCode::unavailable, "no broom");
    return {};
  });
  EXPECT_TRUE(eventually([&] { return runs > 3 && error_of(*node, "sweep") == "no broom"; }));
  fails = false;
  EXPECT_TRUE(eventually([&] { return error_of(*node, "sweep").empty(); }));
}

TEST_F(ClusterNodeTest, LongChoreDoesNotHoldUpTheHeart) {
  const auto node = join(options("a"));
  std::atomic<bool> go_on{false};
  node->add_chore("long", 1h, [&]() -> Status {
    while (!go_on) std::this_thread::sleep_for(1ms);
    return {};
  });
  const auto before = node->chores().front().runs;
  EXPECT_TRUE(eventually([&] { return node->chores().front().runs > before + 3; }));
  go_on = true;
}

TEST_F(ClusterNodeTest, IdsThatCouldBeTakenForOthersAreRefused) {
  for (const auto& id : {std::string(), std::string("a of b"), std::string(201, 'x'), std::string("a'b")})
    EXPECT_EQ(ClusterNode::join(database_.store(), options(id)).error().code, ErrorCode::invalid_argument) << id;
}

}  // namespace
}  // namespace triune::hive
