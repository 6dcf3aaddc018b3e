// Putting, replacing, deleting and finding: what every vector engine does alike.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "conformance/vector/fixture.h"
#include "contract/operations.h"

namespace triune::conformance {
namespace {

class Basics : public VectorConformance {};

TEST_P(Basics, Finds_the_nearest_first) {
  ASSERT_TRUE(open("points", 2, Metric::l2));
  must_put("points", {{1, {0, 0}, {}}, {2, {3, 0}, {}}, {3, {0, 1}, {}}});
  const auto answer = must_search("points", {0, 0}, nearest(2));
  ASSERT_EQ(answer.matches.size(), 2U);
  EXPECT_EQ(answer.matches[0].key, 1U);
  EXPECT_FLOAT_EQ(answer.matches[0].distance, 0);
  EXPECT_EQ(answer.matches[1].key, 3U);
  EXPECT_FLOAT_EQ(answer.matches[1].distance, 1);
}

TEST_P(Basics, Measures_each_metric_as_the_schema_says) {
  ASSERT_TRUE(open("cosine", 2, Metric::cosine));
  ASSERT_TRUE(open("l2", 2, Metric::l2));
  ASSERT_TRUE(open("dot", 2, Metric::dot));
  for (const auto* name : {"cosine", "l2", "dot"}) must_put(name, {{7, {3, 4}, {}}});
  EXPECT_NEAR(must_search("cosine", {1, 0}, nearest(1)).matches.at(0).distance, 1 - 3.0 / 5, 1e-6);
  EXPECT_NEAR(must_search("l2", {1, 0}, nearest(1)).matches.at(0).distance, 4 + 16, 1e-6);
  EXPECT_NEAR(must_search("dot", {2, 1}, nearest(1)).matches.at(0).distance, 1 - 10, 1e-6);
}

TEST_P(Basics, A_zero_vector_is_at_cosine_distance_one_of_everything) {
  ASSERT_TRUE(open("zero", 3, Metric::cosine));
  must_put("zero", {{1, {0, 0, 0}, {}}, {2, {1, 2, 3}, {}}, {3, {-1, -2, -3}, {}}});
  const auto from_zero = must_search("zero", {0, 0, 0}, nearest(3));
  for (const auto& match : from_zero.matches) EXPECT_FLOAT_EQ(match.distance, 1) << match.key;
  const auto ordinary = must_search("zero", {1, 2, 3}, nearest(3));
  ASSERT_EQ(ordinary.matches.size(), 3U);
  EXPECT_EQ(ordinary.matches[1].key, 1U);
  EXPECT_FLOAT_EQ(ordinary.matches[1].distance, 1);
}

TEST_P(Basics, Putting_again_replaces) {
  ASSERT_TRUE(open("points", 2, Metric::l2));
  must_put("points", {{1, {0, 0}, {}}, {2, {5, 5}, {}}});
  for (int again = 0; again < 3; ++again) must_put("points", {{1, {9, 9}, {}}});
  EXPECT_EQ(store_->statistics("points")->vectors, 2U);
  const auto answer = must_search("points", {9, 9}, nearest(5));
  ASSERT_EQ(answer.matches.size(), 2U);
  EXPECT_EQ(answer.matches[0].key, 1U);
}

TEST_P(Basics, Deletes_come_before_puts_of_the_same_batch) {
  ASSERT_TRUE(open("points", 2, Metric::l2));
  must_put("points", {{1, {0, 0}, {}}, {2, {1, 1}, {}}});
  must_apply("points", {.puts = {{1, {4, 4}, {}}}, .deletes = {1, 2}, .position = {}});
  const auto kept = must_scan("points");
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.at(1), (std::vector<float>{4, 4}));
}

TEST_P(Basics, Deleting_what_is_not_there_is_no_error) {
  ASSERT_TRUE(open("points", 2));
  must_apply("points", {.puts = {}, .deletes = {1, 99}, .position = {}});
  EXPECT_EQ(store_->statistics("points")->vectors, 0U);
}

TEST_P(Basics, A_deleted_vector_is_never_found_again) {
  ASSERT_TRUE(open("points", 8));
  const auto entries = clustered(300, 8, 1);
  must_put("points", entries);
  settle("points");
  std::vector<VectorKey> deleted;
  for (VectorKey key = 1; key <= 300; key += 3) deleted.push_back(key);
  must_apply("points", {.puts = {}, .deletes = deleted, .position = {}});
  const auto answer = must_search("points", entries[0].values, nearest(300));
  EXPECT_EQ(answer.matches.size(), 200U);
  for (const auto& match : answer.matches) EXPECT_NE(match.key % 3, 1U) << match.key;
}

TEST_P(Basics, An_empty_collection_answers_with_nothing) {
  ASSERT_TRUE(open("empty", 4));
  EXPECT_TRUE(must_search("empty", {1, 2, 3, 4}, nearest(10)).matches.empty());
  EXPECT_TRUE(must_scan("empty").empty());
}

TEST_P(Basics, Every_key_value_is_allowed) {
  ASSERT_TRUE(open("keys", 2, Metric::l2));
  const VectorKey last = std::numeric_limits<VectorKey>::max();
  must_put("keys", {{0, {0, 0}, {}}, {last, {1, 0}, {}}, {last - 1, {2, 0}, {}}, {1ULL << 63U, {3, 0}, {}}});
  const auto answer = must_search("keys", {0, 0}, nearest(9));
  ASSERT_EQ(answer.matches.size(), 4U);
  EXPECT_EQ(answer.matches[0].key, 0U);
  EXPECT_EQ(answer.matches[1].key, last);
  auto options = nearest(9);
  options.filter.keys = {0, last};
  EXPECT_EQ(must_search("keys", {0, 0}, options).matches.size(), 2U);
}

TEST_P(Basics, Bad_batches_are_refused_and_change_nothing) {
  ASSERT_TRUE(open("points", 2));
  must_apply("points", {.puts = {{1, {1, 2}, {}}}, .deletes = {}, .position = contract::Position{"a", 5}});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  const std::vector<contract::VectorBatch> bad{
      {.puts = {{2, {1, 2}, {}}, {3, {1, 2, 3}, {}}}, .deletes = {1}, .position = contract::Position{"a", 6}},
      {.puts = {{2, {1, 2}, {}}, {3, {1}, {}}}, .deletes = {1}, .position = contract::Position{"a", 6}},
      {.puts = {{2, {1, nan}, {}}}, .deletes = {1}, .position = contract::Position{"a", 6}},
      {.puts = {{2, {1, infinite}, {}}}, .deletes = {1}, .position = contract::Position{"a", 6}},
      {.puts = {{2, {1, -infinite}, {}}}, .deletes = {1}, .position = contract::Position{"a", 6}},
      {.puts = {{2, {1, 2}, {}}, {2, {3, 4}, {}}}, .deletes = {1}, .position = contract::Position{"a", 6}},
      {.puts = {{2, {1, 2}, {}}}, .deletes = {1, 1}, .position = contract::Position{"a", 6}}};
  for (const auto& batch : bad) EXPECT_CODE(store_->apply("points", batch), ErrorCode::invalid_argument);
  EXPECT_EQ(must_scan("points").size(), 1U);
  EXPECT_EQ((*store_->position("points"))->lsn, 5U);
}

TEST_P(Basics, Bad_queries_are_refused) {
  ASSERT_TRUE(open("points", 2));
  must_put("points", {{1, {1, 2}, {}}});
  const std::vector<float> good{1, 2};
  EXPECT_CODE(store_->search("points", std::vector<float>{1}, nearest(1)), ErrorCode::invalid_argument);
  EXPECT_CODE(store_->search("points", std::vector<float>{1, std::nanf("")}, nearest(1)), ErrorCode::invalid_argument);
  EXPECT_CODE(store_->search("points", good, nearest(0)), ErrorCode::invalid_argument);
  auto options = nearest(1);
  options.filter.keys = {2, 1};
  EXPECT_CODE(store_->search("points", good, options), ErrorCode::invalid_argument);
  options.filter.keys = {1, 1};
  EXPECT_CODE(store_->search("points", good, options), ErrorCode::invalid_argument);
}

TEST_P(Basics, A_passed_deadline_is_reported_and_harms_nothing) {
  ASSERT_TRUE(open("points", 2));
  must_put("points", {{1, {1, 2}, {}}});
  auto options = nearest(1);
  options.deadline = Deadline::after(std::chrono::milliseconds(-1));
  EXPECT_CODE(store_->search("points", std::vector<float>{1, 2}, options), ErrorCode::deadline_exceeded);
  EXPECT_EQ(must_search("points", {1, 2}, nearest(1)).matches.size(), 1U);
}

TEST_P(Basics, Unknown_collections_are_not_found) {
  const std::vector<float> query{1, 2};
  EXPECT_CODE(store_->search("nowhere", query, nearest(1)), ErrorCode::not_found);
  EXPECT_CODE(store_->apply("nowhere", {}), ErrorCode::not_found);
  EXPECT_CODE(store_->position("nowhere"), ErrorCode::not_found);
  EXPECT_CODE(store_->statistics("nowhere"), ErrorCode::not_found);
  EXPECT_CODE(store_->save("nowhere"), ErrorCode::not_found);
  EXPECT_TRUE(store_->drop_collection("nowhere").has_value());
}

TEST_P(Basics, Opening_again_is_idempotent_and_another_definition_is_a_conflict) {
  ASSERT_TRUE(open("points", 2, Metric::l2));
  must_put("points", {{1, {1, 2}, {}}});
  EXPECT_TRUE(open("points", 2, Metric::l2).has_value());
  EXPECT_EQ(must_scan("points").size(), 1U);
  EXPECT_CODE(open("points", 3, Metric::l2), ErrorCode::conflict);
  EXPECT_CODE(open("points", 2, Metric::cosine), ErrorCode::conflict);
}

TEST_P(Basics, Too_many_dimensions_are_refused) {
  const auto largest = store_->capabilities().max_dimension;
  EXPECT_TRUE(open("large", largest).has_value());
  must_put("large", {{1, std::vector<float>(largest, 0.5F), {}}});
  EXPECT_NEAR(must_search("large", std::vector<float>(largest, 0.25F), nearest(1)).matches.at(0).distance, 0, 1e-3);
  EXPECT_CODE(open("larger", largest + 1), ErrorCode::invalid_argument);
  EXPECT_CODE(open("none", 0), ErrorCode::invalid_argument);
  EXPECT_CODE(open("", 3), ErrorCode::invalid_argument);
}

TEST_P(Basics, Collections_are_apart) {
  ASSERT_TRUE(open("a", 2, Metric::l2));
  ASSERT_TRUE(open("b", 2, Metric::l2));
  must_put("a", {{1, {1, 1}, {}}});
  must_put("b", {{1, {2, 2}, {}}, {2, {3, 3}, {}}});
  EXPECT_EQ(must_scan("a").size(), 1U);
  ASSERT_TRUE(store_->drop_collection("a").has_value());
  EXPECT_EQ(must_scan("b").size(), 2U);
  EXPECT_CODE(store_->statistics("a"), ErrorCode::not_found);
}

TEST_P(Basics, Store_embedding_puts_one_vector) {
  ASSERT_TRUE(open("notes", 2, Metric::l2));
  ASSERT_TRUE(contract::store_embedding(*store_, "notes", {5, {1, 2}, {{"kind", std::string("note")}}}).has_value());
  EXPECT_EQ(must_search("notes", {1, 2}, nearest(1)).matches.at(0).key, 5U);
  EXPECT_TRUE(contract::health(*store_, "notes").ok);
  EXPECT_FALSE(contract::health(*store_, "nothing").ok);
}

TEST_P(Basics, A_scan_stops_at_the_visitors_error) {
  ASSERT_TRUE(open("points", 2));
  must_put("points", {{1, {1, 2}, {}}, {2, {3, 4}, {}}});
  int calls = 0;
  const auto status = store_->scan("points", [&](VectorKey, std::span<const float>) -> Status {
    ++calls;
    return failure(ErrorCode::cancelled, "enough");
  });
  EXPECT_CODE(status, ErrorCode::cancelled);
  EXPECT_EQ(calls, 1);
}

TEST_P(Basics, A_scan_may_write_to_the_store_it_scans) {
  ASSERT_TRUE(open("points", 4));
  must_put("points", clustered(200, 4, 3));
  std::size_t seen = 0;
  const auto status = store_->scan("points", [&](VectorKey key, std::span<const float>) -> Status {
    ++seen;
    return store_->apply("points", {.puts = {{key + 1000, {1, 2, 3, 4}, {}}}, .deletes = {key}, .position = {}});
  });
  ASSERT_TRUE(status.has_value()) << status.error().message;
  EXPECT_EQ(seen, 200U);
  EXPECT_EQ(store_->statistics("points")->vectors, 200U);
}

TEST_P(Basics, A_scan_yields_what_was_put) {
  for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
    const std::string name(to_string(metric));
    ASSERT_TRUE(open(name, 64, metric));
    const auto entries = clustered(150, 64, 4);
    must_put(name, entries);
    const auto kept = must_scan(name);
    ASSERT_EQ(kept.size(), entries.size());
    for (const auto& entry : entries)
      for (std::size_t at = 0; at < entry.values.size(); ++at)
        EXPECT_NEAR(kept.at(entry.key)[at], entry.values[at], 1e-3 * (1 + std::abs(entry.values[at])));
  }
}

TEST_P(Basics, Values_far_from_one_are_compared_rightly) {
  for (const float scale : {1e-9F, 1e9F}) {
    const std::string name = scale < 1 ? "tiny" : "huge";
    for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
      const std::string collection = name + std::string(to_string(metric));
      ASSERT_TRUE(open(collection, 64, metric));
      auto entries = clustered(300, 64, 5);
      must_put(collection, {entries.begin(), entries.begin() + 150});  // of ordinary size first
      for (auto& entry : entries)
        for (float& value : entry.values) value *= scale;
      must_put(collection, entries);
      settle(collection);
      const auto answer = must_search(collection, entries[9].values, nearest(1));
      if (metric != Metric::dot) {
        EXPECT_EQ(answer.matches.at(0).key, 10U) << collection;
      }
      EXPECT_EQ(must_search(collection, clustered(1, 64, 6)[0].values, nearest(300)).matches.size(), 300U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Basics, testing::ValuesIn(vector_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace triune::conformance
