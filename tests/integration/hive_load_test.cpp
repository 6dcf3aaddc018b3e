// Bulk loads, traversals and the routing between the engines.
#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::HasSubstr;

class HiveLoad : public testing::HiveTest {
 protected:
  static constexpr int nodes = 30'000;

  Receipt load_nodes() {
    int at = 0;
    const auto receipt = hive_->load_nodes("Person", [&](PutNode& node) -> Result<bool> {
      if (at == nodes) return false;
      node.node.id = "p" + std::to_string(at);
      node.properties = {{"n", std::int64_t{at++}}};
      return true;
    });
    EXPECT_TRUE(receipt) << receipt.error().message;
    return receipt.value();
  }

  Receipt load_edges() {
    std::mt19937 random(7);
    int at = 0;
    const auto receipt = hive_->load_edges("KNOWS", "Person", "Person", [&](PutEdge& edge) -> Result<bool> {
      if (at++ == nodes * 4) return false;
      edge.edge.from.id = "p" + std::to_string(random() % nodes);
      edge.edge.to.id = "p" + std::to_string(random() % nodes);
      return true;
    });
    EXPECT_TRUE(receipt) << receipt.error().message;
    return receipt.value();
  }
};

TEST_F(HiveLoad, LoadsThroughTheBulkPathAndAgainWithoutChange) {
  EXPECT_EQ(load_nodes().changes, static_cast<std::uint64_t>(nodes));
  const auto first = load_edges();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_change_log WHERE operation = 'load'"), "2");
  EXPECT_EQ(cypher_scalar("MATCH (p:Person) RETURN count(*)"), std::to_string(nodes));
  EXPECT_EQ(cypher_scalar("MATCH ()-[k:KNOWS]->() RETURN count(*)"), std::to_string(first.changes));
  EXPECT_EQ(load_nodes().changes, 0U);
  const auto second = load_edges();
  EXPECT_EQ(second.changes, 0U);
  EXPECT_EQ(second.lsn, first.lsn);
  expect_verified();
}

TEST_F(HiveLoad, RefusesEdgesWhoseEndsAreDeletedMeanwhile) {
  load_nodes();
  int at = 0;
  const auto load = [&] {
    return hive_->load_edges("KNOWS", "Person", "Person", [&](PutEdge& edge) -> Result<bool> {
      if (at == nodes - 1) return false;
      edge.edge.from.id = "p" + std::to_string(at);
      edge.edge.to.id = "p" + std::to_string(++at);
      if (at == nodes / 2) {
        EXPECT_TRUE(hive_->commit({.changes = {DeleteNode{{"Person", "p7"}}}, .idempotency_key = {}}));
      }
      return true;
    });
  };
  const auto refused = load();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_graph_edges"), "0");
  at = 8;
  ASSERT_TRUE(load()) << "nothing was deleted since it began";
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_graph_edges"), std::to_string(nodes - 9));
  expect_verified();
}

TEST_F(HiveLoad, WaitsForADeletionThatCouldNotSeeItsEdges) {
  if (!testing::on_postgres()) GTEST_SKIP() << "one writer at a time: nobody deletes while edges are written";
  load_nodes();
  auto deleting = hive_->begin(Deadline::after(std::chrono::seconds(60)));
  ASSERT_TRUE(deleting) << deleting.error().message;
  const std::array<Change, 1> deletion{DeleteNode{{"Person", "p7"}}};
  ASSERT_TRUE((*deleting)->apply(deletion));
  std::jthread loading([&] {
    int at = 0;
    const auto loaded = hive_->load_edges("KNOWS", "Person", "Person", [&](PutEdge& edge) -> Result<bool> {
      if (at == nodes - 1) return false;
      edge.edge.from.id = "p" + std::to_string(at);
      edge.edge.to.id = "p" + std::to_string(++at);
      return true;
    });
    EXPECT_TRUE(loaded) << loaded.error().message;
  });
  const auto all = std::to_string(nodes - 1);
  while (scalar("SELECT count(*) FROM triune_edges") != all) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE((*deleting)->commit());
  loading.join();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_edges"), std::to_string(nodes - 3))
      << "those of the deleted node went with it";
  expect_verified();
}

TEST_F(HiveLoad, MakesALargeIndexOfTargetsAnew) {
  if (testing::on_postgres()) GTEST_SKIP() << "PostgreSQL keeps the index, which others read meanwhile";
  load_nodes();
  const auto first = load_edges();
  EXPECT_EQ(scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'triune_edges_by_target' "
                   "AND sql LIKE '%(organization_id, type_id, to_node, from_node)'"),
            "1");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_edges INDEXED BY triune_edges_by_target"),
            std::to_string(first.changes));
  expect_verified();
}

TEST_F(HiveLoad, AMissingEndIsNamed) {
  int at = 0;
  const auto refused = hive_->load_edges("KNOWS", "Person", "Person", [&](PutEdge& edge) -> Result<bool> {
    edge.edge.from.id = "nobody";
    edge.edge.to.id = "none";
    return at++ == 0;
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  EXPECT_THAT(refused.error().message, HasSubstr("Person/nobody"));
  EXPECT_EQ(lsn(), 0U);
}

TEST_F(HiveLoad, BothEnginesAgreeOnTraversals) {
  load_nodes();
  load_edges();
  for (const auto* const start : {"p1", "p77", "p29999"}) {
    for (std::uint32_t depth = 1; depth <= 3; ++depth) {
      const auto found = hive_->neighbors({.node = {"Person", start}, .type = "KNOWS", .depth = depth});
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(found->route.engine, testing::sql_engine()) << found->route.reason;
      const auto counted = cypher_scalar("MATCH (a:Person {id: $start})-[:KNOWS*1.." + std::to_string(depth) +
                                             "]->(b:Person) WHERE b.id <> $start RETURN count(DISTINCT b.id)",
                                         {{"start", start}});
      EXPECT_EQ(std::to_string(found->value.size()), counted) << start << " " << depth;
    }
  }
  const auto all = hive_->count_paths({.type = "KNOWS", .length = 2, .from = {}});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->route.engine, "kuzu");
  EXPECT_EQ(std::to_string(all->value),
            scalar("SELECT count(*) FROM triune_edges a JOIN triune_edges b ON b.organization_id = a.organization_id "
                   "AND b.type_id = a.type_id AND b.from_node = a.to_node"));
}

TEST_F(HiveLoad, ShortestPathsAreShortest) {
  load_nodes();
  load_edges();
  std::mt19937 random(11);
  for (int i = 0; i < 5; ++i) {
    const auto from = "p" + std::to_string(random() % nodes);
    const auto to = "p" + std::to_string(random() % nodes);
    const auto path =
        hive_->shortest_path({.from = {"Person", from}, .to = {"Person", to}, .type = "KNOWS", .max_length = 12});
    ASSERT_TRUE(path) << path.error().message;
    const auto length = cypher_scalar(
        "MATCH (a:Person {id: $from})-[e:KNOWS* SHORTEST 1..12]->(b:Person {id: $to}) "
        "RETURN length(e)",
        {{"from", from}, {"to", to}});
    if (from == to) continue;
    EXPECT_EQ(path->value.nodes.empty() ? "" : std::to_string(path->value.nodes.size() - 1), length);
  }
}

TEST_F(HiveLoad, VectorsLoadAndAreFound) {
  ASSERT_TRUE(hive_->create_collection({.name = "v", .dimension = 8, .metric = Metric::l2}));
  int at = 0;
  const auto receipt = hive_->load_vectors("v", [&](PutVector& vector) -> Result<bool> {
    if (at == 12'000) return false;
    vector.id = "v" + std::to_string(at);
    vector.values = std::vector<float>(8, static_cast<float>(at++));
    return true;
  });
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->changes, 12'000U);
  const auto found = hive_->search(
      {.collection = "v", .query = std::vector<float>(8, 500.0F), .count = 1, .where = {}, .parameters = {}});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->hits.at(0).id, "v500");
  expect_verified();
  reopen();
  expect_verified();
}

TEST_F(HiveLoad, RebuildAndRepairKeepEverything) {
  load_nodes();
  load_edges();
  ASSERT_TRUE(hive_->rebuild("graph"));
  expect_verified();
  const auto repaired = hive_->repair();
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_TRUE(repaired->ok);
  EXPECT_EQ(hive_->rebuild("nothing").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace triune
