// Positions, saving, reopening, and files that are not what was written.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "conformance/vector/fixture.h"

namespace triune::conformance {
namespace {

using contract::Position;

class Persistence : public VectorConformance {
 protected:
  [[nodiscard]] bool is_persistent() const { return store_->capabilities().persistent; }

  /// What a store keeps, by path.
  using Files = std::map<std::filesystem::path, std::string>;

  Files saved_files() const {
    Files files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path()))
      if (entry.is_regular_file()) files[entry.path()] = contents(entry.path());
    EXPECT_FALSE(files.empty());
    return files;
  }

  /// Saves until nothing changes any more: an engine may rearrange its files in the background.
  void save_at_rest(const std::string& collection) {
    Files before;
    for (int same = 0; same < 4; ++same) {
      ASSERT_TRUE(store_->save(collection).has_value());
      auto now = saved_files();
      if (now != before) same = 0;
      before = std::move(now);
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
  }

  /// Exactly these files, with `bad` in place of the one at `path`.
  void put_back(const Files& files, const std::filesystem::path& path, std::string_view bad) const {
    std::filesystem::remove_all(directory_.path() / "vectors");
    for (const auto& [each, good] : files) {
      std::filesystem::create_directories(each.parent_path());
      overwrite(each, each == path ? bad : std::string_view(good));
    }
  }

  static std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static void overwrite(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << bytes;
  }

  /// Large files may be verified as they are read only.
  Status open_and_read(const std::string& collection, std::uint32_t dimension) {
    if (auto status = open(collection, dimension); !status) return status;
    return store_->scan(collection, [](VectorKey, std::span<const float>) -> Status { return {}; });
  }

  Position must_position(const std::string& collection) {
    const auto position = store_->position(collection);
    EXPECT_TRUE(position.has_value() && position->has_value());
    return position && *position ? **position : Position{};
  }
};

TEST_P(Persistence, A_position_moves_with_its_batch) {
  ASSERT_TRUE(open("points", 2));
  EXPECT_FALSE(store_->position("points")->has_value());
  EXPECT_FALSE(store_->saved_position("points")->has_value());
  must_apply("points", {.puts = {{1, {1, 2}, {}}}, .deletes = {}, .position = Position{"first", 10}});
  EXPECT_EQ(must_position("points"), (Position{"first", 10}));
  must_apply("points", {.puts = {{2, {1, 2}, {}}}, .deletes = {}, .position = {}});
  EXPECT_EQ(must_position("points"), (Position{"first", 10})) << "a batch without a position leaves it";
  must_apply("points", {.puts = {}, .deletes = {}, .position = Position{"first", 11}});
  EXPECT_EQ(must_position("points"), (Position{"first", 11})) << "an empty batch moves it too";
  EXPECT_FALSE(store_->saved_position("points")->has_value());
}

TEST_P(Persistence, Reopens_with_its_position) {
  if (!is_persistent()) GTEST_SKIP() << "the engine keeps nothing";
  for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
    const std::string name(to_string(metric));
    ASSERT_TRUE(open(name, 32, metric));
    Truth truth(metric);
    contract::VectorBatch batch{.puts = clustered(700, 32, 21), .deletes = {}, .position = Position{"history", 42}};
    for (auto& entry : batch.puts)
      if (entry.key % 5 == 0)
        entry.metadata = {{"text", std::string("naïve \"x\"")},
                          {"number", std::int64_t{-3}},
                          {"none", Value{}},
                          {"real", 0.1},
                          {"truth", true},
                          {"json", Json{"[1]"}},
                          {"bytes", Bytes{std::byte{0}}}};
    must_apply(name, batch);
    truth.apply(batch);
    settle(name);
    const contract::VectorBatch deletes{.puts = {}, .deletes = {3, 50, 699}, .position = Position{"history", 43}};
    must_apply(name, deletes);
    truth.apply(deletes);
    const auto before = must_scan(name);
    ASSERT_TRUE(store_->save(name).has_value());
    EXPECT_EQ(**store_->saved_position(name), (Position{"history", 43}));
    EXPECT_GT(store_->statistics(name)->file_bytes, 0U);
    reopen();
    ASSERT_TRUE(open(name, 32, metric));
    EXPECT_EQ(must_position(name), (Position{"history", 43}));
    EXPECT_EQ(**store_->saved_position(name), (Position{"history", 43}));
    EXPECT_EQ(must_scan(name), before);
    auto options = nearest(25);
    for (const bool exact : {false, true}) {
      options.exact = exact;
      const auto answer = must_search(name, batch.puts[9].values, options);
      EXPECT_GE(check_answer(answer, truth, batch.puts[9].values, options), 24U);
    }
    options.filter.equals = batch.puts[4].metadata;
    EXPECT_GE(check_answer(must_search(name, batch.puts[4].values, options), truth, batch.puts[4].values, options),
              24U);
  }
}

TEST_P(Persistence, Without_a_save_a_reopened_store_falls_back_with_its_position) {
  if (!is_persistent()) GTEST_SKIP() << "the engine keeps nothing";
  ASSERT_TRUE(open("points", 8));
  must_apply("points", {.puts = clustered(200, 8, 22), .deletes = {}, .position = Position{"history", 1}});
  ASSERT_TRUE(store_->save("points").has_value());
  must_apply("points", {.puts = {}, .deletes = {1, 2, 3}, .position = Position{"history", 2}});
  EXPECT_EQ(must_position("points").lsn, 2U);
  EXPECT_EQ((*store_->saved_position("points"))->lsn, 1U);
  reopen();
  ASSERT_TRUE(open("points", 8));
  EXPECT_EQ(must_position("points").lsn, 1U);
  EXPECT_EQ(must_scan("points").size(), 200U);
}

TEST_P(Persistence, A_reopened_store_goes_on) {
  if (!is_persistent()) GTEST_SKIP() << "the engine keeps nothing";
  ASSERT_TRUE(open("points", 16));
  Truth truth(Metric::cosine);
  const auto pool = clustered(900, 16, 23);
  for (std::size_t round = 0; round < 6; ++round) {
    contract::VectorBatch batch;
    for (std::size_t at = round * 150; at < (round + 1) * 150; ++at) batch.puts.push_back(pool[at]);
    for (VectorKey key = 1; key <= round * 100; key += 4) batch.deletes.push_back(key);
    batch.position = Position{"history", round + 1};
    must_apply("points", batch);
    truth.apply(batch);
    settle("points");
    ASSERT_TRUE(store_->save("points").has_value());
    reopen();
    ASSERT_TRUE(open("points", 16));
    EXPECT_EQ(must_position("points").lsn, round + 1);
    EXPECT_EQ(must_scan("points").size(), truth.entries().size());
    const auto query = pool[round * 150 + 3].values;
    EXPECT_GE(check_answer(must_search("points", query, nearest(20)), truth, query, nearest(20)), 19U);
  }
}

TEST_P(Persistence, Any_text_names_a_collection_and_no_name_leaves_the_directory) {
  const std::string with_null("a\0b", 3);
  const std::vector<std::string> names{
      "../x",         "/etc/passwd", "a/b", "..", ".",   "Ünïcodé 语言 🦆",       "a b\n\t",
      with_null,      "a",           "A",   "ä",  "CON", std::string(5'000, 'x'), std::string(5'000, 'x') + "y",
      "' OR 1=1; --", "%2e%2e%2f"};
  std::uint64_t lsn = 0;
  for (const auto& name : names) {
    ASSERT_TRUE(open(name, 2, Metric::l2)) << name;
    ++lsn;
    must_apply(name,
               {.puts = {{lsn, {static_cast<float>(lsn), 0}, {}}}, .deletes = {}, .position = Position{"h", lsn}});
    ASSERT_TRUE(store_->save(name).has_value());
  }
  if (!is_persistent()) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
    EXPECT_EQ(entry.path().filename(), "vectors");
  reopen();
  lsn = 0;
  for (const auto& name : names) {
    ++lsn;
    ASSERT_TRUE(open(name, 2, Metric::l2)) << name;
    EXPECT_EQ(must_position(name).lsn, lsn) << name;
    EXPECT_TRUE(must_scan(name).contains(lsn)) << name;
  }
}

TEST_P(Persistence, Dropping_removes_the_files) {
  ASSERT_TRUE(open("points", 2));
  must_apply("points", {.puts = {{1, {1, 2}, {}}}, .deletes = {}, .position = Position{"h", 1}});
  ASSERT_TRUE(store_->save("points").has_value());
  ASSERT_TRUE(store_->drop_collection("points").has_value());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path()))
    EXPECT_FALSE(entry.is_regular_file()) << entry.path();
  ASSERT_TRUE(open("points", 3, Metric::l2));
  EXPECT_TRUE(must_scan("points").empty());
  EXPECT_FALSE(store_->position("points")->has_value());
}

TEST_P(Persistence, Another_definition_than_on_disk_is_a_conflict) {
  if (!is_persistent()) GTEST_SKIP() << "the engine keeps nothing";
  ASSERT_TRUE(open("points", 4, Metric::l2));
  must_put("points", {{1, {1, 2, 3, 4}, {}}});
  ASSERT_TRUE(store_->save("points").has_value());
  reopen();
  EXPECT_CODE(open("points", 5, Metric::l2), ErrorCode::conflict);
  EXPECT_CODE(open("points", 4, Metric::dot), ErrorCode::conflict);
  EXPECT_TRUE(open("points", 4, Metric::l2).has_value());
}

TEST_P(Persistence, Every_damaged_byte_is_noticed) {
  if (!is_persistent()) GTEST_SKIP() << "the engine keeps nothing";
  ASSERT_TRUE(open("points", 8));
  must_apply("points", {.puts = clustered(150, 8, 24), .deletes = {}, .position = Position{"h", 9}});
  settle("points");
  save_at_rest("points");
  store_.reset();
  for (const auto& [file, good] : saved_files()) {
    const std::size_t step = good.size() / 257 + 1;
    for (std::size_t at = 0; at < good.size(); at += at < 64 || at + 200 > good.size() ? 1 : step) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x10);
      overwrite(file, bad);
      reopen();
      const auto status = open_and_read("points", 8);
      ASSERT_FALSE(status.has_value()) << "byte " << at << " of " << good.size() << " of " << file;
      ASSERT_EQ(to_string(status.error().code), "corruption") << "byte " << at << ": " << status.error().message;
      ASSERT_NE(status.error().message.find(file.string()), std::string::npos) << status.error().message;
    }
    overwrite(file, good);
  }
  reopen();
  EXPECT_TRUE(open("points", 8).has_value());
  EXPECT_EQ(must_scan("points").size(), 150U);
}

TEST_P(Persistence, Truncated_foreign_and_swapped_files_are_noticed_and_dropped) {
  if (!is_persistent()) GTEST_SKIP() << "the engine keeps nothing";
  ASSERT_TRUE(open("other", 8));
  must_put("other", clustered(50, 8, 25));
  ASSERT_TRUE(store_->save("other").has_value());
  std::vector<std::string> others;
  for (const auto& [path, bytes] : saved_files()) others.push_back(bytes);
  ASSERT_TRUE(store_->drop_collection("other").has_value());
  ASSERT_TRUE(open("points", 8));
  must_put("points", clustered(150, 8, 26));
  save_at_rest("points");
  store_.reset();
  const auto files = saved_files();
  for (const auto& [file, good] : files) {
    std::vector<std::string> bad = others;
    bad.insert(bad.end(), {"", "x", "SQLite format 3", std::string(100'000, '\0'), good + "x", good + good});
    for (const std::size_t size : {1UL, 15UL, 16UL, 40UL, good.size() / 2, good.size() - 8, good.size() - 1})
      if (size < good.size()) bad.push_back(good.substr(0, size));
    for (const auto& bytes : bad) {
      if (bytes == good) continue;
      put_back(files, file, bytes);
      reopen();
      EXPECT_CODE(open_and_read("points", 8), ErrorCode::corruption);
      ASSERT_TRUE(store_->drop_collection("points").has_value()) << "dropping works on damaged files";
      ASSERT_TRUE(open("points", 8).has_value());
      EXPECT_TRUE(must_scan("points").empty());
    }
  }
}

TEST_P(Persistence, A_bulk_load_fills_an_empty_collection) {
  ASSERT_TRUE(open("points", 16));
  Truth truth(Metric::cosine);
  const auto entries = clustered(1'000, 16, 27);
  truth.apply({.puts = entries, .deletes = {}, .position = {}});
  const auto source = [&](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    for (const auto& entry : entries)
      if (auto status = visitor(entry); !status) return status;
    return {};
  };
  ASSERT_TRUE(store_->bulk_load("points", 10, source, {"history", 5}).has_value());
  EXPECT_EQ(must_position("points"), (Position{"history", 5}));
  EXPECT_EQ(store_->statistics("points")->vectors, 1'000U);
  EXPECT_GE(check_answer(must_search("points", entries[4].values, nearest(50)), truth, entries[4].values, nearest(50)),
            48U);
  EXPECT_CODE(store_->bulk_load("points", 10, source, {"history", 6}), ErrorCode::conflict);
  EXPECT_EQ(must_position("points").lsn, 5U);
}

TEST_P(Persistence, A_bulk_load_that_fails_leaves_nothing) {
  ASSERT_TRUE(open("points", 4));
  const auto broken = [](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    for (const auto& entry : clustered(300, 4, 28))
      if (auto status = visitor(entry); !status) return status;
    return failure(ErrorCode::unavailable, "the source broke off");
  };
  EXPECT_CODE(store_->bulk_load("points", 300, broken, {"h", 1}), ErrorCode::unavailable);
  const auto twice = [](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    for (int again = 0; again < 2; ++again)
      if (auto status = visitor({7, {1, 2, 3, 4}, {}}); !status) return status;
    return {};
  };
  EXPECT_CODE(store_->bulk_load("points", 2, twice, {"h", 1}), ErrorCode::invalid_argument);
  const auto wrong = [](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    return visitor({7, {1, 2, 3}, {}});
  };
  EXPECT_CODE(store_->bulk_load("points", 1, wrong, {"h", 1}), ErrorCode::invalid_argument);
  EXPECT_TRUE(must_scan("points").empty());
  EXPECT_FALSE(store_->position("points")->has_value());
}

INSTANTIATE_TEST_SUITE_P(Engines, Persistence, testing::ValuesIn(vector_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace triune::conformance
