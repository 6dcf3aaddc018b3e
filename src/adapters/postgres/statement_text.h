// A statement as the caller wrote it, checked and translated to what is sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/tokens.h"
#include "triune/status.h"

namespace triune::adapters::postgres {

constexpr std::uint32_t most_parameters = 65535;

struct StatementText {
  std::string sql;  ///< With `$1` for `?1`.
  std::uint32_t parameters = 0;
  bool reads = false;    ///< What `only_reads` says.
  bool selects = false;  ///< It begins like something a cursor can be declared for.
};

/// One statement. Errors: `invalid_argument` for none, several, NUL, `$1` and a parameter out of range;
/// `permission_denied` for transaction control.
Result<StatementText> translate(std::string_view sql);

/// The statements of a script, as parts of it; empty ones are left out.
std::vector<std::string_view> split_script(std::string_view sql);

}  // namespace triune::adapters::postgres
