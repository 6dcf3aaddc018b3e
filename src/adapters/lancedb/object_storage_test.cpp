// Collections in object storage: with a server of the test's own, where `./dev test --with lancedb` brought one.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "adapters/lancedb/installation.h"
#include "adapters/lancedb/lance_store.h"
#include "adapters/lancedb/worker.h"
#include "support/s3_server.h"

namespace triune::adapters::lancedb {
namespace {

using contract::Position;
using contract::VectorKey;
using Contents = std::map<VectorKey, std::vector<float>>;

class ObjectStorage : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* with = std::getenv("TRIUNE_TEST_WITH");
    const auto python = find_python();
    const bool is_there = python && triune::testing::S3Server::is_installed();
    if (!is_there && (with == nullptr || std::string_view(with).find("lancedb") == std::string_view::npos))
      GTEST_SKIP() << "LanceDB and an S3 server come with `./dev test --with lancedb`";
    ASSERT_TRUE(is_there) << "`./dev test --with lancedb` did not bring what it should";
    std::string pattern = (std::filesystem::temp_directory_path() / "triune-s3-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    server_ = std::make_unique<triune::testing::S3Server>();
    worker_ = std::make_shared<Worker>(*python, WorkerLimits{});  // whose process sees the server's address
    url_ = "s3://" + server_->bucket() + "/" + directory_.filename().string();
    store_ = open();
  }

  void TearDown() override {
    store_.reset();
    worker_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  /// A store whose seals stand in `seals`, below the test's URL in a folder of the same name.
  std::unique_ptr<LanceVectorStore> open(const std::string& seals = "seals") const {
    return std::make_unique<LanceVectorStore>(directory_ / seals, url_ + "/" + seals, worker_, Settings{});
  }

  static contract::VectorSpecification points() {
    return {.collection = "points", .dimension = 2, .metric = Metric::l2};
  }

  void must_write(const contract::VectorBatch& batch) {
    auto status = store_->apply("points", batch);
    ASSERT_TRUE(status.has_value()) << status.error().message;
    status = store_->save("points");
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  void must_open() {
    const auto status = store_->open_collection(points());
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  Contents contents() {
    Contents found;
    const auto status = store_->scan("points", [&](VectorKey key, std::span<const float> values) -> Status {
      EXPECT_TRUE(found.emplace(key, std::vector<float>(values.begin(), values.end())).second) << "twice: " << key;
      return {};
    });
    EXPECT_TRUE(status.has_value()) << status.error().message;
    return found;
  }

  /// Where the objects of the collection `points` of a store are, below the bucket.
  [[nodiscard]] std::string objects(const std::string& seals) const {
    return directory_.filename().string() + "/" + seals + "/" + store_->folder_of("points").filename().string() + "/";
  }

  void expect_corruption(std::string_view why) {
    const auto status = store_->open_collection(points());
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, ErrorCode::corruption) << status.error().message;
    EXPECT_NE(status.error().message.find(why), std::string::npos) << status.error().message;
    ASSERT_TRUE(store_->drop_collection("points")) << "what is damaged can be dropped";
    must_open();
    EXPECT_TRUE(contents().empty());
  }

  std::filesystem::path directory_;
  std::unique_ptr<triune::testing::S3Server> server_;
  std::shared_ptr<Worker> worker_;
  std::string url_;
  std::unique_ptr<LanceVectorStore> store_;
};

std::size_t files_below(const std::filesystem::path& directory) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    files += entry.is_regular_file() ? 1 : 0;
  return files;
}

TEST_F(ObjectStorage, A_collection_is_kept_reopened_undone_and_dropped) {
  must_open();
  must_write({.puts = {{1, {1, 0}, {}}, {2, {2, 0}, {}}}, .deletes = {}, .position = Position{"history", 1}});
  EXPECT_EQ(files_below(directory_), 1U) << "only the seal is on the disk";
  ASSERT_TRUE(store_->apply("points", {.puts = {{3, {3, 0}, {}}}, .deletes = {1}, .position = Position{"history", 2}}));
  const auto found = store_->search_text("points", "nothing", 1, Deadline::after(std::chrono::minutes(1)));
  ASSERT_TRUE(found.has_value()) << found.error().message;  // which flushed, without a seal
  store_ = open();
  must_open();
  EXPECT_EQ((*store_->position("points"))->lsn, 1U);
  EXPECT_EQ(contents(), (Contents{{1, {1, 0}}, {2, {2, 0}}}));
  must_write({.puts = {{4, {4, 0}, {}}}, .deletes = {2}, .position = Position{"history", 3}});
  store_ = open();
  must_open();
  EXPECT_EQ(contents(), (Contents{{1, {1, 0}}, {4, {4, 0}}}));
  ASSERT_TRUE(store_->drop_collection("points"));
  EXPECT_EQ(server_->remove(objects("seals")), 0) << "dropping leaves no objects";
  must_open();
  EXPECT_TRUE(contents().empty());
}

TEST_F(ObjectStorage, Many_saves_and_reopenings_keep_every_vector_once) {
  Contents truth;
  for (std::uint64_t round = 1; round <= 12; ++round) {
    must_open();
    EXPECT_EQ(contents(), truth);
    contract::VectorBatch batch{.puts = {}, .deletes = {round % 5}, .position = Position{"history", round}};
    truth.erase(round % 5);
    for (VectorKey key = 10 + round % 3; key < 60; key += 3) {
      batch.puts.push_back({key, {static_cast<float>(round), static_cast<float>(key)}, {}});
      truth[key] = batch.puts.back().values;
    }
    batch.puts.push_back({round % 4 + 5, {0, static_cast<float>(round)}, {}});
    truth[round % 4 + 5] = batch.puts.back().values;
    must_write(batch);
    if (round % 3 == 0) store_ = open();
  }
  must_open();
  EXPECT_EQ(contents(), truth);
}

TEST_F(ObjectStorage, A_table_with_other_keys_than_were_sealed_is_noticed) {
  for (const auto* const place : {"seals", "others"}) {
    store_ = open(place);
    must_open();
    const VectorKey first = std::string_view(place) == "seals" ? 1 : 5;
    must_write({.puts = {{first, {1, 0}, {}}, {first + 1, {2, 0}, {}}}, .deletes = {}, .position = Position{"h", 1}});
  }
  // The same version and as many rows, under the sealed table's name.
  store_ = open();
  server_->replace_folder(objects("others"), objects("seals"));
  expect_corruption("other keys");
}

TEST_F(ObjectStorage, Objects_that_have_gone_are_noticed) {
  must_open();
  must_write({.puts = {{1, {1, 0}, {}}, {2, {2, 0}, {}}}, .deletes = {}, .position = Position{"history", 1}});
  store_ = open();
  ASSERT_GT(server_->remove(objects("seals")), 0);
  expect_corruption("is not there");
}

TEST_F(ObjectStorage, A_missing_data_object_is_noticed) {
  must_open();
  must_write({.puts = {{1, {1, 0}, {}}, {2, {2, 0}, {}}}, .deletes = {}, .position = Position{"history", 1}});
  store_ = open();
  ASSERT_GT(server_->remove(objects("seals"), "/data/"), 0);
  expect_corruption("lacks a file");
}

}  // namespace
}  // namespace triune::adapters::lancedb
