// What is particular to the usearch engine: when it has a graph, how it heals, what its files survive.
#include "adapters/usearch/usearch_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>

#include "base/file.h"

namespace triune::adapters::usearch {
namespace {

using contract::Position;
using contract::VectorBatch;
using contract::VectorEntry;
using contract::VectorKey;

std::vector<VectorEntry> clustered(std::size_t count, std::uint32_t dimension, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centres(30, std::vector<float>(dimension));
  for (auto& centre : centres)
    for (float& value : centre) value = normal(random);
  std::vector<VectorEntry> entries(count);
  for (std::size_t at = 0; at < count; ++at) {
    entries[at].key = at + 1;
    for (const float value : centres[random() % centres.size()])
      entries[at].values.push_back(value + 0.4F * normal(random));
  }
  return entries;
}

class UsearchStore : public testing::Test {
 protected:
  static constexpr std::uint32_t dimension = 40;

  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "triune-usearch-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    settings_.index_from = 400;
    settings_.most_fresh = 64;
    settings_.walk_cost = 0.1;
    reopen();
  }

  void TearDown() override {
    base::set_file_fault({});
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void reopen(Metric metric = Metric::cosine) {
    store_.reset();
    store_ = std::make_unique<UsearchVectorStore>(directory_, settings_);
    const auto status = store_->open_collection({"c", dimension, metric});
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  void put(std::vector<VectorEntry> entries, std::uint64_t lsn = 1) {
    const auto status = store_->apply("c", {.puts = std::move(entries), .deletes = {}, .position = Position{"h", lsn}});
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }

  void erase(VectorKey first, VectorKey last, VectorKey step = 1) {
    VectorBatch batch;
    for (VectorKey key = first; key <= last; key += step) batch.deletes.push_back(key);
    ASSERT_TRUE(store_->apply("c", batch).has_value());
  }

  std::string strategy(const std::vector<float>& query, std::size_t count = 5) {
    contract::VectorQueryOptions options;
    options.count = count;
    const auto answer = store_->search("c", query, options);
    EXPECT_TRUE(answer.has_value());
    return answer ? answer->strategy : "";
  }

  /// Waits until the background has brought the collection to rest: `done` of its statistics.
  void wait_until(const std::function<bool(const contract::VectorStatistics&)>& done) {
    const auto deadline = Deadline::after(std::chrono::minutes(1));
    while (!done(store_->statistics("c").value())) {
      ASSERT_FALSE(deadline.expired()) << store_->statistics("c")->unindexed << " not indexed";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::size_t not_found_by_themselves(const std::vector<VectorEntry>& entries, std::uint32_t effort = 0) {
    std::size_t missed = 0;
    for (const auto& entry : entries) {
      contract::VectorQueryOptions options;
      options.count = 1;
      options.effort = effort;
      const auto answer = store_->search("c", entry.values, options);
      if (!answer || answer->matches.size() != 1 || answer->matches[0].key != entry.key) ++missed;
    }
    return missed;
  }

  std::filesystem::path directory_;
  Settings settings_;
  std::unique_ptr<UsearchVectorStore> store_;
};

TEST_F(UsearchStore, KeepsAnIndexOnlyOfManyVectors) {
  const auto entries = clustered(1'000, dimension, 1);
  put({entries.begin(), entries.begin() + 300});
  EXPECT_EQ(strategy(entries[0].values), "scan of 300");
  put({entries.begin() + 300, entries.end()});
  wait_until([](const auto& statistics) { return statistics.unindexed <= 64; });
  EXPECT_EQ(strategy(entries[0].values), "index");
  erase(101, 1'000);
  wait_until([](const auto& statistics) { return statistics.unindexed == 100; });
  EXPECT_EQ(strategy(entries[0].values), "scan of 100");
  EXPECT_EQ(not_found_by_themselves({entries.begin(), entries.begin() + 100}), 0U);
}

TEST_F(UsearchStore, SaysHowItSearched) {
  const auto entries = clustered(4'000, dimension, 2);
  put(entries);
  wait_until([](const auto& statistics) { return statistics.unindexed <= 64; });
  contract::VectorQueryOptions options;
  options.exact = true;
  EXPECT_EQ(store_->search("c", entries[0].values, options)->strategy, "scan of 4000");
  options.exact = false;
  options.filter.keys = {5, 6, 7};
  EXPECT_EQ(store_->search("c", entries[0].values, options)->strategy, "scan of 3");
  options.filter.keys = std::vector<VectorKey>();
  for (VectorKey key = 1; key < 4'000; ++key) options.filter.keys->push_back(key);
  EXPECT_EQ(store_->search("c", entries[0].values, options)->strategy, "index with filter");
}

TEST_F(UsearchStore, FreshVectorsAreFoundBeforeTheyAreIndexed) {
  auto entries = clustered(1'060, dimension, 3);
  put({entries.begin(), entries.begin() + 1'000});
  wait_until([](const auto& statistics) { return statistics.unindexed <= 64; });
  const auto before = store_->statistics("c")->unindexed;
  for (std::size_t at = 1'000; at < entries.size(); ++at) {
    put({entries[at]});
    EXPECT_EQ(not_found_by_themselves({entries[at]}), 0U);
  }
  EXPECT_GE(store_->statistics("c")->unindexed + 1'000, before);
  EXPECT_EQ(strategy(entries[0].values), "index");
}

TEST_F(UsearchStore, ChurnBuildsTheGraphAnewAndReachesEverything) {
  auto entries = clustered(1'500, dimension, 4);
  put(entries);
  wait_until([](const auto& statistics) { return statistics.unindexed <= 64; });
  const auto replacements = clustered(1'500, dimension, 5);
  for (std::size_t round = 0; round < 6; ++round) {
    std::vector<VectorEntry> changed;
    for (std::size_t at = round % 3; at < entries.size(); at += 3) {
      entries[at].values = replacements[(at + round) % replacements.size()].values;
      changed.push_back(entries[at]);
    }
    if (round % 2 == 0) erase(round % 3 + 1, 1'500, 3);
    put(changed);
    ASSERT_EQ(store_->statistics("c")->vectors, 1'500U);
  }
  wait_until([](const auto& statistics) { return statistics.unindexed <= 64; });
  // Replacements repeat vectors under other keys, so a key is looked for among those at its own distance.
  std::size_t missed = 0;
  for (const auto& entry : entries) {
    contract::VectorQueryOptions options;
    options.count = 8;
    const auto answer = store_->search("c", entry.values, options);
    ASSERT_TRUE(answer.has_value());
    if (std::ranges::find(answer->matches, entry.key, &contract::VectorMatch::key) == answer->matches.end()) ++missed;
  }
  EXPECT_EQ(missed, 0U);
  // 1,500 replaced three times over: without building anew the graph would hold 4,500 dead vectors.
  EXPECT_LT(store_->statistics("c")->memory_bytes, 3'500U * (dimension * 2 + 300));
}

TEST_F(UsearchStore, ValuesBeyondHalfPrecisionWidenTheCollectionUnderItsIndex) {
  ASSERT_TRUE(store_->drop_collection("c").has_value());
  reopen(Metric::l2);
  auto entries = clustered(800, dimension, 6);
  put(entries);
  wait_until([](const auto& statistics) { return statistics.unindexed <= 64; });
  const auto narrow_bytes = store_->statistics("c")->memory_bytes;
  VectorEntry far{.key = 5'000, .values = std::vector<float>(dimension, 1e6F), .metadata = {}};
  // A query that half precision cannot hold is compared exactly, whatever the collection holds.
  EXPECT_EQ(strategy(far.values), "scan of 800");
  put({far}, 2);
  EXPECT_GT(store_->statistics("c")->memory_bytes, narrow_bytes);
  entries.push_back(far);
  EXPECT_EQ(not_found_by_themselves(entries), 0U);
  ASSERT_TRUE(store_->save("c").has_value());
  reopen(Metric::l2);
  EXPECT_EQ(not_found_by_themselves(entries), 0U);
  const auto answer = store_->search("c", far.values, {});
  EXPECT_EQ(answer->matches.at(0).key, 5'000U);
  EXPECT_FLOAT_EQ(answer->matches.at(0).distance, 0);
}

TEST_F(UsearchStore, ReadableFileNamesStayInTheDirectory) {
  EXPECT_EQ(store_->file_of("../x").parent_path(), directory_);
  EXPECT_NE(store_->file_of("a"), store_->file_of("A"));
  EXPECT_LT(store_->file_of(std::string(100'000, 'z')).filename().string().size(), 100U);
  EXPECT_EQ(store_->file_of("notes_2024").filename().string().rfind("notes_2024-", 0), 0U);
}

TEST_F(UsearchStore, ASaveThatFailsLeavesTheLastOne) {
  const auto entries = clustered(500, dimension, 7);
  put({entries.begin(), entries.begin() + 100}, 1);
  ASSERT_TRUE(store_->save("c").has_value());
  put({entries.begin() + 100, entries.end()}, 2);
  for (const auto operation : {base::FileOperation::open, base::FileOperation::write, base::FileOperation::sync,
                               base::FileOperation::rename}) {
    base::set_file_fault(
        [operation](base::FileOperation at, const std::filesystem::path&) { return at == operation ? ENOSPC : 0; });
    const auto status = store_->save("c");
    base::set_file_fault({});
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(to_string(status.error().code), "resource_exhausted") << status.error().message;
    EXPECT_EQ((*store_->saved_position("c"))->lsn, 1U);
    EXPECT_EQ(store_->statistics("c")->vectors, 500U) << "a failed save harms nothing in memory";
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1U) << "failed saves clean up";
  reopen();
  EXPECT_EQ((*store_->position("c"))->lsn, 1U);
  EXPECT_EQ(store_->statistics("c")->vectors, 100U);
}

TEST_F(UsearchStore, SavingWithoutAChangeWritesNothing) {
  put(clustered(100, dimension, 8));
  ASSERT_TRUE(store_->save("c").has_value());
  base::set_file_fault([](base::FileOperation, const std::filesystem::path&) { return EIO; });
  EXPECT_TRUE(store_->save("c").has_value());
  base::set_file_fault({});
  put(clustered(1, dimension, 9), 2);
  ASSERT_TRUE(store_->save("c").has_value());
  EXPECT_EQ((*store_->saved_position("c"))->lsn, 2U);
}

TEST_F(UsearchStore, ADroppedCollectionIsNotSavedAgain) {
  put(clustered(100, dimension, 10));
  ASSERT_TRUE(store_->drop_collection("c").has_value());
  const auto status = store_->save("c");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(to_string(status.error().code), "not_found");
  EXPECT_EQ(status.error().engine, "usearch");
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

// Runs this program again as a process that saves twice and dies at the failpoint named in its environment.
class CrashedSave : public UsearchStore {
 protected:
  static int run_child(const std::string& directory, const std::string& failpoint) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("TRIUNE_FAILPOINT", failpoint.c_str(), 1);
      ::setenv("TRIUNE_TEST_CHILD_DIRECTORY", directory.c_str(), 1);
      ::execl("/proc/self/exe", "usearch_test", "--gtest_filter=CrashChild.*", nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
};

TEST(CrashChild, SavesTwice) {
  const char* directory = std::getenv("TRIUNE_TEST_CHILD_DIRECTORY");
  if (directory == nullptr) GTEST_SKIP() << "runs in the children of CrashedSave only";
  UsearchVectorStore store(directory, Settings{});
  ASSERT_TRUE(store.open_collection({"c", 40, Metric::cosine}).has_value());
  const auto source = [](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    for (const auto& entry : clustered(200, 40, 11))
      if (auto status = visitor(entry); !status) return status;
    return {};
  };
  ASSERT_TRUE(store.bulk_load("c", 200, source, {"h", 1}).has_value());
  ASSERT_TRUE(store.save("c").has_value());
  ASSERT_TRUE(store.apply("c", {.puts = {}, .deletes = {1}, .position = Position{"h", 2}}).has_value());
  ASSERT_TRUE(store.save("c").has_value());
}

TEST_F(CrashedSave, FallsBackToTheLastWholeSnapshot) {
  const std::vector<std::pair<std::string, std::uint64_t>> cases{{"usearch.bulk_load.loaded:1", 0},
                                                                 {"usearch.save.written:1", 0},
                                                                 {"usearch.save.renamed:1", 1},
                                                                 {"usearch.save.written:2", 1},
                                                                 {"usearch.save.renamed:2", 2}};
  for (const auto& [failpoint, lsn] : cases) {
    store_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) std::filesystem::remove_all(entry);
    const int status = run_child(directory_, failpoint);
    ASSERT_TRUE(WIFSIGNALED(status)) << failpoint;
    ASSERT_EQ(WTERMSIG(status), SIGKILL) << failpoint;
    reopen();
    const auto position = store_->position("c").value();
    EXPECT_EQ(position ? position->lsn : 0, lsn) << failpoint;
    EXPECT_EQ(store_->statistics("c")->vectors, lsn == 0 ? 0U : 201U - lsn) << failpoint;
    put(clustered(10, dimension, 12), 9);
    ASSERT_TRUE(store_->save("c").has_value()) << "what the dead process left does not stand in the way";
  }
}

// The groups of 200 lie far apart and come one after the other, so that the first ones get no links from later ones.
class GroupsInOrder : public UsearchStore {
 protected:
  static constexpr std::size_t groups = 120;
  static constexpr std::size_t members = 200;

  void SetUp() override {
    UsearchStore::SetUp();
    settings_ = {};
    settings_.index_from = 4'000;
    settings_.most_fresh = 1'000;
    reopen();
    std::mt19937_64 random(11);
    std::normal_distribution<float> normal;
    std::vector<float> centre(dimension);
    for (VectorKey key = 0; key < groups * members; ++key) {
      if (key % members == 0)
        for (float& value : centre) value = 5 * normal(random);
      VectorEntry entry{.key = key, .values = {}, .metadata = {}};
      for (const float value : centre) entry.values.push_back(value + 0.3F * normal(random));
      entries_.push_back(std::move(entry));
    }
  }

  /// What is being made anew in the background comes to that. Of what was added since all were tried, a few may be
  /// lost.
  void expect_nearly_all_found() {
    constexpr std::uint32_t thorough = 512;
    const auto deadline = Deadline::after(std::chrono::minutes(1));
    const std::size_t few = entries_.size() / 100;
    std::size_t missed = not_found_by_themselves(entries_, thorough);
    while (missed > few && !deadline.expired()) missed = not_found_by_themselves(entries_, thorough);
    EXPECT_LE(missed, few);
    EXPECT_LE(not_found_by_themselves(entries_), 2 * few);
    EXPECT_EQ(strategy(entries_[0].values), "index");
  }

  std::vector<VectorEntry> entries_;
};

TEST_F(GroupsInOrder, AreFoundWhenTheyAreLoaded) {
  ASSERT_TRUE(store_->bulk_load("c", entries_.size(),
                                [&](const auto& visit) -> Status {
                                  for (const auto& entry : entries_)
                                    if (auto status = visit(entry); !status) return status;
                                  return {};
                                },
                                {"test", 1}));
  expect_nearly_all_found();
}

TEST_F(GroupsInOrder, AreFoundWhenTheyComeOneAfterTheOther) {
  for (std::size_t at = 0; at < entries_.size(); at += members) {
    VectorBatch batch;
    batch.puts.assign(entries_.begin() + static_cast<std::ptrdiff_t>(at),
                      entries_.begin() + static_cast<std::ptrdiff_t>(at + members));
    ASSERT_TRUE(store_->apply("c", batch).has_value());
  }
  wait_until([&](const auto& statistics) { return statistics.unindexed <= settings_.most_fresh; });
  expect_nearly_all_found();
}

}  // namespace
}  // namespace triune::adapters::usearch
