#include "front/cli/interrupt.h"

#include <unistd.h>

#include <string>

#include "front/cli/documents.h"
#include "front/cli/exit_code.h"

namespace triune::front {
namespace {

// The only thing a signal handler may touch.
volatile std::sig_atomic_t received = 0;

void remember(int) {
  received = 1;
}

// Made before the handler is installed, which may do nothing but write it.
std::string last_words;

void say_and_exit(int) {
  static_cast<void>(::write(STDERR_FILENO, last_words.data(), last_words.size()));
  ::_exit(static_cast<int>(ExitCode::interrupted));
}

Error cancelled(std::string_view message) {
  Error error{.code = ErrorCode::cancelled, .message = std::string(message), .engine = {}, .native_code = {}};
  error.retry = Retry::safe;
  return error;
}

}  // namespace

ExitsOnInterrupt::ExitsOnInterrupt(bool json) {
  const auto error = cancelled("interrupted; nothing is lost, and the same command starts anew");
  last_words = "\n" + (json ? error_document(error, "") : "triune: " + error.message) + "\n";
  if (json) last_words.erase(0, 1);  // there is no line of progress to leave
  struct sigaction action{};
  action.sa_handler = say_and_exit;
  sigaction(SIGINT, &action, &interrupt_);
  sigaction(SIGTERM, &action, &termination_);
}

ExitsOnInterrupt::~ExitsOnInterrupt() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &termination_, nullptr);
}

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
  return std::unexpected(cancelled("interrupted; what was committed stays, and the same command goes on from there"));
}

}  // namespace triune::front
