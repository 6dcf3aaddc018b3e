#include "intake/tables/load_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/try.h"
#include "model/json.h"

namespace triune::intake {
namespace {

constexpr std::size_t id_limit = 1024;
constexpr std::uint64_t progress_rows = 1U << 16U;

}  // namespace

Result<bool> LoadRun::next(Record& record) {
  for (;;) {
    if (++read_ % progress_rows == 0) show_progress();
    auto more = reader_.next(record);
    if (more.has_value() || more.error().code != ErrorCode::invalid_argument) return more;
    TRIUNE_TRY(set_aside(more.error().message));
  }
}

Status LoadRun::set_aside(std::uint64_t line, std::string_view reason) {
  if (options_.strict) return failure(ErrorCode::invalid_argument, fmt::format("line {}: {}", line, reason));
  ++report_.bad;
  if (report_.bad_rows.size() < options_.reported_bad_rows) report_.bad_rows.push_back({line, std::string(reason)});
  return {};
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

Status check_properties(const Record& record) {
  for (const auto& field : record) {
    const auto* const text = std::get_if<std::string>(&field.value);
    if (text != nullptr && !model::is_storable_text(*text))
      return failure(ErrorCode::invalid_argument, fmt::format("{} is not UTF-8 text, or holds a NUL", field.name));
    const auto* const number = std::get_if<double>(&field.value);
    if (number != nullptr && !std::isfinite(*number))
      return failure(ErrorCode::invalid_argument, fmt::format("{} is not a finite number", field.name));
  }
  return {};
}

}  // namespace triune::intake
