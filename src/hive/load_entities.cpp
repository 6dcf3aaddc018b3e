// Loading nodes and vectors.
#include <algorithm>
#include <span>

#include "base/try.h"
#include "hive/bulk.h"
#include "hive/change_applier.h"
#include "hive/definitions.h"
#include "hive/load_copy.h"
#include "hive/load_entities_copy.h"
#include "hive/schema_upkeep.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

constexpr std::size_t node_batch = 200'000;
constexpr std::size_t vector_batch = 10'000;

constexpr std::string_view put_nodes_sql =
    "INSERT INTO triune_nodes (organization_id, label_id, id, properties) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (organization_id, label_id, id) DO UPDATE SET properties = excluded.properties "
    "WHERE triune_nodes.properties IS DISTINCT FROM excluded.properties";

/// Writes one batch within a job; returns how many entities changed.
using WriteBatch =
    std::function<Status(contract::RelationalSession&, projection::CatalogWriter&, std::span<const Change>, Loaded&)>;

/// Collects entities of one kind into batches, checks each, writes each batch in a job of its own.
template <class Entity>
Result<std::uint64_t> load_in_batches(const LoadContext& context, const Supplier<Entity>& next, const Entity& blank,
                                      std::size_t batch_limit, std::string_view stage, const WriteBatch& write_batch) {
  std::uint64_t done = 0;
  std::uint64_t changed = 0;
  std::vector<Change> batch;
  const auto flush = [&]() -> Status {
    Loaded loaded;
    auto embedded = context.embeddings.embed(batch, *context.catalog.snapshot(), load_deadline());
    if (embedded) batch = std::move(embedded->changes);
    TRIUNE_TRY(context.store.write(
        [&](contract::RelationalSession& session) -> Status {
          loaded = {};
          projection::CatalogWriter catalog(context.catalog, session);
          TRIUNE_TRY(keep_up({session, catalog, context.organization_id}));
          TRIUNE_TRY(write_batch(session, catalog, batch, loaded));
          loaded.catalog_changed = catalog.changed();
          return {};
        },
        load_deadline()));
    context.committed(loaded);
    if (embedded && embedded->pending > 0) context.embeddings.wake();
    changed += loaded.changed;
    batch.clear();
    if (context.progress) context.progress(stage, done, 0);
    return {};
  };
  for (;;) {
    Entity entity = blank;
    TRIUNE_ASSIGN(const bool more, next(entity));
    if (!more) break;
    ++done;
    batch.emplace_back(std::move(entity));
    if (const auto checked = check_changes(std::span(batch).last(1)); !checked) return at_entity(checked.error(), done);
    if (batch.size() >= batch_limit) TRIUNE_TRY(flush());
  }
  if (!batch.empty()) TRIUNE_TRY(flush());
  return changed;
}

Result<std::uint64_t> insert_nodes(contract::RelationalSession& session, std::int64_t organization,
                                   std::int64_t label_id, std::span<const Change> batch) {
  ChunkedInsert rows(session, put_nodes_sql, 4);
  for (const auto& change : batch) {
    const auto& node = std::get<PutNode>(change);
    TRIUNE_TRY(rows.add(organization, label_id, node.node.id, canonical_json(node.properties)));
  }
  TRIUNE_TRY(rows.flush());
  return rows.changed();
}

/// Whether every vector of the batch has the collection's dimension and no text; who has another is told by the
/// applier.
bool fits(std::span<const Change> batch, const projection::CatalogSnapshot& snapshot, std::int64_t collection_id) {
  const auto definition = snapshot.vector_collections.find(collection_id);
  return definition != snapshot.vector_collections.end() &&
         std::all_of(batch.begin(), batch.end(),
                     [&](const Change& change) {
                       const auto& vector = std::get<PutVector>(change);
                       return vector.values.size() == definition->second.dimension && vector.text.empty();
                     }) &&
         definition->second.embedder.empty();
}

}  // namespace

Result<std::uint64_t> load_all_nodes(const LoadContext& context, std::string_view label,
                                     const Supplier<PutNode>& next) {
  const auto organization = context.organization_id;
  const WriteBatch write_batch = [&](contract::RelationalSession& session, projection::CatalogWriter& catalog,
                                     std::span<const Change> batch, Loaded& loaded) -> Status {
    TRIUNE_TRY(check_not_mapped(session, organization, "node_mapping", label));
    TRIUNE_ASSIGN(const std::int64_t label_id, catalog.collection(organization, CollectionKind::label, label));
    TRIUNE_ASSIGN(const std::uint64_t existing, count_rows(session, "triune_nodes", organization));
    return insert_batch(session, organization, label_id, batch.size(), existing, loaded,
                        [&]() -> Result<std::uint64_t> {
                          for (const auto& change : batch)
                            TRIUNE_TRY(catalog.properties(label_id, std::get<PutNode>(change).properties));
                          TRIUNE_ASSIGN(const bool copies, has_bulk_path(session));
                          return copies ? copy_nodes(session, organization, label_id, batch)
                                        : insert_nodes(session, organization, label_id, batch);
                        });
  };
  return load_in_batches<PutNode>(context, next, PutNode{{std::string(label), {}}, {}}, node_batch, "loading nodes",
                                  write_batch);
}

Result<std::uint64_t> load_all_vectors(const LoadContext& context, std::int64_t collection_id,
                                       std::string_view collection, const Supplier<PutVector>& next) {
  const auto organization = context.organization_id;
  const auto snapshot = context.catalog.snapshot();
  const WriteBatch write_batch = [&](contract::RelationalSession& session, projection::CatalogWriter& catalog,
                                     std::span<const Change> batch, Loaded& loaded) -> Status {
    TRIUNE_ASSIGN(const std::uint64_t existing, count_rows(session, "triune_vectors", organization));
    return insert_batch(session, organization, collection_id, batch.size(), existing, loaded,
                        [&]() -> Result<std::uint64_t> {
                          TRIUNE_ASSIGN(const bool copies, has_bulk_path(session));
                          if (copies && fits(batch, *snapshot, collection_id))
                            return copy_vectors(session, organization, collection_id, batch);
                          ChangeApplier applier(session, catalog, *snapshot, organization);
                          if (session.dialect() == contract::Dialect::postgres) applier.hurry(nullptr);
                          TRIUNE_TRY(applier.apply(batch, {}));
                          // An answer, and with it those to everything sent before.
                          TRIUNE_TRY(projection::commit_lsn(session, organization));
                          return applier.changed();
                        });
  };
  return load_in_batches<PutVector>(context, next, PutVector{.collection = std::string(collection)}, vector_batch,
                                    "loading vectors", write_batch);
}

}  // namespace triune::hive
