#include <algorithm>
#include <array>

#include "intake/claude_code/json_access.h"
#include "model/json.h"

namespace triune::intake::claude {
namespace {

// Members of a tool's input or of its outcome that name one file.
constexpr std::array<std::string_view, 5> path_members{"file_path", "path", "notebook_path", "filePath",
                                                       "notebookPath"};

void collect_paths(JsonObject object, std::vector<std::string>& paths) {
  for (const auto name : path_members) {
    auto path = text_member(object, name);
    if (path.empty() || path.find('\n') != std::string::npos) continue;
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(std::move(path));
  }
}

// The bytes of a base64 source; nothing when the source is a URL, a file or damaged.
std::optional<Media> parse_media(JsonObject block) {
  const auto source = object_member(block, "source");
  std::string_view data;
  if (!source || (*source)["data"].get(data) != simdjson::SUCCESS) return std::nullopt;
  Media media{.type = text_member(*source, "media_type"), .bytes = {}};
  if (text_member(*source, "type") == "text") {
    const auto bytes = std::as_bytes(std::span(data));
    media.bytes.assign(bytes.begin(), bytes.end());
    return media;
  }
  auto bytes = model::parse_base64(data);
  if (!bytes.has_value()) return std::nullopt;
  media.bytes = std::move(*bytes);
  return media;
}

void append_paragraph(std::string& to, std::string_view text) {
  if (!to.empty()) to += '\n';
  to += text;
}

// A result is a string, or blocks whose texts are joined and whose images are kept apart.
void parse_result_content(JsonElement content, Block& to) {
  std::string_view text;
  if (content.get(text) == simdjson::SUCCESS) {
    to.text = without_nul(text);
    return;
  }
  JsonArray parts;
  if (content.get(parts) != simdjson::SUCCESS) {
    if (!content.is_null()) to.text = simdjson::minify(content);
    return;
  }
  for (const auto part : parts) {
    JsonObject object;
    if (part.get(object) != simdjson::SUCCESS) {
      append_paragraph(to.text, simdjson::minify(part));
    } else if (text_member(object, "type") == "text") {
      append_paragraph(to.text, text_member(object, "text"));
    } else if (auto media = parse_media(object)) {
      append_paragraph(to.text, "[" + (media->type.empty() ? text_member(object, "type") : media->type) + "]");
      to.media.push_back(std::move(*media));
    } else {
      append_paragraph(to.text, simdjson::minify(part));
    }
  }
}

void parse_tool_use(JsonObject object, Block& to) {
  to.tool_use_id = text_member(object, "id");
  to.tool_name = text_member(object, "name");
  const auto input = member(object, "input");
  if (!input) return;
  to.text = simdjson::minify(*input);
  JsonObject members;
  if (input->get(members) != simdjson::SUCCESS) return;
  collect_paths(members, to.paths);
  if (to.tool_name == "Task" || to.tool_name == "Agent") to.prompt = text_member(members, "prompt");
}

Block parse_block(JsonElement element) {
  Block block;
  JsonObject object;
  if (element.get(object) != simdjson::SUCCESS) {
    std::string_view text;
    block.kind = element.get(text) == simdjson::SUCCESS ? "text" : "unknown";
    (block.kind == "text" ? block.text : block.details) =
        block.kind == "text" ? without_nul(text) : simdjson::minify(element);
    return block;
  }
  block.kind = text_member(object, "type");
  if (block.kind == "text") {
    block.text = text_member(object, "text");
  } else if (block.kind == "thinking") {
    block.text = text_member(object, "thinking");
  } else if (block.is_tool_use()) {
    parse_tool_use(object, block);
  } else if (block.is_tool_result()) {
    block.tool_use_id = text_member(object, "tool_use_id");
    block.is_error = flag_member(object, "is_error");
    if (const auto content = member(object, "content")) parse_result_content(*content, block);
  } else if (auto media = parse_media(object)) {
    block.media.push_back(std::move(*media));
  } else {
    if (block.kind.empty()) block.kind = "unknown";
    block.details = simdjson::minify(element);
  }
  return block;
}

}  // namespace

std::optional<std::vector<Block>> parse_blocks(JsonElement content) {
  std::vector<Block> blocks;
  std::string_view text;
  JsonArray elements;
  if (content.get(text) == simdjson::SUCCESS) {
    Block block;
    block.kind = "text";
    block.text = without_nul(text);
    blocks.push_back(std::move(block));
  } else if (content.get(elements) == simdjson::SUCCESS) {
    for (const auto element : elements) blocks.push_back(parse_block(element));
  } else if (!content.is_null()) {
    return std::nullopt;
  }
  return blocks;
}

ToolOutcome parse_outcome(JsonElement result) {
  ToolOutcome outcome;
  outcome.json = simdjson::minify(result);
  JsonObject object;
  if (result.get(object) != simdjson::SUCCESS) return outcome;
  outcome.agent_id = text_member(object, "agentId");
  outcome.agent_type = text_member(object, "agentType");
  outcome.status = text_member(object, "status");
  outcome.total_tokens = integer_member(object, "totalTokens");
  outcome.tool_uses = integer_member(object, "totalToolUseCount");
  for (const auto name : {"durationMs", "totalDurationMs", "duration_ms"})
    if (!outcome.duration_ms) outcome.duration_ms = integer_member(object, name);
  collect_paths(object, outcome.paths);
  if (const auto file = object_member(object, "file")) collect_paths(*file, outcome.paths);
  return outcome;
}

}  // namespace triune::intake::claude
