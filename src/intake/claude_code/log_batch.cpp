#include "intake/claude_code/log_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/try.h"
#include "intake/claude_code/edges.h"
#include "intake/claude_code/event_id.h"
#include "intake/claude_code/module_rows.h"

namespace triune::intake::claude {
namespace {

struct Keys {
  std::set<std::string> uuids;
  std::set<std::string> sessions;
  std::set<std::string> agents;
  std::set<std::string> messages;
  std::set<std::string> api_ids;
  std::set<std::string> tool_use_ids;
  std::set<std::string> tools;
  std::set<std::string> files;
  std::set<std::string> events;
};

void insert(std::set<std::string>& set, const std::string& key) {
  if (!key.empty()) set.insert(key);
}

void collect_message(const LogRecord& record, Keys& keys) {
  insert(keys.messages, record.uuid);
  insert(keys.messages, record.message->id);
  insert(keys.api_ids, record.message->id);
  for (const auto& block : record.message->blocks) {
    insert(keys.tool_use_ids, bounded_id(block.tool_use_id));
    if (block.is_tool_use()) insert(keys.tools, bounded_id(block.tool_name));
    for (const auto& path : block.paths) insert(keys.files, absolute_path(path, record.cwd));
  }
  if (!record.outcome) return;
  insert(keys.agents, bounded_id(record.outcome->agent_id));
  for (const auto& path : record.outcome->paths) insert(keys.files, absolute_path(path, record.cwd));
}

Keys collect(const LogFile& file, const std::vector<LogLine>& lines) {
  Keys keys;
  insert(keys.sessions, file.session);
  insert(keys.agents, file.agent);
  for (const auto& line : lines) {
    const LogRecord& record = line.record;
    insert(keys.uuids, record.uuid);
    insert(keys.uuids, record.parent_uuid);
    insert(keys.uuids, record.leaf_uuid);
    insert(keys.uuids, record.forked_from_uuid);
    insert(keys.sessions, record.session_id);
    insert(keys.agents, record.agent_id);
    insert(keys.agents, record.spawned_agent_id);
    if (record.is_sidechain) insert(keys.agents, sidechain_agent(record.uuid));
    insert(keys.tool_use_ids, bounded_id(record.spawning_tool_use_id));
    if (record.message)
      collect_message(record, keys);
    else
      insert(keys.events, event_id(file, line));
  }
  return keys;
}

}  // namespace

std::string absolute_path(const std::string& path, const std::string& folder) {
  // "C:\\work\\a.txt" and "~/a.txt" are absolute too.
  const bool foreign = path.starts_with('~') || path.starts_with('\\') || (path.size() > 1 && path[1] == ':');
  if (foreign) return bounded_id(path);
  const std::filesystem::path given(path);
  const auto whole = given.is_absolute() || folder.empty() ? given : std::filesystem::path(folder) / given;
  std::string normal = whole.lexically_normal().string();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return bounded_id(normal);
}

std::string sidechain_agent(const std::string& uuid) {
  return "sidechain-" + uuid;
}

std::string event_id(const LogFile& file, const LogLine& line) {
  if (!line.record.uuid.empty()) return line.record.uuid;
  return bounded_id(fmt::format("{}:{}:{}", file.stem, line.number, line.digest));
}

Status LogBatch::prefetch(const std::vector<LogLine>& lines) {
  const Keys keys = collect(file_, lines);
  TRIUNE_TRY(lines_.fetch(hive_, "uuid", keys.uuids));
  TRIUNE_TRY(sessions_.fetch(hive_, "id", keys.sessions));
  TRIUNE_TRY(agents_.fetch(hive_, "id", keys.agents));
  TRIUNE_TRY(messages_.fetch(hive_, "id", keys.messages));
  TRIUNE_TRY(messages_.fetch(hive_, "api_id", keys.api_ids));
  TRIUNE_TRY(tool_calls_.fetch(hive_, "tool_use_id", keys.tool_use_ids));
  TRIUNE_TRY(tools_.fetch(hive_, "id", keys.tools));
  TRIUNE_TRY(files_.fetch(hive_, "id", keys.files));
  TRIUNE_TRY(events_.fetch(hive_, "id", keys.events));
  std::set<std::string> stored_messages;
  for (const auto& [id, row] : messages_.rows()) stored_messages.insert(id);
  TRIUNE_TRY(blocks_.fetch(hive_, "message_id", stored_messages));
  for (const auto& [id, row] : tool_calls_.rows())
    if (!row.is_null("message_id")) stored_messages.emplace(row.text("message_id"));
  TRIUNE_TRY(calls_.fetch(hive_, "message_id", stored_messages));
  TRIUNE_TRY(touches_.fetch(hive_, "message_id", stored_messages));
  index_rows();
  return {};
}

void LogBatch::index_rows() {
  for (auto& [id, row] : messages_.rows())
    if (!row.is_null("api_id")) messages_by_api_id_[std::string(row.text("api_id"))].push_back(&row);
  for (auto& [id, row] : tool_calls_.rows()) calls_by_use_id_[std::string(row.text("tool_use_id"))].push_back(&row);
  for (auto& [id, row] : blocks_.rows()) blocks_by_message_[std::string(row.text("message_id"))].push_back(&row);
  for (auto& [message, rows] : blocks_by_message_)
    std::sort(rows.begin(), rows.end(),
              [](const Row* left, const Row* right) { return left->integer("position") < right->integer("position"); });
}

Status LogBatch::apply(LogLine& line) {
  LogRecord& record = line.record;
  const std::string session = record.session_id.empty() ? file_.session : record.session_id;
  TRIUNE_ASSIGN(const std::string agent, agent_of(record));
  // A record without a session's id makes a session only when it is a message.
  if (!record.session_id.empty() || record.message) {
    TRIUNE_TRY(apply_session(record, session, agent));
    if (!agent.empty()) TRIUNE_TRY(apply_agent(record, agent, session));
  }
  if (record.message) return apply_message(line, session, agent);
  return apply_event(line, session, agent);
}

// The text of a message is that of its text blocks, so that it does not depend on how they came.
void LogBatch::finish() {
  for (const auto& [message, blocks] : blocks_by_message_) {
    Row* const row = messages_.find(message);
    if (row == nullptr) continue;
    std::string text;
    std::int64_t bytes = 0;
    for (const Row* const block : blocks) {
      if (block->text("kind") != "text" || block->text("text").empty()) continue;
      if (!text.empty()) text += "\n\n";
      bytes += block->integer("text_bytes") + (bytes > 0 ? 2 : 0);
      if (text.size() <= row_text_bytes) text += block->text("text");
    }
    row->set_text("text", beginning(text));
    row->set("text_bytes", bytes);
  }
}

Result<BatchCounts> LogBatch::take_changes(std::vector<Change>& changes, std::vector<PutBlob>& blobs,
                                           ModuleBatch& modules) {
  blobs = std::move(blobs_);
  BatchCounts counts;
  counts.sessions = sessions_.append_changes(changes);
  tools_.append_changes(changes);
  files_.append_changes(changes);
  counts.agents = agents_.append_changes(changes);
  counts.messages = messages_.append_changes(changes);
  blocks_.append_changes(changes);
  counts.tool_calls = tool_calls_.append_changes(changes);
  calls_.append_changes(changes);
  touches_.append_changes(changes);
  counts.events = events_.append_changes(changes);
  lines_.append_changes(changes);
  add_contexts(sessions_, modules);
  add_agents(agents_, modules);
  counts.events_without_time = add_events(events_, modules);
  add_messages(messages_, modules);
  TRIUNE_TRY(append_agent_nodes(hive_, agents_, changes));
  append_edges(messages_, "session_id", {"Message", "PART_OF", "Session"}, changes);
  append_agent_edges(agents_, changes);
  return counts;
}

}  // namespace triune::intake::claude
