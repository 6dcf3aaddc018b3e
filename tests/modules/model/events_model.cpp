// Events: told once, counted as they come, delivered to one worker at a time.
#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "modules/model/module_model.h"
#include "triune/modules/events.h"

namespace triune::testing {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t most_attempts = 2;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string key_of(const Document& event) {
  return event["source"].get<std::string>() + "/" + event["external"].get<std::string>();
}

/// Counts up; what is not there begins at none.
void add(Document& counts, const std::string& key, std::int64_t number = 1) {
  counts[key] = counts.value(key, std::int64_t{0}) + number;
}

class EventsModel final : public ModuleModel {
 public:
  void open(Hive& hive) override {
    hive_ = &hive;
    events_ = expect(Events::open(hive));
    if (!expect(events_->sources()).empty()) return;
    for (const auto* name : {"s0", "s1"}) expect(events_->register_source({.name = name}));
    static_cast<void>(expect(events_->subscribe({.name = "work",
                                                 .processes = true,
                                                 .types = {"t0", "t1"},
                                                 .max_attempts = most_attempts,
                                                 .backoff_ms = 0,
                                                 .longest_backoff_ms = 0})));
  }

  Document next(Random& random) override {
    Document one{{"source", random.name("s", 3)}, {"external", random.name("e", 25)}};
    switch (random.below(12)) {
      case 0: return {{"do", "source"}, {"name", random.name("s", 2)}, {"active", !random.once_in(4)}};
      case 1: one["do"] = "remove"; return one;
      case 2:
      case 3: return {{"do", "claim"}};
      case 4:
      case 5: return {{"do", "acknowledge"}, {"claim", held()}};
      case 6: return {{"do", "fail"}, {"claim", held()}};
      case 7: return {{"do", "revive"}};
      default: break;
    }
    auto batch = Document::array();
    do batch.push_back(new_event(random));
    while (!random.once_in(3));
    return {{"do", "ingest"}, {"events", batch}};
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    if (what == "source")
      return told(events_->register_source({.name = operation["name"], .active = operation["active"]}, actor));
    if (what == "ingest") return ingest(operation, actor);
    if (what == "remove") return told(events_->remove(id_of(operation), actor));
    if (what == "revive") return told(events_->revive("work", actor));
    if (what == "claim") {
      const auto claimed = events_->claim("work", "w", 1, actor);
      if (!claimed) return told(claimed.error());
      if (claimed->empty()) return done();
      held_ = claimed->front();
      return done({{"event", held_->event.source + "/" + held_->event.external_id}, {"claim", held_->claim}});
    }
    EventDelivery delivery;
    if (held_) delivery = *held_;
    if (!held_) delivery.subscription = "work";
    return told(what == "fail" ? events_->fail(delivery, "broke", actor)
                               : events_->acknowledge(delivery, {"{}"}, actor));
  }

  [[nodiscard]] Document initial() const override {
    return {{"events", Document::object()},
            {"open", {{"s0", true}, {"s1", true}}},
            {"counts", Document::object()},
            {"duplicates", Document::object()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    const std::string what = operation["do"];
    auto next = state;
    if (what == "ingest") return ingested(std::move(next), operation, state);
    if (what == "claim") return claimed(state);
    auto& events = next["events"];
    if (what == "source") next["open"][operation["name"].get<std::string>()] = operation["active"];
    if (what == "remove" && events.erase(key_of(operation)) == 0) return {{refused(), state}};
    if (what == "source" || what == "remove") return {{done(), next}};
    if (what == "revive") {
      std::int64_t revived = 0;
      for (auto& [key, event] : events.items()) {
        if (event["delivery"] != "dead") continue;
        set_delivery(next, event, "waiting");
        event["attempts"] = 0;
        ++revived;
      }
      return {{done(revived), next}};
    }
    const auto& claim = operation["claim"];
    if (claim.is_null()) return {{refused(), state}};
    const std::string key = claim["event"];
    if (!events.contains(key) || events[key]["delivery"] != "claimed" || events[key]["claim"] != claim["claim"])
      return {{refused(), state}};
    auto& event = events[key];
    set_delivery(next, event,
                 what == "acknowledge"                ? "delivered"
                 : event["attempts"] >= most_attempts ? "dead"
                                                      : "waiting");
    return {{done(), next}};
  }

  Document read(Hive& hive) override {
    auto state = initial();
    for (const auto& source : expect(events_->sources())) state["open"][source.name] = source.active;
    for (const auto& event : expect(events_->query({.limit = 10'000})))
      state["events"][event.source + "/" + event.external_id] = {{"source", event.source},
                                                                 {"external", event.external_id},
                                                                 {"type", event.type},
                                                                 {"day", event.occurred_at_ms / day_ms},
                                                                 {"status", to_string(event.status)},
                                                                 {"delivery", "none"}};
    for (const auto& row : rows_of(hive,
                                   "SELECT s.name, e.external_id, d.state, d.attempts, d.claim FROM "
                                   "triune_event_deliveries d JOIN triune_events e ON e.organization_id = "
                                   "d.organization_id AND e.id = d.event_id JOIN triune_event_sources s ON "
                                   "s.organization_id = e.organization_id AND s.source_id = e.source_id")) {
      auto& event = state["events"][row[0].get<std::string>() + "/" + row[1].get<std::string>()];
      event["delivery"] = row[2];
      event["attempts"] = std::stoll(row[3].get<std::string>());
      event["claim"] = std::stoll(row[4].get<std::string>());
    }
    for (const auto period : {EventPeriod::day, EventPeriod::hour})
      read_counts(
          state, period == EventPeriod::day ? "day" : "hour",
          expect(events_->aggregates({.period = period, .by_source = true, .by_type = true, .limit = 100'000})));
    return state;
  }

  /// Chains: the cause of an event that is there is as it was told.
  void check(Hive& hive, const Document& state) override {
    std::set<std::string> keys;
    for (const auto& row : rows_of(hive,
                                   "SELECT s.name, k.dedup_key FROM triune_event_keys k JOIN triune_event_sources "
                                   "s ON s.organization_id = k.organization_id AND s.source_id = k.source_id"))
      keys.insert(row[0].get<std::string>() + "/" + row[1].get<std::string>());
    std::set<std::string> known;
    for (const auto& [key, event] : state["events"].items()) known.insert(key);
    if (keys != known) throw std::runtime_error("the keys of duplicates differ: " + Document(keys).dump());
  }

  /// New events tell themselves; claims and their ends are no changes of a fact.
  [[nodiscard]] bool is_audited(const Document& operation) const override {
    return operation["do"] == "remove" || operation["do"] == "source";
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {{"triune_event_sources", {"name"}}};
  }

 private:
  [[nodiscard]] Document held() const {
    if (!held_) return nullptr;
    return {{"event", held_->event.source + "/" + held_->event.external_id}, {"claim", held_->claim}};
  }

  static Document new_event(Random& random) {
    return {{"source", random.once_in(15) ? "s9" : random.name("s", 2)},
            {"external", random.name("e", 25)},
            {"type", random.name("t", 3)},
            {"occurred", now_ms() - static_cast<std::int64_t>(random.below(3)) * day_ms}};
  }

  std::string id_of(const Document& operation) const {
    const std::array<Value, 2> key{operation["source"].get<std::string>(), operation["external"].get<std::string>()};
    const auto found =
        expect(hive_->sql("SELECT e.id FROM triune_events e JOIN triune_event_sources s ON "
                          "s.organization_id = e.organization_id AND s.source_id = e.source_id WHERE "
                          "s.name = ?1 AND e.external_id = ?2",
                          key));
    return found.rows.empty() ? "00000000-0000-7000-8000-000000000000" : to_text(found.rows[0][0]);
  }

  Document ingest(const Document& operation, const Actor& actor) {
    std::vector<NewEvent> batch;
    for (const auto& one : operation["events"])
      batch.push_back({.source = one["source"],
                       .type = one["type"],
                       .actor = "ada",
                       .occurred_at_ms = one["occurred"],
                       .external_id = one["external"]});
    const auto report = events_->ingest_many(batch, actor);
    if (!report) return told(report.error());
    return done({report->added, report->duplicates});
  }

  static std::vector<Possible> ingested(Document next, const Document& operation, const Document& before) {
    std::int64_t added = 0;
    std::int64_t duplicates = 0;
    for (const auto& one : operation["events"]) {
      const std::string source = one["source"];
      if (!next["open"].contains(source) || next["open"][source] == false) return {{refused(), before}};
      const auto key = key_of(one);
      const std::string type = one["type"];
      if (next["events"].contains(key)) {
        ++duplicates;
        for (const auto* period : {"day", "hour"}) add(next["duplicates"], period + ("|" + source) + "|" + type);
        continue;
      }
      ++added;
      const std::int64_t occurred = one["occurred"];
      for (const auto* period : {"day", "hour"})
        add(next["counts"], count_key(period, occurred, source, type) + "|events");
      next["events"][key] = {{"source", source},         {"external", one["external"]},  {"type", type},
                             {"day", occurred / day_ms}, {"hour", occurred / 3'600'000}, {"status", "received"},
                             {"delivery", "none"}};
      if (type == "t2") continue;
      next["events"][key]["delivery"] = "waiting";
      next["events"][key]["attempts"] = 0;
      next["events"][key]["claim"] = 0;
    }
    return {{done({added, duplicates}), next}};
  }

  static std::string count_key(const std::string& period, std::int64_t at_ms, const std::string& source,
                               const std::string& type) {
    const auto length = period == "day" ? day_ms : day_ms / 24;
    return period + "|" + std::to_string(at_ms / length) + "|" + source + "|" + type;
  }

  static void read_counts(Document& state, const std::string& period, const std::vector<EventAggregate>& found) {
    for (const auto& one : found) {
      const auto key = count_key(period, one.start_ms, one.source, one.type);
      if (one.events > 0) state["counts"][key + "|events"] = one.events;
      if (one.processed > 0) state["counts"][key + "|processed"] = one.processed;
      if (one.failed > 0) state["counts"][key + "|failed"] = one.failed;
      if (one.duplicates > 0) add(state["duplicates"], period + "|" + one.source + "|" + one.type, one.duplicates);
    }
  }

  /// The delivery carries the status of its event, and the counts follow.
  static void set_delivery(Document& state, Document& event, const std::string& delivery) {
    const auto counted = [&](const std::string& status, std::int64_t number) {
      if (status != "processed" && status != "failed") return;
      for (const auto* period : {"day", "hour"}) {
        const std::int64_t unit = period == std::string("day") ? day_ms : day_ms / 24;
        const std::int64_t at = event[period].get<std::int64_t>() * unit;
        const auto key = count_key(period, at, event["source"], event["type"]) + "|" + status;
        add(state["counts"], key, number);
        if (state["counts"][key] == 0) state["counts"].erase(key);
      }
    };
    counted(event["status"], -1);
    event["delivery"] = delivery;
    event["status"] = delivery == "claimed"     ? "processing"
                      : delivery == "delivered" ? "processed"
                      : delivery == "dead"      ? "failed"
                                                : "received";
    counted(event["status"], 1);
  }

  static std::vector<Possible> claimed(const Document& state) {
    std::vector<Possible> possible;
    for (const auto& [key, event] : state["events"].items()) {
      if (event["delivery"] != "waiting") continue;
      auto next = state;
      auto& one = next["events"][key];
      set_delivery(next, one, "claimed");
      one["attempts"] = one["attempts"].get<std::int64_t>() + 1;
      one["claim"] = one["claim"].get<std::int64_t>() + 1;
      possible.push_back({done({{"event", key}, {"claim", one["claim"]}}), next});
    }
    if (possible.empty()) possible.push_back({done(), state});
    return possible;
  }

 public:
  [[nodiscard]] Document visible(const Document& state) const override {
    auto seen = state;
    for (auto& [key, event] : seen["events"].items()) event.erase("hour");
    return seen;
  }

 private:
  Hive* hive_ = nullptr;
  std::unique_ptr<Events> events_;
  std::optional<EventDelivery> held_;
};

}  // namespace

std::unique_ptr<ModuleModel> events_model() {
  return std::make_unique<EventsModel>();
}

}  // namespace triune::testing
