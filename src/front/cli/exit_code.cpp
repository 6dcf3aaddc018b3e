#include "front/cli/exit_code.h"

namespace triune::front {

ExitCode exit_code_of(const Error& error) noexcept {
  switch (error.code) {
    case ErrorCode::not_found: return ExitCode::not_found;
    case ErrorCode::already_exists:
    case ErrorCode::conflict: return ExitCode::conflict;
    case ErrorCode::unavailable:
    case ErrorCode::deadline_exceeded: return ExitCode::unavailable;
    case ErrorCode::cancelled: return ExitCode::interrupted;
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
    case ErrorCode::permission_denied:
    case ErrorCode::resource_exhausted:
    case ErrorCode::corruption:
    case ErrorCode::internal: return ExitCode::failure;
  }
  return ExitCode::failure;
}

}  // namespace triune::front
