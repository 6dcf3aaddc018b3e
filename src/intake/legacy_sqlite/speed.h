// The same questions on both sides of a migration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "intake/legacy_sqlite/work.h"

namespace triune::intake::legacy {

struct SpeedReport {
  std::string kind;      ///< "relational", "relationship", "vector".
  std::string question;  ///< "two hops along KNOWS".
  std::string before;    ///< How the old file answers it.
  std::string after;     ///< How the hive does.
  std::uint64_t samples = 0;
  double before_us = 0;  ///< Medians.
  double after_us = 0;
  double promised = 0;  ///< The least ratio that the plan promised; 0: none.
  bool same_answers = true;
  [[nodiscard]] double ratio() const { return after_us > 0 ? before_us / after_us : 0; }
};

/// Times typical questions of the old file and of the hive, alternately. Answers are compared where both are exact.
Result<std::vector<SpeedReport>> measure_speed(const Work& work);

}  // namespace triune::intake::legacy
