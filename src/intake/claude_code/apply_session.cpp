#include <algorithm>
#include <filesystem>

#include "base/try.h"
#include "intake/claude_code/event_id.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/lists.h"
#include "intake/claude_code/log_batch.h"

namespace triune::intake::claude {
namespace {

void widen(Row& row, const std::string& at) {
  if (at.empty()) return;
  if (row.is_null("started_at") || at < row.text("started_at")) row.set_text("started_at", at);
  if (at > row.text("ended_at")) row.set_text("ended_at", at);
}

// Keeps the value of the latest line.
void set_latest(Row& row, std::string_view column, std::string_view at_column, const std::string& value,
                const std::string& at) {
  if (value.empty() || (!row.is_null(column) && at < row.text(at_column))) return;
  row.set_text(column, value);
  row.set_text(at_column, at);
}

void add_version(Row& row, const std::string& version) {
  if (version.empty() || row.text("cli_version") == version) return;
  auto versions = list_of_json(row.text("cli_versions"));
  const auto place = std::lower_bound(versions.begin(), versions.end(), version);
  if (place != versions.end() && *place == version) return;
  versions.insert(place, version);
  row.set("cli_versions", json_of_list(versions));
}

// The project is where the main log began; failing that where an agent did, or what the folder's name says.
void set_project(Row& row, const std::string& cwd, bool main_log, const std::string& folder) {
  const std::int64_t rank = cwd.empty() ? 1 : main_log ? 3 : 2;
  const std::string& project = cwd.empty() ? folder : cwd;
  if (project.empty() || rank <= row.integer("project_rank")) return;
  row.set_text("project", bounded_id(project));
  row.set("project_rank", rank);
}

}  // namespace

Status LogBatch::apply_session(const LogRecord& record, const std::string& session, const std::string& agent) {
  if (session.empty()) return {};
  TRIUNE_TRY(sessions_.load(hive_, session));
  Row& row = sessions_.at(session);
  set_project(row, record.cwd, agent.empty(), file_.project);
  widen(row, record.at);
  add_version(row, record.version);
  set_latest(row, "cli_version", "cli_version_at", record.version, record.at);
  set_latest(row, "git_branch", "git_branch_at", record.git_branch, record.at);
  row.set_text_once("slug", record.slug);
  return {};
}

Result<std::string> LogBatch::agent_of(const LogRecord& record) {
  if (!record.agent_id.empty()) return record.agent_id;
  if (!file_.agent.empty()) return file_.agent;
  if (!record.is_sidechain || record.uuid.empty()) return std::string();
  for (const auto& uuid : {record.uuid, record.parent_uuid}) {
    if (uuid.empty()) continue;
    TRIUNE_ASSIGN(const Row* const line, find_line(uuid));
    if (line != nullptr && !line->is_null("agent_id")) return std::string(line->text("agent_id"));
  }
  return sidechain_agent(record.uuid);
}

Status LogBatch::apply_agent(const LogRecord& record, const std::string& agent, const std::string& session) {
  TRIUNE_TRY(agents_.load(hive_, agent));
  Row& row = agents_.at(agent);
  row.set_text_once("kind", "subagent");
  row.set_text_once("session_id", session);
  if (agent == file_.agent) row.set_text_once("file", file_.path);
  widen(row, record.at);
  if (!record.message) return {};
  const Message& message = *record.message;
  if (message.role == "assistant") row.set_text_once("model", message.model);
  // The first thing an agent is told is its prompt, which the call that started it repeats.
  const bool prompt = message.role == "user" && !message.blocks.empty() && message.blocks[0].kind == "text";
  if (!prompt || !row.is_null("prompt_hash") || record.is_meta) return {};
  put_text(row, "prompt", message.blocks[0].text, blobs_);
  row.set("prompt_hash", fingerprint(message.blocks[0].text));
  return {};
}

// A summary names a line, often one of another file, instead of a session; `link_rows` finds it when all is read.
Status LogBatch::apply_title(const LogRecord& record, const std::string& session) {
  if (session.empty() || record.title.empty() || record.type == "summary") return {};
  TRIUNE_ASSIGN(Row* const row, sessions_.load(hive_, session));
  if (row == nullptr || row->integer("title_rank") > record.title_rank) return {};
  row->set_text("title", beginning(record.title, title_bytes));
  row->set("title_rank", static_cast<std::int64_t>(record.title_rank));
  return {};
}

Status LogBatch::apply_event(LogLine& line, const std::string& session, const std::string& agent) {
  LogRecord& record = line.record;
  if (record.title_rank > 0) TRIUNE_TRY(apply_title(record, session));
  if (!record.spawned_agent_id.empty()) {
    Row* const call = call_row_of_result(bounded_id(record.spawning_tool_use_id), session);
    if (call != nullptr) TRIUNE_TRY(link_agent(record.spawned_agent_id, session, *call));
  }
  if (!record.uuid.empty()) {
    TRIUNE_ASSIGN(const Row* const known, find_line(record.uuid));
    if (known == nullptr) TRIUNE_TRY(remember_line(record, {}, session, agent));
  }
  const std::string id = event_id(file_, line);
  TRIUNE_ASSIGN(const Row* const stored, events_.load(hive_, id));
  if (stored != nullptr) return {};
  Row& row = events_.at(id);
  row.set_text("session_id", session);
  row.set_text("type", record.type);
  row.set_text("subtype", record.subtype);
  row.set_text("at", record.at);
  row.set_text("parent_uuid", record.leaf_uuid.empty() ? record.parent_uuid : record.leaf_uuid);
  row.set_text("agent_id", agent);
  row.set_text("file", file_.path);
  row.set("line", static_cast<std::int64_t>(line.number));
  put_text(row, "details", record.details, blobs_);
  return {};
}

}  // namespace triune::intake::claude
