// A hive with something in every engine, of which each test damages a copy. In directories all are copies of one. On a
// server, where a copy of a database is another history, a test has a hive of its own and copies its projections.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {

/// Puts people, their acquaintances, notes with vectors and a text index. `first` numbers the first person.
void fill_hive(Hive& hive, unsigned first, unsigned people);

/// A closed hive with `people` people, of an incarnation of its own.
struct MadeHive {
  TemporaryDirectory directory;
  HivePlace place{directory.path(), "hive"};
  MadeHive(unsigned first, unsigned people);
};

/// One with 40 others than the 120 of `ProjectionFault`. Made when first asked for.
const HivePlace& other_hive();

class ProjectionFault : public ::testing::Test {
 protected:
  void SetUp() override { restore(); }

  /// The hive as it was at first: 120 people and what is projected of them.
  void restore();
  static void copy(const std::filesystem::path& from, const std::filesystem::path& to);
  [[nodiscard]] const HivePlace& place() const { return made_ ? made_->place : *place_; }
  /// Of all organizations, and of the one.
  [[nodiscard]] std::filesystem::path all_projections() const { return place().files() / "projections"; }
  [[nodiscard]] std::filesystem::path projections() const { return all_projections() / "1"; }
  /// The directories of the projections: the graph's and each collection's.
  [[nodiscard]] std::vector<std::filesystem::path> roots() const;
  /// Every file of a hive's projections, relative to `projections()`.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;
  /// The generation in use.
  [[nodiscard]] static std::filesystem::path generation(const std::filesystem::path& root);
  /// Generations that were put aside.
  [[nodiscard]] static std::size_t quarantined(const std::filesystem::path& root);

  /// For whatever the test does; `restore` then begins anew.
  void open();
  /// What the canonical store answers alone, right whatever the projections do.
  void expect_canonical_reads(unsigned people);
  /// The nearest to person 7's note is that note, however it is found; returns the strategy.
  std::string expect_search(const ReadOptions& options = {});
  /// Open, reads, waits until all is current, compares, closes.
  void expect_healed(unsigned people = 120);

  TemporaryDirectory directory_;
  std::unique_ptr<MadeHive> made_;    ///< On a server.
  std::unique_ptr<HivePlace> place_;  ///< In a directory.
  std::unique_ptr<Hive> hive_;

 private:
  void reopen();
  bool changed_ = false;
};

}  // namespace triune::testing
