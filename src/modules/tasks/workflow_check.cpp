#include "modules/tasks/workflow_check.h"

#include <fmt/format.h>

#include <set>

#include "base/try.h"
#include "modules/tasks/workflow_expression.h"

namespace triune::modules::tasks {
namespace {

/// What a step may refer to.
struct Scope {
  std::set<std::string> steps;  ///< Done before.
  std::set<std::string> loops;  ///< Around.
};

/// The step and what it is made of, as far as one output of each is seen from outside.
void add_names(const Step& step, std::set<std::string>& names) {
  names.insert(step.name);
  if (step.type == StepType::loop) return;
  for (const auto& part : step.steps) add_names(part, names);
}

class ReferenceCheck {
 public:
  explicit ReferenceCheck(const Definition& definition) : definition_(definition) {}

  Status check(const Step& step, const Scope& scope) {
    switch (step.type) {
      case StepType::task: return check_task(step, scope);
      case StepType::sequential: return check_sequential(step, scope);
      case StepType::dag: return check_dag(step, scope);
      case StepType::loop: return check_loop(step, scope);
      case StepType::conditional:
        TRIUNE_TRY(check_condition(step.condition, place(step, "condition"), visitor(scope)));
        break;
      case StepType::parallel: break;
    }
    for (const auto& part : step.steps) TRIUNE_TRY(check(part, scope));
    return {};
  }

 private:
  static std::string place(const Step& step, std::string_view member) {
    return step.place.empty() ? std::string(member) : fmt::format("{}.{}", step.place, member);
  }

  Status check_task(const Step& step, const Scope& scope) {
    TRIUNE_TRY(check_template(step.work.payload, place(step, "payload"), visitor(scope)));
    if (step.compensation == nullptr) return {};
    auto with_itself = scope;
    with_itself.steps.insert(step.name);
    return check_template(step.compensation->payload, place(step, "compensation.payload"), visitor(with_itself));
  }

  Status check_sequential(const Step& step, Scope scope) {
    for (const auto& part : step.steps) {
      TRIUNE_TRY(check(part, scope));
      add_names(part, scope.steps);
    }
    return {};
  }

  Status check_dag(const Step& dag, const Scope& scope) {
    for (std::size_t i = 0; i < dag.steps.size(); ++i) {
      auto inner = scope;
      std::set<std::size_t> seen;
      std::vector<std::size_t> open = dag.depends_on[i];
      while (!open.empty()) {
        const auto needed = open.back();
        open.pop_back();
        if (!seen.insert(needed).second) continue;
        add_names(dag.steps[needed], inner.steps);
        open.insert(open.end(), dag.depends_on[needed].begin(), dag.depends_on[needed].end());
      }
      TRIUNE_TRY(check(dag.steps[i], inner));
    }
    return {};
  }

  Status check_loop(const Step& loop, Scope scope) {
    if (loop.loop == LoopKind::over) {
      auto known = known_path(loop.over, scope);
      if (!known)
        return failure(ErrorCode::invalid_argument, fmt::format("{}: {}", place(loop, "over"), known.error().message));
    }
    scope.loops.insert(loop.name);
    if (loop.loop == LoopKind::while_true)
      TRIUNE_TRY(check_condition(loop.condition, place(loop, "while"), visitor(scope)));
    return check(loop.steps.front(), scope);
  }

  [[nodiscard]] PathVisitor visitor(const Scope& scope) const {
    return [this, &scope](std::string_view path) { return known_path(path, scope); };
  }

  [[nodiscard]] Status known_path(std::string_view path, const Scope& scope) const {
    TRIUNE_ASSIGN(const auto parts, split_path(path));
    const auto& root = parts.front();
    if (root == "input" || root == "trigger" || root == "execution") return {};
    if (root != "steps" && root != "loops")
      return failure(ErrorCode::invalid_argument,
                     fmt::format("'{}' begins with none of input, trigger, execution, steps and loops", path));
    if (parts.size() == 1)
      return failure(ErrorCode::invalid_argument, fmt::format("'{}' needs the name of a step", path));
    return root == "steps" ? known_step(parts[1], scope) : known_loop(parts, scope);
  }

  [[nodiscard]] Status known_step(const std::string& name, const Scope& scope) const {
    if (scope.steps.count(name) > 0) return {};
    const auto found = definition_.steps.find(name);
    if (found == definition_.steps.end())
      return failure(ErrorCode::invalid_argument, fmt::format("there is no step '{}'", name));
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("step '{}' is not sure to be done before this one{}", name,
                    found->second->loops > 0 ? ", or is in a loop, whose list of outputs is to be used" : ""));
  }

  [[nodiscard]] static Status known_loop(const std::vector<std::string>& parts, const Scope& scope) {
    if (scope.loops.count(parts[1]) == 0)
      return failure(ErrorCode::invalid_argument, fmt::format("this step is in no loop '{}'", parts[1]));
    if (parts.size() > 2 && (parts[2] == "item" || parts[2] == "index" || parts[2] == "last")) return {};
    return failure(ErrorCode::invalid_argument, fmt::format("of loop '{}' there are item, index and last", parts[1]));
  }

  const Definition& definition_;
};

}  // namespace

Status check_acyclic(const Step& dag) {
  // Takes away what needs nothing more, until nothing is left or only cycles and what depends on them.
  std::vector<bool> gone(dag.steps.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < dag.steps.size(); ++i) {
      const auto& needed = dag.depends_on[i];
      if (gone[i] || !std::all_of(needed.begin(), needed.end(), [&](std::size_t n) { return gone[n]; })) continue;
      gone[i] = true;
      changed = true;
    }
  }
  const auto left = std::find(gone.begin(), gone.end(), false);
  if (left == gone.end()) return {};
  // From any of these a way along needs that are left comes back to where it has been.
  std::vector<std::size_t> way{static_cast<std::size_t>(left - gone.begin())};
  while (std::find(way.begin(), way.end() - 1, way.back()) == way.end() - 1) {
    const auto& needed = dag.depends_on[way.back()];
    way.push_back(*std::find_if(needed.begin(), needed.end(), [&](std::size_t n) { return !gone[n]; }));
  }
  std::string names;
  for (auto step = std::find(way.begin(), way.end(), way.back()); step != way.end(); ++step)
    names += (names.empty() ? "" : " needs ") + dag.steps[*step].name;
  return failure(ErrorCode::invalid_argument,
                 fmt::format("{}.depends_on: a cycle: {}", dag.steps[way.back()].place, names));
}

Status check_references(const Definition& definition) {
  return ReferenceCheck(definition).check(definition.root, {});
}

}  // namespace triune::modules::tasks
