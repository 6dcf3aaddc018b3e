// An assessment for programs, for people at a terminal, and as a page.
#pragma once

#include <string>

#include "front/cli/json_writer.h"
#include "placement/assessment.h"
#include "placement/classify.h"

namespace triune::front {

/// The document of `triune assess --json`; docs/assessment.md lists its members.
std::string assessment_document(const placement::Assessment& report);

/// The short form: what there is, and what to mend.
std::string assessment_text(const placement::Assessment& report, bool wide);

/// A page that needs nothing but itself: no script, no network; charts are SVG.
std::string assessment_page(const placement::Assessment& report);

/// A decision as a document, and for people.
void write_decision(JsonWriter& to, const placement::Decision& decision);
std::string decision_text(const placement::Decision& decision);

}  // namespace triune::front
