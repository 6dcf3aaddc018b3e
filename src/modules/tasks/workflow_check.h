// What a definition may refer to: only what is sure to be known by then.
#pragma once

#include "modules/tasks/workflow_document.h"

namespace triune::modules::tasks {

/// Error: `invalid_argument` that names the steps of a cycle.
Status check_acyclic(const Step& dag);

/// Every path leads to the input, to a step that is done before, or to a loop around. Error: `invalid_argument`.
Status check_references(const Definition& definition);

}  // namespace triune::modules::tasks
