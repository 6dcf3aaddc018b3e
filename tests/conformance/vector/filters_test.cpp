// Filtered searches: always exactly as many as asked for, or all there are, and the right ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "conformance/vector/fixture.h"

namespace triune::conformance {
namespace {

class Filters : public VectorConformance {};

std::vector<VectorKey> every(VectorKey step, VectorKey last) {
  std::vector<VectorKey> keys;
  for (VectorKey key = step; key <= last; key += step) keys.push_back(key);
  return keys;
}

TEST_P(Filters, Exactly_as_many_as_asked_for_are_found_at_every_selectivity) {
  constexpr std::size_t size = 2'000;
  ASSERT_TRUE(open("points", 32));
  Truth truth(Metric::cosine);
  auto entries = clustered(size + 20, 32, 11);
  const std::vector<VectorEntry> queries(entries.end() - 20, entries.end());
  entries.resize(size);
  must_put("points", entries);
  truth.apply({.puts = entries, .deletes = {}, .position = {}});
  settle("points");
  for (const VectorKey step : {1, 2, 3, 10, 100, 700, 1'999}) {
    auto options = nearest(10);
    options.filter.keys = every(step, size);
    std::size_t right = 0;
    std::size_t wanted = 0;
    for (const auto& query : queries) {
      right += check_answer(must_search("points", query.values, options), truth, query.values, options);
      wanted += std::min<std::size_t>(10, size / step);
    }
    EXPECT_GE(static_cast<double>(right), 0.95 * static_cast<double>(wanted)) << "every " << step;
  }
}

TEST_P(Filters, Filter_keys_that_are_not_there_are_passed_over) {
  ASSERT_TRUE(open("points", 8));
  must_put("points", clustered(500, 8, 13));
  settle("points");
  auto options = nearest(10);
  options.filter.keys = {5, 700, 800, 900};
  const auto answer = must_search("points", std::vector<float>(8, 1), options);
  ASSERT_EQ(answer.matches.size(), 1U);
  EXPECT_EQ(answer.matches[0].key, 5U);
  options.filter.keys = std::vector<VectorKey>();
  EXPECT_TRUE(must_search("points", std::vector<float>(8, 1), options).matches.empty());
  options.filter.keys = every(1, 400);
  for (VectorKey key = 10'000; key < 20'000; ++key) options.filter.keys->push_back(key);
  EXPECT_EQ(must_search("points", std::vector<float>(8, 1), options).matches.size(), 10U);
}

TEST_P(Filters, Scattered_keys_filter_as_well_as_dense_ones) {
  ASSERT_TRUE(open("points", 16));
  Truth truth(Metric::cosine);
  auto entries = clustered(1'000, 16, 14);
  for (auto& entry : entries) entry.key *= 1'000'003'000'017ULL;
  must_put("points", entries);
  truth.apply({.puts = entries, .deletes = {}, .position = {}});
  settle("points");
  auto options = nearest(7);
  options.filter.keys = std::vector<VectorKey>();
  for (std::size_t at = 0; at < entries.size(); at += 2) options.filter.keys->push_back(entries[at].key);
  std::ranges::sort(*options.filter.keys);
  const auto right = check_answer(must_search("points", entries[8].values, options), truth, entries[8].values, options);
  EXPECT_GE(right, 6U);
}

TEST_P(Filters, Filters_by_metadata) {
  if (!store_->capabilities().metadata_filter) GTEST_SKIP() << "the engine does not keep metadata";
  ASSERT_TRUE(open("points", 8, Metric::l2));
  Truth truth(Metric::l2);
  auto entries = clustered(600, 8, 15);
  for (auto& entry : entries) {
    if (entry.key % 2 == 0) entry.metadata.push_back({"kind", std::string(entry.key % 4 == 0 ? "note" : "код")});
    if (entry.key % 3 == 0) entry.metadata.push_back({"weight", std::int64_t{7}});
    if (entry.key % 5 == 0) entry.metadata.push_back({"share", 7.0});
  }
  must_put("points", entries);
  truth.apply({.puts = entries, .deletes = {}, .position = {}});
  settle("points");
  const std::vector<Record> filters{{{"kind", std::string("note")}},
                                    {{"kind", std::string("код")}, {"weight", std::int64_t{7}}},
                                    {{"weight", 7.0}},
                                    {{"share", 7.0}},
                                    {{"kind", Value{}}},
                                    {{"nothing", Value{}}},
                                    {{"nothing", true}}};
  for (const auto& equals : filters) {
    auto options = nearest(20);
    options.filter.equals = equals;
    const auto answer = must_search("points", entries[0].values, options);
    const auto all = truth.ranked(entries[0].values, options.filter).size();
    EXPECT_GE(check_answer(answer, truth, entries[0].values, options), std::min<std::size_t>(19, all))
        << to_json(equals);
    options.filter.keys = every(12, 600);
    check_answer(must_search("points", entries[0].values, options), truth, entries[0].values, options);
  }
}

TEST_P(Filters, Metadata_follow_the_last_put) {
  if (!store_->capabilities().metadata_filter) GTEST_SKIP() << "the engine does not keep metadata";
  ASSERT_TRUE(open("points", 2, Metric::l2));
  must_put("points", {{1, {0, 0}, {{"kind", std::string("old")}}}, {2, {1, 0}, {{"kind", std::string("old")}}}});
  must_put("points", {{1, {0, 0}, {{"kind", std::string("new")}}}, {2, {1, 0}, {}}});
  auto options = nearest(5);
  options.filter.equals = {{"kind", std::string("old")}};
  EXPECT_TRUE(must_search("points", {0, 0}, options).matches.empty());
  options.filter.equals = {{"kind", std::string("new")}};
  EXPECT_EQ(must_search("points", {0, 0}, options).matches.size(), 1U);
  must_apply("points", {.puts = {}, .deletes = {1}, .position = {}});
  must_put("points", {{1, {0, 0}, {}}});
  EXPECT_TRUE(must_search("points", {0, 0}, options).matches.empty());
}

TEST_P(Filters, More_than_there_are_gives_all) {
  ASSERT_TRUE(open("points", 8));
  must_put("points", clustered(400, 8, 16));
  settle("points");
  for (const std::size_t count : {399, 400, 401, 100'000})
    EXPECT_EQ(must_search("points", std::vector<float>(8, 1), nearest(count)).matches.size(),
              std::min<std::size_t>(count, 400));
}

INSTANTIATE_TEST_SUITE_P(Engines, Filters, testing::ValuesIn(vector_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace triune::conformance
