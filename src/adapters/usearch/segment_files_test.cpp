// What the files of segments survive: damage, full disks, kills.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "adapters/usearch/segment_fixture.h"

namespace triune::adapters::usearch {
namespace {

TEST_F(Segments, EveryDamagedByteIsNoticedAtTheLatestWhenItIsRead) {
  Clusters clusters(dimension, 9);
  load(clusters, 1'200);
  ASSERT_TRUE(store_->save("c").has_value());
  store_.reset();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) files.push_back(entry.path());
  ASSERT_GE(files.size(), 3U);
  for (const auto& path : files) {
    std::ifstream in(path, std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t at = 0; at < good.size(); at += good.size() / 61 + 1) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x10);
      std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
      UsearchVectorStore store(directory_, settings_);
      auto status = store.open_collection({"c", dimension, Metric::cosine});
      if (status) status = store.scan("c", [](VectorKey, std::span<const float>) -> Status { return {}; });
      ASSERT_FALSE(status.has_value()) << "byte " << at << " of " << path;
      EXPECT_EQ(to_string(status.error().code), "corruption") << status.error().message;
      EXPECT_NE(status.error().message.find(path.string()), std::string::npos) << status.error().message;
    }
    for (const std::string& bytes : {std::string(), good.substr(0, good.size() / 2), good + "x"}) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
      UsearchVectorStore store(directory_, settings_);
      const auto status = store.open_collection({"c", dimension, Metric::cosine});
      ASSERT_FALSE(status.has_value()) << bytes.size() << " bytes of " << path;
      EXPECT_EQ(to_string(status.error().code), "corruption") << status.error().message;
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
  }
  for (const auto& path : files) {
    const auto elsewhere = directory_.string() + ".moved";
    std::filesystem::rename(path, elsewhere);
    UsearchVectorStore store(directory_, settings_);
    const auto status = store.open_collection({"c", dimension, Metric::cosine});
    if (path.extension() == ".vectors") {
      EXPECT_TRUE(status.has_value());
      return std::filesystem::remove(elsewhere), void();
    }
    ASSERT_FALSE(status.has_value()) << path;
    EXPECT_EQ(to_string(status.error().code), "corruption") << status.error().message;
    std::filesystem::rename(elsewhere, path);
  }
}

TEST_F(Segments, AnotherSegmentUnderTheSameNameIsNoticed) {
  Clusters clusters(dimension, 10);
  load(clusters, 3'000);
  ASSERT_TRUE(store_->save("c").has_value());
  store_.reset();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory_))
    if (entry.path().extension() == ".segment") files.push_back(entry.path());
  ASSERT_GE(files.size(), 2U);
  std::filesystem::copy_file(files[0], files[1], std::filesystem::copy_options::overwrite_existing);
  UsearchVectorStore store(directory_, settings_);
  const auto status = store.open_collection({"c", dimension, Metric::cosine});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(to_string(status.error().code), "corruption");
  EXPECT_TRUE(store.drop_collection("c").has_value());
  EXPECT_TRUE(std::filesystem::is_empty(directory_)) << "dropping removes damaged segments too";
}

TEST_F(Segments, AreHeldInMemoryUpToABoundAndMappedBeyondIt) {
  const auto mapped = [this] {
    std::size_t count = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
      count += line.find(directory_.string()) != std::string::npos && line.ends_with(".segment") ? 1 : 0;
    return count;
  };
  settings_.held_bytes = 0;
  reopen();
  Clusters clusters(dimension, 13);
  load(clusters, 3'000);
  ASSERT_TRUE(store_->save("c").has_value());
  EXPECT_GE(mapped(), 2U);
  std::size_t largest = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_))
    if (entry.path().extension() == ".segment") largest = std::max(largest, entry.file_size());
  settings_.held_bytes = largest;
  reopen();
  wait_for([&] { return mapped() < segment_files(); });
  EXPECT_GE(mapped(), 1U);
  settings_.held_bytes = 64UL << 20U;
  reopen();
  wait_for([&] { return mapped() == 0; });
  expect_holds_the_truth();
  EXPECT_EQ(missed(), 0U);
}

TEST_F(Segments, AFailedFreezeLosesNothing) {
  Clusters clusters(dimension, 11);
  base::set_file_fault([](base::FileOperation at, const std::filesystem::path& path) {
    return at == base::FileOperation::write && path.string().find(".records") != std::string::npos ? ENOSPC : 0;
  });
  fill(clusters, 1, 2'000);
  EXPECT_EQ(segment_files(), 0U);
  expect_holds_the_truth();
  base::set_file_fault({});
  fill(clusters, 2'001, 2'200);
  wait_for([this] { return segment_files() > 0; });
  expect_holds_the_truth();
  EXPECT_EQ(missed(), 0U);
}

TEST_F(Segments, AFailedFreezeIsNotTriedAgainWithEveryChange) {
  settings_.freeze_pause = std::chrono::hours(1);
  reopen();
  std::atomic<int> tries = 0;
  base::set_file_fault([&](base::FileOperation at, const std::filesystem::path& path) {
    if (at != base::FileOperation::write || path.string().find(".records") == std::string::npos) return 0;
    ++tries;
    return ENOSPC;
  });
  Clusters clusters(dimension, 11);
  fill(clusters, 1, 3'000);
  EXPECT_EQ(tries, 1);
  expect_holds_the_truth();
}

TEST_F(Segments, ALoadThatFailsLeavesNoFiles) {
  Clusters clusters(dimension, 12);
  for (VectorKey key = 1; key <= 3'000; ++key) truth_[key] = clusters.next();
  const auto broken = [this](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    if (auto status = source()(visitor); !status) return status;
    return failure(ErrorCode::unavailable, "the source broke off");
  };
  const auto failed = store_->bulk_load("c", 3'000, broken, {"h", 1});
  ASSERT_FALSE(failed.has_value());
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
  const auto twice = [this](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    if (auto status = source()(visitor); !status) return status;
    return visitor({5, truth_.at(5), {}});
  };
  const auto again = store_->bulk_load("c", 3'000, twice, {"h", 1});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(to_string(again.error().code), "invalid_argument");
  EXPECT_EQ(store_->statistics("c")->vectors, 0U);
}

// Runs this program again as a process that freezes, merges and saves until it dies at a failpoint.
class KilledSegments : public Segments {
 protected:
  static int run_child(const std::string& directory, const std::string& failpoint) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("TRIUNE_FAILPOINT", failpoint.c_str(), 1);
      ::setenv("TRIUNE_TEST_SEGMENT_DIRECTORY", directory.c_str(), 1);
      ::execl("/proc/self/exe", "usearch_test", "--gtest_filter=KilledSegmentsChild.*", nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
};

// Key k holds a vector that follows from k and the step at which it was put.
std::vector<float> vector_of(VectorKey key, std::uint64_t step) {
  std::mt19937_64 random(key * 1'000 + step);
  std::normal_distribution<float> normal;
  std::vector<float> values(64);
  for (float& value : values) value = normal(random);
  return values;
}

constexpr std::uint64_t steps = 300;

VectorBatch batch_of(std::uint64_t step) {
  VectorBatch batch{.puts = {}, .deletes = {}, .position = Position{"h", step}};
  for (VectorKey key = step * 60; key < step * 60 + 150; ++key) batch.puts.push_back({key, vector_of(key, step), {}});
  for (VectorKey key = step % 9; key < step * 60; key += 9) batch.deletes.push_back(key);
  return batch;
}

TEST(KilledSegmentsChild, Works) {
  const char* directory = std::getenv("TRIUNE_TEST_SEGMENT_DIRECTORY");
  if (directory == nullptr) GTEST_SKIP() << "runs in the children of KilledSegments only";
  Settings settings;
  settings.index_from = 200;
  settings.freeze_from = 40 << 10;
  settings.segment_bytes = 160 << 10;
  settings.most_small_segments = 2;
  UsearchVectorStore store(directory, settings);
  ASSERT_TRUE(store.open_collection({"c", 64, Metric::l2}).has_value());
  for (std::uint64_t step = 1; step <= steps; ++step) {
    ASSERT_TRUE(store.apply("c", batch_of(step)).has_value());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // in which maintenance works
    if (step % 4 == 0) {
      ASSERT_TRUE(store.save("c").has_value());
    }
  }
}

TEST_F(KilledSegments, LeaveTheLastSavedStateWhole) {
  for (const auto* failpoint :
       {"usearch.segment.written:1", "usearch.segment.written:3", "usearch.segment.written:6",
        "usearch.merge.published:1", "usearch.merge.published:2", "usearch.save.written:4", "usearch.save.written:11",
        "usearch.save.renamed:7", "usearch.save.renamed:14", "usearch.save.renamed:21"}) {
    store_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) std::filesystem::remove_all(entry);
    const int status = run_child(directory_, failpoint);
    ASSERT_TRUE(WIFSIGNALED(status)) << failpoint;
    ASSERT_EQ(WTERMSIG(status), SIGKILL) << failpoint;
    reopen(Metric::l2);
    const auto position = store_->position("c").value();
    truth_.clear();
    for (std::uint64_t step = 1; step <= (position ? position->lsn : 0); ++step) {
      const auto batch = batch_of(step);
      for (const auto key : batch.deletes) truth_.erase(key);
      for (const auto& entry : batch.puts) truth_[entry.key] = entry.values;
    }
    expect_holds_the_truth();
    EXPECT_LE(missed(), truth_.size() / 1'000 + 1) << failpoint;  // as graph_test.cpp bounds it
    ASSERT_TRUE(store_->apply("c", {.puts = {}, .deletes = {1}, .position = {}}).has_value());
    ASSERT_TRUE(store_->save("c").has_value()) << "what the dead process left does not stand in the way";
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace triune::adapters::usearch
