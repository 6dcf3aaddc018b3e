#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/try.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/log_batch.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

// Ids that services make up are long; short ones ("msg_1", "Bash_0") come from gateways that count anew in each
// session.
constexpr std::size_t unique_id_bytes = 16;

// Whether a line that carries the API id of `row` is part of the same message (C3).
bool is_same_message(const Row& row, const LogRecord& record, const std::string& session) {
  const std::string_view request = row.text("request_id");
  if (!request.empty() && !record.request_id.empty()) return request == record.request_id;
  return row.text("session_id") == session || record.message->id.size() >= unique_id_bytes;
}

void raise(Row& row, std::string_view column, const std::optional<std::int64_t>& tokens) {
  if (tokens && (row.is_null(column) || *tokens > row.integer(column))) row.set(column, *tokens);
}

void merge_usage(Row& row, const Usage& usage) {
  raise(row, "input_tokens", usage.input);
  raise(row, "output_tokens", usage.output);
  raise(row, "cache_read_tokens", usage.cache_read);
  raise(row, "cache_creation_tokens", usage.cache_creation);
  row.set_text_once("service_tier", usage.service_tier);
}

// What makes two blocks of one message the same.
std::string mark_of(const Block& block) {
  if (!block.tool_use_id.empty()) return block.kind + ":" + block.tool_use_id;
  std::string content = block.kind + '\n' + block.tool_name + '\n' + block.text + '\n' + block.details;
  for (const auto& media : block.media)
    content += media.type + fingerprint({reinterpret_cast<const char*>(media.bytes.data()), media.bytes.size()});
  return fingerprint(content);
}

// Whether `block` is a longer state of the text in `row`: a message that was logged while it streamed.
bool continues(const Row& row, const Block& block) {
  const std::string_view before = row.text("text");
  return (block.kind == "text" || block.kind == "thinking") && row.text("kind") == block.kind && !before.empty() &&
         row.integer("text_bytes") == static_cast<std::int64_t>(before.size()) && block.text.size() > before.size() &&
         block.text.starts_with(before);
}

}  // namespace

// Events on the way know their ancestor already, so the way is short; a cycle, which only damaged logs have, ends it.
Result<Ancestor> ancestor_of(Hive& hive, RowCache& lines, std::string uuid, std::string_view self) {
  std::set<std::string> seen;
  while (!uuid.empty() && seen.insert(uuid).second) {
    TRIUNE_ASSIGN(const Row* const line, lines.load(hive, uuid));
    if (line == nullptr) return Ancestor{.message = {}, .pending = std::move(uuid)};
    const std::string_view message = line->text("message_id");
    if (!message.empty() && message != self) return Ancestor{.message = std::string(message), .pending = {}};
    const bool waits = message.empty() && !line->is_null("pending_parent");
    uuid = line->text(waits ? "pending_parent" : "parent_uuid");
  }
  return Ancestor{};
}

Status LogBatch::remember_line(const LogRecord& record, std::string_view message, const std::string& session,
                               const std::string& agent) {
  if (record.uuid.empty()) return {};
  Row& line = lines_.at(record.uuid);
  if (line.is_null("session_id")) {
    line.set_text("session_id", session);
    line.set_text("parent_uuid", record.parent_uuid);
    line.set_text("agent_id", agent);
    line.set_flag("is_message", !message.empty());
  }
  if (!message.empty()) {
    line.set_text("message_id", message);
    return {};
  }
  TRIUNE_ASSIGN(const Ancestor ancestor, ancestor_of(hive_, lines_, record.parent_uuid, {}));
  line.set_text("message_id", ancestor.message);
  line.set_text("pending_parent", ancestor.pending);
  return {};
}

// Sessions that were resumed or forked repeat lines of others.
Result<bool> LogBatch::is_known_user_line(const LogRecord& record, const std::string& session) {
  if (record.uuid.empty()) return false;
  TRIUNE_ASSIGN(const Row* const line, find_line(record.uuid));
  if (line != nullptr && line->integer("is_message") != 0) return true;
  if (record.forked_from_uuid.empty()) return false;
  TRIUNE_ASSIGN(const Row* const origin, find_line(record.forked_from_uuid));
  if (origin == nullptr || origin->integer("is_message") == 0) return false;
  TRIUNE_TRY(remember_line(record, origin->text("message_id"), session, std::string(origin->text("agent_id"))));
  return true;
}

Status LogBatch::apply_message(LogLine& line, const std::string& session, const std::string& agent) {
  LogRecord& record = line.record;
  if (record.message->id.empty()) {
    TRIUNE_ASSIGN(const bool known, is_known_user_line(record, session));
    if (known) return {};
  }
  Row& row = message_row(record, session);
  TRIUNE_TRY(remember_line(record, row.key(), session, agent));
  TRIUNE_TRY(merge_message(row, record, session, agent));
  for (auto& block : record.message->blocks) TRIUNE_TRY(apply_block(row, block, record, agent));
  return {};
}

Row& LogBatch::message_row(const LogRecord& record, const std::string& session) {
  const std::string& api_id = record.message->id;
  if (api_id.empty()) return messages_.at(record.uuid);
  auto& candidates = messages_by_api_id_[api_id];
  for (Row* const candidate : candidates)
    if (is_same_message(*candidate, record, session)) return *candidate;
  std::string id = api_id;
  if (messages_.find(id) != nullptr)
    id = bounded_id(fmt::format("{}#{}", api_id, record.request_id.empty() ? session : record.request_id));
  Row& row = messages_.at(id);
  row.set_text("api_id", api_id);
  candidates.push_back(&row);
  return row;
}

// How full a context is: what the last answer in it was made from, and the answer.
void LogBatch::note_context(const LogRecord& record, const std::string& session, const std::string& agent) {
  Row* const owner = agent.empty() ? sessions_.find(session) : agents_.find(agent);
  const auto& usage = record.message->usage;
  const auto tokens = usage.input.value_or(0) + usage.output.value_or(0) + usage.cache_read.value_or(0) +
                      usage.cache_creation.value_or(0);
  if (owner == nullptr || record.message->role != "assistant" || record.is_api_error || tokens <= 0) return;
  if (record.at.empty() || record.at < owner->text("context_at")) return;
  owner->set("context_tokens", tokens);
  owner->set_text("context_at", record.at);
  owner->set_text("context_model", record.message->model);
}

Status LogBatch::merge_message(Row& row, LogRecord& record, const std::string& session, const std::string& agent) {
  const Message& message = *record.message;
  const bool first = row.is_null("role");
  if (first || (!record.at.empty() && record.at < row.text("at"))) {
    row.set_text("at", record.at);
    row.set_text("first_uuid", record.uuid);
    TRIUNE_ASSIGN(const Ancestor parent, ancestor_of(hive_, lines_, record.parent_uuid, row.key()));
    row.set_text("parent_id", parent.message);
    row.set_text("pending_parent", parent.pending);
  }
  row.set_text_once("session_id", session);
  row.set_text_once("request_id", record.request_id);
  row.set_text_once("role", message.role);
  row.set_text_once("model", message.model);
  row.set_text_once("agent_id", agent);
  row.set_text_once("cli_version", record.version);
  row.set_text_once("cwd", record.cwd);
  row.set_text_once("git_branch", record.git_branch);
  if (!message.stop_reason.empty()) row.set_text("stop_reason", message.stop_reason);
  merge_usage(row, message.usage);
  note_context(record, session, agent);
  if (!first) return {};
  row.set_flag("is_sidechain", record.is_sidechain);
  row.set_flag("is_meta", record.is_meta);
  row.set_flag("is_compact_summary", record.is_compact_summary);
  if (Row* const owner = sessions_.find(session); record.is_compact_summary && owner != nullptr)
    owner->set("compactions", owner->integer("compactions") + 1);
  row.set_flag("is_api_error", record.is_api_error);
  row.set("text_bytes", std::int64_t{0});
  put_text(row, "details", record.details, blobs_);
  return {};
}

// The row of a block: that of the same one, that of its shorter state, or a new one at the end.
Row& LogBatch::block_row(const Row& message, const Block& block, const std::string& mark) {
  auto& rows = blocks_by_message_[message.key()];
  for (Row* const row : rows)
    if (row->text("fingerprint") == mark) return *row;
  if (!rows.empty() && continues(*rows.back(), block)) return *rows.back();
  const auto position = static_cast<std::int64_t>(rows.size());
  Row& row = blocks_.at(fmt::format("{}/{}", message.key(), position));
  row.set_text("message_id", message.key());
  row.set("position", position);
  row.set_text("kind", bounded_id(block.kind));
  rows.push_back(&row);
  return row;
}

Status LogBatch::apply_block(Row& message, Block& block, LogRecord& record, const std::string& agent) {
  const std::string mark = mark_of(block);
  Row& row = block_row(message, block, mark);
  if (row.text("fingerprint") == mark) return {};
  row.set_text("fingerprint", mark);
  if (block.is_tool_use()) {
    TRIUNE_ASSIGN(const std::string call, apply_tool_use(message, row.key(), block, record, agent));
    row.set_text("tool_call_id", call);
    return {};
  }
  if (block.is_tool_result()) {
    TRIUNE_ASSIGN(const std::string call, apply_tool_result(message, block, record));
    row.set_text("tool_call_id", call);
    return {};
  }
  put_text(row, "text", block.text, blobs_);
  put_text(row, "details", block.details, blobs_);
  for (auto& media : block.media) {
    row.set_text("media_type", media.type);
    row.set("media_bytes", static_cast<std::int64_t>(media.bytes.size()));
    put_blob(row, "media", std::move(media.bytes), blobs_);
  }
  return {};
}

}  // namespace triune::intake::claude
