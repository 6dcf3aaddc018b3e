// Every named failpoint of the sources, and what reaches it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace triune::testing {

/// What a process must be at for a failpoint to be reached.
enum class FailpointMode : std::uint8_t { commits, load, move, open, rebuild };

/// A failpoint, what reaches it, and at which of its passes the process dies.
struct Failpoint {
  std::string_view name;
  FailpointMode mode;
  std::vector<int> passes;
};

std::ostream& operator<<(std::ostream& to, const Failpoint& failpoint);

/// All of them; one may be there once for each mode.
const std::vector<Failpoint>& failpoints();

/// What TRIUNE_FAILPOINT takes.
std::string failpoint_setting(std::string_view name, int pass);

}  // namespace triune::testing
