// Agents: heartbeats, one crash for missed ones, work that is free again, messages that are delivered once.
#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "modules/model/module_model.h"
#include "triune/modules/agents.h"
#include "triune/modules/tasks.h"

namespace triune::testing {
namespace {

const std::vector<std::string> statuses{"starting",    "idle",    "active",  "sleeping", "degraded",
                                        "maintenance", "crashed", "offline", "retired"};

bool is_watched(const std::string& status) {
  return status == "starting" || status == "idle" || status == "active" || status == "degraded";
}

class AgentsModel final : public ModuleModel {
 public:
  void open(Hive& hive) override {
    tasks_ = expect(Tasks::open(hive));
    agents_ = expect(Agents::open(hive));
  }

  Document next(Random& random) override {
    const auto id = random.name("a", 4);
    switch (random.below(14)) {
      case 0:
      case 1: return {{"do", "enroll"}, {"id", id}, {"watch", random.one_of({"off", "long", "short"})}};
      case 2: {
        // The end of an agent is rarer than its other states.
        const auto status = random.one_of(statuses);
        return {{"do", "status"}, {"id", id}, {"status", status == "retired" && !random.once_in(4) ? "idle" : status}};
      }
      case 3: return {{"do", random.once_in(3) ? "remove" : "beat"}, {"id", id}};
      case 4: return {{"do", "beat"}, {"id", id}};
      case 5: return {{"do", "detect"}};
      case 6:
      case 7:
      case 8:
        return {{"do", "send"},
                {"id", random.name("m", 40)},
                {"from", id},
                {"to", random.once_in(3) ? "" : random.name("a", 4)},
                {"reply", random.once_in(3) ? random.name("m", 40) : ""}};
      case 9: return {{"do", "receive"}, {"id", id}};
      case 10:
      case 11: return {{"do", "acknowledge"}, {"id", id}, {"message", random.name("m", 40)}};
      case 12: return {{"do", "use"}, {"id", id}, {"capability", random.name("c", 3)}, {"well", random.once_in(2)}};
      default: return {{"do", "assign"}, {"task", random.name("t", 4)}, {"id", id}};
    }
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    if (what == "detect") {
      auto found = agents_->detect_crashes(0, actor);
      if (found) std::sort(found->begin(), found->end());
      return told(found);
    }
    const std::string id = operation["id"];
    if (what == "enroll") return enroll(id, operation["watch"], actor);
    if (what == "status")
      return told(agents_->set_status(id, *parse_agent_status(operation["status"].get<std::string>()), actor));
    if (what == "remove") return told(agents_->remove(id, actor));
    if (what == "beat") return beat(id, actor);
    if (what == "send")
      return told(agents_->send({.id = id,
                                 .from = operation["from"],
                                 .to = operation["to"],
                                 .content = "hello",
                                 .reply_to = operation["reply"]},
                                actor));
    if (what == "receive") {
      const auto received = agents_->receive(id, 100, actor);
      if (!received) return told(received.error());
      std::set<std::string> ids;
      for (const auto& message : *received) ids.insert(message.id);
      return done(ids);
    }
    if (what == "acknowledge") return told(agents_->acknowledge(id, operation["message"].get<std::string>(), actor));
    if (what == "use")
      return told(agents_->count_use(id, operation["capability"].get<std::string>(), operation["well"], actor));
    const std::string task = operation["task"];
    return told_whether(
        tasks_->create({.id = task, .name = task, .status = TaskStatus::assigned, .assigned_to = id}, actor));
  }

  [[nodiscard]] Document initial() const override {
    return {{"agents", Document::object()},
            {"messages", Document::object()},
            {"together", Document::object()},
            {"tasks", Document::object()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    const std::string what = operation["do"];
    auto next = state;
    if (what == "detect") {
      auto found = Document::array();
      for (auto& [id, agent] : next["agents"].items())
        if (agent["deadline"] == "past") {
          found.push_back(id);
          set_status(next, id, "crashed");
        }
      return {{done(found), next}};
    }
    Document value;
    if (!apply(next, operation, value)) return {{refused(), state}};
    return {{done(value), next}};
  }

  [[nodiscard]] Document visible(const Document& state) const override {
    auto seen = state;
    for (auto& [id, agent] : seen["agents"].items()) agent.erase("watch");
    return seen;
  }

  Document read(Hive& hive) override {
    auto state = initial();
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    for (const auto& agent : expect(agents_->list())) {
      auto& seen = state["agents"][agent.id];
      seen = {
          {"status", to_string(agent.status)}, {"crashes", agent.crashes}, {"uses", {{"c0", {0, 0}}, {"c1", {0, 0}}}}};
      seen["deadline"] = !agent.heartbeat_deadline_ms                  ? "none"
                         : *agent.heartbeat_deadline_ms <= now.count() ? "past"
                                                                       : "far";
      for (const auto& one : expect(agents_->capabilities(agent.id)))
        seen["uses"][one.name] = {one.uses, one.successes};
    }
    for (const auto& row : rows_of(hive,
                                   "SELECT id, thread_id, from_agent, coalesce(to_agent, '') FROM "
                                   "triune_agent_messages")) {
      auto& seen = state["messages"][row[0].get<std::string>()];
      seen = {{"thread", row[1]}, {"from", row[2]}, {"to", row[3]}, {"deliveries", Document::object()}};
      for (const auto& one : expect(agents_->deliveries(row[0].get<std::string>())))
        seen["deliveries"][one.to] = one.acknowledged_at_ms ? "acknowledged"
                                     : one.delivered_at_ms  ? "delivered"
                                                            : "open";
    }
    for (const auto& row : rows_of(hive, "SELECT agent_a, agent_b, messages FROM triune_collaborations"))
      state["together"][row[0].get<std::string>() + "|" + row[1].get<std::string>()] =
          std::stoll(row[2].get<std::string>());
    for (const auto& task : expect(tasks_->list()))
      state["tasks"][task.id] = {{"status", to_string(task.status)}, {"agent", task.assigned_to}};
    return state;
  }

  void check(Hive&, const Document& state) override {
    for (const auto& [id, agent] : state["agents"].items()) {
      std::set<std::string> open;
      for (const auto& [message, one] : state["messages"].items())
        if (one["deliveries"].contains(id) && one["deliveries"][id] != "acknowledged") open.insert(message);
      std::set<std::string> seen;
      for (const auto& message : expect(agents_->inbox(id))) seen.insert(message.id);
      if (seen != open) throw std::runtime_error("the inbox of " + id + " differs");
    }
  }

  /// Beats and how an agent is watched tell themselves.
  [[nodiscard]] bool is_audited(const Document& operation) const override {
    return operation["do"] != "beat" && operation["do"] != "enroll";
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {{"triune_agents", {"id"}},
            {"triune_agent_messages", {"id"}},
            {"triune_agent_deliveries", {"to_agent", "message_id"}},
            {"triune_tasks", {"id"}}};
  }

 private:
  Document enroll(const std::string& id, const std::string& watch, const Actor& actor) {
    const std::vector<AgentCapability> capabilities{{.name = "c0"}, {.name = "c1"}};
    const auto enrolled = agents_->enroll({.id = id,
                                           .capabilities = capabilities,
                                           .heartbeat_interval_ms = watch == "off"    ? 0
                                                                    : watch == "long" ? 3'600'000
                                                                                      : 1,
                                           .missed_limit = 1},
                                          actor);
    if (watch == "short") std::this_thread::sleep_for(std::chrono::milliseconds(4));
    return told_whether(enrolled);
  }

  Document beat(const std::string& id, const Actor& actor) {
    const auto beaten = agents_->heartbeat(id, {.context_usage = 10}, actor);
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
    return told(beaten);
  }

  /// Which deadline an agent has whose beat was now: after a moment a short one is past.
  static std::string deadline_of(const Document& agent) {
    return agent["watch"] == "off" ? "none" : agent["watch"] == "long" ? "far" : "past";
  }

  static void set_status(Document& state, const std::string& id, const std::string& status) {
    auto& agent = state["agents"][id];
    if (agent["status"] == status) return;
    if (status == "crashed") agent["crashes"] = agent["crashes"].get<std::int64_t>() + 1;
    agent["status"] = status;
    if (!is_watched(status)) agent["deadline"] = "none";
    if (status == "crashed" || status == "retired") free_tasks(state, id);
  }

  static void free_tasks(Document& state, const std::string& id) {
    for (auto& [task, one] : state["tasks"].items())
      if (one["agent"] == id) one = {{"status", "pending"}, {"agent", ""}};
  }

  static bool apply(Document& state, const Document& operation, Document& value) {
    const std::string what = operation["do"];
    const std::string id = operation["id"];
    auto& agents = state["agents"];
    if (what == "enroll") return apply_enroll(agents, id, operation["watch"]);
    if (what == "send") return apply_send(state, operation, value);
    if (what == "assign") {
      const std::string task = operation["task"];
      if (state["tasks"].contains(task)) return false;
      state["tasks"][task] = {{"status", "assigned"}, {"agent", id}};
      return true;
    }
    if (!agents.contains(id)) return false;
    if (what == "acknowledge") return apply_acknowledge(state["messages"], operation);
    if (what == "remove") return apply_remove(state, id);
    if (what == "receive") {
      value = Document::array();
      for (auto& [message, one] : state["messages"].items())
        if (one["deliveries"].contains(id) && one["deliveries"][id] == "open") {
          one["deliveries"][id] = "delivered";
          value.push_back(message);
        }
      return true;
    }
    auto& agent = agents[id];
    if (what == "use") return apply_use(agent, operation);
    if (what == "status") {
      if (agent["status"] == "retired" && operation["status"] != "retired") return false;
      set_status(state, id, operation["status"]);
      return true;
    }
    if (agent["status"] == "crashed" || agent["status"] == "retired") return false;
    agent["deadline"] = deadline_of(agent);
    if (!is_watched(agent["status"])) agent["status"] = "idle";
    return true;
  }

  static bool apply_enroll(Document& agents, const std::string& id, const std::string& watch) {
    if (!agents.contains(id))
      agents[id] = {{"status", "idle"}, {"crashes", 0}, {"uses", {{"c0", {0, 0}}, {"c1", {0, 0}}}}};
    auto& agent = agents[id];
    if (agent["status"] == "retired") return false;
    agent["status"] = "idle";
    agent["watch"] = watch;
    agent["deadline"] = deadline_of(agent);
    return true;
  }

  static bool apply_use(Document& agent, const Document& operation) {
    const std::string name = operation["capability"];
    if (!agent["uses"].contains(name)) return false;
    auto& uses = agent["uses"][name];
    uses = {uses[0].get<std::int64_t>() + 1, uses[1].get<std::int64_t>() + (operation["well"] == true ? 1 : 0)};
    return true;
  }

  static bool apply_send(Document& state, const Document& operation, Document& value) {
    auto& messages = state["messages"];
    const auto& agents = state["agents"];
    const std::string id = operation["id"];
    const std::string from = operation["from"];
    const std::string to = operation["to"];
    const std::string reply = operation["reply"];
    if (messages.contains(id) || !agents.contains(from) || (!to.empty() && !agents.contains(to)) ||
        (!reply.empty() && !messages.contains(reply)))
      return false;
    Document message{{"thread", reply.empty() ? Document(id) : messages[reply]["thread"]},
                     {"from", from},
                     {"to", to},
                     {"deliveries", Document::object()}};
    for (const auto& [agent, one] : agents.items())
      if (agent == to || (to.empty() && agent != from && one["status"] != "retired"))
        message["deliveries"][agent] = "open";
    messages[id] = std::move(message);
    value = id;
    if (to.empty() || to == from) return true;
    auto& together = state["together"][std::min(from, to) + "|" + std::max(from, to)];
    together = together.is_null() ? 1 : together.get<std::int64_t>() + 1;
    return true;
  }

  static bool apply_acknowledge(Document& messages, const Document& operation) {
    const std::string message = operation["message"];
    const std::string id = operation["id"];
    if (!messages.contains(message) || !messages[message]["deliveries"].contains(id)) return false;
    messages[message]["deliveries"][id] = "acknowledged";
    return true;
  }

  static bool apply_remove(Document& state, const std::string& id) {
    free_tasks(state, id);
    auto messages = Document::object();
    for (auto& [message, one] : state["messages"].items()) {
      if (one["from"] == id || one["to"] == id) continue;
      one["deliveries"].erase(id);
      messages[message] = one;
    }
    state["messages"] = std::move(messages);
    auto together = Document::object();
    for (const auto& [pair, count] : state["together"].items())
      if (!pair.starts_with(id + "|") && !pair.ends_with("|" + id)) together[pair] = count;
    state["together"] = std::move(together);
    state["agents"].erase(id);
    return true;
  }

  std::unique_ptr<Tasks> tasks_;
  std::unique_ptr<Agents> agents_;
};

}  // namespace

std::unique_ptr<ModuleModel> agents_model() {
  return std::make_unique<AgentsModel>();
}

}  // namespace triune::testing
