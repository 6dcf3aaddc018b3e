// Rows out of a CSV or JSON lines file, one by one, in bounded memory.
//
// CSV is RFC 4180: quoted cells, doubled quotes, line ends inside quotes, LF or CRLF, a byte order mark, any one-byte
// delimiter. The types of its columns are decided over the whole file, so that one column has one type:
//   boolean  every cell is true or false           integer  fits 64 bits and has no leading zero or plus
//   decimal  integers (within 2^53) and decimals   text     everything else: 007, 1e999, mixtures, quoted ""
// An empty cell is NULL, a quoted empty one is "". JSON lines keep the types of JSON; nested values are Json.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "triune/hive.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::intake {

enum class TableFormat : std::uint8_t {
  automatic,  ///< By extension: .jsonl, .ndjson, .json are JSON lines, .tsv is CSV with tabs, anything else CSV.
  csv,
  json_lines,
};

struct TableReaderOptions {
  TableFormat format = TableFormat::automatic;
  /// Names of the columns; the file then has no header line. JSON lines: only these members are read.
  std::vector<std::string> columns;
  char delimiter = ',';
  /// Columns of CSV that stay text whatever their cells look like, as identifiers do. When they are all there is, the
  /// file is read once instead of twice.
  std::vector<std::string> text_columns;
  std::uint64_t max_record_bytes = 64ULL << 20U;  ///< A longer row is bad.
};

enum class ColumnType : std::uint8_t { null, boolean, integer, decimal, text, json };

/// One column as the whole file shows it; `null` when it holds nothing.
struct TableColumn {
  std::string name;
  ColumnType type = ColumnType::null;
};

class TableReader {
 public:
  /// Opens `path`; "-" and anything that is no regular file is first copied to a temporary file, so that it can be read
  /// twice.
  /// Errors: `not_found`, `unavailable`, `invalid_argument` for a header that is missing, repeats a name or has an
  /// empty one.
  static Result<std::unique_ptr<TableReader>> open(const std::filesystem::path& path, TableReaderOptions options = {});

  virtual ~TableReader() = default;

  /// The next row, or false at the end. `record` is overwritten; reuse it, so that its memory is. A row that cannot be
  /// read is `invalid_argument` with "FILE:LINE: reason", and the next call goes on behind it. Any other code is final.
  virtual Result<bool> next(Record& record) = 0;
  /// What people call the file, for messages.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// The columns that every row has, known before the first one; empty for JSON lines, whose rows have what they have.
  [[nodiscard]] virtual std::vector<std::string> header() const = 0;
  /// Number of the line at which the row last returned (or refused) begins, from 1.
  [[nodiscard]] virtual std::uint64_t line() const = 0;
  /// The columns with their types, over the whole file: JSON lines are read through for it. Call before `next`.
  virtual Result<std::vector<TableColumn>> columns() = 0;
  /// Back to the first row. Errors: `unavailable`, `unsupported`.
  virtual Status rewind();
  [[nodiscard]] virtual std::uint64_t bytes_done() const = 0;  ///< For progress.
  [[nodiscard]] virtual std::uint64_t bytes_total() const = 0;
};

/// The numbers of a vector cell: a JSON array, or numbers separated by commas, semicolons or white space, with or
/// without brackets. Error: `invalid_argument`.
Result<std::vector<float>> parse_vector(const Value& value);

}  // namespace triune::intake
