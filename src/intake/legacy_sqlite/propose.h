// From an assessment to a plan.
#pragma once

#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/source.h"
#include "placement/assessment.h"

namespace triune::intake::legacy {

/// Everything the assessment found a place for, with its reasons. Reads the source once more, for views and triggers.
/// Error: those of reading.
Result<Plan> propose(const placement::Assessment& assessment, LegacySource& source);

}  // namespace triune::intake::legacy
