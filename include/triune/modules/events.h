// Events: what happened, told once; who hears of it; how much of it there is.
//
//   auto events = triune::Events::open(*hive);
//   (*events)->register_source({.name = "github", .source_type = "github"});
//   (*events)->subscribe({.name = "reviews", .types = {"pull_request"}});
//   (*events)->ingest({.source = "github", .type = "pull_request", .actor = "ada", .external_id = "delivery-1"});
//   auto work = (*events)->claim("reviews", "worker-1");
//   (*events)->acknowledge(work->front());
//
// Times are milliseconds since 1970; documents are JSON text. Thread rule: every method may be called from any thread.
// Methods that write block until the change is durable (I1). Integrity is kept by the store itself, whoever writes.
//
// An event is a fact: its status changes, nothing else of it. Its id is a UUIDv7 of the time it occurred at, so that
// ids sort as events happened. Events are kept by the month they occurred in, and leave by whole months.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"

namespace triune {

///   received ─▶ processing ─▶ processed       (by the deliveries of a subscription that processes)
///       ▲           └───▶ failed              (its attempts are used up)
///       └───────────┘ tried again             ignored, archived: set by `set_status`
enum class EventStatus : std::uint8_t { received, processing, processed, failed, ignored, archived };
std::string_view to_string(EventStatus status) noexcept;
/// "received", and the words of other systems: "pending", "skipped", "retrying". Error: `invalid_argument`.
Result<EventStatus> parse_event_status(std::string_view word);

enum class EventSeverity : std::uint8_t { debug, info, warning, error, critical };
std::string_view to_string(EventSeverity severity) noexcept;
/// In any case of letters, also "warn", "fatal", "notice", "trace". Error: `invalid_argument`.
Result<EventSeverity> parse_event_severity(std::string_view word);

struct EventSource {
  std::string name;  ///< Unique in the organization.
  std::string source_type = "custom";
  std::string description;
  Json configuration{"{}"};  ///< Kept as it is: no secrets.
  bool active = true;        ///< False: its events are refused.
};

/// An event to be told.
struct NewEvent {
  std::string id;      ///< Empty: a new one. Otherwise a UUIDv7 of `occurred_at_ms`, in small letters.
  std::string source;  ///< Name of a registered source.
  std::string type;    ///< A new one is registered by itself.
  std::string subtype;
  std::string title;
  EventSeverity severity = EventSeverity::info;
  std::string actor;                 ///< Who did it.
  std::string target;                ///< To what.
  std::int64_t occurred_at_ms = 0;   ///< 0: now. At most an hour ahead.
  std::string correlation_id;        ///< Events with the same one belong together.
  std::string cause;                 ///< Id of the event that led to this one; earlier in the batch, or there already.
  std::string cause_external_id;     ///< The same by the external id that it has from the same source.
  std::string external_id;           ///< Of the source: an event with one that is known is a duplicate.
  std::string fingerprint;           ///< 64 characters that tell duplicates where there is no external id.
  bool fingerprint_content = false;  ///< Make the fingerprint of everything but the time and the chain.
  Json data{"{}"};                   ///< At most 1 MiB.
};

struct Event {
  std::string id;
  std::string source;
  std::string type;
  std::string subtype;
  std::string title;
  EventStatus status = EventStatus::received;
  EventSeverity severity = EventSeverity::info;
  std::string actor;
  std::string target;
  std::int64_t occurred_at_ms = 0;
  std::int64_t received_at_ms = 0;
  std::optional<std::int64_t> processed_at_ms;
  std::string correlation_id;
  std::string cause;
  std::string external_id;
  std::string fingerprint;
  Json data;
};

struct IngestedEvent {
  std::string id;          ///< Of a duplicate, that of the event that came first.
  bool duplicate = false;  ///< Nothing was written for it.
};

struct IngestReport {
  std::vector<IngestedEvent> events;  ///< In the order of the batch.
  std::size_t added = 0;
  std::size_t duplicates = 0;
};

/// Which events; what is empty does not restrict.
struct EventFilter {
  std::optional<std::int64_t> since_ms;  ///< Occurred then or later.
  std::optional<std::int64_t> until_ms;  ///< Occurred before.
  std::string source;
  std::string type;
  std::string actor;
  std::string correlation_id;
  std::optional<EventStatus> status;
  std::optional<EventSeverity> min_severity;
  std::string before_id;    ///< Only older ones than this: the next page.
  std::size_t limit = 100;  ///< At most 10,000.
};

/// Who hears of which events. An empty list matches all.
struct EventSubscription {
  std::string id;          ///< Empty: a new UUIDv7.
  std::string name;        ///< Unique in the organization.
  bool processes = false;  ///< Its deliveries are the processing of the events, and carry their status.
  std::string state =
      "active";  ///< active, paused (hears nothing new, deliveries wait), disabled (the same, for good).
  std::vector<std::string> sources;
  std::vector<std::string> types;
  std::vector<std::string> subtypes;
  std::vector<std::string> actors;
  std::vector<std::string> targets;
  Json conditions{"{}"};  ///< Top-level members of the data, and the values that they must have.
  EventSeverity min_severity = EventSeverity::debug;
  std::int64_t priority = 5;  ///< 1 to 10, higher first.
  std::int64_t max_attempts = 5;
  std::int64_t backoff_ms = 1'000;  ///< Before the second attempt; doubled for each further one, with jitter.
  std::int64_t longest_backoff_ms = 3'600'000;
  std::int64_t lease_ms = 60'000;
  Json configuration{"{}"};  ///< How to deliver, for who does; no secrets.
};

/// An event on its way to a subscriber.
struct EventDelivery {
  std::string subscription;  ///< Id.
  Event event;
  std::int64_t priority = 0;
  std::int64_t attempt = 0;  ///< 1 for the first.
  std::int64_t claim = 0;    ///< Whoever holds an older one has lost the delivery.
  std::string worker;
  std::int64_t lease_until_ms = 0;
};

/// How many deliveries of a subscription are in a state.
struct DeliveryCount {
  std::string state;  ///< waiting, claimed, delivered, dead.
  std::int64_t deliveries = 0;
};

enum class EventPeriod : std::uint8_t { hour, day };

struct AggregateQuery {
  EventPeriod period = EventPeriod::day;
  std::optional<std::int64_t> since_ms;
  std::optional<std::int64_t> until_ms;
  std::string source;
  std::string type;
  bool by_source = false;     ///< One row for each source; otherwise all together.
  bool by_type = false;       ///< One row for each type.
  bool actors = false;        ///< Count different actors too: of days, and not by type.
  std::size_t limit = 1'000;  ///< At most 100,000; the newest periods first.
};

/// What a period brought. Kept as events come, so it outlives the events.
struct EventAggregate {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::string source;  ///< Empty where not asked for.
  std::string type;
  std::int64_t events = 0;
  std::int64_t duplicates = 0;
  std::int64_t processed = 0;
  std::int64_t failed = 0;
  double per_second = 0;               ///< Over the part of the period that has passed.
  std::optional<std::int64_t> actors;  ///< Different ones, exact; where asked for.
};

/// A source in the last 24 hours.
struct SourceHealth {
  std::string source;
  bool active = true;
  std::int64_t events = 0;
  std::int64_t duplicates = 0;
  std::int64_t processed = 0;
  std::int64_t failed = 0;
  std::optional<std::int64_t> last_hour_ms;  ///< Start of the last hour with an event.
};

/// A month that takes events.
struct EventMonth {
  std::string month;  ///< "2026-11".
  std::int64_t from_ms = 0;
  std::int64_t until_ms = 0;
  std::string state;  ///< open, leaving.
};

struct RetentionReport {
  std::vector<std::string> months;  ///< That the organization has no events in any more.
  std::uint64_t events = 0;         ///< That went.
  std::vector<std::string> made;    ///< Months made ahead.
};

/// How an event and others hang together.
struct EventChain {
  std::vector<Event> causes;      ///< What led to it, the nearest first.
  std::vector<Event> effects;     ///< What it led to, directly or not, in the order of time.
  std::vector<Event> correlated;  ///< The others with its correlation id, in the order of time.
};

class Events {
 public:
  /// Makes the module's tables in the hive, or follows them, and this month and the next ones. The hive outlives it.
  static Result<std::unique_ptr<Events>> open(Hive& hive);
  virtual ~Events() = default;

  /// Adds a source, or changes the one with the name.
  virtual Status register_source(const EventSource& source, const Actor& actor = {}) = 0;
  virtual Result<std::vector<EventSource>> sources() = 0;

  /// Tells one event. Calls of several threads share transactions. A duplicate is no error. Errors: `not_found`
  /// (source, cause), `invalid_argument` (time, sizes, JSON), `conflict` (the source is closed).
  virtual Result<IngestedEvent> ingest(const NewEvent& event, const Actor& actor = {}) = 0;
  /// All or none, in their order; at most 100,000 and 64 MiB. Duplicates, also within the batch, are counted.
  virtual Result<IngestReport> ingest_many(std::span<const NewEvent> events, const Actor& actor = {}) = 0;

  /// Error: `not_found`.
  virtual Result<Event> get(std::string_view id) = 0;
  /// The newest first.
  virtual Result<std::vector<Event>> query(const EventFilter& filter = {}) = 0;
  /// At most 10,000 of each kind. Error: `not_found`.
  virtual Result<EventChain> chain(std::string_view id) = 0;
  virtual Status set_status(std::string_view id, EventStatus status, const Actor& actor = {}) = 0;
  /// For what must not be kept; audited with all it was. Its counts stay. Error: `not_found`.
  virtual Status remove(std::string_view id, const Actor& actor = {}) = 0;

  /// Adds a subscription, or changes the one with the name; it hears of events that come from then on. Returns its id.
  virtual Result<std::string> subscribe(const EventSubscription& subscription, const Actor& actor = {}) = 0;
  /// With its deliveries. `subscription` is an id or a name, here and below. Error: `not_found`.
  virtual Status unsubscribe(std::string_view subscription, const Actor& actor = {}) = 0;
  virtual Result<std::vector<EventSubscription>> subscriptions() = 0;
  /// The processing queue: deliveries that are due, by priority and then time, at most `limit` (at most 1,000), now the
  /// worker's until their lease ends. Those whose lease ended before are due again, or dead when it was their last
  /// attempt. Several workers never hold the same one.
  virtual Result<std::vector<EventDelivery>> claim(std::string_view subscription, std::string_view worker,
                                                   std::size_t limit = 1, const Actor& actor = {}) = 0;
  /// Error: `conflict` when another has claimed it since, or it has ended.
  virtual Status acknowledge(const EventDelivery& delivery, const Json& response = {"{}"}, const Actor& actor = {}) = 0;
  /// Due again after the backoff; dead after the last attempt. Error: as of `acknowledge`.
  virtual Status fail(const EventDelivery& delivery, std::string_view error, const Actor& actor = {}) = 0;
  virtual Result<std::vector<DeliveryCount>> deliveries(std::string_view subscription) = 0;
  /// Dead deliveries are due again, with all their attempts. Returns how many.
  virtual Result<std::uint64_t> revive(std::string_view subscription, const Actor& actor = {}) = 0;

  virtual Result<std::vector<EventAggregate>> aggregates(const AggregateQuery& query = {}) = 0;
  virtual Result<std::vector<SourceHealth>> health() = 0;

  virtual Result<std::vector<EventMonth>> months() = 0;
  /// Makes this month and `ahead` (at most 24) more; those that are there stay. Returns the new ones.
  virtual Result<std::vector<std::string>> make_months(std::size_t ahead, const Actor& actor = {}) = 0;
  /// Lets go of the months that ended more than `keep_days` ago, with what hangs on their events, and makes three
  /// months ahead. Writers go on meanwhile. A run that was killed is resumed by the next.
  virtual Result<RetentionReport> retain(std::int64_t keep_days, const Actor& actor = {}) = 0;
};

}  // namespace triune
