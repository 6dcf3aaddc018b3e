// Agents as documents describe them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "triune/status.h"

namespace triune::intake::claude {

struct AgentDocument {
  std::string id;
  std::string kind;  ///< "definition", "worker", "subagent"
  std::vector<std::pair<std::string_view, std::string>> columns;
  std::string prompt;
  std::string details;
};

/// `agents/NAME.md`: a header with name, description, tools and model; the body is the prompt.
Result<AgentDocument> read_agent_definition(const std::filesystem::path& path, std::string_view text);

/// `agents/ID.json`: the record of an agent that a project runs. Error: `invalid_argument`.
Result<AgentDocument> read_agent_record(const std::filesystem::path& path, std::string_view text);

/// `agent-ID.meta.json` beside a subagent's log. Error: `invalid_argument`.
Result<AgentDocument> read_agent_notes(const std::filesystem::path& path, std::string_view text);

}  // namespace triune::intake::claude
