// The parts that need no LanceDB: Arrow messages, seals, labels.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "adapters/lancedb/arrow_message.h"
#include "adapters/lancedb/index_choice.h"
#include "adapters/lancedb/labels.h"
#include "adapters/lancedb/seal.h"
#include "base/file.h"

namespace triune::adapters::lancedb {
namespace {

std::string message() {
  const std::vector<std::uint64_t> keys{1, 2, ~0ULL};
  const std::vector<float> distances{0.5F, -1, 3};
  MessageWriter writer(3);
  writer.column(std::span<const std::uint64_t>(keys));
  writer.column(std::span<const float>(distances));
  return writer.finish();
}

TEST(ArrowMessage, Is_read_as_it_was_written) {
  const auto bytes = message();
  const auto reader = MessageReader::parse(base::as_bytes(bytes));
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_EQ(reader->rows(), 3U);
  EXPECT_EQ(*reader->numbers<std::uint64_t>(1, 3), (std::vector<std::uint64_t>{1, 2, ~0ULL}));
  EXPECT_EQ(*reader->numbers<float>(3, 3), (std::vector<float>{0.5F, -1, 3}));
  EXPECT_FALSE(reader->numbers<float>(3, 4).has_value()) << "more than there are";
  EXPECT_FALSE(reader->numbers<float>(4, 0).has_value()) << "a buffer that is not there";
}

TEST(ArrowMessage, Cut_off_it_is_refused) {
  const auto bytes = message();
  for (std::size_t size = 0; size < 200; ++size)
    EXPECT_FALSE(MessageReader::parse(base::as_bytes(std::string_view(bytes).substr(0, size))).has_value()) << size;
}

TEST(ArrowMessage, Damaged_bytes_are_never_read_outside_the_message) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto good = message();
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bad = good;
    for (unsigned change = 0; change <= random() % 4; ++change)
      bad[random() % bad.size()] = static_cast<char>(random());
    const auto reader = MessageReader::parse(base::as_bytes(bad));
    if (!reader || !reader->numbers<std::uint64_t>(1, reader->rows())) ++refused;
  }
  EXPECT_GT(refused, 100) << "seed " << seed;
}

TEST(Labels, Tell_values_apart_that_differ_in_type_or_place) {
  const std::vector<Record> different{{{"a", std::int64_t{1}}},
                                      {{"a", 1.0}},
                                      {{"a", std::string("1")}},
                                      {{"a", true}},
                                      {{"a", Json{"1"}}},
                                      {{"b", std::int64_t{1}}},
                                      {{"a", std::string("b=c")}},
                                      {{"a=b", std::string("c")}},
                                      {{"a", std::string("' OR 1=1")}},
                                      {{"a", std::string(5'000, 'x')}},
                                      {{"a", std::string(5'001, 'x')}},
                                      {{"a", std::string("a\0b", 3)}},
                                      {{"a", std::string("a")}},
                                      {{"a", Bytes{std::byte{'a'}}}}};
  std::set<std::string> seen;
  for (const auto& record : different) EXPECT_TRUE(seen.insert(labels_of(record).back()).second) << to_json(record);
  for (const auto& label : seen) EXPECT_EQ(label.find('\''), std::string::npos) << label;
  EXPECT_TRUE(labels_of({{"a", Value{}}}).empty()) << "NULL is absence";
  EXPECT_EQ(condition_of({}), "");
}

class Seals : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "triune-seal-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    std::filesystem::create_directories(directory_ / "table" / "data");
    write("data/one", "first");
    write("data/two", "second");
    write("latest_version_hint.json", "{}");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(directory_ / "table" / name, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] bool exists(const std::string& name) const {
    return std::filesystem::exists(directory_ / "table" / name);
  }
  [[nodiscard]] Seal made() const {
    Seal seal{.table = "t",
              .version = 7,
              .rows = 3,
              .trained = 2,
              .probes = 5,
              .refine = 4,
              .position = contract::Position{"a b\n", 9}};
    auto files = make_durable(directory_ / "table", {});
    EXPECT_TRUE(files.has_value());
    seal.files = *files;
    seal.keys = "00000000000000ff";
    return seal;
  }

  std::filesystem::path directory_;
  contract::VectorSpecification specification_{.collection = std::string("x\0\n'", 4), .dimension = 3};
};

TEST_F(Seals, Are_read_as_they_were_written) {
  const auto seal = made();
  EXPECT_EQ(seal.files.size(), 2U) << "the hint is not sealed";
  EXPECT_FALSE(exists("latest_version_hint.json"));
  ASSERT_TRUE(write_seal(directory_ / "seal", specification_, seal));
  const auto read = read_seal(directory_ / "seal", specification_);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->table, "t");
  EXPECT_EQ((*read)->version, 7U);
  EXPECT_EQ((*read)->rows, 3U);
  EXPECT_EQ((*read)->trained, 2U);
  EXPECT_EQ((*read)->probes, 5U);
  EXPECT_EQ((*read)->refine, 4U);
  EXPECT_EQ((*read)->keys, "00000000000000ff");
  EXPECT_EQ((*read)->position, (contract::Position{"a b\n", 9}));
  EXPECT_EQ((*read)->files.size(), 2U);
  EXPECT_FALSE(read_seal(directory_ / "other", specification_)->has_value());
}

TEST_F(Seals, Remove_what_came_after_and_refuse_what_is_missing) {
  const auto seal = made();
  write("data/three", "later");
  EXPECT_TRUE(*restore_files(directory_ / "table", seal));
  EXPECT_FALSE(exists("data/three"));
  EXPECT_FALSE(*restore_files(directory_ / "table", seal)) << "nothing is left to remove";
  std::filesystem::remove(directory_ / "table" / "data" / "one");
  const auto missing = restore_files(directory_ / "table", seal);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::corruption);
}

TEST_F(Seals, While_versions_were_pruned_may_name_what_is_gone_but_not_what_changed) {
  auto seal = made();
  seal.pruning = true;
  write("data/compacted", "both");
  std::filesystem::remove(directory_ / "table" / "data" / "one");
  EXPECT_TRUE(*restore_files(directory_ / "table", seal));
  EXPECT_TRUE(exists("data/compacted"));
  write("data/two", "sec0nd");
  EXPECT_FALSE(restore_files(directory_ / "table", seal).has_value());
}

TEST(GraphRoom, IsSharedByTheTablesOfAProcess) {
  GraphRoom room(400);
  int first = 0;
  int second = 0;
  EXPECT_TRUE(room.fits(&first, 300));
  EXPECT_FALSE(room.fits(&first, 301));
  room.set(&first, 200);
  EXPECT_TRUE(room.fits(&second, 100));
  EXPECT_FALSE(room.fits(&second, 101));
  EXPECT_TRUE(room.fits(&first, 300)) << "in place of its own";
  room.set(&first, 0);
  EXPECT_TRUE(room.fits(&second, 300));
}

TEST(IndexChoice, AnIndexIsWornByGrowthOrBySegments) {
  EXPECT_FALSE(is_worn({.kind = IndexKind::ivf_sq, .rows = 80'000, .trained = 20'000, .segments = 8}));
  EXPECT_TRUE(is_worn({.kind = IndexKind::ivf_sq, .rows = 80'001, .trained = 20'000, .segments = 1}));
  EXPECT_FALSE(is_worn({.kind = IndexKind::hnsw, .rows = 80'001, .trained = 20'000, .segments = 1}))
      << "a graph has no partitions that grow";
  EXPECT_TRUE(is_worn({.kind = IndexKind::hnsw, .rows = 80'001, .trained = 80'000, .segments = 9}));
  EXPECT_FALSE(is_worn({.kind = IndexKind::hnsw, .rows = 1'000'000, .trained = 1'000'000, .segments = 30}))
      << "making it anew takes longer";
}

TEST(IndexChoice, MorePartitionsAreLookedIntoForFewerRowsMoreNeighboursAndMoreRowsThanWereTried) {
  const Trial tried{.probes = 2, .rows = 1'000'000};
  const auto probes = [&](std::uint64_t rows, std::uint64_t admitted, std::size_t count) {
    return probes_among(tried, {.rows = rows, .admitted = admitted, .count = count});
  };
  EXPECT_EQ(probes(1'000'000, 1'000'000, 10), 2U);
  EXPECT_EQ(probes(1'000'000, 1'000'000, 1), 2U);
  EXPECT_EQ(probes(1'000'000, 10'000, 10), 64U);
  EXPECT_EQ(probes(1'000'000, 1'000'000, 1'000), 64U);
  EXPECT_EQ(probes(2'000'000, 2'000'000, 10), 4U);
  EXPECT_EQ(probes(1'000'000, 0, 10), 63'246U) << "of none all";
}

TEST(IndexChoice, AnUntriedTableLooksIntoAnEighthOfItsPartitionsAndATriedOneIntoNoMore) {
  EXPECT_EQ(probes_among({}, {.rows = 1'000'000, .admitted = 1'000'000, .count = 10}), 122U);
  EXPECT_EQ(probes_among({}, {.rows = 30'000, .admitted = 30'000, .count = 10}), 24U);
  EXPECT_EQ(probes_among({}, {.rows = 1'000'000, .admitted = 10'000, .count = 10}), 1'220U);
  const Trial hard{.probes = 122, .rows = 1'000'000};
  EXPECT_EQ(probes_among(hard, {.rows = 1'000'000, .admitted = 10'000, .count = 10}), 1'220U);
}

TEST(IndexChoice, AGraphPaysWhereManyBytesWouldBeCompared) {
  constexpr std::uint64_t least = 1U << 20U;
  EXPECT_FALSE(graph_pays({.probes = 2, .rows = 1'000'000}, 384, least));
  EXPECT_TRUE(graph_pays({.probes = 4, .rows = 1'000'000}, 384, least));
  EXPECT_FALSE(graph_pays({.probes = 8, .rows = 1'000'000}, 100, least));
  EXPECT_TRUE(graph_pays({.probes = 16, .rows = 1'000'000}, 100, least));
  EXPECT_TRUE(graph_pays({}, 100, least)) << "it was not tried";
}

TEST(IndexChoice, OnlyLargeTablesByDistanceAreQuantisedFurther) {
  EXPECT_EQ(partitioned_index(Metric::l2, 384, 1'000'000), IndexKind::ivf_pq);
  EXPECT_EQ(partitioned_index(Metric::cosine, 384, 1'000'000), IndexKind::ivf_sq);
  EXPECT_EQ(partitioned_index(Metric::l2, 384, 999'999), IndexKind::ivf_sq);
  EXPECT_EQ(partitioned_index(Metric::l2, 32, 1'000'000), IndexKind::ivf_sq);
}

}  // namespace
}  // namespace triune::adapters::lancedb
