// Named places where a test can kill the process, to prove I1, I3 and I8 at each of them.
//
// TRIUNE_FAILPOINT="NAME:N" in the environment raises SIGKILL the Nth time NAME is reached, "NAME:N:stop" SIGSTOP: the
// process waits there until the test lets it go on. Without the variable a failpoint costs one relaxed load.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace triune::base {

/// Kills or stops the process when the environment asks for it at `name`. Safe from any thread.
void failpoint(std::string_view name) noexcept;

}  // namespace triune::base
