// Lines that were set aside (C4).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "intake/claude_code/import_run.h"
#include "intake/claude_code/row_cache.h"
#include "intake/line_reader.h"

namespace triune::intake::claude {

class BadLines {
 public:
  BadLines(ImportRun& run, std::string file) : run_(run), file_(std::move(file)) {}

  /// Forgets all of the file when it is read anew; else learns which lines behind `lines_done` were set aside before,
  /// because they were not finished.
  Status start(std::uint64_t lines_done, bool restarted);
  /// Sets a line aside.
  Status add(const Line& line, const std::string& reason);
  /// A line that was set aside may be whole now.
  void line_is_good(std::uint64_t number);
  /// What is to be written since the last call.
  void take_changes(std::vector<Change>& changes, std::vector<PutBlob>& blobs);
  /// At the end of the file: what was set aside behind it is gone.
  void finish();

 private:
  [[nodiscard]] std::string id_of(std::uint64_t number) const;
  void remove(const std::string& id);

  ImportRun& run_;
  std::string file_;
  RowCache rows_{bad_line_table()};
  std::set<std::string> stale_;
  std::vector<Change> removals_;
  std::vector<PutBlob> blobs_;
};

}  // namespace triune::intake::claude
