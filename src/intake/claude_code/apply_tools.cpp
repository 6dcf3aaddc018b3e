#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/try.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/lists.h"
#include "intake/claude_code/log_batch.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

std::string_view kind_of(const Block& block) {
  if (block.kind == "server_tool_use") return "server";
  if (block.kind == "mcp_tool_use" || block.tool_name.starts_with("mcp__")) return "mcp";
  return "builtin";
}

// "mcp__SERVER__TOOL"
std::string_view server_of(std::string_view name) {
  if (!name.starts_with("mcp__")) return {};
  name.remove_prefix(5);
  return name.substr(0, name.find("__"));
}

void increment(Row& row) {
  row.set("count", row.integer("count") + 1);
}

}  // namespace

Row& LogBatch::add_call(const std::string& key, const std::string& tool_use_id) {
  Row& row = tool_calls_.at(key);
  row.set_text("tool_use_id", tool_use_id);
  calls_by_use_id_[tool_use_id].push_back(&row);
  return row;
}

// The call that a message makes: known already, known by its result only, or new. Gateways use an id again; then the
// message tells the calls apart.
Row& LogBatch::call_row_of_use(const Row& message, const std::string& tool_use_id) {
  const std::string_view session = message.text("session_id");
  for (Row* const row : calls_by_use_id_[tool_use_id])
    if (row->text("message_id") == message.key() || (row->is_null("message_id") && row->text("session_id") == session))
      return *row;
  const bool taken = tool_calls_.find(tool_use_id) != nullptr;
  return add_call(taken ? bounded_id(fmt::format("{}/{}", message.key(), tool_use_id)) : tool_use_id, tool_use_id);
}

// The call that a result answers: of the same session before any other, unanswered before answered.
Row* LogBatch::call_row_of_result(const std::string& tool_use_id, const std::string& session) {
  const auto found = calls_by_use_id_.find(tool_use_id);
  if (found == calls_by_use_id_.end()) return nullptr;
  Row* best = nullptr;
  int best_score = -1;
  for (Row* const row : found->second) {
    const int score = (row->text("session_id") == session ? 2 : 0) + (row->is_null("is_error") ? 1 : 0);
    if (score > best_score) best = row;
    best_score = std::max(best_score, score);
  }
  return best;
}

Status LogBatch::add_tool(std::string_view message, const Block& block) {
  const std::string name = bounded_id(block.tool_name);
  if (name.empty()) return {};
  TRIUNE_TRY(tools_.load(hive_, name));
  Row& tool = tools_.at(name);
  tool.set_text_once("kind", kind_of(block));
  tool.set_text_once("server", server_of(name));
  Row& call = calls_.at(bounded_id(fmt::format("{}|{}", message, name)));
  call.set_text("message_id", message);
  call.set_text("tool_id", name);
  increment(call);
  return {};
}

Status LogBatch::add_touch(std::string_view message, const std::string& path) {
  TRIUNE_TRY(files_.load(hive_, path));
  Row& file = files_.at(path);
  file.set_text_once("kind", "touched");
  file.set_text_once("name", bounded_id(std::filesystem::path(path).filename().string()));
  Row& touch = touches_.at(bounded_id(fmt::format("{}|{}", message, path)));
  touch.set_text("message_id", message);
  touch.set_text("file_id", path);
  increment(touch);
  return {};
}

// A file counts once for a call, whether the input, the outcome or both name it.
Status LogBatch::add_paths(Row& call, const std::vector<std::string>& paths, const std::string& cwd) {
  auto known = list_of_json(call.text("paths"));
  const std::size_t before = known.size();
  for (const auto& path : paths) {
    auto file = absolute_path(path, cwd);
    if (file.empty() || std::find(known.begin(), known.end(), file) != known.end()) continue;
    if (!call.is_null("message_id")) TRIUNE_TRY(add_touch(call.text("message_id"), file));
    known.push_back(std::move(file));
  }
  if (known.size() > before) call.set("paths", json_of_list(known));
  return {};
}

Result<std::string> LogBatch::apply_tool_use(const Row& message, const std::string& block_id, Block& block,
                                             const LogRecord& record, const std::string& agent) {
  const std::string use_id = block.tool_use_id.empty() ? bounded_id("call:" + block_id) : bounded_id(block.tool_use_id);
  Row& call = call_row_of_use(message, use_id);
  if (!call.is_null("message_id")) return call.key();
  call.set_text("message_id", message.key());
  call.set_text_once("session_id", message.text("session_id"));
  call.set_text("name", bounded_id(block.tool_name));
  call.set_text("kind", kind_of(block));
  call.set_text("at", record.at);
  call.set_text("agent_id", agent);
  put_text(call, "input", block.text, blobs_);
  if (!block.prompt.empty()) call.set("prompt_hash", fingerprint(block.prompt));
  TRIUNE_TRY(add_tool(message.key(), block));
  for (const auto& path : list_of_json(call.text("paths"))) TRIUNE_TRY(add_touch(message.key(), path));
  TRIUNE_TRY(add_paths(call, block.paths, record.cwd));
  return call.key();
}

Result<std::string> LogBatch::apply_tool_result(const Row& message, Block& block, const LogRecord& record) {
  const std::string use_id = bounded_id(block.tool_use_id);
  if (use_id.empty()) return std::string();
  const std::string session(message.text("session_id"));
  Row* call = call_row_of_result(use_id, session);
  if (call == nullptr) {
    call = &add_call(use_id, use_id);
    call->set_text("session_id", session);
  }
  if (!call->is_null("is_error")) return call->key();
  call->set_flag("is_error", block.is_error);
  call->set_text("result_at", record.at);
  call->set_text("result_message_id", message.key());
  put_text(*call, "result", block.text, blobs_);
  call->set("result_media", static_cast<std::int64_t>(block.media.size()));
  for (std::size_t i = 0; i < block.media.size(); ++i)
    put_blob(*call, fmt::format("media-{}", i), std::move(block.media[i].bytes), blobs_);
  // The outcome belongs to the line; a line with several results does not say whose it is.
  const auto& blocks = record.message->blocks;
  const auto results =
      std::count_if(blocks.begin(), blocks.end(), [](const Block& each) { return each.is_tool_result(); });
  if (record.outcome && results == 1) TRIUNE_TRY(apply_outcome(*call, record));
  return call->key();
}

Status LogBatch::apply_outcome(Row& call, const LogRecord& record) {
  const ToolOutcome& outcome = *record.outcome;
  put_text(call, "outcome", outcome.json, blobs_);
  if (outcome.duration_ms) call.set("duration_ms", *outcome.duration_ms);
  TRIUNE_TRY(add_paths(call, outcome.paths, record.cwd));
  const std::string agent = bounded_id(outcome.agent_id);
  if (agent.empty()) return {};
  TRIUNE_TRY(link_agent(agent, std::string(call.text("session_id")), call));
  Row& row = agents_.at(agent);
  row.set_text_once("agent_type", outcome.agent_type);
  if (!outcome.status.empty()) row.set_text("status", outcome.status);
  if (outcome.total_tokens) row.set("total_tokens", *outcome.total_tokens);
  if (outcome.tool_uses) row.set("tool_uses", *outcome.tool_uses);
  if (outcome.duration_ms) row.set("duration_ms", *outcome.duration_ms);
  return {};
}

Status LogBatch::link_agent(const std::string& agent, const std::string& session, Row& call) {
  TRIUNE_TRY(agents_.load(hive_, agent));
  Row& row = agents_.at(agent);
  row.set_text_once("kind", "subagent");
  TRIUNE_ASSIGN(const Row* const known_session, sessions_.load(hive_, session));
  if (known_session != nullptr) row.set_text_once("session_id", session);
  if (!row.is_null("spawn_message_id")) return {};
  row.set_text("spawn_call_id", call.key());
  row.set_text("spawn_message_id", call.text("message_id"));
  if (!row.is_null("spawn_message_id")) row.set("spawn_session_id", Null{});
  return {};
}

}  // namespace triune::intake::claude
