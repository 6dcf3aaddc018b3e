#include "projection/graph_projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/failpoint.h"
#include "base/try.h"

namespace triune::projection {
namespace {

using contract::GraphBatch;
using contract::GraphStore;

constexpr std::size_t batch_limit = 4096;
constexpr int registration_attempts = 8;
// Measured: an upsert costs about 35 µs an entity, a bulk load about 2 µs.
constexpr std::uint64_t bulk_minimum = 20'000;
constexpr std::uint64_t bulk_advantage = 16;

Deadline engine_deadline() {
  return Deadline::after(std::chrono::minutes(5));
}

/// Whoever waits for a second session while holding one gives up soon: all that do could be waiting for each other, or
/// for a store that gives no more.
Deadline second_session_deadline() {
  return Deadline::after(std::chrono::seconds(5));
}

constexpr std::string_view select_edges_at =
    "SELECT e.type_id, e.from_node || '>' || e.to_node FROM triune_nodes n JOIN triune_collections c "
    "ON c.organization_id = n.organization_id AND c.kind = 'type' JOIN triune_edges e "
    "ON e.organization_id = n.organization_id AND e.type_id = c.collection_id AND e.from_node = n.node_id "
    "WHERE n.organization_id = ?1 AND n.label_id = ?2 AND n.id = ?3 UNION "
    "SELECT e.type_id, e.from_node || '>' || e.to_node FROM triune_nodes n JOIN triune_collections c "
    "ON c.organization_id = n.organization_id AND c.kind = 'type' JOIN triune_edges e "
    "ON e.organization_id = n.organization_id AND e.type_id = c.collection_id AND e.to_node = n.node_id "
    "WHERE n.organization_id = ?1 AND n.label_id = ?2 AND n.id = ?3";

bool is_refusal(const Error& error) {
  return error.code == ErrorCode::invalid_argument || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::conflict || error.code == ErrorCode::unsupported;
}

std::size_t size_of(const GraphBatch& batch) {
  return batch.put_nodes.size() + batch.put_edges.size() + batch.delete_nodes.size() + batch.delete_edges.size();
}

std::string describe_only(const GraphBatch& batch) {
  if (!batch.put_nodes.empty()) return describe(batch.put_nodes[0].node);
  if (!batch.put_edges.empty()) return describe(batch.put_edges[0].edge);
  if (!batch.delete_nodes.empty()) return describe(batch.delete_nodes[0]);
  return describe(batch.delete_edges.at(0));
}

template <class T>
std::vector<T> take_half(std::vector<T>& from, std::size_t& budget) {
  const std::size_t count = std::min(budget, from.size());
  budget -= count;
  std::vector<T> taken(std::make_move_iterator(from.begin()),
                       std::make_move_iterator(from.begin() + static_cast<std::ptrdiff_t>(count)));
  from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
  return taken;
}

/// The first half of a batch in the order in which engines apply it; `batch` keeps the second.
GraphBatch split(GraphBatch& batch) {
  std::size_t budget = size_of(batch) / 2;
  GraphBatch first;
  first.delete_edges = take_half(batch.delete_edges, budget);
  first.delete_nodes = take_half(batch.delete_nodes, budget);
  first.put_nodes = take_half(batch.put_nodes, budget);
  first.put_edges = take_half(batch.put_edges, budget);
  return first;
}

}  // namespace

GraphProjection::GraphProjection(Environment environment, std::string engine, contract::Factory<GraphStore> factory)
    : environment_(std::move(environment)),
      engine_(std::move(engine)),
      factory_(std::move(factory)),
      generations_(environment_.root, engine_),
      set_aside_(*environment_.canonical, environment_.organization_id, environment_.node, "graph") {}

std::shared_ptr<GraphStore> GraphProjection::store() const {
  const std::scoped_lock lock(store_mutex_);
  return store_;
}

void GraphProjection::set_store(std::shared_ptr<GraphStore> store) {
  const std::scoped_lock lock(store_mutex_);
  store_ = std::move(store);
}

Result<std::optional<std::uint64_t>> GraphProjection::open() {
  using Opened = std::optional<std::uint64_t>;
  TRIUNE_ASSIGN(const auto directory, generations_.current());
  if (!directory) return Opened();
  TRIUNE_TRY(generations_.remove_others());
  auto options = environment_.engine;
  options.path = *directory;
  TRIUNE_ASSIGN(std::shared_ptr<GraphStore> store, factory_(options));
  TRIUNE_ASSIGN(const auto position, store->position());
  TRIUNE_ASSIGN(const auto session, environment_.canonical->read(contract::ReadScope::internal, engine_deadline()));
  TRIUNE_ASSIGN(const std::uint64_t head, log_head(*session, environment_.organization_id));
  TRIUNE_ASSIGN(const std::uint64_t start, log_start(*session, environment_.organization_id));
  TRIUNE_TRY(set_aside_.load(*session));
  // I3: another history, a position from the future of this one, or a log that no longer reaches back: start anew.
  if (!position || position->incarnation != environment_.incarnation || position->lsn > head ||
      position->lsn + 1 < start)
    return Opened();
  set_store(std::move(store));
  ensured_catalog_.reset();
  watermark_ = position->lsn;
  TRIUNE_TRY(count());
  return Opened(position->lsn);
}

Status GraphProjection::register_properties(const std::vector<std::pair<std::int64_t, Record>>& properties) {
  TRIUNE_TRY(environment_.canonical->write(
      [&](contract::RelationalSession& session) -> Status {
        CatalogWriter writer(*environment_.catalog, session);
        for (const auto& [collection_id, record] : properties) TRIUNE_TRY(writer.properties(collection_id, record));
        return {};
      },
      engine_deadline()));
  return environment_.catalog->reload(*environment_.canonical, engine_deadline());
}

std::uint64_t GraphProjection::max_text_bytes() const {
  return store_->capabilities().max_text_bytes;
}

Result<GraphBatch> GraphProjection::build(contract::RelationalSession& canonical, const std::vector<LogEntry>& entries,
                                          std::vector<Refused>& refused) {
  for (int attempt = 0; attempt < registration_attempts; ++attempt) {
    const auto catalog = environment_.catalog->snapshot();
    GraphBatchBuilder builder(canonical, *catalog, environment_.organization_id, max_text_bytes());
    auto batch = builder.build(entries);
    refused = builder.refused();
    if (!batch || builder.unregistered().empty()) return batch;
    TRIUNE_TRY(register_properties(builder.unregistered()));
  }
  return failure(ErrorCode::internal, "the types of graph properties do not settle");
}

Result<std::vector<std::string>> GraphProjection::add_waiting_edges(contract::RelationalSession& canonical,
                                                                    std::vector<LogEntry>& entries) {
  std::vector<std::string> nodes;
  if (set_aside_.count() == 0) return nodes;
  TRIUNE_ASSIGN(const auto names, set_aside_.entities(canonical));
  const std::set<std::string> waiting(names.begin(), names.end());
  const auto catalog = environment_.catalog->snapshot();
  const std::size_t logged = entries.size();
  for (std::size_t i = 0; i < logged; ++i) {
    const LogEntry entry = entries[i];
    const auto node = fmt::format("{}/{}", catalog->name_of(entry.collection_id), to_text(entry.key));
    if (!waiting.contains("node " + node)) continue;
    nodes.push_back(node);
    const std::array<Value, 3> parameters{environment_.organization_id, entry.collection_id, entry.key};
    TRIUNE_TRY(canonical.visit(select_edges_at, parameters, [&](std::span<const Value> row) -> Status {
      entries.push_back({.lsn = entry.lsn, .collection_id = std::get<std::int64_t>(row[0]), .key = row[1]});
      return {};
    }));
  }
  return nodes;
}

Status GraphProjection::ensure_schema() {
  const auto catalog = environment_.catalog->snapshot();
  if (catalog == ensured_catalog_) return {};
  TRIUNE_TRY(store_->ensure_schema(catalog->graph_schema(environment_.organization_id)));
  ensured_catalog_ = catalog;
  return {};
}

Status GraphProjection::apply(const GraphBatch& batch) {
  return store_->apply(batch, engine_deadline());
}

Status GraphProjection::apply_or_set_aside(GraphBatch batch, std::vector<Refused>& refused) {
  const auto size = size_of(batch);
  if (size == 0) return {};
  auto applied = apply(batch);
  if (applied || !is_refusal(applied.error())) return applied;
  if (size == 1) {
    refused.push_back({describe_only(batch), applied.error().message});
    return {};
  }
  GraphBatch first = split(batch);
  TRIUNE_TRY(apply_or_set_aside(std::move(first), refused));
  return apply_or_set_aside(std::move(batch), refused);
}

Status GraphProjection::forget_set_aside(const GraphBatch& batch) {
  if (set_aside_.count() == 0) return {};
  std::vector<std::string> entities;
  for (const auto& node : batch.put_nodes) entities.push_back(describe(node.node));
  for (const auto& node : batch.delete_nodes) entities.push_back(describe(node));
  for (const auto& edge : batch.put_edges) entities.push_back(describe(edge.edge));
  for (const auto& edge : batch.delete_edges) entities.push_back(describe(edge));
  return set_aside_.remove(entities);
}

Result<bool> GraphProjection::bulk_is_cheaper(contract::RelationalSession& canonical, std::uint64_t watermark,
                                              std::uint64_t head) {
  if (backlog_checked_ && head < *backlog_checked_ + bulk_minimum) return false;
  backlog_checked_ = head;
  TRIUNE_ASSIGN(const std::uint64_t backlog, count_graph_entries(canonical, environment_.organization_id, watermark));
  TRIUNE_ASSIGN(const auto counted, count());
  return backlog >= bulk_minimum && backlog * bulk_advantage > counted.first;
}

Result<Step> GraphProjection::apply_next(contract::RelationalSession& canonical, std::uint64_t watermark) {
  TRIUNE_ASSIGN(LogBatch log, read_log(canonical, environment_.organization_id, watermark, batch_limit));
  const auto catalog = environment_.catalog->snapshot();
  const bool unknown = std::any_of(log.entries.begin(), log.entries.end(), [&](const LogEntry& entry) {
    return !catalog->collection_names.contains(entry.collection_id);
  });
  if (unknown) TRIUNE_TRY(environment_.catalog->reload(*environment_.canonical, second_session_deadline()));
  const bool loaded = std::any_of(log.entries.begin(), log.entries.end(), [&](const LogEntry& entry) {
    return entry.operation == Operation::load && environment_.catalog->snapshot()->is_graph(entry.collection_id);
  });
  const bool long_piece = log.more || log.entries.size() > batch_limit;
  TRIUNE_ASSIGN(const bool bulk, long_piece ? bulk_is_cheaper(canonical, watermark, log.head) : Result<bool>(false));
  if (loaded || bulk || log.too_large || log.swept)
    return Step{.watermark = watermark, .head = log.head, .rebuild = true};
  if (log.last_lsn == watermark) return Step{.watermark = watermark, .head = log.head};
  std::vector<Refused> refused;
  TRIUNE_ASSIGN(const bool is_whole, add_unsettled(canonical, environment_.organization_id, log, batch_limit));
  if (!is_whole) TRIUNE_TRY(add_overtaking_nodes(canonical, environment_.organization_id, *catalog, log));
  TRIUNE_ASSIGN(const auto mended, add_waiting_edges(canonical, log.entries));
  TRIUNE_ASSIGN(GraphBatch batch, build(canonical, log.entries, refused));
  if (auto ensured = ensure_schema(); !ensured) {
    if (ensured.error().code == ErrorCode::conflict)  // a type widened: only a rebuild can follow
      return Step{.watermark = watermark, .head = log.head, .rebuild = true};
    return failure_of(ensured);
  }
  const contract::Position position{environment_.incarnation, log.last_lsn};
  batch.position = position;
  base::failpoint("projection.before_apply");
  auto applied = apply(batch);
  if (!applied && is_refusal(applied.error())) {
    batch.position.reset();
    TRIUNE_TRY(forget_set_aside(batch));
    TRIUNE_TRY(apply_or_set_aside(std::move(batch), refused));
    GraphBatch moved;
    moved.position = position;
    applied = apply(moved);
  } else if (applied) {
    applied = forget_set_aside(batch);
  }
  if (!applied) return failure_of(applied);
  TRIUNE_TRY(set_aside_.remove_edges_at(mended));
  TRIUNE_TRY(set_aside_.add(refused));
  watermark_ = log.last_lsn;
  return Step{.watermark = log.last_lsn, .head = log.head};
}

Result<std::uint64_t> GraphProjection::fill(GraphStore& store, const Progress& progress, Deadline deadline) {
  TRIUNE_ASSIGN(const auto session, environment_.canonical->read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const std::uint64_t head, settled_head(*session, environment_.organization_id));
  TRIUNE_TRY(environment_.catalog->reload(*environment_.canonical, second_session_deadline()));
  const auto catalog = environment_.catalog->snapshot();
  const auto schema = catalog->graph_schema(environment_.organization_id);
  TRIUNE_TRY(store.ensure_schema(schema));
  CanonicalGraph source(*session, *catalog, environment_.organization_id, store.capabilities().max_text_bytes,
                        progress);
  TRIUNE_TRY(store.bulk_load(schema, source, {environment_.incarnation, head}));
  if (source.unregistered().empty()) {
    TRIUNE_TRY(set_aside_.add(source.refused()));
    return head;
  }
  TRIUNE_TRY(register_properties(source.unregistered()));
  return failure(ErrorCode::cancelled, "property types were registered; load again");
}

Result<std::uint64_t> GraphProjection::rebuild(const Progress& progress, Deadline deadline) {
  TRIUNE_TRY(set_aside_.clear());
  for (int attempt = 0; attempt < registration_attempts; ++attempt) {
    TRIUNE_ASSIGN(const auto directory, generations_.begin());
    auto options = environment_.engine;
    options.path = directory;
    TRIUNE_ASSIGN(std::shared_ptr<GraphStore> store, factory_(options));
    auto filled = fill(*store, progress, deadline);
    if (!filled && filled.error().code == ErrorCode::cancelled) continue;
    if (!filled) return filled;
    base::failpoint("projection.rebuilt");
    if (store->capabilities().persistent) {
      // A load leaves hundreds of megabytes in the engine's hands which no later query needs.
      store.reset();
      TRIUNE_ASSIGN(store, factory_(options));
    }
    TRIUNE_TRY(generations_.publish(directory));
    set_store(std::move(store));
    TRIUNE_TRY(generations_.remove_others());
    ensured_catalog_.reset();
    watermark_ = *filled;
    TRIUNE_TRY(count());
    return watermark_;
  }
  return failure(ErrorCode::internal, "the types of graph properties do not settle");
}

Status GraphProjection::quarantine(std::string_view reason) {
  set_store(nullptr);
  return generations_.quarantine(reason);
}

Result<std::pair<std::uint64_t, std::uint64_t>> GraphProjection::count() {
  const auto store = this->store();
  if (!store) return std::pair<std::uint64_t, std::uint64_t>{0, set_aside_.count()};
  TRIUNE_ASSIGN(const auto statistics, store->statistics());
  return std::pair{statistics.nodes + statistics.edges, set_aside_.count()};
}

Status GraphProjection::save(bool /*force*/) {
  return {};
}  // the engine commits every batch durably

Result<std::uint64_t> GraphProjection::durable_watermark() {
  return watermark_;
}

}  // namespace triune::projection
