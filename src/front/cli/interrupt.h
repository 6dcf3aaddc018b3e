// Ctrl-C during long work: the first one asks it to stop at the next entity, the second one kills. Comparing and
// rebuilding end at the first.
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

/// While one lives, SIGINT and SIGTERM end the process at once, with the message and as `cancelled`: for work that no
/// call can stop, and that may end anywhere without loss (I1, I3). One at a time; one thread.
class ExitsOnInterrupt {
 public:
  /// Makes the message for people, or as a document.
  explicit ExitsOnInterrupt(bool json);
  ExitsOnInterrupt(const ExitsOnInterrupt&) = delete;
  ExitsOnInterrupt& operator=(const ExitsOnInterrupt&) = delete;
  ~ExitsOnInterrupt();

 private:
  struct sigaction interrupt_{};
  struct sigaction termination_{};
};

/// Whether one came since.
bool interrupted() noexcept;

/// `cancelled` when one came: for the suppliers of long loads.
Status stop_if_interrupted();

}  // namespace triune::front
