// Status, verify, repair, rebuild, sweep.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/cluster_node.h"
#include "hive/implementation.h"
#include "hive/log_horizon.h"
#include "hive/log_retention.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

constexpr std::size_t example_limit = 20;
// Fewer entries than this are not worth a trim when the hive closes.
constexpr std::uint64_t trim_minimum = 100'000;
// Idempotency keys looked at in one write job.
constexpr std::int64_t trim_step = 5'000;

PoolStatus status_of(const contract::PoolStatistics& pool) {
  return {.name = pool.name,
          .size = pool.size,
          .active = pool.active,
          .waiting = pool.waiting,
          .wait_p99_ms = static_cast<double>(pool.wait_p99_us) / 1000,
          .errors = pool.connect_errors + pool.rejected + pool.timeouts,
          .utilisation = pool.utilisation};
}

BreakerStatus status_of(const contract::BreakerStatistics& breaker) {
  using State = contract::BreakerStatistics::State;
  const std::string_view state = breaker.state == State::closed ? "closed"
                                 : breaker.state == State::open ? "open"
                                                                : "half open";
  return {
      .name = breaker.name, .state = std::string(state), .opened = breaker.opened, .last_reason = breaker.last_reason};
}

Deadline maintenance_deadline() {
  return Deadline::after(std::chrono::minutes(10));
}

}  // namespace

Result<HiveStatus> Implementation::status() {
  TRIUNE_TRY(check_open());
  HiveStatus status{.location = location_.url.empty() ? directory_.string() : public_name(location_.url),
                    .directory = directory_.string(),
                    .incarnation = incarnation_};
  {
    TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, maintenance_deadline()));
    TRIUNE_ASSIGN(status.lsn, projection::log_head(*session, organization_id_));
    const auto count = [&](std::string_view sql) -> Result<std::uint64_t> {
      const std::array<Value, 1> parameters{organization_id_};
      TRIUNE_ASSIGN(const RowSet rows, session->query(sql, parameters, 1));
      return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
    };
    TRIUNE_ASSIGN(status.nodes, count("SELECT count(*) FROM triune_nodes WHERE organization_id = ?1"));
    TRIUNE_ASSIGN(status.edges, count("SELECT count(*) FROM triune_edges WHERE organization_id = ?1"));
    TRIUNE_ASSIGN(status.vectors, count("SELECT count(*) FROM triune_vectors WHERE organization_id = ?1"));
    TRIUNE_ASSIGN(status.blobs,
                  count("SELECT count(DISTINCT sha256) FROM triune_blob_references WHERE organization_id = ?1"));
    if (session->dialect() == contract::Dialect::postgres) {
      TRIUNE_ASSIGN(status.log, log_horizon(*session, organization_id_));
      TRIUNE_ASSIGN(status.processes, cluster_nodes(*session, organization_id_, node_id_));
    }
    TRIUNE_ASSIGN(status.embeddings, embeddings_->statuses(*session));
  }
  if (node_) status.chores = node_->chores();
  TRIUNE_ASSIGN(const auto statistics, store_->statistics());
  status.database_bytes = statistics.file_bytes + statistics.log_bytes;
  status.note = note_;
  status.routes = learned_->counts();
  for (const auto& pool : statistics.pools) status.pools.push_back(status_of(pool));
  for (const auto& breaker : statistics.breakers) status.breakers.push_back(status_of(breaker));
  for (auto* const worker : projections_->all_moving()) {
    // A projection that cannot be opened shows so in its state; the status itself has succeeded.
    static_cast<void>(worker->wait_until_open(Deadline::after(std::chrono::seconds(60))));
    status.projections.push_back(projections_->described(worker->exact_status()));
  }
  return status;
}

Status Implementation::check_blobs(VerifyReport& report, const Progress& progress) {
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, Deadline::never()));
  const std::array<Value, 1> parameters{organization_id_};
  return session->visit(
      "SELECT sha256, min(owner), min(name) FROM triune_blob_references WHERE organization_id = ?1 GROUP BY sha256",
      parameters, [&](std::span<const Value> row) -> Status {
        const auto& hash = std::get<std::string>(row[0]);
        ++report.blobs_checked;
        if (progress && report.blobs_checked % 100 == 0) progress("checking blobs", report.blobs_checked, 0);
        const auto checked = blobs_->check(hash);
        if (checked) return {};
        const bool missing = checked.error().code == ErrorCode::not_found;
        ++(missing ? report.blobs_missing : report.blobs_corrupt);
        if (report.blob_examples.size() < example_limit)
          report.blob_examples.push_back(fmt::format("{} blob {} of {} ({})", missing ? "missing" : "corrupt",
                                                     std::get<std::string>(row[2]), std::get<std::string>(row[1]),
                                                     hash));
        return {};
      });
}

Result<VerifyReport> Implementation::compare_all(bool repair, const Progress& progress) {
  TRIUNE_TRY(check_open());
  VerifyReport report;
  for (auto* const worker : projections_->all()) {
    TRIUNE_ASSIGN(Differences differences, worker->verify(repair, progress));
    report.projections.push_back(std::move(differences));
    report.lsn = std::max(report.lsn, worker->watermark());
  }
  TRIUNE_TRY(check_blobs(report, progress));
  report.ok = report.blobs_missing == 0 && report.blobs_corrupt == 0 &&
              std::all_of(report.projections.begin(), report.projections.end(), [](const Differences& one) {
                return one.missing == 0 && one.extra == 0 && one.different == 0;
              });
  return report;
}

Result<VerifyReport> Implementation::verify(const Progress& progress) {
  return compare_all(false, progress);
}

Result<VerifyReport> Implementation::repair(const Progress& progress) {
  return compare_all(true, progress);
}

Status Implementation::rebuild(std::string_view projection, const Progress& progress) {
  TRIUNE_TRY(check_open());
  if (!projection.empty()) {
    TRIUNE_ASSIGN(auto* const worker, projections_->named(projection));
    return worker->rebuild(progress);
  }
  for (auto* const worker : projections_->all()) TRIUNE_TRY(worker->rebuild(progress));
  return {};
}

Status Implementation::sweep_log() {
  if (node_id_.empty()) return trim_log();
  // A holder of its own: the chore of this process may be at it, and neither shall take the lease from the other.
  TRIUNE_TRY(sweep_shared_log(*store_, organization_id_, node_id_ + "/sweep"));
  return {};
}

Status Implementation::trim_log() {
  // Only what every projection holds durably may go (I3); the last entry stays, so that lsns go on from it.
  std::uint64_t keep_from = ~std::uint64_t{0};
  for (auto* const worker : projections_->all_that_follow()) {
    TRIUNE_ASSIGN(const std::uint64_t durable, worker->durable_watermark());
    keep_from = std::min(keep_from, durable);
  }
  std::uint64_t first = 0;
  std::uint64_t head = 0;
  {
    TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, maintenance_deadline()));
    TRIUNE_ASSIGN(first, projection::log_start(*session, organization_id_));
    TRIUNE_ASSIGN(head, projection::log_head(*session, organization_id_));
  }
  keep_from = std::min(keep_from, head);
  if (keep_from < first + trim_minimum) return {};
  return store_->write(
      [&](contract::RelationalSession& session) -> Status { return projection::trim_log_below(session, keep_from); },
      maintenance_deadline());
}

Status Implementation::trim_commits(bool only_when_due) {
  using std::chrono::milliseconds;
  const milliseconds retention = options_.idempotency_retention;
  if (retention.count() <= 0) return {};
  const auto now = std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto mark = fmt::format("commits_trimmed_at_{}", organization_id_);
  const milliseconds pause = only_when_due ? std::min<milliseconds>(retention, std::chrono::days(1)) : milliseconds(0);
  const std::array<Value, 3> looked_for{organization_id_, mark, std::int64_t{(now - pause).count()}};
  {
    TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, maintenance_deadline()));
    TRIUNE_ASSIGN(
        const RowSet due,
        session->query("SELECT 1 FROM triune_commits WHERE organization_id = ?1 AND NOT EXISTS (SELECT 1 FROM "
                       "triune_hive WHERE key = ?2 AND CAST(value AS bigint) > ?3) LIMIT 1",
                       looked_for, 1));
    if (due.rows.empty()) return {};
  }
  // Along the primary key in small steps, so that commits go on between them; an index by time would cost each commit.
  Value after = std::string();
  while (!is_null(after)) TRIUNE_TRY(trim_commits_step(after, (now - retention).count()));
  return store_->write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 2> done{mark, std::to_string(now.count())};
        TRIUNE_TRY(
            session.execute("INSERT INTO triune_hive (key, value) VALUES (?1, ?2) "
                            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                            done));
        return {};
      },
      maintenance_deadline());
}

Status Implementation::trim_commits_step(Value& after, std::int64_t before_ms) {
  Value last;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 3> range{organization_id_, after, trim_step};
        TRIUNE_ASSIGN(const RowSet rows,
                      session.query("SELECT max(k) FROM (SELECT idempotency_key AS k FROM triune_commits "
                                    "WHERE organization_id = ?1 AND idempotency_key > ?2 ORDER BY 1 LIMIT ?3) AS step",
                                    range, 1));
        last = rows.rows.at(0).at(0);
        if (is_null(last)) return {};
        const std::array<Value, 4> old{organization_id_, after, last, before_ms};
        TRIUNE_TRY(
            session.execute("DELETE FROM triune_commits WHERE organization_id = ?1 AND idempotency_key > ?2 "
                            "AND idempotency_key <= ?3 AND committed_at_ms < ?4",
                            old));
        return {};
      },
      maintenance_deadline()));
  after = std::move(last);
  return {};
}

Result<std::uint64_t> Implementation::sweep(std::chrono::seconds grace) {
  TRIUNE_TRY(check_open());
  const auto limit = std::chrono::system_clock::now() - grace;
  std::vector<std::string> candidates;
  TRIUNE_TRY(blobs_->visit([&](const contract::StoredBlob& blob) -> Status {
    if (blob.last_put <= limit) candidates.push_back(blob.hash);
    return {};
  }));
  std::uint64_t removed = 0;
  for (const auto& hash : candidates) {
    // Under the writer, so that no commit can take the reference between the look and the removal.
    TRIUNE_TRY(store_->write(
        [&](contract::RelationalSession& session) -> Status {
          const std::array<Value, 2> parameters{organization_id_, hash};
          TRIUNE_ASSIGN(const RowSet rows,
                        session.query("SELECT 1 FROM triune_blob_references WHERE organization_id = ?1 AND sha256 = ?2",
                                      parameters, 1));
          if (!rows.rows.empty()) return {};
          TRIUNE_ASSIGN(const bool gone, blobs_->remove(session, hash, limit));
          removed += gone ? 1 : 0;
          return {};
        },
        maintenance_deadline()));
  }
  TRIUNE_TRY(blobs_->sweep_temporaries(std::max(grace, std::chrono::seconds(3600))));
  TRIUNE_TRY(sweep_log());
  TRIUNE_TRY(trim_commits(false));
  return removed;
}

}  // namespace triune::hive
