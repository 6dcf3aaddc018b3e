// The real binary as a child process.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/hive_place.h"
#include "support/temporary_directory.h"

namespace triune::testing {

using Json = nlohmann::json;

/// What a child process left.
struct Outcome {
  int exit_code = -1;  ///< 128 + N when signal N ended it.
  std::string out;
  std::string err;

  /// Standard output as one document, or as one a line; standard error as a document of an error.
  [[nodiscard]] Json document() const { return Json::parse(out); }
  [[nodiscard]] std::vector<Json> lines() const;
  [[nodiscard]] Json error() const { return Json::parse(err).at("error"); }
};

/// For assertions that fail: everything that is known.
std::ostream& operator<<(std::ostream& to, const Outcome& outcome);

/// A test with a directory of its own, the place of a hive, and `triune` for it. On a server the place is a database,
/// whose projections `triune` finds by its environment.
class CliTest : public ::testing::Test {
 protected:
  CliTest();
  ~CliTest() override;

  /// Runs `triune --hive HIVE ARGUMENTS…` to its end.
  [[nodiscard]] Outcome triune(std::vector<std::string> arguments, std::string_view input = {}) const;
  /// The same with --json and the expectation that it succeeds.
  [[nodiscard]] Outcome succeed(std::vector<std::string> arguments, std::string_view input = {}) const;
  /// Runs `triune ARGUMENTS…` as they are.
  [[nodiscard]] Outcome bare(std::vector<std::string> arguments, std::string_view input = {}) const;
  /// Makes the hive.
  void make_hive() const;
  /// Applies changes, each a line.
  [[nodiscard]] Outcome commit(const std::vector<std::string>& changes, std::vector<std::string> options = {}) const;

  /// Runs `triune ARGUMENTS…` and interrupts it (Ctrl-C) at a failpoint, "NAME:N": surely in the middle of its work, as
  /// the process stops there until it has been sent the signal.
  [[nodiscard]] Outcome interrupt_at(const std::string& failpoint, std::vector<std::string> arguments) const;

  /// A process that runs on, and its end.
  [[nodiscard]] pid_t start(std::vector<std::string> arguments) const;
  /// The same for another program than the one that was built.
  [[nodiscard]] pid_t start_program(const std::string& program, std::vector<std::string> arguments) const;
  [[nodiscard]] Outcome finish(pid_t process) const;

  [[nodiscard]] std::filesystem::path path(std::string_view name) const { return directory_.path() / name; }
  /// A file with this text.
  [[nodiscard]] std::string file(std::string_view name, std::string_view text) const;
  /// What `--hive` takes.
  [[nodiscard]] const std::string& hive() const { return place_.location(); }
  [[nodiscard]] const HivePlace& place() const { return place_; }
  /// Whether there is anything at the place.
  [[nodiscard]] bool hive_exists() const;

 private:
  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
};

}  // namespace triune::testing
