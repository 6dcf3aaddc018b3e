#include "modules/events/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <tuple>

#include "base/try.h"
#include "model/json.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {
namespace {

using contract::Dialect;
using contract::RelationalSession;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 86'400'000;
constexpr std::size_t most_known_actors = 200'000;

const std::array<std::string, 16>& event_columns() {
  static const std::array<std::string, 16> columns{
      "organization_id", "id",          "source_id",   "type_id", "occurred_at_ms", "received_at_ms",
      "severity",        "subtype",     "title",       "actor",   "target",         "correlation_id",
      "cause_id",        "external_id", "fingerprint", "data"};
  return columns;
}

/// Of one hour or day.
struct Counted {
  std::int64_t events = 0;
  std::int64_t duplicates = 0;
};
using CountKey = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>;  // period, start, source, type

/// One run of the job; a job that runs again makes a new one.
class Writing {
 public:
  Writing(RelationalSession& session, std::int64_t organization_id, const Batch& batch, KnownActors& actors)
      : session_(session), organization_id_(organization_id), batch_(batch), actors_(actors) {
    ids_.reserve(batch.events().size());
    for (const auto& event : batch.events()) ids_.push_back(event.id);
    is_duplicate_.assign(ids_.size(), false);
    for (const auto& [place, first] : batch.repeats()) is_duplicate_[place] = true;
  }

  Status run() {
    TRIUNE_TRY(begin());
    TRIUNE_TRY(write_keys());
    // Triggers look at the sources of new events only.
    if (!sqlite() && std::any_of(is_duplicate_.begin(), is_duplicate_.end(), std::identity()))
      for (const auto source : batch_.sources()) TRIUNE_TRY(check_source(source));
    TRIUNE_TRY(find_causes());
    TRIUNE_TRY(write_events());
    TRIUNE_TRY(write_counts());
    if (!sqlite()) return {};
    TRIUNE_TRY(write_actors());
    TRIUNE_TRY(write_deliveries());
    TRIUNE_TRY(session_.execute("UPDATE triune_event_writer SET mode = 0", {}));
    return {};
  }

  [[nodiscard]] IngestReport report() const {
    IngestReport report;
    report.events.reserve(ids_.size());
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const auto repeated = batch_.repeats().find(i);
      report.events.push_back({ids_[repeated == batch_.repeats().end() ? i : repeated->second], is_duplicate_[i]});
      ++(is_duplicate_[i] ? report.duplicates : report.added);
    }
    return report;
  }
  [[nodiscard]] std::vector<std::string>& new_actors() { return new_actors_; }

 private:
  [[nodiscard]] bool sqlite() const { return session_.dialect() == Dialect::sqlite; }

  Status begin() {
    if (!sqlite()) return session_.execute_soon("SELECT set_config('triune.events', 'module', true)", {}, {});
    TRIUNE_TRY(session_.execute("UPDATE triune_event_writer SET mode = 1", {}));
    for (const auto month : batch_.months()) {
      const std::array<Value, 1> key{month};
      TRIUNE_ASSIGN(const RowSet rows,
                    session_.query("SELECT 1 FROM triune_event_months WHERE from_ms = ?1 AND state = 'open'", key, 1));
      if (rows.rows.empty()) return failure(ErrorCode::conflict, std::string(no_month));
    }
    for (const auto source : batch_.sources()) TRIUNE_TRY(check_source(source));
    return {};
  }

  Status check_source(std::int64_t source) {
    const std::array<Value, 2> key{organization_id_, source};
    TRIUNE_ASSIGN(const RowSet rows,
                  session_.query("SELECT active, name FROM triune_event_sources WHERE organization_id = ?1 AND "
                                 "source_id = ?2",
                                 key, 1));
    if (rows.rows.empty()) return failure(ErrorCode::not_found, "the source of an event was removed");
    if (integer(rows.rows[0][0]) == 1) return {};
    return failure(ErrorCode::conflict,
                   fmt::format("the event source '{}' is closed; register it as active to take its events again",
                               text(rows.rows[0][1])));
  }

  Status write_keys() {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (!batch_.events()[i].key.empty() && !is_duplicate_[i]) places.push_back(i);
    if (places.empty()) return {};
    std::uint64_t written = 0;
    if (sqlite()) {
      TRIUNE_ASSIGN(written, insert_keys(places));
    } else {
      const std::array<Value, 2> parameters{organization_id_, keys_document(places)};
      TRIUNE_ASSIGN(written,
                    session_.execute("INSERT INTO triune_event_keys (organization_id, source_id, dedup_key, event_id) "
                                     "SELECT ?1, CAST(k ->> 0 AS bigint), k ->> 1, k ->> 2 FROM "
                                     "json_array_elements(CAST(?2 AS json)) k ORDER BY 2, 3 ON CONFLICT "
                                     "(organization_id, source_id, dedup_key) DO NOTHING",
                                     parameters));
    }
    return written == places.size() ? Status() : find_duplicates(places);
  }

  Result<std::uint64_t> insert_keys(const std::vector<std::size_t>& places) {
    std::vector<Value> values;
    values.reserve(places.size() * 4);
    for (const auto place : places) {
      const auto& event = batch_.events()[place];
      values.emplace_back(organization_id_);
      values.emplace_back(event.source_id);
      values.emplace_back(std::string(event.key));
      values.emplace_back(event.id);
    }
    return session_.execute_many(
        "INSERT INTO triune_event_keys (organization_id, source_id, dedup_key, event_id) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (organization_id, source_id, dedup_key) DO NOTHING",
        4, values);
  }

  [[nodiscard]] std::string keys_document(const std::vector<std::size_t>& places) const {
    std::string document = "[";
    for (const auto place : places) {
      const auto& event = batch_.events()[place];
      document += fmt::format("{}[{},{},\"{}\"]", document.size() == 1 ? "" : ",", event.source_id,
                              model::json_string(event.key), event.id);
    }
    return document + "]";
  }

  /// Those whose key is another event's.
  Status find_duplicates(const std::vector<std::size_t>& places) {
    const std::array<Value, 2> parameters{organization_id_, keys_document(places)};
    TRIUNE_ASSIGN(const RowSet rows,
                  session_.query(sqlite() ? "SELECT k.event_id FROM json_each(?2) v LEFT JOIN triune_event_keys k ON "
                                            "k.organization_id = ?1 AND k.source_id = json_extract(v.value, '$[0]') "
                                            "AND k.dedup_key = json_extract(v.value, '$[1]') ORDER BY v.key"
                                          : "SELECT k.event_id FROM json_array_elements(CAST(?2 AS json)) WITH "
                                            "ORDINALITY v (key, place) LEFT JOIN triune_event_keys k ON "
                                            "k.organization_id = ?1 AND k.source_id = CAST(v.key ->> 0 AS bigint) AND "
                                            "k.dedup_key = v.key ->> 1 ORDER BY v.place",
                                 parameters, places.size()));
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
      const auto place = places[i];
      if (is_null(rows.rows[i][0]) || to_text(rows.rows[i][0]) == ids_[place]) continue;
      ids_[place] = to_text(rows.rows[i][0]);
      is_duplicate_[place] = true;
    }
    return {};
  }

  /// Causes that are told by their external ids.
  Status find_causes() {
    causes_.resize(ids_.size());
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const auto& prepared = batch_.events()[i];
      if (is_duplicate_[i]) continue;
      causes_[i] = prepared.cause;
      const auto& wanted = prepared.event->cause_external_id;
      if (!causes_[i].empty() || wanted.empty()) continue;
      if (const auto* const earlier = batch_.with_key(prepared.source_id, wanted); earlier != nullptr) {
        causes_[i] = ids_[static_cast<std::size_t>(earlier - batch_.events().data())];
        continue;
      }
      const std::array<Value, 3> key{organization_id_, prepared.source_id, wanted};
      TRIUNE_ASSIGN(const RowSet rows,
                    session_.query("SELECT event_id FROM triune_event_keys WHERE organization_id = ?1 AND source_id = "
                                   "?2 AND dedup_key = ?3",
                                   key, 1));
      if (rows.rows.empty())
        return failure(
            ErrorCode::not_found,
            fmt::format("event {}: its cause, the event '{}' of the same source, is not there", i + 1, wanted));
      causes_[i] = to_text(rows.rows[0][0]);
    }
    return check_causes();
  }

  /// The store would refuse an absent cause without saying which.
  Status check_causes() {
    if (std::all_of(causes_.begin(), causes_.end(), [](const auto& cause) { return cause.empty(); })) return {};
    std::unordered_set<std::string_view> before;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (!causes_[i].empty() && !before.contains(causes_[i])) {
        const std::array<Value, 2> key{organization_id_, causes_[i]};
        TRIUNE_ASSIGN(const RowSet rows,
                      session_.query("SELECT 1 FROM triune_events WHERE organization_id = ?1 AND id = ?2", key, 1));
        if (rows.rows.empty())
          return failure(ErrorCode::not_found,
                         fmt::format("event {}: its cause {} is not there; causes come first", i + 1, causes_[i]));
      }
      before.insert(ids_[i]);
    }
    return {};
  }

  Status write_events() {
    std::vector<Value> values;
    values.reserve(ids_.size() * event_columns().size());
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (!is_duplicate_[i]) add_row(values, i);
    if (values.empty()) return {};
    TRIUNE_TRY(session_.load_rows("triune_events", event_columns(), values));
    return {};
  }

  void add_row(std::vector<Value>& values, std::size_t place) const {
    const auto& prepared = batch_.events()[place];
    const auto& event = *prepared.event;
    values.emplace_back(organization_id_);
    values.emplace_back(prepared.id);
    values.emplace_back(prepared.source_id);
    values.emplace_back(prepared.type_id);
    values.emplace_back(prepared.occurred_at_ms);
    values.emplace_back(batch_.received_at_ms());
    values.emplace_back(static_cast<std::int64_t>(event.severity));
    for (const auto* const text : {&event.subtype, &event.title, &event.actor, &event.target, &event.correlation_id,
                                   &causes_[place], &event.external_id, &prepared.fingerprint})
      values.push_back(text_or_null(*text));
    values.emplace_back(event.data.text);
  }

  Status write_counts() {
    std::map<CountKey, Counted> counts;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (!sqlite() && !is_duplicate_[i]) continue;  // The trigger counts these.
      const auto& event = batch_.events()[i];
      for (const auto period : {hour_ms, day_ms}) {
        const auto start = (is_duplicate_[i] ? batch_.received_at_ms() : event.occurred_at_ms) / period * period;
        auto& counted = counts[{period, start, event.source_id, event.type_id}];
        ++(is_duplicate_[i] ? counted.duplicates : counted.events);
      }
    }
    if (counts.empty()) return {};
    std::vector<Value> values;
    for (const auto& [key, counted] : counts) {
      const auto [period, start, source, type] = key;
      for (const auto number : {organization_id_, period, start, source, type, counted.events, counted.duplicates})
        values.emplace_back(number);
    }
    const std::string_view shard = sqlite() ? "0" : "pg_backend_pid() % 16";
    TRIUNE_TRY(session_.execute_many(
        fmt::format("INSERT INTO triune_event_counts AS c (organization_id, period_ms, start_ms, source_id, type_id, "
                    "events, duplicates, shard) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, {}) ON CONFLICT (organization_id, "
                    "period_ms, start_ms, source_id, type_id, shard) DO UPDATE SET events = c.events + "
                    "excluded.events, duplicates = c.duplicates + excluded.duplicates",
                    shard),
        7, values));
    return {};
  }

  Status write_actors() {
    std::vector<Value> values;
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const auto& event = batch_.events()[i];
      if (is_duplicate_[i] || event.event->actor.empty()) continue;
      const auto day = event.occurred_at_ms / day_ms * day_ms;
      auto key = fmt::format("{}/{}/{}", day, event.source_id, event.event->actor);
      if (actors_.knows(key) || !seen.insert(key).second) continue;
      for (const auto number : {organization_id_, day, event.source_id}) values.emplace_back(number);
      values.emplace_back(event.event->actor);
      new_actors_.push_back(std::move(key));
    }
    if (values.empty()) return {};
    TRIUNE_TRY(
        session_.execute_many("INSERT INTO triune_event_actors (organization_id, day_ms, source_id, actor) VALUES (?1, "
                              "?2, ?3, ?4) ON CONFLICT "
                              "(organization_id, day_ms, source_id, actor) DO NOTHING",
                              4, values));
    return {};
  }

  Status write_deliveries() {
    const std::array<Value, 1> organization{organization_id_};
    TRIUNE_ASSIGN(const RowSet any,
                  session_.query("SELECT 1 FROM triune_event_subscriptions WHERE organization_id = ?1 AND state = "
                                 "'active' LIMIT 1",
                                 organization, 1));
    if (any.rows.empty()) return {};
    std::vector<Value> values;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (is_duplicate_[i]) continue;
      values.emplace_back(organization_id_);
      values.emplace_back(ids_[i]);
    }
    if (values.empty()) return {};
    TRIUNE_TRY(session_.execute_many(
        "INSERT INTO triune_event_deliveries (organization_id, subscription_id, event_id, priority, due_at_ms, "
        "created_at_ms) SELECT organization_id, subscription_id, event_id, priority, received_at_ms, received_at_ms "
        "FROM "
        "triune_event_matches WHERE organization_id = ?1 AND event_id = ?2",
        2, values));
    return {};
  }

 public:
  static constexpr std::string_view no_month = "there is no open month for an event";

 private:
  RelationalSession& session_;
  const std::int64_t organization_id_;
  const Batch& batch_;
  KnownActors& actors_;
  std::vector<std::string> ids_;  ///< Of the events that stand for those of the batch.
  std::vector<bool> is_duplicate_;
  std::vector<std::string> causes_;
  std::vector<std::string> new_actors_;
};

/// Whether a month that was there has gone since.
bool lacks_month(const Error& error) {
  constexpr std::string_view no_partition = "23514";
  return error.code == ErrorCode::conflict &&
         (error.message.find(Writing::no_month) != std::string::npos ||
          (error.native_code == no_partition && error.message.find("partition") != std::string::npos));
}

}  // namespace

bool KnownActors::knows(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  return keys_.contains(key);
}

void KnownActors::add(std::vector<std::string> keys) {
  if (keys.empty()) return;
  const std::scoped_lock lock(mutex_);
  if (keys_.size() + keys.size() > most_known_actors) keys_.clear();
  for (auto& key : keys) keys_.insert(std::move(key));
}

Result<IngestReport> write_along(RelationalSession& session, std::int64_t organization_id, const Batch& batch) {
  KnownActors nobody;
  Writing writing(session, organization_id, batch, nobody);
  TRIUNE_TRY(writing.run());
  return writing.report();
}

Status Ingest::write(Batch& batch, IngestReport& report, const Actor& actor) {
  TRIUNE_TRY(months_.ensure(batch.months(), actor));
  std::vector<std::string> new_actors;
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        Writing writing(session, module_.organization_id(), batch, actors_);
        TRIUNE_TRY(writing.run());
        report = writing.report();
        new_actors = std::move(writing.new_actors());
        return {};
      },
      patience()));
  actors_.add(std::move(new_actors));
  return {};
}

Result<IngestReport> Ingest::run(std::span<const NewEvent* const> events, const Actor& actor) {
  IngestReport report;
  if (events.empty()) return report;
  TRIUNE_ASSIGN(auto batch, Batch::prepare(events, module_.organization_id(), names_, actor));
  auto written = write(batch, report, actor);
  if (!written && lacks_month(written.error())) {
    months_.forget();
    written = write(batch, report, actor);
  }
  TRIUNE_TRY(std::move(written));
  return report;
}

}  // namespace triune::modules::events
