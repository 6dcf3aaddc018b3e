// What Citus can distribute, as questions to PostgreSQL's catalogue about the tables whose names begin with triune_.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace triune::testing {

/// Small tables that every server of a cluster holds whole. All others are distributed by organization_id.
const std::vector<std::string>& reference_tables();

/// Foreign keys without an index on the side that refers: what they refer to is never deleted.
const std::vector<std::string>& unindexed_foreign_keys();

struct SchemaRule {
  std::string_view name;
  std::string_view question;  ///< SELECT of one text for each breach.
  std::string_view bad;       ///< A schema, beside the good one, that breaks it.
  std::string_view breach;    ///< What the breach's text begins with then.
};

const std::vector<SchemaRule>& schema_rules();

/// The statement that asks the question: one text, empty when nothing breaks the rule.
std::string statement_of(const SchemaRule& rule);

}  // namespace triune::testing
