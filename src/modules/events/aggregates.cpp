#include "modules/events/aggregates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "base/try.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {
namespace {

using contract::RelationalSession;

constexpr std::size_t most_rows = 100'000;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 86'400'000;

struct Wanted {
  const AggregateQuery& query;
  std::optional<std::int64_t> source;
  std::optional<std::int64_t> type;
  std::vector<Value> parameters;
  std::string where;

  Wanted(std::int64_t organization_id, const AggregateQuery& asked) : query(asked), parameters{organization_id} {}

  void add(std::string_view condition, Value value) {
    parameters.push_back(std::move(value));
    where += fmt::format(" AND {} ?{}", condition, parameters.size());
  }
};

double rate(std::int64_t events, std::int64_t start, std::int64_t period, std::int64_t now) {
  const auto passed = std::clamp<std::int64_t>(now - start, 1'000, period);
  return static_cast<double>(events) * 1e3 / static_cast<double>(passed);
}

Result<std::vector<EventAggregate>> read_counts(RelationalSession& session, Wanted wanted) {
  const auto& query = wanted.query;
  const auto period = query.period == EventPeriod::hour ? hour_ms : day_ms;
  wanted.add("c.period_ms =", period);
  if (query.since_ms) wanted.add("c.start_ms >=", *query.since_ms / period * period);
  if (query.until_ms) wanted.add("c.start_ms <", *query.until_ms);
  if (wanted.source) wanted.add("c.source_id =", *wanted.source);
  if (wanted.type) wanted.add("c.type_id =", *wanted.type);
  const std::string_view source =
      query.by_source ? "(SELECT s.name FROM triune_event_sources s WHERE s.organization_id = ?1 AND s.source_id = "
                        "c.source_id)"
                      : "''";
  const std::string_view type =
      query.by_type ? "(SELECT t.name FROM triune_event_types t WHERE t.organization_id = ?1 AND t.type_id = c.type_id)"
                    : "''";
  const auto groups =
      fmt::format("c.start_ms{}{}", query.by_source ? ", c.source_id" : "", query.by_type ? ", c.type_id" : "");
  const auto limit = static_cast<std::int64_t>(std::min(query.limit, most_rows));
  wanted.parameters.emplace_back(limit);
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(fmt::format("SELECT c.start_ms, {}, {}, CAST(sum(c.events) AS bigint), CAST(sum(c.duplicates) AS "
                                "bigint), CAST(sum(c.processed) AS bigint), CAST(sum(c.failed) AS bigint) FROM "
                                "triune_event_counts c WHERE c.organization_id = ?1{} GROUP BY {} ORDER BY c.start_ms "
                                "DESC, 2, 3 LIMIT ?{}",
                                source, type, wanted.where, groups, wanted.parameters.size()),
                    wanted.parameters, most_rows));
  std::vector<EventAggregate> found;
  const auto now = now_ms();
  for (const auto& row : rows.rows) {
    const auto start = integer(row[0]);
    found.push_back({start, start + period, text(row[1]), text(row[2]), integer(row[3]), integer(row[4]),
                     integer(row[5]), integer(row[6]), rate(integer(row[3]), start, period, now), std::nullopt});
  }
  return found;
}

Status add_actors(RelationalSession& session, Wanted wanted, std::vector<EventAggregate>& found) {
  if (found.empty()) return {};
  wanted.add("a.day_ms >=", found.back().start_ms);
  wanted.add("a.day_ms <=", found.front().start_ms);
  if (wanted.source) wanted.add("a.source_id =", *wanted.source);
  const bool by_source = wanted.query.by_source;
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(fmt::format("SELECT a.day_ms, {}, count(DISTINCT a.actor) FROM triune_event_actors a WHERE "
                                "a.organization_id = ?1{} GROUP BY a.day_ms{}",
                                by_source ? "(SELECT s.name FROM triune_event_sources s WHERE "
                                            "s.organization_id = ?1 AND s.source_id = a.source_id)"
                                          : "''",
                                wanted.where, by_source ? ", a.source_id" : ""),
                    wanted.parameters, most_rows));
  std::map<std::pair<std::int64_t, std::string>, std::int64_t> counted;
  for (const auto& row : rows.rows) counted[{integer(row[0]), text(row[1])}] = integer(row[2]);
  for (auto& one : found) one.actors = counted[{one.start_ms, one.source}];
  return {};
}

}  // namespace

Result<std::vector<EventAggregate>> aggregates_of(const Module& module, Names& names, const AggregateQuery& query) {
  if (query.actors && (query.period != EventPeriod::day || query.by_type || !query.type.empty()))
    return failure(ErrorCode::invalid_argument, "actors are counted by the day and the source, not by hour or type");
  Wanted wanted(module.organization_id(), query);
  if (!query.source.empty()) {
    TRIUNE_ASSIGN(wanted.source, names.known_source(query.source));
    if (!wanted.source) return std::vector<EventAggregate>();
  }
  if (!query.type.empty()) {
    TRIUNE_ASSIGN(wanted.type, names.known_type(query.type));
    if (!wanted.type) return std::vector<EventAggregate>();
  }
  TRIUNE_ASSIGN(const auto session, module.read(patience()));
  TRIUNE_ASSIGN(auto found, read_counts(*session, wanted));
  if (query.actors) TRIUNE_TRY(add_actors(*session, wanted, found));
  return found;
}

Result<std::vector<SourceHealth>> health_of(const Module& module) {
  TRIUNE_ASSIGN(const auto session, module.read(patience()));
  const std::array<Value, 1> key{module.organization_id()};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session->query("SELECT source, active, events_24h, duplicates_24h, processed_24h, failed_24h, "
                     "last_hour_ms FROM triune_event_source_health WHERE organization_id = ?1 ORDER BY source",
                     key, most_rows));
  std::vector<SourceHealth> found;
  for (const auto& row : rows.rows)
    found.push_back({text(row[0]), integer(row[1]) == 1, integer(row[2]), integer(row[3]), integer(row[4]),
                     integer(row[5]), optional_integer(row[6])});
  return found;
}

}  // namespace triune::modules::events
