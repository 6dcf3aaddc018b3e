// Mappings of tables into the graph and full-text indexes: what they are in SQL.
//
// A mapping is a set of triggers that keep `triune_nodes` or `triune_edges` equal to the table, in the same transaction
// as the row. So the graph has one canonical form, whichever way an entity came, and projections know nothing of
// mappings.
#pragma once

#include <cstdint>

#include "contract/relational_store.h"
#include "projection/catalog.h"
#include "triune/schema.h"

namespace triune::hive {

/// What a definition is made with, inside one write job.
struct DefinitionContext {
  contract::RelationalSession& session;
  projection::CatalogWriter& catalog;
  std::int64_t organization_id;
};

/// Each is idempotent; another definition under the same name is `conflict`; a wrong one is `invalid_argument`.
Status define(const DefinitionContext& context, const NodeMapping& mapping);
Status define(const DefinitionContext& context, const EdgeMapping& mapping);
Status define(const DefinitionContext& context, const TextIndex& index);
/// `embedder_version`: of the embedder's model; recorded when the collection is made.
Status define(const DefinitionContext& context, const VectorCollection& collection,
              const std::string& embedder_version);

/// `invalid_argument` when nodes of `label` (edges of `type`) come from a table: they are written there.
Status check_not_mapped(contract::RelationalSession& session, std::int64_t organization_id, std::string_view kind,
                        std::string_view name);

}  // namespace triune::hive
