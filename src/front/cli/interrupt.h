// Ctrl-C during long work: the first one asks it to stop at the next entity, the second one kills.
#pragma once

#include <csignal>

#include "triune/status.h"

namespace triune::front {

/// While one lives, SIGINT and SIGTERM are remembered once instead of killing. They nest; one thread.
class CaughtInterrupts {
 public:
  CaughtInterrupts();
  CaughtInterrupts(const CaughtInterrupts&) = delete;
  CaughtInterrupts& operator=(const CaughtInterrupts&) = delete;
  ~CaughtInterrupts();

 private:
  struct sigaction interrupt_{};
  struct sigaction termination_{};
};

/// Whether one came since.
bool interrupted() noexcept;

/// `cancelled` when one came: for the suppliers of long loads.
Status stop_if_interrupted();

}  // namespace triune::front
