// The command `triune`: parse, call, print.
#pragma once

namespace triune::front {

/// Runs one command line and returns the exit code (see exit_code.h). Never throws.
int run(int argc, char** argv) noexcept;

}  // namespace triune::front
