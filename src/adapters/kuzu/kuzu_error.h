// Kuzu reports errors as text that begins with the kind of exception; here the text becomes a code.
#pragma once

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::adapters::kuzu {

/// An error of this engine.
Error kuzu_error(ErrorCode code, std::string message, Retry retry = Retry::never);

/// `kuzu_error`, ready to be returned.
std::unexpected<Error> kuzu_failure(ErrorCode code, std::string message, Retry retry = Retry::never);

/// The error that a message of Kuzu stands for. `deadline_passed` tells an interrupt by time from one by hand.
Error translate_error(std::string_view message, bool deadline_passed);

}  // namespace triune::adapters::kuzu
