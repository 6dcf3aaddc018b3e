// A hive with something in every engine, made once, of which each test damages a copy.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {

/// Puts people, their acquaintances, notes with vectors and a text index. `first` numbers the first person.
void fill_hive(Hive& hive, unsigned first, unsigned people);

/// A closed hive with 120 people; another with 40 others, and so of another incarnation. Made when first asked for.
const std::filesystem::path& sample_hive();
const std::filesystem::path& other_hive();

class ProjectionFault : public ::testing::Test {
 protected:
  void SetUp() override { copy(sample_hive(), hive_path()); }

  static void copy(const std::filesystem::path& from, const std::filesystem::path& to);
  [[nodiscard]] std::filesystem::path hive_path() const { return directory_.path() / "hive"; }
  [[nodiscard]] std::filesystem::path projections() const { return hive_path() / "projections" / "1"; }
  /// The directories of the projections: the graph's and each collection's.
  [[nodiscard]] std::vector<std::filesystem::path> roots() const;
  /// Every file of a hive's projections, relative to `projections()`.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;
  /// The generation in use.
  [[nodiscard]] static std::filesystem::path generation(const std::filesystem::path& root);
  /// Generations that were put aside.
  [[nodiscard]] static std::size_t quarantined(const std::filesystem::path& root);

  void open(HiveOptions options = {});
  /// What the canonical store answers alone, right whatever the projections do.
  void expect_canonical_reads(unsigned people);
  /// The nearest to person 7's note is that note, however it is found; returns the strategy.
  std::string expect_search(const ReadOptions& options = {});
  /// Open, reads, waits until all is current, compares, closes.
  void expect_healed(unsigned people = 120);

  TemporaryDirectory directory_;
  std::unique_ptr<Hive> hive_;
};

}  // namespace triune::testing
