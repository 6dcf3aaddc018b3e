// Neighbours, shortest paths, numbers of paths, ranks and groups, on graphs small enough to know the answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

class Questions : public GraphConformance {
 protected:
  void SetUp() override {
    GraphConformance::SetUp();
    must(store_->ensure_schema(people()));
  }

  // a -> b -> c -> d, a -> c, e alone; a and d live in x.
  void make_chain() {
    must_apply({.put_nodes = {person("a"), person("b"), person("c"), person("d"), person("e"), city("x")},
                .put_edges = {knows("a", "b"), knows("b", "c"), knows("c", "d"), knows("a", "c"), lives_in("a", "x"),
                              lives_in("d", "x")}});
  }

  std::string neighbors(NeighborsQuery query) {
    const auto found = store_->neighbors(query, soon());
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
    if (!found) return {};
    EXPECT_TRUE(std::is_sorted(found->begin(), found->end(),
                               [](const auto& one, const auto& other) { return one.distance < other.distance; }));
    std::vector<std::string> lines;
    for (const auto& neighbor : *found)
      lines.push_back(std::to_string(neighbor.distance) + neighbor.node.label[0] + neighbor.node.id);
    std::sort(lines.begin(), lines.end());
    return std::accumulate(lines.begin(), lines.end(), std::string(),
                           [](const auto& sum, const auto& each) { return sum + " " + each; });
  }

  std::string path(PathQuery query) {
    const auto found = store_->shortest_path(query, soon());
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
    std::string line;
    if (found)
      for (const auto& node : found->nodes) line += (line.empty() ? "" : " ") + node.id;
    return line;
  }

  std::uint64_t count(const PathCountQuery& query) {
    const auto found = store_->count_paths(query, soon());
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
    return found.value_or(~0ULL);
  }

  std::map<std::string, double> scores(contract::GraphAnalysis analysis) {
    const auto found = store_->analyze(analysis, soon());
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
    std::map<std::string, double> result;
    if (found)
      for (const auto& each : *found) result[each.node.label + ":" + each.node.id] = each.score;
    return result;
  }

  static NodeReference at(const std::string& id) { return {"Person", id}; }
};

TEST_P(Questions, Neighbors_follow_type_direction_and_depth) {
  make_chain();
  EXPECT_EQ(neighbors({.node = at("a"), .type = "KNOWS"}), " 1Pb 1Pc");
  EXPECT_EQ(neighbors({.node = at("a"), .type = "KNOWS", .depth = 2}), " 1Pb 1Pc 2Pd");
  EXPECT_EQ(neighbors({.node = at("a"), .type = "", .depth = 1}), " 1Cx 1Pb 1Pc");
  EXPECT_EQ(neighbors({.node = at("d"), .type = "KNOWS", .direction = Direction::in, .depth = 10}), " 1Pc 2Pa 2Pb");
  EXPECT_EQ(neighbors({.node = at("d"), .type = "KNOWS"}), "");
  EXPECT_EQ(neighbors({.node = {"City", "x"}, .type = "LIVES_IN", .direction = Direction::in}), " 1Pa 1Pd");
  EXPECT_EQ(neighbors({.node = at("b"), .type = "", .direction = Direction::both, .depth = 2}), " 1Pa 1Pc 2Cx 2Pd");
  EXPECT_EQ(neighbors({.node = at("e"), .type = "", .direction = Direction::both, .depth = 10}), "");
}

TEST_P(Questions, The_start_is_never_its_own_neighbor) {
  must_apply(
      {.put_nodes = {person("a"), person("b")}, .put_edges = {knows("a", "a"), knows("a", "b"), knows("b", "a")}});
  EXPECT_EQ(neighbors({.node = at("a"), .type = "KNOWS", .depth = 5}), " 1Pb");
  EXPECT_EQ(neighbors({.node = at("a"), .type = "", .direction = Direction::both, .depth = 2}), " 1Pb");
}

TEST_P(Questions, Neighbors_are_cut_off_at_the_nearest) {
  make_chain();
  EXPECT_EQ(neighbors({.node = at("a"), .type = "KNOWS", .depth = 3, .count = 2}), " 1Pb 1Pc");
}

TEST_P(Questions, What_does_not_exist_has_no_neighbors_and_no_paths) {
  make_chain();
  EXPECT_EQ(neighbors({.node = at("nobody"), .type = "KNOWS"}), "");
  EXPECT_EQ(neighbors({.node = {"Unknown", "a"}, .type = "KNOWS"}), "");
  EXPECT_EQ(neighbors({.node = at("a"), .type = "UNKNOWN"}), "");
  EXPECT_EQ(path({.from = at("a"), .to = at("nobody"), .type = "KNOWS"}), "");
  EXPECT_EQ(path({.from = at("nobody"), .to = at("nobody"), .type = "KNOWS"}), "");
  EXPECT_EQ(path({.from = at("a"), .to = at("d"), .type = "UNKNOWN"}), "");
  EXPECT_EQ(count({.type = "UNKNOWN", .length = 1}), 0U);
  EXPECT_EQ(count({.type = "UNKNOWN", .length = 3}), 0U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 1, .from = at("nobody")}), 0U);
}

TEST_P(Questions, Shortest_paths_follow_type_and_direction) {
  make_chain();
  EXPECT_EQ(path({.from = at("a"), .to = at("d"), .type = "KNOWS"}), "a c d");
  EXPECT_EQ(path({.from = at("d"), .to = at("a"), .type = "KNOWS"}), "");
  EXPECT_EQ(path({.from = at("d"), .to = at("a"), .type = "KNOWS", .direction = Direction::in}), "d c a");
  EXPECT_EQ(path({.from = at("d"), .to = at("b"), .type = "KNOWS", .direction = Direction::both}), "d c b");
  EXPECT_EQ(path({.from = at("a"), .to = at("d"), .type = "", .direction = Direction::both}).size(), 5U);
  EXPECT_EQ(path({.from = at("a"), .to = {"City", "x"}, .type = ""}), "a x");
  EXPECT_EQ(path({.from = at("a"), .to = at("e"), .type = "", .direction = Direction::both}), "");
  EXPECT_EQ(path({.from = at("a"), .to = at("a"), .type = "KNOWS"}), "a");
}

TEST_P(Questions, A_path_longer_than_allowed_is_none) {
  GraphBatch batch;
  for (int i = 0; i <= 31; ++i) batch.put_nodes.push_back(person(std::to_string(i)));
  for (int i = 0; i < 31; ++i) batch.put_edges.push_back(knows(std::to_string(i), std::to_string(i + 1)));
  must_apply(batch);
  const auto steps = [&](int to, std::uint32_t longest) {
    const auto found = store_->shortest_path(
        {.from = at("0"), .to = at(std::to_string(to)), .type = "KNOWS", .max_length = longest}, soon());
    EXPECT_TRUE(found.has_value());
    return found->nodes.size();
  };
  EXPECT_EQ(steps(30, 30), 31U);
  EXPECT_EQ(steps(31, 30), 0U);
  EXPECT_EQ(steps(4, 4), 5U);
  EXPECT_EQ(steps(5, 4), 0U);
  EXPECT_EQ(steps(1, 1), 2U);
}

TEST_P(Questions, Walks_are_counted_with_repetitions) {
  must_apply({.put_nodes = {person("a"), person("b"), city("x")},
              .put_edges = {knows("a", "b"), knows("b", "a"), knows("a", "a"), lives_in("a", "x")}});
  // Walks of KNOWS: matrix {{1, 1}, {1, 0}}, whose powers are Fibonacci numbers.
  EXPECT_EQ(count({.type = "KNOWS", .length = 1}), 3U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 2}), 5U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 3}), 8U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 4}), 13U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 5}), 21U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 5, .from = at("b")}), 8U);
  EXPECT_EQ(count({.type = "", .length = 1}), 4U);
  EXPECT_EQ(count({.type = "", .length = 2}), 7U);
  EXPECT_EQ(count({.type = "", .length = 2, .from = at("a")}), 4U);
  EXPECT_EQ(count({.type = "LIVES_IN", .length = 2}), 0U);
}

TEST_P(Questions, An_empty_graph_has_answers) {
  EXPECT_EQ(neighbors({.node = at("a"), .type = ""}), "");
  EXPECT_EQ(path({.from = at("a"), .to = at("b"), .type = ""}), "");
  for (std::uint32_t length = 1; length <= 5; ++length) EXPECT_EQ(count({.type = "", .length = length}), 0U);
  for (const auto kind : {contract::GraphAnalysis::Kind::page_rank, contract::GraphAnalysis::Kind::components,
                          contract::GraphAnalysis::Kind::communities})
    EXPECT_TRUE(scores({.kind = kind}).empty());
}

TEST_P(Questions, Questions_out_of_bounds_are_refused) {
  make_chain();
  const auto code = [](auto outcome) { return must_fail(std::move(outcome)).code; };
  EXPECT_EQ(code(store_->neighbors({.node = at("a"), .depth = 0}, soon())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->neighbors({.node = at("a"), .depth = 11}, soon())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->neighbors({.node = at("a"), .count = 0}, soon())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->shortest_path({.from = at("a"), .to = at("b"), .max_length = 0}, soon())),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->shortest_path({.from = at("a"), .to = at("b"), .max_length = 31}, soon())),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->count_paths({.type = "KNOWS", .length = 0}, soon())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->count_paths({.type = "KNOWS", .length = 6}, soon())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->analyze({.labels = {"Unknown"}}, soon())), ErrorCode::invalid_argument);
  EXPECT_EQ(code(store_->analyze({.types = {"UNKNOWN"}}, soon())), ErrorCode::invalid_argument);
}

TEST_P(Questions, A_passed_deadline_is_reported) {
  make_chain();
  const auto passed = Deadline::after(std::chrono::milliseconds(-1));
  const auto code = [](auto outcome) { return must_fail(std::move(outcome)).code; };
  EXPECT_EQ(code(store_->neighbors({.node = at("a")}, passed)), ErrorCode::deadline_exceeded);
  EXPECT_EQ(code(store_->shortest_path({.from = at("a"), .to = at("b")}, passed)), ErrorCode::deadline_exceeded);
  EXPECT_EQ(code(store_->count_paths({.type = "KNOWS"}, passed)), ErrorCode::deadline_exceeded);
  EXPECT_EQ(code(store_->analyze({}, passed)), ErrorCode::deadline_exceeded);
  EXPECT_EQ(path({.from = at("a"), .to = at("b"), .type = "KNOWS"}), "a b");
}

TEST_P(Questions, PageRank_ranks_the_hub_first) {
  SKIP_UNLESS(analytics);
  GraphBatch batch{.put_nodes = {person("hub")}};
  for (int i = 0; i < 20; ++i) {
    batch.put_nodes.push_back(person(std::to_string(i)));
    batch.put_edges.push_back(knows(std::to_string(i), "hub"));
  }
  must_apply(batch);
  const auto ranks = scores({.kind = contract::GraphAnalysis::Kind::page_rank});
  ASSERT_EQ(ranks.size(), 21U);
  double sum = 0;
  for (const auto& [node, rank] : ranks) {
    sum += rank;
    if (node != "Person:hub") {
      EXPECT_LT(rank, ranks.at("Person:hub"));
    }
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_NEAR(ranks.at("Person:hub") / ranks.at("Person:0"), 18, 1e-6) << "1 + 0.85 * 20";
}

TEST_P(Questions, PageRank_of_a_ring_is_even) {
  SKIP_UNLESS(analytics);
  GraphBatch batch;
  for (int i = 0; i < 5; ++i) batch.put_nodes.push_back(person(std::to_string(i)));
  for (int i = 0; i < 5; ++i) batch.put_edges.push_back(knows(std::to_string(i), std::to_string((i + 1) % 5)));
  must_apply(batch);
  for (const auto& [node, rank] : scores({.kind = contract::GraphAnalysis::Kind::page_rank}))
    EXPECT_NEAR(rank, 0.2, 1e-6);
}

TEST_P(Questions, Components_are_what_hangs_together) {
  SKIP_UNLESS(analytics);
  make_chain();
  must_apply({.put_nodes = {person("f")}, .put_edges = {knows("f", "e")}});
  auto groups = scores({.kind = contract::GraphAnalysis::Kind::components});
  EXPECT_EQ(groups.at("Person:a"), groups.at("Person:d"));
  EXPECT_EQ(groups.at("Person:a"), groups.at("City:x"));
  EXPECT_EQ(groups.at("Person:e"), groups.at("Person:f"));
  EXPECT_NE(groups.at("Person:a"), groups.at("Person:e"));
  groups = scores({.kind = contract::GraphAnalysis::Kind::components, .labels = {"Person"}});
  EXPECT_FALSE(groups.contains("City:x"));
  groups = scores({.kind = contract::GraphAnalysis::Kind::components, .types = {"LIVES_IN"}});
  EXPECT_EQ(groups.at("Person:a"), groups.at("Person:d"));
  EXPECT_NE(groups.at("Person:a"), groups.at("Person:b"));
  groups = scores({.kind = contract::GraphAnalysis::Kind::components, .labels = {"Person"}, .types = {"LIVES_IN"}});
  EXPECT_NE(groups.at("Person:a"), groups.at("Person:d")) << "the way over the city is not looked at";
}

TEST_P(Questions, Communities_are_the_cliques) {
  SKIP_UNLESS(analytics);
  GraphBatch batch;
  for (const auto* clique : {"l", "m", "r"}) {
    for (int i = 0; i < 5; ++i) batch.put_nodes.push_back(person(clique + std::to_string(i)));
    for (int i = 0; i < 5; ++i)
      for (int j = 0; j < i; ++j)
        batch.put_edges.push_back(knows(clique + std::to_string(i), clique + std::to_string(j)));
  }
  batch.put_edges.push_back(knows("l0", "m0"));
  batch.put_edges.push_back(knows("r0", "m1"));
  must_apply(batch);
  const auto groups = scores({.kind = contract::GraphAnalysis::Kind::communities});
  for (const auto* clique : {"l", "m", "r"})
    for (int i = 1; i < 5; ++i)
      EXPECT_EQ(groups.at("Person:" + (clique + std::to_string(i))), groups.at(std::string("Person:") + clique + "0"));
  EXPECT_NE(groups.at("Person:l0"), groups.at("Person:m0"));
  EXPECT_NE(groups.at("Person:m0"), groups.at("Person:r0"));
}

TEST_P(Questions, Deleted_nodes_are_in_no_answer) {
  make_chain();
  must_apply({.delete_nodes = {{"Person", "c"}}});
  EXPECT_EQ(neighbors({.node = at("a"), .type = "KNOWS", .depth = 5}), " 1Pb");
  EXPECT_EQ(path({.from = at("a"), .to = at("d"), .type = "KNOWS"}), "");
  EXPECT_EQ(count({.type = "KNOWS", .length = 1}), 1U);
  EXPECT_EQ(count({.type = "KNOWS", .length = 3}), 0U);
  const auto ranks = scores({.kind = contract::GraphAnalysis::Kind::page_rank});
  EXPECT_FALSE(ranks.contains("Person:c"));
  EXPECT_EQ(ranks.size(), 5U);
}

FOR_EACH_GRAPH_ENGINE(Questions);

}  // namespace
}  // namespace triune::conformance
