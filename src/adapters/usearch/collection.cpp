#include "adapters/usearch/collection.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/usearch/packed.h"
#include "base/file.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::usearch {

Collection::Collection(contract::VectorSpecification specification, std::filesystem::path file,
                       const Settings& settings)
    : specification_(std::move(specification)),
      file_(std::move(file)),
      settings_(settings),
      narrow_(specification_.metric, specification_.dimension, Scorer::default_scalar(specification_.dimension)),
      wide_(specification_.metric, specification_.dimension, Scalar::f32),
      gate_(settings.seats),
      body_(narrow_),
      scalar_(narrow_.scalar()) {}

Error Collection::gone() const {
  return {.code = ErrorCode::not_found,
          .message = fmt::format("vector collection '{}' was dropped", specification_.collection),
          .engine = "usearch",
          .native_code = {}};
}

Collection::Packed Collection::pack(std::span<const contract::VectorEntry> entries) const {
  Packed packed(scalar_.load() == narrow_.scalar() ? narrow_ : wide_);
  const auto fits = [&](const auto& entry) { return packed.scorer->fits(entry.values); };
  if (!std::ranges::all_of(entries, fits)) packed.scorer = &wide_;
  const std::size_t stride = packed.scorer->bytes();
  packed.bytes.resize(entries.size() * stride);
  packed.lengths.reserve(entries.size());
  for (std::size_t at = 0; at < entries.size(); ++at)
    packed.lengths.push_back(packed.scorer->pack(entries[at].values, packed.bytes.data() + at * stride));
  return packed;
}

void Collection::widen(Body& body) const {
  std::vector<float> values(specification_.dimension);
  const Scorer& old = *body.scorer;
  // Metric cosine never comes here (its vectors always fit), so the length means nothing.
  body.rows.repack(wide_.bytes(), [&](const std::byte* from, std::byte* to) {
    old.unpack(from, 1, values);
    wide_.pack(values, to);
  });
  body.scorer = &wide_;
  if (body.graph) body.graph->retarget(wide_, [&](Row row) { return body.rows.vector(row); });
}

void Collection::bury(contract::VectorKey key) {
  for (auto& part : parts_)
    if (part.bury(key)) return;
}

void Collection::put_all(const contract::VectorBatch& batch, const Packed& packed) {
  const std::size_t stride = packed.scorer->bytes();
  for (const auto key : batch.deletes) {
    if (!body_.rows.erase(key)) bury(key);
    body_.metadata.erase(key);
  }
  for (std::size_t at = 0; at < batch.puts.size(); ++at) {
    const auto& entry = batch.puts[at];
    if (!body_.rows.find(entry.key)) bury(entry.key);
    body_.rows.put(entry.key, packed.bytes.data() + at * stride, packed.lengths[at]);
    if (entry.metadata.empty())
      body_.metadata.erase(entry.key);
    else
      body_.metadata.insert_or_assign(entry.key, entry.metadata);
  }
}

std::size_t Collection::live() const {
  std::size_t count = body_.rows.live();
  for (const auto& part : parts_) count += part.live();
  return count;
}

Status Collection::apply(const contract::VectorBatch& batch) {
  TRIUNE_TRY(contract::check_batch(batch, specification_.dimension));
  auto packed = pack(batch.puts);
  {
    const Closed closed(gate_);
    if (dropped_) return std::unexpected(gone());
    if (packed.scorer == &wide_ && body_.scorer != &wide_) {
      widen(body_);
      scalar_ = wide_.scalar();
    } else if (packed.scorer != body_.scorer) {
      packed = pack(batch.puts);  // another batch widened the collection meanwhile
    }
    body_.rows.reserve(batch.puts.size());
    put_all(batch, packed);
    if (batch.position) position_ = batch.position;
    ++version_;
  }
  help_if_behind();
  return {};
}

Status Collection::scan(const VectorVisitor& visitor) {
  std::vector<std::pair<contract::VectorKey, Row>> entries;
  std::vector<float> lengths;
  std::optional<Rows::Pin> pin;
  std::vector<Part> parts;
  const Scorer* scorer = nullptr;
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return std::unexpected(gone());
    const Rows& rows = body_.rows;
    entries.reserve(rows.live());
    for (Row row = 0; row < rows.end(); ++row)
      if (rows.is_live(row)) entries.emplace_back(rows.key(row), row);
    lengths = rows.lengths();
    pin.emplace(rows);
    parts = parts_;
    scorer = body_.scorer;
  }
  std::vector<float> values(specification_.dimension);
  for (const auto& [key, row] : entries) {
    scorer->unpack(pin->vector(row), lengths[row], values);
    TRIUNE_TRY(visitor(key, values));
  }
  for (const auto& part : parts) {
    const Segment& segment = part.segment();
    TRIUNE_TRY(segment.records().visit(part.live_rows(), [&](Row row, const std::byte* packed, float length) {
      segment.scorer().unpack(packed, length, values);
      return visitor(segment.key(row), values);
    }));
  }
  return {};
}

Result<std::optional<contract::Position>> Collection::position() {
  const Seat seat(gate_, Deadline::never());
  if (dropped_) return std::unexpected(gone());
  return position_;
}

Result<std::optional<contract::Position>> Collection::saved_position() {
  const std::scoped_lock lock(saved_mutex_);
  return saved_position_;
}

Result<contract::VectorStatistics> Collection::statistics() {
  contract::VectorStatistics statistics;
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return std::unexpected(gone());
    statistics.vectors = live();
    statistics.unindexed = body_.rows.scanned().size();
    statistics.memory_bytes = body_.rows.memory_bytes() + (body_.graph ? body_.graph->memory_bytes() : 0);
    for (const auto& part : parts_) {
      statistics.unindexed += part.segment().strays().size();
      statistics.memory_bytes += part.segment().memory_bytes() + part.dead_bits().size() * sizeof(std::uint64_t);
      statistics.file_bytes += part.segment().file_bytes();
    }
  }
  std::error_code code;
  const auto size = std::filesystem::file_size(file_, code);
  statistics.file_bytes += code ? 0 : size;
  return statistics;
}

Status Collection::drop() {
  stop();
  // A save or a merge under way would bring files back.
  const std::scoped_lock merging(merging_);
  const std::scoped_lock maintenance(maintenance_);
  const std::scoped_lock saving(saving_);
  {
    const Closed closed(gate_);
    dropped_ = true;
  }
  return remove_files(file_);
}

Status Collection::remove_files(const std::filesystem::path& file) {
  // The snapshot goes first: without it the others mean nothing, and the next to open removes them.
  TRIUNE_TRY(base::remove_all(file));
  TRIUNE_TRY(SegmentHome::remove_files(file, [](std::uint64_t) { return false; }));
  return std::filesystem::exists(file.parent_path()) ? base::sync_directory(file.parent_path()) : Status{};
}

}  // namespace triune::adapters::usearch
