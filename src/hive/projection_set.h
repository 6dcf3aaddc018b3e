// The projections of one organization and the threads that drive them.
//
// A collection's vectors follow the engine that the dictionary records. When that becomes another one, its copy is made
// here beside the one in use, which answers until the other holds as much:
//
//   in use ──begin_move, or another engine recorded──▶ in use, next one made ──recorded, and as far──▶ next in use
//     ▲                                                  │
//     └──────────── end_move, and not recorded ──────────┘  (what was made is removed)
//
// Invariant E1: one engine's folder belongs to one projection at a time; it comes back only when that is gone.
#pragma once

#include <filesystem>
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

/// A move under way: what answers now, and what is to.
struct MovingVectors {
  Driven<projection::VectorProjection> in_use;
  Driven<projection::VectorProjection> next;  ///< Not started.
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

  /// Removes what collections that are gone left on disk, and engines that they left.
  explicit ProjectionSet(Settings settings);

  Driven<projection::GraphProjection> graph();
  /// `not_found` when there is no such collection.
  Result<Driven<projection::VectorProjection>> vector(std::string_view collection);
  /// Makes room for the collection's copy by another engine; what an earlier move left there is taken up. Errors:
  /// `not_found`, `conflict` when it is being moved already, `unavailable` while files of that engine are being
  /// removed.
  Result<MovingVectors> begin_move(std::string_view collection, const std::string& engine);
  /// After `begin_move`, whatever became of it: the copy stays while the catalog calls for it, or for its move.
  void end_move(std::int64_t collection_id);
  bool is_moving(std::int64_t collection_id);
  /// Removes what moves that were given up left on disk.
  void forget_moves();
  /// Every projection the catalog calls for: the graph once there is a label, each vector collection.
  std::vector<projection::ProjectionWorker*> all();
  /// The same for whoever waits for them: one that does not move in the background does from now on, as do those that
  /// `graph` and `vector` return.
  std::vector<projection::ProjectionWorker*> all_moving();
  /// The one called `name`; `not_found`.
  Result<projection::ProjectionWorker*> named(std::string_view name);
  /// All of them, and those that are being made: what keeps the change log.
  std::vector<projection::ProjectionWorker*> all_that_follow();
  /// Tells all that the log grew.
  void notify(std::uint64_t head);
  std::vector<ProjectionStatus> statuses();
  /// What one says of itself, with the organization and where its collection moves.
  ProjectionStatus described(ProjectionStatus status);
  /// From now on projections rest with their engines closed, and come up for whoever waits for one, until `let_go`.
  Status hold();
  /// The same but for one, which comes up and is brought to `lsn`; `not_found`, and the errors of waiting.
  Status hold_all_but(std::string_view name, std::uint64_t lsn, Deadline deadline);
  void let_go();
  /// Stops all threads, saving what they hold.
  void stop();

 private:
  void start(projection::ProjectionWorker& worker) const;  // with mutex_
  projection::ProjectionWorker* add(std::unique_ptr<projection::Projection> projection, bool start_now = true);
  Driven<projection::GraphProjection> graph_locked();
  struct Vectors {
    Driven<projection::VectorProjection> in_use;
    Driven<projection::VectorProjection> next;  // without a worker when there is none
    bool moving = false;                        // between begin_move and end_move
  };
  void remove_leftovers();  // with mutex_, as what follows
  [[nodiscard]] bool is_called_for(const std::string& folder, std::int64_t collection_id) const;
  Driven<projection::VectorProjection> make_vectors(std::int64_t collection_id, const VectorCollection& definition,
                                                    const std::string& engine, bool start_now);
  Vectors& vectors_locked(std::int64_t collection_id, const VectorCollection& definition);
  /// Brings what is in use here nearer to what is recorded.
  void follow_record(std::int64_t collection_id, const VectorCollection& definition, Vectors& vectors);
  void drop_next(Vectors& vectors);
  [[nodiscard]] bool is_free(const std::filesystem::path& root) const;

  Settings settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<projection::ProjectionWorker>> workers_;  // guarded by mutex_, grows only
  Driven<projection::GraphProjection> graph_;
  std::map<std::int64_t, Vectors> vectors_;
  std::map<std::filesystem::path, const projection::ProjectionWorker*> retired_;  // by root: whose files go last
  bool stopped_ = false;
  bool held_ = false;
};

}  // namespace triune::hive
