// Random histories and random questions, held against the truth. A failure prints the seed.
#include <gtest/gtest.h>

#include <set>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

// Makes batches that mix everything, on few keys so that they collide.
class History {
 public:
  History(std::uint64_t seed, const GraphSchema& schema) : random_(seed), schema_(schema) {}

  GraphBatch next(const Truth& truth) {
    GraphBatch batch;
    std::set<Truth::NodeKey> there;
    for (const auto& [node, record] : truth.nodes()) there.insert(node);
    deletes(batch, there);
    std::set<Truth::NodeKey> put;
    for (auto count = random_() % 8; count > 0; --count) {
      const auto node = random_node();
      if (!put.insert(Truth::key(node)).second) continue;
      there.insert(Truth::key(node));
      batch.put_nodes.push_back({node, random_record(properties_of(node.label))});
    }
    puts_of_edges(batch, there);
    batch.position = Position{"history", ++lsn_};
    return batch;
  }

  std::mt19937_64& random() { return random_; }

  NodeReference random_node() {
    const auto& label = schema_.labels[random_() % schema_.labels.size()];
    return {label.name, "id" + std::to_string(random_() % 12)};
  }

 private:
  void deletes(GraphBatch& batch, std::set<Truth::NodeKey>& there) {
    std::set<Truth::NodeKey> deleted;
    for (auto count = random_() % 3; count > 0; --count) {
      const auto node = random_node();
      if (!deleted.insert(Truth::key(node)).second) continue;
      there.erase(Truth::key(node));
      batch.delete_nodes.push_back(node);
    }
    std::set<Truth::EdgeKey> deleted_edges;
    for (auto count = random_() % 6; count > 0; --count) {
      const auto edge = random_edge();
      if (deleted_edges.insert({edge.type, Truth::key(edge.from), Truth::key(edge.to)}).second)
        batch.delete_edges.push_back(edge);
    }
  }

  void puts_of_edges(GraphBatch& batch, const std::set<Truth::NodeKey>& there) {
    std::set<Truth::EdgeKey> put;
    for (auto count = random_() % 12; count > 0; --count) {
      const auto edge = random_edge();
      if (!there.contains(Truth::key(edge.from)) || !there.contains(Truth::key(edge.to))) continue;
      if (!put.insert({edge.type, Truth::key(edge.from), Truth::key(edge.to)}).second) continue;
      for (const auto& type : schema_.types)
        if (type.name == edge.type) batch.put_edges.push_back({edge, random_record(type.properties)});
    }
  }

  EdgeReference random_edge() {
    const auto& type = schema_.types[random_() % schema_.types.size()];
    const auto& ends = type.ends[random_() % type.ends.size()];
    return {type.name,
            {ends.first, "id" + std::to_string(random_() % 12)},
            {ends.second, "id" + std::to_string(random_() % 12)}};
  }

  Record random_record(const std::vector<contract::PropertyDefinition>& properties) {
    Record record;
    for (const auto& property : properties)
      if (random_() % 3 != 0) record.push_back({property.name, random_value(random_, property.type)});
    return record;
  }

  const std::vector<contract::PropertyDefinition>& properties_of(const std::string& label) {
    for (const auto& each : schema_.labels)
      if (each.name == label) return each.properties;
    return schema_.labels[0].properties;
  }

  std::mt19937_64 random_;
  const GraphSchema& schema_;
  std::uint64_t lsn_ = 0;
};

class Differential : public GraphConformance {
 protected:
  static GraphSchema schema() {
    auto schema = people();
    schema.types.push_back({"MIXED",
                            {{"Person", "City"}, {"City", "Person"}, {"City", "City"}},
                            {{"a", PropertyType::text}, {"b", PropertyType::float64}, {"c", PropertyType::boolean}}});
    return schema;
  }

  void check_questions(const Truth& truth, History& history) {
    static const std::vector<std::string> types{"", "KNOWS", "LIVES_IN", "MIXED"};
    static const std::vector<Direction> directions{Direction::out, Direction::in, Direction::both};
    auto& random = history.random();
    const auto& type = types[random() % types.size()];
    const auto direction = directions[random() % directions.size()];
    check_neighbors(truth, {history.random_node(), type, direction, static_cast<std::uint32_t>(1 + random() % 4)});
    check_path(truth, {history.random_node(), history.random_node(), type, direction,
                       static_cast<std::uint32_t>(1 + random() % 6)});
    const auto length = static_cast<std::uint32_t>(1 + random() % 5);
    EXPECT_EQ(*store_->count_paths({type, length, std::nullopt}, soon()), truth.walks(type, length, nullptr))
        << length << " steps of '" << type << "'";
    const auto from = history.random_node();
    const auto key = Truth::key(from);
    EXPECT_EQ(*store_->count_paths({type, length, from}, soon()), truth.walks(type, length, &key))
        << length << " steps of '" << type << "' from " << from.label << ":" << from.id;
  }

  void check_neighbors(const Truth& truth, const NeighborsQuery& query) {
    const auto found = store_->neighbors(query, soon());
    ASSERT_TRUE(found.has_value()) << found.error().message;
    std::map<Truth::NodeKey, std::uint32_t> expected;
    for (const auto& [node, distance] : truth.distances(Truth::key(query.node), query.type, query.direction))
      if (distance > 0 && distance <= query.depth) expected[node] = distance;
    std::map<Truth::NodeKey, std::uint32_t> actual;
    for (const auto& neighbor : *found) actual[Truth::key(neighbor.node)] = neighbor.distance;
    EXPECT_EQ(actual, expected);
    EXPECT_EQ(found->size(), expected.size()) << "a neighbour was given twice";
  }

  void check_path(const Truth& truth, const PathQuery& query) {
    const auto found = store_->shortest_path(query, soon());
    ASSERT_TRUE(found.has_value()) << found.error().message;
    const auto distances = truth.distances(Truth::key(query.from), query.type, query.direction);
    const auto distance = distances.find(Truth::key(query.to));
    if (distance == distances.end() || distance->second > query.max_length) {
      EXPECT_TRUE(found->nodes.empty());
      return;
    }
    ASSERT_EQ(found->nodes.size(), distance->second + 1);
    EXPECT_EQ(found->nodes.front(), query.from);
    EXPECT_EQ(found->nodes.back(), query.to);
    for (std::size_t i = 1; i < found->nodes.size(); ++i)
      EXPECT_TRUE(truth.is_step(found->nodes[i - 1], found->nodes[i], query.type, query.direction));
  }
};

TEST_P(Differential, Random_histories_end_as_the_truth) {
  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL, static_cast<unsigned long long>(std::random_device{}())}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TearDown();
    SetUp();
    const auto graph = schema();
    must(store_->ensure_schema(graph));
    Truth truth(graph);
    History history(seed, graph);
    for (int round = 0; round < 120; ++round) {
      const auto batch = history.next(truth);
      must_apply(batch);
      truth.apply(batch);
      ASSERT_EQ(*store_->position(), batch.position);
      ASSERT_EQ(store_->statistics()->edges, truth.edges().size()) << "after round " << round;
      if (round % 8 == 0) {
        ASSERT_EQ(text(graph), truth.text()) << "after round " << round;
      }
      check_questions(truth, history);
      if (round % 30 == 29 && store_->capabilities().persistent) reopen();
      if (HasFailure()) return;
    }
    ASSERT_EQ(text(graph), truth.text());
  }
}

TEST_P(Differential, Questions_on_random_graphs_are_answered_as_by_the_truth) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto graph = schema();
  must(store_->ensure_schema(graph));
  Truth truth(graph);
  GraphBatch batch;
  std::set<std::pair<int, int>> pairs;
  for (int i = 0; i < 150; ++i) batch.put_nodes.push_back(person(std::to_string(i)));
  while (pairs.size() < 300) pairs.emplace(random() % 150, random() % 150);
  for (const auto& [from, to] : pairs) batch.put_edges.push_back(knows(std::to_string(from), std::to_string(to)));
  must_apply(batch);
  truth.apply(batch);
  for (int round = 0; round < 60; ++round) {
    const NodeReference from{"Person", std::to_string(random() % 150)};
    const NodeReference to{"Person", std::to_string(random() % 150)};
    const auto direction = std::vector{Direction::out, Direction::in, Direction::both}[random() % 3];
    check_path(truth, {from, to, "KNOWS", direction, 30});
    check_neighbors(truth, {from, "KNOWS", direction, static_cast<std::uint32_t>(1 + random() % 10)});
    if (HasFailure()) return;
  }
}

FOR_EACH_GRAPH_ENGINE(Differential);

}  // namespace
}  // namespace triune::conformance
