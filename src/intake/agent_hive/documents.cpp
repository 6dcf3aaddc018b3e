// Files that are taken whole: agents, completions, snapshots, settings, texts.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/hash.h"
#include "base/try.h"
#include "intake/agent_hive/log_lines.h"
#include "intake/agent_hive/run.h"
#include "intake/claude_code/settings_text.h"
#include "intake/module_writer.h"
#include "model/json.h"

namespace triune::intake::agent_hive {
namespace {

constexpr std::size_t largest_text = 256U << 10U;

std::string text_of(const Record& record, std::string_view name) {
  for (const auto& field : record)
    if (field.name == name && !is_null(field.value)) return to_text(field.value);
  return {};
}

/// What no column of its own has.
Json rest_of(const Record& record, std::initializer_list<std::string_view> taken) {
  Record rest;
  for (const auto& field : record)
    if (std::find(taken.begin(), taken.end(), field.name) == taken.end()) rest.push_back(field);
  return Json{to_json(rest)};
}

std::string hash_of(std::string_view text) {
  return base::sha256_hex(std::as_bytes(std::span(text)));
}

bool starts_below(std::string_view file, std::string_view folder) {
  return file.starts_with(folder);
}

}  // namespace

Status Run::take_document(const std::string& file, std::string_view text) {
  const bool json = file.ends_with(".json");
  if (starts_below(file, "agents/") && json) return take_agent(file, text);
  if (file == "agent_completions.jsonl") return take_completions(file, text);
  if (starts_below(file, "memory/") && json) return take_snapshot(file, text);
  if (starts_below(file, "memory/") && file.ends_with(".md")) return take_text(file, text, "consolidation");
  if (starts_below(file, "personas/")) return take_text(file, text, "persona");
  if (starts_below(file, "commands/")) return take_text(file, text, "command");
  if (file.ends_with(".md")) return take_text(file, text, "rule");
  if (json) return take_settings(file, text, false);
  if (file.ends_with(".yaml") || file.ends_with(".yml")) return take_settings(file, text, true);
  not_taken(file, 0, "no kind of file that an agent hive writes");
  return {};
}

Status Run::ensure_agent(const std::string& id) {
  const auto known = agents_->get(id);
  if (known) return {};
  if (known.error().code != ErrorCode::not_found) return std::unexpected<Error>(known.error());
  TRIUNE_TRY(agents_->enroll(
      {.id = id, .agent_type = "unknown", .heartbeat_interval_ms = 0, .status = AgentStatus::offline}, actor_));
  count("agents");
  return {};
}

Status Run::put_task(const std::string& id, const std::string& agent, const std::string& name, TaskStatus status,
                     const Json& configuration) {
  count("tasks");
  if (!tasks_->get(id)) {
    TRIUNE_TRY(tasks_->create(
        {.id = id, .name = name, .status = status, .assigned_to = agent, .configuration = configuration}, actor_));
    return {};
  }
  TaskUpdate update{.configuration = configuration};
  TRIUNE_ASSIGN(const Task now, tasks_->get(id));
  if (now.status != status && may_follow(now.status, status)) update.status = status;
  return tasks_->update(id, update, actor_);
}

Status Run::take_agent(const std::string& file, std::string_view text) {
  const auto record = model::parse_json_object(text);
  const auto id = record ? text_of(*record, "agent_id") : std::string();
  if (id.empty()) {
    not_taken(file, 0, record ? "it has no agent_id" : record.error().message);
    return {};
  }
  const auto word = text_of(*record, "status");
  const auto status = canonical_agent_status(word);
  if (!word.empty() && !status) not_taken(file, 0, status.error().message + "; taken as offline");
  NewAgent agent{.id = id, .worktree = text_of(*record, "worktree_path"), .heartbeat_interval_ms = 0};
  if (auto type = text_of(*record, "agent_type"); !type.empty()) agent.agent_type = std::move(type);
  agent.status = status.value_or(AgentStatus::offline);
  agent.configuration = rest_of(*record, {"agent_id", "agent_type", "worktree_path", "task"});
  const auto known = agents_->get(id);
  // What has retired stays as it was.
  if (!known || known->status != AgentStatus::retired) TRIUNE_TRY(agents_->enroll(agent, actor_));
  count("agents");
  const auto task = text_of(*record, "task");
  if (task.empty()) return {};
  const auto outcome = canonical_task_status(word);
  return put_task("agent-hive/" + id, id, task.substr(0, 400), outcome.value_or(TaskStatus::pending),
                  agent.configuration);
}

Status Run::take_completions(const std::string& file, std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::vector<NewEvent> events;
  std::uint64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    const auto record = model::parse_json_object(line);
    const auto agent = record ? text_of(*record, "agent_id") : std::string();
    const auto at = record ? milliseconds_of(text_of(*record, "completion_time")) : std::nullopt;
    if (agent.empty() || !at) {
      not_taken(file, number, record ? "it has no agent_id or no completion_time" : record.error().message);
      continue;
    }
    TRIUNE_TRY(ensure_agent(agent));
    const auto outcome = text_of(*record, "overall_status");
    events.push_back({.source = std::string(source_name),
                      .type = "agent.completed",
                      .title = outcome,
                      .severity = outcome == "completed" ? EventSeverity::info : EventSeverity::warning,
                      .actor = agent,
                      .occurred_at_ms = *at,
                      .correlation_id = agent,
                      .external_id = "completion/" + hash_of(line),
                      .data = Json{line}});
    count("completions");
  }
  return ingest(events);
}

Status Run::take_snapshot(const std::string& file, std::string_view text) {
  const auto record = model::parse_json_object(text);
  if (!record) {
    not_taken(file, 0, record.error().message);
    return {};
  }
  TRIUNE_TRY(ensure_agent(std::string(orchestrator)));
  const auto session = fmt::format("{}/memory", orchestrator);
  if (!memory_->context(session))
    TRIUNE_TRY(
        memory_->start_context({.id = session, .agent = std::string(orchestrator), .name = "imported memory"}, actor_));
  const auto level = text_of(*record, "consolidation_level");
  const NewSnapshot snapshot{.session = session,
                             .content = Json{std::string(text)},
                             .level = imported_memory_level(level),
                             .reason = level.empty() ? "import" : level,
                             .importance = level == "critical" ? 1.0 : 0.5};
  TRIUNE_TRY(memory_->save_snapshot(snapshot, actor_));
  count("snapshots");
  return {};
}

Status Run::take_settings(const std::string& file, std::string_view text, bool yaml) {
  const auto settings = yaml ? claude::flatten_yaml(text) : claude::flatten_json(text);
  if (!settings) {
    not_taken(file, 0, settings.error().message);
    return {};
  }
  for (const auto& setting : *settings) {
    const bool quoted = setting.type == "string";
    std::string value = claude::is_secret(setting) ? "\"[redacted]\""
                        : quoted                   ? model::json_string(setting.value)
                        : setting.type == "null"   ? "null"
                                                   : setting.value;
    if (!model::parse_json(value)) value = model::json_string(setting.value);
    TRIUNE_TRY(agents_->configure({}, file, setting.key, Json{std::move(value)}, actor_));
    count("configurations");
  }
  return {};
}

Status Run::take_text(const std::string& file, std::string_view text, std::string_view kind) {
  if (text.empty() || text.size() > largest_text || !model::is_storable_text(text)) {
    not_taken(file, 0, fmt::format("a text of 1 to {} bytes of UTF-8 is taken, it has {}", largest_text, text.size()));
    return {};
  }
  TRIUNE_TRY(memory_->remember({.id = "agent-hive/" + file,
                                .kind = std::string(kind),
                                .content = std::string(text),
                                .level = kind == "consolidation" ? MemoryLevel::consolidated : MemoryLevel::archived,
                                .source = file},
                               actor_));
  count("memories");
  return {};
}

}  // namespace triune::intake::agent_hive
