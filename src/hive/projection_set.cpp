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

ProjectionSet::ProjectionSet(Settings settings) : settings_(std::move(settings)) {
  remove_leftovers();
}

ProjectionWorker* ProjectionSet::add(std::unique_ptr<projection::Projection> projection, bool start_now) {
  workers_.push_back(std::make_unique<ProjectionWorker>(*settings_.environment.canonical, std::move(projection)));
  if (start_now && settings_.background && !stopped_ && !held_) workers_.back()->start();
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

Driven<GraphProjection> ProjectionSet::graph() {
  const std::scoped_lock lock(mutex_);
  auto driven = graph_locked();
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
  std::set<const ProjectionWorker*> called_for;
  if (!catalog->collections_of(organization, CollectionKind::label).empty()) graph_locked();
  if (graph_.worker != nullptr) called_for.insert(graph_.worker);
  for (const auto id : catalog->collections_of(organization, CollectionKind::vector))
    if (const auto found = catalog->vector_collections.find(id); found != catalog->vector_collections.end())
      called_for.insert(vectors_locked(id, found->second).in_use.worker);
  std::vector<ProjectionWorker*> workers;
  for (const auto& worker : workers_)
    if (called_for.contains(worker.get())) workers.push_back(worker.get());
  return workers;
}

std::vector<ProjectionWorker*> ProjectionSet::all_that_follow() {
  auto workers = all();
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, vectors] : vectors_)
    // One whose engine is out is made anew from a snapshot anyway.
    if (vectors.next.worker != nullptr && vectors.next.worker->status().state != ProjectionState::quarantined)
      workers.push_back(vectors.next.worker);
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
  for (auto* const worker : all()) statuses.push_back(described(worker->status()));
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
