// The first load gives what the same data in batches gives, whatever the texts.
#include <gtest/gtest.h>

#include <limits>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

class BulkLoad : public GraphConformance {
 protected:
  static GraphSchema schema() {
    auto schema = people();
    schema.labels.push_back({"Bare", {}});
    schema.types.push_back({"MIXED",
                            {{"Person", "City"}, {"City", "Person"}, {"Bare", "Bare"}},
                            {{"a", PropertyType::text}, {"b", PropertyType::float64}, {"c", PropertyType::boolean}}});
    return schema;
  }

  static Record record(std::mt19937_64& random, const std::vector<contract::PropertyDefinition>& properties) {
    Record result;
    for (const auto& property : properties) result.push_back({property.name, random_value(random, property.type)});
    return result;
  }

  static Truth random_graph(std::mt19937_64& random) {
    Truth truth(schema());
    GraphBatch batch;
    std::map<std::string, std::vector<std::string>> ids;
    for (const auto& label : truth.schema().labels) {
      for (int i = 0; i < 300; ++i) {
        ids[label.name].push_back(std::to_string(i) + hard_text(random));
        batch.put_nodes.push_back({{label.name, ids[label.name].back()}, record(random, label.properties)});
      }
    }
    for (const auto& type : truth.schema().types)
      for (const auto& [from, to] : type.ends)
        for (int i = 0; i < 300; ++i)
          batch.put_edges.push_back(
              {{type.name, {from, ids[from][i]}, {to, ids[to][random() % 300]}}, record(random, type.properties)});
    truth.apply(batch);
    return truth;
  }
};

TEST_P(BulkLoad, Hard_texts_and_nulls_survive) {
  for (const std::uint64_t seed : {1ULL, 2ULL, static_cast<unsigned long long>(std::random_device{}())}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TearDown();
    SetUp();
    std::mt19937_64 random(seed);
    auto truth = random_graph(random);
    must(store_->bulk_load(schema(), truth, {"history", 7}));
    ASSERT_EQ(text(schema()), truth.text());
    EXPECT_EQ(*store_->position(), (Position{"history", 7}));
    if (store_->capabilities().persistent) {
      reopen();
      ASSERT_EQ(text(schema()), truth.text());
      EXPECT_EQ(*store_->position(), (Position{"history", 7}));
    }
  }
}

TEST_P(BulkLoad, Batches_go_on_where_the_load_ended) {
  std::mt19937_64 random(3);
  auto truth = random_graph(random);
  must(store_->bulk_load(schema(), truth, {"history", 7}));
  const auto first = truth.nodes().begin()->first;
  const GraphBatch batch{.put_nodes = {person("new", {{"name", "New"}})},
                         .put_edges = {knows("new", "new")},
                         .delete_nodes = {Truth::reference(first)},
                         .position = Position{"history", 8}};
  must_apply(batch);
  truth.apply(batch);
  EXPECT_EQ(text(schema()), truth.text());
}

TEST_P(BulkLoad, An_empty_graph_is_a_graph) {
  Truth truth(schema());
  must(store_->bulk_load(schema(), truth, {"history", 1}));
  EXPECT_EQ(*store_->position(), (Position{"history", 1}));
  EXPECT_EQ(text(schema()), "");
}

TEST_P(BulkLoad, Bad_data_leave_no_position) {
  const auto expect_refusal = [&](const GraphBatch& batch) {
    TearDown();
    SetUp();
    Truth truth(schema());
    truth.apply(batch);
    EXPECT_EQ(must_fail(store_->bulk_load(schema(), truth, {"history", 7})).code, ErrorCode::invalid_argument);
    EXPECT_EQ(*store_->position(), std::nullopt);
  };
  expect_refusal({.put_nodes = {person("a")}, .put_edges = {knows("a", "nobody")}});
  expect_refusal({.put_nodes = {person("a", {{"name", std::string("\xff")}})}});
  expect_refusal({.put_nodes = {person("a", {{"age", "old"}})}});
  expect_refusal({.put_nodes = {person("a", {{"name", std::string(store_->capabilities().max_text_bytes + 1, 'x')}})}});
}

TEST_P(BulkLoad, What_is_supplied_twice_is_refused) {
  class Twice : public contract::GraphSource {
   public:
    explicit Twice(bool edges) : edges_(edges) {}
    Status visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) override {
      if (label != "Person") return {};
      for (int i = 0; i < (edges_ ? 1 : 2); ++i)
        if (auto status = visitor(person("a")); !status) return status;
      return {};
    }
    Status visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) override {
      if (type != "KNOWS") return {};
      for (int i = 0; i < 2; ++i)
        if (auto status = visitor(knows("a", "a")); !status) return status;
      return {};
    }

   private:
    bool edges_;
  };
  for (const bool edges : {false, true}) {
    TearDown();
    SetUp();
    Twice source(edges);
    EXPECT_EQ(must_fail(store_->bulk_load(schema(), source, {"history", 7})).code, ErrorCode::invalid_argument);
    EXPECT_EQ(*store_->position(), std::nullopt);
  }
}

TEST_P(BulkLoad, A_source_that_fails_ends_the_load) {
  class Failing : public Truth {
   public:
    using Truth::Truth;
    Status visit_edges(std::string_view, const std::function<Status(const PutEdge&)>&) override {
      return failure(ErrorCode::unavailable, "the source broke");
    }
  };
  Failing source(schema());
  source.apply({.put_nodes = {person("a")}});
  EXPECT_EQ(must_fail(store_->bulk_load(schema(), source, {"history", 7})).message, "the source broke");
  EXPECT_EQ(*store_->position(), std::nullopt);
}

TEST_P(BulkLoad, A_graph_with_content_is_not_loaded_over) {
  must(store_->ensure_schema(people()));
  must_apply({.put_nodes = {person("a")}});
  Truth truth(people());
  EXPECT_EQ(must_fail(store_->bulk_load(people(), truth, {"history", 7})).code, ErrorCode::conflict);
}

FOR_EACH_GRAPH_ENGINE(BulkLoad);

}  // namespace
}  // namespace triune::conformance
