// Two generations of a collection's vectors (triune_reembeddings).
//
//   begin ─▶ filling ─texts copied─▶ embedding ─finish─▶ replaced ─a minute─▶ dropped
//               └──────abort───────────┴─▶ (nothing)
//
// Invariants
//   M1 What is written to the older generation is written to the newer one in the same transaction, by triggers.
//   M2 The name goes over in one transaction, after every vector of the older one was found in the newer one.
//   M3 Who writes under an older dictionary after that writes to both, or is refused; nothing written is lost.
#include "triune/reembedding.h"

#include <fmt/format.h>

#include <array>
#include <thread>

#include "base/failpoint.h"
#include "base/try.h"
#include "hive/definitions.h"
#include "hive/dropped_collections.h"
#include "hive/implementation.h"
#include "hive/placement_record.h"
#include "placement/decide.h"
#include "projection/canonical_sql.h"
#include "projection/change_log.h"

namespace triune {
namespace {

using contract::RelationalSession;
using projection::CollectionKind;

constexpr std::int64_t copied_at_a_time = 2'000;
constexpr std::chrono::milliseconds look_again{200};

Deadline step_deadline() {
  return Deadline::after(std::chrono::minutes(5));
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

hive::Implementation& behind(Hive& hive) {
  return static_cast<hive::Implementation&>(hive);
}

std::string successor_name(std::string_view collection) {
  return fmt::format("{} (next)", collection);
}

/// One that is under way.
struct Generations {
  std::int64_t older = 0;
  std::int64_t newer = 0;
  std::string phase;
  std::int64_t filled_to = 0;
};

std::int64_t integer(const Value& value) {
  return std::get<std::int64_t>(value);
}

Result<std::int64_t> count(RelationalSession& session, std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, parameters, 1));
  return integer(rows.rows.at(0).at(0));
}

std::unexpected<Error> none_under_way(std::string_view collection) {
  return failure(ErrorCode::not_found,
                 fmt::format("the vectors of collection {} are not being made anew; begin with `triune collection "
                             "reembed {} --embedder NAME`",
                             collection, collection));
}

Result<std::optional<Generations>> find(RelationalSession& session, std::int64_t organization,
                                        std::string_view collection) {
  const std::array<Value, 2> parameters{organization, std::string(collection)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT r.collection_id, r.successor_id, r.phase, r.filled_to FROM triune_reembeddings r "
                              "JOIN triune_collections c ON c.collection_id = r.collection_id WHERE "
                              "c.organization_id = ?1 AND c.kind = 'vector' AND c.name = ?2 AND "
                              "r.phase IN ('filling', 'embedding')",
                              parameters, 1));
  if (rows.rows.empty()) return std::optional<Generations>();
  const auto& row = rows.rows[0];
  return std::optional(Generations{integer(row[0]), integer(row[1]), to_text(row[2]), integer(row[3])});
}

Result<Generations> find_in(hive::Implementation& hive, std::string_view collection) {
  TRIUNE_ASSIGN(const auto session, hive.store().read(contract::ReadScope::internal, step_deadline()));
  TRIUNE_ASSIGN(const auto found, find(*session, hive.organization_id(), collection));
  if (!found) return none_under_way(collection);
  return *found;
}

/// Vectors that have values and no text: nothing can be made of them.
Status check_texts(hive::Implementation& hive, std::int64_t collection_id, const std::string& name) {
  TRIUNE_ASSIGN(const auto session, hive.store().read(contract::ReadScope::internal, step_deadline()));
  const std::array<Value, 2> parameters{hive.organization_id(), collection_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT count(*), min(v.id) FROM triune_vectors v WHERE v.organization_id = ?1 AND "
                               "v.collection_id = ?2 AND NOT EXISTS (SELECT 1 FROM triune_vector_texts t WHERE "
                               "t.organization_id = v.organization_id AND t.vector_key = v.vector_key)",
                               parameters, 1));
  const auto missing = integer(rows.rows.at(0).at(0));
  if (missing == 0) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("{} vectors of collection {} were given without a text (for example {}), and no model can "
                             "make them anew; put them again with a text, or delete them",
                             missing, name, to_text(rows.rows[0][1])));
}

/// The newer generation of one that was given up, where the process died within that.
Status clear_leftovers(hive::Implementation& hive, const std::string& collection, const std::string& successor) {
  const auto left = hive.catalog().snapshot()->collection(hive.organization_id(), CollectionKind::vector, successor);
  if (!left) return {};
  auto under_way = find_in(hive, collection);
  if (under_way) return {};
  if (under_way.error().code != ErrorCode::not_found) return failure_of(under_way);
  TRIUNE_TRY(hive::drop_vectors(hive.store(), hive.organization_id(), *left));
  return hive.define_in_job(
      [&](RelationalSession& session, projection::CatalogWriter&) { return hive::forget_collection(session, *left); });
}

/// Records that it begins, unless it has; `conflict` when it is under way to another model.
Status record_begin(hive::Implementation& hive, std::int64_t older, const VectorCollection& successor) {
  const auto version = hive.embeddings().version_of(successor);
  return hive.define_in_job([&](RelationalSession& session, projection::CatalogWriter& catalog) -> Status {
    const std::array<Value, 1> key{older};
    TRIUNE_ASSIGN(const auto moving, count(session,
                                           "SELECT count(*) FROM triune_vector_collections WHERE collection_id = ?1 "
                                           "AND moving_to <> ''",
                                           key));
    if (moving > 0)
      return failure(ErrorCode::conflict,
                     "the collection is on the way to another vector engine; end that first (`triune vectors move`, or "
                     "with --abort)");
    TRIUNE_ASSIGN(const auto recent, count(session,
                                           "SELECT count(*) FROM triune_reembeddings WHERE successor_id = ?1 AND "
                                           "phase = 'replaced'",
                                           key));
    if (recent > 0) {
      auto error = failure(ErrorCode::conflict,
                           "its vectors were made anew a moment ago, and others may not know yet; "
                           "try again in two minutes");
      error.error().retry = Retry::safe;
      return error;
    }
    TRIUNE_TRY(hive::define({session, catalog, hive.organization_id()}, successor, version));
    TRIUNE_ASSIGN(const auto newer, catalog.collection(hive.organization_id(), CollectionKind::vector, successor.name));
    const std::array<Value, 4> row{older, hive.organization_id(), newer, now_ms()};
    TRIUNE_TRY(session.execute(
        "INSERT INTO triune_reembeddings (collection_id, organization_id, successor_id, phase, "
        "began_at_ms) VALUES (?1, ?2, ?3, 'filling', ?4) ON CONFLICT (organization_id, collection_id) DO NOTHING",
        row));
    return {};
  });
}

/// Copies the next texts; returns up to which key all are copied, or nothing at the end.
class Filling {
 public:
  Filling(hive::Implementation& hive, const Generations& generations)
      : hive_(hive), organization_(hive.organization_id()), generations_(generations) {}

  Result<std::optional<std::int64_t>> step(std::int64_t after) {
    std::optional<std::int64_t> last;
    std::uint64_t lsn = 0;
    TRIUNE_TRY(hive_.store().write(
        [&](RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(last, next_key(session, after));
          TRIUNE_TRY(last ? copy(session, after, *last) : Status());
          TRIUNE_TRY(note(session, last));
          TRIUNE_ASSIGN(lsn, projection::commit_lsn(session, organization_));
          return {};
        },
        step_deadline()));
    hive_.committed(lsn, false);
    base::failpoint("reembed.copied");
    return last;
  }

 private:
  /// The last of the next keys; on a server their vectors stay as they are until the transaction ends.
  Result<std::optional<std::int64_t>> next_key(RelationalSession& session, std::int64_t after) const {
    const bool locks = session.dialect() == contract::Dialect::postgres;
    const std::array<Value, 4> parameters{organization_, generations_.older, after, copied_at_a_time};
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query(fmt::format("SELECT vector_key FROM triune_vectors WHERE organization_id = ?1 AND "
                                            "collection_id = ?2 AND vector_key > ?3 ORDER BY vector_key LIMIT ?4{}",
                                            locks ? " FOR SHARE" : ""),
                                parameters, static_cast<std::size_t>(copied_at_a_time)));
    if (rows.rows.empty()) return std::optional<std::int64_t>();
    return std::optional(integer(rows.rows.back().at(0)));
  }

  /// What the triggers have copied already is newer.
  Status copy(RelationalSession& session, std::int64_t after, std::int64_t last) const {
    const std::array<Value, 6> parameters{organization_, generations_.older, after, last, generations_.newer, now_ms()};
    constexpr std::string_view piece =
        "v.organization_id = ?1 AND v.collection_id = ?2 AND v.vector_key > ?3 AND v.vector_key <= ?4";
    TRIUNE_TRY(session.execute(
        fmt::format("INSERT INTO triune_vectors (organization_id, collection_id, id, metadata) SELECT "
                    "v.organization_id, ?5, v.id, v.metadata FROM triune_vectors v JOIN triune_vector_texts t ON "
                    "t.organization_id = v.organization_id AND t.vector_key = v.vector_key WHERE {} "
                    "ON CONFLICT (organization_id, collection_id, id) DO NOTHING",
                    piece),
        std::span(parameters).first(5)));
    TRIUNE_TRY(session.execute(
        fmt::format(
            "INSERT INTO triune_vector_texts (organization_id, vector_key, collection_id, content, "
            "pending_since_ms, next_attempt_ms) SELECT s.organization_id, s.vector_key, s.collection_id, "
            "t.content, CAST(?6 AS bigint), CAST(?6 AS bigint) FROM triune_vectors v JOIN triune_vector_texts t "
            "ON t.organization_id = v.organization_id AND t.vector_key = v.vector_key JOIN triune_vectors s ON "
            "s.organization_id = v.organization_id AND s.collection_id = ?5 AND s.id = v.id WHERE {} "
            "ON CONFLICT (organization_id, vector_key) DO NOTHING",
            piece),
        parameters));
    return {};
  }

  Status note(RelationalSession& session, std::optional<std::int64_t> last) const {
    if (!last) {
      const std::array<Value, 2> ended{generations_.older, now_ms()};
      TRIUNE_TRY(
          session.execute("UPDATE triune_reembeddings SET phase = 'embedding', filled_at_ms = ?2 WHERE "
                          "collection_id = ?1 AND phase = 'filling'",
                          ended));
      return {};
    }
    const std::array<Value, 2> row{generations_.older, *last};
    TRIUNE_TRY(session.execute("UPDATE triune_reembeddings SET filled_to = ?2 WHERE collection_id = ?1", row));
    return {};
  }

  hive::Implementation& hive_;
  const std::int64_t organization_;
  const Generations generations_;
};

/// M2: every vector of the older generation is in the newer one, of the same text, and the other way round.
Status compare(RelationalSession& session, std::int64_t organization, const Generations& generations) {
  const std::array<Value, 3> parameters{organization, generations.older, generations.newer};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(
          fmt::format(
              "SELECT count(*), min(v.id) FROM triune_vectors v LEFT JOIN triune_vector_texts t ON "
              "t.organization_id = v.organization_id AND t.vector_key = v.vector_key LEFT JOIN triune_vectors s "
              "ON s.organization_id = v.organization_id AND s.collection_id = ?3 AND s.id = v.id LEFT JOIN "
              "triune_vector_texts n ON n.organization_id = s.organization_id AND n.vector_key = s.vector_key "
              "LEFT JOIN triune_vector_values x ON {} WHERE v.organization_id = ?1 AND v.collection_id = ?2 AND "
              "(n.content IS DISTINCT FROM t.content OR s.metadata IS DISTINCT FROM v.metadata OR n.content IS "
              "NULL OR (x.vector IS NULL AND n.pending_since_ms IS NULL))",
              projection::vector_value_is(session.dialect(), "s.organization_id", "s.vector_key")),
          parameters, 1));
  const auto different = integer(rows.rows.at(0).at(0));
  const std::array<Value, 3> reversed{organization, generations.newer, generations.older};
  TRIUNE_ASSIGN(
      const auto extra,
      count(session,
            "SELECT count(*) FROM triune_vectors v WHERE v.organization_id = ?1 AND v.collection_id = ?2 AND "
            "NOT EXISTS (SELECT 1 FROM triune_vectors o WHERE o.organization_id = ?1 AND o.collection_id = ?3 "
            "AND o.id = v.id)",
            reversed));
  if (different == 0 && extra == 0) return {};
  return failure(
      ErrorCode::conflict,
      fmt::format("{} vectors are not in the newer generation as they are in the older one (for example {}), "
                  "and {} are in the newer one only; vectors given without a text must be put again with "
                  "one, or deleted",
                  different, different > 0 ? to_text(rows.rows[0][1]) : "none", extra));
}

/// The name goes over (M2).
Status hand_over(RelationalSession& session, std::int64_t organization, const Generations& generations,
                 const std::string& name) {
  const auto rename = [&](std::int64_t id, const std::string& to) -> Status {
    const std::array<Value, 2> parameters{id, to};
    TRIUNE_TRY(session.execute("UPDATE triune_collections SET name = ?2 WHERE collection_id = ?1", parameters));
    return {};
  };
  TRIUNE_TRY(rename(generations.older, hive::replaced_name(name, generations.older)));
  TRIUNE_TRY(rename(generations.newer, name));
  const std::array<Value, 2> row{generations.older, now_ms()};
  TRIUNE_TRY(
      session.execute("UPDATE triune_reembeddings SET phase = 'replaced', replaced_at_ms = ?2 WHERE "
                      "collection_id = ?1",
                      row));
  const std::array<Value, 1> key{generations.newer};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT dimension, metric, owner_table, embedder FROM triune_vector_collections WHERE "
                              "collection_id = ?1",
                              key, 1));
  const auto& found = rows.rows.at(0);
  TRIUNE_ASSIGN(const auto metric, parse_metric(to_text(found[1])));
  return hive::record_placement(session, organization,
                                placement::decide_vectors({.name = name,
                                                           .dimension = static_cast<std::uint32_t>(integer(found[0])),
                                                           .metric = metric,
                                                           .owner_table = to_text(found[2]),
                                                           .embedder = to_text(found[3])},
                                                          {}, "reembed"),
                                false);
}

}  // namespace

Status Reembedding::begin(const ReembeddingRequest& request, const Progress& progress) {
  auto& hive = behind(hive_);
  TRIUNE_TRY(hive.check_open());
  TRIUNE_TRY(hive.catalog().reload(hive.store(), step_deadline()));
  const auto catalog = hive.catalog().snapshot();
  const auto older = catalog->collection(hive.organization_id(), CollectionKind::vector, request.collection);
  if (!older) return failure(ErrorCode::not_found, fmt::format("there is no vector collection {}", request.collection));
  auto successor = catalog->vector_collections.at(*older);
  if (successor.embedder.empty())
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("collection {} has no embedder, so its vectors have no texts to be made of", request.collection));
  successor.name = successor_name(request.collection);
  if (!request.embedder.empty()) successor.embedder = request.embedder;
  TRIUNE_ASSIGN(const auto own, hive.embeddings().dimension_of(successor.embedder));
  if (own != 0) successor.dimension = own;
  if (request.dimension != 0) successor.dimension = request.dimension;
  TRIUNE_TRY(hive.embeddings().check(successor));
  TRIUNE_TRY(check_texts(hive, *older, request.collection));
  TRIUNE_TRY(clear_leftovers(hive, request.collection, successor.name));
  TRIUNE_TRY(record_begin(hive, *older, successor));
  base::failpoint("reembed.recorded");
  TRIUNE_ASSIGN(const auto generations, find_in(hive, request.collection));
  TRIUNE_ASSIGN(const auto begun, status(request.collection));
  Filling filling(hive, generations);
  std::uint64_t copied = 0;
  for (std::optional<std::int64_t> after = generations.filled_to; generations.phase == "filling" && after;) {
    TRIUNE_ASSIGN(after, filling.step(*after));
    copied = std::min(begun.vectors, copied + static_cast<std::uint64_t>(copied_at_a_time));
    if (progress) progress("copying texts", copied, begun.vectors);
    hive.embeddings().wake();
  }
  return {};
}

Result<ReembeddingStatus> Reembedding::status(std::string_view collection) {
  auto& hive = behind(hive_);
  TRIUNE_TRY(hive.check_open());
  TRIUNE_ASSIGN(const auto session, hive.store().read(contract::ReadScope::internal, step_deadline()));
  TRIUNE_ASSIGN(const auto generations, find(*session, hive.organization_id(), collection));
  if (!generations) return none_under_way(collection);
  ReembeddingStatus status{.collection = std::string(collection)};
  const std::array<Value, 1> key{generations->newer};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session->query("SELECT embedder, dimension FROM triune_vector_collections WHERE collection_id = ?1", key, 1));
  status.embedder = to_text(rows.rows.at(0).at(0));
  status.dimension = static_cast<std::uint32_t>(integer(rows.rows[0][1]));
  const auto vectors_of = [&](std::int64_t id) -> Result<std::uint64_t> {
    const std::array<Value, 2> parameters{hive.organization_id(), id};
    TRIUNE_ASSIGN(const auto found, count(*session,
                                          "SELECT count(*) FROM triune_vectors WHERE organization_id = ?1 AND "
                                          "collection_id = ?2",
                                          parameters));
    return static_cast<std::uint64_t>(found);
  };
  TRIUNE_ASSIGN(status.vectors, vectors_of(generations->older));
  TRIUNE_ASSIGN(status.copied, vectors_of(generations->newer));
  TRIUNE_ASSIGN(status.pending, hive.embeddings().pending(*session, generations->newer));
  TRIUNE_ASSIGN(status.last_error, hive.embeddings().last_error(*session, generations->newer));
  if (generations->phase != "embedding") return status;
  // Texts written since all were copied may be on their way, as any new text may; but none may have failed.
  const std::array<Value, 3> late{hive.organization_id(), generations->newer, generations->older};
  TRIUNE_ASSIGN(const auto unfinished,
                count(*session,
                      "SELECT count(*) FROM triune_vector_texts WHERE organization_id = ?1 AND collection_id = ?2 AND "
                      "pending_since_ms IS NOT NULL AND (last_error <> '' OR pending_since_ms <= (SELECT filled_at_ms "
                      "FROM triune_reembeddings WHERE collection_id = ?3))",
                      late));
  status.ready = unfinished == 0;
  return status;
}

Result<ReembeddingStatus> Reembedding::wait(std::string_view collection, Deadline deadline, const Progress& progress) {
  for (;;) {
    behind(hive_).embeddings().wake();  // triggers tell nobody
    TRIUNE_ASSIGN(auto now, status(collection));
    if (progress) progress("embedding", now.copied - std::min(now.copied, now.pending), now.vectors);
    if (now.ready) return now;
    if (deadline.expired())
      return failure(
          ErrorCode::deadline_exceeded,
          fmt::format("{} of {} texts of collection {} are no vectors yet{}{}", now.pending, now.vectors, collection,
                      now.last_error.empty() ? "" : "; the embedder's last error: ", now.last_error));
    std::this_thread::sleep_for(std::min(look_again, deadline.remaining()));
  }
}

Status Reembedding::finish(std::string_view collection, Deadline deadline) {
  auto& hive = behind(hive_);
  TRIUNE_ASSIGN(const auto before, status(collection));
  if (!before.ready)
    return failure(ErrorCode::conflict, fmt::format("{} texts of collection {} are no vectors yet; wait until none is",
                                                    before.pending, collection));
  // The newer index answers from its first query on.
  TRIUNE_ASSIGN(const auto receipt, hive.receipt());
  TRIUNE_TRY(hive.wait({receipt.incarnation, receipt.lsn}, deadline));
  TRIUNE_TRY(hive.define_in_job([&](RelationalSession& session, projection::CatalogWriter&) -> Status {
    TRIUNE_ASSIGN(const auto generations, find(session, hive.organization_id(), collection));
    if (!generations) return none_under_way(collection);
    TRIUNE_TRY(compare(session, hive.organization_id(), *generations));
    TRIUNE_TRY(hand_over(session, hive.organization_id(), *generations, std::string(collection)));
    base::failpoint("reembed.handing_over");
    return {};
  }));
  base::failpoint("reembed.handed_over");
  hive.embeddings().wake();
  return {};
}

Status Reembedding::abort(std::string_view collection) {
  auto& hive = behind(hive_);
  TRIUNE_TRY(hive.check_open());
  TRIUNE_ASSIGN(const auto generations, find_in(hive, collection));
  // From now on nothing is written to it.
  TRIUNE_TRY(hive.define_in_job([&](RelationalSession& session, projection::CatalogWriter&) -> Status {
    const std::array<Value, 1> key{generations.older};
    TRIUNE_TRY(session.execute("DELETE FROM triune_reembeddings WHERE collection_id = ?1", key));
    return {};
  }));
  base::failpoint("reembed.given_up");
  TRIUNE_TRY(hive::drop_vectors(hive.store(), hive.organization_id(), generations.newer));
  return hive.define_in_job([&](RelationalSession& session, projection::CatalogWriter&) {
    return hive::forget_collection(session, generations.newer);
  });
}

}  // namespace triune
