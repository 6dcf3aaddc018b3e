#include "modules/events/months.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/try.h"
#include "modules/events/event_id.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"
#include "triune/ids.h"

namespace triune::modules::events {
namespace {

using contract::Dialect;
using contract::RelationalSession;

constexpr std::size_t time_digits = 12;
constexpr std::size_t most_months = 10'000;
constexpr std::int64_t latest_ms = (std::int64_t{1} << 48) - 1;

std::chrono::year_month month_of(std::int64_t at_ms) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(at_ms)));
  const std::chrono::year_month_day date(day);
  return date.year() / date.month();
}

}  // namespace

std::string event_id(std::int64_t occurred_at_ms) {
  auto id = new_id();
  const auto time = id_from(occurred_at_ms);
  id.replace(0, time.size(), time);
  return id;
}

std::string id_from(std::int64_t at_ms) {
  auto digits = fmt::format("{:012x}", std::min(std::max<std::int64_t>(at_ms, 0), latest_ms));
  digits.insert(8, 1, '-');
  return digits;
}

std::optional<std::int64_t> time_of_id(std::string_view id) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx";
  if (id.size() != form.size()) return std::nullopt;
  std::int64_t time = 0;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = id[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (form[i] == 'x' ? !digit : c != form[i]) return std::nullopt;
    if (form[i] != 'x' || digits == time_digits) continue;
    time = time * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    ++digits;
  }
  return time;
}

std::int64_t month_start(std::int64_t at_ms, int more) {
  const std::chrono::sys_days first{(month_of(at_ms) + std::chrono::months(more)) / std::chrono::day(1)};
  return std::chrono::duration_cast<std::chrono::milliseconds>(first.time_since_epoch()).count();
}

std::string month_name(std::int64_t at_ms) {
  const auto month = month_of(at_ms);
  return fmt::format("{:04}-{:02}", static_cast<int>(month.year()), static_cast<unsigned>(month.month()));
}

Result<bool> Months::make_one(std::int64_t start, const Actor& actor) {
  std::uint64_t made = 0;
  const std::array<Value, 3> row{month_name(start), start, month_start(start, 1)};
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        if (session.dialect() == Dialect::sqlite) {
          TRIUNE_ASSIGN(made, session.execute("INSERT INTO triune_event_months (month, from_ms, until_ms) VALUES (?1, "
                                              "?2, ?3) ON CONFLICT (month) DO NOTHING",
                                              row));
          return {};
        }
        const std::span<const Value> all(row);
        TRIUNE_ASSIGN(const RowSet there,
                      session.query("SELECT 1 FROM triune_event_months WHERE month = ?1", all.first(1), 1));
        made = there.rows.empty() ? 1 : 0;
        if (made == 0) return {};
        // Attaching waits for no writer, and no writer for it longer than this.
        TRIUNE_TRY(session.query("SELECT set_config('lock_timeout', '2s', true)", {}, 1));
        TRIUNE_TRY(session.query("SELECT CAST(triune_event_month_open(?1) AS text)", all.subspan(1, 1), 1));
        return {};
      },
      patience()));
  return made > 0;
}

Result<std::vector<std::string>> Months::make(std::size_t ahead, const Actor& actor) {
  std::vector<std::string> made;
  const auto now = now_ms();
  for (std::size_t i = 0; i <= ahead; ++i) {
    const auto start = month_start(now, static_cast<int>(i));
    TRIUNE_ASSIGN(const bool is_new, make_one(start, actor));
    if (is_new) made.push_back(month_name(start));
  }
  return made;
}

Status Months::ensure(const std::set<std::int64_t>& starts, const Actor& actor) {
  for (const auto start : starts) {
    {
      const std::scoped_lock lock(mutex_);
      if (known_.contains(start)) continue;
    }
    TRIUNE_TRY(make_one(start, actor));
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 1> key{start};
    TRIUNE_ASSIGN(const RowSet rows,
                  session->query("SELECT 1 FROM triune_event_months WHERE from_ms = ?1 AND state = 'open'", key, 1));
    if (rows.rows.empty())
      return failure(
          ErrorCode::conflict,
          fmt::format("the events of {} are leaving; tell of others once that has ended", month_name(start)));
    const std::scoped_lock lock(mutex_);
    known_.insert(start);
  }
  return {};
}

void Months::forget() {
  const std::scoped_lock lock(mutex_);
  known_.clear();
}

Result<std::vector<EventMonth>> Months::all() const {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT month, from_ms, until_ms, state FROM triune_event_months ORDER BY from_ms", {},
                               most_months));
  std::vector<EventMonth> months;
  for (const auto& row : rows.rows) months.push_back({text(row[0]), integer(row[1]), integer(row[2]), text(row[3])});
  return months;
}

}  // namespace triune::modules::events
