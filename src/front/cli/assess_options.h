// Assessing a file from the command line: its deadline, Ctrl-C and progress.
#pragma once

#include <functional>
#include <string>

#include "front/cli/settings.h"
#include "placement/assess.h"

namespace triune::front {

/// Assesses the file at `path`. `bounded`: the user gave --deadline; otherwise half an hour is given. Interrupts must
/// be caught (interrupt.h) by the caller.
Result<placement::Assessment> assess_file(const std::string& path, const Settings& settings, bool bounded,
                                          const std::function<void(placement::AssessOptions&)>& adjust);

}  // namespace triune::front
