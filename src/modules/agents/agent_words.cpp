// Words of enumerations, and those that other systems use.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "modules/kit/module.h"
#include "triune/modules/agents.h"

namespace triune {
namespace {

constexpr std::array<std::string_view, 9> statuses{"starting",    "idle",    "active",  "sleeping", "degraded",
                                                   "maintenance", "crashed", "offline", "retired"};
constexpr std::string_view known_statuses =
    "starting, idle, active, sleeping, degraded, maintenance, crashed, offline, retired";

struct Foreign {
  std::string_view word;
  AgentStatus status;
};

constexpr std::array<Foreign, 12> foreign{{{"healthy", AgentStatus::active},
                                           {"busy", AgentStatus::active},
                                           {"working", AgentStatus::active},
                                           {"running", AgentStatus::active},
                                           {"spawning", AgentStatus::starting},
                                           {"unhealthy", AgentStatus::degraded},
                                           {"error", AgentStatus::degraded},
                                           {"stopping", AgentStatus::offline},
                                           {"stopped", AgentStatus::offline},
                                           {"inactive", AgentStatus::offline},
                                           {"deprecated", AgentStatus::retired},
                                           {"completed", AgentStatus::retired}}};

}  // namespace

std::string_view to_string(AgentStatus status) noexcept {
  return statuses[static_cast<std::size_t>(status)];
}

Result<AgentStatus> parse_agent_status(std::string_view word) {
  const auto* const found = std::find(statuses.begin(), statuses.end(), word);
  if (found == statuses.end()) return modules::unknown_word("the status of an agent", word, known_statuses);
  return static_cast<AgentStatus>(found - statuses.begin());
}

Result<AgentStatus> canonical_agent_status(std::string_view word) {
  std::string plain(word);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](unsigned char c) { return static_cast<char>(c == '-' ? '_' : std::tolower(c)); });
  const auto* const found =
      std::find_if(foreign.begin(), foreign.end(), [&](const Foreign& one) { return one.word == plain; });
  return found == foreign.end() ? parse_agent_status(plain) : Result<AgentStatus>(found->status);
}

}  // namespace triune
