// What a definition says about values that are known only when it runs: paths, templates, conditions. No code is run.
//
//   path       input.branch · steps.build.image · loops.each.item.id · trigger.x · execution.id; a number is a place in
//              a list; what is not there is null
//   template   any JSON: a text that is "${PATH}" becomes the value, within a longer text its text; "$${" means "${"
//   condition  {"path": PATH, "is": OPERATOR, "value": JSON} · {"all": [..]} · {"any": [..]} · {"not": ..}
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/tasks/workflow_document.h"

namespace triune::modules::tasks {

/// The value at "ROOT.NAME" ("steps", "build"), null when there is none; ROOT alone has an empty name.
using Lookup = std::function<Document(std::string_view root, std::string_view name)>;

/// The parts between dots. Error: `invalid_argument` for an empty part.
Result<std::vector<std::string>> split_path(std::string_view path);

Document value_at(std::string_view path, const Lookup& lookup);
Document fill(const Document& pattern, const Lookup& lookup);
bool holds(const Document& condition, const Lookup& lookup);

/// Called with each path that an expression refers to.
using PathVisitor = std::function<Status(std::string_view path)>;

/// Whether the form is right; `place` names it in errors.
Status check_template(const Document& pattern, const std::string& place, const PathVisitor& visitor);
Status check_condition(const Document& condition, const std::string& place, const PathVisitor& visitor);

}  // namespace triune::modules::tasks
