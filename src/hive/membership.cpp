// One process among several on a shared store: registration, chores, what others define.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/log_retention.h"
#include "hive/schema_upkeep.h"
#include "hive/store_identity.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

constexpr std::chrono::seconds schema_interval{2};
constexpr std::chrono::seconds history_interval{10};
constexpr std::chrono::minutes retention_interval{1};

Deadline chore_deadline() {
  return Deadline::after(std::chrono::seconds(30));
}

}  // namespace

Status Implementation::join() {
  if (node_id_.empty()) return {};
  TRIUNE_ASSIGN(kept_watermark_, watermark_of_last_time());
  TRIUNE_ASSIGN(
      node_, ClusterNode::join(*store_, {.node_id = node_id_, .organization_id = organization_id_, .watermark = [this] {
                                           return needed_watermark();
                                         }}));
  node_->add_chore("schema", schema_interval, [this] { return follow_schema(); });
  node_->add_chore("history", history_interval, [this] { return follow_history(); });
  node_->add_chore("log retention", retention_interval, [this]() -> Status {
    TRIUNE_TRY(sweep_shared_log(*store_, organization_id_, node_id_));
    return {};
  });
  // Others' commits show sooner than by looking now and then, where the server can tell of them.
  auto signal = store_->change_signal("triune_log_" + incarnation_, [this] { projections_->notify(0); });
  if (!signal && signal.error().code != ErrorCode::unsupported) return failure_of(signal);
  if (signal) signal_ = std::move(*signal);
  return {};
}

Result<std::optional<std::uint64_t>> Implementation::watermark_of_last_time() {
  using Watermark = std::optional<std::uint64_t>;
  std::error_code absent;
  if (!std::filesystem::exists(directory_ / "projections" / std::to_string(organization_id_), absent))
    return Watermark();
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, chore_deadline()));
  const std::array<Value, 2> parameters{node_id_, organization_id_};
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT watermark FROM triune_cluster_nodes WHERE node_id = ?1 "
                                                  "AND organization_id = ?2 AND watermark IS NOT NULL",
                                                  parameters, 1));
  if (rows.rows.empty()) return Watermark();
  return Watermark(static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows[0][0])));
}

Result<std::optional<std::uint64_t>> Implementation::needed_watermark() {
  // One that was not opened by this process still stands where the last one left it.
  std::optional<std::uint64_t> lowest;
  for (auto* const worker : projections_->all_that_follow()) {
    TRIUNE_ASSIGN(std::uint64_t durable, worker->durable_watermark());
    if (durable == 0) {
      if (!kept_watermark_) continue;  // it is made anew from a snapshot and needs none of the log
      durable = *kept_watermark_;
    }
    lowest = std::min(lowest.value_or(durable), durable);
  }
  return lowest;
}

Status Implementation::follow_schema() {
  bool current = false;
  {
    TRIUNE_TRY(catalog_.reload(*store_, chore_deadline()));
    static_cast<void>(projections_->all());  // they follow what others recorded
    TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, chore_deadline()));
    TRIUNE_ASSIGN(current, schema_is_current(*session));
  }
  if (current) return {};
  shapes_.forget();
  std::uint64_t lsn = 0;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        projection::CatalogWriter catalog(catalog_, session);
        TRIUNE_TRY(keep_up({session, catalog, organization_id_}));
        TRIUNE_ASSIGN(lsn, projection::commit_lsn(session, organization_id_));
        return {};
      },
      chore_deadline()));
  committed(lsn, true);
  return {};
}

Status Implementation::follow_history() {
  auto same = check_incarnation(*store_, incarnation_, chore_deadline());
  if (!same && same.error().code == ErrorCode::conflict) history_changed_ = true;
  return same;
}

std::shared_ptr<const projection::CatalogSnapshot> Implementation::catalog_with(projection::CollectionKind kind,
                                                                                std::string_view name) {
  auto snapshot = catalog_.snapshot();
  if (node_id_.empty() || name.empty() || snapshot->collection(organization_id_, kind, name)) return snapshot;
  // Another node may have made it. Without an answer what is known here decides.
  if (catalog_.reload(*store_, ReadOptions{}.deadline)) snapshot = catalog_.snapshot();
  return snapshot;
}

void Implementation::know_collections(std::span<const Change> changes) {
  for (const auto& change : changes) {
    const auto* const put = std::get_if<PutVector>(&change);
    const auto* const removed = std::get_if<DeleteVector>(&change);
    if (put != nullptr || removed != nullptr)
      static_cast<void>(
          catalog_with(projection::CollectionKind::vector, put != nullptr ? put->collection : removed->collection));
  }
}

}  // namespace triune::hive
