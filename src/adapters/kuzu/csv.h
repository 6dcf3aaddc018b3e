// CSV files for Kuzu's COPY, written so that every text survives.
//
// Kuzu reads a file with several threads only when no quoted value holds a line break, and tells NULL from an empty
// text by a marker that is compared after unquoting. So rows with line breaks go to a second file that one thread
// reads, and the marker is random for each load.
#pragma once

#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/graph_store.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::kuzu {

/// One file, written through a buffer. Created with the first row.
class CsvFile {
 public:
  explicit CsvFile(std::filesystem::path path) : path_(std::move(path)) {}

  Status append(std::string_view line);
  /// Writes what is in the buffer and closes. Errors: `resource_exhausted` (disk full), `unavailable`.
  Status finish();
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Status flush();

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_;
  std::uint64_t rows_ = 0;
};

/// The rows of one table.
class CsvTable {
 public:
  /// Files NAME.csv and NAME.lines.csv in `folder`. `null_marker` stands for NULL in text columns; the others are
  /// empty.
  CsvTable(const std::filesystem::path& folder, const std::string& name, std::string null_marker,
           std::vector<contract::PropertyType> columns)
      : plain_(folder / (name + ".csv")),
        with_line_breaks_(folder / (name + ".lines.csv")),
        null_marker_(std::move(null_marker)),
        columns_(std::move(columns)) {}

  /// A row of `keys`, then `values`. Error: `conflict` when a text equals the marker (the caller starts again with
  /// another).
  Status append(std::initializer_list<std::string_view> keys, std::span<const Value> values);
  Status finish();
  [[nodiscard]] const CsvFile& plain() const { return plain_; }
  [[nodiscard]] const CsvFile& with_line_breaks() const { return with_line_breaks_; }

 private:
  Status append_cell(const Value& value, contract::PropertyType column);
  Status append_text(std::string_view text);

  CsvFile plain_;
  CsvFile with_line_breaks_;
  std::string null_marker_;
  std::vector<contract::PropertyType> columns_;
  std::string line_;
  bool has_line_break_ = false;
};

}  // namespace triune::adapters::kuzu
