// What the vector suite's cases share: a store in a directory of its own, data with clusters, and the truth to hold
// answers against.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conformance/vector/engines.h"
#include "contract/vector_store.h"

namespace triune::conformance {

using contract::VectorEntry;
using contract::VectorKey;

/// A directory that is removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Vectors around random centres, as embeddings of real things are, with keys 1, 2, …. A part of a longer list is the
/// same as the shorter list, so that the end of one makes queries that belong to the rest.
std::vector<VectorEntry> clustered(std::size_t count, std::uint32_t dimension, std::uint64_t seed,
                                   std::size_t clusters = 50);

/// A fresh seed, printed, so that a failure can be repeated.
std::uint64_t printed_seed();

/// What a store should hold, and what it should answer, computed in double precision.
class Truth {
 public:
  explicit Truth(Metric metric) : metric_(metric) {}
  void apply(const contract::VectorBatch& batch);
  [[nodiscard]] const std::map<VectorKey, VectorEntry>& entries() const { return entries_; }
  [[nodiscard]] double distance(const std::vector<float>& query, VectorKey key) const;
  /// The size of the terms that the distance is made of: what rounding errors are relative to.
  [[nodiscard]] double magnitude(const std::vector<float>& query, VectorKey key) const;
  /// Distances of all that satisfy the filter, nearest first.
  [[nodiscard]] std::vector<std::pair<double, VectorKey>> ranked(const std::vector<float>& query,
                                                                 const contract::VectorFilter& filter) const;

 private:
  Metric metric_;
  std::map<VectorKey, VectorEntry> entries_;
};

class VectorConformance : public testing::TestWithParam<VectorEngine> {
 protected:
  void SetUp() override;

  /// Closes the store and opens it again on the same directory.
  void reopen();
  /// Opens a collection and remembers nothing: the suite's collections differ by name.
  Status open(const std::string& collection, std::uint32_t dimension, Metric metric = Metric::cosine);
  void must_apply(const std::string& collection, const contract::VectorBatch& batch);
  void must_put(const std::string& collection, const std::vector<VectorEntry>& entries);
  contract::VectorAnswer must_search(const std::string& collection, const std::vector<float>& query,
                                     const contract::VectorQueryOptions& options);
  /// The answer has exactly as many matches as there are, all of them allowed, in order, with right distances. Returns
  /// how many of the matches are among the truly nearest.
  std::size_t check_answer(const contract::VectorAnswer& answer, const Truth& truth, const std::vector<float>& query,
                           const contract::VectorQueryOptions& options);
  /// Waits until an engine with an index has taken nearly everything into it.
  void settle(const std::string& collection);
  std::map<VectorKey, std::vector<float>> must_scan(const std::string& collection);

  TemporaryDirectory directory_;
  std::unique_ptr<contract::VectorStore> store_;
};

/// Options that ask for `count` matches.
contract::VectorQueryOptions nearest(std::size_t count);

#define EXPECT_CODE(expression, expected_code)                                                       \
  do {                                                                                               \
    const auto checked = (expression);                                                               \
    ASSERT_FALSE(checked.has_value());                                                               \
    EXPECT_EQ(to_string(checked.error().code), to_string(expected_code)) << checked.error().message; \
    EXPECT_FALSE(checked.error().message.empty());                                                   \
  } while (false)

}  // namespace triune::conformance
