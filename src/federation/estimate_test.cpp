// What is expected of calls, from counts and degrees.
#include "federation/estimate.h"

#include <gmock/gmock.h>

namespace triune::federation {
namespace {

using ::testing::HasSubstr;

/// 1,000 people, each of whom knows 8 and is known by 4; 10 cities, in which everybody lives in one.
class Figures final : public Engines {
 public:
  std::optional<NodeFigures> node_figures(std::string_view label) override {
    if (label == "Person") return NodeFigures{1'000};
    if (label == "City") return NodeFigures{10};
    return label.empty() ? std::optional(NodeFigures{1'010}) : std::nullopt;
  }
  std::optional<EdgeFigures> edge_figures(std::string_view type) override {
    if (type == "KNOWS") return EdgeFigures{.edges = 8'000, .out = 8, .in = 4};
    if (type == "LIVES") return EdgeFigures{.edges = 1'000, .out = 1, .in = 100};
    return std::nullopt;
  }
  Result<Answer> cypher(std::string_view, const Record&) override { return Answer(); }
  Result<Answer> vector_search(contract::RelationalSession&, const VectorCall&) override { return Answer(); }
  Result<Answer> text_search(contract::RelationalSession&, const TextSearch&) override { return Answer(); }
  Result<std::string> text_index_of(contract::RelationalSession&, std::string_view) override { return ""; }
  Result<Answer> neighbors(contract::RelationalSession&, const NeighborsQuery&) override { return Answer(); }
  Result<Answer> shortest_path(contract::RelationalSession&, const PathQuery&) override { return Answer(); }
};

double rows(std::string_view query) {
  Figures figures;
  const auto estimate = estimate_cypher(figures, query);
  return estimate ? estimate->rows : -1;
}

TEST(Estimate, OfNeighborsFollowsTheDegreesUpToAllNodes) {
  Figures figures;
  EXPECT_EQ(estimate_neighbors(figures, "KNOWS", Direction::out, 1)->rows, 8);
  EXPECT_EQ(estimate_neighbors(figures, "KNOWS", Direction::in, 2)->rows, 20);
  EXPECT_EQ(estimate_neighbors(figures, "KNOWS", Direction::both, 1)->rows, 12);
  EXPECT_EQ(estimate_neighbors(figures, "KNOWS", Direction::out, 10)->rows, 1'010);
  EXPECT_FALSE(estimate_neighbors(figures, "HATES", Direction::out, 1));
  EXPECT_THAT(estimate_neighbors(figures, "KNOWS", Direction::out, 2)->reason, HasSubstr("8 KNOWS a node, 2 steps"));
}

TEST(Estimate, OfAPatternMultipliesItsParts) {
  EXPECT_EQ(rows("MATCH (p:Person) RETURN p.id"), 1'000);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b:Person) RETURN a.id AS id, b.id AS other"), 8'000);
  EXPECT_EQ(rows("MATCH (a:Person)<-[:KNOWS]-(b) RETURN a.id"), 4'000);
  EXPECT_EQ(rows("MATCH (a:Person)--(b) RETURN a.id"), -1) << "edges of all types are not known here";
  EXPECT_EQ(rows("MATCH (a:Person)-[k:KNOWS*1..2]->(b) RETURN a.id"), 72'000);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b:Person), (a)-[:LIVES]->(c:City) RETURN b.id"), 8'000);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b:Person)-[:KNOWS]->(a) RETURN b.id"), 64);
}

TEST(Estimate, OfConditionsGroupsAndLimits) {
  EXPECT_EQ(rows("MATCH (a:Person {id: 'x'})-[:KNOWS]->(b) RETURN b.id"), 8);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b) WHERE a.id = $id RETURN b.id"), 8);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b) WHERE a.id = $id RETURN count(b) AS n"), 1);
  EXPECT_EQ(rows("MATCH (a:Person {city: 'x'}) RETURN a.id"), 100);
  EXPECT_EQ(rows("MATCH (a:Person)-[:LIVES]->(c:City) RETURN c.id AS id, count(*) AS n"), 10);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b:Person) RETURN DISTINCT a.id"), 1'000);
  EXPECT_EQ(rows("MATCH (a:Person)-[:KNOWS]->(b:Person) RETURN a.id ORDER BY a.id LIMIT 20"), 20);
}

TEST(Estimate, OfWhatNobodyKnowsIsNone) {
  EXPECT_EQ(rows("MATCH (a:Ghost) RETURN a.id"), -1);
  EXPECT_EQ(rows("MATCH (a:Person) WITH a LIMIT 3 RETURN a.id"), -1);
  EXPECT_EQ(rows("RETURN 1 AS one"), -1);
  EXPECT_EQ(rows("MATCH (a:Person"), -1);
}

}  // namespace
}  // namespace triune::federation
