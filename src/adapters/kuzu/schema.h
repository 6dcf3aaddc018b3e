// What it takes to add to the schema of a database.
#pragma once

#include <string>
#include <vector>

#include "contract/graph_rules.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// The longest text that a property or an id may have. Kuzu itself takes 256 KiB; long texts belong elsewhere.
inline constexpr std::uint64_t longest_text = 64U << 10U;

/// The statements that add to `known` what `wanted` has more, in their order. Errors: those of `check_schema`, and
/// `invalid_argument` for names that Kuzu cannot hold, or not beside another.
Result<std::vector<std::string>> missing_statements(const contract::KnownSchema& known,
                                                    const contract::GraphSchema& wanted);

}  // namespace triune::adapters::kuzu
