// ProjectionSet: collections of vectors, by the engine that the dictionary records for each.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "hive/projection_set.h"
#include "hive/vector_engines.h"

namespace triune::hive {

using projection::CollectionKind;
using projection::VectorProjection;

namespace {

// So little behind, the next one takes over: under steady writes it may never be seen at the very same place, and reads
// wait for what they ask for anyway (I5).
constexpr std::uint64_t nearly = 1'000;

}  // namespace

bool ProjectionSet::is_called_for(const std::string& folder, std::int64_t collection_id) const {
  if (const auto driven = vectors_.find(collection_id); driven != vectors_.end())
    for (const auto* const projection : {driven->second.in_use.projection, driven->second.next.projection})
      if (projection != nullptr && folder == vector_folder(collection_id, projection->engine())) return true;
  const auto catalog = settings_.environment.catalog->snapshot();
  const auto known = catalog->vector_collections.find(collection_id);
  if (known == catalog->vector_collections.end()) return false;
  const auto recorded = vector_engine_of(known->second);
  const auto held = engine_on_disk(*settings_.registry, settings_.environment.root, collection_id, recorded);
  const auto move = catalog->vector_moves.find(collection_id);
  return folder == vector_folder(collection_id, recorded) || (held && folder == vector_folder(collection_id, *held)) ||
         (move != catalog->vector_moves.end() && folder == vector_folder(collection_id, move->second));
}

void ProjectionSet::remove_leftovers() {
  const auto& root = settings_.environment.root;
  std::error_code ignored;  // what cannot be removed now costs space and nothing else
  std::vector<std::filesystem::path> gone;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
    const auto folder = entry.path().filename().string();
    const auto id = collection_of_folder(folder);
    if (id && !is_called_for(folder, *id)) gone.push_back(entry.path());
  }
  for (const auto& folder : gone) std::filesystem::remove_all(folder, ignored);
}

Driven<VectorProjection> ProjectionSet::make_vectors(std::int64_t collection_id, const VectorCollection& definition,
                                                     const std::string& engine, bool start_now) {
  auto environment = settings_.environment;
  environment.root /= vector_folder(collection_id, engine);
  auto made = std::make_unique<VectorProjection>(environment, collection_id, definition, engine,
                                                 vector_factory(*settings_.registry, engine));
  Driven<VectorProjection> driven{.worker = nullptr, .projection = made.get()};
  driven.worker = add(std::move(made), start_now);
  return driven;
}

bool ProjectionSet::is_free(const std::filesystem::path& root) const {
  const auto last = retired_.find(root);
  return last == retired_.end() || last->second->is_gone();
}

ProjectionSet::Vectors& ProjectionSet::vectors_locked(std::int64_t collection_id, const VectorCollection& definition) {
  auto& vectors = vectors_[collection_id];
  if (vectors.in_use.worker == nullptr) {
    const auto recorded = vector_engine_of(definition);
    // One that was moved by another node while this one was closed is searched where it is until its copy is made.
    const auto engine =
        engine_on_disk(*settings_.registry, settings_.environment.root, collection_id, recorded).value_or(recorded);
    const auto catalog = settings_.environment.catalog->snapshot();
    const auto move = catalog->vector_moves.find(collection_id);
    const bool unfinished = move != catalog->vector_moves.end() && move->second == engine;
    vectors.in_use = make_vectors(collection_id, definition, unfinished ? recorded : engine, true);
  }
  follow_record(collection_id, definition, vectors);
  return vectors;
}

void ProjectionSet::follow_record(std::int64_t collection_id, const VectorCollection& definition, Vectors& vectors) {
  const auto recorded = vector_engine_of(definition);
  const auto next = vectors.next.worker == nullptr ? "" : vectors.next.projection->engine();
  if (recorded == vectors.in_use.projection->engine()) {
    const auto catalog = settings_.environment.catalog->snapshot();
    const auto move = catalog->vector_moves.find(collection_id);
    const bool called_for = vectors.moving || (move != catalog->vector_moves.end() && move->second == next);
    if (!next.empty() && !called_for) drop_next(vectors);
    return;
  }
  if (stopped_ || held_) return;
  if (!next.empty() && next != recorded && !vectors.moving) drop_next(vectors);
  if (vectors.next.worker == nullptr && is_free(settings_.environment.root / vector_folder(collection_id, recorded)))
    vectors.next = make_vectors(collection_id, definition, recorded, true);
  if (vectors.next.worker == nullptr || vectors.next.projection->engine() != recorded) return;
  const auto reached = vectors.in_use.worker->watermark();
  if (!vectors.next.worker->holds(reached - std::min(reached, nearly))) return;
  const auto before = std::exchange(vectors.in_use, std::exchange(vectors.next, {}));
  retired_[settings_.environment.root / vector_folder(collection_id, before.projection->engine())] = before.worker;
  before.worker->retire(*vectors.in_use.worker);
}

void ProjectionSet::drop_next(Vectors& vectors) {
  const auto dropped = std::exchange(vectors.next, {});
  retired_[settings_.environment.root /
           vector_folder(dropped.projection->collection_id(), dropped.projection->engine())] = dropped.worker;
  dropped.worker->retire(*vectors.in_use.worker);
}

Result<Driven<VectorProjection>> ProjectionSet::vector(std::string_view collection) {
  const auto catalog = settings_.environment.catalog->snapshot();
  const auto id = catalog->collection(settings_.environment.organization_id, CollectionKind::vector, collection);
  const auto definition = id ? catalog->vector_collections.find(*id) : catalog->vector_collections.end();
  if (definition == catalog->vector_collections.end())
    return failure(ErrorCode::not_found,
                   fmt::format("there is no vector collection {}; `triune status` lists them", collection));
  const std::scoped_lock lock(mutex_);
  const auto& vectors = vectors_locked(*id, definition->second);
  start(*vectors.in_use.worker);
  if (vectors.next.worker != nullptr && !vectors.moving) start(*vectors.next.worker);
  return vectors.in_use;
}

Result<MovingVectors> ProjectionSet::begin_move(std::string_view collection, const std::string& engine) {
  const auto catalog = settings_.environment.catalog->snapshot();
  const auto id = catalog->collection(settings_.environment.organization_id, CollectionKind::vector, collection);
  if (!id || !catalog->vector_collections.contains(*id))
    return failure(ErrorCode::not_found, fmt::format("there is no vector collection {}", collection));
  const auto& definition = catalog->vector_collections.at(*id);
  const std::scoped_lock lock(mutex_);
  auto& vectors = vectors_locked(*id, definition);
  if (vectors.moving)
    return failure(ErrorCode::conflict, fmt::format("collection {} is being moved by this process", collection));
  if (vectors.in_use.projection->engine() == engine)
    return failure(ErrorCode::conflict, fmt::format("collection {} is searched in {} here", collection, engine));
  if (vectors.next.worker != nullptr && vectors.next.projection->engine() != engine) drop_next(vectors);
  const auto root = settings_.environment.root / vector_folder(*id, engine);
  if (vectors.next.worker == nullptr && !is_free(root)) {
    auto busy = failure(
        ErrorCode::unavailable,
        fmt::format("what {} held of collection {} before is still being removed; try again", engine, collection));
    busy.error().retry = Retry::safe;
    return busy;
  }
  if (vectors.next.worker == nullptr) vectors.next = make_vectors(*id, definition, engine, false);
  vectors.moving = true;
  start(*vectors.in_use.worker);
  return MovingVectors{.in_use = vectors.in_use, .next = vectors.next};
}

void ProjectionSet::end_move(std::int64_t collection_id) {
  const auto catalog = settings_.environment.catalog->snapshot();
  const std::scoped_lock lock(mutex_);
  auto& vectors = vectors_.at(collection_id);
  vectors.moving = false;
  if (const auto known = catalog->vector_collections.find(collection_id); known != catalog->vector_collections.end())
    follow_record(collection_id, known->second, vectors);
}

bool ProjectionSet::is_moving(std::int64_t collection_id) {
  const std::scoped_lock lock(mutex_);
  const auto known = vectors_.find(collection_id);
  return known != vectors_.end() && known->second.moving;
}

void ProjectionSet::forget_moves() {
  static_cast<void>(all());  // those that were made here go
  const std::scoped_lock lock(mutex_);
  bool busy = false;
  for (const auto& [root, worker] : retired_) busy = busy || !worker->is_gone();
  if (!busy) remove_leftovers();
}

ProjectionStatus ProjectionSet::described(ProjectionStatus status) {
  status.organization = settings_.environment.organization;
  constexpr std::string_view prefix = "vector:";
  if (!status.name.starts_with(prefix)) return status;
  const auto catalog = settings_.environment.catalog->snapshot();
  const auto id = catalog->collection(settings_.environment.organization_id, CollectionKind::vector,
                                      std::string_view(status.name).substr(prefix.size()));
  if (!id) return status;
  if (const auto move = catalog->vector_moves.find(*id); move != catalog->vector_moves.end())
    status.moving_to = move->second;
  const std::scoped_lock lock(mutex_);
  const auto known = vectors_.find(*id);
  if (known == vectors_.end() || known->second.next.worker == nullptr) return status;
  const auto next = known->second.next.worker->status();
  status.moving_to = next.engine;
  if (status.error.empty() && !next.error.empty())
    status.error = fmt::format("cannot go over to {}: {}", next.engine, next.error);
  return status;
}

}  // namespace triune::hive
