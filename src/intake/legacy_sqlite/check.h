// Whether a plan fits the source it is for.
#pragma once

#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/source.h"

namespace triune::intake::legacy {

/// `invalid_argument` for a table, column, label or name that is not there, with its place in the plan and how to mend
/// it; `unsupported` for what cannot be brought over.
Status check_plan(const Plan& plan, LegacySource& source);

}  // namespace triune::intake::legacy
