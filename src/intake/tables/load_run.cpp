#include "intake/tables/load_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/try.h"
#include "hive/change_applier.h"
#include "intake/tables/csv_reader.h"
#include "model/json.h"

namespace triune::intake {
namespace {

constexpr std::size_t id_limit = 1024;
constexpr std::size_t name_limit = 200;
constexpr std::size_t names_shown = 20;
constexpr std::uint64_t progress_rows = 1U << 16U;

}  // namespace

Result<bool> LoadRun::next(Record& record) {
  for (;;) {
    if (++read_ % progress_rows == 0) show_progress();
    auto more = reader_.next(record);
    if (more.has_value() || more.error().code != ErrorCode::invalid_argument) return more;
    // The reader names the file and the line, and so does the report.
    TRIUNE_TRY(set_aside(std::string_view(more.error().message).substr(at_row("").size())));
  }
}

Status LoadRun::set_aside(std::uint64_t line, std::string_view reason) {
  if (options_.strict)
    return failure(ErrorCode::invalid_argument, fmt::format("{}:{}: {}", reader_.name(), line, reason));
  ++report_.bad;
  if (report_.bad_rows.size() < options_.reported_bad_rows) report_.bad_rows.push_back({line, std::string(reason)});
  return {};
}

Status LoadRun::need(std::initializer_list<std::string_view> columns) const {
  const auto header = reader_.header();
  if (header.empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < header.size() && i < names_shown; ++i)
    names += (i == 0 ? "" : ", ") + readable_beginning(header[i]);
  if (header.size() > names_shown) names += ", …";
  for (const auto& column : columns) {
    if (std::find(header.begin(), header.end(), column) != header.end()) continue;
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} has no column {}, only {}; name the columns of a file without a header line with "
                               "--columns",
                               reader_.name(), column, names));
  }
  return {};
}

std::string LoadRun::at_row(std::string_view reason) const {
  return fmt::format("{}:{}: {}", reader_.name(), reader_.line(), reason);
}

Status LoadRun::restart() {
  report_ = {};
  return reader_.rewind();
}

void LoadRun::show_progress() {
  if (progress_) progress_("loading", reader_.bytes_done(), reader_.bytes_total());
}

Result<std::string> take_id(Record& record, std::string_view name) {
  const auto field = std::find_if(record.begin(), record.end(), [&](const Field& each) { return each.name == name; });
  if (field == record.end() || is_null(field->value))
    return failure(ErrorCode::invalid_argument, fmt::format("{} is missing", name));
  auto* const text = std::get_if<std::string>(&field->value);
  std::string id = text != nullptr ? std::move(*text) : to_text(field->value);
  record.erase(field);
  if (id.empty() || id.size() > id_limit)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} has {} bytes; 1 to {} are allowed", name, id.size(), id_limit));
  if (!model::is_storable_text(id))
    return failure(ErrorCode::invalid_argument, fmt::format("{} is not UTF-8 text, or holds a NUL", name));
  return id;
}

std::string_view without_number(std::string_view message) {
  for (const std::string_view counted : {"entity ", "change "})
    if (message.starts_with(counted)) message.remove_prefix(message.find(": ") + 2);
  return message;
}

Status check_text(const Record& record) {
  for (const auto& field : record) {
    if (field.name.empty() || field.name.size() > name_limit)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("the name of column '{}' has {} bytes; 1 to {} are allowed",
                                 readable_beginning(field.name), field.name.size(), name_limit));
    const auto* const text = std::get_if<std::string>(&field.value);
    if (text != nullptr && !model::is_storable_text(*text))
      return failure(ErrorCode::invalid_argument, fmt::format("{} is not UTF-8 text, or holds a NUL", field.name));
    const auto* const number = std::get_if<double>(&field.value);
    if (number != nullptr && !std::isfinite(*number))
      return failure(ErrorCode::invalid_argument, fmt::format("{} is not a finite number", field.name));
  }
  return {};
}

Status check_properties(const Record& record) {
  TRIUNE_TRY(check_text(record));
  std::size_t bytes = 0;
  for (const auto& field : record) {
    const auto* const text = std::get_if<std::string>(&field.value);
    const auto* const json = std::get_if<Json>(&field.value);
    bytes += field.name.size() + (text != nullptr ? text->size() : 0) + (json != nullptr ? json->text.size() : 0);
  }
  // Escapes make six bytes of one at most: only what may be too large is written out to be measured.
  if (bytes < hive::properties_byte_limit / 8) return {};
  const auto size = to_json(record).size();
  if (size <= hive::properties_byte_limit) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the properties have {} bytes, more than {}; keep large contents in a blob", size,
                             hive::properties_byte_limit));
}

}  // namespace triune::intake
