// What writes a collection's table: flushes, seals, loads, compaction, indices, pruning. All with `writing_` held.
#include <fmt/format.h>

#include <thread>
#include <unordered_set>

#include "adapters/lancedb/collection.h"
#include "base/file.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::lancedb {
namespace {

constexpr auto patience_for_readers = std::chrono::minutes(2);
constexpr std::size_t rows_in_flush = 8'192;
constexpr std::size_t overdue = 2;
constexpr std::uint64_t most_small_fragments = 24;
constexpr std::uint64_t unindexed_share = 20;

}  // namespace

Status Collection::wait_for_views() {
  std::weak_ptr<Epoch> before;
  {
    const std::scoped_lock lock(mutex_);
    before = std::exchange(state_.epoch, std::make_shared<Epoch>());
  }
  const auto deadline = Deadline::after(patience_for_readers);
  while (!before.expired()) {
    if (deadline.expired())
      return failure(ErrorCode::unavailable, "searches of LanceDB do not end; the buffer is written later");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return {};
}

// Takes what is to be written, with what an earlier try left, and the position that it reaches.
Result<std::shared_ptr<const Buffer>> Collection::freeze(std::optional<contract::Position>& position) {
  {
    const std::scoped_lock lock(mutex_);
    if (dropped_) return std::unexpected(gone());
    position = position_;
    if (!state_.open->empty()) {
      auto all = std::make_shared<Buffer>();
      if (state_.frozen) all->add(*state_.frozen);
      all->add(*state_.open);
      state_.frozen = std::move(all);
      state_.open = std::make_shared<Buffer>();
      open_is_shared_ = false;
      first_at_.reset();
    }
    flushed_changes_ = changes_;
    if (!state_.frozen) {
      flushed_position_ = position;
      return std::shared_ptr<const Buffer>();
    }
  }
  // Invariant 1: whoever does not see the frozen buffer must not see it in the table either.
  TRIUNE_TRY(wait_for_views());
  const std::scoped_lock lock(mutex_);
  return state_.frozen;
}

Status Collection::write(const Buffer& buffer) {
  std::shared_ptr<Table> table = state_.table;
  if (!table) {
    if (is_local_) TRIUNE_TRY(base::create_directories_durably(folder_));
    table = new_table();
    TRIUNE_TRY(table->create());
  }
  std::vector<const StoredRow*> puts;
  std::vector<contract::VectorKey> deletes;
  TableState written;
  const std::size_t most =
      std::min(rows_in_flush, settings_.bytes_in_load / sizeof(float) / specification_.dimension + 1);
  const auto send = [&]() -> Status {
    TRIUNE_ASSIGN(written, table->flush(puts, deletes));
    puts.clear();
    deletes.clear();
    return {};
  };
  for (const auto& [key, row] : buffer.changes()) {
    if (row)
      puts.push_back(&row->stored);
    else
      deletes.push_back(key);
    if (puts.size() >= most) TRIUNE_TRY(send());
  }
  if (!puts.empty() || !deletes.empty()) TRIUNE_TRY(send());
  keys_digest_.clear();
  const std::scoped_lock lock(mutex_);
  state_.table = std::move(table);
  state_.rows = written.rows;
  table_version_ = written.version;
  return {};
}

Status Collection::flush() {
  std::optional<contract::Position> position;
  TRIUNE_ASSIGN(const auto frozen, freeze(position));
  if (!frozen) return {};
  TRIUNE_TRY(write(*frozen));
  ++flushes_;
  ++flushes_since_upkeep_;
  rows_since_upkeep_ += frozen->size();
  const std::scoped_lock lock(mutex_);
  state_.frozen.reset();
  flushed_position_ = position;
  return {};
}

Status Collection::seal(bool pruning) {
  Seal seal{.table = state_.table ? state_.table->address().name : std::string(),
            .version = table_version_,
            .rows = state_.rows,
            .trained = trained_,
            .probes = state_.trial.probes,
            .refine = state_.trial.refine,
            .pruning = pruning,
            .position = {},
            .keys = {},
            .files = {}};
  std::uint64_t changes = 0;
  {
    const std::scoped_lock lock(mutex_);
    seal.position = flushed_position_;
    changes = flushed_changes_;
  }
  TRIUNE_TRY(base::create_directories_durably(folder_));
  if (!is_local_ && state_.table) {
    // Upkeep and a second seal leave the keys as they were.
    if (keys_digest_.empty()) {
      TRIUNE_ASSIGN(const auto digest, state_.table->digest());
      keys_digest_ = digest.keys;
    }
    seal.keys = keys_digest_;
  }
  if (is_local_ && state_.table) {
    const std::string below = seal.table + ".lance";
    TRIUNE_ASSIGN(const auto files, make_durable(folder_ / below, sealed_files_));
    TRIUNE_TRY(base::sync_directory(folder_));
    seal.files = files;
  }
  TRIUNE_TRY(write_seal(folder_ / "seal", specification_, seal));
  has_seal_ = true;
  sealed_files_ = seal.files;
  {
    const std::scoped_lock lock(mutex_);
    saved_position_ = seal.position;
    saved_changes_ = changes;
  }
  return drop_retired();
}

Status Collection::drop_retired() {
  for (const auto& table : retired_) TRIUNE_TRY(table->forget(true));
  retired_.clear();
  return {};
}

Status Collection::save() {
  const std::scoped_lock writing(writing_);
  {
    const std::scoped_lock lock(mutex_);
    if (dropped_) return std::unexpected(gone());
    if (has_seal_ && saved_changes_ == changes_) return {};
  }
  TRIUNE_TRY(flush());
  TRIUNE_TRY(seal(false));
  // Who saves again and again leaves the store's thread no turn. What fails here is tried again, as it is there.
  if (flushes_since_upkeep_ >= overdue * settings_.flushes_before_a_look) (void)maintain();
  return {};
}

Status Collection::drop() {
  const std::scoped_lock writing(writing_);
  std::shared_ptr<Table> table;
  {
    const std::scoped_lock lock(mutex_);
    dropped_ = true;
    table = std::move(state_.table);
  }
  was_dropped_ = true;
  TRIUNE_TRY(wait_for_views());
  // By its database's name: what is dropped may be damaged, or not open. On disk the folder goes below.
  if (table || !is_local_) TRIUNE_TRY(Table(worker_, {database_, "", specification_.dimension}).forget(!is_local_));
  retired_.clear();
  TRIUNE_TRY(base::remove_all(folder_));
  return std::filesystem::exists(folder_.parent_path()) ? base::sync_directory(folder_.parent_path()) : Status{};
}

Status Collection::fill(Table& table, const contract::VectorSource& source, std::uint64_t& rows) {
  const std::size_t most = std::max<std::size_t>(
      1, std::min(settings_.rows_in_load, settings_.bytes_in_load / sizeof(float) / specification_.dimension));
  std::unordered_set<contract::VectorKey> keys;
  std::vector<StoredRow> part;
  TRIUNE_TRY(source([&](const contract::VectorEntry& entry) -> Status {
    TRIUNE_TRY(contract::check_values(entry.values, specification_.dimension, entry.key));
    if (!keys.insert(entry.key).second)
      return failure(ErrorCode::invalid_argument, fmt::format("key {} came twice in the load", entry.key));
    part.push_back(row_of(entry)->stored);
    if (part.size() < most) return {};
    TRIUNE_TRY(table.append(part));
    part.clear();
    return {};
  }));
  if (!part.empty()) TRIUNE_TRY(table.append(part));
  rows = keys.size();
  return {};
}

Status Collection::bulk_load(std::uint64_t /*expected*/, const contract::VectorSource& source,
                             const contract::Position& position) {
  const std::scoped_lock writing(writing_);
  TRIUNE_ASSIGN(const auto now, view());
  std::uint64_t held = 0;
  now.each_row([&](const BufferedRow&) { ++held; });
  if (held > 0 || (now.table && now.rows > 0))
    return failure(ErrorCode::conflict, fmt::format("vector collection '{}' is not empty", specification_.collection));
  if (is_local_) TRIUNE_TRY(base::create_directories_durably(folder_));
  const auto table = new_table();
  TRIUNE_TRY(table->create());
  std::uint64_t rows = 0;
  auto status = fill(*table, source, rows);
  auto compacted = status ? table->compact() : Result<TableState>(failure_of(status));
  if (!compacted) {
    (void)table->forget(true);
    return failure_of(compacted);
  }
  keys_digest_.clear();
  {
    const std::scoped_lock lock(mutex_);
    if (state_.table) retired_.push_back(state_.table);
    state_.table = table;
    state_.rows = rows;
    state_.index.reset();
    state_.trial = {};
    state_.frozen.reset();
    position_ = flushed_position_ = position;
    ++changes_;
    flushed_changes_ = changes_;
    table_version_ = compacted->version;
  }
  trained_ = 0;
  TRIUNE_ASSIGN(const auto statistics, table->statistics());
  return build_indices(statistics, true);
}

Status Collection::build_indices(const TableStatistics& statistics, bool for_searches) {
  const auto status = build_missing(statistics, for_searches);
  take_graph_room(statistics.rows);  // also when building failed: of the index that there is then
  TRIUNE_TRY(status);
  TRIUNE_ASSIGN(const auto opened, state_.table->open());
  table_version_ = opened.version;
  return {};
}

Status Collection::build_missing(const TableStatistics& statistics, bool for_searches) {
  if (statistics.rows >= settings_.scalar_index_from) {
    if (!statistics.has_key_index) TRIUNE_TRY(state_.table->build_index(IndexKind::key, metric_name()));
    if (!statistics.has_labels_index) TRIUNE_TRY(state_.table->build_index(IndexKind::labels, metric_name()));
  }
  return needs_vector_index(statistics) ? build_vector_index(statistics.rows, for_searches) : Status{};
}

void Collection::take_graph_room(std::uint64_t rows) {
  const bool is_graph = state_.index == IndexKind::hnsw;
  worker_->graphs().set(this, is_graph ? graph_bytes(rows, specification_.dimension) : 0);
}

bool Collection::needs_vector_index(const TableStatistics& statistics) const {
  if (!statistics.vector_index) return statistics.rows >= settings_.index_from;
  const bool has_no_room = statistics.vector_index == IndexKind::hnsw && !has_room_for_graph(statistics.rows);
  return has_no_room || is_graph_due() ||
         is_worn({.kind = *statistics.vector_index,
                  .rows = statistics.rows,
                  .trained = trained_,
                  .segments = statistics.segments});
}

// Partitions first: they are made in a small part of a graph's time, and tell whether a graph pays for these vectors.
// Where that is known the graph takes the place of the index there is at once.
Status Collection::build_vector_index(std::uint64_t rows, bool for_searches) {
  const bool wants_graph = (for_searches || graph_is_paid_back(searches_, rows)) && has_room_for_graph(rows);
  searches_ = 0;  // also when it fails: it is tried again after as many
  const bool is_known = state_.index && graph_pays();
  if (!wants_graph || !is_known) TRIUNE_TRY(build_partitions(rows));
  return wants_graph && graph_pays() ? build_graph(rows) : Status{};
}

Status Collection::build_partitions(std::uint64_t rows) {
  const auto kind = partitioned_index(specification_.metric, specification_.dimension, rows);
  TRIUNE_TRY(state_.table->build_index(kind, metric_name()));
  trained_ = rows;
  {
    const std::scoped_lock lock(mutex_);
    state_.index = kind;
    state_.trial = {};
  }
  const Trial most{.probes = untried_probes(rows), .refine = most_refine};
  TRIUNE_ASSIGN(const auto trial, state_.table->try_index(metric_name(), most, least_refine(kind)));
  const std::scoped_lock lock(mutex_);
  state_.trial = trial;
  return {};
}

Status Collection::build_graph(std::uint64_t rows) {
  worker_->graphs().set(this, graph_bytes(rows, specification_.dimension));  // before others take it
  TRIUNE_TRY(state_.table->build_index(IndexKind::hnsw, metric_name()));
  trained_ = rows;
  const std::scoped_lock lock(mutex_);
  state_.index = IndexKind::hnsw;
  return {};
}

bool Collection::graph_pays() const {
  return lancedb::graph_pays(state_.trial, specification_.dimension, settings_.graph_from_bytes);
}

bool Collection::has_room_for_graph(std::uint64_t rows) const {
  return worker_->graphs().fits(this, graph_bytes(rows, specification_.dimension));
}

bool Collection::is_graph_due() const {
  return state_.index && state_.index != IndexKind::hnsw && graph_pays() &&
         graph_is_paid_back(searches_, state_.rows) && has_room_for_graph(state_.rows);
}

bool Collection::needs_maintenance() const {
  return state_.table &&
         (flushes_since_upkeep_ >= settings_.flushes_before_a_look ||
          rows_since_upkeep_ >= std::max(settings_.flush_rows, settings_.index_from / 4) || is_graph_due());
}

Status Collection::maintain() {
  // Counted anew also when it fails: it is tried again after as many changes, not at once.
  flushes_since_upkeep_ = 0;
  rows_since_upkeep_ = 0;
  TRIUNE_ASSIGN(const auto statistics, state_.table->statistics());
  const std::uint64_t most_unindexed =
      std::max<std::uint64_t>(settings_.index_from / 4, statistics.rows / unindexed_share);
  const bool has_many_parts =
      statistics.small_fragments > most_small_fragments || flushes_ >= settings_.flushes_before_compaction;
  if (has_many_parts || (statistics.vector_index && statistics.unindexed > most_unindexed)) {
    TRIUNE_ASSIGN(const auto compacted, state_.table->compact());
    table_version_ = compacted.version;
    flushes_ = 0;
  }
  TRIUNE_TRY(build_indices(statistics));
  return statistics.versions > settings_.most_versions ? prune() : Status{};
}

// Invariant 3: a kill between the two seals leaves one that allows for what was removed.
Status Collection::prune() {
  if (scans_ > 0) return {};
  if (has_seal_) TRIUNE_TRY(seal(true));
  TRIUNE_TRY(wait_for_views());  // of older versions
  if (scans_ == 0) TRIUNE_TRY(state_.table->prune(settings_.kept_versions));
  TRIUNE_ASSIGN(const auto opened, state_.table->open());
  table_version_ = opened.version;
  return has_seal_ ? seal(false) : Status{};
}

Status Collection::upkeep() {
  const std::unique_lock writing(writing_, std::try_to_lock);
  if (!writing || was_dropped_) return {};
  bool is_due = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto now = Deadline::Clock::now();
    is_due = state_.open->size() >= settings_.flush_rows || (first_at_ && now - *first_at_ >= settings_.flush_age) ||
             state_.frozen;
  }
  if (is_due) TRIUNE_TRY(flush());
  return needs_maintenance() ? maintain() : Status{};
}

}  // namespace triune::adapters::lancedb
