#include "intake/claude_code/module_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/try.h"
#include "intake/agent_hive/log_lines.h"
#include "intake/claude_code/json_access.h"
#include "intake/claude_code/text.h"
#include "model/json.h"

namespace triune::intake::claude {
namespace {

constexpr std::size_t longest_agent_id = 200;
constexpr std::size_t longest_type = 100;
constexpr std::size_t longest_key = 400;
constexpr std::int64_t whole_record_bytes = 16 << 10;
constexpr std::int64_t usual_tokens = 200'000;
constexpr std::int64_t large_tokens = 1'000'000;
constexpr std::string_view documents_context = "claude-code/memory";
/// Properties of the module's own.
constexpr std::array<std::string_view, 3> own_properties{"name", "agent_type", "status"};

std::string copy(std::string_view text) {
  return std::string(text);
}

std::int64_t time_in(const Row& row, std::string_view column) {
  const auto text = row.text(column);
  return text.empty() ? 0 : agent_hive::milliseconds_of(text).value_or(0);
}

/// What has a value, as JSON.
Json object_of(const Row& row, std::initializer_list<std::string_view> columns) {
  Record members;
  for (const auto column : columns)
    if (!row.is_null(column)) members.push_back({copy(column), row.get(column)});
  return Json{to_json(members)};
}

/// Nobody runs it any more, whatever its last word was; what the word was is the property `outcome`.
AgentStatus status_of(std::string_view word) {
  const auto known = canonical_agent_status(word);
  const bool lives = known && (*known == AgentStatus::maintenance || *known == AgentStatus::sleeping);
  return lives ? *known : AgentStatus::offline;
}

std::int64_t window_of(const Row& row) {
  const bool large =
      row.integer("context_tokens") > usual_tokens || row.text("context_model").find("[1m]") != std::string_view::npos;
  return large ? large_tokens : usual_tokens;
}

std::string short_key(std::string_view text) {
  return text.size() <= longest_key ? copy(text) : fmt::format("{}#{}", shortened(text, 300), fingerprint(text));
}

EventSeverity severity_of(const Row& row, std::string_view level) {
  if (const auto told = parse_event_severity(level)) return *told;
  const auto subtype = row.text("subtype");
  if (subtype.find("error") != std::string_view::npos) return EventSeverity::error;
  const auto type = row.text("type");
  return type == "progress" || type == "queue-operation" ? EventSeverity::debug : EventSeverity::info;
}

/// What a record says of itself beside its columns.
struct Told {
  std::string level;
  std::string title;
};

Told told_in(std::string_view details) {
  Told told;
  simdjson::dom::parser parser;
  JsonObject object;
  if (parser.parse(details.data(), details.size(), true).get(object) != simdjson::SUCCESS) return told;
  told.level = text_member(object, "level");
  told.title = text_member(object, "content");
  if (const auto error = object_member(object, "error"); error && told.title.empty())
    told.title = text_member(*error, "message");
  told.title = shortened(told.title, title_bytes);
  return told;
}

NewEvent new_event(std::string type, std::int64_t at, std::string_view external_id) {
  NewEvent event{.source = copy(event_source), .type = std::move(type)};
  event.external_id = short_key(external_id);
  event.occurred_at_ms = at;
  event.id = event_id_of(at, event.external_id);
  return event;
}

/// What is remembered, and how important it is.
struct Remembered {
  std::string_view kind;
  double importance;
};
constexpr std::array<Remembered, 9> remembered{{{"memory", 0.7},
                                                {"context", 0.6},
                                                {"rule", 0.6},
                                                {"plan", 0.5},
                                                {"document", 0.5},
                                                {"skill", 0.5},
                                                {"persona", 0.4},
                                                {"command", 0.4},
                                                {"output style", 0.3}}};

std::string id_of_path(std::string_view path) {
  const auto hash = base::hash128(std::as_bytes(std::span(path)));
  return fmt::format("claude/{:016x}{:016x}", hash.high, hash.low);
}

bool ends_with_json(std::string_view path) {
  return path.ends_with(".json") || path.ends_with(".jsonl");
}

Record properties_of(const Row& row) {
  Record properties;
  const auto add = [&](std::string_view name, std::string_view column) {
    if (!row.is_null(column)) properties.push_back({copy(name), row.get(column)});
  };
  for (const auto column : {"kind", "started_at", "ended_at"}) add(column, column);
  add("outcome", "status");
  if (row.key().size() > longest_agent_id)
    for (const auto column : own_properties) add(column, column);
  return properties;
}

}  // namespace

modules::agents::ImportedAgent agent_of(const Row& row) {
  modules::agents::ImportedAgent imported{.agent = {.id = row.key()}, .source = copy(event_source)};
  auto& agent = imported.agent;
  agent.name = shortened(row.is_null("name") ? row.key() : row.text("name"), longest_key / 2);
  const auto type = row.is_null("agent_type") ? row.text("kind") : row.text("agent_type");
  agent.agent_type = type.empty() ? "unknown" : shortened(type, longest_type);
  agent.description = row.text("description");
  agent.model = row.text("model");
  agent.status = status_of(row.text("status"));
  agent.configuration =
      object_of(row, {"kind", "tools", "session_id", "total_tokens", "tool_uses", "duration_ms", "file"});
  imported.first_at_ms = time_in(row, "started_at");
  imported.last_at_ms = time_in(row, "ended_at");
  return imported;
}

modules::agents::ImportedContext context_of_session(const Row& row) {
  modules::agents::ImportedContext imported{.context = {.id = row.key()}};
  auto& context = imported.context;
  context.name = row.is_null("title") ? row.text("slug") : row.text("title");
  context.tokens = row.integer("context_tokens");
  context.max_tokens = window_of(row);
  context.state = object_of(row, {"project", "git_branch", "cli_version", "context_model"});
  imported.consolidations = row.integer("compactions");
  imported.first_at_ms = time_in(row, "started_at");
  imported.last_at_ms = time_in(row, "ended_at");
  return imported;
}

std::optional<modules::agents::ImportedContext> context_of_agent(const Row& row) {
  if (row.is_null("context_tokens")) return std::nullopt;
  modules::agents::ImportedContext imported{.context = {.id = "agent/" + row.key(), .agent = row.key()}};
  auto& context = imported.context;
  context.name = row.text("description");
  context.tokens = row.integer("context_tokens");
  context.max_tokens = window_of(row);
  context.state = object_of(row, {"session_id", "context_model"});
  imported.first_at_ms = time_in(row, "started_at");
  imported.last_at_ms = time_in(row, "ended_at");
  return imported;
}

std::optional<NewEvent> event_of(const Row& row) {
  const auto at = time_in(row, "at");
  if (at <= 0) return std::nullopt;
  auto event = new_event(shortened(row.text("type"), longest_type), at, row.key());
  const bool whole = row.integer("details_bytes") <= whole_record_bytes && !row.is_null("details");
  const auto told = whole ? told_in(row.text("details")) : Told{};
  event.subtype = shortened(row.text("subtype"), longest_type);
  event.title = told.title;
  event.severity = severity_of(row, told.level);
  event.actor = shortened(row.text("agent_id"), longest_agent_id);
  event.correlation_id = shortened(row.text("session_id"), longest_key);
  event.cause_external_id = short_key(row.text("parent_uuid"));
  event.data = whole ? Json{copy(row.text("details"))} : object_of(row, {"id", "file", "line", "details_bytes"});
  return event;
}

std::optional<NewEvent> error_event_of(const Row& message) {
  const auto at = time_in(message, "at");
  if (at <= 0) return std::nullopt;
  auto event = new_event("api_error", at, "message/" + message.key());
  event.title = shortened(message.text("text"), title_bytes);
  event.severity = EventSeverity::error;
  event.actor = shortened(message.text("agent_id"), longest_agent_id);
  event.target = shortened(message.text("model"), longest_key);
  event.correlation_id = shortened(message.text("session_id"), longest_key);
  event.data = object_of(message, {"id", "request_id", "model"});
  return event;
}

std::optional<NewEvent> completion_event_of(const Row& row) {
  const auto at = time_in(row, "completed_at");
  if (at <= 0) return std::nullopt;
  auto event = new_event("agent.completed", at, "completion/" + row.key());
  event.title = shortened(row.text("status"), title_bytes);
  event.severity = row.text("status") == "completed" ? EventSeverity::info : EventSeverity::warning;
  event.actor = shortened(row.text("agent_id"), longest_agent_id);
  event.correlation_id = event.actor;
  const bool whole = row.integer("details_bytes") <= whole_record_bytes && !row.is_null("details");
  event.data = whole ? Json{copy(row.text("details"))} : object_of(row, {"id", "status", "file"});
  return event;
}

NewMemory memory_of_summary(const Row& message) {
  NewMemory memory{.id = "claude/" + fingerprint(message.key()), .kind = "summary"};
  memory.session = message.text("session_id");
  memory.content = message.text("text");
  memory.level = MemoryLevel::consolidated;
  memory.importance = 0.8;
  memory.source = "claude_messages/" + message.key();
  memory.metadata = object_of(message, {"text_bytes", "cwd", "git_branch"});
  memory.created_at_ms = time_in(message, "at");
  return memory;
}

std::optional<NewMemory> memory_of_document(const Row& row, std::string_view text) {
  const auto* const known = std::find_if(remembered.begin(), remembered.end(),
                                         [&](const Remembered& one) { return one.kind == row.text("kind"); });
  if (known == remembered.end() || ends_with_json(row.key()) || text.empty()) return std::nullopt;
  NewMemory memory{.id = id_of_path(row.key()), .kind = copy(known->kind)};
  constexpr std::size_t longest_memory = 256U << 10U;
  memory.content = shortened(without_nul(text), longest_memory - 1);
  memory.level =
      known->kind == "memory" || known->kind == "context" ? MemoryLevel::consolidated : MemoryLevel::archived;
  memory.importance = known->importance;
  memory.source = row.key();
  memory.metadata = object_of(row, {"title", "sha256", "size_bytes"});
  return memory;
}

std::optional<NewSnapshot> snapshot_of_document(const Row& row, std::string_view text) {
  if (row.text("kind") != "memory" || !row.key().ends_with(".json")) return std::nullopt;
  const auto document = model::parse_json_object(text);
  if (!document) return std::nullopt;
  std::string level;
  for (const auto& member : *document)
    if (member.name == "consolidation_level" && !is_null(member.value)) level = to_text(member.value);
  NewSnapshot snapshot{.id = id_of_path(row.key() + copy(row.text("sha256"))),
                       .session = copy(documents_context),
                       .content = Json{copy(text)},
                       .level = imported_memory_level(level),
                       .reason = level.empty() ? "import" : level};
  if (snapshot.level == MemoryLevel::critical) snapshot.importance = 1.0;
  snapshot.tags = Json{fmt::format("[{}]", model::json_string(row.key()))};
  return snapshot;
}

modules::agents::ImportedContext document_context() {
  return {.context = {.id = copy(documents_context), .name = "memory of .claude trees"}};
}

Status append_agent_nodes(Hive& hive, RowCache& agents, std::vector<Change>& changes, bool all) {
  for (auto& [id, row] : agents.rows()) {
    if (!all && !row.is_changed()) continue;
    const NodeReference node{"Agent", id};
    auto known = hive.get_node(node);
    if (!known && known.error().code != ErrorCode::not_found) return failure_of(known);
    Record properties = known ? std::move(*known) : Record();
    const Record before = properties;
    for (auto& wanted : properties_of(row)) {
      const auto there = std::find_if(properties.begin(), properties.end(),
                                      [&](const Field& field) { return field.name == wanted.name; });
      if (there == properties.end())
        properties.push_back(std::move(wanted));
      else
        there->value = std::move(wanted.value);
    }
    if (!known || properties != before) changes.emplace_back(PutNode{node, std::move(properties)});
  }
  return {};
}

void add_agents(RowCache& agents, ModuleBatch& batch) {
  for (const auto& [id, row] : agents.rows()) {
    if (!row.is_changed()) continue;
    batch.agents.push_back(agent_of(row));
    if (auto context = context_of_agent(row)) batch.contexts.push_back(std::move(*context));
  }
}

void add_contexts(RowCache& sessions, ModuleBatch& batch) {
  for (const auto& [id, row] : sessions.rows())
    if (row.is_changed()) batch.contexts.push_back(context_of_session(row));
}

std::uint64_t add_events(RowCache& events, ModuleBatch& batch) {
  std::vector<const Row*> fresh;
  for (const auto& [id, row] : events.rows())
    if (!row.is_stored()) fresh.push_back(&row);
  std::sort(fresh.begin(), fresh.end(),
            [](const Row* left, const Row* right) { return left->integer("line") < right->integer("line"); });
  std::uint64_t without_time = 0;
  for (const Row* const row : fresh) {
    if (auto event = event_of(*row))
      batch.events.push_back(std::move(*event));
    else
      ++without_time;
  }
  return without_time;
}

bool add_document(const Row& row, std::string_view text, ModuleBatch& batch) {
  if (auto memory = memory_of_document(row, text)) {
    batch.memories.push_back(std::move(*memory));
    return true;
  }
  auto snapshot = snapshot_of_document(row, text);
  if (!snapshot) return false;
  batch.contexts.push_back(document_context());
  batch.snapshots.push_back(std::move(*snapshot));
  return true;
}

void add_messages(RowCache& messages, ModuleBatch& batch) {
  for (const auto& [id, row] : messages.rows()) {
    if (!row.is_changed()) continue;
    if (row.integer("is_compact_summary") != 0) batch.memories.push_back(memory_of_summary(row));
    if (row.integer("is_api_error") != 0 && !row.is_stored())
      if (auto event = error_event_of(row)) batch.events.push_back(std::move(*event));
  }
}

}  // namespace triune::intake::claude
