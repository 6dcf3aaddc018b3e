#include "placement/classify.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace triune::placement {
namespace {

using Names = std::vector<std::string>;

Characteristics related(double complexity, std::uint64_t edges = 100'000) {
  Characteristics data{.name = "knows"};
  data.relationships.push_back(
      {.type = "KNOWS", .from = "people", .to = "people", .edges = edges, .complexity = complexity});
  return data;
}

Characteristics embedded(std::uint64_t dimension, std::uint64_t count = 50'000) {
  Characteristics data{.name = "memories"};
  data.vectors.push_back(
      {.column = "embedding", .dimension = dimension, .count = count, .normalized = true, .metric = {}});
  return data;
}

bool is_said(const Decision& decision, std::string_view text) {
  return std::any_of(decision.reasons.begin(), decision.reasons.end(),
                     [text](const std::string& reason) { return reason.find(text) != std::string::npos; });
}

TEST(Classify, PlainRowsAreRelational) {
  const auto decision = classify({.name = "settings", .rows = 100});
  EXPECT_EQ(decision.engines, Names{"relational"});
  EXPECT_EQ(decision.primary, "relational");
  EXPECT_EQ(decision.transaction_mode, "group_commit");
  EXPECT_EQ(decision.confidence, 1);
}

TEST(Classify, ANetworkIsAGraph) {
  const auto decision = classify(related(0.9));
  EXPECT_EQ(decision.engines, (Names{"relational", "graph"}));
  EXPECT_EQ(decision.primary, "graph");
  EXPECT_EQ(decision.graph.labels, Names{"people"});
  ASSERT_EQ(decision.graph.types.size(), 1U);
  EXPECT_EQ(decision.graph.types[0].type, "KNOWS");
  EXPECT_TRUE(is_said(decision, "0.90 is above 0.7")) << decision.reasons[0];
}

TEST(Classify, TheThresholdItselfIsNotAbove) {
  EXPECT_EQ(classify(related(0.7)).primary, "relational");
  EXPECT_EQ(classify(related(0.0)).primary, "relational");
  EXPECT_EQ(classify(embedded(50)).primary, "relational");
  EXPECT_EQ(classify(embedded(51)).primary, "vector");
}

TEST(Classify, ConfidenceGrowsWithTheDistanceFromTheThreshold) {
  EXPECT_LT(classify(related(0.71)).confidence, classify(related(0.95)).confidence);
  EXPECT_LT(classify(related(0.69)).confidence, classify(related(0.2)).confidence);
  EXPECT_LT(classify(related(0.9, 50)).confidence, classify(related(0.9)).confidence);
  EXPECT_LT(classify(embedded(60)).confidence, classify(embedded(384)).confidence);
}

TEST(Classify, FewVectorsAreComparedOneByOne) {
  EXPECT_EQ(classify(embedded(384, 500)).vector->index, "exact");
  EXPECT_EQ(classify(embedded(384)).vector->index, "hnsw");
  EXPECT_EQ(classify(embedded(384)).vector->metric, "cosine");
  EXPECT_GT(classify(embedded(1536)).vector->connectivity, classify(embedded(384)).vector->connectivity);
}

TEST(Classify, AKnownMetricStays) {
  auto data = embedded(128);
  data.vectors[0].metric = Metric::l2;
  EXPECT_EQ(classify(data).vector->metric, "l2");
}

TEST(Classify, WhoeverFollowsNoHopsIsNotAskedToUseAGraph) {
  auto data = related(0.9);
  data.multi_hop_share = 0;
  EXPECT_EQ(classify(data).primary, "relational");
  EXPECT_EQ(classify(data).engines, (Names{"relational", "graph"}));
}

TEST(Classify, RelationshipsAndVectorsTogetherGetBoth) {
  auto data = related(0.9);
  data.vectors = embedded(384).vectors;
  data.text_columns = {"body"};
  data.missing_indexes = {"CREATE INDEX i ON t (a);"};
  const auto decision = classify(data);
  EXPECT_EQ(decision.engines, (Names{"relational", "graph", "vector", "text"}));
  EXPECT_EQ(decision.indexes, data.missing_indexes);
}

TEST(Classify, ReadsTheSeedsCharacteristics) {
  const auto graph = parse_characteristics(R"({"hasRelationships": true, "networkComplexity": 0.8})");
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(classify(*graph).primary, "graph");
  const auto vector = parse_characteristics(R"({"hasVectors": true, "dimensionality": 384})");
  ASSERT_TRUE(vector);
  EXPECT_EQ(classify(*vector).primary, "vector");
  const auto plain = parse_characteristics(R"({"hasRelationships": false, "networkComplexity": 0.8})");
  ASSERT_TRUE(plain);
  EXPECT_EQ(classify(*plain).primary, "relational");
}

TEST(Classify, ReadsItsOwnCharacteristics) {
  const auto data = parse_characteristics(
      R"({"name":"t","rows":5,"multi_hop_share":0.5,"write_share":0.9,"append_only":true,"text_columns":["a, b","c"],)"
      R"("relationships":[{"type":"A","from":"x","to":"y, \"z\"","edges":7,"complexity":0.75}],)"
      R"("vectors":[{"column":"e","dimension":64,"count":20,"normalized":false,"metric":"dot"}]})");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->text_columns, (Names{"a, b", "c"}));
  EXPECT_EQ(data->relationships.at(0).to, "y, \"z\"");
  EXPECT_EQ(data->vectors.at(0).metric, Metric::dot);
  const auto decision = classify(*data);
  EXPECT_EQ(decision.transaction_mode, "bulk_load");
  EXPECT_TRUE(is_said(decision, "90 % of the statements write"));
}

TEST(Classify, WrongCharacteristicsAreNamed) {
  for (const auto* json : {"", "[]", "{", R"({"rows":-1})", R"({"rows":1.5})", R"({"networkComplexity":2})",
                           R"({"speed":1})", R"({"relationships":{}})", R"({"relationships":[1]})",
                           R"({"vectors":[{"metric":"near"}]})", R"({"name":1})", R"({"vectors":[{"size":1}]})"}) {
    const auto data = parse_characteristics(json);
    ASSERT_FALSE(data) << json;
    EXPECT_EQ(data.error().code, ErrorCode::invalid_argument) << json;
    EXPECT_FALSE(data.error().message.empty());
  }
}

}  // namespace
}  // namespace triune::placement
