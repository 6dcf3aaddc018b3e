// Ctrl-C during long work: the first one asks it to stop at the next entity, the second one kills.
#pragma once

#include "triune/status.h"

namespace triune::front {

/// From here on SIGINT and SIGTERM are remembered once instead of killing.
void catch_interrupts();

/// Whether one came since.
bool interrupted() noexcept;

/// `cancelled` when one came: for the suppliers of long loads.
Status stop_if_interrupted();

}  // namespace triune::front
