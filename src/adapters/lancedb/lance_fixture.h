// A store on the process that the tests share, in a directory of its own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/lancedb/installation.h"
#include "adapters/lancedb/lance_store.h"
#include "adapters/lancedb/worker.h"

namespace triune::adapters::lancedb {

using contract::Position;
using contract::VectorKey;

class LanceStore : public testing::Test {
 protected:
  void SetUp() override {
    const char* with = std::getenv("TRIUNE_TEST_WITH");
    const auto python = find_python();
    if (!python && (with == nullptr || std::string_view(with).find("lancedb") == std::string_view::npos))
      GTEST_SKIP() << python.error().message;
    ASSERT_TRUE(python.has_value()) << python.error().message;
    std::string pattern = (std::filesystem::temp_directory_path() / "triune-lancedb-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    worker_ = *Worker::shared({});
    store_ = open(directory_);
  }

  void TearDown() override {
    store_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  std::unique_ptr<LanceVectorStore> open(const std::filesystem::path& directory, const std::string& url = "") const {
    return std::make_unique<LanceVectorStore>(directory, url, worker_, settings_);
  }

  static contract::VectorSpecification points() {
    return {.collection = "points", .dimension = 2, .metric = Metric::l2};
  }

  void must_apply(const contract::VectorBatch& batch) {
    const auto status = store_->apply("points", batch);
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  void must_save() {
    const auto status = store_->save("points");
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  static std::map<VectorKey, std::vector<float>> contents(LanceVectorStore& store) {
    std::map<VectorKey, std::vector<float>> found;
    const auto status = store.scan("points", [&](VectorKey key, std::span<const float> values) -> Status {
      EXPECT_TRUE(found.emplace(key, std::vector<float>(values.begin(), values.end())).second) << "twice: " << key;
      return {};
    });
    EXPECT_TRUE(status.has_value()) << status.error().message;
    return found;
  }

  std::filesystem::path directory_;
  Settings settings_;
  std::shared_ptr<Worker> worker_;
  std::unique_ptr<LanceVectorStore> store_;
};

// On a busy machine a new process takes half a minute to load LanceDB.
inline contract::VectorQueryOptions nearest(std::size_t count) {
  contract::VectorQueryOptions options;
  options.count = count;
  options.deadline = Deadline::after(std::chrono::minutes(3));
  return options;
}

}  // namespace triune::adapters::lancedb
