// A hive on either store, and a directory with migrations of its user.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "hive/schema_runner.h"
#include "migrate/files.h"
#include "migrate/scratch.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {

class UserFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Hive::open(place_.location(), place_.options({.project_in_background = false}));
    ASSERT_TRUE(opened) << opened.error().message;
    hive_ = std::move(*opened);
    std::filesystem::create_directories(folder());
  }
  void TearDown() override {
    if (hive_ == nullptr) return;
    EXPECT_TRUE(hive_->close());
  }

  static Deadline soon() { return Deadline::after(std::chrono::seconds(60)); }
  [[nodiscard]] Hive& hive() const { return *hive_; }
  [[nodiscard]] migrate::Runner runner() const { return hive::schema_runner(*hive_); }
  static contract::Dialect dialect() { return on_postgres() ? contract::Dialect::postgres : contract::Dialect::sqlite; }

  [[nodiscard]] std::filesystem::path directory() const { return temporary_.path() / "schema"; }
  [[nodiscard]] std::filesystem::path folder() const { return directory() / migrate::folder_of(dialect()); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder() / name) << text; }
  /// STRICT where there is such a thing.
  void pair(const std::string& stem, const std::string& up, const std::string& down) const {
    write(stem + ".up.sql", up);
    write(stem + ".down.sql", down);
  }
  void remove(const std::string& stem) const {
    for (const auto* const part : {".up.sql", ".down.sql"}) std::filesystem::remove(folder() / (stem + part));
  }
  [[nodiscard]] migrate::MigrationFiles files() const {
    auto read = migrate::read_files(directory(), dialect());
    EXPECT_TRUE(read) << read.error().message;
    return read ? std::move(*read) : migrate::MigrationFiles();
  }
  [[nodiscard]] Result<std::vector<migrate::Applied>> apply() const {
    const auto given = files();
    return migrate::apply(runner(), "user", given.migrations, soon());
  }
  /// "KIND WHAT" of each difference.
  [[nodiscard]] std::vector<std::string> drift() const {
    std::vector<std::string> all;
    const auto found = migrate::find_drift(runner().store, migrate::Owner::users, soon());
    if (!found) return {found.error().message};
    for (const auto& one : *found) all.push_back(fmt::format("{} {}", to_string(one.kind), one.what));
    return all;
  }

 private:
  TemporaryDirectory temporary_;
  HivePlace place_{temporary_.path(), "hive"};
  std::unique_ptr<Hive> hive_;
};

}  // namespace triune::testing
