// A growing file into the hive, line by line, batch by batch (C2, C4, C5): what session logs and other line files
// share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "intake/claude_code/bad_lines.h"
#include "intake/claude_code/discover.h"
#include "intake/claude_code/import_run.h"
#include "intake/claude_code/row_cache.h"
#include "intake/claude_code/source_position.h"
#include "intake/line_reader.h"

namespace triune::intake::claude {

class LineImport {
 public:
  LineImport(ImportRun& run, const Input& input, std::string kind);
  LineImport(const LineImport&) = delete;
  LineImport& operator=(const LineImport&) = delete;
  virtual ~LineImport() = default;

  /// Imports what is new in the file. Errors: the hive's, and `is_file_error` when the file cannot be read (on).
  Status run();

 protected:
  /// Takes a line that is not blank into the batch. An error that is `invalid_argument` sets the line aside with its
  /// message as the reason; any other ends the import.
  virtual Status take_line(const Line& line) = 0;
  /// Whether the batch is to be committed before more lines are taken, whatever its size in bytes.
  [[nodiscard]] virtual bool is_full() const = 0;
  /// Hands over the changes of the batch, and starts a new one.
  virtual Status take_batch(std::vector<Change>& changes, std::vector<PutBlob>& blobs, ModuleBatch& modules) = 0;

  ImportRun& run_;
  const Input& input_;
  const std::string file_;

 private:
  Status read();
  Result<bool> take(const Line& line);
  Status flush();

  std::string kind_;
  BadLines bad_lines_;
  RowCache sources_{source_table()};
  SourcePosition position_;
  std::uint64_t batch_bytes_ = 0;
};

}  // namespace triune::intake::claude
