// A migration as one JSON document and as text for people. docs/migration.md lists the members of each document.
#pragma once

#include <string>
#include <vector>

#include "intake/legacy_sqlite/apply.h"

namespace triune::front {

/// A migration with its steps and its audit trail.
struct MigrationStatus {
  intake::legacy::Migration migration;
  std::vector<intake::legacy::Step> steps;
  std::vector<intake::legacy::AuditEntry> audit;
};

std::string apply_document(const intake::legacy::ApplyReport& report);
std::string apply_text(const intake::legacy::ApplyReport& report);
/// A page for a browser, which needs no network.
std::string apply_page(const intake::legacy::ApplyReport& report);
std::string verification_document(const intake::legacy::Verification& verification);
std::string verification_text(const intake::legacy::Verification& verification);
std::string migrations_document(const std::vector<MigrationStatus>& migrations);
std::string migrations_text(const std::vector<MigrationStatus>& migrations);
std::string rollback_document(const intake::legacy::RollbackReport& report);
/// What a plan proposes, in a few lines.
std::string plan_summary(const intake::legacy::Plan& plan, const std::string& file);

}  // namespace triune::front
