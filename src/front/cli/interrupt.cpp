#include "front/cli/interrupt.h"

namespace triune::front {
namespace {

// The only thing a signal handler may touch.
volatile std::sig_atomic_t received = 0;

void remember(int) {
  received = 1;
}

}  // namespace

CaughtInterrupts::CaughtInterrupts() {
  struct sigaction action{};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // The second one has its default effect.
  sigaction(SIGINT, &action, &interrupt_);
  sigaction(SIGTERM, &action, &termination_);
}

CaughtInterrupts::~CaughtInterrupts() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &termination_, nullptr);
}

bool interrupted() noexcept {
  return received != 0;
}

Status stop_if_interrupted() {
  if (!interrupted()) return {};
  Error error{.code = ErrorCode::cancelled,
              .message = "interrupted; what was committed stays, and the same command goes on from there"};
  error.retry = Retry::safe;
  return std::unexpected(std::move(error));
}

}  // namespace triune::front
