// A hint to other processes on the same store that there may be something new.
#pragma once

#include <functional>

namespace triune::contract {

/// Only a hint: it may get lost, and other programs' writes give none. Who listens still looks by itself now and then.
/// Thread rule: any thread.
class ChangeSignal {
 public:
  virtual ~ChangeSignal() = default;  ///< Nothing is heard any more when it returns.
  /// Tells the others soon; calls that come close together become one. Never blocks.
  virtual void send() = 0;
};

/// Called on a thread of the signal's own after others have sent; must be short.
using SignalHeard = std::function<void()>;

}  // namespace triune::contract
