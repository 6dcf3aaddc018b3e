// Ids that the logs do not have, made from what is in them, so that a second import makes the same (C1).
#pragma once

#include <string>

#include "intake/claude_code/log_batch.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {

/// The record's uuid, or else its place: name of the log, line number and text.
std::string event_id(const LogFile& file, const LogLine& line);

/// An agent of old logs, whose lines are in the main log and name no agent: by its first line.
std::string sidechain_agent(const std::string& uuid);

}  // namespace triune::intake::claude
