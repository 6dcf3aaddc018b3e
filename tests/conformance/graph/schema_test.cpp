// Labels, types and properties: what can be added, what cannot, and that no name does harm.
#include <gtest/gtest.h>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

class Schema : public GraphConformance {
 protected:
  ErrorCode refusal(const GraphSchema& schema) {
    const auto error = must_fail(store_->ensure_schema(schema));
    EXPECT_FALSE(error.message.empty());
    return error.code;
  }
  static GraphSchema label(const std::string& name, std::vector<contract::PropertyDefinition> properties = {}) {
    return {.labels = {{name, std::move(properties)}}, .types = {}};
  }
};

TEST_P(Schema, Ensuring_again_changes_nothing) {
  must(store_->ensure_schema(people()));
  must(store_->ensure_schema(people()));
  must_apply({.put_nodes = {person("a", {{"name", "Ann"}})}});
  must(store_->ensure_schema(people()));
  EXPECT_EQ(store_->statistics()->nodes, 1U);
}

TEST_P(Schema, Properties_and_pairs_of_ends_can_be_added_to_what_has_data) {
  must(store_->ensure_schema(people()));
  must_apply({.put_nodes = {person("a", {{"name", "Ann"}}), person("b"), city("x")}, .put_edges = {knows("a", "b")}});
  auto wider = people();
  wider.labels[0].properties.push_back({"motto", PropertyType::text});
  wider.labels[0].properties.push_back({"score", PropertyType::float64});
  wider.labels.push_back({"Robot", {}});
  wider.types[0].ends.emplace_back("Robot", "Person");
  wider.types[0].ends.emplace_back("Person", "Robot");
  wider.types[0].properties.push_back({"weight", PropertyType::float64});
  wider.types.push_back({"OWNS", {{"Person", "Robot"}, {"City", "Robot"}}, {{"price", PropertyType::int64}}});
  must(store_->ensure_schema(wider));
  const GraphBatch batch{.put_nodes = {person("b", {{"motto", "on"}, {"score", 0.5}}), {{"Robot", "r"}, {}}},
                         .put_edges = {{{"KNOWS", {"Robot", "r"}, {"Person", "a"}}, {{"weight", 1.5}}},
                                       {{"KNOWS", {"Person", "a"}, {"Robot", "r"}}, {{"since", std::int64_t{1}}}},
                                       {{"OWNS", {"City", "x"}, {"Robot", "r"}}, {{"price", std::int64_t{9}}}}}};
  must_apply(batch);
  Truth truth(wider);
  truth.apply({.put_nodes = {person("a", {{"name", "Ann"}}), person("b"), city("x")}, .put_edges = {knows("a", "b")}});
  truth.apply(batch);
  EXPECT_EQ(text(wider), truth.text());
  must_apply({.delete_nodes = {{"Robot", "r"}}});
  EXPECT_EQ(store_->statistics()->edges, 1U);
}

TEST_P(Schema, A_property_keeps_its_type) {
  must(store_->ensure_schema(label("Person", {{"age", PropertyType::int64}})));
  EXPECT_EQ(refusal(label("Person", {{"age", PropertyType::text}})), ErrorCode::conflict);
  must(store_->ensure_schema(
      {.labels = {{"Person", {}}}, .types = {{"KNOWS", {{"Person", "Person"}}, {{"w", PropertyType::text}}}}}));
  EXPECT_EQ(refusal({.labels = {}, .types = {{"KNOWS", {}, {{"w", PropertyType::boolean}}}}}), ErrorCode::conflict);
  must(store_->ensure_schema(label("Other", {{"age", PropertyType::text}})));
}

TEST_P(Schema, A_refused_schema_adds_nothing) {
  EXPECT_EQ(refusal({.labels = {{"A", {}}}, .types = {{"T", {{"A", "Nowhere"}}, {}}}}), ErrorCode::invalid_argument);
  EXPECT_EQ(must_fail(store_->apply({.put_nodes = {{{"A", "1"}, {}}}}, soon())).code, ErrorCode::invalid_argument);
}

TEST_P(Schema, Unusable_definitions_are_refused) {
  EXPECT_EQ(refusal(label("")), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(label("A", {{"id", PropertyType::text}})), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal(label("A", {{"x", PropertyType::text}, {"x", PropertyType::text}})), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal({.labels = {{"A", {}}, {"A", {}}}, .types = {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal({.labels = {}, .types = {{"T", {{"A", "B"}}, {}}}}), ErrorCode::invalid_argument);
}

TEST_P(Schema, A_type_gets_its_ends_later) {
  must(store_->ensure_schema({.labels = {{"A", {}}}, .types = {{"T", {}, {}}}}));
  must(store_->ensure_schema({.labels = {}, .types = {{"T", {{"A", "A"}}, {{"w", PropertyType::int64}}}}}));
  must_apply(
      {.put_nodes = {{{"A", "1"}, {}}}, .put_edges = {{{"T", {"A", "1"}, {"A", "1"}}, {{"w", std::int64_t{2}}}}}});
  EXPECT_EQ(store_->statistics()->edges, 1U);
}

TEST_P(Schema, Names_cannot_inject) {
  const std::vector<std::string> names{"two words",
                                       "dash-ed",
                                       "dot.ted",
                                       "qu'ote",
                                       "double\"quote",
                                       "back\\slash",
                                       "semi;colon",
                                       "(bra)cket",
                                       "[x]",
                                       "{y}",
                                       "$dollar",
                                       "Ünïcödé",
                                       "漢字",
                                       "💥",
                                       "MATCH",
                                       "table",
                                       "1number",
                                       "--",
                                       "/*",
                                       "a,b",
                                       "a:b",
                                       "x) DETACH DELETE n //",
                                       "Person`s"};
  for (const auto& name : names) {
    GraphSchema schema{.labels = {{"L " + name, {{"p " + name, PropertyType::text}}}},
                       .types = {{"T " + name, {{"L " + name, "L " + name}}, {{"p " + name, PropertyType::text}}}}};
    auto status = store_->ensure_schema(schema);
    if (!status) {
      EXPECT_EQ(status.error().code, ErrorCode::invalid_argument) << name << ": " << status.error().message;
      EXPECT_NE(name.find('`'), std::string::npos) << name << ": " << status.error().message;
      continue;
    }
    Truth truth(schema);
    const NodeReference node{"L " + name, name};
    const GraphBatch batch{.put_nodes = {{node, {{"p " + name, name}}}},
                           .put_edges = {{{"T " + name, node, node}, {{"p " + name, name}}}}};
    must_apply(batch);
    truth.apply(batch);
    EXPECT_EQ(text(schema), truth.text());
    const auto around = store_->neighbors({.node = node, .type = "T " + name}, soon());
    EXPECT_TRUE(around.has_value()) << (around ? "" : around.error().message);
    EXPECT_EQ(*store_->count_paths({.type = "T " + name, .length = 2}, soon()), 1U);
    EXPECT_EQ(*store_->count_paths({.type = "T " + name, .length = 3}, soon()), 1U);
    contract::GraphAnalysis analysis{.labels = {"L " + name}, .types = {"T " + name}};
    const auto ranks = store_->analyze(analysis, soon());
    ASSERT_TRUE(ranks.has_value()) << ranks.error().message;
    EXPECT_EQ(ranks->size(), 1U);
  }
  EXPECT_EQ(store_->statistics()->nodes, store_->statistics()->nodes_by_label.size());
}

TEST_P(Schema, Long_names_work_or_are_refused_clearly) {
  const std::string longest(200, 'n');
  must(store_->ensure_schema(label(longest, {{longest + "", PropertyType::text}})));
  must_apply({.put_nodes = {{{longest, "a"}, {{longest, "x"}}}}});
  EXPECT_EQ(store_->statistics()->nodes, 1U);
}

TEST_P(Schema, Names_that_differ_in_case_are_kept_apart_or_refused) {
  must(store_->ensure_schema(
      {.labels = {{"Person", {{"Name", PropertyType::text}}}}, .types = {{"KNOWS", {{"Person", "Person"}}, {}}}}));
  const std::vector<GraphSchema> clashes{
      label("person"),
      label("Person", {{"name", PropertyType::text}}),
      label("Knows"),
      {.labels = {}, .types = {{"knows", {{"Person", "Person"}}, {}}}},
      {.labels = {}, .types = {{"PERSON", {{"Person", "Person"}}, {}}}},
      {.labels = {{"x", {}}, {"X", {}}}, .types = {}},
      label("y", {{"a", PropertyType::text}, {"A", PropertyType::text}}),
      label("KNOWS"),
  };
  for (const auto& schema : clashes) {
    const auto status = store_->ensure_schema(schema);
    if (GetParam().distinguishes_case) {
      EXPECT_TRUE(status.has_value()) << status.error().message;
    } else {
      ASSERT_FALSE(status.has_value());
      EXPECT_EQ(status.error().code, ErrorCode::invalid_argument) << status.error().message;
    }
  }
}

TEST_P(Schema, Statistics_count_by_label_and_type) {
  must(store_->ensure_schema(people()));
  must_apply({.put_nodes = {person("a"), person("b"), city("x")}, .put_edges = {knows("a", "b"), lives_in("a", "x")}});
  const auto statistics = store_->statistics();
  ASSERT_TRUE(statistics.has_value());
  EXPECT_EQ(statistics->nodes, 3U);
  EXPECT_EQ(statistics->edges, 2U);
  const std::map<std::string, std::uint64_t> nodes(statistics->nodes_by_label.begin(),
                                                   statistics->nodes_by_label.end());
  const std::map<std::string, std::uint64_t> edges(statistics->edges_by_type.begin(), statistics->edges_by_type.end());
  EXPECT_EQ(nodes, (std::map<std::string, std::uint64_t>{{"City", 1}, {"Person", 2}}));
  EXPECT_EQ(edges, (std::map<std::string, std::uint64_t>{{"KNOWS", 1}, {"LIVES_IN", 1}}));
  if (store_->capabilities().persistent) {
    EXPECT_GT(statistics->file_bytes, 0U);
  }
}

TEST_P(Schema, A_scan_stops_at_the_visitors_error) {
  must(store_->ensure_schema(people()));
  must_apply({.put_nodes = {person("a"), person("b")}, .put_edges = {knows("a", "b"), knows("b", "a")}});
  int nodes = 0;
  int edges = 0;
  const auto stop = [] { return Status(failure(ErrorCode::cancelled, "enough")); };
  EXPECT_EQ(must_fail(store_->scan(people(), {.node = [&](const PutNode&) { return ++nodes, stop(); },
                                              .edge = [&](const PutEdge&) { return ++edges, Status(); }}))
                .message,
            "enough");
  EXPECT_EQ(nodes, 1);
  EXPECT_EQ(edges, 0);
  EXPECT_EQ(must_fail(store_->scan(people(), {.node = [&](const PutNode&) { return Status(); },
                                              .edge = [&](const PutEdge&) { return ++edges, stop(); }}))
                .message,
            "enough");
  EXPECT_EQ(edges, 1);
  EXPECT_EQ(store_->statistics()->nodes, 2U) << "the store works after a scan that was stopped";
}

TEST_P(Schema, A_scan_yields_only_what_the_schema_names) {
  must(store_->ensure_schema(people()));
  must_apply({.put_nodes = {person("a"), city("x")}, .put_edges = {knows("a", "a"), lives_in("a", "x")}});
  const GraphSchema some{.labels = {{"City", {}}, {"Unknown", {}}}, .types = {{"KNOWS", {}, {}}, {"UNKNOWN", {}, {}}}};
  Truth truth(people());
  truth.apply({.put_nodes = {city("x")}, .put_edges = {knows("a", "a")}});
  EXPECT_EQ(text(some), truth.text());
}

FOR_EACH_GRAPH_ENGINE(Schema);

}  // namespace
}  // namespace triune::conformance
