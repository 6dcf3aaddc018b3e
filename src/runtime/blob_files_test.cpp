#include "runtime/blob_files.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/hash.h"
#include "support/temporary_directory.h"

namespace triune::runtime {
namespace {

using base::as_bytes;
using contract::StoredBlob;
using triune::testing::TemporaryDirectory;

Bytes random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

constexpr const char* child_variable = "TRIUNE_TEST_BLOB_DIRECTORY";

/// In a process started by `put_dies_at`: puts "x" and exits, before any test begins.
const bool is_parent = [] {
  const char* directory = std::getenv(child_variable);
  if (directory == nullptr) return true;
  const auto blobs = BlobFiles::open(directory);
  ::_exit(blobs && (*blobs)->put(as_bytes("x")) ? 0 : 1);
}();

/// Whether a process dies at `failpoint` while it puts "x". A fresh one, because a process reads its failpoint once.
bool put_dies_at(const char* failpoint, const std::filesystem::path& directory) {
  const auto child = ::fork();
  if (child == 0) {
    ::setenv("TRIUNE_FAILPOINT", failpoint, 1);
    ::setenv(child_variable, directory.c_str(), 1);
    ::execl("/proc/self/exe", "blob_files_test", nullptr);
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return is_parent && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

class BlobFilesTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void TearDown() override { base::set_file_fault({}); }

  void reopen() {
    auto opened = BlobFiles::open(directory_.path() / "blobs");
    ASSERT_TRUE(opened) << opened.error().message;
    blobs_ = std::move(*opened);
  }

  std::string put(std::string_view text) {
    auto hash = blobs_->put(as_bytes(text));
    EXPECT_TRUE(hash) << hash.error().message;
    return hash.value_or("");
  }

  std::string get(const std::string& hash) {
    auto bytes = blobs_->get(hash);
    return bytes ? std::string(base::as_text(*bytes)) : std::string(to_string(bytes.error().code));
  }

  std::filesystem::path file_of(const std::string& hash) const {
    return directory_.path() / "blobs" / hash.substr(0, 2) / hash;
  }

  std::map<std::string, StoredBlob> visited() {
    std::map<std::string, StoredBlob> all;
    EXPECT_TRUE(blobs_->visit([&](const StoredBlob& blob) -> Status {
      all[blob.hash] = blob;
      return {};
    }));
    return all;
  }

  std::size_t temporaries() const {
    const std::filesystem::directory_iterator entries(directory_.path() / "blobs" / "tmp");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }

  TemporaryDirectory directory_;
  std::unique_ptr<BlobFiles> blobs_;
};

TEST_F(BlobFilesTest, ReturnsWhatWasPutUnderItsHash) {
  const auto hash = put("hello");
  EXPECT_EQ(hash, base::sha256_hex(as_bytes("hello")));
  EXPECT_EQ(get(hash), "hello");
  EXPECT_TRUE(blobs_->check(hash));
  reopen();
  EXPECT_EQ(get(hash), "hello");
}

TEST_F(BlobFilesTest, EmptyBlobIsABlob) {
  const auto hash = put("");
  EXPECT_EQ(get(hash), "");
  EXPECT_EQ(visited().size(), 1U);
}

TEST_F(BlobFilesTest, CompressesWhenItHelpsAndOnlyThen) {
  const std::string repetitive(100'000, 'a');
  const auto noise = random_bytes(100'000, 1);
  const auto small = put(repetitive);
  const auto large = blobs_->put(noise);
  ASSERT_TRUE(large);
  EXPECT_LT(std::filesystem::file_size(file_of(small)), 1'000U);
  EXPECT_EQ(std::filesystem::file_size(file_of(*large)), 100'024U);
  EXPECT_EQ(get(small), repetitive);
  EXPECT_EQ(*blobs_->get(*large), noise);
}

TEST_F(BlobFilesTest, FiftyMegabytesComeBack) {
  auto content = random_bytes(50'000'000, 2);
  std::fill(content.begin(), content.begin() + 20'000'000, std::byte{7});
  const auto hash = blobs_->put(content);
  ASSERT_TRUE(hash);
  EXPECT_EQ(*blobs_->get(*hash), content);
}

TEST_F(BlobFilesTest, RandomContentsOfAllSizesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    auto content = random_bytes(random() % 2000, static_cast<unsigned>(random()));
    if (round % 2 == 0) std::ranges::for_each(content, [](std::byte& byte) { byte &= std::byte{3}; });
    const auto hash = blobs_->put(content);
    ASSERT_TRUE(hash);
    ASSERT_EQ(*blobs_->get(*hash), content);
  }
}

TEST_F(BlobFilesTest, WhatIsNoHashIsRefused) {
  for (const auto& name : {std::string("../../etc/passwd"), std::string(64, 'g'), std::string(63, 'a'), std::string(),
                           std::string(64, 'A')}) {
    EXPECT_EQ(blobs_->get(name).error().code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(blobs_->check(name).error().code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(blobs_->remove(name).error().code, ErrorCode::invalid_argument) << name;
  }
}

TEST_F(BlobFilesTest, AbsentBlobIsNotFound) {
  EXPECT_EQ(get(std::string(64, 'a')), "not_found");
  EXPECT_TRUE(*blobs_->remove(std::string(64, 'a'))) << "gone is gone";
}

TEST_F(BlobFilesTest, OverTheLimitIsRefused) {
  const auto* anything = reinterpret_cast<const std::byte*>(this);
  const auto refused = blobs_->put(std::span(anything, BlobFiles::limit_bytes + 1));
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
}

// B2: at every byte of a raw and of a compressed file.
TEST_F(BlobFilesTest, FlippedBitIsCorruptionWhereverItIs) {
  for (const auto& content : {std::string("raw"), std::string(400, 'z')}) {
    const auto path = file_of(put(content));
    const auto hash = path.filename().string();
    const auto good = *base::read_file(path);
    int harmless = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
      auto bad = good;
      bad[at] ^= static_cast<std::byte>(1U << (at % 8));
      ASSERT_TRUE(base::write_durably(path, bad));
      const auto seen = get(hash);
      ASSERT_TRUE(seen == "corruption" || seen == content) << at;
      if (seen == content) ++harmless;
    }
    EXPECT_LE(harmless, content == "raw" ? 0 : 1) << "a zstd frame has a bit that means nothing";
  }
}

TEST_F(BlobFilesTest, EveryTruncationIsCorruption) {
  for (const auto& content : {std::string("raw"), std::string(400, 'z')}) {
    const auto path = file_of(put(content));
    auto file = *base::read_file(path);
    while (!file.empty()) {
      file.pop_back();
      ASSERT_TRUE(base::write_durably(path, file));
      ASSERT_EQ(get(path.filename().string()), "corruption") << file.size();
    }
  }
}

TEST_F(BlobFilesTest, BlobUnderAnothersNameIsCorruption) {
  const auto hash = put("one");
  ASSERT_TRUE(base::write_durably(file_of(hash), *base::read_file(file_of(put("two")))));
  EXPECT_EQ(get(hash), "corruption");
}

// B4
TEST_F(BlobFilesTest, PuttingDamagedContentAgainMendsIt) {
  const auto hash = put("precious");
  ASSERT_TRUE(base::write_durably(file_of(hash), as_bytes("rubbish")));
  EXPECT_EQ(get(hash), "corruption");
  EXPECT_EQ(put("precious"), hash);
  EXPECT_EQ(get(hash), "precious");
}

// B3
TEST_F(BlobFilesTest, PuttingAgainRefreshesItsTimeAndSavesItFromASweep) {
  const auto kept = put("kept"), dropped = put("dropped");
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(100);
  std::filesystem::last_write_time(file_of(kept), old);
  std::filesystem::last_write_time(file_of(dropped), old);
  const auto cutoff = BlobFiles::Clock::now() - std::chrono::hours(1);
  EXPECT_LT(visited().at(kept).last_put, cutoff);
  put("kept");
  EXPECT_GT(visited().at(kept).last_put, cutoff);
  EXPECT_FALSE(*blobs_->remove(kept, cutoff));
  EXPECT_TRUE(*blobs_->remove(dropped, cutoff));
  EXPECT_EQ(get(kept), "kept");
  EXPECT_EQ(get(dropped), "not_found");
  EXPECT_TRUE(*blobs_->remove(kept));
  EXPECT_EQ(get(kept), "not_found");
}

TEST_F(BlobFilesTest, VisitShowsEachBlobAndNothingElse) {
  std::set<std::string> hashes;
  for (int i = 0; i < 300; ++i) hashes.insert(put("blob " + std::to_string(i)));
  ASSERT_TRUE(base::write_durably(directory_.path() / "blobs" / "README", as_bytes("not a blob")));
  ASSERT_TRUE(base::write_durably(file_of(*hashes.begin()).parent_path() / "stray", as_bytes("not a blob")));
  const auto all = visited();
  EXPECT_EQ(all.size(), hashes.size());
  for (const auto& [hash, blob] : all) {
    EXPECT_TRUE(hashes.contains(hash));
    EXPECT_EQ(blob.stored_bytes, std::filesystem::file_size(file_of(hash)));
  }
  int calls = 0;
  const auto status = blobs_->visit([&](const StoredBlob&) -> Status {
    ++calls;
    return failure(ErrorCode::cancelled, "enough");
  });
  EXPECT_EQ(status.error().code, ErrorCode::cancelled);
  EXPECT_EQ(calls, 1);
}

TEST_F(BlobFilesTest, PutManyKeepsOrderAndStoresEqualContentsOnce) {
  std::vector<Bytes> contents;
  for (int i = 0; i < 150; ++i) contents.push_back(random_bytes(50, static_cast<unsigned>(i % 100)));
  const std::vector<std::span<const std::byte>> spans(contents.begin(), contents.end());
  const auto hashes = blobs_->put_many(spans);
  ASSERT_TRUE(hashes);
  for (std::size_t i = 0; i < contents.size(); ++i) EXPECT_EQ(*blobs_->get((*hashes)[i]), contents[i]);
  EXPECT_EQ(visited().size(), 100U);
  EXPECT_EQ(temporaries(), 0U);
}

// B1: every directory from the blob up to the first that existed before is synced, each once for a batch.
TEST_F(BlobFilesTest, BatchSyncsEachDirectoryOnce) {
  std::multiset<std::filesystem::path> synced;
  base::set_file_fault([&](base::FileOperation operation, const std::filesystem::path& path) {
    if (operation == base::FileOperation::sync_directory) synced.insert(path);
    return 0;
  });
  const std::vector<std::span<const std::byte>> contents = {as_bytes("a"), as_bytes("b"), as_bytes("a")};
  const auto hashes = blobs_->put_many(contents);
  ASSERT_TRUE(hashes);
  std::multiset<std::filesystem::path> expected = {directory_.path() / "blobs"};
  for (const auto& hash : {(*hashes)[0], (*hashes)[1]}) expected.insert(file_of(hash).parent_path());
  EXPECT_EQ(synced, expected);
  synced.clear();
  put("a");
  EXPECT_EQ(synced, (std::multiset{file_of((*hashes)[0]).parent_path()})) << "its directory is durable by now";
}

// I8: a fault at the Nth operation of any kind, for every N, gives an error and leaves nothing under a wrong name.
TEST_F(BlobFilesTest, FaultAtEachOperationIsAnErrorAndNothingHalfIsSeen) {
  bool reached_the_end = false;
  int faults = 0;
  for (int nth = 0; !reached_the_end; ++nth) {
    ASSERT_LT(nth, 100);
    const auto content = "content " + std::to_string(nth);
    int reached = 0;
    base::set_file_fault([&](base::FileOperation, const std::filesystem::path&) { return reached++ == nth ? EIO : 0; });
    const auto hash = blobs_->put(as_bytes(content));
    base::set_file_fault({});
    reached_the_end = reached <= nth;
    EXPECT_EQ(hash.has_value(), reached_the_end);
    if (!hash) {
      EXPECT_EQ(hash.error().code, ErrorCode::unavailable);
      ++faults;
    }
    EXPECT_EQ(temporaries(), 0U);
    const auto seen = get(base::sha256_hex(as_bytes(content)));
    EXPECT_TRUE(seen == content || seen == "not_found") << seen;
    EXPECT_EQ(get(put(content)), content) << "the next attempt works";
  }
  EXPECT_GE(faults, 7);
}

TEST_F(BlobFilesTest, FullDiskIsResourceExhausted) {
  base::set_file_fault([](base::FileOperation operation, const std::filesystem::path&) {
    return operation == base::FileOperation::write ? ENOSPC : 0;
  });
  const auto refused = blobs_->put(as_bytes("x"));
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().retry, Retry::safe);
}

TEST_F(BlobFilesTest, EqualPutsAtOnceGiveOneBlob) {
  const auto content = random_bytes(200'000, 5);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        const auto hash = blobs_->put(content);
        if (!hash || blobs_->get(*hash).value_or(Bytes{}) != content) ++failures;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(visited().size(), 1U);
  EXPECT_EQ(temporaries(), 0U);
}

// B3: while sweepers remove what is old, a put blob is there whenever its put returned.
TEST_F(BlobFilesTest, SweepNeverTakesWhatWasJustPut) {
  std::atomic<bool> stop{false};
  std::atomic<int> lost{0};
  std::thread sweeper([&] {
    const auto hash = base::sha256_hex(as_bytes("wanted"));
    while (!stop) static_cast<void>(blobs_->remove(hash, BlobFiles::Clock::now() - std::chrono::hours(1)));
  });
  for (int round = 0; round < 500; ++round) {
    const auto hash = put("wanted");
    if (get(hash) != "wanted") ++lost;
    std::error_code gone;
    std::filesystem::last_write_time(file_of(hash),
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(2), gone);
  }
  stop = true;
  sweeper.join();
  EXPECT_EQ(lost, 0);
}

TEST_F(BlobFilesTest, DeathBeforeTheRenameLeavesOnlyATemporaryFileThatOpeningSweeps) {
  ASSERT_TRUE(put_dies_at("blob.written", directory_.path() / "blobs"));
  EXPECT_EQ(temporaries(), 1U);
  EXPECT_EQ(visited().size(), 0U);
  EXPECT_EQ(*blobs_->sweep_temporaries(std::chrono::hours(1)), 0U) << "may be in use";
  reopen();
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(BlobFilesTest, DeathAfterTheRenameLeavesAWholeBlob) {
  ASSERT_TRUE(put_dies_at("blob.renamed", directory_.path() / "blobs"));
  EXPECT_EQ(get(base::sha256_hex(as_bytes("x"))), "x");
  EXPECT_EQ(temporaries(), 0U);
}

}  // namespace
}  // namespace triune::runtime
