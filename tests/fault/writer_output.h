// How a writer process tells its parent what happened: a line is one write(2) after the fact, so that what the parent
// has read was acknowledged. See `WriterProcess` for the lines.
#pragma once

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::testing {

void say(const std::string& line);

/// "ack THREAD NUMBER LSN".
void say_acknowledged(const std::string& thread, std::uint64_t number, std::uint64_t lsn);

/// Ends the process: the test must see that something failed which is no crash.
[[noreturn]] void give_up(std::string_view what, const Error& error);

}  // namespace triune::testing
