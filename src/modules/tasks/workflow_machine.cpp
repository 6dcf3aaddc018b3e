#include "modules/tasks/workflow_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace triune::modules::tasks {
namespace {

constexpr std::size_t deepest_output = 256;

/// Whether what the part is in may go on as if it had ended well.
bool counts_as_done(const Step& step, const StepRow& row) {
  return row.status == StepStatus::completed || (row.status == StepStatus::failed && step.goes_on);
}

}  // namespace

std::string key_of(const Step& step, const Iterations& at) {
  auto key = step.name;
  for (std::size_t i = 0; i < step.loops && i < at.size(); ++i) key += fmt::format("[{}]", at[i]);
  return key;
}

Iterations iterations_of(std::string_view key) {
  Iterations at;
  for (auto open = key.find('['); open != std::string_view::npos; open = key.find('[', open + 1)) {
    std::int64_t number = 0;
    std::from_chars(key.data() + open + 1, key.data() + key.size(), number);
    at.push_back(number);
  }
  return at;
}

void WorkflowMachine::run() {
  auto& execution = state_.execution;
  if (execution.status == "running" && execution.due_at_ms && *execution.due_at_ms <= now_)
    begin_ending("failed", "the execution did not end in its time");
  if (execution.status == "running") {
    const auto* const root = evaluate(definition_.root, {});
    if (!too_much_.empty()) {
      begin_ending("failed", too_much_);
    } else if (root->status == StepStatus::failed) {
      begin_ending("failed", root->error);
    } else if (root->status == StepStatus::completed) {
      execution.status = "completed";
      execution.output = root->output;
      execution.ended_at_ms = now_;
    }
  }
  if (execution.status == "compensating") compensate();
  note_time();
}

void WorkflowMachine::note_time() {
  auto& execution = state_.execution;
  execution.wake_at_ms.reset();
  if (execution.status == "running" || execution.status == "completed")
    execution.progress = std::clamp(100 * progress(definition_.root, {}), 0.0, 100.0);
  if (execution.ended_at_ms) return;
  const auto consider = [&](const std::optional<std::int64_t>& due) {
    if (due) execution.wake_at_ms = std::min(*due, execution.wake_at_ms.value_or(*due));
  };
  if (execution.status == "running") consider(execution.due_at_ms);
  for (const auto& [key, row] : state_.steps)
    if (row.status == StepStatus::running) consider(row.due_at_ms);
}

StepRow* WorkflowMachine::begin(const std::string& key, const Step& step, std::string_view type, const Iterations& at) {
  if (state_.steps.size() >= most_execution_steps) {
    too_much_ = fmt::format("the execution has more than {} steps", most_execution_steps);
    return nullptr;
  }
  auto& row = state_.steps[key];
  row.key = key;
  row.name = step.name;
  row.type = type;
  row.started_at_ms = now_;
  row.at = at;
  row.is_new = row.changed = true;
  return &row;
}

StepRow* WorkflowMachine::evaluate(const Step& step, const Iterations& at) {
  const auto key = key_of(step, at);
  const auto found = state_.steps.find(key);
  auto* row = found == state_.steps.end() ? begin(key, step, to_string(step.type), at) : &found->second;
  if (row == nullptr || row->status != StepStatus::running) return row;
  if (row->is_new && step.type == StepType::task) put(step, step.work, *row);
  if (row->is_new && step.type == StepType::conditional) choose(step, at, *row);
  if (row->is_new && step.type == StepType::loop) list_items(step, at, *row);
  if (row->status == StepStatus::running) go_on(step, at, *row);
  return too_much_.empty() ? row : nullptr;
}

void WorkflowMachine::go_on(const Step& step, const Iterations& at, StepRow& row) {
  switch (step.type) {
    case StepType::task: work(step, step.work, row); break;
    case StepType::sequential: sequential(step, at, row); break;
    case StepType::parallel: parallel(step, at, row); break;
    case StepType::dag: dag(step, at, row); break;
    case StepType::conditional: conditional(step, at, row); break;
    case StepType::loop: loop(step, at, row); break;
  }
}

void WorkflowMachine::join(const Step& step, const std::vector<StepRow*>& parts, StepRow& row) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == nullptr || parts[i]->status != StepStatus::failed || step.steps[i].goes_on) continue;
    cancel_inside(step, row.at);
    return fail(row, parts[i]->error);
  }
  auto output = Document::object();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == nullptr || !counts_as_done(step.steps[i], *parts[i])) return;
    output[step.steps[i].name] = parts[i]->output;
  }
  complete(row, std::move(output));
}

void WorkflowMachine::sequential(const Step& step, const Iterations& at, StepRow& row) {
  std::vector<StepRow*> parts(step.steps.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i] = evaluate(step.steps[i], at);
    if (parts[i] == nullptr || !counts_as_done(step.steps[i], *parts[i])) break;
  }
  join(step, parts, row);
}

void WorkflowMachine::parallel(const Step& step, const Iterations& at, StepRow& row) {
  std::vector<StepRow*> parts(step.steps.size());
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = evaluate(step.steps[i], at);
  join(step, parts, row);
}

void WorkflowMachine::dag(const Step& step, const Iterations& at, StepRow& row) {
  std::vector<StepRow*> parts(step.steps.size());
  const auto done = [&](std::size_t i) { return parts[i] != nullptr && counts_as_done(step.steps[i], *parts[i]); };
  for (bool more = true; more && too_much_.empty();) {
    more = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& needed = step.depends_on[i];
      if (parts[i] != nullptr || !std::all_of(needed.begin(), needed.end(), done)) continue;
      parts[i] = evaluate(step.steps[i], at);
      more = true;
    }
  }
  join(step, parts, row);
}

void WorkflowMachine::choose(const Step& step, const Iterations& at, StepRow& row) {
  const bool then = holds(step.condition, lookup(at));
  row.data = then || step.steps.size() > 1 ? Document(then ? "then" : "else") : Document();
}

void WorkflowMachine::conditional(const Step& step, const Iterations& at, StepRow& row) {
  if (row.data.is_null()) return complete(row, {});
  const auto& chosen = step.steps[row.data == "then" ? 0 : 1];
  const auto* const part = evaluate(chosen, at);
  if (part == nullptr || part->status == StepStatus::running) return;
  if (!counts_as_done(chosen, *part)) return fail(row, part->error);
  complete(row, part->output);
}

void WorkflowMachine::list_items(const Step& step, const Iterations& at, StepRow& row) {
  if (step.loop != LoopKind::over) return;
  row.data = value_at(step.over, lookup(at));
  if (!row.data.is_array()) {
    fail(row, fmt::format("step {}: '{}' is no list to loop over", row.key, step.over));
  } else if (row.data.size() > static_cast<std::size_t>(step.most)) {
    fail(row, fmt::format("step {}: '{}' has {} items; at most {}", row.key, step.over, row.data.size(), step.most));
  }
}

bool WorkflowMachine::loop_goes_on(const Step& step, const Iterations& at, StepRow& row) {
  if (step.loop == LoopKind::times) return row.iteration < step.most;
  if (step.loop == LoopKind::over) return row.iteration < static_cast<std::int64_t>(row.data.size());
  auto inside = at;
  inside.push_back(row.iteration);
  if (!holds(step.condition, lookup(inside))) return false;
  if (row.iteration < step.most) return true;
  fail(row, fmt::format("step {}: its condition still holds after {} iterations", row.key, step.most));
  return false;
}

void WorkflowMachine::loop(const Step& step, const Iterations& at, StepRow& row) {
  const auto& body = step.steps.front();
  auto inside = at;
  inside.push_back(0);
  while (loop_goes_on(step, at, row)) {
    inside.back() = row.iteration;
    const auto* const part = evaluate(body, inside);
    if (part == nullptr || part->status == StepStatus::running) return;
    if (!counts_as_done(body, *part)) return fail(row, part->error);
    ++row.iteration;
    row.changed = true;
  }
  if (row.status != StepStatus::running) return;
  auto outputs = Document::array();
  for (inside.back() = 0; inside.back() < row.iteration; ++inside.back()) outputs.push_back(find(body, inside)->output);
  complete(row, std::move(outputs));
}

void WorkflowMachine::put(const Step& step, const Work& work, StepRow& row) {
  row.changed = true;
  row.due_at_ms = work.timeout_ms > 0 ? std::optional(now_ + work.timeout_ms) : std::nullopt;
  if (state_.queues.count(work.queue) == 0)
    return fail(row, fmt::format("step {}: there is no queue {}", row.key, work.queue));
  const auto& execution = state_.execution;
  Document payload{{"workflow", execution.workflow_name},
                   {"execution", execution.id},
                   {"step", step.name},
                   {"key", row.key},
                   {"attempt", row.attempt},
                   {"input", fill(work.payload, lookup(row.at))}};
  const auto bytes = payload.dump(-1, ' ', false, Document::error_handler_t::replace).size();
  if (bytes > most_document_bytes)
    return fail(row, fmt::format("step {}: its payload has {} bytes; at most {}", row.key, bytes, most_document_bytes));
  row.item = fmt::format("wf:{}:{}:{}", execution.id, row.key, row.attempt);
  row.item_new = true;
  puts_.push_back({work.queue, row.item, std::move(payload)});
}

void WorkflowMachine::work(const Step& step, const Work& work, StepRow& row) {
  if (row.item_new) return;
  const auto item = state_.items.find(row.item);
  if (item == state_.items.end()) return attempt_failed(step, work, row, "its item is gone from the queue");
  const auto& [state, result, error] = item->second;
  if (state == "completed") {
    auto output = parse_document(result.empty() ? "null" : result, "the result", deepest_json);
    if (!output || result.size() > most_document_bytes)
      return fail(row, fmt::format("step {}: its result is too large: at most {} bytes, {} deep", row.key,
                                   most_document_bytes, deepest_json));
    return complete(row, std::move(*output));
  }
  if (state == "dead") return attempt_failed(step, work, row, error);
  if (state == "cancelled") return attempt_failed(step, work, row, "its item was cancelled");
  if (!row.due_at_ms || *row.due_at_ms > now_) return;
  cancels_.push_back(row.item);
  attempt_failed(step, work, row, fmt::format("it did not end within {} ms", work.timeout_ms));
}

void WorkflowMachine::attempt_failed(const Step& step, const Work& work, StepRow& row, const std::string& error) {
  if (row.attempt > work.retries) return fail(row, fmt::format("step {}: {}", row.key, error));
  ++row.attempt;
  row.error = error;
  put(step, work, row);
}

void WorkflowMachine::complete(StepRow& row, Document output) {
  if (last_place_ == 0)
    for (const auto& [key, other] : state_.steps) last_place_ = std::max(last_place_, other.place);
  row.status = StepStatus::completed;
  row.output = std::move(output);
  row.error.clear();
  row.place = ++last_place_;
  row.due_at_ms.reset();
  row.ended_at_ms = now_;
  row.changed = true;
}

void WorkflowMachine::fail(StepRow& row, const std::string& error) {
  row.status = StepStatus::failed;
  row.error = error;
  row.due_at_ms.reset();
  row.ended_at_ms = now_;
  row.changed = true;
}

void WorkflowMachine::cancel(StepRow& row) {
  if (row.status != StepStatus::running) return;
  const auto item = state_.items.find(row.item);
  if (row.item_new) {
    std::erase_if(puts_, [&](const ItemPut& put) { return put.id == row.item; });
  } else if (item != state_.items.end() && item->second.state != "completed" && item->second.state != "dead" &&
             item->second.state != "cancelled") {
    cancels_.push_back(row.item);
  }
  row.status = StepStatus::cancelled;
  row.due_at_ms.reset();
  row.ended_at_ms = now_;
  row.changed = true;
}

void WorkflowMachine::cancel_inside(const Step& step, const Iterations& at) {
  for (auto& [key, row] : state_.steps) {
    const auto found = definition_.steps.find(row.name);
    if (row.status != StepStatus::running || found == definition_.steps.end()) continue;
    const auto* above = found->second->parent;
    while (above != nullptr && above != &step) above = above->parent;
    const auto prefix = static_cast<std::ptrdiff_t>(std::min({step.loops, at.size(), row.at.size()}));
    if (above != nullptr && std::equal(at.begin(), at.begin() + prefix, row.at.begin())) cancel(row);
  }
}

void WorkflowMachine::begin_ending(const std::string& ends_as, const std::string& error) {
  auto& execution = state_.execution;
  execution.status = "compensating";
  execution.ends_as = ends_as;
  execution.error = error;
  // A step whose item ended well in the meantime was done, and is compensated with the others.
  for (auto& [key, row] : state_.steps) {
    const auto item = state_.items.find(row.item);
    if (row.status == StepStatus::running && item != state_.items.end() && item->second.state == "completed" &&
        !row.item_new)
      work(*definition_.steps.at(row.name), definition_.steps.at(row.name)->work, row);
  }
  for (auto& [key, row] : state_.steps) cancel(row);
}

void WorkflowMachine::compensate() {
  std::vector<StepRow*> done;
  for (auto& [key, row] : state_.steps)
    if (row.type == "task" && row.status == StepStatus::completed &&
        definition_.steps.at(row.name)->compensation != nullptr)
      done.push_back(&row);
  std::sort(done.begin(), done.end(), [](const auto* left, const auto* right) { return left->place > right->place; });
  auto& execution = state_.execution;
  execution.compensation = done.empty() ? "none" : "completed";
  for (const auto* const row : done) {
    const auto& step = *definition_.steps.at(row->name);
    const auto key = row->key + "/undo";
    auto& undo = state_.steps[key];
    if (undo.key.empty()) {
      undo = {
          .key = key, .name = step.name, .type = "compensation", .started_at_ms = now_, .at = row->at, .is_new = true};
      put(step, *step.compensation, undo);
    }
    if (undo.status == StepStatus::running) work(step, *step.compensation, undo);
    if (undo.status == StepStatus::running) {
      execution.compensation = "running";
      return;
    }
    if (undo.status == StepStatus::failed) execution.compensation = "failed";
  }
  execution.status = execution.ends_as;
  execution.ended_at_ms = now_;
}

const StepRow* WorkflowMachine::find(const Step& step, const Iterations& at) const {
  const auto found = state_.steps.find(key_of(step, at));
  return found == state_.steps.end() ? nullptr : &found->second;
}

Document WorkflowMachine::loop_value(const Step& loop, const Iterations& at) const {
  if (at.size() <= loop.loops) return {};
  const auto* const row = find(loop, at);
  const auto index = at[loop.loops];
  auto before = Iterations(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(loop.loops) + 1);
  --before.back();
  const auto* const last = index > 0 ? find(loop.steps.front(), before) : nullptr;
  auto value = Document::object();
  value["index"] = index;
  value["last"] = last == nullptr ? Document() : last->output;
  if (row != nullptr && row->data.is_array() && static_cast<std::size_t>(index) < row->data.size())
    value["item"] = row->data[static_cast<std::size_t>(index)];
  return value;
}

Lookup WorkflowMachine::lookup(const Iterations& at) const {
  return [this, at](std::string_view root, std::string_view name) -> Document {
    const auto& execution = state_.execution;
    if (root == "input") return execution.input;
    if (root == "trigger") return execution.trigger;
    if (root == "execution") return {{"id", execution.id}, {"workflow", execution.workflow_name}};
    const auto step = definition_.steps.find(std::string(name));
    if (step == definition_.steps.end()) return {};
    if (root == "loops") return loop_value(*step->second, at);
    const auto* const row = find(*step->second, at);
    return row == nullptr ? Document() : row->output;
  };
}

double WorkflowMachine::progress(const Step& step, const Iterations& at) const {
  const auto* const row = find(step, at);
  if (row == nullptr) return 0;
  if (row->status != StepStatus::running) return 1;
  double sum = 0;
  switch (step.type) {
    case StepType::task: return 0;
    case StepType::conditional: return row->data.is_null() ? 0 : progress(step.steps[row->data == "then" ? 0 : 1], at);
    case StepType::loop: {
      const auto whole = step.loop == LoopKind::over ? static_cast<std::int64_t>(row->data.size()) : step.most;
      auto inside = at;
      inside.push_back(row->iteration);
      return whole == 0 ? 0
                        : (static_cast<double>(row->iteration) + progress(step.steps.front(), inside)) /
                              static_cast<double>(whole);
    }
    default: break;
  }
  for (const auto& part : step.steps) sum += progress(part, at);
  return sum / static_cast<double>(step.steps.size());
}

}  // namespace triune::modules::tasks
