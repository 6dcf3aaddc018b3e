#include "projection/vector_projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "base/failpoint.h"
#include "base/try.h"
#include "projection/canonical_sql.h"
#include "projection/change_log.h"

namespace triune::projection {
namespace {

using contract::VectorBatch;
using contract::VectorEntry;
using contract::VectorStore;

constexpr std::size_t batch_limit = 4096;
constexpr std::uint64_t entries_between_looks = 1'000;  // at the deadline
// Saving writes the whole index, so it must be rare beside the work it protects: after this share of it, or after this
// long with anything unsaved. Until then a crash is made good from the log.
constexpr std::uint64_t save_share = 4;
constexpr std::uint64_t save_minimum = 20'000;
constexpr std::chrono::minutes save_interval{5};
// A search that goes on for longer keeps the files it reads.
constexpr std::chrono::seconds longest_read{30};
constexpr std::chrono::milliseconds look_for_readers{5};
constexpr std::uint64_t position_slack = 100'000;

Deadline engine_deadline() {
  return Deadline::after(std::chrono::minutes(5));
}

const std::string& select_vectors(contract::Dialect dialect) {
  static const contract::DialectText sql([](contract::Dialect one) {
    return fmt::format(
        "SELECT v.vector_key, x.vector FROM {0} k {1} triune_vectors v ON v.organization_id = ?2 AND v.vector_key = "
        "k.value {1} triune_vector_values x ON {2} WHERE v.organization_id = ?2 AND v.collection_id = ?3",
        integer_set(one, 1), ordered_join(one), vector_value_is(one, "v.organization_id", "v.vector_key"));
  });
  return sql.in(dialect);
}

const std::string& select_all(contract::Dialect dialect) {
  static const contract::DialectText sql([](contract::Dialect one) {
    return fmt::format(
        "SELECT v.vector_key, x.vector FROM triune_vectors v {} triune_vector_values x ON {} "
        "WHERE v.organization_id = ?1 AND v.collection_id = ?2",
        ordered_join(one), vector_value_is(one, "v.organization_id", "v.vector_key"));
  });
  return sql.in(dialect);
}

std::string json_keys(const std::set<std::int64_t>& keys) {
  std::string json = "[";
  for (const auto key : keys) fmt::format_to(std::back_inserter(json), "{}{}", json.size() > 1 ? "," : "", key);
  return json + "]";
}

}  // namespace

std::optional<std::int64_t> vector_number(const Value& key) {
  if (const auto* const number = std::get_if<std::int64_t>(&key)) return *number;
  const auto* const digits = std::get_if<std::string>(&key);
  std::int64_t number = 0;
  if (digits == nullptr) return std::nullopt;
  const auto parsed = std::from_chars(digits->data(), digits->data() + digits->size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

std::string describe_vector(std::int64_t key) {
  return fmt::format("vector {}", key);
}

VectorProjection::VectorProjection(Environment environment, std::int64_t collection_id, VectorCollection definition,
                                   std::string engine, contract::Factory<VectorStore> factory)
    : environment_(std::move(environment)),
      collection_id_(collection_id),
      definition_(std::move(definition)),
      name_("vector:" + definition_.name),
      engine_(std::move(engine)),
      factory_(std::move(factory)),
      generations_(environment_.root, engine_),
      set_aside_(*environment_.canonical, environment_.organization_id, environment_.node, name_) {}

std::shared_ptr<VectorStore> VectorProjection::store() const {
  const std::scoped_lock lock(store_mutex_);
  return store_;
}

void VectorProjection::set_store(std::shared_ptr<VectorStore> store) {
  const std::scoped_lock lock(store_mutex_);
  store_ = std::move(store);
}

Result<std::shared_ptr<VectorStore>> VectorProjection::make_store(const std::filesystem::path& directory) {
  auto options = environment_.engine;
  options.path = directory;
  TRIUNE_ASSIGN(std::shared_ptr<VectorStore> store, factory_(options));
  TRIUNE_TRY(store->open_collection({.collection = std::string(engine_collection),
                                     .dimension = definition_.dimension,
                                     .metric = definition_.metric}));
  return store;
}

std::string VectorProjection::name() const {
  const auto catalog = environment_.catalog->snapshot();
  const auto found = catalog->collection_names.find(collection_id_);
  return found == catalog->collection_names.end() ? name_ : "vector:" + found->second;
}

Result<std::optional<std::uint64_t>> VectorProjection::open() {
  using Opened = std::optional<std::uint64_t>;
  TRIUNE_ASSIGN(const auto directory, generations_.current());
  if (!directory) return Opened();
  TRIUNE_TRY(generations_.remove_others());
  TRIUNE_ASSIGN(auto store, make_store(*directory));
  TRIUNE_ASSIGN(const auto position, store->position(engine_collection));
  TRIUNE_ASSIGN(const auto session, environment_.canonical->read(contract::ReadScope::internal, engine_deadline()));
  TRIUNE_ASSIGN(const std::uint64_t head, log_head(*session, environment_.organization_id));
  TRIUNE_ASSIGN(const std::uint64_t start, log_start(*session, environment_.organization_id));
  TRIUNE_TRY(set_aside_.load(*session));
  if (!position || position->incarnation != environment_.incarnation || position->lsn > head ||
      position->lsn + 1 < start)
    return Opened();
  TRIUNE_ASSIGN(const auto statistics, store->statistics(engine_collection));
  unindexed_when_saved_ = statistics.unindexed;
  set_store(std::move(store));
  return Opened(position->lsn);
}

Result<std::vector<float>> VectorProjection::decode(const Value& blob) const {
  const auto* const bytes = std::get_if<Bytes>(&blob);
  if (bytes == nullptr || bytes->size() != definition_.dimension * sizeof(float))
    return failure(ErrorCode::invalid_argument, fmt::format("not a blob of {} 32-bit floats", definition_.dimension));
  std::vector<float> values(definition_.dimension);
  std::memcpy(values.data(), bytes->data(), bytes->size());
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    return failure(ErrorCode::invalid_argument, "holds a NaN or an infinity");
  return values;
}

Result<VectorBatch> VectorProjection::current_state(contract::RelationalSession& canonical,
                                                    const std::set<std::int64_t>& keys, std::vector<Refused>& refused) {
  std::set<std::int64_t> absent = keys;
  VectorBatch batch;
  const std::array<Value, 3> parameters{json_keys(keys), environment_.organization_id, collection_id_};
  TRIUNE_TRY(
      canonical.visit(select_vectors(canonical.dialect()), parameters, [&](std::span<const Value> row) -> Status {
        const auto key = std::get<std::int64_t>(row[0]);
        auto values = decode(row[1]);
        if (!values) {
          refused.push_back({describe_vector(key), values.error().message});
          return {};
        }
        absent.erase(key);
        batch.puts.push_back({static_cast<contract::VectorKey>(key), std::move(*values), {}});
        return {};
      }));
  for (const auto key : absent) batch.deletes.push_back(static_cast<contract::VectorKey>(key));
  return batch;
}

Result<Step> VectorProjection::apply_next(contract::RelationalSession& canonical, std::uint64_t watermark) {
  TRIUNE_ASSIGN(LogBatch log, read_log(canonical, environment_.organization_id, watermark, batch_limit));
  if (log.too_large || log.swept) return Step{.watermark = watermark, .head = log.head, .rebuild = true};
  if (log.last_lsn == watermark) return Step{.watermark = watermark, .head = log.head};
  TRIUNE_TRY(add_unsettled(canonical, environment_.organization_id, log, batch_limit));
  std::set<std::int64_t> keys;
  for (const auto& entry : log.entries) {
    if (entry.collection_id != collection_id_) continue;
    if (entry.operation == Operation::load) return Step{.watermark = watermark, .head = log.head, .rebuild = true};
    if (const auto key = vector_number(entry.key)) keys.insert(*key);
  }
  std::vector<Refused> refused;
  TRIUNE_ASSIGN(VectorBatch batch, current_state(canonical, keys, refused));
  batch.position = contract::Position{environment_.incarnation, log.last_lsn};
  base::failpoint("projection.before_apply");
  TRIUNE_TRY(store_->apply(engine_collection, batch));
  applied_since_save_ += keys.size();
  if (set_aside_.count() > 0) {
    std::vector<std::string> accepted;
    for (const auto key : keys) accepted.push_back(describe_vector(key));
    TRIUNE_TRY(set_aside_.remove(accepted));
  }
  TRIUNE_TRY(set_aside_.add(refused));
  return Step{.watermark = log.last_lsn, .head = log.head};
}

Status VectorProjection::visit_canonical(contract::RelationalSession& canonical, const Progress& progress,
                                         const std::function<Status(const VectorEntry&)>& visitor,
                                         std::vector<Refused>& refused) {
  std::uint64_t done = 0;
  const std::array<Value, 2> parameters{environment_.organization_id, collection_id_};
  return canonical.visit(select_all(canonical.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    const auto key = std::get<std::int64_t>(row[0]);
    if (++done % 10'000 == 0 && progress) progress("reading vectors", done, 0);
    auto values = decode(row[1]);
    if (values) return visitor({static_cast<contract::VectorKey>(key), std::move(*values), {}});
    refused.push_back({describe_vector(key), values.error().message});
    return {};
  });
}

Result<std::uint64_t> VectorProjection::rebuild(const Progress& progress, Deadline deadline) {
  TRIUNE_TRY(set_aside_.clear());
  TRIUNE_ASSIGN(const auto directory, generations_.begin());
  TRIUNE_ASSIGN(auto store, make_store(directory));
  TRIUNE_ASSIGN(const auto session, environment_.canonical->read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const std::uint64_t head, settled_head(*session, environment_.organization_id));
  const std::array<Value, 2> parameters{environment_.organization_id, collection_id_};
  TRIUNE_ASSIGN(const RowSet counted,
                session->query("SELECT count(*) FROM triune_vectors WHERE organization_id = ?1 AND collection_id = ?2",
                               parameters, 1));
  std::vector<Refused> refused;
  // A session need not look at its deadline between the rows of a statement.
  std::uint64_t given = 0;
  const contract::VectorSource source = [&](const std::function<Status(const VectorEntry&)>& visitor) {
    const auto in_time = [&](const VectorEntry& entry) -> Status {
      if (++given % entries_between_looks == 0 && deadline.expired())
        return failure(ErrorCode::deadline_exceeded, "the deadline passed while vectors were copied; begin again");
      return visitor(entry);
    };
    return visit_canonical(*session, progress, in_time, refused);
  };
  const auto expected = static_cast<std::uint64_t>(std::get<std::int64_t>(counted.rows.at(0).at(0)));
  TRIUNE_TRY(store->bulk_load(engine_collection, expected, source, {environment_.incarnation, head}));
  TRIUNE_TRY(store->save(engine_collection));
  TRIUNE_ASSIGN(const auto statistics, store->statistics(engine_collection));
  unindexed_when_saved_ = statistics.unindexed;
  base::failpoint("projection.rebuilt");
  TRIUNE_TRY(generations_.publish(directory));
  if (replace_store(std::move(store))) TRIUNE_TRY(generations_.remove_others());
  TRIUNE_TRY(set_aside_.add(refused));
  applied_since_save_ = 0;
  return head;
}

Status VectorProjection::quarantine(std::string_view reason) {
  set_store(nullptr);
  return generations_.quarantine(reason);
}

bool VectorProjection::replace_store(std::shared_ptr<VectorStore> store) {
  const std::weak_ptr<VectorStore> before = this->store();
  set_store(std::move(store));
  const auto limit = Deadline::after(longest_read);
  while (!before.expired() && !limit.expired()) std::this_thread::sleep_for(look_for_readers);
  return before.expired();
}

Status VectorProjection::remove() {
  return replace_store(nullptr) ? generations_.drop() : Status();
}

Result<std::pair<std::uint64_t, std::uint64_t>> VectorProjection::count() {
  const auto store = this->store();
  if (!store) return std::pair<std::uint64_t, std::uint64_t>{0, set_aside_.count()};
  TRIUNE_ASSIGN(const auto statistics, store->statistics(engine_collection));
  return std::pair{statistics.vectors, set_aside_.count()};
}

Status VectorProjection::save(bool force) {
  if (!store_) return {};
  TRIUNE_ASSIGN(const auto position, store_->position(engine_collection));
  TRIUNE_ASSIGN(const auto saved, store_->saved_position(engine_collection));
  if (force) {
    TRIUNE_ASSIGN(const bool more_in_index, is_index_ahead());
    if (more_in_index) return save_now();
  }
  // A repair changes vectors at a position that was saved before.
  if (position == saved && applied_since_save_ == 0) return {};
  // The position alone is not worth writing the whole index again, unless it would hold the log back for long.
  if (applied_since_save_ == 0 && saved && position && position->lsn - saved->lsn < position_slack) return {};
  const auto now = Deadline::Clock::now();
  TRIUNE_ASSIGN(const auto counted, count());
  const bool due = applied_since_save_ > std::max(save_minimum, counted.first / save_share) ||
                   (applied_since_save_ > 0 && now - saved_at_ > save_interval);
  if (!force && !due) return {};
  return save_now();
}

Status VectorProjection::save_now() {
  TRIUNE_TRY(store_->save(engine_collection));
  TRIUNE_ASSIGN(const auto statistics, store_->statistics(engine_collection));
  unindexed_when_saved_ = statistics.unindexed;
  applied_since_save_ = 0;
  saved_at_ = Deadline::Clock::now();
  return {};
}

Result<bool> VectorProjection::is_index_ahead() {
  TRIUNE_ASSIGN(const auto statistics, store_->statistics(engine_collection));
  return statistics.unindexed + std::max(save_minimum, statistics.vectors / save_share) < unindexed_when_saved_;
}

Result<std::uint64_t> VectorProjection::durable_watermark() {
  if (!store_) return 0;
  TRIUNE_ASSIGN(const auto saved, store_->saved_position(engine_collection));
  return saved ? saved->lsn : 0;
}

}  // namespace triune::projection
