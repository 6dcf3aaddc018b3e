// What the process says to its caller. `triune help exit-codes` prints the table.
#pragma once

#include <cstdint>

#include "triune/status.h"

namespace triune::front {

enum class ExitCode : std::uint8_t {
  ok = 0,
  failure = 1,        ///< Any error without a code of its own, such as refused input.
  usage = 2,          ///< The command line itself is wrong; nothing was opened.
  not_found = 3,      ///< The hive or the named thing does not exist.
  conflict = 4,       ///< The state contradicts the request, or `verify` found differences.
  unavailable = 5,    ///< Owned by another process, cannot be reached, or not in time: try again.
  interrupted = 130,  ///< Ctrl-C, as shells expect it (128 + SIGINT).
};

/// The exit code for an error of the API.
ExitCode exit_code_of(const Error& error) noexcept;

}  // namespace triune::front
