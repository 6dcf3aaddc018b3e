#include "adapters/lancedb/collection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "adapters/lancedb/labels.h"
#include "base/file.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::lancedb {

Settings settings_for(Settings settings, std::uint32_t dimension) {
  const std::size_t by_bytes = std::max(settings.least_indexed, settings.index_bytes / (dimension * sizeof(float)));
  settings.index_from = std::min(settings.index_from, by_bytes);
  settings.scalar_index_from = std::min(settings.scalar_index_from, by_bytes);
  return settings;
}

Collection::Collection(contract::VectorSpecification specification, std::filesystem::path folder, std::string database,
                       std::shared_ptr<Worker> worker, const Settings& settings)
    : specification_(std::move(specification)),
      folder_(std::move(folder)),
      database_(std::move(database)),
      is_local_(database_ == folder_.string()),
      worker_(std::move(worker)),
      settings_(settings_for(settings, specification_.dimension)) {
  state_.open = std::make_shared<Buffer>();
  state_.epoch = std::make_shared<Epoch>();
}

Collection::~Collection() {
  worker_->graphs().set(this, 0);
}

Error Collection::gone() const {
  return {.code = ErrorCode::not_found,
          .message = fmt::format("vector collection '{}' was dropped", specification_.collection),
          .engine = "lancedb",
          .native_code = {}};
}

std::string Collection::metric_name() const {
  // For cosine the vectors are kept scaled to length 1: so a vector of zeros is at distance 1 of everything, which
  // LanceDB's own cosine makes a NaN.
  return specification_.metric == Metric::l2 ? "l2" : "dot";
}

// A name that was never used: the process caches what it read by name.
std::shared_ptr<Table> Collection::new_table() const {
  std::random_device random;
  return std::make_shared<Table>(
      worker_, TableAddress{database_, fmt::format("t{:08x}{:08x}", random(), random()), specification_.dimension});
}

std::vector<float> Collection::scaled(std::span<const float> values, float& length) const {
  length = 1;
  if (specification_.metric != Metric::cosine) return {values.begin(), values.end()};
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  const double root = std::sqrt(square);
  length = static_cast<float>(root);
  std::vector<float> unit(values.size());
  if (root > 0)
    for (std::size_t at = 0; at < values.size(); ++at) unit[at] = static_cast<float>(values[at] / root);
  return unit;
}

std::shared_ptr<const BufferedRow> Collection::row_of(const contract::VectorEntry& entry) const {
  auto row = std::make_shared<BufferedRow>();
  row->stored.key = entry.key;
  row->stored.values = scaled(entry.values, row->stored.length);
  row->stored.labels = labels_of(entry.metadata);
  row->stored.text = searchable_text(entry.metadata);
  row->metadata = entry.metadata;
  return row;
}

Result<View> Collection::view() {
  const std::scoped_lock lock(mutex_);
  if (dropped_) return std::unexpected(gone());
  open_is_shared_ = true;
  return state_;
}

Status Collection::load() {
  const std::scoped_lock writing(writing_);
  TRIUNE_ASSIGN(const auto sealed, read_seal(folder_ / "seal", specification_));
  if (!sealed) {
    // What was never sealed was never promised.
    if (!is_local_ && std::filesystem::exists(folder_))
      TRIUNE_TRY(Table(worker_, {database_, "", specification_.dimension}).forget(true));
    return base::remove_all(folder_);
  }
  TRIUNE_TRY(remove_unsealed(*sealed));
  if (!sealed->table.empty()) TRIUNE_TRY(open_sealed(*sealed));
  has_seal_ = true;
  sealed_files_ = sealed->files;
  trained_ = sealed->trained;
  const std::scoped_lock lock(mutex_);
  position_ = flushed_position_ = saved_position_ = sealed->position;
  return {};
}

// Tables that were being filled, or had been replaced.
Status Collection::remove_unsealed(const Seal& sealed) const {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, code))
    if (entry.path().filename() != "seal" && entry.path().filename() != sealed.table + ".lance")
      TRIUNE_TRY(base::remove_all(entry.path()));
  return {};
}

Status Collection::open_sealed(const Seal& sealed) {
  const auto table = std::make_shared<Table>(worker_, TableAddress{database_, sealed.table, specification_.dimension});
  bool fresh = false;
  if (is_local_) {
    TRIUNE_ASSIGN(fresh, restore_files(folder_ / (sealed.table + ".lance"), sealed));
  }
  const auto lost = [&](std::string_view what) {
    return failure(ErrorCode::corruption,
                   fmt::format("{}: the Lance table {} {}; the projection is rebuilt from the canonical store",
                               (folder_ / "seal").string(), sealed.table, what));
  };
  auto opened = table->open(fresh);
  if (opened && opened->version != sealed.version && !sealed.pruning) opened = table->restore(sealed.version);
  if (!opened && opened.error().code == ErrorCode::not_found) return lost("is not there");
  TRIUNE_TRY(opened);
  if (opened->rows != sealed.rows)
    return lost(fmt::format("has {} rows where {} were sealed", opened->rows, sealed.rows));
  if (!is_local_) {
    TRIUNE_ASSIGN(const std::string wrong, check_keys(*table, sealed));
    if (!wrong.empty()) return lost(wrong);
  }
  TRIUNE_ASSIGN(const auto statistics, table->statistics());
  table_version_ = opened->version;
  const std::scoped_lock lock(mutex_);
  state_.table = table;
  state_.rows = opened->rows;
  state_.index = statistics.vector_index;
  state_.trial = {.probes = sealed.probes, .refine = sealed.refine, .rows = sealed.trained};
  take_graph_room(opened->rows);
  return {};
}

// On disk every byte was checked; in object storage the keys are read, which also finds files that have gone. Returns
// what is wrong.
Result<std::string> Collection::check_keys(Table& table, const Seal& sealed) {
  const auto digest = table.digest();
  if (!digest && digest.error().code == ErrorCode::not_found) return "lacks a file (" + digest.error().message + ")";
  TRIUNE_TRY(digest);
  if (digest->rows != digest->different) return std::string("holds a key twice");
  if (!sealed.keys.empty() && digest->keys != sealed.keys) return std::string("has other keys than were sealed");
  keys_digest_ = digest->keys;
  return std::string();
}

Status Collection::apply(const contract::VectorBatch& batch) {
  TRIUNE_TRY(contract::check_batch(batch, specification_.dimension));
  if (is_full()) {
    const std::scoped_lock writing(writing_);
    if (is_full()) TRIUNE_TRY(flush());
  }
  std::vector<std::shared_ptr<const BufferedRow>> rows;
  rows.reserve(batch.puts.size());
  for (const auto& entry : batch.puts) rows.push_back(row_of(entry));
  const std::scoped_lock lock(mutex_);
  if (dropped_) return std::unexpected(gone());
  if (open_is_shared_) state_.open = std::make_shared<Buffer>(*state_.open);
  open_is_shared_ = false;
  for (const auto key : batch.deletes) state_.open->erase(key);
  for (auto& row : rows) state_.open->put(std::move(row));
  if (batch.position) position_ = batch.position;
  if (!first_at_ && !state_.open->empty()) first_at_ = Deadline::Clock::now();
  ++changes_;
  return {};
}

bool Collection::is_full() {
  const std::scoped_lock lock(mutex_);
  return state_.open->size() + (state_.frozen ? state_.frozen->size() : 0) >= settings_.most_buffered;
}

Result<std::optional<contract::Position>> Collection::position() {
  const std::scoped_lock lock(mutex_);
  if (dropped_) return std::unexpected(gone());
  return position_;
}

Result<std::optional<contract::Position>> Collection::saved_position() {
  const std::scoped_lock lock(mutex_);
  return saved_position_;
}

Result<contract::VectorStatistics> Collection::statistics() {
  TRIUNE_ASSIGN(const auto now, view());
  contract::VectorStatistics statistics;
  std::uint64_t bytes = 0;
  now.each_row([&](const BufferedRow& row) {
    ++statistics.vectors;
    bytes += row.stored.values.size() * sizeof(float) + sizeof(BufferedRow) + row.stored.text.size();
  });
  statistics.unindexed = statistics.vectors;
  statistics.memory_bytes = bytes;
  if (!now.table) return statistics;
  TRIUNE_ASSIGN(const std::uint64_t kept, now.table->count_without(now.hidden_keys()));
  TRIUNE_ASSIGN(const auto table, now.table->statistics());
  statistics.vectors += kept;
  statistics.unindexed += std::min(table.unindexed, kept);
  statistics.file_bytes = table.bytes;
  return statistics;
}

Status Collection::scan(const VectorVisitor& visitor) {
  TRIUNE_ASSIGN(auto now, view());
  const auto table = now.table;
  std::uint64_t reader = 0;
  if (table) {
    ++scans_;
    auto begun = table->begin_scan();
    if (!begun) {
      --scans_;
      return failure_of(begun);
    }
    reader = *begun;
  }
  now.epoch.reset();  // the reader holds its version
  std::vector<float> values(specification_.dimension);
  const auto give = [&](contract::VectorKey key, std::span<const float> stored, float length) -> Status {
    const bool is_scaled = specification_.metric == Metric::cosine;
    for (std::size_t at = 0; at < stored.size(); ++at) values[at] = is_scaled ? stored[at] * length : stored[at];
    return visitor(key, values);
  };
  Status status;
  now.each_row([&](const BufferedRow& row) {
    if (status) status = give(row.stored.key, row.stored.values, row.stored.length);
  });
  if (!table) return status;
  if (status)
    status = table->read_pages(reader, [&](contract::VectorKey key, std::span<const float> stored, float length) {
      return now.hides(key) ? Status{} : give(key, stored, length);
    });
  if (!status) table->end_scan(reader);
  --scans_;
  return status;
}

Result<std::vector<TableVersion>> Collection::versions() {
  TRIUNE_ASSIGN(const auto now, view());
  if (!now.table) return std::vector<TableVersion>();
  return now.table->versions();
}

Result<TableStatistics> Collection::table_statistics() {
  TRIUNE_ASSIGN(const auto now, view());
  if (!now.table) return TableStatistics{};
  return now.table->statistics();
}

}  // namespace triune::adapters::lancedb
