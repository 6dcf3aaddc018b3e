// What the commands of `triune schema` print, for people and as JSON.
#pragma once

#include <string>
#include <vector>

#include "migrate/lint.h"
#include "migrate/plan.h"
#include "migrate/scratch.h"

namespace triune::front {

std::string plan_document(const std::vector<migrate::PlannedMigration>& plan, bool tried);
std::string plan_text(const std::vector<migrate::PlannedMigration>& plan, bool tried);
/// Of what was applied or reverted; `verb` is the word for it.
std::string applied_document(std::string_view verb, const std::vector<migrate::Applied>& records);
std::string applied_text(std::string_view verb, const std::vector<migrate::Applied>& records);
std::string states_document(std::string_view series, const std::vector<migrate::MigrationState>& states);
std::string states_text(const std::vector<migrate::MigrationState>& states);
std::string findings_document(const std::vector<migrate::Finding>& findings);
std::string findings_text(const std::vector<migrate::Finding>& findings);
std::string rules_document();
std::string rules_text();
std::string drift_document(const std::vector<migrate::Drift>& drift);
std::string drift_text(const std::vector<migrate::Drift>& drift);
std::string verified_document(const migrate::Verification& verified, const migrate::UpDownUp* rehearsed);
std::string verified_text(const migrate::Verification& verified, const migrate::UpDownUp* rehearsed);

}  // namespace triune::front
