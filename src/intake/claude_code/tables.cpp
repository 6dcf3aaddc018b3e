#include "intake/claude_code/tables.h"

#include <array>
#include <cassert>

namespace triune::intake::claude {
namespace {

constexpr std::string_view text = "TEXT";
constexpr std::string_view integer = "INTEGER";

}  // namespace

std::size_t Table::position(std::string_view column) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == column) return i;
  assert(false && "no such column");
  return 0;
}

const Table& session_table() {
  static const Table table{
      .name = "claude_session_rows",
      .columns = {{"id", text},
                  {"project", text},
                  {"project_rank", integer},  // 1 from the folder's name, 2 an agent's, 3 the main log's
                  {"started_at", text},
                  {"ended_at", text},
                  {"cli_version", text},  // of the latest line
                  {"cli_version_at", text},
                  {"cli_versions", text},  // JSON array of all, sorted
                  {"git_branch", text},
                  {"git_branch_at", text},
                  {"title", text},
                  {"title_rank", integer},
                  {"slug", text},
                  {"context_tokens", integer},  // after the last answer
                  {"context_at", text},
                  {"context_model", text},
                  {"compactions", integer}},
      .indexed = {}};
  return table;
}

const Table& message_table() {
  static const Table table{
      .name = "claude_message_rows",
      .columns = {{"id", text},  // the API's message id, or the line's uuid
                  {"session_id", text},
                  {"parent_id", text},
                  {"first_uuid", text},      // of the earliest line
                  {"pending_parent", text},  // the uuid at which the way to the parent ends, not seen yet
                  {"api_id", text},
                  {"request_id", text},
                  {"role", text},
                  {"model", text},
                  {"at", text},
                  {"is_sidechain", integer},
                  {"agent_id", text},
                  {"input_tokens", integer},
                  {"output_tokens", integer},
                  {"cache_read_tokens", integer},
                  {"cache_creation_tokens", integer},
                  {"service_tier", text},
                  {"stop_reason", text},
                  {"is_meta", integer},
                  {"is_compact_summary", integer},
                  {"is_api_error", integer},
                  {"cli_version", text},
                  {"cwd", text},
                  {"git_branch", text},
                  {"text", text},  // of its text blocks; the blocks hold what is cut off here
                  {"text_bytes", integer},
                  {"details", text},
                  {"details_bytes", integer}},
      .indexed = {"session_id", "parent_id", "api_id", "pending_parent"}};
  return table;
}

const Table& block_table() {
  static const Table table{.name = "claude_block_rows",
                           .columns = {{"id", text},  // MESSAGE/POSITION
                                       {"message_id", text},
                                       {"position", integer},
                                       {"kind", text},
                                       {"tool_call_id", text},
                                       {"text", text},
                                       {"text_bytes", integer},
                                       {"media_type", text},
                                       {"media_bytes", integer},  // the blob "media" holds them
                                       {"details", text},
                                       {"details_bytes", integer},
                                       {"fingerprint", text}},
                           .indexed = {"message_id"}};
  return table;
}

const Table& tool_call_table() {
  static const Table table{.name = "claude_tool_call_rows",
                           .columns = {{"id", text},
                                       {"tool_use_id", text},
                                       {"message_id", text},  // NULL while only the result was seen
                                       {"session_id", text},
                                       {"name", text},
                                       {"kind", text},
                                       {"at", text},
                                       {"input", text},
                                       {"input_bytes", integer},
                                       {"is_error", integer},  // NULL while there is no result
                                       {"result_at", text},
                                       {"result_message_id", text},
                                       {"result", text},
                                       {"result_bytes", integer},
                                       {"result_media", integer},  // images in it: the blobs "media-0", "media-1", …
                                       {"outcome", text},          // toolUseResult
                                       {"outcome_bytes", integer},
                                       {"duration_ms", integer},
                                       {"paths", text},  // JSON array of the files it names
                                       {"agent_id", text},
                                       {"prompt_hash", text}},
                           .indexed = {"message_id", "tool_use_id", "session_id", "prompt_hash"}};
  return table;
}

const Table& tool_table() {
  static const Table table{.name = "claude_tool_rows",
                           .columns = {{"id", text}, {"kind", text}, {"server", text}},  // server: of an MCP tool
                           .indexed = {}};
  return table;
}

const Table& call_table() {
  static const Table table{.name = "claude_call_rows",
                           .columns = {{"id", text}, {"message_id", text}, {"tool_id", text}, {"count", integer}},
                           .indexed = {"message_id", "tool_id"}};
  return table;
}

const Table& file_table() {
  static const Table table{.name = "claude_file_rows",
                           .columns = {{"id", text},    // the path
                                       {"name", text},  // its last part
                                       {"kind", text},  // "touched", or the kind of document
                                       {"title", text},
                                       {"size_bytes", integer},
                                       {"sha256", text},
                                       {"text", text},
                                       {"text_bytes", integer},
                                       {"session_id", text},  // of a tool's result kept in a file
                                       {"tool_call_id", text}},
                           .indexed = {"kind"}};
  return table;
}

const Table& touch_table() {
  static const Table table{.name = "claude_touch_rows",
                           .columns = {{"id", text}, {"message_id", text}, {"file_id", text}, {"count", integer}},
                           .indexed = {"message_id", "file_id"}};
  return table;
}

const Table& agent_table() {
  static const Table table{.name = "claude_agent_rows",
                           .columns = {{"id", text},
                                       {"kind", text},  // subagent, definition, worker
                                       {"name", text},
                                       {"agent_type", text},
                                       {"description", text},
                                       {"model", text},
                                       {"tools", text},
                                       {"status", text},
                                       {"session_id", text},
                                       {"started_at", text},
                                       {"ended_at", text},
                                       {"spawn_call_id", text},
                                       {"spawn_message_id", text},
                                       {"spawn_session_id", text},  // only while the message is not known
                                       {"prompt", text},
                                       {"prompt_bytes", integer},
                                       {"prompt_hash", text},
                                       {"total_tokens", integer},
                                       {"tool_uses", integer},
                                       {"duration_ms", integer},
                                       {"file", text},
                                       {"details", text},
                                       {"details_bytes", integer},
                                       {"context_tokens", integer},
                                       {"context_at", text},
                                       {"context_model", text}},
                           .indexed = {"session_id", "spawn_call_id", "prompt_hash", "file"}};
  return table;
}

const Table& event_table() {
  static const Table table{.name = "claude_event_rows",
                           .columns = {{"id", text},
                                       {"session_id", text},
                                       {"type", text},
                                       {"subtype", text},
                                       {"at", text},
                                       {"parent_uuid", text},
                                       {"agent_id", text},
                                       {"file", text},
                                       {"line", integer},
                                       {"details", text},
                                       {"details_bytes", integer}},
                           .indexed = {"session_id"}};
  return table;
}

const Table& line_table() {
  static const Table table{.name = "claude_line_rows",
                           .columns = {{"uuid", text},
                                       {"message_id", text},
                                       {"is_message", integer},
                                       {"session_id", text},
                                       {"parent_uuid", text},
                                       {"pending_parent", text},
                                       {"agent_id", text}},
                           .indexed = {"pending_parent"}};
  return table;
}

const Table& setting_table() {
  static const Table table{.name = "claude_setting_rows",
                           .columns = {{"id", text},  // FILE#KEY
                                       {"file", text},
                                       {"scope", text},
                                       {"precedence", integer},  // the larger wins
                                       {"key", text},
                                       {"value", text},
                                       {"type", text}},
                           .indexed = {"file", "key"}};
  return table;
}

const Table& completion_table() {
  static const Table table{.name = "claude_completion_rows",
                           .columns = {{"id", text},
                                       {"agent_id", text},
                                       {"completed_at", text},
                                       {"status", text},
                                       {"tests_passing", integer},
                                       {"build_successful", integer},
                                       {"pr_status", text},
                                       {"conflicts_resolved", integer},
                                       {"quality_gates_passed", integer},
                                       {"recommendations", text},
                                       {"file", text},
                                       {"details", text},
                                       {"details_bytes", integer}},
                           .indexed = {"agent_id"}};
  return table;
}

const Table& history_table() {
  static const Table table{.name = "claude_history_rows",
                           .columns = {{"id", text},
                                       {"at", text},
                                       {"project", text},
                                       {"session_id", text},
                                       {"text", text},
                                       {"text_bytes", integer},
                                       {"details", text},
                                       {"details_bytes", integer}},
                           .indexed = {"session_id"}};
  return table;
}

const Table& source_table() {
  static const Table table{.name = "claude_source_rows",
                           .columns = {{"file", text},
                                       {"kind", text},
                                       {"bytes_done", integer},
                                       {"lines_done", integer},
                                       {"head_hash", text},   // of the first bytes that were read
                                       {"tail_hash", text}},  // of the last bytes before bytes_done
                           .indexed = {}};
  return table;
}

const Table& bad_line_table() {
  static const Table table{.name = "claude_bad_line_rows",
                           .columns = {{"id", text},  // FILE:LINE
                                       {"file", text},
                                       {"line", integer},
                                       {"reason", text},
                                       {"raw", text},
                                       {"raw_bytes", integer}},
                           .indexed = {"file"}};
  return table;
}

std::span<const Table* const> all_tables() {
  static const std::array<const Table*, 16> tables{
      &session_table(),    &message_table(), &block_table(),  &tool_call_table(), &tool_table(), &call_table(),
      &file_table(),       &touch_table(),   &agent_table(),  &event_table(),     &line_table(), &setting_table(),
      &completion_table(), &history_table(), &source_table(), &bad_line_table()};
  return tables;
}

}  // namespace triune::intake::claude
