#include "modules/events/batch.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/try.h"
#include "model/json.h"
#include "modules/events/event_id.h"
#include "modules/events/months.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::size_t longest_name = 200;
constexpr std::size_t longest_key = 400;
constexpr std::size_t longest_title = 4'000;
constexpr std::size_t largest_data = std::size_t{1} << 20U;
constexpr std::size_t largest_batch = std::size_t{64} << 20U;
constexpr std::size_t fingerprint_digits = 64;

struct Limit {
  std::string_view what;
  std::string_view text;
  std::size_t longest;
};

Status check_text(const Limit& limit) {
  if (limit.text.size() > limit.longest)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} has {} bytes; at most {} are kept", limit.what, limit.text.size(), limit.longest));
  if (!model::is_storable_text(limit.text))
    return failure(ErrorCode::invalid_argument, fmt::format("{} is not UTF-8 without NUL", limit.what));
  return {};
}

Status check_texts(const NewEvent& event) {
  for (const Limit& limit :
       {Limit{"the event's source", event.source, longest_name}, Limit{"the event's type", event.type, longest_name},
        Limit{"the event's subtype", event.subtype, longest_name},
        Limit{"the event's title", event.title, longest_title}, Limit{"the event's actor", event.actor, longest_key},
        Limit{"the event's target", event.target, longest_key},
        Limit{"the event's correlation id", event.correlation_id, longest_key},
        Limit{"the external id of the event's cause", event.cause_external_id, longest_key},
        Limit{"the event's external id", event.external_id, longest_key},
        Limit{"the event's data", event.data.text, largest_data}})
    if (!limit.text.empty()) TRIUNE_TRY(check_text(limit));
  if (event.type.empty()) return failure(ErrorCode::invalid_argument, "the event has no type");
  return {};
}

Status check_times(const NewEvent& event, std::int64_t now) {
  if (event.occurred_at_ms < 0 || event.occurred_at_ms > now + hour_ms)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("the event occurred at {} ms since 1970, which is {}; give its time in milliseconds",
                    event.occurred_at_ms, event.occurred_at_ms < 0 ? "before that" : "more than an hour ahead"));
  if (event.id.empty()) return {};
  const auto time = time_of_id(event.id);
  if (!time || (event.occurred_at_ms != 0 && *time != event.occurred_at_ms) || *time > now + hour_ms)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("the event's id '{}' is no UUIDv7, in small letters, of the time it occurred at; leave it "
                    "empty, and use external_id for ids from elsewhere",
                    event.id));
  return {};
}

std::string fingerprint_of(const NewEvent& event) {
  std::string text;
  for (const std::string_view part :
       {std::string_view(event.type), std::string_view(event.subtype), std::string_view(event.title),
        std::string_view(event.actor), std::string_view(event.target), std::string_view(event.data.text)})
    text += fmt::format("{}:{}", part.size(), part);
  return base::sha256_hex(std::as_bytes(std::span(text)));
}

}  // namespace

Status check_event(const NewEvent& event, std::int64_t now) {
  TRIUNE_TRY(check_texts(event));
  TRIUNE_TRY(check_times(event, now));
  if (!event.fingerprint.empty() && event.fingerprint.size() != fingerprint_digits)
    return failure(ErrorCode::invalid_argument, fmt::format("an event's fingerprint has {} characters, not {}",
                                                            fingerprint_digits, event.fingerprint.size()));
  if (event.data.text != "{}" && !model::parse_json(event.data.text))
    return failure(ErrorCode::invalid_argument, "the event's data are not one JSON value");
  return {};
}

const std::array<std::string, event_column_count>& event_columns() {
  static const std::array<std::string, event_column_count> columns{
      "organization_id", "id",          "source_id",   "type_id", "occurred_at_ms", "received_at_ms",
      "severity",        "subtype",     "title",       "actor",   "target",         "correlation_id",
      "cause_id",        "external_id", "fingerprint", "data"};
  return columns;
}

Result<Batch> Batch::prepare(std::span<const NewEvent* const> events, std::int64_t organization_id, Names& names,
                             const Actor& actor) {
  Batch batch;
  batch.received_at_ms_ = now_ms();
  batch.events_.reserve(events.size());
  std::size_t bytes = 0;
  for (const NewEvent* const event : events) {
    auto added = batch.add(*event, names, actor);
    if (!added) {
      if (events.size() > 1)
        added.error().message = fmt::format("event {}: {}", batch.events_.size() + 1, added.error().message);
      return failure_of(added);
    }
    bytes += event->data.text.size();
  }
  if (bytes > largest_batch)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("the data of the batch have {} bytes; at most {} are taken at once, split it", bytes,
                               largest_batch));
  batch.make_rows(organization_id);
  return batch;
}

void Batch::make_rows(std::int64_t organization_id) {
  rows_.reserve(events_.size() * event_column_count);
  for (const auto& prepared : events_) {
    const auto& event = *prepared.event;
    rows_.emplace_back(organization_id);
    rows_.emplace_back(prepared.id);
    for (const auto number : {prepared.source_id, prepared.type_id, prepared.occurred_at_ms, received_at_ms_,
                              static_cast<std::int64_t>(event.severity)})
      rows_.emplace_back(number);
    for (const auto* const text : {&event.subtype, &event.title, &event.actor, &event.target, &event.correlation_id,
                                   &event.cause, &event.external_id, &prepared.fingerprint})
      rows_.push_back(text_or_null(*text));
    rows_.emplace_back(event.data.text);
  }
}

Status Batch::name(PreparedEvent& prepared, Names& names, const Actor& actor) {
  const auto& event = *prepared.event;
  if (const auto known = source_ids_.find(event.source); known != source_ids_.end()) {
    prepared.source_id = known->second;
  } else {
    TRIUNE_ASSIGN(prepared.source_id, names.source(event.source));
    source_ids_[event.source] = prepared.source_id;
    sources_.insert(prepared.source_id);
  }
  if (const auto known = type_ids_.find(event.type); known != type_ids_.end()) {
    prepared.type_id = known->second;
  } else {
    TRIUNE_ASSIGN(prepared.type_id, names.type(event.type, actor));
    type_ids_[event.type] = prepared.type_id;
  }
  return {};
}

Status Batch::add(const NewEvent& event, Names& names, const Actor& actor) {
  TRIUNE_TRY(check_event(event, received_at_ms_));
  auto& prepared = events_.emplace_back();
  prepared.event = &event;
  auto named = name(prepared, names, actor);
  if (!named) {
    events_.pop_back();
    return named;
  }
  prepared.occurred_at_ms = event.occurred_at_ms != 0 ? event.occurred_at_ms
                            : event.id.empty()        ? received_at_ms_
                                                      : *time_of_id(event.id);
  prepared.id = event.id.empty() ? event_id(prepared.occurred_at_ms) : event.id;
  prepared.fingerprint = event.fingerprint_content ? fingerprint_of(event) : event.fingerprint;
  // Views into the vector's elements stay: it was reserved.
  prepared.key =
      event.external_id.empty() ? std::string_view(prepared.fingerprint) : std::string_view(event.external_id);
  prepared.cause = event.cause;
  if (const auto month = month_start(prepared.occurred_at_ms); !months_.contains(month)) months_.insert(month);
  if (prepared.key.empty()) return {};
  const auto [first, is_new] = keys_.try_emplace(key_of(prepared.source_id, prepared.key), events_.size() - 1);
  if (!is_new) repeats_[events_.size() - 1] = first->second;
  return {};
}

std::string Batch::key_of(std::int64_t source_id, std::string_view key) {
  std::string whole = std::to_string(source_id);
  whole += '/';
  whole += key;
  return whole;
}

const PreparedEvent* Batch::with_key(std::int64_t source_id, std::string_view key) const {
  const auto found = keys_.find(key_of(source_id, key));
  return found == keys_.end() ? nullptr : &events_[found->second];
}

}  // namespace triune::modules::events
