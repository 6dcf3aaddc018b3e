// A database of another program, a hive, and the way from one to the other.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/builtin.h"
#include "intake/legacy_sqlite/apply.h"
#include "intake/legacy_sqlite/propose.h"
#include "intake/legacy_sqlite/server_plan.h"
#include "integration/foreign_database.h"
#include "placement/assess.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {

namespace legacy = intake::legacy;

class MigrationTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path source() const { return directory_.path() / "app.db"; }
  /// Where the hive is: a directory, or what a node of one on a server keeps.
  [[nodiscard]] const std::filesystem::path& place() const { return place_->directory(); }
  [[nodiscard]] const std::string& location() const { return place_->location(); }
  /// Another hive in the place of the last one.
  void make_place() {
    close();
    place_.reset();
    std::filesystem::remove_all(directory_.path() / "hive");
    place_ = std::make_unique<HivePlace>(directory_.path(), "hive");
  }
  void make(const std::string& sql) const { ForeignProgram(source()).run(sql); }

  [[nodiscard]] std::string bytes() const {
    std::ifstream file(source(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  [[nodiscard]] legacy::Plan planned() const {
    placement::AssessOptions options;
    options.measure = false;
    const auto report = placement::assess(adapters::builtin(), source(), options);
    if (!report) throw std::runtime_error(report.error().message);
    const auto opened = legacy::LegacySource::open(adapters::builtin(), source());
    if (!opened) throw std::runtime_error(opened.error().message);
    auto plan = legacy::propose(*report, **opened);
    if (!plan) throw std::runtime_error(plan.error().message);
    if (!on_postgres()) return std::move(*plan);
    const auto suited = legacy::suit_server(*plan, **opened);
    if (!suited) throw std::runtime_error(suited.error().message);
    return std::move(*plan);
  }

  Hive& hive() {
    if (hive_ == nullptr) {
      auto opened = Hive::open(location(), place_->options());
      if (!opened) throw std::runtime_error(opened.error().message);
      hive_ = std::move(*opened);
    }
    return *hive_;
  }
  void close() { hive_.reset(); }

  static legacy::ApplyOptions approved() {
    legacy::ApplyOptions options;
    options.approved_by = "ada";
    options.measure = false;
    return options;
  }

  Result<legacy::ApplyReport> try_apply(const legacy::Plan& plan, const legacy::ApplyOptions& options) {
    return legacy::apply(hive(), adapters::builtin(), plan, options);
  }
  legacy::ApplyReport applied(const legacy::Plan& plan, const legacy::ApplyOptions& options = approved()) {
    auto report = try_apply(plan, options);
    if (!report) throw std::runtime_error(report.error().message);
    return std::move(*report);
  }
  Error refused(const legacy::Plan& plan, const legacy::ApplyOptions& options = approved()) {
    const auto report = try_apply(plan, options);
    return report ? Error{} : report.error();
  }
  Result<legacy::RollbackReport> taken_back(bool discard = false) {
    return legacy::rollback(hive(), adapters::builtin(), {.approved_by = "grace", .discard_changes = discard});
  }

  /// Rows as text, cells with bars between.
  std::string rows(const std::string& sql) {
    const auto found = hive().sql(sql);
    if (!found) return found.error().message;
    std::string text;
    for (const auto& row : found->rows) {
      for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : "|") + to_text(row[i]);
      text += "\n";
    }
    return text;
  }

  static std::string differences(const legacy::Verification& verification) {
    std::string text;
    for (const auto& table : verification.tables) {
      if (!table.same()) text += table.table + ": " + to_text(table.before) + " " + to_text(table.after) + "\n";
      for (const auto& one : table.differences) text += std::string(to_string(one.kind)) + " " + one.row + "\n";
    }
    for (const auto& part : verification.parts)
      if (!part.same()) text += part.what + ": " + to_text(part.before) + " " + to_text(part.after) + "\n";
    return text;
  }

  /// How many objects of the application's are called so, in letters of any size.
  std::string objects_called(const std::string& name) {
    return rows(on_postgres() ? "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('public') AND "
                                "lower(relname) = '" +
                                    name + "'"
                              : "SELECT count(*) FROM sqlite_schema WHERE name = '" + name + "' COLLATE NOCASE");
  }

  TemporaryDirectory directory_;
  std::unique_ptr<HivePlace> place_ = std::make_unique<HivePlace>(directory_.path(), "hive");

 private:
  std::unique_ptr<Hive> hive_;
};

}  // namespace triune::testing
