// Splits CSV (RFC 4180) into the cells of one record after the other, without deciding what they mean.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::intake {

/// A cell; `text` lives until the next record.
struct CsvCell {
  std::string_view text;
  bool quoted = false;
};

class CsvScanner {
 public:
  CsvScanner(std::string name, char delimiter, std::uint64_t max_record_bytes);
  CsvScanner(const CsvScanner&) = delete;
  CsvScanner& operator=(const CsvScanner&) = delete;
  ~CsvScanner();

  /// Starts at the beginning of a file.
  Status open(const std::filesystem::path& path);
  /// The next record that is not an empty line, or false at the end. A record that breaks the rules is
  /// `invalid_argument`; the next call goes on at the line after its first one if a quote was never closed, else behind
  /// it.
  Result<bool> next(std::vector<CsvCell>& cells);
  /// The line at which the last record begins, from 1.
  [[nodiscard]] std::uint64_t line() const { return record_line_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_ + begin_; }

 private:
  enum class Scan : std::uint8_t { record, more, open_quote, stray_text };
  Scan scan(std::vector<CsvCell>& cells);
  Scan scan_quoted(std::vector<CsvCell>& cells, std::size_t& at);
  Result<bool> fill();
  Result<bool> refuse(Scan problem);
  void consume(std::size_t next);

  std::string name_;
  char delimiter_;
  std::uint64_t max_record_bytes_;
  int descriptor_ = -1;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t next_ = 0;      // behind the record just scanned
  std::uint64_t offset_ = 0;  // in the file, of buffer_[0]
  std::uint64_t line_ = 1;    // of begin_
  std::uint64_t record_line_ = 0;
  std::uint64_t record_lines_ = 0;  // line ends in the record just scanned
  bool at_end_ = false;
  std::deque<std::string> unescaped_;  // cells that hold doubled quotes; a deque, because cells point into its texts
  std::size_t unescaped_used_ = 0;
};

}  // namespace triune::intake
