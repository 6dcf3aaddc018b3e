// Loads and large commits over what is there already: the same counts, log and contents on both stores, whichever path
// the store takes for many rows at once.
#include <gmock/gmock.h>

#include <map>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::HasSubstr;

class HiveReload : public testing::HiveTest {
 protected:
  template <class T>
  static Supplier<T> supply(std::vector<T> all) {
    return [all = std::move(all), at = std::size_t{0}](T& one) mutable -> Result<bool> {
      if (at == all.size()) return false;
      one = all[at++];
      return true;
    };
  }

  static PutNode person(int number, std::int64_t value) {
    return {{"Person", "p" + std::to_string(number)}, {{"n", value}}};
  }
  static PutEdge knows(int from, int to, std::int64_t value) {
    return {{"KNOWS", {"Person", "p" + std::to_string(from)}, {"Person", "p" + std::to_string(to)}}, {{"n", value}}};
  }
  static PutVector vector(int number, float value, std::int64_t kind) {
    return {"v", "v" + std::to_string(number), std::vector<float>(4, value), {{"kind", kind}}};
  }

  std::uint64_t load(std::vector<PutNode> nodes) {
    const auto receipt = hive_->load_nodes("Person", supply(std::move(nodes)));
    EXPECT_TRUE(receipt) << receipt.error().message;
    return receipt ? receipt->changes : 0;
  }
  std::uint64_t load(std::vector<PutEdge> edges) {
    const auto receipt = hive_->load_edges("KNOWS", "Person", "Person", supply(std::move(edges)));
    EXPECT_TRUE(receipt) << receipt.error().message;
    return receipt ? receipt->changes : 0;
  }
  std::uint64_t load(std::vector<PutVector> vectors) {
    const auto receipt = hive_->load_vectors("v", supply(std::move(vectors)));
    EXPECT_TRUE(receipt) << receipt.error().message;
    return receipt ? receipt->changes : 0;
  }

  std::string logged(const std::string& operation) {
    return scalar("SELECT count(*) FROM triune_change_log WHERE operation = '" + operation + "'");
  }
  std::string properties_of(const std::string& id) {
    return scalar("SELECT properties FROM triune_graph_nodes WHERE id = '" + id + "'");
  }
};

TEST_F(HiveReload, NodesThatAreThereChangeWhereTheyDiffer) {
  std::vector<PutNode> first;
  for (int i = 0; i < 900; ++i) first.push_back(person(i, i));
  EXPECT_EQ(load(first), 900U);
  EXPECT_EQ(logged("put"), "900");
  // New ones in front, in the middle and at the end: that the others are there is seen late.
  std::vector<PutNode> second{person(5'000, 0)};
  for (int i = 600; i < 1'049; ++i) second.push_back(person(i, i < 700 ? -i : i));
  second.push_back(person(5'001, 0));
  for (int i = 1'049; i < 1'499; ++i) second.push_back(person(i, i));
  ASSERT_EQ(second[second.size() / 2].node.id, "p5001");
  EXPECT_EQ(load(second), 1U + 100 + 149 + 1 + 450) << "changed ones and new ones";
  EXPECT_EQ(logged("put"), std::to_string(900 + 701));
  EXPECT_EQ(properties_of("p650"), R"({"n":-650})");
  EXPECT_EQ(properties_of("p750"), R"({"n":750})");
  EXPECT_EQ(load(second), 0U);
  expect_verified();
}

TEST_F(HiveReload, ANodeThatComesTwiceIsWrittenTwice) {
  std::vector<PutNode> nodes;
  for (int i = 0; i < 100; ++i) nodes.push_back(person(i, 1));
  for (const std::int64_t value : {2, 2, 3}) nodes.push_back(person(50, value));
  EXPECT_EQ(load(nodes), 102U) << "one new, two changed, one as it is";
  EXPECT_EQ(properties_of("p50"), R"({"n":3})");
  EXPECT_EQ(logged("put"), "102");
  expect_verified();
}

TEST_F(HiveReload, EdgesThatAreThereChangeWhereTheyDiffer) {
  std::vector<PutNode> nodes;
  for (int i = 0; i < 300; ++i) nodes.push_back(person(i, 1));
  load(nodes);
  std::vector<PutEdge> first;
  for (int i = 0; i < 100; ++i) first.push_back(knows(i, i + 1, 1));
  EXPECT_EQ(load(first), 100U);
  std::vector<PutEdge> second{knows(0, 0, 1)};
  for (int i = 0; i < 298; ++i) second.push_back(knows(i, i + 1, i < 50 ? 2 : 1));
  second.push_back(knows(299, 0, 1));
  EXPECT_EQ(load(second), 1U + 50 + 198 + 1);
  EXPECT_EQ(load(second), 0U);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_edges"), "300");
  EXPECT_EQ(scalar("SELECT properties FROM triune_graph_edges WHERE from_id = 'p10' AND to_id = 'p11'"), R"({"n":2})");
  expect_verified();
}

TEST_F(HiveReload, VectorsThatAreThereChangeWhereTheyDiffer) {
  ASSERT_TRUE(hive_->create_collection({.name = "v", .dimension = 4, .metric = Metric::l2}));
  std::vector<PutVector> first;
  for (int i = 0; i < 400; ++i) first.push_back(vector(i, 1, 1));
  EXPECT_EQ(load(first), 400U);
  std::vector<PutVector> second{vector(9'000, 1, 1)};
  for (int i = 0; i < 500; ++i) second.push_back(vector(i, i < 30 ? 2.0F : 1.0F, i >= 20 && i < 60 ? 2 : 1));
  second.push_back(vector(7, 3, 1));
  EXPECT_EQ(load(second), 1U + 60 + 100 + 1) << "values or metadata, each vector once, and one again";
  EXPECT_EQ(hive_->get_vector("v", "v7")->values, std::vector<float>(4, 3));
  EXPECT_EQ(hive_->get_vector("v", "v25")->values, std::vector<float>(4, 2));
  EXPECT_EQ(*find(hive_->get_vector("v", "v25")->metadata, "kind"), Value(std::int64_t{2}));
  EXPECT_EQ(load(second), 2U) << "the one that comes twice";
  std::vector<PutVector> third;
  for (int i = 0; i < 50; ++i) third.push_back(vector(i == 10 ? 7 : 10'000 + i, 5, 1));
  EXPECT_EQ(load(third), 50U) << "one that is there among new ones";
  expect_verified();
}

TEST_F(HiveReload, AVectorOfAnotherDimensionIsNamed) {
  ASSERT_TRUE(hive_->create_collection({.name = "v", .dimension = 4, .metric = Metric::l2}));
  auto vectors = std::vector<PutVector>(40, vector(1, 1, 1));
  vectors[30].values.resize(3);
  vectors[30].id = "short";
  const auto refused = hive_->load_vectors("v", supply(vectors));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().message, HasSubstr("short"));
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_vectors"), "0");
}

TEST_F(HiveReload, TextOfAnyKindArrivesAsItIs) {
  std::map<std::string, std::string> wanted;
  std::vector<PutNode> nodes;
  for (const std::string text :
       {"plain", "a\tb", "a\nb", "a\\b", "\\N", "\"quoted\"", "'", "grüße 🐝", "\r", "\\.", ""})
    for (int i = 0; i < 5; ++i) {
      const std::string id = "n" + text + std::to_string(i);
      wanted[id] = text;
      nodes.push_back({{"Person", id}, {{"text", text}}});
    }
  load(nodes);
  for (const auto& [id, text] : wanted) {
    const auto node = hive_->get_node({"Person", id});
    ASSERT_TRUE(node) << id;
    EXPECT_EQ(*find(*node, "text"), Value(text));
  }
}

TEST_F(HiveReload, PutsOfOneCommitTakeEffectInTheirOrder) {
  ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, b INTEGER) STRICT")));
  const auto row = [](const std::string& id, Record values) {
    values.insert(values.begin(), {"id", id});
    return PutRow{"t", std::move(values)};
  };
  std::vector<Change> changes;
  for (int i = 0; i < 700; ++i) changes.emplace_back(row("r" + std::to_string(i), {{"a", "first"}}));
  changes.emplace_back(row("r3", {{"a", "second"}}));
  changes.emplace_back(row("r3", {{"b", std::int64_t{7}}}));
  changes.emplace_back(DeleteRow{"t", {{"id", "r4"}}});
  changes.emplace_back(row("r4", {{"b", std::int64_t{8}}}));
  changes.emplace_back(row("r5", {{"a", "first"}}));
  for (int i = 0; i < 300; ++i) changes.emplace_back(person(i, 1));
  changes.emplace_back(person(9, 2));
  for (int i = 0; i < 299; ++i) changes.emplace_back(knows(i, i + 1, 1));
  changes.emplace_back(knows(7, 8, 2));
  changes.emplace_back(DeleteEdge{knows(7, 8, 2).edge});
  changes.emplace_back(knows(7, 8, 3));
  EXPECT_EQ(commit(changes).changes, 700U + 4 + 301 + 302);
  EXPECT_EQ(scalar("SELECT count(*) FROM t"), "700");
  EXPECT_EQ(scalar("SELECT a FROM t WHERE id = 'r3' AND b = 7"), "second");
  EXPECT_EQ(scalar("SELECT coalesce(a, 'none') FROM t WHERE id = 'r4' AND b = 8"), "none");
  EXPECT_EQ(properties_of("p9"), R"({"n":2})");
  EXPECT_EQ(scalar("SELECT properties FROM triune_graph_edges WHERE from_id = 'p7'"), R"({"n":3})");
  expect_verified();
}

TEST_F(HiveReload, AmongManyPutsTheOneAtFaultIsNamed) {
  ASSERT_TRUE(
      hive_->sql(testing::in_dialect("CREATE TABLE t (id TEXT PRIMARY KEY, b INTEGER CHECK (b < 500)) STRICT")));
  std::vector<Change> rows;
  for (int i = 0; i < 600; ++i)
    rows.emplace_back(PutRow{"t", {{"id", std::to_string(i)}, {"b", std::int64_t{i == 321 ? 500 : 1}}}});
  const auto row = refused(rows);
  EXPECT_EQ(row.code, ErrorCode::conflict);
  EXPECT_THAT(row.message, HasSubstr("change 322: "));
  std::vector<Change> edges;
  for (int i = 0; i < 50; ++i) edges.emplace_back(person(i, 1));
  for (int i = 0; i < 50; ++i) edges.emplace_back(knows(i, i + 1, 1));
  const auto edge = refused(edges);
  EXPECT_EQ(edge.code, ErrorCode::not_found);
  EXPECT_THAT(edge.message, HasSubstr("change 100: "));
  EXPECT_THAT(edge.message, HasSubstr("Person/p50"));
}

}  // namespace
}  // namespace triune
