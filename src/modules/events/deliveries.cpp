#include "modules/events/deliveries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "base/try.h"
#include "modules/events/event_rows.h"
#include "modules/events/patience.h"
#include "modules/events/query.h"
#include "modules/events/subscriptions.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {
namespace {

using contract::Dialect;
using contract::RelationalSession;

constexpr std::size_t most_claimed = 1'000;
constexpr std::size_t longest_error = 4'000;
constexpr std::int64_t most_doublings = 40;

/// Rows that other workers look at are passed over.
std::string_view passing_over(const RelationalSession& session) {
  return session.dialect() == Dialect::postgres ? " FOR UPDATE SKIP LOCKED" : "";
}

/// Half of it to all of it, so that what failed together is not tried together.
std::int64_t with_jitter(std::int64_t milliseconds) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds / 2 + std::uniform_int_distribution<std::int64_t>(0, milliseconds - milliseconds / 2)(random);
}

std::int64_t backoff(const EventSubscription& subscription, std::int64_t attempt) {
  auto wait = subscription.backoff_ms;
  for (std::int64_t i = 1; i < std::min(attempt, most_doublings) && wait < subscription.longest_backoff_ms; ++i)
    wait *= 2;
  return with_jitter(std::min(wait, subscription.longest_backoff_ms));
}

// What is looked for is materialized: looked for once, whatever the plan, since each look locks and passes over.

/// Leases that ended: due again at once, or dead.
Status take_back(RelationalSession& session, std::int64_t organization_id, const EventSubscription& subscription,
                 std::int64_t now) {
  const std::array<Value, 4> parameters{organization_id, subscription.id, now, subscription.max_attempts};
  TRIUNE_TRY(session.execute(
      fmt::format(
          "WITH ended AS MATERIALIZED (SELECT event_id FROM triune_event_deliveries WHERE organization_id = ?1 AND "
          "subscription_id = ?2 AND state = 'claimed' AND lease_until_ms < ?3 LIMIT 1000{}) UPDATE "
          "triune_event_deliveries SET state = CASE WHEN attempts >= ?4 THEN 'dead' ELSE 'waiting' END, "
          "ended_at_ms = CASE WHEN attempts >= ?4 THEN CAST(?3 AS bigint) END, lease_until_ms = NULL, worker = "
          "'', last_error = 'the lease ended' WHERE organization_id = ?1 AND subscription_id = ?2 AND event_id IN "
          "(SELECT event_id FROM ended)",
          passing_over(session)),
      parameters));
  return {};
}

Result<RowSet> claim_rows(RelationalSession& session, std::int64_t organization_id,
                          const EventSubscription& subscription, std::string_view worker, std::int64_t now,
                          std::size_t limit) {
  const std::array<Value, 6> parameters{organization_id,
                                        subscription.id,
                                        now,
                                        std::string(worker),
                                        now + subscription.lease_ms,
                                        static_cast<std::int64_t>(limit)};
  return session.query(
      fmt::format(
          "WITH due AS MATERIALIZED (SELECT event_id FROM triune_event_deliveries WHERE organization_id = ?1 AND "
          "subscription_id = ?2 AND state = 'waiting' AND due_at_ms <= ?3 ORDER BY priority DESC, due_at_ms, "
          "event_id LIMIT ?6{}) UPDATE triune_event_deliveries SET state = 'claimed', attempts = attempts + 1, "
          "claim = claim + 1, worker = ?4, lease_until_ms = ?5 WHERE organization_id = ?1 AND subscription_id = "
          "?2 AND event_id IN (SELECT event_id FROM due) RETURNING event_id, priority, attempts, claim",
          passing_over(session)),
      parameters, limit);
}

}  // namespace

Result<std::vector<EventDelivery>> Deliveries::claim(std::string_view subscription, std::string_view worker,
                                                     std::size_t limit, const Actor& actor) {
  std::vector<EventDelivery> claimed;
  const auto organization = module_.organization_id();
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        claimed.clear();
        const auto now = now_ms();
        TRIUNE_ASSIGN(const auto one, find_subscription(session, organization, subscription));
        if (one.state != "active") return {};
        TRIUNE_TRY(take_back(session, organization, one, now));
        TRIUNE_ASSIGN(const RowSet rows,
                      claim_rows(session, organization, one, worker, now, std::min(limit, most_claimed)));
        for (const auto& row : rows.rows) {
          EventDelivery delivery{.subscription = one.id, .event = {}, .priority = integer(row[1])};
          TRIUNE_ASSIGN(delivery.event, find_event(session, organization, text(row[0])));
          delivery.attempt = integer(row[2]);
          delivery.claim = integer(row[3]);
          delivery.worker = worker;
          delivery.lease_until_ms = now + one.lease_ms;
          claimed.push_back(std::move(delivery));
        }
        return {};
      },
      patience()));
  std::sort(claimed.begin(), claimed.end(), [](const auto& one, const auto& other) {
    return one.priority != other.priority ? one.priority > other.priority : one.event.id < other.event.id;
  });
  return claimed;
}

Status Deliveries::end(const EventDelivery& delivery, std::string_view assignments, std::vector<Value> values,
                       const Actor& actor) {
  std::vector<Value> parameters{module_.organization_id(), delivery.subscription, delivery.event.id, delivery.claim};
  parameters.insert(parameters.end(), values.begin(), values.end());
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(const auto changed,
                      session.execute(fmt::format("UPDATE triune_event_deliveries SET {}, lease_until_ms = NULL WHERE "
                                                  "organization_id = ?1 AND subscription_id = ?2 AND event_id = ?3 AND "
                                                  "state = 'claimed' AND claim = ?4",
                                                  assignments),
                                      parameters));
        if (changed == 1) return {};
        return failure(ErrorCode::conflict,
                       fmt::format("the delivery of event {} is not {}'s any more: its lease ended and another claimed "
                                   "it, or it has ended",
                                   delivery.event.id, delivery.worker));
      },
      patience()));
  return {};
}

Status Deliveries::acknowledge(const EventDelivery& delivery, const Json& response, const Actor& actor) {
  return end(delivery, "state = 'delivered', ended_at_ms = ?5, response = ?6", {now_ms(), response.text}, actor);
}

Status Deliveries::fail(const EventDelivery& delivery, std::string_view error, const Actor& actor) {
  EventSubscription subscription;
  {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    TRIUNE_ASSIGN(subscription, find_subscription(*session, module_.organization_id(), delivery.subscription));
  }
  const auto now = now_ms();
  std::vector<Value> values{now, now + backoff(subscription, delivery.attempt), subscription.max_attempts,
                            std::string(error.substr(0, longest_error))};
  return end(delivery,
             "state = CASE WHEN attempts >= ?7 THEN 'dead' ELSE 'waiting' END, ended_at_ms = CASE WHEN attempts >= ?7 "
             "THEN CAST(?5 AS bigint) END, due_at_ms = ?6, worker = '', last_error = ?8",
             std::move(values), actor);
}

Result<std::vector<DeliveryCount>> Deliveries::count(std::string_view subscription) {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  TRIUNE_ASSIGN(const auto one, find_subscription(*session, module_.organization_id(), subscription));
  const std::array<Value, 2> key{module_.organization_id(), one.id};
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT state, count(*) FROM triune_event_deliveries WHERE organization_id = ?1 AND "
                               "subscription_id = ?2 GROUP BY state ORDER BY state",
                               key, 10));
  std::vector<DeliveryCount> counts;
  for (const auto& row : rows.rows) counts.push_back({text(row[0]), integer(row[1])});
  return counts;
}

Result<std::uint64_t> Deliveries::revive(std::string_view subscription, const Actor& actor) {
  std::uint64_t revived = 0;
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(const auto one, find_subscription(session, module_.organization_id(), subscription));
        const std::array<Value, 3> parameters{module_.organization_id(), one.id, now_ms()};
        TRIUNE_ASSIGN(revived,
                      session.execute("UPDATE triune_event_deliveries SET state = 'waiting', attempts = 0, due_at_ms = "
                                      "?3, ended_at_ms = NULL WHERE organization_id = ?1 AND subscription_id = ?2 AND "
                                      "state = 'dead'",
                                      parameters));
        return {};
      },
      patience()));
  return revived;
}

}  // namespace triune::modules::events
