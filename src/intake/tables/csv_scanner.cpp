#include "intake/tables/csv_scanner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/try.h"

namespace triune::intake {
namespace {

constexpr std::size_t chunk_bytes = 1U << 20U;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::unexpected<Error> file_failure(const std::string& name) {
  return std::unexpected<Error>(Error{.code = ErrorCode::unavailable,
                                      .message = fmt::format("{}: {}", name, std::generic_category().message(errno)),
                                      .engine = "file",
                                      .native_code = std::to_string(errno)});
}

}  // namespace

CsvScanner::CsvScanner(std::string name, char delimiter, std::uint64_t max_record_bytes)
    : name_(std::move(name)), delimiter_(delimiter), max_record_bytes_(max_record_bytes), buffer_(chunk_bytes) {}

CsvScanner::~CsvScanner() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status CsvScanner::open(const std::filesystem::path& path) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return file_failure(name_);
  begin_ = end_ = next_ = 0;
  offset_ = record_line_ = record_lines_ = 0;
  line_ = 1;
  at_end_ = false;
  TRIUNE_TRY(fill());
  if (std::string_view(buffer_.data(), end_).starts_with(byte_order_mark)) begin_ = byte_order_mark.size();
  return {};
}

Result<bool> CsvScanner::fill() {
  if (at_end_) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  offset_ += begin_;
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return file_failure(name_);
  at_end_ = got == 0;
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

// Goes over one record, from begin_ on; sets next_ behind it.
CsvScanner::Scan CsvScanner::scan(std::vector<CsvCell>& cells) {
  cells.clear();
  unescaped_used_ = 0;
  record_lines_ = 0;
  const char* const data = buffer_.data();
  std::size_t at = begin_;
  for (;;) {
    if (at < end_ && data[at] == '"') {
      const Scan quoted = scan_quoted(cells, at);
      if (quoted != Scan::record) return quoted;
    } else {
      const std::size_t start = at;
      while (at < end_ && data[at] != delimiter_ && data[at] != '\n') ++at;
      if (at == end_ && !at_end_) return Scan::more;
      const bool carriage = (at == end_ || data[at] == '\n') && at > start && data[at - 1] == '\r';
      cells.push_back({std::string_view(data + start, at - start - (carriage ? 1 : 0)), false});
    }
    if (at == end_ || data[at] == '\n') break;
    ++at;  // the delimiter
    if (at == end_ && !at_end_) return Scan::more;
  }
  if (at < end_) ++record_lines_;
  next_ = std::min(at + 1, end_);
  return Scan::record;
}

// A cell in quotes; leaves `at` on what ends it.
CsvScanner::Scan CsvScanner::scan_quoted(std::vector<CsvCell>& cells, std::size_t& at) {
  const char* const data = buffer_.data();
  const std::size_t start = ++at;
  bool doubled = false;
  for (;;) {
    const auto* const quote = static_cast<const char*>(std::memchr(data + at, '"', end_ - at));
    if (quote == nullptr) return at_end_ ? Scan::open_quote : Scan::more;
    const auto place = static_cast<std::size_t>(quote - data);
    if (place + 1 == end_ && !at_end_) return Scan::more;
    at = place + 1;
    if (at == end_ || data[at] != '"') break;
    doubled = true;
    ++at;
  }
  std::string_view text(data + start, at - 1 - start);
  record_lines_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  if (doubled) {
    if (unescaped_used_ == unescaped_.size()) unescaped_.emplace_back();
    std::string& copy = unescaped_[unescaped_used_++];
    copy.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
      copy += text[i];
      if (text[i] == '"') ++i;
    }
    text = copy;
  }
  cells.push_back({text, true});
  if (at < end_ && data[at] == '\r') {
    if (at + 1 == end_ && !at_end_) return Scan::more;
    if (at + 1 == end_ || data[at + 1] == '\n') ++at;
  }
  return at == end_ || data[at] == delimiter_ || data[at] == '\n' ? Scan::record : Scan::stray_text;
}

void CsvScanner::consume(std::size_t next) {
  line_ += record_lines_;
  begin_ = next;
}

Result<bool> CsvScanner::next(std::vector<CsvCell>& cells) {
  for (;;) {
    if (begin_ == end_) {
      TRIUNE_ASSIGN(const bool more, fill());
      if (!more) return false;
    }
    record_line_ = line_;
    const Scan scanned = scan(cells);
    const bool too_long =
        end_ - begin_ > max_record_bytes_ && (scanned == Scan::more || next_ - begin_ > max_record_bytes_);
    if (scanned == Scan::more && !too_long) {
      TRIUNE_TRY(fill());
      continue;
    }
    if (scanned != Scan::record || too_long) return refuse(scanned);
    consume(next_);
    const bool blank = cells.size() == 1 && cells[0].text.empty() && !cells[0].quoted;
    if (!blank) return true;
  }
}

// Skips the first line of a record that cannot be read: what follows may be sound.
Result<bool> CsvScanner::refuse(Scan problem) {
  const std::string_view reason = problem == Scan::open_quote ? "a quoted cell is never closed"
                                  : problem == Scan::stray_text
                                      ? "text follows the closing quote of a cell"
                                      : "the row is too long, or a quoted cell is never closed";
  for (;;) {
    const auto* const found = static_cast<const char*>(std::memchr(buffer_.data() + begin_, '\n', end_ - begin_));
    if (found != nullptr) {
      begin_ = static_cast<std::size_t>(found - buffer_.data()) + 1;
      ++line_;
      break;
    }
    begin_ = end_;
    TRIUNE_ASSIGN(const bool more, fill());
    if (!more) break;
  }
  return failure(ErrorCode::invalid_argument, fmt::format("{}:{}: {}", name_, record_line_, reason));
}

}  // namespace triune::intake
