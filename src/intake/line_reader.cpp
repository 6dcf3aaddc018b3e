#include "intake/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "base/try.h"

namespace triune::intake {
namespace {

constexpr std::size_t chunk_bytes = 1U << 20U;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::unexpected<Error> file_failure(std::string_view what, int code) {
  return std::unexpected<Error>(Error{.code = code == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable,
                                      .message = fmt::format("{}: {}", what, std::generic_category().message(code)),
                                      .engine = "file",
                                      .native_code = std::to_string(code)});
}

}  // namespace

Result<LineReader> LineReader::open(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t first_line,
                                    std::uint64_t max_line_bytes) {
  const bool standard_input = path == "-";
  const int descriptor = standard_input ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return file_failure(path.string(), errno);
  LineReader reader(descriptor, offset, first_line, max_line_bytes);
  // The byte before tells whether the line that was read last had its end already.
  if (offset > 0 && ::lseek(descriptor, static_cast<off_t>(offset - 1), SEEK_SET) < 0)
    return file_failure(path.string(), errno);
  TRIUNE_TRY(reader.fill());
  const std::string_view start(reader.buffer_.data(), reader.end_);
  if (offset > 0 && !start.empty()) reader.skip_to_line(start);
  if (offset == 0 && start.starts_with(byte_order_mark)) {
    reader.begin_ = byte_order_mark.size();
    reader.offset_ = byte_order_mark.size();
  }
  return reader;
}

void LineReader::skip_to_line(std::string_view start) {
  begin_ = 1;
  if (start[0] == '\n') return;
  const auto rest = start.substr(1);
  const std::size_t line_end = rest.starts_with("\r\n") ? 2 : rest.starts_with('\n') ? 1 : 0;
  begin_ += line_end;
  offset_ += line_end;
}

LineReader::LineReader(int descriptor, std::uint64_t offset, std::uint64_t first_line, std::uint64_t max_line_bytes)
    : descriptor_(descriptor),
      max_line_bytes_(max_line_bytes),
      offset_(offset),
      number_(first_line),
      buffer_(chunk_bytes + slack_bytes) {}

LineReader::LineReader(LineReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      max_line_bytes_(other.max_line_bytes_),
      offset_(other.offset_),
      number_(other.number_),
      buffer_(std::move(other.buffer_)),
      kept_(std::move(other.kept_)),
      begin_(other.begin_),
      end_(other.end_),
      at_end_(other.at_end_) {}

LineReader& LineReader::operator=(LineReader&& other) noexcept {
  if (this == &other) return *this;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  max_line_bytes_ = other.max_line_bytes_;
  offset_ = other.offset_;
  number_ = other.number_;
  buffer_ = std::move(other.buffer_);
  kept_ = std::move(other.kept_);
  begin_ = other.begin_;
  end_ = other.end_;
  at_end_ = other.at_end_;
  return *this;
}

LineReader::~LineReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Reads more behind what is there, moving it to the front and doubling the buffer when it is full. False at the end.
Result<bool> LineReader::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + slack_bytes >= buffer_.size()) buffer_.resize(2 * buffer_.size());
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - slack_bytes - end_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return file_failure("reading a line", errno);
  at_end_ = got == 0;
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

void LineReader::take(Line& line, std::size_t length, bool terminated) {
  std::string_view text(buffer_.data() + begin_, length);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t used = length + (terminated ? 1 : 0);
  begin_ += used;
  offset_ += used;
  line = {.text = text, .number = number_++, .end = offset_, .size = length, .terminated = terminated};
}

Result<bool> LineReader::next(Line& line) {
  std::size_t searched = 0;
  for (;;) {
    const std::size_t held = end_ - begin_;
    const void* const found =
        held > searched ? std::memchr(buffer_.data() + begin_ + searched, '\n', held - searched) : nullptr;
    const std::size_t length =
        found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) - begin_ : held;
    if (length > max_line_bytes_) return finish_oversized(line);
    if (found != nullptr) {
      take(line, length, true);
      return true;
    }
    searched = held;
    TRIUNE_ASSIGN(const bool more, fill());
    if (more) continue;
    if (held == 0) return false;
    take(line, held, false);
    return true;
  }
}

// Keeps the beginning of the line and drops the rest while looking for its end.
Result<bool> LineReader::finish_oversized(Line& line) {
  const auto start = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
  kept_.assign(start, start + static_cast<std::ptrdiff_t>(std::min(end_ - begin_, kept_of_oversized)));
  std::uint64_t size = 0;
  bool terminated = false;
  for (;;) {
    const std::string_view held(buffer_.data() + begin_, end_ - begin_);
    const auto found = held.find('\n');
    const std::size_t used = found == std::string_view::npos ? held.size() : found;
    size += used;
    begin_ += used;
    offset_ += used;
    terminated = found != std::string_view::npos;
    if (terminated) break;
    TRIUNE_ASSIGN(const bool more, fill());
    if (!more) break;
  }
  if (terminated) {
    ++begin_;
    ++offset_;
  }
  line = {.text = std::string_view(kept_.data(), kept_.size()),
          .number = number_++,
          .end = offset_,
          .size = size,
          .terminated = terminated,
          .oversized = true};
  return true;
}

}  // namespace triune::intake
