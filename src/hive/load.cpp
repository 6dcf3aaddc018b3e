// Bulk loads: the projection concerned rests meanwhile and takes what was loaded at once.
#include "base/memory.h"
#include "base/try.h"
#include "hive/bulk.h"
#include "hive/implementation.h"

namespace triune::hive {

using projection::ProjectionWorker;

Result<Receipt> Implementation::load_nodes(std::string_view label, const Supplier<PutNode>& next,
                                           const Progress& progress) {
  TRIUNE_TRY(check_open());
  const ProjectionWorker::Pause pause(*projections_->graph().worker);
  TRIUNE_ASSIGN(const std::uint64_t changed, load_all_nodes(load_context(progress), label, next));
  statistics_->loaded(changed);
  base::release_free_memory();
  return make_receipt(session_lsn_, changed);
}

Result<Receipt> Implementation::load_edges(std::string_view type, std::string_view from_label,
                                           std::string_view to_label, const Supplier<PutEdge>& next,
                                           const Progress& progress) {
  TRIUNE_TRY(check_open());
  for (const auto label : {from_label, to_label})
    static_cast<void>(catalog_with(projection::CollectionKind::label, label));
  const ProjectionWorker::Pause pause(*projections_->graph().worker);
  TRIUNE_ASSIGN(const std::uint64_t changed, load_all_edges(load_context(progress), type, from_label, to_label, next));
  statistics_->loaded(changed);
  base::release_free_memory();
  return make_receipt(session_lsn_, changed);
}

Result<Receipt> Implementation::load_vectors(std::string_view collection, const Supplier<PutVector>& next,
                                             const Progress& progress) {
  TRIUNE_TRY(check_open());
  static_cast<void>(catalog_with(projection::CollectionKind::vector, collection));
  TRIUNE_ASSIGN(const auto driven, projections_->vector(collection));
  const ProjectionWorker::Pause pause(*driven.worker);
  TRIUNE_ASSIGN(const std::uint64_t changed,
                load_all_vectors(load_context(progress), driven.projection->collection_id(), collection, next));
  statistics_->loaded(changed);
  base::release_free_memory();
  return make_receipt(session_lsn_, changed);
}

LoadContext Implementation::load_context(const Progress& progress) {
  return {.store = *store_,
          .catalog = catalog_,
          .organization_id = organization_id_,
          .committed = [this](const Loaded& loaded) { committed(loaded.lsn, loaded.catalog_changed); },
          .progress = progress,
          .embeddings = *embeddings_};
}

}  // namespace triune::hive
