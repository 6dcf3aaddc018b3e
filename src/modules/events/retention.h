// Letting go of whole months without making writers wait (docs/decisions/0019).
#pragma once

#include "modules/events/months.h"

namespace triune::modules::events {

/// Thread rule: any thread. Two runs at once do the same work and no harm.
Result<RetentionReport> let_go(const Module& module, Months& months, std::int64_t keep_days, const Actor& actor);

}  // namespace triune::modules::events
