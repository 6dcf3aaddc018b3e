// What is true of this engine only; what every graph engine must do is in tests/conformance/graph.
#include "adapters/kuzu/kuzu_graph_store.h"

#include <gtest/gtest.h>

#include "triune/ids.h"

namespace triune::adapters::kuzu {
namespace {

using contract::GraphBatch;
using contract::GraphSchema;
using contract::Position;
using contract::PropertyType;

class KuzuStore : public testing::Test {
 protected:
  void SetUp() override { directory_ = std::filesystem::temp_directory_path() / ("triune-kuzu-" + new_id()); }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  contract::GraphStore& open() {
    store_.reset();
    auto opened = KuzuGraphStore::open({.path = directory_});
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
    store_ = std::move(*opened);
    return *store_;
  }

  std::filesystem::path directory_;
  std::unique_ptr<contract::GraphStore> store_;
};

TEST_F(KuzuStore, AppliesABatchAndReopensWithIt) {
  auto* store = &open();
  const GraphSchema schema{.labels = {{"Person", {{"name", PropertyType::text}, {"age", PropertyType::int64}}}},
                           .types = {{"KNOWS", {{"Person", "Person"}}, {{"since", PropertyType::float64}}}}};
  auto status = store->ensure_schema(schema);
  ASSERT_TRUE(status) << status.error().message;
  GraphBatch batch;
  batch.put_nodes = {{{"Person", "a"}, {{"name", "Ann"}, {"age", std::int64_t{3}}}}, {{"Person", "b"}, {}}};
  batch.put_edges = {{{"KNOWS", {"Person", "a"}, {"Person", "b"}}, {{"since", 1.5}}}};
  batch.position = Position{"i", 7};
  status = store->apply(batch, Deadline::never());
  ASSERT_TRUE(status) << status.error().message;
  for (int round = 0; round < 2; ++round) {
    const auto rows = store->query("MATCH (a:Person)-[e:KNOWS]->(b) RETURN a, e.since, b.name, b.id", {}, {});
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->rows.rows.size(), 1U);
    EXPECT_EQ(to_text(rows->rows.rows[0][0]), R"({"_label":"Person","id":"a","name":"Ann","age":3})");
    EXPECT_EQ(rows->rows.rows[0][1], Value(1.5));
    EXPECT_EQ(rows->rows.rows[0][2], Value(Null{}));
    EXPECT_EQ(*store->position(), (Position{"i", 7}));
    const auto all = store->query("MATCH (n) RETURN count(*)", {}, {});
    EXPECT_EQ(all->rows.rows[0][0], Value(std::int64_t{2}));  // the position is not seen
    const auto statistics = store->statistics();
    ASSERT_TRUE(statistics) << statistics.error().message;
    EXPECT_EQ(statistics->edges, 1U);
    store = &open();
  }
}

}  // namespace
}  // namespace triune::adapters::kuzu
