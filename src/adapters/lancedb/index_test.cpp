// Which index a collection gets and keeps, and that searches through it find what comparing everything finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include "adapters/lancedb/lance_fixture.h"
#include "adapters/lancedb/seal.h"
#include "contract/vector_rules.h"

namespace triune::adapters::lancedb {
namespace {

// Which index a table has, how large its parts are, and that all is found through it.
class LanceIndex : public LanceStore {
 protected:
  static constexpr std::uint32_t dimension = 16;
  static constexpr std::size_t loaded = 6'000;
  static constexpr std::uint64_t all_room = (std::uint64_t{256} << 20U) / 4 * 3;  ///< Of the process's usual cache.

  void SetUp() override {
    LanceStore::SetUp();
    if (IsSkipped()) return;
    settings_.index_from = settings_.least_indexed = settings_.scalar_index_from = 2'000;
    settings_.graph_from_bytes = 1;  // always
    settings_.flushes_before_a_look = 1;
    settings_.flushes_before_compaction = 1;
    reopen();
  }

  void reopen() {
    store_ = open(directory_ / "indexed");
    ASSERT_TRUE(store_->open_collection({.collection = "points", .dimension = dimension, .metric = Metric::cosine}));
  }

  /// Anywhere; or as far as `width_` from one of twelve places.
  [[nodiscard]] std::vector<float> place_of(VectorKey key) const {
    constexpr VectorKey clusters = 12;
    auto values = somewhere(key);
    if (width_ == 0) return values;
    const auto middle = somewhere(2'000'000 + key % clusters);
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = middle[at] + width_ * values[at];
    return values;
  }

  static std::vector<float> somewhere(VectorKey key) {
    std::mt19937_64 random(key);
    std::normal_distribution<float> normal;
    std::vector<float> values(dimension);
    for (float& value : values) value = normal(random);
    return values;
  }

  void load(std::size_t count) {
    const auto status = store_->bulk_load(
        "points", count,
        [&](const std::function<Status(const contract::VectorEntry&)>& visit) -> Status {
          for (VectorKey key = 0; key < count; ++key) {
            auto given = visit({key, place_of(key), {}});
            if (!given) return given;
          }
          return {};
        },
        Position{"history", 1});
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  void put(VectorKey first, VectorKey last) {
    contract::VectorBatch batch;
    for (VectorKey key = first; key < last; ++key) batch.puts.push_back({key, place_of(key), {}});
    must_apply(batch);
    must_save();
  }

  std::optional<IndexKind> kind() { return store_->table_statistics("points")->vector_index; }

  /// How many of some vectors are found by themselves.
  std::size_t found_of(VectorKey first, VectorKey last, std::size_t step) {
    std::size_t found = 0;
    for (VectorKey key = first; key < last; key += step) {
      const auto answer = store_->search("points", place_of(key), nearest(1));
      EXPECT_TRUE(answer.has_value()) << answer.error().message;
      if (!answer || answer->matches.empty() || answer->matches[0].key != key) continue;
      EXPECT_NEAR(answer->matches[0].distance, 0, 1e-5);
      ++found;
    }
    return found;
  }

  /// What share of the ten nearest of `keys`, found by comparing all, is found for places where no vector is. The
  /// distances must be the exact ones. `effort`: as in the options of a search.
  double recall_among(const std::vector<VectorKey>& keys, bool is_filter, std::uint32_t effort = 0) {
    constexpr std::size_t wanted = 10;
    constexpr VectorKey queries = 20;
    std::size_t found = 0;
    for (VectorKey query = 0; query < queries; ++query) {
      const auto place = asks_anywhere_ ? somewhere(1'000'000 + query) : place_of(1'000'000 + query);
      const auto truth = compared(place, keys, wanted);
      auto options = nearest(wanted);
      options.effort = effort;
      if (is_filter) options.filter.keys = keys;
      const auto answer = store_->search("points", place, options);
      EXPECT_TRUE(answer.has_value()) << answer.error().message;
      if (!answer) continue;
      EXPECT_EQ(answer->matches.size(), wanted);
      for (const auto& match : answer->matches) {
        EXPECT_NEAR(match.distance, contract::exact_distance(Metric::cosine, place, place_of(match.key)), 1e-5);
        found += std::ranges::count(truth, match.key);
      }
    }
    return static_cast<double>(found) / (wanted * queries);
  }

  /// What the seal says of the trial of the index.
  Seal sealed() {
    must_save();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "indexed"))
      if (entry.path().filename() == "seal")
        return **read_seal(entry.path(), {.collection = "points", .dimension = dimension, .metric = Metric::cosine});
    ADD_FAILURE() << "there is no seal";
    return {};
  }

  float width_ = 0;             ///< Of clusters; 0: there are none.
  bool asks_anywhere_ = false;  ///< Also where no cluster is.

  static std::vector<VectorKey> every(std::size_t step, VectorKey last) {
    std::vector<VectorKey> keys;
    for (VectorKey key = 0; key < last; key += step) keys.push_back(key);
    return keys;
  }

 private:
  [[nodiscard]] std::vector<VectorKey> compared(const std::vector<float>& place, std::vector<VectorKey> keys,
                                                std::size_t count) const {
    std::map<VectorKey, double> distances;
    for (const auto key : keys) distances[key] = contract::exact_distance(Metric::cosine, place, place_of(key));
    std::ranges::sort(keys, {}, [&](VectorKey key) { return distances[key]; });
    keys.resize(count);
    return keys;
  }
};

TEST_F(LanceIndex, What_is_loaded_gets_a_graph_that_finds_what_came_later_too) {
  load(loaded);
  EXPECT_EQ(kind(), IndexKind::hnsw);
  EXPECT_GE(found_of(0, loaded, 100), 59U);
  for (VectorKey round = 0; round < 3; ++round) put(loaded + round * 500, loaded + (round + 1) * 500);
  EXPECT_EQ(kind(), IndexKind::hnsw);
  EXPECT_GE(found_of(loaded, loaded + 1'500, 25), 59U);
  reopen();
  EXPECT_GE(found_of(0, loaded + 1'500, 125), 59U);
}

// Of some six partitions: a graph from three on.
TEST_F(LanceIndex, Vectors_that_lie_in_few_partitions_keep_them_and_others_get_a_graph) {
  settings_.graph_from_bytes = std::size_t{3} * rows_in_partition * dimension;
  for (const float width : {0.3F, 0.0F}) {
    width_ = width;
    reopen();
    load(loaded);
    EXPECT_EQ(kind(), width > 0 ? IndexKind::ivf_sq : IndexKind::hnsw);
    const auto probes = sealed().probes;
    EXPECT_EQ(width > 0, probes <= 2) << probes;
    EXPECT_GE(recall_among(every(1, loaded), false), 0.98);
    reopen();
    EXPECT_EQ(sealed().probes, probes);
    EXPECT_GE(recall_among(every(1, loaded), false), 0.98);
    EXPECT_GE(recall_among(every(10, loaded), true), 0.98);
    ASSERT_TRUE(store_->drop_collection("points"));
  }
}

TEST_F(LanceIndex, Queries_unlike_what_is_stored_find_the_nearest_of_clusters_too) {
  settings_.graph_from_bytes = std::size_t{1} << 40U;
  width_ = 0.3F;
  reopen();
  load(loaded);
  ASSERT_LE(sealed().probes, 2U);
  asks_anywhere_ = true;
  constexpr std::uint32_t as_tried = 128;
  EXPECT_LT(recall_among(every(1, loaded), false, as_tried), 0.9);
  EXPECT_GE(recall_among(every(1, loaded), false), 0.98);
}

// A byte a value, over the range of all, hardly tells vectors apart that lie so close together.
TEST_F(LanceIndex, Of_vectors_close_together_more_are_compared_exactly) {
  width_ = 0.1F;
  for (const std::size_t graph_from_bytes : {std::size_t{1}, std::size_t{1} << 40U}) {
    settings_.graph_from_bytes = graph_from_bytes;
    reopen();
    load(loaded);
    EXPECT_EQ(kind(), graph_from_bytes == 1 ? IndexKind::hnsw : IndexKind::ivf_sq);
    EXPECT_GT(sealed().refine, 2U);
    EXPECT_GE(recall_among(every(1, loaded), false), 0.97);
    EXPECT_GE(recall_among(every(10, loaded), true), 0.97);
    ASSERT_TRUE(store_->drop_collection("points"));
  }
}

TEST_F(LanceIndex, Partitions_that_are_enough_stay_however_often_they_are_searched) {
  settings_.graph_from_bytes = std::size_t{3} * rows_in_partition * dimension;
  width_ = 0.3F;
  reopen();
  load(loaded);
  EXPECT_GE(found_of(0, loaded, 4), 1'480U);  // an eighth would have paid for a graph
  put(loaded, loaded + 10);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the store's thread has its turns
  EXPECT_EQ(kind(), IndexKind::ivf_sq);
}

TEST_F(LanceIndex, What_grew_gets_a_graph_once_searches_have_paid_for_it) {
  for (VectorKey first = 0; first < 2'500; first += 500) put(first, first + 500);
  const auto deadline = Deadline::after(std::chrono::minutes(2));
  while (!kind() && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(kind(), IndexKind::ivf_sq);
  EXPECT_GE(found_of(0, 2'500, 7), 350U);
  while (kind() != IndexKind::hnsw && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(kind(), IndexKind::hnsw);
  EXPECT_GE(found_of(0, 2'500, 25), 99U);
}

TEST_F(LanceIndex, Where_graphs_have_no_room_there_are_partitions) {
  int other = 0;
  worker_->graphs().set(&other, std::uint64_t{1} << 60U);
  load(loaded);
  worker_->graphs().set(&other, 0);
  EXPECT_EQ(kind(), IndexKind::ivf_sq);
  EXPECT_GE(found_of(0, loaded, 100), 59U);
}

TEST_F(LanceIndex, A_graph_that_lost_its_room_becomes_partitions) {
  load(loaded);
  ASSERT_EQ(kind(), IndexKind::hnsw);
  int other = 0;
  worker_->graphs().set(&other, std::uint64_t{1} << 60U);
  put(loaded, loaded + 10);
  const auto deadline = Deadline::after(std::chrono::minutes(2));
  while (kind() == IndexKind::hnsw && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  worker_->graphs().set(&other, 0);
  EXPECT_EQ(kind(), IndexKind::ivf_sq);
  EXPECT_GE(found_of(0, loaded + 10, 100), 60U);
  while (!worker_->graphs().fits(&other, all_room) && !deadline.expired())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(deadline.expired()) << "it did not give back what its graph took";
}

TEST_F(LanceIndex, A_graph_takes_room_while_its_collection_is_open) {
  int other = 0;
  load(loaded);
  EXPECT_FALSE(worker_->graphs().fits(&other, all_room));
  must_save();
  store_.reset();
  EXPECT_TRUE(worker_->graphs().fits(&other, all_room));
  reopen();
  EXPECT_FALSE(worker_->graphs().fits(&other, all_room));
  ASSERT_TRUE(store_->drop_collection("points"));
  EXPECT_TRUE(worker_->graphs().fits(&other, all_room));
}

// Partitions that were given by number are joined by the first compaction: then one of them is all there is.
TEST_F(LanceIndex, Partitions_stay_as_small_as_they_were_after_a_compaction) {
  int other = 0;
  worker_->graphs().set(&other, std::uint64_t{1} << 60U);
  load(loaded);
  constexpr std::uint32_t one_partition = 1;
  EXPECT_LT(recall_among(every(1, loaded), false, one_partition), 0.9);
  put(loaded, loaded + 10);
  const auto deadline = Deadline::after(std::chrono::minutes(2));
  while (store_->table_statistics("points")->segments < 2 && !deadline.expired())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  worker_->graphs().set(&other, 0);
  ASSERT_GE(store_->table_statistics("points")->segments, 2U) << "it was not compacted";
  EXPECT_LT(recall_among(every(1, loaded + 10), false, one_partition), 0.9);
  EXPECT_GE(recall_among(every(1, loaded + 10), false), 0.99);
}

TEST_F(LanceIndex, The_nearest_of_few_and_of_many_keys_are_found_whether_keys_are_sent_or_looked_up) {
  load(loaded);
  must_save();
  for (const std::size_t most_sent : {settings_.most_filter_keys, std::size_t{10}}) {
    settings_.most_filter_keys = most_sent;
    reopen();
    for (const std::size_t step : {300, 120, 12, 4}) {
      const auto keys = every(step, loaded);
      EXPECT_GE(recall_among(keys, true), 0.98) << keys.size() << " keys, of which " << most_sent << " may be sent";
    }
  }
}

TEST_F(LanceIndex, Many_small_writes_leave_few_segments) {
  load(loaded);
  for (VectorKey round = 0; round < 25; ++round) {
    put(loaded + round * 10, loaded + (round + 1) * 10);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // the store's thread has its turns
  }
  EXPECT_LE(store_->table_statistics("points")->segments, 9U);
  EXPECT_GE(found_of(0, loaded + 250, 100), 61U);
}

}  // namespace
}  // namespace triune::adapters::lancedb
