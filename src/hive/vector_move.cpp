// A collection goes over to another vector engine (triune_vector_collections.engine, moving_to, moved_by).
//
//   recorded ─▶ built beside the one in use ─▶ compared ─▶ switched: the record ─▶ in use ─▶ files of the one before go
//      └────────── a kill: the next move goes on ──────────┘           └── a kill: the next open goes on
//
// Invariants
//   V1 The record alone says which engine it is: one UPDATE switches, after the copy was compared with the canonical
//   store. V2 Canonical rows and the change log know nothing of it, so no write waits, fails or is lost for it. V3 The
//   copy in use answers until the other one holds as much; only then do its files go (projection_set.h).
#include <fmt/format.h>

#include <array>
#include <thread>

#include "adapters/builtin.h"
#include "base/failpoint.h"
#include "base/try.h"
#include "hive/cluster_node.h"
#include "hive/implementation.h"
#include "hive/placement_record.h"
#include "hive/vector_engines.h"
#include "placement/decide.h"

namespace triune::hive {
namespace {

using contract::RelationalSession;

constexpr std::chrono::milliseconds look_again{10};
// Another node that was not heard of for so long does not move anything any more.
constexpr std::chrono::seconds lost_after{15};

struct RecordedMove {
  std::string engine;
  std::string moving_to;
  std::string moved_by;
};

std::unexpected<Error> conflict(std::string message) {
  return failure(ErrorCode::conflict, std::move(message));
}

Result<RecordedMove> recorded(RelationalSession& session, std::int64_t collection_id) {
  const std::array<Value, 1> key{collection_id};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT engine, moving_to, moved_by FROM triune_vector_collections WHERE collection_id = ?1", key,
                    1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, "the collection is gone");
  const auto& row = rows.rows[0];
  return RecordedMove{to_text(row[0]), to_text(row[1]), to_text(row[2])};
}

/// Whether a node that began a move still runs, and who it is.
Status check_mover(RelationalSession& session, std::int64_t organization_id, const std::string& self,
                   const RecordedMove& move, std::string_view collection) {
  if (move.moving_to.empty() || move.moved_by == self || session.dialect() != contract::Dialect::postgres) return {};
  TRIUNE_ASSIGN(const auto nodes, cluster_nodes(session, organization_id, self, lost_after));
  for (const auto& node : nodes)
    if (node.node_id == move.moved_by && node.state == NodeState::live)
      return conflict(fmt::format("collection {} is being moved to {} by another process ({}, pid {})", collection,
                                  move.moving_to, node.host, node.process_id));
  return {};
}

Status check_not_reembedded(RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                            std::string_view collection) {
  const std::array<Value, 2> parameters{organization_id, collection_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT 1 FROM triune_reembeddings WHERE organization_id = ?1 AND (collection_id = ?2 OR "
                              "successor_id = ?2) AND phase IN ('filling', 'embedding')",
                              parameters, 1));
  if (rows.rows.empty()) return {};
  return conflict(
      fmt::format("the vectors of collection {0} are being made anew by another model; end that first "
                  "(`triune collection reembed {0}`, or with --abort)",
                  collection));
}

}  // namespace

/// One move from its record to its end. In the use of one thread.
class VectorMoving {
 public:
  VectorMoving(Implementation& hive, std::string collection, std::string engine, std::int64_t collection_id)
      : hive_(hive), collection_(std::move(collection)), engine_(std::move(engine)), id_(collection_id) {}

  /// Writes down that it begins, or that this node goes on with it.
  Status record() {
    return hive_.define_in_job([&](RelationalSession& session, projection::CatalogWriter&) -> Status {
      TRIUNE_ASSIGN(const auto now, recorded(session, id_));
      if (now.engine == engine_) return conflict(fmt::format("collection {} is on {} already", collection_, engine_));
      TRIUNE_TRY(check_mover(session, hive_.organization_id(), hive_.node_id(), now, collection_));
      TRIUNE_TRY(check_not_reembedded(session, hive_.organization_id(), id_, collection_));
      from_ = now.engine;
      resumed_ = now.moving_to == engine_;
      const std::array<Value, 3> row{id_, engine_, hive_.node_id()};
      TRIUNE_TRY(session.execute(
          "UPDATE triune_vector_collections SET moving_to = ?2, moved_by = ?3 WHERE collection_id = ?1", row));
      return {};
    });
  }

  /// Fills the copy, keeps it up with the log, and compares it with the canonical store.
  Result<std::uint64_t> build(const MovingVectors& vectors, Deadline deadline, const Progress& progress) {
    TRIUNE_TRY(vectors.next.worker->bring_up(progress, deadline));
    base::failpoint("vector_move.built");
    vectors.next.worker->start();
    TRIUNE_TRY(vectors.next.worker->wait_for(vectors.in_use.worker->watermark(), deadline));
    TRIUNE_ASSIGN(const Differences found, vectors.next.worker->verify(false, progress));
    if (found.missing + found.extra + found.different > 0)
      return failure(ErrorCode::corruption,
                     fmt::format("{} does not hold what it was given of collection {}: {} vectors are missing, {} too "
                                 "many, {} different ({}); {} stays in use",
                                 engine_, collection_, found.missing, found.extra, found.different,
                                 found.examples.empty() ? "" : found.examples.front(), from_));
    base::failpoint("vector_move.verified");
    return found.checked;
  }

  /// V1
  Status switch_over(const VectorCollection& definition, std::uint64_t vectors) {
    TRIUNE_TRY(hive_.define_in_job([&](RelationalSession& session, projection::CatalogWriter&) -> Status {
      const std::array<Value, 3> row{id_, engine_, hive_.node_id()};
      TRIUNE_ASSIGN(const auto switched,
                    session.execute("UPDATE triune_vector_collections SET engine = ?2, moving_to = '', moved_by = '' "
                                    "WHERE collection_id = ?1 AND moving_to = ?2 AND moved_by = ?3",
                                    row));
      if (switched == 0)
        return conflict(
            fmt::format("the move of collection {} was given up, or another process went on with it; {} "
                        "stays in use here",
                        collection_, from_));
      TRIUNE_TRY(check_not_reembedded(session, hive_.organization_id(), id_, collection_));
      auto moved = definition;
      moved.engine = engine_;
      return record_placement(session, hive_.organization_id(),
                              placement::decide_vectors(moved, {.entities = vectors, .network = {}}, "move_vectors"),
                              false);
    }));
    base::failpoint("vector_move.switched");
    return {};
  }

  /// Until the copy answers here and the files of the one before are gone. What is late goes on by itself.
  Status settle(const MovingVectors& vectors, Deadline deadline) {
    while (!deadline.expired()) {
      TRIUNE_TRY(hive_.catalog().reload(hive_.store(), deadline));
      hive_.projections().end_move(id_);
      TRIUNE_ASSIGN(const auto now, hive_.projections().vector(collection_));
      if (now.worker == vectors.next.worker) break;
      std::this_thread::sleep_for(look_again);
    }
    base::failpoint("vector_move.in_use");
    static_cast<void>(vectors.in_use.worker->wait_until_gone(deadline));
    return {};
  }

  /// The copy goes, and nothing is recorded any more: after an error that the next move would meet again.
  void give_up() {
    static_cast<void>(hive_.define_in_job([&](RelationalSession& session, projection::CatalogWriter&) -> Status {
      const std::array<Value, 3> row{id_, engine_, hive_.node_id()};
      TRIUNE_TRY(
          session.execute("UPDATE triune_vector_collections SET moving_to = '', moved_by = '' WHERE "
                          "collection_id = ?1 AND moving_to = ?2 AND moved_by = ?3",
                          row));
      return {};
    }));
  }

  [[nodiscard]] const std::string& from() const { return from_; }
  [[nodiscard]] bool resumed() const { return resumed_; }

 private:
  Implementation& hive_;
  const std::string collection_;
  const std::string engine_;
  const std::int64_t id_;
  std::string from_;
  bool resumed_ = false;
};

Result<VectorMove> Implementation::move_vectors(std::string_view collection, const std::string& engine,
                                                Deadline deadline, const Progress& progress) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(catalog_.reload(*store_, deadline));
  const auto catalog = catalog_.snapshot();
  const auto id = catalog->collection(organization_id_, projection::CollectionKind::vector, collection);
  if (!id || !catalog->vector_collections.contains(*id))
    return failure(ErrorCode::not_found,
                   fmt::format("there is no vector collection {}; `triune status` lists them", collection));
  const auto& definition = catalog->vector_collections.at(*id);
  if (vector_engine_of(definition) == engine)
    return conflict(fmt::format("collection {} is on {} already", collection, engine));
  TRIUNE_TRY(check_vector_engine(adapters::builtin(), engine));
  auto begun = projections_->begin_move(collection, engine);
  // What was given up a moment ago may still be on its way out.
  while (!begun && begun.error().code == ErrorCode::unavailable && !deadline.expired()) {
    std::this_thread::sleep_for(look_again);
    begun = projections_->begin_move(collection, engine);
  }
  TRIUNE_ASSIGN(const auto vectors, std::move(begun));

  VectorMoving moving(*this, std::string(collection), engine, *id);
  const auto move = [&]() -> Result<std::uint64_t> {
    TRIUNE_TRY(moving.record());
    base::failpoint("vector_move.recorded");
    TRIUNE_ASSIGN(const auto compared, moving.build(vectors, deadline, progress));
    TRIUNE_TRY(moving.switch_over(definition, compared));
    return compared;
  };
  auto moved = move();
  if (!moved) {
    // After these the next move goes on from here.
    const auto code = moved.error().code;
    const bool goes_on =
        code == ErrorCode::deadline_exceeded || code == ErrorCode::cancelled || code == ErrorCode::unavailable;
    if (!goes_on) moving.give_up();
    projections_->end_move(*id);
    return failure_of(moved);
  }
  TRIUNE_TRY(moving.settle(vectors, deadline));
  return VectorMove{.collection = std::string(collection),
                    .from = moving.from(),
                    .to = engine,
                    .vectors = *moved,
                    .resumed = moving.resumed()};
}

Status Implementation::abort_vector_move(std::string_view collection) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(catalog_.reload(*store_, Deadline::after(std::chrono::seconds(30))));
  const auto catalog = catalog_.snapshot();
  const auto id = catalog->collection(organization_id_, projection::CollectionKind::vector, collection);
  if (!id || !catalog->vector_moves.contains(*id))
    return failure(ErrorCode::not_found, fmt::format("collection {} is not on the way to another engine", collection));
  if (projections_->is_moving(*id))
    return conflict(fmt::format("collection {} is being moved by this process", collection));
  TRIUNE_TRY(define_in_job([&](RelationalSession& session, projection::CatalogWriter&) -> Status {
    TRIUNE_ASSIGN(const auto now, recorded(session, *id));
    TRIUNE_TRY(check_mover(session, organization_id_, node_id_, now, collection));
    const std::array<Value, 1> key{*id};
    TRIUNE_TRY(session.execute(
        "UPDATE triune_vector_collections SET moving_to = '', moved_by = '' WHERE collection_id = ?1", key));
    return {};
  }));
  projections_->forget_moves();
  return {};
}

}  // namespace triune::hive
