#include "hive/projection_set.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "base/try.h"

namespace triune::hive {

using projection::CollectionKind;
using projection::GraphProjection;
using projection::ProjectionWorker;
using projection::VectorProjection;

namespace {

std::string vector_folder(std::int64_t collection_id) {
  return fmt::format("vector-{}", collection_id);
}

}  // namespace

ProjectionSet::ProjectionSet(Settings settings) : settings_(std::move(settings)) {
  std::set<std::string> kept;
  for (const auto& [id, definition] : settings_.environment.catalog->snapshot()->vector_collections)
    kept.insert(vector_folder(id));
  std::error_code ignored;  // what cannot be removed now costs space and nothing else
  std::vector<std::filesystem::path> gone;
  for (const auto& entry : std::filesystem::directory_iterator(settings_.environment.root, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("vector-") && !kept.contains(name)) gone.push_back(entry.path());
  }
  for (const auto& folder : gone) std::filesystem::remove_all(folder, ignored);
}

ProjectionWorker* ProjectionSet::add(std::unique_ptr<projection::Projection> projection) {
  workers_.push_back(std::make_unique<ProjectionWorker>(*settings_.environment.canonical, std::move(projection)));
  if (settings_.background && !stopped_ && !held_) workers_.back()->start();
  return workers_.back().get();
}

Driven<GraphProjection> ProjectionSet::graph_locked() {
  if (graph_.worker != nullptr) return graph_;
  auto environment = settings_.environment;
  environment.root /= "graph";
  environment.engine.memory_bytes = settings_.graph_memory_bytes;
  const std::string engine = "kuzu";
  auto made = std::make_unique<GraphProjection>(environment, engine, settings_.registry->graph.at(engine));
  graph_.projection = made.get();
  graph_.worker = add(std::move(made));
  return graph_;
}

Driven<VectorProjection> ProjectionSet::vector_locked(std::int64_t collection_id, const VectorCollection& definition) {
  auto& driven = vectors_[collection_id];
  if (driven.worker != nullptr) return driven;
  auto environment = settings_.environment;
  environment.root /= vector_folder(collection_id);
  const std::string engine = "usearch";
  auto made = std::make_unique<VectorProjection>(environment, collection_id, definition, engine,
                                                 settings_.registry->vector.at(engine));
  driven.projection = made.get();
  driven.worker = add(std::move(made));
  return driven;
}

Driven<GraphProjection> ProjectionSet::graph() {
  const std::scoped_lock lock(mutex_);
  auto driven = graph_locked();
  start(*driven.worker);
  return driven;
}

Result<Driven<VectorProjection>> ProjectionSet::vector(std::string_view collection) {
  const auto catalog = settings_.environment.catalog->snapshot();
  const auto id = catalog->collection(settings_.environment.organization_id, CollectionKind::vector, collection);
  const auto definition = id ? catalog->vector_collections.find(*id) : catalog->vector_collections.end();
  if (definition == catalog->vector_collections.end())
    return failure(ErrorCode::not_found,
                   fmt::format("there is no vector collection {}; `triune status` lists them", collection));
  const std::scoped_lock lock(mutex_);
  auto driven = vector_locked(*id, definition->second);
  start(*driven.worker);
  return driven;
}

void ProjectionSet::start(ProjectionWorker& worker) const {
  if (!stopped_) worker.start();
}

std::vector<ProjectionWorker*> ProjectionSet::all_moving() {
  auto workers = all();
  const std::scoped_lock lock(mutex_);
  for (auto* const worker : workers) start(*worker);
  return workers;
}

std::vector<ProjectionWorker*> ProjectionSet::all() {
  const auto catalog = settings_.environment.catalog->snapshot();
  const auto organization = settings_.environment.organization_id;
  const std::scoped_lock lock(mutex_);
  if (!catalog->collections_of(organization, CollectionKind::label).empty()) graph_locked();
  for (const auto id : catalog->collections_of(organization, CollectionKind::vector))
    if (const auto found = catalog->vector_collections.find(id); found != catalog->vector_collections.end())
      vector_locked(id, found->second);
  std::set<const ProjectionWorker*> gone;
  for (const auto& [id, driven] : vectors_)
    if (!catalog->vector_collections.contains(id)) gone.insert(driven.worker);
  std::vector<ProjectionWorker*> workers;
  for (const auto& worker : workers_)
    if (!gone.contains(worker.get())) workers.push_back(worker.get());
  return workers;
}

Result<ProjectionWorker*> ProjectionSet::named(std::string_view name) {
  std::string known;
  for (auto* const worker : all()) {
    const auto status = worker->status();
    if (status.name == name) return worker;
    known += (known.empty() ? "" : ", ") + status.name;
  }
  return failure(ErrorCode::not_found,
                 fmt::format("there is no projection {}; there are: {}", name, known.empty() ? "none" : known));
}

void ProjectionSet::notify(std::uint64_t head) {
  for (auto* const worker : all()) worker->notify(head);
}

std::vector<ProjectionStatus> ProjectionSet::statuses() {
  std::vector<ProjectionStatus> statuses;
  for (auto* const worker : all()) {
    statuses.push_back(worker->status());
    statuses.back().organization = settings_.environment.organization;
  }
  return statuses;
}

Status ProjectionSet::hold() {
  {
    const std::scoped_lock lock(mutex_);
    held_ = true;
  }
  for (auto* const worker : all()) TRIUNE_TRY(worker->put_to_sleep());
  return {};
}

Status ProjectionSet::hold_all_but(std::string_view name, std::uint64_t lsn, Deadline deadline) {
  TRIUNE_ASSIGN(ProjectionWorker* const wanted, named(name));
  for (auto* const worker : all())
    if (worker != wanted) TRIUNE_TRY(worker->put_to_sleep());
  {
    const std::scoped_lock lock(mutex_);
    start(*wanted);
  }
  return wanted->wait_for(lsn, deadline);
}

void ProjectionSet::let_go() {
  {
    const std::scoped_lock lock(mutex_);
    held_ = false;
  }
  if (!settings_.background) return;
  for (auto* const worker : all_moving()) worker->wake();
}

void ProjectionSet::stop() {
  std::vector<ProjectionWorker*> workers;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    for (const auto& worker : workers_) workers.push_back(worker.get());
  }
  for (auto* const worker : workers) worker->stop();
}

}  // namespace triune::hive
