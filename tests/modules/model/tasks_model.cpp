// Tasks and their dependencies: cycles are refused, progress and readiness follow.
#include <set>
#include <stdexcept>

#include "modules/model/module_model.h"
#include "triune/modules/tasks.h"

namespace triune::testing {
namespace {

constexpr std::size_t most_tasks = 10;
const std::vector<std::string> ordering{"depends_on", "blocks", "subtask_of", "triggers"};
const std::vector<std::string> types{"depends_on", "depends_on", "depends_on",    "blocks",
                                     "subtask_of", "triggers",   "conflicts_with"};
const std::vector<std::string> statuses{"draft",  "pending",   "pending",   "assigned", "in_progress", "in_progress",
                                        "review", "completed", "completed", "failed",   "cancelled",   "archived"};

bool is_ordering(const std::string& type) {
  return std::find(ordering.begin(), ordering.end(), type) != ordering.end();
}
bool is_counted(const std::string& type) {
  return type == "depends_on" || type == "blocks";
}

std::string key_of(const Document& dependency) {
  return dependency["source"].get<std::string>() + '|' + dependency["target"].get<std::string>() + '|' +
         dependency["type"].get<std::string>();
}

/// How a task ended last, which being archived does not change.
bool satisfies(const Document& target, const std::string& condition) {
  const std::string ended = target["ended"];
  return (condition != "failure" && ended == "completed") || (condition != "success" && ended == "failed") ||
         (condition == "completion" && ended == "cancelled");
}

/// The plain rules, looked at as a whole after every operation.
class Rules {
 public:
  explicit Rules(Document& state) : tasks_(state["tasks"]), dependencies_(state["dependencies"]) {}

  [[nodiscard]] bool has(const std::string& id) const { return tasks_.contains(id); }

  [[nodiscard]] bool reaches(const std::string& from, const std::string& to) const {
    std::set<std::string> seen{from};
    for (std::size_t before = 0; before != seen.size();) {
      before = seen.size();
      for (const auto& [key, one] : dependencies_.items())
        if (is_ordering(one["type"]) && seen.contains(one["source"])) seen.insert(one["target"].get<std::string>());
    }
    return seen.contains(to);
  }

  [[nodiscard]] bool is_above(const std::string& id, std::string below) const {
    for (; !below.empty(); below = tasks_[below]["parent"])
      if (below == id) return true;
    return false;
  }

  void follow() {
    for (auto& [id, task] : tasks_.items()) {
      std::int64_t unmet = 0;
      for (auto& [key, one] : dependencies_.items()) {
        if (!is_counted(one["type"])) continue;
        one["satisfied"] = satisfies(tasks_[one["target"].get<std::string>()], one["condition"]);
        if (one["source"] == id && one["hard"] == true && one["satisfied"] == false) ++unmet;
      }
      std::int64_t parts = 0;
      std::int64_t completed = 0;
      for (const auto& [part, child] : tasks_.items()) {
        if (child["parent"] != id) continue;
        ++parts;
        completed += child["ended"] == "completed" ? 1 : 0;
      }
      task["unmet"] = unmet;
      task["parts"] = parts;
      task["completed"] = completed;
    }
  }

 private:
  Document& tasks_;
  Document& dependencies_;
};

/// How a status tells the task ended: what is archived ended as it did before.
std::string ended_as(const std::string& status, const std::string& before) {
  if (status == "completed" || status == "failed" || status == "cancelled") return status;
  return status == "archived" ? before : "";
}

class TasksModel final : public ModuleModel {
 public:
  void open(Hive& hive) override { tasks_ = expect(Tasks::open(hive)); }

  Document next(Random& random) override {
    const auto id = random.name("t", most_tasks);
    switch (random.below(12)) {
      case 0:
      case 1: return create(random, id);
      case 2: return {{"do", "remove"}, {"id", id}};
      case 3: return {{"do", "parent"}, {"id", id}, {"parent", random.once_in(3) ? "" : random.name("t", most_tasks)}};
      case 4:
      case 5:
      case 6:
        return {{"do", "depend"},
                {"source", id},
                {"target", random.name("t", most_tasks)},
                {"type", random.one_of(types)},
                {"hard", !random.once_in(4)},
                {"condition", random.one_of({"success", "success", "completion", "failure"})}};
      case 7:
        return {{"do", "undepend"},
                {"source", id},
                {"target", random.name("t", most_tasks)},
                {"type", random.one_of(types)}};
      case 8: return {{"do", "comment"}, {"id", id}, {"content", "comment " + std::to_string(random.below(100))}};
      case 9: return {{"do", "later"}, {"id", id}, {"later", random.once_in(2)}};
      default: return {{"do", "status"}, {"id", id}, {"status", random.one_of(statuses)}};
    }
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    if (what == "depend")
      return told(tasks_->depend({.source = operation["source"],
                                  .target = operation["target"],
                                  .type = operation["type"],
                                  .hard = operation["hard"],
                                  .condition = operation["condition"]},
                                 actor));
    if (what == "undepend")
      return told(tasks_->undepend(operation["source"].get<std::string>(), operation["target"].get<std::string>(),
                                   operation["type"].get<std::string>(), actor));
    if (what == "create") return told_whether(tasks_->create_many(new_tasks(operation), actor));
    const std::string id = operation["id"];
    if (what == "remove") return told(tasks_->remove(id, actor));
    if (what == "comment") return told_whether(tasks_->comment(id, {.content = operation["content"]}, actor));
    if (what == "parent") return told(tasks_->update(id, {.parent = operation["parent"].get<std::string>()}, actor));
    if (what == "later")
      return told(tasks_->update(id, {.scheduled_at_ms = operation["later"] == true ? far_ms : 0}, actor));
    return told(tasks_->update(id, {.status = *parse_task_status(operation["status"].get<std::string>())}, actor));
  }

  [[nodiscard]] Document initial() const override {
    return {{"tasks", Document::object()}, {"dependencies", Document::object()}, {"ready", Document::array()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    auto next = state;
    if (!apply(next, operation)) return {{refused(), state}};
    Rules(next).follow();
    next["ready"] = Document::array();
    for (const auto& [id, task] : next["tasks"].items())
      if (task["status"] == "pending" && task["unmet"] == 0 && task["later"] == false) next["ready"].push_back(id);
    return {{done(), next}};
  }

  [[nodiscard]] Document visible(const Document& state) const override {
    auto seen = state;
    for (auto& [id, task] : seen["tasks"].items()) task.erase("ended");
    return seen;
  }

  Document read(Hive&) override {
    auto state = initial();
    for (const auto& task : expect(tasks_->list({.limit = 10'000})))
      state["tasks"][task.id] = {
          {"status", to_string(task.status)}, {"parent", task.parent},  {"later", task.scheduled_at_ms > 0},
          {"unmet", task.unmet_dependencies}, {"parts", task.children}, {"completed", task.children_completed},
          {"comments", Document::array()}};
    for (auto& [id, task] : state["tasks"].items()) {
      for (const auto& comment : expect(tasks_->comments(id))) task["comments"].push_back(comment.content);
      std::sort(task["comments"].begin(), task["comments"].end());
      for (const auto& one : expect(tasks_->dependencies(id))) {
        Document dependency{{"source", one.source}, {"target", one.target},       {"type", one.type},
                            {"hard", one.hard},     {"condition", one.condition}, {"satisfied", one.satisfied}};
        const auto key = key_of(dependency);
        state["dependencies"][key] = std::move(dependency);
      }
    }
    std::set<std::string> ready;
    for (const auto& task : expect(tasks_->ready(1'000))) ready.insert(task.id);
    state["ready"] = ready;
    return state;
  }

  void check(Hive& hive, const Document& state) override {
    std::map<std::string, std::int64_t> counted;
    for (const auto& [id, task] : state["tasks"].items()) ++counted[task["status"]];
    std::map<std::string, std::int64_t> told_of;
    for (const auto& day : expect(tasks_->summary(30))) told_of[std::string(to_string(day.status))] += day.tasks;
    if (told_of != counted) throw std::runtime_error("the summary by day differs: " + Document(told_of).dump());
    const auto view = rows_of(hive, "SELECT id FROM triune_ready_tasks ORDER BY id");
    auto ready = Document::array();
    for (const auto& row : view) ready.push_back(row[0]);
    if (ready != state["ready"]) throw std::runtime_error("triune_ready_tasks differs: " + ready.dump());
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {{"triune_tasks", {"id"}},
            {"triune_task_dependencies", {"source_id", "target_id", "dependency_type"}},
            {"triune_task_comments", {"task_id", "id"}}};
  }

 private:
  static constexpr std::int64_t far_ms = 32'503'680'000'000;  // the year 3000

  static Document create(Random& random, const std::string& id) {
    auto made = Document::array();
    made.push_back({{"id", id}, {"parent", random.once_in(2) ? "" : random.name("t", most_tasks)}});
    if (random.once_in(3)) made.push_back({{"id", random.name("t", most_tasks)}, {"parent", id}});
    for (auto& one : made)
      one["status"] = random.one_of({"pending", "pending", "draft", "in_progress", "completed", "archived"});
    return {{"do", "create"}, {"tasks", made}};
  }

  static std::vector<NewTask> new_tasks(const Document& operation) {
    std::vector<NewTask> made;
    for (const auto& one : operation["tasks"])
      made.push_back({.id = one["id"],
                      .name = one["id"],
                      .parent = one["parent"],
                      .status = *parse_task_status(one["status"].get<std::string>())});
    return made;
  }

  /// False: refused, and `state` is of no use.
  static bool apply(Document& state, const Document& operation) {
    const std::string what = operation["do"];
    auto& tasks = state["tasks"];
    auto& dependencies = state["dependencies"];
    if (what == "create") return apply_create(tasks, operation);
    if (what == "undepend") {
      dependencies.erase(key_of(operation));
      return true;
    }
    if (what == "depend") return apply_depend(state, operation);
    const std::string id = operation["id"];
    if (!tasks.contains(id)) return false;
    if (what == "remove") return apply_remove(state, id);
    auto& task = tasks[id];
    if (what == "comment") {
      task["comments"].push_back(operation["content"]);
      std::sort(task["comments"].begin(), task["comments"].end());
    }
    if (what == "later") task["later"] = operation["later"];
    if (what == "parent") {
      const std::string parent = operation["parent"];
      if (!parent.empty() && (!tasks.contains(parent) || Rules(state).is_above(id, parent))) return false;
      task["parent"] = parent;
    }
    if (what == "status") {
      const auto now = *parse_task_status(task["status"].get<std::string>());
      const auto wanted = *parse_task_status(operation["status"].get<std::string>());
      if (!may_follow(now, wanted)) return false;
      task["status"] = operation["status"];
      task["ended"] = ended_as(operation["status"], task["ended"]);
    }
    return true;
  }

  static bool apply_create(Document& tasks, const Document& operation) {
    for (const auto& one : operation["tasks"]) {
      const std::string parent = one["parent"];
      if (tasks.contains(one["id"].get<std::string>()) || (!parent.empty() && !tasks.contains(parent))) return false;
      tasks[one["id"].get<std::string>()] = {{"status", one["status"]},
                                             {"parent", parent},
                                             {"later", false},
                                             {"comments", Document::array()},
                                             {"ended", ended_as(one["status"], "")}};
    }
    return true;
  }

  static bool apply_depend(Document& state, const Document& operation) {
    const Rules rules(state);
    const std::string source = operation["source"];
    const std::string target = operation["target"];
    if (!rules.has(source) || !rules.has(target) || source == target) return false;
    if (is_ordering(operation["type"]) && rules.reaches(target, source)) return false;
    auto dependency = operation;
    dependency.erase("do");
    dependency["satisfied"] = false;
    state["dependencies"][key_of(operation)] = dependency;
    return true;
  }

  static bool apply_remove(Document& state, const std::string& id) {
    for (const auto& [other, task] : state["tasks"].items())
      if (task["parent"] == id) return false;
    auto kept = Document::object();
    for (const auto& [key, one] : state["dependencies"].items())
      if (one["source"] != id && one["target"] != id) kept[key] = one;
    state["dependencies"] = std::move(kept);
    state["tasks"].erase(id);
    return true;
  }

  std::unique_ptr<Tasks> tasks_;
};

}  // namespace

std::unique_ptr<ModuleModel> tasks_model() {
  return std::make_unique<TasksModel>();
}

}  // namespace triune::testing
