// One line of a session log, read and typed. Empty text means that the member is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::intake::claude {

/// Bytes inside a line: an image, a PDF.
struct Media {
  std::string type;  ///< "image/png".
  Bytes bytes;
};

/// One content block of a message.
struct Block {
  std::string kind;     ///< "text", "thinking", "tool_use", "tool_result", "image", …; unknown ones as found.
  std::string text;     ///< Text of a text or thinking block, of a result, or the JSON of a tool's input.
  std::string details;  ///< JSON of what is not in the other members; the whole block when its kind is unknown.
  std::vector<Media> media;
  std::string tool_use_id;  ///< Of a tool_use and of its tool_result.
  std::string tool_name;
  std::string prompt;              ///< Of a tool_use that starts an agent.
  std::vector<std::string> paths;  ///< Files that a tool's input names.
  bool is_error = false;

  [[nodiscard]] bool is_tool_use() const {
    return kind == "tool_use" || kind == "server_tool_use" || kind == "mcp_tool_use";
  }
  [[nodiscard]] bool is_tool_result() const { return kind.ends_with("tool_result"); }
};

/// Tokens of an API message; a member that is absent is unknown.
struct Usage {
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> output;
  std::optional<std::int64_t> cache_read;
  std::optional<std::int64_t> cache_creation;
  std::string service_tier;
};

/// What Claude Code itself kept of a tool's run (`toolUseResult`).
struct ToolOutcome {
  std::string json;
  std::string agent_id;  ///< The agent that the call started.
  std::string agent_type;
  std::string status;
  std::optional<std::int64_t> duration_ms;
  std::optional<std::int64_t> total_tokens;
  std::optional<std::int64_t> tool_uses;
  std::vector<std::string> paths;
};

struct Message {
  std::string id;  ///< The API's id; a user's message has none.
  std::string role;
  std::string model;
  std::string stop_reason;
  Usage usage;
  std::vector<Block> blocks;
};

struct LogRecord {
  std::string type;
  std::string subtype;  ///< Of a system record, an attachment, a progress or a queue operation.
  std::string uuid;
  std::string parent_uuid;
  std::string session_id;
  std::string at;  ///< Normalised.
  std::string version;
  std::string cwd;
  std::string git_branch;
  std::string agent_id;
  std::string slug;
  std::string request_id;
  std::string forked_from_uuid;  ///< The line of another session that this one repeats.
  std::string details;           ///< Of a message: JSON of the other members. Of any other record: the whole line.
  bool is_sidechain = false;
  bool is_meta = false;
  bool is_compact_summary = false;
  bool is_api_error = false;

  std::optional<Message> message;  ///< Of "user" and "assistant" records, and always of these.
  std::optional<ToolOutcome> outcome;

  std::string title;             ///< Of a summary or title record.
  int title_rank = 0;            ///< 1 summary, 2 given by the model, 3 given by the person.
  std::string leaf_uuid;         ///< The line that a summary belongs to.
  std::string spawned_agent_id;  ///< Of the progress of an agent: the agent, and the call that started it.
  std::string spawning_tool_use_id;
};

/// Whether this version knows the record type.
bool is_known_type(std::string_view type) noexcept;

/// Reads one line; 64 readable bytes must follow it (`LineReader::slack_bytes`). Error: `invalid_argument` with the
/// reason only, without file and line.
Result<LogRecord> parse_record(std::string_view line);

}  // namespace triune::intake::claude
