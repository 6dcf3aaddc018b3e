// Where a projection stands, stored inside the projection itself together with the data (I3).
#pragma once

#include <cstdint>
#include <string>

namespace triune::contract {

struct Position {
  std::string incarnation;
  std::uint64_t lsn = 0;
  bool operator==(const Position&) const = default;
};

/// Whether an engine works, for `health`.
struct Health {
  bool ok = false;
  std::string detail;  ///< Version when well, the failure when not.
};

}  // namespace triune::contract
