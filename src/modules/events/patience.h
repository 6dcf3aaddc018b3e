// How long a call of this module waits for the store.
#pragma once

#include "triune/deadline.h"

namespace triune::modules::events {

inline Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

}  // namespace triune::modules::events
