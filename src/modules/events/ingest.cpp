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

/// Rows that one statement inserts in SQLite, which copies the pages that a statement changes, and sets up the
/// triggers, for each statement anew.
constexpr std::size_t rows_together = 32;

std::string insert_events_sql(std::size_t rows) {
  std::string row;
  for (const auto& column : event_columns()) row += (row.empty() ? "" : ", ") + column;
  auto sql = fmt::format("INSERT INTO triune_events ({}) VALUES ", row);
  for (std::size_t i = 0; i < rows; ++i) {
    sql += i == 0 ? "(?" : ", (?";
    for (std::size_t column = 1; column < event_column_count; ++column) sql += ", ?";
    sql += ')';
  }
  return sql;
}

std::int64_t day_of(const PreparedEvent& event) {
  return event.occurred_at_ms / day_ms * day_ms;
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
  Writing(RelationalSession& session, std::int64_t organization_id, const Batch& batch,
          std::span<const std::size_t> newcomers)
      : session_(session), organization_id_(organization_id), batch_(batch), newcomers_(newcomers) {
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

  /// Events whose actor of the day has its row now.
  [[nodiscard]] std::vector<std::size_t>& newcomers() { return written_; }

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
    const auto unlike = [&](std::size_t i) { return is_duplicate_[i] || causes_[i] != batch_.events()[i].cause; };
    bool as_prepared = true;
    for (std::size_t i = 0; i < ids_.size() && as_prepared; ++i) as_prepared = !unlike(i);
    if (as_prepared) return insert_events(batch_.rows());
    std::vector<Value> values;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (is_duplicate_[i]) continue;
      const auto row = batch_.rows().subspan(i * event_column_count, event_column_count);
      values.insert(values.end(), row.begin(), row.end());
      values[values.size() - event_column_count + cause_column] = text_or_null(causes_[i]);
    }
    return insert_events(values);
  }

  Status insert_events(std::span<const Value> values) {
    if (values.empty()) return {};
    if (!sqlite()) {
      TRIUNE_TRY(session_.load_rows("triune_events", event_columns(), values));
      return {};
    }
    constexpr std::size_t stride = rows_together * event_column_count;
    static const std::string several = insert_events_sql(rows_together);
    static const std::string single = insert_events_sql(1);
    const auto in_strides = values.first(values.size() / stride * stride);
    if (!in_strides.empty()) TRIUNE_TRY(session_.execute_many(several, stride, in_strides));
    TRIUNE_TRY(session_.execute_many(single, event_column_count, values.subspan(in_strides.size())));
    return {};
  }

  Status write_counts() {
    std::map<CountKey, Counted> counts;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (!sqlite() && !is_duplicate_[i]) continue;  // The trigger counts these.
      const auto& event = batch_.events()[i];
      const auto at = is_duplicate_[i] ? batch_.received_at_ms() : event.occurred_at_ms;
      auto& counted = counts[{hour_ms, at / hour_ms * hour_ms, event.source_id, event.type_id}];
      ++(is_duplicate_[i] ? counted.duplicates : counted.events);
    }
    for (const auto& [key, hour] : std::map(counts)) {
      const auto [period, start, source, type] = key;
      auto& day = counts[{day_ms, start / day_ms * day_ms, source, type}];
      day.events += hour.events;
      day.duplicates += hour.duplicates;
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
    for (const auto i : newcomers_) {
      if (is_duplicate_[i]) continue;
      const auto& event = batch_.events()[i];
      for (const auto number : {organization_id_, day_of(event), event.source_id}) values.emplace_back(number);
      values.emplace_back(event.event->actor);
      written_.push_back(i);
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
  const std::span<const std::size_t> newcomers_;
  std::vector<std::string> ids_;  ///< Of the events that stand for those of the batch.
  std::vector<bool> is_duplicate_;
  std::vector<std::string> causes_;
  std::vector<std::size_t> written_;  ///< Of the newcomers.
};

/// Whether a month that was there has gone since.
bool lacks_month(const Error& error) {
  constexpr std::string_view no_partition = "23514";
  return error.code == ErrorCode::conflict &&
         (error.message.find(Writing::no_month) != std::string::npos ||
          (error.native_code == no_partition && error.message.find("partition") != std::string::npos));
}

}  // namespace

std::vector<std::size_t> KnownActors::newcomers(const Batch& batch) const {
  std::vector<std::size_t> places;
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < batch.events().size(); ++i) {
    const auto& event = batch.events()[i];
    const std::string_view actor = event.event->actor;
    if (actor.empty()) continue;
    const auto known = days_.find({day_of(event), event.source_id});
    if (known == days_.end() || !known->second.contains(actor)) places.push_back(i);
  }
  return places;
}

void KnownActors::add(const Batch& batch, std::span<const std::size_t> events) {
  const std::scoped_lock lock(mutex_);
  if (count_ + events.size() > most_known_actors) {
    days_.clear();
    count_ = 0;
  }
  for (const auto i : events) {
    const auto& event = batch.events()[i];
    count_ += days_[{day_of(event), event.source_id}].insert(event.event->actor).second ? 1 : 0;
  }
}

Result<IngestReport> write_along(RelationalSession& session, std::int64_t organization_id, const Batch& batch) {
  const auto newcomers = KnownActors().newcomers(batch);
  Writing writing(session, organization_id, batch, newcomers);
  TRIUNE_TRY(writing.run());
  return writing.report();
}

Status Ingest::write(Batch& batch, IngestReport& report, const Actor& actor) {
  TRIUNE_TRY(months_.ensure(batch.months(), actor));
  const auto newcomers = actors_.newcomers(batch);
  std::vector<std::size_t> written;
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        Writing writing(session, module_.organization_id(), batch, newcomers);
        TRIUNE_TRY(writing.run());
        report = writing.report();
        written = std::move(writing.newcomers());
        return {};
      },
      patience()));
  actors_.add(batch, written);
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
