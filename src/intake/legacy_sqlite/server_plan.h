// A plan that leads to a server: types and definitions of its tables, and what follows the rows.
#pragma once

#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/source.h"

namespace triune::intake::legacy {

/// Completes what `propose` made. Reads every cell once: a column gets a type that gives each back as it is. What the
/// server cannot have is among `left_out`, by name and with the reason. Errors: those of reading.
Status suit_server(Plan& plan, LegacySource& source);

}  // namespace triune::intake::legacy
