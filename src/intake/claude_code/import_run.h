// What the parts of one import share: the hive, the options, the report, and how changes are committed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "intake/claude_code/import.h"
#include "intake/module_writer.h"
#include "triune/change.h"
#include "triune/hive.h"

namespace triune::intake::claude {

/// Whether an error is about the file and not about the hive: the import goes on without the file.
bool is_file_error(const Error& error) noexcept;

class ImportRun {
 public:
  ImportRun(Hive& hive, ModuleWriter& modules, const ClaudeImportOptions& options, const Progress& progress,
            std::uint64_t total_bytes)
      : hive_(hive), modules_(modules), options_(options), progress_(progress), total_bytes_(total_bytes) {}

  [[nodiscard]] Hive& hive() const { return hive_; }
  [[nodiscard]] ModuleWriter& modules() const { return modules_; }
  [[nodiscard]] const ClaudeImportOptions& options() const { return options_; }
  [[nodiscard]] ClaudeImportReport& report() { return report_; }

  /// Commits changes, and what they are in the modules, in one transaction, if there are any. Blobs too large to go
  /// along are committed before them: a kill in between leaves blobs that the next run puts again (C2).
  Status commit(std::vector<Change> changes, std::vector<PutBlob> blobs, ModuleBatch batch = {});
  /// Notes a line that was set aside in the report.
  void note_bad(const std::string& file, std::uint64_t line, const std::string& reason);
  /// Notes a file that was left out.
  void note_skipped(const std::filesystem::path& path, std::string_view reason);
  /// Bytes of the input that are dealt with.
  void advance(std::string_view stage, std::uint64_t bytes);

 private:
  Status commit_once(std::vector<Change> changes, ModuleBatch batch);

  Hive& hive_;
  ModuleWriter& modules_;
  const ClaudeImportOptions& options_;
  const Progress& progress_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
  ClaudeImportReport report_;
};

}  // namespace triune::intake::claude
