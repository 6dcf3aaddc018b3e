// Whatever happens to the files of a projection, nothing is lost and nobody has to mend it (I3, I4).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <random>

#include "base/file.h"
#include "fault/crash_rig.h"
#include "fault/projection_fixture.h"

namespace triune::testing {
namespace {

using Path = std::filesystem::path;

void cut(const Path& file, std::uint64_t size) {
  std::filesystem::resize_file(file, size);
}

void flip(const Path& file, std::uint64_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(static_cast<char>(byte ^ 0x10));
}

void write(const Path& file, std::string_view text) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << text;
}

std::string garbage(std::uint64_t size) {
  std::mt19937_64 random(size);
  std::string text(size, '\0');
  for (auto& character : text) character = static_cast<char>(random());
  return text;
}

/// One way to damage a file.
struct Damage {
  std::string_view name;
  std::function<void(const Path&)> inflict;
};

const std::vector<Damage>& damages() {
  static const std::vector<Damage> all{
      {"deleted", [](const Path& file) { std::filesystem::remove(file); }},
      {"emptied", [](const Path& file) { cut(file, 0); }},
      {"cut in half", [](const Path& file) { cut(file, std::filesystem::file_size(file) / 2); }},
      {"without its last byte", [](const Path& file) { cut(file, std::max<std::uintmax_t>(1, file_size(file)) - 1); }},
      {"with a bit flipped at the start", [](const Path& file) { flip(file, 1); }},
      {"with a bit flipped in the middle", [](const Path& file) { flip(file, file_size(file) / 2); }},
      {"with a bit flipped at the end",
       [](const Path& file) { flip(file, std::max<std::uintmax_t>(1, file_size(file)) - 1); }},
      {"garbage", [](const Path& file) { write(file, garbage(file_size(file))); }},
      {"longer garbage", [](const Path& file) { write(file, garbage(file_size(file) + 10'000)); }},
      {"a directory",
       [](const Path& file) {
         std::filesystem::remove(file);
         std::filesystem::create_directories(file / "inside");
       }},
  };
  return all;
}

TEST_F(ProjectionFault, AnUndamagedHiveIsOpenedAsItIs) {
  expect_healed();
  for (const auto& root : roots()) EXPECT_EQ(quarantined(root), 0U) << root;
}

/// Every kind of damage to every file, each on a copy of its own.
TEST_F(ProjectionFault, AnyDamageToAnyFileIsHealed) {
  unsigned cases = 0;
  for (const auto& file : files()) {
    for (const auto& damage : damages()) {
      SCOPED_TRACE(fmt::format("{} {}", file.string(), damage.name));
      restore();
      if (std::filesystem::file_size(projections() / file) == 0 && damage.name != "a directory") continue;
      damage.inflict(projections() / file);
      expect_healed();
      hive_.reset();
      ++cases;
    }
  }
  std::cout << cases << " damaged files healed\n";
}

TEST_F(ProjectionFault, WhatIsDamagedIsPutAsideWithTheReason) {
  for (const auto& root : roots())
    for (const auto& entry : std::filesystem::directory_iterator(generation(root)))
      if (entry.file_size() > 0) write(entry.path(), garbage(entry.file_size()));
  expect_healed();
  for (const auto& root : roots()) EXPECT_EQ(quarantined(root), 1U) << root;
}

TEST_F(ProjectionFault, BitsThatFlipAtRandomPlacesAreFound) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int turn = 0; turn < 12; ++turn) {
    restore();
    for (const auto& file : files()) {
      const auto path = projections() / file;
      if (std::filesystem::file_size(path) == 0) continue;
      const auto offset = random() % std::filesystem::file_size(path);
      SCOPED_TRACE(fmt::format("seed {}, {} at byte {}", seed, file.string(), offset));
      flip(path, offset);
    }
    expect_healed();
    hive_.reset();
  }
}

TEST_F(ProjectionFault, AllDirectoriesMayBeGone) {
  std::filesystem::remove_all(all_projections());
  expect_healed();
}

TEST_F(ProjectionFault, OneGenerationMayBeGone) {
  for (const auto& root : roots()) {
    std::filesystem::remove_all(generation(root));
    expect_healed();
  }
}

TEST_F(ProjectionFault, TheProjectionsOfAnotherHiveAreDiscarded) {
  copy(other_hive().files() / "projections", all_projections());
  expect_healed();
  hive_.reset();
  copy(other_hive().files() / "projections" / "1" / "graph", projections() / "graph");
  expect_healed();
}

TEST_F(ProjectionFault, TheFileOfAnotherHiveIsDiscarded) {
  for (const auto& root : {"graph", "vector-2", "vector-3"}) {
    if (!std::filesystem::exists(projections() / root)) continue;
    const auto from = other_hive().files() / "projections" / "1" / root;
    if (std::filesystem::exists(from)) copy(generation(from), generation(projections() / root));
  }
  expect_healed();
}

TEST_F(ProjectionFault, AnOlderCopyCatchesUp) {
  const auto older = directory_.path() / "older";
  copy(projections(), older);
  open();
  fill_hive(*hive_, 120, 30);
  for (unsigned number = 20; number < 30; ++number)
    ASSERT_TRUE(hive_->commit({.changes = {DeleteNode{{"Person", fmt::format("person {}", number)}},
                                           DeleteVector{"notes", fmt::format("person {}", number)}},
                               .idempotency_key = {}}));
  expect_current(*hive_);
  ASSERT_TRUE(hive_->close());
  copy(older, projections());
  expect_healed(150);
  for (const auto& root : roots()) EXPECT_EQ(quarantined(root), 0U) << root;
}

TEST_F(ProjectionFault, ACopyFromTheFutureIsDiscarded) {
  if (on_postgres()) GTEST_SKIP() << "a database that was put back is another history: see tests/postgres";
  const auto past = directory_.path() / "past.db";
  std::filesystem::copy(place().files() / "hive.db", past);
  open();
  fill_hive(*hive_, 120, 30);
  expect_current(*hive_);
  ASSERT_TRUE(hive_->close());
  hive_.reset();
  for (const auto* const log : {"hive.db-wal", "hive.db-shm"}) std::filesystem::remove(place().files() / log);
  std::filesystem::copy(past, place().files() / "hive.db", std::filesystem::copy_options::overwrite_existing);
  expect_healed(120);
}

TEST_F(ProjectionFault, AStrayLogOfTheGraphEngineDoesNoHarm) {
  const auto stray = generation(projections() / "graph") / "graph.kuzu.wal";
  ASSERT_TRUE(std::filesystem::exists(generation(projections() / "graph") / "graph.kuzu"));
  write(stray, garbage(5000));
  expect_healed();
  hive_.reset();
  restore();
  write(stray, "");
  expect_healed();
}

/// The files as a crash would leave them: copied while the hive is open.
void copy_while_open(const Path& from, const Path& to) {
  for (const auto& entry : std::filesystem::directory_iterator(from))
    if (entry.is_regular_file())
      std::filesystem::copy_file(entry.path(), to / entry.path().filename(),
                                 std::filesystem::copy_options::overwrite_existing);
}

TEST_F(ProjectionFault, TheLogOfAnotherTimeOrHiveDoesNoHarm) {
  const auto saved = directory_.path() / "saved";
  std::filesystem::create_directories(saved);
  open();
  fill_hive(*hive_, 120, 30);
  expect_current(*hive_);
  copy_while_open(generation(projections() / "graph"), saved);
  ASSERT_TRUE(hive_->close());
  ASSERT_TRUE(std::filesystem::exists(saved / "graph.kuzu.wal"));
  ASSERT_GT(std::filesystem::file_size(saved / "graph.kuzu.wal"), 0U);
  const auto put_log = [&] {
    std::filesystem::copy_file(saved / "graph.kuzu.wal", generation(projections() / "graph") / "graph.kuzu.wal",
                               std::filesystem::copy_options::overwrite_existing);
  };
  put_log();  // its contents are in the database already
  expect_healed(150);
  hive_.reset();
  restore();
  put_log();  // changes that this hive never made
  expect_healed(120);
  hive_.reset();
  if (on_postgres())
    made_ = std::make_unique<MadeHive>(1000, 40);
  else
    copy(other_hive().files(), place().files());
  put_log();
  open();
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
}

TEST_F(ProjectionFault, FilesMayGoWhileTheHiveIsOpen) {
  open();
  expect_current(*hive_);
  std::filesystem::remove_all(all_projections());
  expect_canonical_reads(120);
  expect_search();
  fill_hive(*hive_, 120, 10);
  expect_canonical_reads(130);
  expect_search();
  ASSERT_TRUE(hive_->rebuild(""));
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
  std::filesystem::remove_all(all_projections());
  fill_hive(*hive_, 130, 10);
  const auto closed = hive_->close();
  hive_.reset();
  expect_healed(140);
}

class ProjectionOutage : public ProjectionFault {
 protected:
  void TearDown() override { base::set_file_fault({}); }
  /// From now on nothing can be made under the hive's projections.
  void break_projections() {
    base::set_file_fault([root = (all_projections()).string()](base::FileOperation operation, const Path& path) {
      const bool makes = operation == base::FileOperation::create_directory || operation == base::FileOperation::open;
      return makes && path.string().starts_with(root) ? EIO : 0;
    });
  }
};

TEST_F(ProjectionOutage, ReadsGoOnFromTheCanonicalStore) {
  std::filesystem::remove_all(all_projections());
  break_projections();
  open();
  expect_canonical_reads(120);
  EXPECT_EQ(expect_search(), "canonical scan");
  fill_hive(*hive_, 120, 10);
  expect_canonical_reads(130);
  EXPECT_EQ(expect_search(), "canonical scan");
  const auto receipt = hive_->receipt();
  ASSERT_TRUE(receipt);
  for (const auto& projection : receipt->projections) {
    EXPECT_NE(projection.state, ProjectionState::current) << projection.name;
    EXPECT_LT(projection.watermark, receipt->lsn) << projection.name;
  }
  const auto cypher = hive_->cypher("MATCH (p:Person) RETURN count(*)", {},
                                    {.deadline = Deadline::after(std::chrono::milliseconds(300))});
  ASSERT_FALSE(cypher) << "no answer is better than an old one (I5)";
  base::set_file_fault({});
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
  EXPECT_NE(expect_search(), "canonical scan");
}

TEST_F(ProjectionOutage, ALongOutageEndsByItself) {
  std::filesystem::remove_all(all_projections());
  break_projections();
  open();
  // Until it has been given up.
  const auto waited = hive_->wait(hive_->receipt()->token(), Deadline::after(std::chrono::minutes(1)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::unavailable) << waited.error().message;
  expect_canonical_reads(120);
  EXPECT_EQ(expect_search(), "canonical scan");
  base::set_file_fault({});
  ASSERT_TRUE(hive_->rebuild(""));
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
}

}  // namespace
}  // namespace triune::testing
