// Queues: one claim at a time, one completion for each, attempts, dead letters, items that stand for tasks.
#include <chrono>
#include <stdexcept>
#include <thread>

#include "modules/model/module_model.h"
#include "triune/modules/queue.h"

namespace triune::testing {
namespace {

constexpr std::int64_t long_lease_ms = 3'600'000;
constexpr std::int64_t far_ms = 32'503'680'000'000;  // the year 3000
const std::vector<std::string> queues{"quick", "slow"};

/// Items i7 to i9 stand for tasks; s1 depends on s0.
std::string task_of(const std::string& item) {
  if (item == "i7") return "s0";
  return item == "i8" || item == "i9" ? "s1" : "";
}
std::int64_t priority_of(const std::string& item) {
  return task_of(item).empty() ? (item.back() - '0') % 3 : 1;
}
std::int64_t most_attempts(const std::string& queue) {
  return queue == "quick" ? 2 : 3;
}
bool has_ended(const std::string& state) {
  return state == "completed" || state == "dead" || state == "cancelled";
}

/// What the queue says of its items, and what that means for the tasks.
class Rules {
 public:
  explicit Rules(Document& state) : items_(state["items"]), tasks_(state["tasks"]), paused_(state["paused"]) {}

  Document* find(const Document& operation) {
    const auto found = items_.find(operation["id"].get<std::string>());
    return found == items_.end() ? nullptr : &*found;
  }
  Document* held(const Document& operation) {
    auto* const item = find(operation);
    return item != nullptr && (*item)["state"] == "claimed" && (*item)["claim"] == operation["claim"] ? item : nullptr;
  }

  bool put(const Document& operation) {
    for (const auto& id : operation["ids"]) {
      const std::string task = task_of(id);
      if (items_.contains(id.get<std::string>())) continue;
      if (!task.empty() && stands_for(task)) return false;
      const bool ready = task.empty() || is_ready(task);
      items_[id.get<std::string>()] = {
          {"queue", operation["queue"]}, {"attempts", 0},  {"claim", 0}, {"result", "null"},
          {"due", !operation["later"]},  {"lease", "none"}};
      items_[id.get<std::string>()]["state"] = !ready ? "blocked" : operation["later"] == true ? "waiting" : "ready";
    }
    return true;
  }

  /// Leases that ended, and what is due.
  void advance(const std::string& queue) {
    for (auto& [id, item] : items_.items())
      if (item["queue"] == queue && item["state"] == "claimed" && item["lease"] == "ended")
        end_attempt(id, item, false);
    for (auto& [id, item] : items_.items())
      if (item["queue"] == queue && item["state"] == "waiting" && item["due"] == true) set_state(id, item, "ready");
  }

  void end_attempt(const std::string& id, Document& item, bool final) {
    const std::string queue = item["queue"];
    item["due"] = queue == "quick";  // the other waits for long
    set_state(id, item, final || item["attempts"] >= most_attempts(queue) ? "dead" : "waiting");
  }

  void set_state(const std::string& id, Document& item, const std::string& state) {
    const std::string before = item["state"];
    item["state"] = state;
    if (state != "claimed") item["lease"] = "none";
    const auto task = task_of(id);
    if (task.empty() || state == "ready" || before == "blocked") return;
    set_task(task, state == "claimed"     ? "in_progress"
                   : state == "completed" ? "completed"
                   : state == "dead"      ? "failed"
                   : state == "cancelled" ? "cancelled"
                                          : "pending");
  }

  /// Whether an item that has not ended stands for it.
  [[nodiscard]] bool stands_for(const std::string& task) const {
    for (const auto& [id, item] : items_.items())
      if (task_of(id) == task && !has_ended(item["state"])) return true;
    return false;
  }

  /// The most urgent that are ready: any of them may be next.
  [[nodiscard]] std::vector<std::string> next_of(const std::string& queue) const {
    std::vector<std::string> found;
    std::int64_t priority = 0;
    if (paused_.contains(queue)) return found;
    for (const auto& [id, item] : items_.items()) {
      if (item["queue"] != queue || item["state"] != "ready") continue;
      if (found.empty() || priority_of(id) > priority) found.clear(), priority = priority_of(id);
      if (priority_of(id) == priority) found.push_back(id);
    }
    return found;
  }

 private:
  [[nodiscard]] bool is_ready(const std::string& task) const {
    return tasks_[task] == "pending" && (task == "s0" || tasks_["s0"] == "completed");
  }
  void set_task(const std::string& task, const std::string& status) {
    tasks_[task] = status;
    for (auto& [id, item] : items_.items())
      if (item["state"] == "blocked" && is_ready(task_of(id))) item["state"] = "waiting";
  }

  Document& items_;
  Document& tasks_;
  Document& paused_;
};

class QueueModel final : public ModuleModel {
 public:
  void open(Hive& hive) override {
    tasks_ = expect(Tasks::open(hive));
    queues_ = expect(Queues::open(hive));
    if (!expect(queues_->list()).empty()) return;
    for (const auto* id : {"s0", "s1"}) static_cast<void>(tasks_->create({.id = id, .name = id}));
    expect(tasks_->depend({.source = "s1", .target = "s0"}));
    for (const auto& name : queues) expect(queues_->configure(settings(name, false)));
  }

  Document next(Random& random) override {
    const auto queue = random.one_of(queues);
    const auto id = random.name("i", 10);
    const Document item{{"id", id}, {"claim", claims_.contains(id) && !random.once_in(5) ? claims_[id] : 1}};
    const auto with = [&](const char* what, Document more) {
      more["do"] = what;
      return more;
    };
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2: {
        auto ids = Document::array({id});
        if (random.once_in(3)) ids.push_back(random.name("i", 10));
        return {{"do", "put"}, {"queue", queue}, {"ids", ids}, {"later", random.once_in(6)}};
      }
      case 3:
      case 4:
      case 5:
      case 6:
      case 7: return {{"do", "claim"}, {"queue", queue}, {"short", random.once_in(4)}};
      case 8:
      case 9:
      case 10: return with("complete", item);
      case 11: {
        auto failed = item;
        failed["final"] = random.once_in(4);
        return with("fail", failed);
      }
      case 12: return random.once_in(2) ? with("release", item) : with("extend", item);
      case 13: return random.once_in(2) ? with("cancel", item) : with("revive", item);
      case 14: return {{"do", "pause"}, {"queue", queue}, {"paused", random.once_in(3)}};
      default:
        return random.once_in(3) ? Document{{"do", "sweep"}, {"queue", queue}}
                                 : Document{{"do", "give back"}, {"worker", "w"}};
    }
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    if (what == "claim") return claim(operation, actor);
    if (what == "give back") return told_whether(queues_->release_worker("w", actor));
    if (operation.contains("queue")) return perform_on_queue(what, operation, actor);
    const std::string id = operation["id"];
    const std::int64_t number = operation["claim"];
    const QueueCompletion completion{id, number, Json{std::to_string(number)}};
    const QueueFailure failed{id, number, "it broke", operation.value("final", false)};
    if (what == "complete") return told(queues_->complete(std::span(&completion, 1), actor));
    if (what == "fail") return told(queues_->fail(std::span(&failed, 1), actor));
    if (what == "release") return told(queues_->release(id, number, actor));
    if (what == "extend") return told(queues_->extend(id, number, long_lease_ms, actor));
    return told(what == "cancel" ? queues_->cancel(id, actor) : queues_->revive(id, actor));
  }

  [[nodiscard]] Document initial() const override {
    return {{"items", Document::object()},
            {"tasks", {{"s0", "pending"}, {"s1", "pending"}}},
            {"paused", Document::object()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    const std::string what = operation["do"];
    auto next = state;
    Rules rules(next);
    if (what == "claim") return outcomes_of_claim(next, operation);
    if (what == "put") {
      // Where the store looks first, at the id or at the task, is its own affair.
      std::vector<Possible> possible;
      if (rules.put(operation)) return {{done(), next}};
      return {{refused(), state}};
    }
    if (what == "pause") {
      next["paused"].erase(operation["queue"].get<std::string>());
      if (operation["paused"] == true) next["paused"][operation["queue"].get<std::string>()] = true;
      return {{done(), next}};
    }
    if (what == "sweep") return {{done(), swept(next, operation)}};
    if (what == "give back") {
      for (auto& [id, item] : next["items"].items())
        if (item["state"] == "claimed") give_back(rules, id, item);
      return {{done(), next}};
    }
    return apply_to_item(rules, what, operation) ? std::vector<Possible>{{done(), next}}
                                                 : std::vector<Possible>{{refused(), state}};
  }

  Document read(Hive&) override {
    auto state = initial();
    for (const auto& settings : expect(queues_->list())) {
      if (settings.paused) state["paused"][settings.name] = true;
      for (const auto* kind : {"blocked", "waiting", "ready", "claimed", "completed", "dead", "cancelled"})
        for (const auto& item : expect(queues_->items(settings.name, kind, 1'000))) add(state["items"], item);
    }
    for (const auto& task : expect(tasks_->list())) state["tasks"][task.id] = to_string(task.status);
    return state;
  }

  [[nodiscard]] Document visible(const Document& state) const override {
    auto seen = state;
    for (auto& [id, item] : seen["items"].items()) {
      item["lease"] = item["state"] == "claimed";
      if (item["state"] != "waiting") item["due"] = true;
    }
    return seen;
  }

  void check(Hive&, const Document& state) override {
    for (const auto& name : queues) {
      const auto counts = expect(queues_->statistics(name));
      std::map<std::string, std::int64_t> counted;
      for (const auto& [id, item] : state["items"].items())
        if (item["queue"] == name) ++counted[item["state"]];
      const std::map<std::string, std::int64_t> told_of{{"blocked", counts.blocked},     {"waiting", counts.waiting},
                                                        {"ready", counts.ready},         {"claimed", counts.claimed},
                                                        {"completed", counts.completed}, {"dead", counts.dead},
                                                        {"cancelled", counts.cancelled}};
      for (const auto& [word, number] : told_of)
        if (counted[word] != number) throw std::runtime_error("statistics of " + name + ": " + word);
    }
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {{"triune_queue_items", {"id"}},
            {"triune_queues", {"name"}},
            {"triune_tasks", {"id"}},
            {"triune_task_executions", {"task_id", "number"}}};
  }

 private:
  static QueueSettings settings(const std::string& name, bool paused) {
    return {.name = name,
            .paused = paused,
            .lease_ms = long_lease_ms,
            .max_attempts = most_attempts(name),
            .backoff_ms = name == "quick" ? 0 : long_lease_ms,
            .longest_backoff_ms = long_lease_ms};
  }

  static void add(Document& items, const QueueItem& item) {
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    items[item.id] = {{"queue", item.queue},
                      {"state", item.state},
                      {"attempts", item.attempts},
                      {"claim", item.claim},
                      {"result", item.result.text},
                      {"lease", item.lease_until_ms.has_value()},
                      {"due", item.state != "waiting" || item.due_at_ms <= now.count()}};
  }

  Document claim(const Document& operation, const Actor& actor) {
    const bool is_short = operation["short"];
    const auto claimed =
        queues_->claim(operation["queue"].get<std::string>(), "w", 1, is_short ? 1 : long_lease_ms, actor);
    if (!claimed) return told(claimed.error());
    if (is_short) std::this_thread::sleep_for(std::chrono::milliseconds(4));
    if (claimed->empty()) return done();
    const auto& item = claimed->front();
    claims_[item.id] = item.claim;
    return done({{"id", item.id}, {"claim", item.claim}, {"attempts", item.attempts}});
  }

  Document perform_on_queue(const std::string& what, const Document& operation, const Actor& actor) {
    const std::string queue = operation["queue"];
    if (what == "pause") return told(queues_->configure(settings(queue, operation["paused"]), actor));
    if (what == "sweep") return told_whether(queues_->sweep(queue, -60'000, actor));
    std::vector<NewQueueItem> items;
    for (const auto& id : operation["ids"])
      items.push_back({.id = id,
                       .lane = "lane" + std::to_string(id.get<std::string>().back() % 2),
                       .priority = static_cast<TaskPriority>(priority_of(id)),
                       .due_at_ms = operation["later"] == true ? far_ms : 0,
                       .task = task_of(id)});
    return told_whether(queues_->put(queue, items, actor));
  }

  static std::vector<Possible> outcomes_of_claim(Document& state, const Document& operation) {
    const std::string queue = operation["queue"];
    Rules(state).advance(queue);
    const auto candidates = Rules(state).next_of(queue);
    if (candidates.empty()) return {{done(), state}};
    std::vector<Possible> possible;
    for (const auto& id : candidates) {
      auto next = state;
      auto& item = next["items"][id];
      item["claim"] = item["claim"].get<std::int64_t>() + 1;
      item["attempts"] = item["attempts"].get<std::int64_t>() + 1;
      item["lease"] = operation["short"] == true ? "ended" : "long";
      Rules(next).set_state(id, item, "claimed");
      possible.push_back({done({{"id", id}, {"claim", item["claim"]}, {"attempts", item["attempts"]}}), next});
    }
    return possible;
  }

  static void give_back(Rules& rules, const std::string& id, Document& item) {
    item["attempts"] = item["attempts"].get<std::int64_t>() - 1;
    item["due"] = true;
    rules.set_state(id, item, "waiting");
  }

  static Document swept(const Document& state, const Document& operation) {
    auto next = state;
    next["items"] = Document::object();
    for (const auto& [id, item] : state["items"].items())
      if (item["queue"] != operation["queue"] || (item["state"] != "completed" && item["state"] != "cancelled"))
        next["items"][id] = item;
    return next;
  }

  static bool apply_to_item(Rules& rules, const std::string& what, const Document& operation) {
    const std::string id = operation["id"];
    auto* item = rules.find(operation);
    if (item == nullptr) return false;
    if (what == "complete" && (*item)["state"] == "completed" && (*item)["claim"] == operation["claim"]) return true;
    if (what == "cancel") return apply_cancel(rules, id, *item);
    if (what == "revive") return apply_revive(rules, id, *item);
    item = rules.held(operation);
    if (item == nullptr) return false;
    if (what == "extend") (*item)["lease"] = "long";
    if (what == "release") give_back(rules, id, *item);
    if (what == "fail") rules.end_attempt(id, *item, operation["final"]);
    if (what == "complete") {
      (*item)["result"] = std::to_string(operation["claim"].get<std::int64_t>());
      rules.set_state(id, *item, "completed");
    }
    return true;
  }

  static bool apply_cancel(Rules& rules, const std::string& id, Document& item) {
    if (item["state"] == "cancelled") return true;
    if (has_ended(item["state"])) return false;
    rules.set_state(id, item, "cancelled");
    return true;
  }

  static bool apply_revive(Rules& rules, const std::string& id, Document& item) {
    const auto task = task_of(id);
    if (item["state"] != "dead" || (!task.empty() && rules.stands_for(task))) return false;
    item["attempts"] = 0;
    item["due"] = true;
    rules.set_state(id, item, "waiting");
    return true;
  }

  std::unique_ptr<Tasks> tasks_;
  std::unique_ptr<Queues> queues_;
  std::map<std::string, std::int64_t> claims_;
};

}  // namespace

std::unique_ptr<ModuleModel> queue_model() {
  return std::make_unique<QueueModel>();
}

}  // namespace triune::testing
