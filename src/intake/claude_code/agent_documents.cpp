#include "intake/claude_code/agent_documents.h"

#include <fmt/format.h>

#include "base/try.h"
#include "intake/claude_code/front_matter.h"
#include "intake/claude_code/json_access.h"

namespace triune::intake::claude {
namespace {

std::string stem_of(const std::filesystem::path& path) {
  return readable(path.stem().string());
}

Result<JsonObject> parse_object(simdjson::dom::parser& parser, std::string_view text) {
  JsonObject object;
  if (const auto code = parser.parse(text.data(), text.size(), true).get(object))
    return failure(ErrorCode::invalid_argument, fmt::format("not a JSON object: {}", simdjson::error_message(code)));
  return object;
}

std::string or_else(std::string text, std::string other) {
  return text.empty() ? std::move(other) : std::move(text);
}

}  // namespace

Result<AgentDocument> read_agent_definition(const std::filesystem::path& path, std::string_view text) {
  const FrontMatter document = read_front_matter(text);
  const std::string name = or_else(std::string(document.get("name")), stem_of(path));
  AgentDocument agent{
      .id = bounded_id(name), .kind = "definition", .columns = {}, .prompt = std::string(document.body), .details = {}};
  agent.columns = {{"name", name},
                   {"agent_type", name},
                   {"description", std::string(document.get("description"))},
                   {"model", std::string(document.get("model"))},
                   {"tools", std::string(document.get("tools"))}};
  return agent;
}

Result<AgentDocument> read_agent_record(const std::filesystem::path& path, std::string_view text) {
  simdjson::dom::parser parser;
  TRIUNE_ASSIGN(const JsonObject object, parse_object(parser, text));
  const std::string id = or_else(or_else(text_member(object, "agent_id"), text_member(object, "name")), stem_of(path));
  AgentDocument agent{
      .id = bounded_id(id), .kind = "worker", .columns = {}, .prompt = {}, .details = simdjson::minify(object)};
  agent.prompt = or_else(text_member(object, "task"), text_member(object, "prompt"));
  agent.columns = {{"name", or_else(text_member(object, "name"), id)},
                   {"agent_type", text_member(object, "agent_type")},
                   {"description", or_else(text_member(object, "description"), text_member(object, "task"))},
                   {"model", text_member(object, "model")},
                   {"status", text_member(object, "status")},
                   {"started_at", time_member(object, "spawn_time")},
                   {"ended_at", time_member(object, "completion_time")}};
  return agent;
}

Result<AgentDocument> read_agent_notes(const std::filesystem::path& path, std::string_view text) {
  simdjson::dom::parser parser;
  TRIUNE_ASSIGN(const JsonObject object, parse_object(parser, text));
  std::string name = stem_of(path);  // "agent-ID.meta"
  name = name.substr(6, name.rfind(".meta") - 6);
  AgentDocument agent{.id = bounded_id(name), .kind = "subagent", .columns = {}, .prompt = {}, .details = {}};
  agent.columns = {{"agent_type", text_member(object, "agentType")},
                   {"description", text_member(object, "description")}};
  return agent;
}

}  // namespace triune::intake::claude
