// Keeping capture, mappings and text indexes right while the schema of users' tables changes (I2, I6).
//
//   DROP TABLE     its rows are deleted first, so that the log, the graph and the text indexes forget them; then its
//                  mappings and text indexes are forgotten too
//   ALTER TABLE    what we keep on the table is taken off, the statement runs, and everything is made anew for the
//                  table as it is then; refused when a mapping or index names a column that would go
//   anything else  new tables are captured, new unique constraints are seen
//
// What another program does to the schema is seen when the hive opens, and by its next commit, load or statement that
// writes: a trigger that names a table which is gone would stop it.
#pragma once

#include "hive/definitions.h"

namespace triune::hive {

/// Whoever changes what the hive keeps on tables does so alone among the nodes of a shared store, until the job ends.
Status lock_definitions(contract::RelationalSession& session);

/// Captures tables that are new, and mends the triggers of the others. Does nothing when the schema is as it was left,
/// so that every job that writes can begin with it.
Status keep_up(const DefinitionContext& context);

/// The same before every commit, where looking costs next to nothing; elsewhere the hive looks now and then.
Status keep_up_cheaply(const DefinitionContext& context);

/// Whether it would do nothing.
Result<bool> schema_is_current(contract::RelationalSession& session);

/// Records that the schema is as it should be, after a job that changed it by definitions alone.
Status schema_is_kept(contract::RelationalSession& session);

/// Runs a user's statement. On error the caller undoes the job, or this did when the statement changes a table.
Result<RowSet> run_user_statement(const DefinitionContext& context, std::string_view statement,
                                  std::span<const Value> parameters, std::size_t max_rows);

}  // namespace triune::hive
