#include "modules/events/subscriptions.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "model/json.h"
#include "modules/events/event_rows.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"
#include "triune/ids.h"

namespace triune::modules::events {
namespace {

using contract::RelationalSession;

constexpr std::size_t most_subscriptions = 10'000;
constexpr std::size_t most_listed = 1'000;
constexpr std::string_view columns =
    "id, name, state, processes, sources, types, subtypes, actors, targets, conditions, min_severity, priority, "
    "max_attempts, backoff_ms, longest_backoff_ms, lease_ms, configuration";

EventSubscription subscription_of(const std::vector<Value>& row) {
  EventSubscription one{.id = text(row[0]), .name = text(row[1])};
  one.state = text(row[2]);
  one.processes = integer(row[3]) == 1;
  one.sources = texts_of(text(row[4]));
  one.types = texts_of(text(row[5]));
  one.subtypes = texts_of(text(row[6]));
  one.actors = texts_of(text(row[7]));
  one.targets = texts_of(text(row[8]));
  one.conditions = Json{text(row[9])};
  one.min_severity = static_cast<EventSeverity>(integer(row[10]));
  one.priority = integer(row[11]);
  one.max_attempts = integer(row[12]);
  one.backoff_ms = integer(row[13]);
  one.longest_backoff_ms = integer(row[14]);
  one.lease_ms = integer(row[15]);
  one.configuration = Json{text(row[16])};
  return one;
}

Status check(const EventSubscription& one) {
  for (const auto* const list : {&one.sources, &one.types, &one.subtypes, &one.actors, &one.targets})
    if (list->size() > most_listed)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("a list of a subscription has at most {} members, not {}", most_listed, list->size()));
  for (const auto* const document : {&one.conditions, &one.configuration})
    if (!model::parse_json_object(document->text))
      return failure(ErrorCode::invalid_argument, "conditions and configuration of a subscription are JSON objects");
  return {};
}

}  // namespace

Result<std::string> put_subscription(const Module& module, const EventSubscription& one, const Actor& actor) {
  TRIUNE_TRY(check(one));
  auto id = one.id.empty() ? new_id() : one.id;
  const std::array<Value, 19> row{module.organization_id(),
                                  id,
                                  one.name,
                                  one.state,
                                  std::int64_t{one.processes},
                                  array_of(one.sources),
                                  array_of(one.types),
                                  array_of(one.subtypes),
                                  array_of(one.actors),
                                  array_of(one.targets),
                                  one.conditions.text,
                                  static_cast<std::int64_t>(one.min_severity),
                                  one.priority,
                                  one.max_attempts,
                                  one.backoff_ms,
                                  one.longest_backoff_ms,
                                  one.lease_ms,
                                  one.configuration.text,
                                  now_ms()};
  TRIUNE_TRY(module.write(
      actor,
      [&](RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute(
            fmt::format(
                "INSERT INTO triune_event_subscriptions (organization_id, {}, created_at_ms, updated_at_ms) VALUES "
                "(?1, "
                "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?19) ON CONFLICT "
                "(organization_id, name) DO UPDATE SET state = excluded.state, processes = excluded.processes, sources "
                "= "
                "excluded.sources, types = excluded.types, subtypes = excluded.subtypes, actors = excluded.actors, "
                "targets = excluded.targets, conditions = excluded.conditions, min_severity = excluded.min_severity, "
                "priority = excluded.priority, max_attempts = excluded.max_attempts, backoff_ms = excluded.backoff_ms, "
                "longest_backoff_ms = excluded.longest_backoff_ms, lease_ms = excluded.lease_ms, configuration = "
                "excluded.configuration, updated_at_ms = excluded.updated_at_ms",
                columns),
            row));
        TRIUNE_ASSIGN(const auto stored, find_subscription(session, module.organization_id(), one.name));
        id = stored.id;
        return {};
      },
      patience()));
  return id;
}

Result<std::vector<EventSubscription>> all_subscriptions(const Module& module) {
  TRIUNE_ASSIGN(const auto session, module.read(patience()));
  const std::array<Value, 1> key{module.organization_id()};
  TRIUNE_ASSIGN(const RowSet rows,
                session->query(fmt::format("SELECT {} FROM triune_event_subscriptions WHERE organization_id = ?1 ORDER "
                                           "BY name",
                                           columns),
                               key, most_subscriptions));
  std::vector<EventSubscription> found;
  for (const auto& row : rows.rows) found.push_back(subscription_of(row));
  return found;
}

Result<EventSubscription> find_subscription(RelationalSession& session, std::int64_t organization_id,
                                            std::string_view subscription) {
  const std::array<Value, 2> key{organization_id, std::string(subscription)};
  static const auto sql = fmt::format(
      "SELECT {} FROM triune_event_subscriptions WHERE organization_id = ?1 AND (id = ?2 OR name = ?2) ORDER "
      "BY CASE WHEN id = ?2 THEN 0 ELSE 1 END LIMIT 1",
      columns);
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, key, 1));
  if (rows.rows.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no event subscription '{}'", subscription));
  return subscription_of(rows.rows[0]);
}

Status remove_subscription(const Module& module, std::string_view subscription, const Actor& actor) {
  TRIUNE_TRY(module.write(
      actor,
      [&](RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(const auto one, find_subscription(session, module.organization_id(), subscription));
        const std::array<Value, 2> key{module.organization_id(), one.id};
        TRIUNE_TRY(session.execute(
            "DELETE FROM triune_event_deliveries WHERE organization_id = ?1 AND subscription_id = ?2", key));
        TRIUNE_TRY(
            session.execute("DELETE FROM triune_event_subscriptions WHERE organization_id = ?1 AND id = ?2", key));
        return {};
      },
      patience()));
  return {};
}

}  // namespace triune::modules::events
