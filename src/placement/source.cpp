#include "placement/source.h"

#include <algorithm>

#include "base/try.h"

namespace triune::placement {

Deadline Source::statement_deadline() const {
  return Deadline::after(std::min(longest_, std::max(options_.deadline.remaining(), std::chrono::milliseconds(1))));
}

Status Source::go_on() const {
  if (options_.cancelled && options_.cancelled())
    return failure(ErrorCode::cancelled, "the assessment was interrupted; the file is as it was");
  if (options_.deadline.expired())
    return failure(ErrorCode::deadline_exceeded, "the assessment did not end in time; the file is as it was");
  return {};
}

Result<RowSet> Source::rows(std::string_view sql, std::span<const Value> parameters, std::size_t most) {
  TRIUNE_TRY(go_on());
  return database_.query(sql, parameters, most, statement_deadline());
}

Result<Value> Source::cell(std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_ASSIGN(auto found, rows(sql, parameters, 1));
  if (found.rows.empty() || found.rows.front().empty()) return Value();
  return std::move(found.rows.front().front());
}

Result<std::int64_t> Source::number(std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_ASSIGN(const Value value, cell(sql, parameters));
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

Status Source::scratch(std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_TRY(go_on());
  return database_.scratch(sql, parameters, statement_deadline());
}

Status Source::note(std::string where, const Error& error) {
  TRIUNE_TRY(go_on());
  problems_.push_back({.where = std::move(where), .message = error.message});
  return {};
}

}  // namespace triune::placement
