// JSON in one spelling, so that equal documents have equal hashes.
#pragma once

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::modules::agents {

/// The document without spaces and with the members of every object sorted by their names' bytes; of a name that
/// repeats the last value stays. Numbers keep their spelling where they are integers. Error: `invalid_argument`.
Result<std::string> canonical_json(std::string_view text);

}  // namespace triune::modules::agents
