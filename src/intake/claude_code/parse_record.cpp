#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "intake/claude_code/json_access.h"
#include "intake/line_reader.h"
#include "model/json.h"

namespace triune::intake::claude {
namespace {

static_assert(LineReader::slack_bytes >= simdjson::SIMDJSON_PADDING);

constexpr std::array<std::string_view, 17> known_types{
    "user",        "assistant",       "system",        "summary",        "file-history-snapshot", "progress",
    "attachment",  "queue-operation", "pr-link",       "agent-name",     "custom-title",          "ai-title",
    "last-prompt", "permission-mode", "agent-setting", "bridge-session", "worktree-state"};

// Members of a message's line that have columns of their own.
constexpr std::array<std::string_view, 18> message_members{
    "type",        "uuid",          "parentUuid", "sessionId",        "timestamp",
    "version",     "cwd",           "gitBranch",  "agentId",          "slug",
    "isSidechain", "requestId",     "isMeta",     "isCompactSummary", "isApiErrorMessage",
    "message",     "toolUseResult", "userType"};

// The memory of the largest line seen is given back when it was unusually large.
constexpr std::size_t kept_parser_bytes = 16U << 20U;

// JavaScript writes half of a surrogate pair as an escape when it cuts a text inside of one; JSON parsers refuse it.
// Each such escape becomes U+FFFD.
std::string repair_surrogates(std::string_view line) {
  const auto escape_at = [&](std::size_t at) -> unsigned {
    if (at + 6 > line.size() || line[at] != '\\' || line[at + 1] != 'u') return 0;
    unsigned value = 0;
    for (std::size_t i = at + 2; i < at + 6; ++i) {
      const char digit = line[i];
      const unsigned nibble = digit >= '0' && digit <= '9'   ? static_cast<unsigned>(digit - '0')
                              : digit >= 'a' && digit <= 'f' ? static_cast<unsigned>(digit - 'a') + 10
                              : digit >= 'A' && digit <= 'F' ? static_cast<unsigned>(digit - 'A') + 10
                                                             : 0x10000U;
      value = value * 16 + nibble;
    }
    return value;
  };
  const auto is_high = [](unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; };
  const auto is_low = [](unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; };
  std::string repaired;
  repaired.reserve(line.size() + LineReader::slack_bytes);
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] != '\\') {
      repaired += line[at++];
      continue;
    }
    const unsigned unit = escape_at(at);
    const bool pair = is_high(unit) && is_low(escape_at(at + 6));
    const std::size_t length = pair ? 12 : unit != 0 ? 6 : 2;
    if (!pair && (is_high(unit) || is_low(unit)))
      repaired += "\\ufffd";
    else
      repaired += line.substr(at, length);
    at += length;
  }
  return repaired;
}

std::string remaining_members(JsonObject object) {
  std::string json;
  for (const auto [name, value] : object) {
    if (std::find(message_members.begin(), message_members.end(), name) != message_members.end()) continue;
    if (value.is_null()) continue;
    json += json.empty() ? "{" : ",";
    model::append_json_string(json, name);
    json += ':' + simdjson::minify(value);
  }
  if (!json.empty()) json += '}';
  return json;
}

Usage parse_usage(JsonObject object) {
  Usage usage{.input = integer_member(object, "input_tokens"),
              .output = integer_member(object, "output_tokens"),
              .cache_read = integer_member(object, "cache_read_input_tokens"),
              .cache_creation = integer_member(object, "cache_creation_input_tokens"),
              .service_tier = text_member(object, "service_tier")};
  const auto parts = object_member(object, "cache_creation");
  if (!usage.cache_creation && parts)
    usage.cache_creation = integer_member(*parts, "ephemeral_5m_input_tokens").value_or(0) +
                           integer_member(*parts, "ephemeral_1h_input_tokens").value_or(0);
  return usage;
}

Result<Message> parse_message(JsonObject line, const std::string& type) {
  const auto object = object_member(line, "message");
  if (!object) return failure(ErrorCode::invalid_argument, fmt::format("a {} record without a message", type));
  Message message{.id = bounded_id(text_member(*object, "id")),
                  .role = text_member(*object, "role"),
                  .model = text_member(*object, "model"),
                  .stop_reason = text_member(*object, "stop_reason"),
                  .usage = {},
                  .blocks = {}};
  if (message.role.empty()) message.role = type;
  const auto content = member(*object, "content");
  if (!content) return failure(ErrorCode::invalid_argument, "a message without content");
  auto blocks = parse_blocks(*content);
  if (!blocks)
    return failure(ErrorCode::invalid_argument, "a message whose content is neither text nor a list of blocks");
  message.blocks = std::move(*blocks);
  if (const auto usage = object_member(*object, "usage")) message.usage = parse_usage(*usage);
  return message;
}

void parse_envelope(JsonObject object, LogRecord& record) {
  record.uuid = bounded_id(text_member(object, "uuid"));
  record.parent_uuid = bounded_id(text_member(object, "parentUuid"));
  record.session_id = bounded_id(text_member(object, "sessionId"));
  record.at = time_member(object, "timestamp");
  record.version = text_member(object, "version");
  record.cwd = text_member(object, "cwd");
  record.git_branch = text_member(object, "gitBranch");
  record.agent_id = bounded_id(text_member(object, "agentId"));
  record.slug = text_member(object, "slug");
  record.request_id = text_member(object, "requestId");
  record.is_sidechain = flag_member(object, "isSidechain");
  record.is_meta = flag_member(object, "isMeta");
  record.is_compact_summary = flag_member(object, "isCompactSummary");
  record.is_api_error = flag_member(object, "isApiErrorMessage");
  if (const auto origin = object_member(object, "forkedFrom"))
    record.forked_from_uuid = bounded_id(text_member(*origin, "messageUuid"));
}

// The first of the members that is there.
std::string first_text(JsonObject object, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (auto text = text_member(object, name); !text.empty()) return text;
  return {};
}

void parse_event(JsonObject object, LogRecord& record) {
  record.subtype = first_text(object, {"subtype", "operation", "permissionMode"});
  for (const auto name : {"attachment", "data"})
    if (const auto inner = object_member(object, name); inner && record.subtype.empty())
      record.subtype = text_member(*inner, "type");
  if (record.type == "summary") {
    record.title = text_member(object, "summary");
    record.title_rank = 1;
    record.leaf_uuid = bounded_id(text_member(object, "leafUuid"));
  } else if (record.type == "ai-title") {
    record.title = first_text(object, {"aiTitle", "title"});
    record.title_rank = 2;
  } else if (record.type == "custom-title") {
    record.title = first_text(object, {"customTitle", "title"});
    record.title_rank = 3;
  } else if (record.type == "progress") {
    const auto data = object_member(object, "data");
    if (!data || text_member(*data, "type") != "agent_progress") return;
    record.spawned_agent_id = bounded_id(text_member(*data, "agentId"));
    record.spawning_tool_use_id = text_member(object, "parentToolUseID");
  }
}

Result<LogRecord> parse_object(JsonObject object) {
  LogRecord record;
  record.type = text_member(object, "type");
  if (record.type.empty()) return failure(ErrorCode::invalid_argument, "a record without a type");
  parse_envelope(object, record);
  if (record.type != "user" && record.type != "assistant") {
    parse_event(object, record);
    return record;
  }
  auto message = parse_message(object, record.type);
  if (!message.has_value()) return failure_of(message);
  if (record.uuid.empty() && message->id.empty())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a {} record with neither uuid nor message id", record.type));
  record.message = std::move(*message);
  record.details = remaining_members(object);
  if (const auto result = member(object, "toolUseResult"); result && !result->is_null())
    record.outcome = parse_outcome(*result);
  return record;
}

}  // namespace

bool is_known_type(std::string_view type) noexcept {
  return std::find(known_types.begin(), known_types.end(), type) != known_types.end();
}

Result<LogRecord> parse_record(std::string_view line) {
  thread_local simdjson::dom::parser parser;
  JsonElement element;
  std::string repaired;
  auto code = parser.parse(line.data(), line.size(), false).get(element);
  if (code == simdjson::STRING_ERROR) {
    repaired = repair_surrogates(line);
    code = parser.parse(repaired).get(element);
  }
  if (code != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument, fmt::format("not valid JSON: {}", simdjson::error_message(code)));
  JsonObject object;
  if (element.get(object) != simdjson::SUCCESS) return failure(ErrorCode::invalid_argument, "not a JSON object");
  auto record = parse_object(object);
  if (record.has_value() && !record->message) record->details = simdjson::minify(element);
  if (parser.capacity() > kept_parser_bytes) parser = simdjson::dom::parser();
  return record;
}

}  // namespace triune::intake::claude
