#include "placement/source.h"

#include <algorithm>

#include "base/try.h"

namespace triune::placement {
namespace {

/// For writers that hold a file with a rollback journal again and again.
constexpr auto longest_wait = std::chrono::seconds(60);

}  // namespace

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

template <class Statement>
auto Source::patiently(Statement statement) -> decltype(statement(Deadline::never())) {
  const auto end = std::chrono::steady_clock::now() + longest_wait;
  while (true) {
    TRIUNE_TRY(go_on());
    auto result = statement(statement_deadline());
    const bool busy = !result && result.error().code == ErrorCode::unavailable && result.error().connection_usable;
    if (!busy || std::chrono::steady_clock::now() > end) return result;
  }
}

Result<RowSet> Source::rows(std::string_view sql, std::span<const Value> parameters, std::size_t most) {
  return patiently([&](Deadline deadline) { return database_.query(sql, parameters, most, deadline); });
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
  return patiently([&](Deadline deadline) { return database_.scratch(sql, parameters, deadline); });
}

Status Source::note(std::string where, const Error& error) {
  TRIUNE_TRY(go_on());
  problems_.push_back({.where = std::move(where), .message = error.message});
  return {};
}

}  // namespace triune::placement
