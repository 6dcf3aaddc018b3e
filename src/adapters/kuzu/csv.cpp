#include "adapters/kuzu/csv.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

constexpr std::size_t buffer_bytes = 1U << 20U;

Status file_failure(const std::filesystem::path& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  return kuzu_failure(full ? ErrorCode::resource_exhausted : ErrorCode::unavailable,
                      fmt::format("cannot write {}: {}", path.string(), std::strerror(code)), Retry::safe);
}

// Kuzu reads the words nan and inf, in lower case and with a sign.
std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{}", value);
}

}  // namespace

Status CsvFile::append(std::string_view line) {
  if (file_ == nullptr) {
    file_.reset(std::fopen(path_.c_str(), "wbx"));
    if (file_ == nullptr) return file_failure(path_, errno);
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);
    buffer_.reserve(buffer_bytes + line.size());
  }
  buffer_ += line;
  ++rows_;
  return buffer_.size() >= buffer_bytes ? flush() : Status();
}

Status CsvFile::flush() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) return file_failure(path_, errno);
  buffer_.clear();
  return {};
}

Status CsvFile::finish() {
  if (file_ == nullptr) return {};
  TRIUNE_TRY(flush());
  buffer_.shrink_to_fit();
  if (std::fclose(file_.release()) != 0) return file_failure(path_, errno);
  return {};
}

Status CsvTable::append(std::initializer_list<std::string_view> keys, std::span<const Value> values) {
  line_.clear();
  has_line_break_ = false;
  for (const auto key : keys) {
    TRIUNE_TRY(append_text(key));
    line_ += ',';
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    TRIUNE_TRY(append_cell(values[i], columns_[keys.size() + i]));
    line_ += ',';
  }
  line_.back() = '\n';
  return has_line_break_ ? with_line_breaks_.append(line_) : plain_.append(line_);
}

Status CsvTable::append_cell(const Value& value, contract::PropertyType column) {
  if (const auto* text = std::get_if<std::string>(&value)) return append_text(*text);
  if (const auto* json = std::get_if<Json>(&value)) return append_text(json->text);
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    fmt::format_to(std::back_inserter(line_), "{}", *integer);
  else if (const auto* number = std::get_if<double>(&value))
    line_ += number_text(*number);
  else if (const auto* flag = std::get_if<bool>(&value))
    line_ += *flag ? "true" : "false";
  else if (column == contract::PropertyType::text)
    line_ += null_marker_;
  return {};
}

Status CsvTable::append_text(std::string_view text) {
  if (text == null_marker_)
    return kuzu_failure(ErrorCode::conflict, "a text of the data equals the marker chosen for NULL; load again",
                        Retry::safe);
  line_ += '"';
  while (true) {
    const auto special = text.find_first_of("\"\n\r");
    line_ += text.substr(0, special);
    if (special == std::string_view::npos) break;
    if (text[special] == '"')
      line_ += "\"\"";
    else {
      line_ += text[special];
      has_line_break_ = true;
    }
    text.remove_prefix(special + 1);
  }
  line_ += '"';
  return {};
}

Status CsvTable::finish() {
  TRIUNE_TRY(plain_.finish());
  return with_line_breaks_.finish();
}

}  // namespace triune::adapters::kuzu
