// The projections of one organization and the threads that drive them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "projection/graph_projection.h"
#include "projection/vector_projection.h"
#include "projection/worker.h"

namespace triune::hive {

/// A projection of a known kind with its worker; both live as long as the set.
template <class P>
struct Driven {
  projection::ProjectionWorker* worker = nullptr;
  P* projection = nullptr;
};

/// Thread rule: any thread.
class ProjectionSet {
 public:
  struct Settings {
    projection::Environment
        environment;  ///< `root` is the organization's directory; each projection gets its own in it.
    const contract::Registry* registry = nullptr;
    std::uint64_t graph_memory_bytes = 0;
    bool background = true;  ///< Start threads as soon as there is something to project.
  };

  /// Removes what collections that are gone left on disk.
  explicit ProjectionSet(Settings settings);

  Driven<projection::GraphProjection> graph();
  /// `not_found` when there is no such collection.
  Result<Driven<projection::VectorProjection>> vector(std::string_view collection);
  /// Every projection the catalog calls for: the graph once there is a label, each vector collection.
  std::vector<projection::ProjectionWorker*> all();
  /// The same for whoever waits for them: one that does not move in the background does from now on, as do those that
  /// `graph` and `vector` return.
  std::vector<projection::ProjectionWorker*> all_moving();
  /// The one called `name`; `not_found`.
  Result<projection::ProjectionWorker*> named(std::string_view name);
  /// Tells all that the log grew.
  void notify(std::uint64_t head);
  std::vector<ProjectionStatus> statuses();
  /// From now on projections rest with their engines closed, and come up for whoever waits for one, until `let_go`.
  Status hold();
  /// The same but for one, which comes up and is brought to `lsn`; `not_found`, and the errors of waiting.
  Status hold_all_but(std::string_view name, std::uint64_t lsn, Deadline deadline);
  void let_go();
  /// Stops all threads, saving what they hold.
  void stop();

 private:
  void start(projection::ProjectionWorker& worker) const;  // with mutex_
  projection::ProjectionWorker* add(std::unique_ptr<projection::Projection> projection);
  Driven<projection::GraphProjection> graph_locked();
  Driven<projection::VectorProjection> vector_locked(std::int64_t collection_id, const VectorCollection& definition);

  Settings settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<projection::ProjectionWorker>> workers_;  // guarded by mutex_, grows only
  Driven<projection::GraphProjection> graph_;
  std::map<std::int64_t, Driven<projection::VectorProjection>> vectors_;
  bool stopped_ = false;
  bool held_ = false;
};

}  // namespace triune::hive
