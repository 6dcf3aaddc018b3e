// A hive in a directory of its own, removed afterwards.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"
#include "triune/ids.h"

namespace triune::testing {

class HiveTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen(HiveOptions options = {}) {
    hive_.reset();
    auto opened = Hive::open(place_.location(), place_.options(std::move(options)));
    ASSERT_TRUE(opened) << opened.error().message;
    hive_ = std::move(*opened);
  }

  /// Commits, expecting success, and waits for the projections.
  Receipt commit(std::vector<Change> changes) {
    auto receipt = hive_->commit({.changes = std::move(changes), .idempotency_key = {}},
                                 {.wait_for_projections = std::chrono::seconds(30)});
    EXPECT_TRUE(receipt) << receipt.error().message;
    return receipt ? *receipt : Receipt{};
  }

  /// The error of a commit that must fail, after checking that it changed nothing.
  Error refused(std::vector<Change> changes) {
    const auto before = lsn();
    auto receipt = hive_->commit({.changes = std::move(changes), .idempotency_key = {}});
    EXPECT_FALSE(receipt);
    EXPECT_EQ(before, lsn());
    return receipt ? Error{} : receipt.error();
  }

  std::uint64_t lsn() { return hive_->receipt().value().lsn; }

  std::string scalar(std::string_view sql) {
    auto rows = hive_->sql(sql);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows && !rows->rows.empty() ? to_text(rows->rows[0][0]) : "";
  }

  std::string cypher_scalar(std::string_view statement, const Record& parameters = {}) {
    auto rows = hive_->cypher(statement, parameters);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows && !rows->rows.empty() ? to_text(rows->rows[0][0]) : "";
  }

  void expect_verified() {
    auto report = hive_->verify();
    ASSERT_TRUE(report) << report.error().message;
    for (const auto& one : report->projections)
      for (const auto& example : one.examples) ADD_FAILURE() << one.projection << ": " << example;
    EXPECT_TRUE(report->ok);
  }

  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
  std::unique_ptr<Hive> hive_;
};

}  // namespace triune::testing
