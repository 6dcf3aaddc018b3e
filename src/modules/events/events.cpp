#include "triune/modules/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "modules/events/aggregates.h"
#include "modules/events/definition.h"
#include "modules/events/deliveries.h"
#include "modules/events/gatherer.h"
#include "modules/events/patience.h"
#include "modules/events/query.h"
#include "modules/events/retention.h"
#include "modules/events/subscriptions.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::events;
using contract::RelationalSession;

constexpr std::size_t months_ahead = 3;
constexpr std::size_t most_months_ahead = 24;
/// On a server several transactions are on their way to its disk at once; SQLite has one writer.
constexpr std::size_t writers_on_server = 4;

class StoredEvents final : public Events {
 public:
  explicit StoredEvents(Module module)
      : module_(std::move(module)),
        gatherer_(ingest_, module_.dialect() == contract::Dialect::sqlite ? 1 : writers_on_server) {}

  Status register_source(const EventSource& source, const Actor& actor) override {
    return names_.put_source(source, actor);
  }
  Result<std::vector<EventSource>> sources() override { return names_.sources(); }

  Result<IngestedEvent> ingest(const NewEvent& event, const Actor& actor) override {
    TRIUNE_TRY(check_event(event, now_ms()));
    return gatherer_.run(event, actor);
  }
  Result<IngestReport> ingest_many(std::span<const NewEvent> events, const Actor& actor) override {
    if (events.size() > most_in_batch)
      return failure(
          ErrorCode::resource_exhausted,
          fmt::format("at most {} events are told at once, not {}; split them", most_in_batch, events.size()));
    std::vector<const NewEvent*> all;
    all.reserve(events.size());
    for (const auto& event : events) all.push_back(&event);
    return ingest_.run(all, actor);
  }

  Result<Event> get(std::string_view id) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return find_event(*session, organization(), id);
  }
  Result<std::vector<Event>> query(const EventFilter& filter) override { return find_events(module_, names_, filter); }
  Result<EventChain> chain(std::string_view id) override { return find_chain(module_, id); }

  Status set_status(std::string_view id, EventStatus status, const Actor& actor) override {
    return change(
        id, actor,
        "UPDATE triune_events SET status = ?3, processed_at_ms = CASE WHEN ?3 = 2 THEN CAST(?4 AS bigint) ELSE "
        "processed_at_ms END WHERE organization_id = ?1 AND id = ?2",
        {static_cast<std::int64_t>(status), now_ms()});
  }
  Status remove(std::string_view id, const Actor& actor) override {
    return change(id, actor, "DELETE FROM triune_events WHERE organization_id = ?1 AND id = ?2", {});
  }

  Result<std::string> subscribe(const EventSubscription& subscription, const Actor& actor) override {
    return put_subscription(module_, subscription, actor);
  }
  Status unsubscribe(std::string_view subscription, const Actor& actor) override {
    return remove_subscription(module_, subscription, actor);
  }
  Result<std::vector<EventSubscription>> subscriptions() override { return all_subscriptions(module_); }
  Result<std::vector<EventDelivery>> claim(std::string_view subscription, std::string_view worker, std::size_t limit,
                                           const Actor& actor) override {
    return deliveries_.claim(subscription, worker, limit, actor);
  }
  Status acknowledge(const EventDelivery& delivery, const Json& response, const Actor& actor) override {
    return deliveries_.acknowledge(delivery, response, actor);
  }
  Status fail(const EventDelivery& delivery, std::string_view error, const Actor& actor) override {
    return deliveries_.fail(delivery, error, actor);
  }
  Result<std::vector<DeliveryCount>> deliveries(std::string_view subscription) override {
    return deliveries_.count(subscription);
  }
  Result<std::uint64_t> revive(std::string_view subscription, const Actor& actor) override {
    return deliveries_.revive(subscription, actor);
  }

  Result<std::vector<EventAggregate>> aggregates(const AggregateQuery& query) override {
    return aggregates_of(module_, names_, query);
  }
  Result<std::vector<SourceHealth>> health() override { return health_of(module_); }

  Result<std::vector<EventMonth>> months() override { return months_.all(); }
  Result<std::vector<std::string>> make_months(std::size_t ahead, const Actor& actor) override {
    return months_.make(std::min(ahead, most_months_ahead), actor);
  }
  Result<RetentionReport> retain(std::int64_t keep_days, const Actor& actor) override {
    return let_go(module_, months_, keep_days, actor);
  }

 private:
  [[nodiscard]] std::int64_t organization() const { return module_.organization_id(); }

  Status change(std::string_view id, const Actor& actor, std::string_view sql, std::vector<Value> values) const {
    std::vector<Value> parameters{organization(), std::string(id)};
    parameters.insert(parameters.end(), values.begin(), values.end());
    TRIUNE_TRY(module_.write(
        actor,
        [&](RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(const auto changed, session.execute(sql, parameters));
          if (changed == 1) return {};
          return failure(ErrorCode::not_found, fmt::format("there is no event {}", id));
        },
        patience()));
    return {};
  }

  Module module_;
  Names names_{module_};
  Months months_{module_};
  Ingest ingest_{module_, names_, months_};
  Gatherer gatherer_;
  Deliveries deliveries_{module_};
};

}  // namespace

Result<std::unique_ptr<Events>> Events::open(Hive& hive) {
  const auto dialect = hive.dialect() == SqlDialect::sqlite ? contract::Dialect::sqlite : contract::Dialect::postgres;
  TRIUNE_ASSIGN(auto module, Module::open(hive, definition(dialect)));
  auto events = std::make_unique<StoredEvents>(std::move(module));
  TRIUNE_TRY(events->make_months(months_ahead, {.id = {}, .type = ActorType::system, .reason = {}, .request_id = {}}));
  return Result<std::unique_ptr<Events>>(std::move(events));
}

}  // namespace triune
