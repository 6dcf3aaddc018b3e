// How an empty collection is filled: in memory, and from segment to segment where that grows too large.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "adapters/usearch/collection.h"
#include "adapters/usearch/graph_build.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::usearch {

// What is loaded, while nobody sees it yet.
struct Collection::Loaded {
  explicit Loaded(const Scorer& scorer) : body(scorer) {}
  Body body;
  std::vector<Part> parts;
  std::size_t lost = 0;

  [[nodiscard]] bool holds(contract::VectorKey key) const {
    return body.rows.find(key) || std::ranges::any_of(parts, [key](const Part& part) { return part.holds(key); });
  }
};

Status Collection::bulk_load(std::uint64_t expected, const contract::VectorSource& source,
                             const contract::Position& position) {
  const std::scoped_lock merging(merging_);
  const std::scoped_lock lock(maintenance_);
  const auto filled = [this] {
    return failure(ErrorCode::conflict, fmt::format("vector collection '{}' is not empty; only an empty one can be "
                                                    "bulk loaded, drop it first",
                                                    specification_.collection));
  };
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return std::unexpected(gone());
    if (live() != 0) return filled();
  }
  Loaded loaded(narrow_);
  const auto discard = [&](Status status) {
    for (const auto& part : loaded.parts) (void)remove_segment(part.segment().identity().number);
    return status;
  };
  if (auto status = fill(loaded, expected, source); !status) return discard(std::move(status));
  if (auto status = finish(loaded); !status) return discard(std::move(status));
  std::vector<Part> old;
  {
    const Closed closed(gate_);
    if (dropped_) return discard(std::unexpected(gone()));
    if (live() != 0) return discard(filled());
    std::swap(body_, loaded.body);
    old = std::exchange(parts_, std::move(loaded.parts));
    scalar_ = body_.scorer->scalar();
    position_ = position;
    unavoidable_strays_ = loaded.lost;
    checked_nodes_ = all_checked_nodes_ = body_.graph ? body_.graph->size() : 0;
    ++version_;
    const std::scoped_lock saved(saved_mutex_);
    for (const auto& part : old) replaced_.push_back(part.segment().identity().number);
  }
  base::failpoint("usearch.bulk_load.loaded");
  return {};
}

/// Of a vector in memory with its links: rather more than it takes, so that nothing is frozen right after a load.
std::size_t Collection::loaded_row_bytes() const {
  return narrow_.bytes() + Segment::row_bytes(home());
}

Status Collection::fill(Loaded& loaded, std::uint64_t expected, const contract::VectorSource& source) {
  const bool fits = expected * loaded_row_bytes() <= settings_.freeze_from;
  const std::size_t most =
      std::max<std::size_t>(1, fits ? settings_.freeze_from / loaded_row_bytes()
                                    : settings_.segment_bytes / Segment::building_row_bytes(home()));
  loaded.body.rows.reserve(std::min<std::uint64_t>(expected, most));
  std::vector<std::byte> packed(wide_.bytes());
  return source([&](const contract::VectorEntry& entry) -> Status {
    TRIUNE_TRY(contract::check_values(entry.values, specification_.dimension, entry.key));
    if (loaded.holds(entry.key))
      return failure(ErrorCode::invalid_argument, fmt::format("key {} came twice in the load", entry.key));
    if (loaded.body.rows.live() >= most) TRIUNE_TRY(spill(loaded));
    Body& body = loaded.body;
    if (!body.scorer->fits(entry.values)) widen(body);
    body.rows.reserve(1);
    const float length = body.scorer->pack(entry.values, packed.data());
    body.rows.put(entry.key, packed.data(), length);
    if (!entry.metadata.empty()) body.metadata.insert_or_assign(entry.key, entry.metadata);
    return {};
  });
}

Status Collection::spill(Loaded& loaded) {
  const Rows& rows = loaded.body.rows;
  std::vector<std::pair<contract::VectorKey, Row>> entries;
  for (Row row = 0; row < rows.end(); ++row) entries.emplace_back(rows.key(row), row);
  std::ranges::sort(entries);
  Segment::Source source{.scorer = loaded.body.scorer, .keys = {}, .visit = {}};
  for (const auto& [key, row] : entries) source.keys.push_back(key);
  source.visit = [&](const std::function<Status(const Segment::Entry&)>& visitor) -> Status {
    for (const auto& [key, row] : entries)
      TRIUNE_TRY(visitor({.key = key, .packed = rows.vector(row), .length = rows.length(row)}));
    return {};
  };
  TRIUNE_ASSIGN(auto segment, Segment::build(home(), next_segment_++, source, stop_));
  loaded.parts.emplace_back(std::move(segment));
  Body next(*loaded.body.scorer);
  next.metadata = std::move(loaded.body.metadata);
  loaded.body = std::move(next);
  base::release_free_memory();
  return {};
}

Status Collection::finish(Loaded& loaded) {
  Body& body = loaded.body;
  if (body.rows.live() < settings_.index_from) return {};
  if (body.rows.live() * loaded_row_bytes() > freeze_bound(!loaded.parts.empty())) return spill(loaded);
  std::vector<Row> all(body.rows.live());
  std::iota(all.begin(), all.end(), 0U);
  const auto vector_of = [&](Row row) { return static_cast<const Rows&>(body.rows).vector(row); };
  TRIUNE_ASSIGN(body.graph, build_graph(*body.scorer, settings_, all, vector_of, stop_));
  for (const Row row : all) body.rows.set_indexed(row);
  TRIUNE_ASSIGN(const auto lost, lost_of(*body.graph, specification_.metric, settings_.threads, vector_of, stop_));
  for (const Row row : lost) body.rows.set_stray(row);
  loaded.lost = lost.size();
  return {};
}

}  // namespace triune::adapters::usearch
