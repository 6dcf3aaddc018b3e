// What the conformance suite does not ask of every engine: the process and its deaths, seals, bounds, versions, words.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "adapters/lancedb/lance_fixture.h"

namespace triune::adapters::lancedb {
namespace {

std::size_t files_below(const std::filesystem::path& directory) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    files += entry.is_regular_file() ? 1 : 0;
  return files;
}

TEST(LanceInstallation, What_is_not_installed_says_how_to_install_it) {
  const char* before = std::getenv("TRIUNE_LANCEDB");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TRIUNE_LANCEDB", "/nowhere/at/all", 1);
  contract::EngineOptions options;
  options.path = "/nowhere";
  const auto opened = LanceVectorStore::open(options);
  if (before == nullptr)
    unsetenv("TRIUNE_LANCEDB");
  else
    setenv("TRIUNE_LANCEDB", kept.c_str(), 1);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::unsupported);
  EXPECT_NE(opened.error().message.find("./dev build --with lancedb"), std::string::npos) << opened.error().message;
}

TEST_F(LanceStore, A_killed_process_loses_nothing_and_is_started_again) {
  ASSERT_TRUE(store_->open_collection(points()));
  std::uint64_t starts = 0;
  for (int round = 0; round < 3; ++round) {
    contract::VectorBatch batch;
    for (int at = 0; at < 50; ++at)
      batch.puts.push_back({static_cast<VectorKey>(50 * round + at), {static_cast<float>(at), 1}, {}});
    must_apply(batch);
    if (round % 2 == 0) must_save();
    const pid_t process = worker_->process_id();
    if (process > 0) kill(process, SIGKILL);
    starts = worker_->starts();
    const auto answer = store_->search("points", std::vector<float>{0, 1}, nearest(1'000));
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->matches.size(), 50U * (round + 1));
  }
  must_save();
  EXPECT_EQ(contents(*store_).size(), 150U);
  EXPECT_GT(worker_->starts(), 1U);
  EXPECT_GE(worker_->starts(), starts);
}

TEST_F(LanceStore, A_killed_process_is_started_again_before_it_is_asked) {
  ASSERT_TRUE(store_->open_collection(points()));
  must_apply({.puts = {{1, {1, 2}, {}}}, .deletes = {}, .position = {}});
  must_save();
  const auto starts = worker_->starts();
  const pid_t process = worker_->process_id();
  ASSERT_EQ(kill(process, SIGKILL), 0);
  const auto deadline = Deadline::after(std::chrono::minutes(3));
  while (worker_->starts() == starts || worker_->process_id() == 0) {
    ASSERT_FALSE(deadline.expired());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_NE(worker_->process_id(), process);
}

TEST_F(LanceStore, A_search_waits_for_a_process_that_starts_no_longer_than_its_deadline) {
  worker_ = std::make_shared<Worker>(*find_python(), WorkerLimits{});
  store_ = open(directory_ / "own");
  ASSERT_TRUE(store_->open_collection(points()));
  must_apply({.puts = {{1, {1, 2}, {}}}, .deletes = {}, .position = {}});
  must_save();
  ASSERT_EQ(kill(worker_->process_id(), SIGKILL), 0);
  auto options = nearest(1);
  options.deadline = Deadline::after(std::chrono::milliseconds(2));
  const auto late = store_->search("points", std::vector<float>{1, 2}, options);
  ASSERT_FALSE(late.has_value());
  EXPECT_TRUE(late.error().code == ErrorCode::deadline_exceeded || late.error().code == ErrorCode::unavailable);
  const auto answer = store_->search("points", std::vector<float>{1, 2}, nearest(1));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->matches.size(), 1U);
}

TEST_F(LanceStore, Searches_beside_killed_processes_are_answered_or_refused_and_never_wrong) {
  ASSERT_TRUE(store_->open_collection(points()));
  contract::VectorBatch batch;
  for (VectorKey key = 0; key < 300; ++key) batch.puts.push_back({key, {static_cast<float>(key), 0}, {}});
  must_apply(batch);
  must_save();
  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::jthread reader([&] {
    const auto deadline = Deadline::after(std::chrono::minutes(4));
    while (!done && !deadline.expired()) {
      const auto answer = store_->search("points", std::vector<float>{0, 0}, nearest(300));
      if (!answer) {
        EXPECT_EQ(answer.error().code, ErrorCode::unavailable) << answer.error().message;
        continue;
      }
      EXPECT_EQ(answer->matches.size(), 300U);
      ++answered;
    }
  });
  for (int round = 0; round < 2; ++round) {
    const auto deadline = Deadline::after(std::chrono::minutes(3));
    for (const int before = answered; answered < before + 3;) {
      ASSERT_FALSE(deadline.expired());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(worker_->process_id(), SIGKILL);
  }
  const auto answer = store_->search("points", std::vector<float>{0, 0}, nearest(300));
  done = true;
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->matches.size(), 300U);
  EXPECT_GT(answered, 0);
}

TEST_F(LanceStore, A_process_that_hangs_costs_a_search_its_deadline_and_no_more) {
  ASSERT_TRUE(store_->open_collection(points()));
  must_apply({.puts = {{1, {1, 2}, {}}}, .deletes = {}, .position = {}});
  must_save();
  const pid_t process = worker_->process_id();
  ASSERT_GT(process, 0);
  ASSERT_EQ(kill(process, SIGSTOP), 0);
  auto options = nearest(1);
  options.deadline = Deadline::after(std::chrono::milliseconds(300));
  const auto late = store_->search("points", std::vector<float>{1, 2}, options);
  ASSERT_EQ(kill(process, SIGCONT), 0);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::deadline_exceeded);
  const auto answer = store_->search("points", std::vector<float>{1, 2}, nearest(1));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->matches.size(), 1U);
}

// What a crash leaves is what is on the disk: so the disk is copied while the store goes on.
TEST_F(LanceStore, After_a_crash_a_collection_is_what_was_sealed_last) {
  settings_.flush_rows = 1;
  settings_.flush_age = std::chrono::milliseconds(1);
  store_ = open(directory_ / "live");
  ASSERT_TRUE(store_->open_collection(points()));
  must_apply({.puts = {{1, {1, 0}, {}}, {2, {2, 0}, {}}}, .deletes = {}, .position = Position{"history", 1}});
  must_save();
  const auto versions = store_->versions("points")->size();
  must_apply({.puts = {{3, {3, 0}, {}}}, .deletes = {1}, .position = Position{"history", 2}});
  const auto deadline = Deadline::after(std::chrono::seconds(30));
  while (store_->versions("points")->size() == versions) ASSERT_FALSE(deadline.expired());
  EXPECT_EQ((*store_->saved_position("points"))->lsn, 1U);
  std::filesystem::copy(directory_ / "live", directory_ / "crashed", std::filesystem::copy_options::recursive);
  auto crashed = open(directory_ / "crashed");
  const auto status = crashed->open_collection(points());
  ASSERT_TRUE(status.has_value()) << status.error().message;
  EXPECT_EQ((*crashed->position("points"))->lsn, 1U);
  EXPECT_EQ(contents(*crashed), (std::map<VectorKey, std::vector<float>>{{1, {1, 0}}, {2, {2, 0}}}));
  // It goes on from there, over the numbers of the versions that were undone.
  ASSERT_TRUE(crashed->apply("points", {.puts = {{9, {9, 0}, {}}}, .deletes = {}, .position = Position{"history", 3}}));
  ASSERT_TRUE(crashed->save("points"));
  EXPECT_EQ(contents(*crashed).size(), 3U);
}

TEST_F(LanceStore, Many_small_writes_leave_few_versions_and_files_and_every_row_once) {
  settings_.flushes_before_compaction = 8;
  settings_.flushes_before_a_look = 4;
  settings_.most_versions = 16;
  settings_.kept_versions = 4;
  store_ = open(directory_ / "bounded");
  ASSERT_TRUE(store_->open_collection(points()));
  std::mt19937_64 random(std::random_device{}());
  std::map<VectorKey, std::vector<float>> truth;
  std::uint64_t most_versions = 0;
  std::size_t most_files = 0;
  for (std::uint64_t round = 1; round <= 80; ++round) {
    contract::VectorBatch batch;
    for (VectorKey key = round % 7; key < 200; key += 37) {
      batch.puts.push_back({key, {static_cast<float>(round), static_cast<float>(random() % 100)}, {}});
      truth[key] = batch.puts.back().values;
    }
    const VectorKey gone = random() % 200;
    if (!truth.contains(gone) || truth[gone][0] != static_cast<float>(round)) {
      batch.deletes = {gone};
      truth.erase(gone);
    }
    batch.position = Position{"history", round};
    must_apply(batch);
    must_save();
    if (round % 10 != 0) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(150));  // the store's thread has its turns
    most_versions = std::max(most_versions, store_->table_statistics("points")->versions);
    most_files = std::max(most_files, files_below(directory_ / "bounded"));
    ASSERT_EQ(contents(*store_), truth) << "round " << round;
  }
  EXPECT_LE(most_versions, 60U);
  EXPECT_LE(most_files, 300U);
  store_ = open(directory_ / "bounded");
  ASSERT_TRUE(store_->open_collection(points()));
  EXPECT_EQ(contents(*store_), truth);
  EXPECT_EQ((*store_->position("points"))->lsn, 80U);
}

TEST_F(LanceStore, Many_admitted_keys_are_found_near_the_query_and_far_from_it) {
  ASSERT_TRUE(store_->open_collection(points()));
  contract::VectorBatch batch;
  for (VectorKey key = 0; key < 3'000; ++key) batch.puts.push_back({key, {static_cast<float>(key), 0}, {}});
  must_apply(batch);
  must_save();
  auto options = nearest(5);
  options.filter.keys.emplace();
  for (VectorKey key = 1'500; key < 3'000; ++key) options.filter.keys->push_back(key);
  for (const float query : {2'900.0F, 1'499.0F, 0.0F}) {
    const auto answer = store_->search("points", std::vector<float>{query, 0}, options);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    ASSERT_EQ(answer->matches.size(), 5U);
    EXPECT_EQ(answer->matches[0].key, std::max<VectorKey>(1'500, static_cast<VectorKey>(query)));
    for (const auto& match : answer->matches) EXPECT_GE(match.key, 1'500U);
  }
}

TEST_F(LanceStore, An_older_version_is_searched_as_it_was) {
  ASSERT_TRUE(store_->open_collection(points()));
  EXPECT_TRUE(store_->versions("points")->empty());
  must_apply({.puts = {{1, {1, 0}, {}}, {2, {2, 0}, {}}}, .deletes = {}, .position = {}});
  must_save();
  const auto then = store_->versions("points")->back();
  EXPECT_EQ(then.rows, 2U);
  must_apply({.puts = {{1, {50, 0}, {}}, {3, {3, 0}, {}}}, .deletes = {2}, .position = {}});
  must_save();
  const std::vector<float> query{1, 0};
  const auto old = store_->search_version("points", then.number, query, nearest(10));
  ASSERT_TRUE(old.has_value()) << old.error().message;
  ASSERT_EQ(old->matches.size(), 2U);
  EXPECT_EQ(old->matches[0].key, 1U);
  EXPECT_FLOAT_EQ(old->matches[0].distance, 0);
  EXPECT_EQ(old->matches[1].key, 2U);
  const auto now = store_->search("points", query, nearest(10));
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->matches[0].key, 3U);
  EXPECT_FALSE(store_->search_version("points", 9'999, query, nearest(1)).has_value());
}

TEST_F(LanceStore, Words_are_found_in_what_is_there_now) {
  ASSERT_TRUE(store_->open_collection(points()));
  const auto text = [](const char* words) { return Record{{"text", std::string(words)}}; };
  EXPECT_TRUE(store_->search_text("points", "otter", 5, Deadline::after(std::chrono::minutes(1)))->empty());
  must_apply({.puts = {{1, {1, 0}, text("the otter swims")},
                       {2, {2, 0}, text("a fox runs")},
                       {3, {3, 0}, text("otter and fox")},
                       {4, {4, 0}, {}}},
              .deletes = {},
              .position = {}});
  const auto keys_of = [&](const char* words) {
    const auto found = store_->search_text("points", words, 5, Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(found.has_value()) << found.error().message;
    std::vector<VectorKey> keys;
    for (const auto& match : *found) keys.push_back(match.key);
    std::ranges::sort(keys);
    return keys;
  };
  EXPECT_EQ(keys_of("otter"), (std::vector<VectorKey>{1, 3}));
  must_apply({.puts = {{2, {2, 0}, text("an otter now")}}, .deletes = {1}, .position = {}});
  EXPECT_EQ(keys_of("otter"), (std::vector<VectorKey>{2, 3}));
  EXPECT_EQ(keys_of("fox"), (std::vector<VectorKey>{3}));
}

TEST_F(LanceStore, Rows_of_a_search_are_compared_and_those_that_have_gone_are_left_out) {
  Table table(worker_, {(directory_ / "rows").string(), "t", 2});
  ASSERT_TRUE(table.create());
  std::vector<StoredRow> rows;
  for (VectorKey key = 0; key < 5; ++key) rows.push_back({.key = key, .values = {static_cast<float>(key), 0}});
  ASSERT_TRUE(table.append(rows));
  const std::vector<float> place{3, 0};
  const TableQuery query{.values = place, .metric = "l2", .count = 4, .refine = 0};
  const auto found = table.search(query);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  ASSERT_EQ(found->size(), 4U);
  std::vector<std::uint64_t> places;
  for (const auto& match : *found) places.push_back(match.row);
  places.push_back(std::uint64_t{9} << 32U);  // of no fragment
  ASSERT_TRUE(table.flush({}, {2}));
  const auto compared = table.compare(query, places);
  ASSERT_TRUE(compared.has_value()) << compared.error().message;
  ASSERT_EQ(compared->size(), 3U);
  EXPECT_EQ((*compared)[0].key, 3U);
  EXPECT_EQ((*compared)[0].distance, 0);
  EXPECT_EQ((*compared)[1].key, 4U);
  EXPECT_EQ((*compared)[2].key, 1U);
  EXPECT_EQ((*compared)[2].distance, 4);
}

}  // namespace
}  // namespace triune::adapters::lancedb
