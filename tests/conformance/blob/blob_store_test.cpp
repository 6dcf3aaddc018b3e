// What holds for every store of blobs, for files of one process, of several, and for rows; and what rows alone promise.
#include "runtime/blob_rows.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "runtime/blob_files.h"
#include "support/hive_database.h"
#include "support/temporary_directory.h"

namespace triune::runtime {
namespace {

using base::as_bytes;
using contract::BlobStore;
using contract::RelationalSession;
using contract::StoredBlob;
using triune::testing::HiveDatabase;

Deadline patience() {
  return Deadline::after(std::chrono::minutes(1));
}

enum class Kind : std::uint8_t { files, shared_files, rows };

class BlobStores : public ::testing::TestWithParam<Kind> {
 protected:
  BlobStores() {
    if (GetParam() == Kind::rows) {
      blobs_ = std::make_unique<BlobRows>(database_.store(), 1);
      return;
    }
    const auto use = GetParam() == Kind::files ? BlobFiles::Use::by_this_process : BlobFiles::Use::shared;
    auto opened = BlobFiles::open(directory_.path() / "blobs", use);
    if (!opened) throw std::runtime_error(opened.error().message);
    blobs_ = std::move(*opened);
  }

  std::string put(std::string_view text) {
    const auto bytes = as_bytes(text);
    const auto hashes = blobs_->put_many(std::span(&bytes, 1));
    EXPECT_TRUE(hashes) << hashes.error().message;
    return hashes ? hashes->front() : "";
  }
  std::string get(const std::string& hash) {
    auto bytes = blobs_->get(hash);
    return bytes ? std::string(base::as_text(*bytes)) : std::string(to_string(bytes.error().code));
  }
  Result<bool> remove(const std::string& hash, BlobStore::Clock::time_point unless_put_since) {
    bool gone = false;
    TRIUNE_TRY(database_.store().write(
        [&](RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(gone, blobs_->remove(session, hash, unless_put_since));
          return {};
        },
        patience()));
    return gone;
  }
  Status hold(const std::vector<std::string>& hashes) {
    return database_.store().write([&](RelationalSession& session) { return blobs_->hold(session, hashes); },
                                   patience());
  }
  void make_old(const std::string& hash) {
    if (GetParam() == Kind::rows) {
      database_.execute("UPDATE triune_blobs SET put_at = now() - interval '100 hours' WHERE sha256 = '" + hash + "'");
      return;
    }
    std::filesystem::last_write_time(directory_.path() / "blobs" / hash.substr(0, 2) / hash,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(100));
  }
  std::map<std::string, StoredBlob> visited() {
    std::map<std::string, StoredBlob> all;
    EXPECT_TRUE(blobs_->visit([&](const StoredBlob& blob) -> Status {
      all[blob.hash] = blob;
      return {};
    }));
    return all;
  }

  triune::testing::TemporaryDirectory directory_;
  HiveDatabase database_;
  std::unique_ptr<BlobStore> blobs_;
};

INSTANTIATE_TEST_SUITE_P(, BlobStores, ::testing::Values(Kind::files, Kind::shared_files, Kind::rows),
                         [](const auto& one) {
                           return one.param == Kind::files          ? "Files"
                                  : one.param == Kind::shared_files ? "SharedFiles"
                                                                    : "Rows";
                         });

TEST_P(BlobStores, ReturnWhatWasPutUnderItsHash) {
  for (const std::string& content : {std::string("hello"), std::string(), std::string("a\0b", 3)}) {
    const auto hash = put(content);
    EXPECT_EQ(hash, base::sha256_hex(as_bytes(content)));
    EXPECT_EQ(get(hash), content);
    EXPECT_TRUE(blobs_->check(hash));
  }
  EXPECT_EQ(visited().size(), 3U);
}

TEST_P(BlobStores, ContentsOfAllSizesComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> contents;
  const std::size_t piece = 256U << 10U;
  for (const std::size_t size : {piece - 1, piece, piece + 1, 16 * piece, 16 * piece + 1, std::size_t{9'000'000}}) {
    std::string content(size, 'x');
    if (random() % 2 == 0)
      for (auto& character : content) character = static_cast<char>(random());
    contents.push_back(std::move(content));
  }
  for (int i = 0; i < 700; ++i) contents.push_back(std::to_string(random() % 500));
  std::vector<std::span<const std::byte>> spans;
  for (const auto& content : contents) spans.push_back(as_bytes(content));
  const auto hashes = blobs_->put_many(spans);
  ASSERT_TRUE(hashes) << hashes.error().message;
  ASSERT_EQ(hashes->size(), contents.size());
  for (std::size_t i = 0; i < contents.size(); ++i) ASSERT_TRUE(get((*hashes)[i]) == contents[i]) << i;
}

TEST_P(BlobStores, CompressWhenItHelps) {
  const auto hash = put(std::string(1'000'000, 'a'));
  EXPECT_LT(visited().at(hash).stored_bytes, 10'000U);
}

TEST_P(BlobStores, RefuseWhatIsNoHashAndMissWhatIsAbsent) {
  for (const auto& name : {std::string("../../etc/passwd"), std::string(64, 'g'), std::string("'; DROP TABLE x; --"),
                           std::string(), std::string(64, 'A')}) {
    EXPECT_EQ(blobs_->get(name).error().code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(blobs_->check(name).error().code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(remove(name, BlobStore::Clock::now()).error().code, ErrorCode::invalid_argument) << name;
    EXPECT_EQ(hold({name}).error().code, ErrorCode::invalid_argument) << name;
  }
  EXPECT_EQ(get(std::string(64, 'a')), "not_found");
  EXPECT_TRUE(*remove(std::string(64, 'a'), BlobStore::Clock::now())) << "gone is gone";
}

TEST_P(BlobStores, RefuseWhatIsOverTheLimit) {
  const std::span over(reinterpret_cast<const std::byte*>(this), BlobStore::limit_bytes + 1);
  EXPECT_EQ(blobs_->put_many(std::span(&over, 1)).error().code, ErrorCode::resource_exhausted);
}

// B3
TEST_P(BlobStores, PuttingAgainSavesFromASweep) {
  const auto kept = put("kept");
  const auto dropped = put("dropped");
  make_old(kept);
  make_old(dropped);
  const auto cutoff = BlobStore::Clock::now() - std::chrono::hours(2);
  EXPECT_LT(visited().at(kept).last_put, cutoff);
  put("kept");
  EXPECT_GT(visited().at(kept).last_put, cutoff);
  EXPECT_FALSE(*remove(kept, cutoff));
  EXPECT_TRUE(*remove(dropped, cutoff));
  EXPECT_EQ(get(kept), "kept");
  EXPECT_EQ(get(dropped), "not_found");
}

TEST_P(BlobStores, TimeWithoutBoundsRemovesWhateverIsThere) {
  const auto old = put("old");
  make_old(old);
  EXPECT_TRUE(*remove(old, BlobStore::Clock::time_point::max()));
  const auto fresh = put("fresh");
  // Another process may be about to refer to it, and in a shared directory nothing would hold it.
  EXPECT_EQ(*remove(fresh, BlobStore::Clock::time_point::max()), GetParam() != Kind::shared_files);
}

TEST_P(BlobStores, HoldRefusesWhatWasSwept) {
  const auto here = put("here");
  const auto gone = put("gone");
  EXPECT_TRUE(hold({here, gone, here}));
  make_old(gone);
  ASSERT_TRUE(*remove(gone, BlobStore::Clock::now()));
  const auto refused = hold({here, gone});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::safe);
}

TEST_P(BlobStores, VisitEndsWithTheVisitorsError) {
  put("one");
  put("two");
  int calls = 0;
  const auto status = blobs_->visit([&](const StoredBlob&) -> Status {
    ++calls;
    return failure(ErrorCode::cancelled, "enough");
  });
  EXPECT_EQ(status.error().code, ErrorCode::cancelled);
  EXPECT_EQ(calls, 1);
}

TEST_P(BlobStores, EqualPutsAtOnceGiveOneBlob) {
  std::string content(300'000, 'x');
  content += "end";
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        const auto bytes = as_bytes(content);
        const auto hashes = blobs_->put_many(std::span(&bytes, 1));
        if (!hashes || !blobs_->check(hashes->front())) ++failures;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(visited().size(), 1U);
}

class BlobRowsTest : public ::testing::Test {
 protected:
  std::string put(std::string_view text) {
    const auto bytes = as_bytes(text);
    const auto hashes = blobs_.put_many(std::span(&bytes, 1));
    EXPECT_TRUE(hashes) << hashes.error().message;
    return hashes ? hashes->front() : "";
  }

  HiveDatabase database_;
  BlobRows blobs_{database_.store(), 1};
};

TEST_F(BlobRowsTest, NoticeDamageAndMendItWithTheNextPut) {
  const std::string content(600'000, 'x');
  const auto hash = put(content);
  for (const char* damage :
       {"UPDATE triune_blob_pieces SET bytes = set_byte(bytes, 30, get_byte(bytes, 30) # 1) WHERE position = 1",
        "UPDATE triune_blob_pieces SET bytes = '' WHERE position = 2",
        "DELETE FROM triune_blob_pieces WHERE position = 0", "DELETE FROM triune_blob_pieces WHERE position = 2",
        "DELETE FROM triune_blob_pieces", "UPDATE triune_blobs SET size_bytes = 5"}) {
    database_.execute(damage);
    EXPECT_EQ(blobs_.get(hash).error().code, ErrorCode::corruption) << damage;
    EXPECT_EQ(put(content), hash);
    EXPECT_TRUE(blobs_.check(hash)) << damage;
  }
}

TEST_F(BlobRowsTest, KeepWhatAReferenceNamesHoweverOld) {
  const auto hash = put("named");
  database_.execute("INSERT INTO triune_blob_references VALUES (1, 'owner', 'name', '" + hash + "', 5)");
  Result<bool> gone = true;
  ASSERT_TRUE(database_.store().write(
      [&](RelationalSession& session) -> Status {
        gone = blobs_.remove(session, hash, BlobStore::Clock::time_point::max());
        return {};
      },
      patience()));
  EXPECT_FALSE(*gone);
  EXPECT_TRUE(blobs_.check(hash));
}

// I7
TEST_F(BlobRowsTest, KeepOrganizationsApart) {
  const auto hash = put("mine");
  BlobRows other(database_.store(), 2);
  EXPECT_EQ(other.get(hash).error().code, ErrorCode::not_found);
  int seen = 0;
  ASSERT_TRUE(other.visit([&](const StoredBlob&) -> Status { return ++seen, Status(); }));
  EXPECT_EQ(seen, 0);
}

TEST_F(BlobRowsTest, VisitGoesOverPages) {
  std::vector<std::string> contents;
  for (int i = 0; i < 2345; ++i) contents.push_back(std::to_string(i));
  std::vector<std::span<const std::byte>> spans;
  for (const auto& content : contents) spans.push_back(as_bytes(content));
  ASSERT_TRUE(blobs_.put_many(spans));
  std::size_t seen = 0;
  ASSERT_TRUE(blobs_.visit([&](const StoredBlob& blob) -> Status {
    ++seen;
    return blobs_.check(blob.hash);  // the visitor may use the store
  }));
  EXPECT_EQ(seen, contents.size());
}

// I8: commits of one content against sweeps without any grace. A reference never dangles.
TEST_F(BlobRowsTest, SweepsNeverTakeWhatACommitRefersTo) {
  std::atomic<bool> stop{false};
  std::atomic<int> committed{0};
  std::atomic<int> refused{0};
  std::atomic<int> swept{0};
  const auto hash = base::sha256_hex(as_bytes("wanted"));
  const auto committer = [&](int number) {
    for (int round = 0; round < 150; ++round) {
      put("wanted");
      const auto status = database_.store().write(
          [&](RelationalSession& session) -> Status {
            TRIUNE_TRY(blobs_.hold(session, std::span(&hash, 1)));
            const std::array<Value, 2> row{"owner " + std::to_string(number) + " " + std::to_string(round), hash};
            TRIUNE_TRY(session.execute("INSERT INTO triune_blob_references VALUES (1, ?1, '', ?2, 6)", row));
            return {};
          },
          patience());
      if (status) {
        ++committed;
        EXPECT_TRUE(blobs_.check(hash));
        database_.store()
            .write(
                [&](RelationalSession& session) -> Status {
                  const Value like = "owner " + std::to_string(number) + " %";
                  TRIUNE_TRY(session.execute("DELETE FROM triune_blob_references WHERE owner LIKE ?1", {&like, 1}));
                  return {};
                },
                patience())
            .value();
      } else {
        EXPECT_EQ(status.error().retry, Retry::safe) << status.error().message;
        ++refused;
      }
    }
  };
  std::thread sweeper([&] {
    while (!stop) {
      const auto status = database_.store().write(
          [&](RelationalSession& session) -> Status {
            TRIUNE_ASSIGN(const bool gone, blobs_.remove(session, hash, BlobStore::Clock::time_point::max()));
            swept += gone ? 1 : 0;
            return {};
          },
          patience());
      EXPECT_TRUE(status) << status.error().message;
    }
  });
  std::thread first(committer, 1);
  std::thread second(committer, 2);
  first.join();
  second.join();
  stop = true;
  sweeper.join();
  EXPECT_GT(committed, 0);
  EXPECT_GT(swept, 0);
}

TEST(SharedBlobFiles, SweepOfAnotherProcessNeverTakesWhatWasJustPut) {
  const triune::testing::TemporaryDirectory directory;
  // Two openings have locks of their own, as two processes have.
  auto mine = BlobFiles::open(directory.path() / "blobs", BlobFiles::Use::shared);
  auto theirs = BlobFiles::open(directory.path() / "blobs", BlobFiles::Use::shared);
  ASSERT_TRUE(mine && theirs);
  const auto hash = base::sha256_hex(as_bytes("wanted"));
  const auto path = directory.path() / "blobs" / hash.substr(0, 2) / hash;
  std::atomic<bool> stop{false};
  std::atomic<int> removed{0};
  std::thread sweeper([&] {
    while (!stop)
      if ((*theirs)->remove(hash).value_or(false)) ++removed;
  });
  int lost = 0;
  for (int round = 0; round < 500; ++round) {
    ASSERT_TRUE((*mine)->put(as_bytes("wanted")));
    if (!(*mine)->check(hash)) ++lost;
    std::error_code gone;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2), gone);
  }
  stop = true;
  sweeper.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GT(removed, 0);
}

TEST(SharedBlobFiles, OpeningLeavesAloneWhatAnotherProcessWrites) {
  const triune::testing::TemporaryDirectory directory;
  auto mine = BlobFiles::open(directory.path() / "blobs", BlobFiles::Use::shared);
  ASSERT_TRUE(mine);
  const auto temporary = directory.path() / "blobs" / "tmp" / "theirs";
  ASSERT_TRUE(base::write_durably(temporary, as_bytes("half")));
  auto theirs = BlobFiles::open(directory.path() / "blobs", BlobFiles::Use::shared);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(*(*theirs)->sweep_temporaries(std::chrono::seconds(0)), 0U);
  EXPECT_TRUE(std::filesystem::exists(temporary));
  std::filesystem::last_write_time(temporary, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(*(*theirs)->sweep_temporaries(std::chrono::seconds(0)), 1U);
}

}  // namespace
}  // namespace triune::runtime
