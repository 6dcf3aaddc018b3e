// The schema in a database: read from it, and what it takes to add to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/kuzu/engine.h"
#include "contract/graph_rules.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// The longest text that a property or an id may have. Kuzu itself takes 256 KiB; long texts belong elsewhere.
inline constexpr std::uint64_t longest_text = 64U << 10U;

/// Reads labels, types and properties. Columns of types that Triune does not make are left out: a table made by hand
/// can be queried, not written.
Result<contract::KnownSchema> load_schema(Session& session);

/// The statements that add to `known` what `wanted` has more, in their order. Errors: those of `check_schema`, and
/// `invalid_argument` for names that Kuzu cannot hold, or not beside another.
Result<std::vector<std::string>> missing_statements(const contract::KnownSchema& known,
                                                    const contract::GraphSchema& wanted);

}  // namespace triune::adapters::kuzu
