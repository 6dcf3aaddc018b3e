#include "modules/tasks/workflow_document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <set>

#include "base/try.h"
#include "modules/tasks/workflow_check.h"

namespace triune::modules::tasks {
namespace {

constexpr std::array<std::string_view, 6> type_words{"task", "sequential", "parallel", "conditional", "dag", "loop"};
constexpr std::string_view root_name = "workflow";
constexpr std::size_t most_needed = 100;
constexpr std::size_t deepest_definition = 200;

std::unexpected<Error> wrong(const std::string& place, std::string_view what) {
  return failure(ErrorCode::invalid_argument, fmt::format("{}: {}", place.empty() ? "the document" : place, what));
}

std::string below(const std::string& place, std::string_view member) {
  return place.empty() ? std::string(member) : fmt::format("{}.{}", place, member);
}

/// Letters, digits, '-' and '_': a name is a part of paths and of keys.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

Status check_members(const Document& object, const std::string& place, const std::set<std::string_view>& known) {
  if (!object.is_object()) return wrong(place, "is an object");
  for (const auto& [name, value] : object.items())
    if (known.count(name) == 0)
      return wrong(place, fmt::format("there is no member '{}' here; known are {}", name, fmt::join(known, ", ")));
  return {};
}

Result<std::string> text_member(const Document& object, const std::string& name, const std::string& place,
                                std::string without) {
  const auto found = object.find(name);
  if (found == object.end()) return without;
  if (!found->is_string()) return wrong(below(place, name), "is a text");
  return found->get<std::string>();
}

Result<std::int64_t> integer_member(const Document& object, const std::string& name, const std::string& place,
                                    std::int64_t without, std::int64_t most) {
  const auto found = object.find(name);
  if (found == object.end()) return without;
  if (!found->is_number_integer() || *found < 0 || *found > most)
    return wrong(below(place, name), fmt::format("is a whole number from 0 to {}", most));
  return found->get<std::int64_t>();
}

class Parser {
 public:
  Result<std::shared_ptr<const Definition>> parse(std::string_view text) {
    if (text.size() > most_document_bytes)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("the document has {} bytes; at most {}", text.size(), most_document_bytes));
    TRIUNE_ASSIGN(const Document document, parse_document(text, "the document", deepest_definition));
    if (!document.is_object()) return wrong({}, "is an object with a list of steps");
    auto definition = std::make_shared<Definition>();
    TRIUNE_ASSIGN(queue_, text_member(document, "queue", {}, {}));
    TRIUNE_ASSIGN(definition->timeout_ms,
                  integer_member(document, "timeout_ms", {}, default_timeout_ms, longest_timeout_ms));
    TRIUNE_TRY(parse_step(document, {}, 1, definition->root));
    connect(definition->root, nullptr, *definition);
    TRIUNE_TRY(check_references(*definition));
    return std::shared_ptr<const Definition>(std::move(definition));
  }

 private:
  static std::set<std::string_view> members_of(StepType type, bool root) {
    std::set<std::string_view> known{"type"};
    const auto add = [&](std::initializer_list<std::string_view> more) { known.insert(more); };
    if (root) add({"queue", "timeout_ms"});
    if (!root) add({"name", "depends_on", "on_failure"});
    switch (type) {
      case StepType::task: add({"queue", "payload", "timeout_ms", "retries", "compensation"}); break;
      case StepType::sequential:
      case StepType::parallel:
      case StepType::dag: add({"steps"}); break;
      case StepType::conditional: add({"condition", "then", "else"}); break;
      case StepType::loop: add({"times", "over", "while", "most", "step"}); break;
    }
    return known;
  }

  Status parse_step(const Document& object, const std::string& place, std::size_t depth, Step& step) {
    if (!object.is_object()) return wrong(place, "a step is an object");
    if (depth > deepest_step) return wrong(place, fmt::format("steps are nested at most {} deep", deepest_step));
    if (++steps_ > most_document_steps)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("a workflow has at most {} steps", most_document_steps));
    const bool root = depth == 1;
    step.place = place;
    TRIUNE_ASSIGN(const auto type, text_member(object, "type", place, root ? "sequential" : ""));
    const auto* const known = std::find(type_words.begin(), type_words.end(), type);
    if (known == type_words.end())
      return wrong(below(place, "type"), fmt::format("is one of {}", fmt::join(type_words, ", ")));
    step.type = static_cast<StepType>(known - type_words.begin());
    TRIUNE_TRY(check_members(object, place, members_of(step.type, root)));
    TRIUNE_ASSIGN(step.name, text_member(object, "name", place, root ? std::string(root_name) : std::string()));
    if (!is_name(step.name)) return wrong(below(place, "name"), "has 1 to 64 letters, digits, '-' and '_'");
    if (!names_.insert(step.name).second)
      return wrong(below(place, "name"), fmt::format("'{}' is the name of another step", step.name));
    TRIUNE_ASSIGN(const auto on_failure, text_member(object, "on_failure", place, "fail"));
    if (on_failure != "fail" && on_failure != "continue")
      return wrong(below(place, "on_failure"), "is fail or continue");
    step.goes_on = on_failure == "continue";
    return parse_kind(object, depth, step);
  }

  Status parse_kind(const Document& object, std::size_t depth, Step& step) {
    switch (step.type) {
      case StepType::task: return parse_task(object, step);
      case StepType::sequential:
      case StepType::parallel:
      case StepType::dag: return parse_steps(object, depth, step);
      case StepType::conditional: return parse_conditional(object, depth, step);
      case StepType::loop: return parse_loop(object, depth, step);
    }
    return {};
  }

  Status parse_work(const Document& object, const std::string& place, Work& work) const {
    TRIUNE_ASSIGN(work.queue, text_member(object, "queue", place, queue_));
    if (work.queue.empty() || work.queue.size() > 200)
      return wrong(below(place, "queue"), "names the queue that the work is put into, here or for the whole document");
    work.payload = object.value("payload", Document::object());
    TRIUNE_ASSIGN(work.timeout_ms, integer_member(object, "timeout_ms", place, 0, longest_timeout_ms));
    TRIUNE_ASSIGN(work.retries, integer_member(object, "retries", place, 0, 100));
    return {};
  }

  Status parse_task(const Document& object, Step& step) const {
    TRIUNE_TRY(parse_work(object, step.place, step.work));
    if (!object.contains("compensation")) return {};
    const auto place = below(step.place, "compensation");
    TRIUNE_TRY(check_members(object["compensation"], place, {"queue", "payload", "timeout_ms", "retries"}));
    step.compensation = std::make_unique<Work>();
    step.compensation->queue = step.work.queue;
    return parse_work(object["compensation"], place, *step.compensation);
  }

  Status parse_steps(const Document& object, std::size_t depth, Step& step) {
    const auto place = below(step.place, "steps");
    if (!object.contains("steps") || !object["steps"].is_array() || object["steps"].empty())
      return wrong(place, "is a list of at least one step");
    const auto& list = object["steps"];
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (step.type != StepType::dag && list[i].is_object() && list[i].contains("depends_on"))
        return wrong(fmt::format("{}[{}].depends_on", place, i), "only steps of a dag depend on others");
      TRIUNE_TRY(parse_step(list[i], fmt::format("{}[{}]", place, i), depth + 1, step.steps.emplace_back()));
    }
    return step.type == StepType::dag ? parse_dependencies(list, step) : Status();
  }

  static Status parse_dependencies(const Document& list, Step& dag) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto& needed = dag.depends_on.emplace_back();
      const auto place = below(dag.steps[i].place, "depends_on");
      const auto names = list[i].value("depends_on", Document::array());
      if (!names.is_array() || names.size() > most_needed)
        return wrong(place, fmt::format("is a list of at most {} names of steps of this dag", most_needed));
      for (const auto& name : names) {
        const auto found = std::find_if(dag.steps.begin(), dag.steps.end(),
                                        [&](const Step& sibling) { return name.is_string() && sibling.name == name; });
        if (found == dag.steps.end()) return wrong(place, fmt::format("there is no step {} in this dag", name.dump()));
        needed.push_back(static_cast<std::size_t>(found - dag.steps.begin()));
      }
    }
    return check_acyclic(dag);
  }

  /// A part that is a step: of a conditional, of a loop.
  Status parse_part(const Document& object, const std::string& member, std::size_t depth, Step& step) {
    const auto place = below(step.place, member);
    if (!object.contains(member)) return wrong(place, "is missing; it is a step");
    if (object[member].is_object() && object[member].contains("depends_on"))
      return wrong(below(place, "depends_on"), "only steps of a dag depend on others");
    return parse_step(object[member], place, depth + 1, step.steps.emplace_back());
  }

  Status parse_conditional(const Document& object, std::size_t depth, Step& step) {
    if (!object.contains("condition")) return wrong(below(step.place, "condition"), "is missing");
    step.condition = object["condition"];
    TRIUNE_TRY(parse_part(object, "then", depth, step));
    return object.contains("else") ? parse_part(object, "else", depth, step) : Status();
  }

  Status parse_loop(const Document& object, std::size_t depth, Step& step) {
    if (object.contains("times") + object.contains("over") + object.contains("while") != 1)
      return wrong(step.place, "a loop has one of times, over and while");
    if (++loops_ > most_loops_inside)
      return wrong(step.place, fmt::format("loops are nested at most {} deep", most_loops_inside));
    step.loop = object.contains("times")  ? LoopKind::times
                : object.contains("over") ? LoopKind::over
                                          : LoopKind::while_true;
    const std::string bound = step.loop == LoopKind::times ? "times" : "most";
    if (bound == "times" && object.contains("most")) return wrong(below(step.place, "most"), "`times` is the bound");
    if (!object.contains(bound))
      return wrong(below(step.place, "most"), "is missing: a loop needs a bound on its iterations");
    TRIUNE_ASSIGN(step.most, integer_member(object, bound, step.place, 0, most_iterations));
    TRIUNE_ASSIGN(step.over, text_member(object, "over", step.place, {}));
    if (step.loop == LoopKind::while_true) step.condition = object["while"];
    TRIUNE_TRY(parse_part(object, "step", depth, step));
    --loops_;
    return {};
  }

  static void connect(Step& step, const Step* parent, Definition& definition) {
    step.parent = parent;
    step.loops = parent == nullptr ? 0 : parent->loops + (parent->type == StepType::loop ? 1 : 0);
    definition.steps[step.name] = &step;
    for (auto& part : step.steps) connect(part, &step, definition);
  }

  std::string queue_;
  std::set<std::string> names_;
  std::size_t steps_ = 0;
  std::size_t loops_ = 0;
};

}  // namespace

Result<Document> parse_document(std::string_view text, std::string_view what, std::size_t deepest) {
  bool too_deep = false;
  const auto watch = [&](int depth, Document::parse_event_t, Document&) {
    too_deep = too_deep || static_cast<std::size_t>(depth) > deepest;
    return true;
  };
  auto document = Document::parse(text, watch, false);
  if (document.is_discarded()) return failure(ErrorCode::invalid_argument, fmt::format("{} is no JSON", what));
  if (too_deep)
    return failure(ErrorCode::resource_exhausted, fmt::format("{} is nested more than {} deep", what, deepest));
  return document;
}

std::string_view to_string(StepType type) noexcept {
  return type_words[static_cast<std::size_t>(type)];
}

Result<std::shared_ptr<const Definition>> parse_definition(std::string_view text) {
  return Parser().parse(text);
}

}  // namespace triune::modules::tasks
