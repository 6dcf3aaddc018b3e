#include "modules/events/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/try.h"
#include "modules/events/event_id.h"
#include "modules/events/event_rows.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {
namespace {

using contract::RelationalSession;

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_ranges = 100'000;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 86'400'000;

/// Times that events asked for occurred in.
struct Range {
  std::int64_t from_ms = 0;
  std::int64_t until_ms = std::numeric_limits<std::int64_t>::max();
};

class Search {
 public:
  Search(RelationalSession& session, std::int64_t organization_id, const EventFilter& filter,
         std::optional<std::int64_t> source, std::optional<std::int64_t> type)
      : session_(session), organization_id_(organization_id), filter_(filter), source_(source), type_(type) {}

  Result<std::vector<Event>> run() {
    const auto limit = std::min(filter_.limit, most_rows);
    std::vector<Event> found;
    TRIUNE_ASSIGN(const auto ranges, ranges_to_look_in());
    for (const auto& range : ranges) {
      if (found.size() >= limit) break;
      TRIUNE_ASSIGN(auto more, in_range(range, limit - found.size()));
      for (auto& event : more) found.push_back(std::move(event));
    }
    return found;
  }

 private:
  [[nodiscard]] Range whole() const {
    Range range{.from_ms = filter_.since_ms.value_or(0)};
    if (filter_.until_ms) range.until_ms = *filter_.until_ms;
    if (const auto before = time_of_id(filter_.before_id)) range.until_ms = std::min(range.until_ms, *before + 1);
    return range;
  }

  /// The newest first; neighbours are one.
  Result<std::vector<Range>> ranges_to_look_in() {
    const bool by_actor = !filter_.actor.empty();
    if (!filter_.correlation_id.empty() || (!by_actor && !source_ && !type_)) return std::vector<Range>{whole()};
    const auto all = whole();
    std::vector<Value> parameters{organization_id_, all.from_ms - day_ms, all.until_ms};
    std::string where;
    const auto add = [&](std::string_view column, Value value) {
      parameters.push_back(std::move(value));
      where += fmt::format(" AND {} = ?{}", column, parameters.size());
    };
    if (by_actor) add("actor", filter_.actor);
    if (source_) add("source_id", *source_);
    if (type_ && !by_actor) add("type_id", *type_);
    const auto sql =
        by_actor ? fmt::format(
                       "SELECT DISTINCT day_ms FROM triune_event_actors WHERE organization_id = ?1 AND day_ms > "
                       "?2 AND day_ms < ?3{} ORDER BY day_ms DESC",
                       where)
                 : fmt::format(
                       "SELECT DISTINCT start_ms FROM triune_event_counts WHERE organization_id = ?1 AND "
                       "period_ms = 3600000 AND start_ms > ?2 AND start_ms < ?3 AND events > 0{} ORDER BY "
                       "start_ms DESC",
                       where);
    TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, parameters, most_ranges));
    return joined(rows, by_actor ? day_ms : hour_ms, all);
  }

  static std::vector<Range> joined(const RowSet& rows, std::int64_t period, const Range& all) {
    std::vector<Range> ranges;
    for (const auto& row : rows.rows) {
      const Range one{std::max(integer(row[0]), all.from_ms), std::min(integer(row[0]) + period, all.until_ms)};
      if (one.from_ms >= one.until_ms) continue;
      if (!ranges.empty() && ranges.back().from_ms == one.until_ms) {
        ranges.back().from_ms = one.from_ms;
      } else {
        ranges.push_back(one);
      }
    }
    return ranges;
  }

  Result<std::vector<Event>> in_range(const Range& range, std::size_t limit) {
    std::vector<Value> parameters{organization_id_, id_from(range.from_ms), id_from(range.until_ms),
                                  static_cast<std::int64_t>(limit)};
    std::string where;
    const auto add = [&](std::string_view condition, Value value) {
      parameters.push_back(std::move(value));
      where += fmt::format(" AND {} ?{}", condition, parameters.size());
    };
    if (source_) add("e.source_id =", *source_);
    if (type_) add("e.type_id =", *type_);
    if (!filter_.actor.empty()) add("e.actor =", filter_.actor);
    if (filter_.status) add("e.status =", static_cast<std::int64_t>(*filter_.status));
    if (filter_.min_severity) add("e.severity >=", static_cast<std::int64_t>(*filter_.min_severity));
    if (!filter_.before_id.empty()) add("e.id <", filter_.before_id);
    if (!filter_.correlation_id.empty()) {
      add("e.id IN (SELECT c.id FROM triune_event_chains c WHERE c.organization_id = ?1 AND c.correlation_id =",
          filter_.correlation_id);
      where += ")";
    }
    TRIUNE_ASSIGN(
        const RowSet rows,
        session_.query(fmt::format("SELECT {} FROM triune_events e WHERE e.organization_id = ?1 AND e.id >= ?2 "
                                   "AND e.id < ?3{} ORDER BY e.id DESC LIMIT ?4",
                                   event_columns, where),
                       parameters, most_rows));
    return events_of(rows);
  }

  RelationalSession& session_;
  const std::int64_t organization_id_;
  const EventFilter& filter_;
  const std::optional<std::int64_t> source_;
  const std::optional<std::int64_t> type_;
};

}  // namespace

Result<Event> find_event(RelationalSession& session, std::int64_t organization_id, std::string_view id) {
  const std::array<Value, 2> key{organization_id, std::string(id)};
  static const auto sql =
      fmt::format("SELECT {} FROM triune_events e WHERE e.organization_id = ?1 AND e.id = ?2", event_columns);
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, key, 1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no event {}", id));
  return event_of(rows.rows[0]);
}

Result<std::vector<Event>> find_events(const Module& module, Names& names, const EventFilter& filter) {
  std::optional<std::int64_t> source;
  std::optional<std::int64_t> type;
  if (!filter.source.empty()) {
    TRIUNE_ASSIGN(source, names.known_source(filter.source));
    if (!source) return std::vector<Event>();
  }
  if (!filter.type.empty()) {
    TRIUNE_ASSIGN(type, names.known_type(filter.type));
    if (!type) return std::vector<Event>();
  }
  TRIUNE_ASSIGN(const auto session, module.read(patience()));
  return Search(*session, module.organization_id(), filter, source, type).run();
}

Result<EventChain> find_chain(const Module& module, std::string_view id) {
  TRIUNE_ASSIGN(const auto session, module.read(patience()));
  TRIUNE_ASSIGN(const Event event, find_event(*session, module.organization_id(), id));
  const std::array<Value, 3> parameters{module.organization_id(), std::string(id),
                                        static_cast<std::int64_t>(most_rows)};
  const auto select = [&](std::string_view sql) { return session->query(sql, parameters, most_rows); };
  TRIUNE_ASSIGN(const RowSet causes,
                select(fmt::format("WITH RECURSIVE up (id, depth) AS (SELECT cause_id, 1 FROM triune_event_chains "
                                   "WHERE organization_id = ?1 AND "
                                   "id = ?2 AND cause_id IS NOT NULL UNION ALL SELECT c.cause_id, u.depth + 1 FROM up "
                                   "u JOIN triune_event_chains "
                                   "c ON c.organization_id = ?1 AND c.id = u.id WHERE c.cause_id IS NOT NULL AND "
                                   "u.depth < ?3) SELECT {} FROM up "
                                   "u JOIN triune_events e ON e.organization_id = ?1 AND e.id = u.id ORDER BY u.depth",
                                   event_columns)));
  TRIUNE_ASSIGN(
      const RowSet effects,
      select(fmt::format(
          "WITH RECURSIVE down (id) AS (SELECT id FROM triune_event_chains WHERE organization_id = ?1 AND cause_id = "
          "?2 "
          "UNION SELECT c.id FROM down d JOIN triune_event_chains c ON c.organization_id = ?1 AND c.cause_id = d.id) "
          "SELECT {} FROM down d JOIN triune_events e ON e.organization_id = ?1 AND e.id = d.id ORDER BY e.id LIMIT ?3",
          event_columns)));
  TRIUNE_ASSIGN(const RowSet correlated,
                select(fmt::format(
                    "SELECT {} FROM triune_events e WHERE e.organization_id = ?1 AND e.id <> ?2 AND e.id IN (SELECT "
                    "c.id FROM triune_event_chains c WHERE c.organization_id = ?1 AND c.correlation_id = (SELECT "
                    "o.correlation_id FROM triune_event_chains o WHERE o.organization_id = ?1 AND o.id = ?2)) ORDER "
                    "BY e.id LIMIT ?3",
                    event_columns)));
  return EventChain{events_of(causes), events_of(effects), events_of(correlated)};
}

}  // namespace triune::modules::events
