// A tree of Claude Code's files, written by the test, and a hive to import it into.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "intake/claude_code/import.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {

class ClaudeImportTest : public ::testing::Test {
 protected:
  void SetUp() override { open("hive"); }

  /// Opens the hive of this name in the test's place, closing the one open before.
  void open(const std::string& name);
  void close() { hive_.reset(); }

  /// Imports, expecting success.
  intake::ClaudeImportReport import(const std::filesystem::path& path, const intake::ClaudeImportOptions& options = {});
  /// Imports again and expects that nothing changes (C1).
  void expect_nothing_new(const std::filesystem::path& path);

  /// Rows of a statement, cells joined by '|', rows by line ends.
  [[nodiscard]] std::string sql(const std::string& statement) const;
  /// Everything an import leaves: all tables, the graph and the blobs, in one order.
  [[nodiscard]] std::string everything() const;

  [[nodiscard]] std::filesystem::path tree() const { return directory_.path() / "tree"; }
  /// Writes a file of the tree, or adds to it.
  std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const;
  void append(const std::filesystem::path& name, std::string_view content) const;
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  /// Where the hive of this name is; the same whenever it is asked.
  const HivePlace& place(const std::string& name);

  TemporaryDirectory directory_;  // goes after the hive in it
  std::map<std::string, HivePlace> places_;
  std::unique_ptr<Hive> hive_;
};

/// What a line is made of; an empty member is left out.
struct LineParts {
  std::string uuid;
  std::string parent;
  std::string session = "s1";
  std::string at = "2026-01-01T00:00:00.000Z";
  std::string version = "2.1.0";
  std::string extra;  ///< More members, each with a comma before it.
};

/// A line of a user: `content` is JSON.
std::string user_line(const LineParts& parts, const std::string& content);
/// A line of an API message with one block, as JSON.
std::string assistant_line(const LineParts& parts, const std::string& message, const std::string& block,
                           int output_tokens = 10);
/// A line of any other type.
std::string event_line(const LineParts& parts, const std::string& type);

std::string text_block(const std::string& text);
std::string use_block(const std::string& id, const std::string& tool, const std::string& input);
std::string result_block(const std::string& id, const std::string& text);

}  // namespace triune::testing
