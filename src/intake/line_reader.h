// Lines of a file of any size, in memory bounded by the longest line wanted.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::intake {

/// One line. `text` lives until the next call and is followed by at least `LineReader::slack_bytes` readable bytes.
struct Line {
  std::string_view text;     ///< Without the line end (LF or CRLF); only the beginning when `oversized`.
  std::uint64_t number = 0;  ///< 1-based.
  std::uint64_t end = 0;     ///< Offset in the file of what follows the line.
  std::uint64_t size = 0;    ///< Bytes of the line, also when `oversized`.
  bool terminated = true;    ///< False: the file ends without a line end, which a live file may still get.
  bool oversized = false;    ///< Longer than the limit.
};

class LineReader {
 public:
  static constexpr std::size_t slack_bytes = 64;
  static constexpr std::size_t kept_of_oversized = 32U << 10U;

  /// Opens `path` at `offset`, whose first line has `first_line` as number; "-" is standard input. Where the line
  /// before was read without its end, which has come since, this end is passed over. Errors: `not_found`,
  /// `unavailable`, with "file" as engine and the errno as native code.
  static Result<LineReader> open(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t first_line,
                                 std::uint64_t max_line_bytes);

  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&& other) noexcept;
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// The next line, or false at the end of the file. A byte order mark at the start of the file is skipped. Error:
  /// `unavailable` when the file cannot be read on.
  Result<bool> next(Line& line);

 private:
  LineReader(int descriptor, std::uint64_t offset, std::uint64_t first_line, std::uint64_t max_line_bytes);
  /// From the byte before the offset, with which the buffer begins as `start`.
  void skip_to_line(std::string_view start);
  Result<bool> fill();
  Result<bool> finish_oversized(Line& line);
  void take(Line& line, std::size_t length, bool terminated);

  int descriptor_ = -1;
  std::uint64_t max_line_bytes_ = 0;
  std::uint64_t offset_ = 0;  // in the file, of buffer_[begin_]
  std::uint64_t number_ = 0;  // of the line that begins there
  std::vector<char> buffer_;
  std::vector<char> kept_;  // of the oversized line last returned
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

}  // namespace triune::intake
