// Memories: row, words, vector, node and edge are one, and recall finds exactly those.
#include <map>
#include <set>
#include <stdexcept>

#include "modules/model/module_model.h"
#include "triune/modules/agents.h"
#include "triune/modules/memory.h"

namespace triune::testing {
namespace {

const std::vector<std::string> words{"parser", "network", "budget", "garden"};
const std::vector<std::string> kinds{"note", "decision", "error"};
constexpr std::int64_t long_ago_ms = 1'000;
constexpr std::int64_t first_ms = 1'700'000'000'000;

class MemoryModel final : public ModuleModel {
 public:
  void open(Hive& hive) override {
    agents_ = expect(Agents::open(hive));
    memory_ = expect(Memory::open(hive));
  }

  Document next(Random& random) override {
    switch (random.below(12)) {
      case 0:
      case 1: return {{"do", "enroll"}, {"id", random.name("a", 3)}};
      case 2:
        return random.once_in(3) ? Document{{"do", "remove"}, {"id", random.name("a", 3)}} : Document{{"do", "sweep"}};
      case 3:
      case 4: return {{"do", "forget"}, {"id", random.name("m", 14)}};
      case 5:
        return {{"do", "level"}, {"id", random.name("m", 14)}, {"level", random.one_of({"archived", "critical"})}};
      default: break;
    }
    auto made = Document::array({new_memory(random)});
    while (random.once_in(2)) made.push_back(new_memory(random));
    return {{"do", "remember"}, {"memories", made}};
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    if (what == "sweep") return told_whether(memory_->sweep(actor));
    if (what == "remember") {
      std::vector<NewMemory> made;
      for (const auto& one : operation["memories"]) made.push_back(memory_of(one));
      return told_whether(memory_->remember_many(made, actor));
    }
    const std::string id = operation["id"];
    if (what == "enroll") return told_whether(agents_->enroll({.id = id}, actor));
    if (what == "remove") return told(agents_->remove(id, actor));
    if (what == "forget") return told(memory_->forget(id, actor));
    return told(memory_->set_level(id, *parse_memory_level(operation["level"].get<std::string>()), actor));
  }

  [[nodiscard]] Document initial() const override {
    return {{"agents", Document::array()}, {"memories", Document::object()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    auto next = state;
    return apply(next, operation) ? std::vector<Possible>{{done(), next}} : std::vector<Possible>{{refused(), state}};
  }

  Document read(Hive& hive) override {
    auto state = initial();
    for (const auto& row : rows_of(hive, "SELECT id FROM triune_agents ORDER BY id")) state["agents"].push_back(row[0]);
    for (const auto& row : rows_of(hive,
                                   "SELECT id, coalesce(agent_id, ''), session_id, kind, content, level, "
                                   "created_at_ms, expires_at_ms FROM triune_memories"))
      state["memories"][row[0].get<std::string>()] = {{"agent", row[1]},
                                                      {"session", row[2]},
                                                      {"kind", row[3]},
                                                      {"content", row[4]},
                                                      {"level", row[5]},
                                                      {"made", std::stoll(row[6].get<std::string>())},
                                                      {"expired", !row[7].is_null()}};
    return state;
  }

  void check(Hive& hive, const Document& state) override {
    std::set<std::string> stored;
    std::set<std::string> held;
    for (const auto& [id, one] : state["memories"].items()) {
      stored.insert(id);
      if (one["agent"] != "") held.insert(one["agent"].get<std::string>() + ">" + id);
    }
    same(hive, "vectors", stored, "SELECT id FROM triune_stored_vectors WHERE collection = 'agent_memories'");
    same(hive, "nodes", stored, "SELECT id FROM triune_graph_nodes WHERE label = 'Memory'");
    same(hive, "edges", held, "SELECT from_id || '>' || to_id FROM triune_graph_edges WHERE type = 'REMEMBERS'");
    check_recall(state);
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {{"triune_memories", {"id"}}, {"triune_agents", {"id"}}};
  }

 private:
  static Document new_memory(Random& random) {
    auto content = random.one_of(words);
    if (random.once_in(2)) content += " and " + random.one_of(words);
    return {{"id", random.name("m", 14)},
            {"agent", random.one_of({"", "a0", "a1", "a2"})},
            {"session", random.name("s", 2)},
            {"kind", random.one_of(kinds)},
            {"content", content},
            {"made", first_ms + static_cast<std::int64_t>(random.below(10))},
            {"expired", random.once_in(6)}};
  }

  static NewMemory memory_of(const Document& one) {
    NewMemory memory{.id = one["id"],
                     .agent = one["agent"],
                     .session = one["session"],
                     .kind = one["kind"],
                     .content = one["content"],
                     .created_at_ms = one["made"]};
    if (one["expired"] == true) memory.expires_at_ms = long_ago_ms;
    return memory;
  }

  static bool has(const Document& list, const Document& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  }

  static bool apply(Document& state, const Document& operation) {
    const std::string what = operation["do"];
    auto& memories = state["memories"];
    if (what == "remember") return apply_remember(state, operation);
    if (what == "sweep") return erase_if(memories, [](const Document& one) { return one["expired"] == true; });
    const std::string id = operation["id"];
    if (what == "enroll") {
      std::set<std::string> agents = state["agents"];
      agents.insert(id);
      state["agents"] = agents;
      return true;
    }
    if (what == "remove") {
      if (!has(state["agents"], id)) return false;
      std::set<std::string> agents = state["agents"];
      agents.erase(id);
      state["agents"] = agents;
      return erase_if(memories, [&](const Document& one) { return one["agent"] == id; });
    }
    if (what == "forget") {
      memories.erase(id);
      return true;
    }
    if (!memories.contains(id)) return false;
    memories[id]["level"] = operation["level"];
    return true;
  }

  template <class Condition>
  static bool erase_if(Document& memories, const Condition& condition) {
    auto kept = Document::object();
    for (const auto& [id, one] : memories.items())
      if (!condition(one)) kept[id] = one;
    memories = std::move(kept);
    return true;
  }

  static bool apply_remember(Document& state, const Document& operation) {
    for (const auto& one : operation["memories"]) {
      if (one["agent"] != "" && !has(state["agents"], one["agent"])) return false;
      auto kept = one;
      kept.erase("id");
      kept["level"] = "working";
      state["memories"][one["id"].get<std::string>()] = std::move(kept);
    }
    return true;
  }

  static void same(Hive& hive, const std::string& what, const std::set<std::string>& known, const std::string& sql) {
    std::set<std::string> found;
    for (const auto& row : rows_of(hive, sql)) found.insert(row[0]);
    if (found == known) return;
    throw std::runtime_error(what + " differ: the model has " + Document(known).dump() + ", the hive " +
                             Document(found).dump());
  }

  /// Each filter with each word: by words those that have it, by vector all that the filter admits.
  void check_recall(const Document& state) {
    std::vector<RecallQuery> filters{{},
                                     {.agent = "a1"},
                                     {.session = "s1"},
                                     {.kinds = {"note", "error"}},
                                     {.since_ms = first_ms + 3, .until_ms = first_ms + 8}};
    for (auto filter : filters)
      for (const auto* text : {"", "parser", "garden"}) {
        filter.text = text;
        filter.count = 1'000;
        check_recall(state, filter);
      }
  }

  static bool admits(const RecallQuery& query, const Document& one) {
    const std::int64_t made = one["made"];
    return one["expired"] == false && (query.agent.empty() || one["agent"] == query.agent) &&
           (query.session.empty() || one["session"] == query.session) &&
           (query.kinds.empty() || one["kind"] != "decision") && made >= query.since_ms.value_or(0) &&
           made < query.until_ms.value_or(first_ms + 100);
  }

  void check_recall(const Document& state, const RecallQuery& query) {
    std::map<std::string, bool> known;
    for (const auto& [id, one] : state["memories"].items())
      if (admits(query, one)) known[id] = !query.text.empty() && one["content"].get<std::string>().contains(query.text);
    std::map<std::string, bool> found;
    const auto recall = expect(memory_->recall(query));
    for (const auto& one : recall.memories) found[one.memory.id] = one.text_rank.has_value();
    if (found == known) return;
    throw std::runtime_error("recall of '" + query.text + "' by agent '" + query.agent + "' session '" + query.session +
                             "' found " + Document(found).dump() + " where the model has " + Document(known).dump() +
                             " " + recall.degraded);
  }

  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace

std::unique_ptr<ModuleModel> memory_model() {
  return std::make_unique<MemoryModel>();
}

}  // namespace triune::testing
