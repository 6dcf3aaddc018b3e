// What the tests of segments share: a store that freezes early, data, and the truth to hold answers against.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "adapters/usearch/usearch_store.h"
#include "base/file.h"
#include "contract/vector_rules.h"

namespace triune::adapters::usearch {

using contract::Position;
using contract::VectorBatch;
using contract::VectorEntry;
using contract::VectorKey;

inline std::mt19937_64 seeded() {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  return std::mt19937_64(seed);
}

// Vectors around centres, with dimensions of very different spread, as some models make them.
class Clusters {
 public:
  Clusters(std::uint32_t dimension, std::uint64_t seed) : random_(seed), centres_(20, std::vector<float>(dimension)) {
    for (auto& centre : centres_)
      for (float& value : centre) value = normal_(random_);
  }
  std::vector<float> next() {
    auto values = centres_[random_() % centres_.size()];
    for (std::size_t at = 0; at < values.size(); ++at) {
      values[at] += 0.4F * normal_(random_);
      if (at % 19 == 0) values[at] *= 6;
      values[at] += 1;
    }
    return values;
  }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centres_;
};

class Segments : public testing::Test {
 protected:
  static constexpr std::uint32_t dimension = 64;
  using Truth = std::map<VectorKey, std::vector<float>>;

  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "triune-segments-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    settings_.index_from = 200;
    settings_.most_fresh = 64;
    settings_.walk_cost = 0.2;
    settings_.freeze_from = 128 << 10;  // about 500 vectors of 64 dimensions
    settings_.freeze_pause = {};
    settings_.segment_bytes = 256 << 10;
    settings_.held_bytes = 256 << 10;  // some of them
    reopen();
  }

  void TearDown() override {
    base::set_file_fault({});
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void reopen(Metric metric = Metric::cosine, std::uint32_t dimensions = dimension) {
    store_.reset();
    store_ = std::make_unique<UsearchVectorStore>(directory_, settings_);
    const auto status = store_->open_collection({"c", dimensions, metric});
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  void apply(const VectorBatch& batch) {
    const auto status = store_->apply("c", batch);
    ASSERT_TRUE(status.has_value()) << status.error().message;
    for (const auto key : batch.deletes) truth_.erase(key);
    for (const auto& entry : batch.puts) truth_[entry.key] = entry.values;
  }

  void fill(Clusters& clusters, VectorKey first, VectorKey last) {
    for (VectorKey begin = first; begin <= last; begin += 200) {
      VectorBatch batch{.puts = {}, .deletes = {}, .position = Position{"h", last}};
      for (VectorKey key = begin; key < std::min(begin + 200, last + 1); ++key)
        batch.puts.push_back({key, clusters.next(), {}});
      apply(batch);
    }
  }

  [[nodiscard]] std::size_t segment_files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      count += entry.path().extension() == ".segment" ? 1 : 0;
    return count;
  }

  void wait_for(const std::function<bool()>& done) {
    const auto deadline = Deadline::after(std::chrono::minutes(2));
    while (!done()) {
      ASSERT_FALSE(deadline.expired());
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  void load(Clusters& clusters, VectorKey count) {
    for (VectorKey key = 1; key <= count; ++key) truth_[key] = clusters.next();
    const auto status = store_->bulk_load("c", count, source(), {"h", 1});
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  [[nodiscard]] contract::VectorSource source() const {
    return [this](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
      for (const auto& [key, values] : truth_)
        if (auto status = visitor({key, values, {}}); !status) return status;
      return {};
    };
  }

  [[nodiscard]] std::vector<std::pair<double, VectorKey>> ranked(const std::vector<float>& query, Metric metric,
                                                                 const contract::VectorFilter& filter) const {
    std::vector<std::pair<double, VectorKey>> all;
    for (const auto& [key, values] : truth_)
      if (!filter.keys || std::ranges::binary_search(*filter.keys, key))
        all.emplace_back(contract::exact_distance(metric, query, values), key);
    std::ranges::sort(all);
    return all;
  }

  /// How many of the truly nearest were found; all matches are admissible, as many as there must be, and in order.
  std::size_t check(const std::vector<float>& query, const contract::VectorQueryOptions& options,
                    Metric metric = Metric::cosine) {
    const auto answer = store_->search("c", query, options);
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    if (!answer) return 0;
    const auto truth = ranked(query, metric, options.filter);
    const std::size_t most = std::min(options.count, truth.size());
    EXPECT_EQ(answer->matches.size(), most) << answer->strategy;
    std::set<VectorKey> seen;
    std::size_t hits = 0;
    double before = -1e30;
    for (const auto& match : answer->matches) {
      EXPECT_TRUE(seen.insert(match.key).second) << match.key << " came twice";
      EXPECT_TRUE(truth_.contains(match.key)) << match.key << " was deleted";
      if (!truth_.contains(match.key)) continue;
      const double exact = contract::exact_distance(metric, query, truth_.at(match.key));
      const double magnitude = metric == Metric::cosine ? 1 : 50.0 * static_cast<double>(query.size());
      EXPECT_NEAR(match.distance, exact, 2e-3 * magnitude);
      EXPECT_GE(match.distance, before);
      before = match.distance;
      hits += exact <= truth[most - 1].first + 4e-4 * magnitude ? 1 : 0;  // half precision
    }
    return hits;
  }

  std::set<VectorKey> scanned_keys() {
    std::set<VectorKey> keys;
    const auto status = store_->scan("c", [&](VectorKey key, std::span<const float> values) -> Status {
      EXPECT_TRUE(keys.insert(key).second);
      const auto& truth = truth_.at(key);
      for (std::size_t at = 0; at < values.size(); ++at)
        EXPECT_NEAR(values[at], truth[at], 0.02) << key << " at " << at;  // largest values are about 20
      return {};
    });
    EXPECT_TRUE(status.has_value());
    return keys;
  }

  void expect_holds_the_truth() {
    std::set<VectorKey> keys;
    for (const auto& [key, values] : truth_) keys.insert(key);
    EXPECT_EQ(scanned_keys(), keys);
    EXPECT_EQ(store_->statistics("c")->vectors, truth_.size());
  }

  std::size_t missed() {
    std::size_t count = 0;
    for (const auto& [key, values] : truth_) {
      contract::VectorQueryOptions options;
      options.count = 1;
      const auto answer = store_->search("c", values, options);
      if (!answer || answer->matches.size() != 1 || answer->matches[0].key != key) ++count;
    }
    return count;
  }

  std::filesystem::path directory_;
  Settings settings_;
  std::unique_ptr<UsearchVectorStore> store_;
  Truth truth_;
};

}  // namespace triune::adapters::usearch
