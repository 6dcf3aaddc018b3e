// Values by name that expire and have versions, and configurations with every version they had.
#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

#include "modules/model/module_model.h"
#include "triune/modules/agents.h"
#include "triune/modules/memory.h"

namespace triune::testing {
namespace {

const std::vector<std::string> values{"1", "2", R"({"a":1})", R"(["x"])", R"("text")"};

class ValuesModel final : public ModuleModel {
 public:
  void open(Hive& hive) override {
    agents_ = expect(Agents::open(hive));
    memory_ = expect(Memory::open(hive));
    if (!expect(agents_->list()).empty()) return;
    for (const auto* id : {"a0", "a1"}) static_cast<void>(expect(agents_->enroll({.id = id})));
  }

  Document next(Random& random) override {
    Document operation{{"ns", random.name("n", 2)}, {"key", random.name("k", 4)}};
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        operation["do"] = "put";
        operation["value"] = random.one_of(values);
        operation["short"] = random.once_in(4);
        if (random.once_in(2)) operation["version"] = random.below(4);
        return operation;
      case 4: operation["do"] = "erase"; return operation;
      case 5: return {{"do", "sweep"}};
      default: break;
    }
    operation = {{"agent", random.one_of({"", "a0", "a1", "a2"})},
                 {"category", random.name("c", 2)},
                 {"key", random.name("k", 2)},
                 {"do", random.once_in(4) ? "unset" : "configure"},
                 {"value", random.one_of(values)}};
    return operation;
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    if (what == "sweep") return told_whether(memory_->sweep(actor));
    const std::string key = operation["key"];
    if (what == "configure")
      return told(agents_->configure(operation["agent"].get<std::string>(), operation["category"].get<std::string>(),
                                     key, Json{operation["value"]}, actor));
    if (what == "unset")
      return told(
          agents_->unset(operation["agent"].get<std::string>(), operation["category"].get<std::string>(), key, actor));
    const std::string ns = operation["ns"];
    if (what == "erase") return told(memory_->erase(ns, key, actor));
    const bool is_short = operation["short"];
    const Json value{operation["value"]};
    const std::int64_t ttl = is_short ? 1 : 0;
    const auto put = operation.contains("version") ? memory_->put_if(ns, key, operation["version"], value, ttl, actor)
                                                   : memory_->put(ns, key, value, ttl, actor);
    if (is_short) std::this_thread::sleep_for(std::chrono::milliseconds(4));
    return told(put);
  }

  [[nodiscard]] Document initial() const override {
    return {{"values", Document::object()}, {"configured", Document::object()}, {"history", Document::object()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    const std::string what = operation["do"];
    auto next = state;
    if (what == "configure" || what == "unset") return configured(std::move(next), operation);
    auto& stored = next["values"];
    if (what == "sweep") {
      stored = Document::object();
      for (const auto& [key, one] : state["values"].items())
        if (one["expired"] == false) stored[key] = one;
      return {{done(), next}};
    }
    const auto key = operation["ns"].get<std::string>() + "/" + operation["key"].get<std::string>();
    if (what == "erase") {
      stored.erase(key);
      return {{done(), next}};
    }
    const bool lives = stored.contains(key) && stored[key]["expired"] == false;
    const std::int64_t version = lives ? stored[key]["version"].get<std::int64_t>() : 0;
    if (operation.contains("version") && operation["version"] != version) return {{refused(), state}};
    stored[key] = {{"value", operation["value"]}, {"version", version + 1}, {"expired", operation["short"]}};
    return {{done(version + 1), next}};
  }

  Document read(Hive& hive) override {
    auto state = initial();
    for (const auto& row : rows_of(hive, "SELECT namespace, key, value, version, expires_at_ms FROM triune_key_values"))
      state["values"][row[0].get<std::string>() + "/" + row[1].get<std::string>()] = {
          {"value", row[2]}, {"version", std::stoll(row[3].get<std::string>())}, {"expired", !row[4].is_null()}};
    for (const auto& row : rows_of(hive, "SELECT agent_id, category, key, value, version FROM triune_configurations"))
      state["configured"][configuration_key(row[0], row[1], row[2])] = {
          {"value", row[3]}, {"version", std::stoll(row[4].get<std::string>())}};
    for (const auto& row : rows_of(hive,
                                   "SELECT agent_id, category, key, value FROM triune_configuration_versions "
                                   "ORDER BY agent_id, category, key, version"))
      state["history"][configuration_key(row[0], row[1], row[2])].push_back(row[3]);
    return state;
  }

  void check(Hive&, const Document& state) override {
    for (const auto* ns : {"n0", "n1"}) {
      std::map<std::string, std::string> seen;
      for (const auto& one : expect(memory_->values(ns))) seen[one.key] = one.value.text;
      std::map<std::string, std::string> known;
      for (const auto& [key, one] : state["values"].items())
        if (key.starts_with(ns) && one["expired"] == false) known[key.substr(3)] = one["value"];
      if (seen != known) throw std::runtime_error("the values of " + std::string(ns) + " differ");
    }
    for (const auto* agent : {"a0", "a1"})
      for (const auto& one : expect(agents_->configurations(agent))) check_configuration(state, agent, one);
    for (const auto& [key, versions] : state["history"].items()) {
      const auto first = key.find('/');
      const auto second = key.find('/', first + 1);
      const auto told_of = expect(agents_->configuration_history(
          key.substr(0, first), key.substr(first + 1, second - first - 1), key.substr(second + 1)));
      if (told_of.size() != versions.size()) throw std::runtime_error("the history of " + key + " differs");
    }
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {{"triune_key_values", {"namespace", "key"}}, {"triune_configurations", {"agent_id", "category", "key"}}};
  }

 private:
  static std::string configuration_key(const std::string& agent, const std::string& category, const std::string& key) {
    return agent + "/" + category + "/" + key;
  }

  static void check_configuration(const Document& state, const std::string& agent, const Configuration& one) {
    const auto own = configuration_key(agent, one.category, one.key);
    const auto common = configuration_key("", one.category, one.key);
    const auto& expected = state["configured"].contains(own) ? state["configured"][own] : state["configured"][common];
    if (expected["value"] != one.value->text || expected["version"] != one.version)
      throw std::runtime_error("the configuration " + own + " differs");
  }

  static std::vector<Possible> configured(Document state, const Document& operation) {
    const std::string agent = operation["agent"];
    const auto key = configuration_key(agent, operation["category"], operation["key"]);
    auto& stored = state["configured"];
    auto& history = state["history"];
    if (operation["do"] == "unset") {
      if (stored.contains(key)) history[key].push_back(nullptr);
      stored.erase(key);
      return {{done(), state}};
    }
    if (agent == "a2") return {{refused(), state}};
    if (!stored.contains(key) || stored[key]["value"] != operation["value"]) {
      history[key].push_back(operation["value"]);
      stored[key] = {{"value", operation["value"]}, {"version", history[key].size()}};
    }
    return {{done(stored[key]["version"]), state}};
  }

  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace

std::unique_ptr<ModuleModel> values_model() {
  return std::make_unique<ValuesModel>();
}

}  // namespace triune::testing
