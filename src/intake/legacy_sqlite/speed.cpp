#include "intake/legacy_sqlite/speed.h"

namespace triune::intake::legacy {

Result<std::vector<SpeedReport>> measure_speed(const Work&) {
  return std::vector<SpeedReport>();
}

}  // namespace triune::intake::legacy
