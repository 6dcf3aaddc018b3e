#include "conformance/vector/fixture.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "contract/vector_rules.h"

namespace triune::conformance {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "triune-vector-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<VectorEntry> clustered(std::size_t count, std::uint32_t dimension, std::uint64_t seed,
                                   std::size_t clusters) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centres(clusters, std::vector<float>(dimension));
  for (auto& centre : centres)
    for (float& value : centre) value = normal(random);
  std::vector<VectorEntry> entries(count);
  for (std::size_t at = 0; at < count; ++at) {
    entries[at].key = at + 1;
    const auto& centre = centres[random() % clusters];
    for (const float value : centre) entries[at].values.push_back(value + 0.4F * normal(random));
  }
  return entries;
}

std::uint64_t printed_seed() {
  const char* given = std::getenv("TRIUNE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << " (repeat with TRIUNE_TEST_SEED)\n";
  return seed;
}

void Truth::apply(const contract::VectorBatch& batch) {
  for (const auto key : batch.deletes) entries_.erase(key);
  for (const auto& entry : batch.puts) entries_.insert_or_assign(entry.key, entry);
}

double Truth::distance(const std::vector<float>& query, VectorKey key) const {
  const auto& values = entries_.at(key).values;
  double product = 0;
  double left = 0;
  double right = 0;
  double squares = 0;
  for (std::size_t at = 0; at < query.size(); ++at) {
    const double a = query[at];
    const double b = values[at];
    product += a * b;
    left += a * a;
    right += b * b;
    squares += (a - b) * (a - b);
  }
  if (metric_ == Metric::l2) return squares;
  if (metric_ == Metric::dot) return 1 - product;
  return left > 0 && right > 0 ? 1 - product / std::sqrt(left * right) : 1;
}

double Truth::magnitude(const std::vector<float>& query, VectorKey key) const {
  if (metric_ == Metric::cosine) return 1;
  const auto length = [](const std::vector<float>& values) {
    double sum = 0;
    for (const double value : values) sum += value * value;
    return std::sqrt(sum);
  };
  const double left = length(query);
  const double right = length(entries_.at(key).values);
  return 1 + (metric_ == Metric::dot ? left * right : left * left + right * right);
}

std::vector<std::pair<double, VectorKey>> Truth::ranked(const std::vector<float>& query,
                                                        const contract::VectorFilter& filter) const {
  std::vector<std::pair<double, VectorKey>> all;
  for (const auto& [key, entry] : entries_) {
    if (filter.keys && !std::ranges::binary_search(*filter.keys, key)) continue;
    if (!contract::metadata_matches(entry.metadata, filter.equals)) continue;
    all.emplace_back(distance(query, key), key);
  }
  std::ranges::sort(all);
  return all;
}

void VectorConformance::SetUp() {
  reopen();
}

void VectorConformance::reopen() {
  store_.reset();
  auto opened = open_engine(GetParam(), directory_.path() / "vectors");
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  store_ = std::move(*opened);
}

Status VectorConformance::open(const std::string& collection, std::uint32_t dimension, Metric metric) {
  return store_->open_collection({.collection = collection, .dimension = dimension, .metric = metric});
}

void VectorConformance::must_apply(const std::string& collection, const contract::VectorBatch& batch) {
  const auto status = store_->apply(collection, batch);
  ASSERT_TRUE(status.has_value()) << status.error().message;
}

void VectorConformance::must_put(const std::string& collection, const std::vector<VectorEntry>& entries) {
  must_apply(collection, {.puts = entries, .deletes = {}, .position = {}});
}

contract::VectorAnswer VectorConformance::must_search(const std::string& collection, const std::vector<float>& query,
                                                      const contract::VectorQueryOptions& options) {
  auto answer = store_->search(collection, query, options);
  EXPECT_TRUE(answer.has_value()) << answer.error().message;
  return answer ? std::move(*answer) : contract::VectorAnswer{};
}

std::size_t VectorConformance::check_answer(const contract::VectorAnswer& answer, const Truth& truth,
                                            const std::vector<float>& query,
                                            const contract::VectorQueryOptions& options) {
  const auto ranked = truth.ranked(query, options.filter);
  const std::size_t expected = std::min(options.count, ranked.size());
  EXPECT_EQ(answer.matches.size(), expected) << answer.strategy;
  if (expected == 0) return 0;
  const double tolerance = GetParam().distance_tolerance;
  const auto [last, last_key] = ranked[expected - 1];
  const double margin = tolerance * truth.magnitude(query, last_key);
  std::size_t right = 0;
  std::vector<VectorKey> seen;
  for (const auto& match : answer.matches) {
    seen.push_back(match.key);
    if (!truth.entries().contains(match.key)) {
      ADD_FAILURE() << "key " << match.key << " is not in the collection; " << answer.strategy;
      continue;
    }
    const double exact = truth.distance(query, match.key);
    EXPECT_NEAR(match.distance, exact, tolerance * truth.magnitude(query, match.key)) << "key " << match.key;
    // Quantised distances may swap neighbours that differ by less than the tolerance.
    if (exact <= last + margin) ++right;
    if (options.filter.keys) {
      EXPECT_TRUE(std::ranges::binary_search(*options.filter.keys, match.key)) << match.key;
    }
    EXPECT_TRUE(contract::metadata_matches(truth.entries().at(match.key).metadata, options.filter.equals));
  }
  EXPECT_TRUE(std::ranges::is_sorted(answer.matches, {}, &contract::VectorMatch::distance)) << answer.strategy;
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end()) << "a key is in the answer twice; " << answer.strategy;
  return right;
}

void VectorConformance::settle(const std::string& collection) {
  const std::uint64_t index_from = GetParam().index_from;
  if (index_from == 0) return;
  const auto deadline = Deadline::after(std::chrono::minutes(1));
  while (true) {
    const auto statistics = store_->statistics(collection);
    ASSERT_TRUE(statistics.has_value());
    if (statistics->vectors < index_from || statistics->unindexed <= index_from / 2) return;
    ASSERT_FALSE(deadline.expired()) << statistics->unindexed << " of " << statistics->vectors << " are not indexed";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::map<VectorKey, std::vector<float>> VectorConformance::must_scan(const std::string& collection) {
  std::map<VectorKey, std::vector<float>> found;
  const auto status = store_->scan(collection, [&](VectorKey key, std::span<const float> values) -> Status {
    EXPECT_TRUE(found.emplace(key, std::vector<float>(values.begin(), values.end())).second) << "twice: " << key;
    return {};
  });
  EXPECT_TRUE(status.has_value()) << status.error().message;
  return found;
}

contract::VectorQueryOptions nearest(std::size_t count) {
  contract::VectorQueryOptions options;
  options.count = count;
  return options;
}

}  // namespace triune::conformance
