// agents absent|present|find|feedback|ratings|decide|resolve|decisions|context.
#pragma once

#include "front/cli/commands.h"

namespace triune::front {

/// Adds them to the noun `agents`.
void add_agent_record_commands(CLI::App& agents, CommandLine& line);

}  // namespace triune::front
