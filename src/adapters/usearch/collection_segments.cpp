// How vectors go from memory into segments, and segments into others.
#include <algorithm>
#include <bit>
#include <numeric>
#include <queue>

#include "adapters/usearch/collection.h"
#include "base/failpoint.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

// What a row takes besides its vector: key, length, state, places in lists and in the map.
constexpr std::size_t row_bytes = 32;
// Segments are merged or made anew from this share of deleted vectors on.
constexpr double most_dead = 0.25;

// The live vectors of several segments, in the order of their keys.
class Merged {
 public:
  Merged(std::span<const Part> parts, const Scorer& scorer) : parts_(parts), scorer_(scorer) {
    std::vector<Row> next(parts.size());
    for (const auto& part : parts) rows_.push_back(part.live_rows());
    using Head = std::pair<contract::VectorKey, std::uint32_t>;
    std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
    const auto push = [&](std::uint32_t at) {
      if (next[at] < rows_[at].size()) heads.emplace(parts[at].segment().key(rows_[at][next[at]]), at);
    };
    for (std::uint32_t at = 0; at < parts.size(); ++at) push(at);
    while (!heads.empty()) {
      const auto [key, at] = heads.top();
      heads.pop();
      keys.push_back(key);
      order_.push_back(at);
      ++next[at];
      push(at);
    }
  }

  Status visit(const std::function<Status(const Segment::Entry&)>& visitor) const {
    std::vector<Reader> readers;
    for (std::size_t at = 0; at < parts_.size(); ++at) readers.emplace_back(parts_[at].segment(), rows_[at], scorer_);
    for (std::size_t at = 0; at < keys.size(); ++at) {
      TRIUNE_ASSIGN(const auto entry, readers[order_[at]].next());
      TRIUNE_TRY(visitor(entry));
    }
    return {};
  }

  std::vector<contract::VectorKey> keys;

 private:
  // Reads one segment's rows a block at a time, in the form wanted.
  class Reader {
   public:
    Reader(const Segment& segment, std::span<const Row> rows, const Scorer& scorer)
        : segment_(&segment), rows_(rows), scorer_(&scorer) {}

    Result<Segment::Entry> next() {
      if (at_ == lengths_.size()) TRIUNE_TRY(fill());
      const Segment::Entry entry{.key = segment_->key(rows_[begin_ + at_]),
                                 .packed = block_.data() + at_ * scorer_->bytes(),
                                 .length = lengths_[at_]};
      ++at_;
      return entry;
    }

   private:
    Status fill() {
      begin_ += at_;
      at_ = 0;
      lengths_.clear();
      block_.clear();
      std::vector<float> values(scorer_->dimension());
      const auto part = rows_.subspan(begin_, std::min(rows_at_once, rows_.size() - begin_));
      return segment_->records().visit(part, [&](Row, const std::byte* packed, float length) -> Status {
        const std::size_t place = block_.size();
        block_.resize(place + scorer_->bytes());
        if (&segment_->scorer() == scorer_) {
          std::copy_n(packed, scorer_->bytes(), block_.data() + place);
        } else {
          segment_->scorer().unpack(packed, 1, values);
          scorer_->pack(values, block_.data() + place);
        }
        lengths_.push_back(length);
        return {};
      });
    }

    static constexpr std::size_t rows_at_once = 512;
    const Segment* segment_;
    std::span<const Row> rows_;
    const Scorer* scorer_;
    std::size_t begin_ = 0;
    std::size_t at_ = 0;
    std::vector<std::byte> block_;
    std::vector<float> lengths_;
  };

  std::span<const Part> parts_;
  const Scorer& scorer_;
  std::vector<std::vector<Row>> rows_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::size_t Collection::body_bytes(const Body& body) const {
  const std::size_t vectors = (body.rows.live() + body.rows.tombstones()) * (body.rows.stride() + row_bytes);
  return vectors + (body.graph ? body.graph->memory_bytes() : 0);
}

std::size_t Collection::largest_segment() const {
  std::size_t all = 0;
  for (const auto& part : parts_) all += part.live();
  return std::max(settings_.segment_bytes / Segment::building_row_bytes(home()), all / 4);
}

std::vector<std::size_t> Collection::parts_to_merge() const {
  const std::size_t most = largest_segment();
  std::vector<std::size_t> small;
  for (std::size_t at = 0; at < parts_.size(); ++at) {
    const Part& part = parts_[at];
    if (static_cast<double>(part.dead()) > most_dead * part.segment().rows()) return {at};
    if (part.live() < most / 2) small.push_back(at);
  }
  if (small.size() <= settings_.most_small_segments) return {};
  std::ranges::sort(small, {}, [this](std::size_t at) { return parts_[at].live(); });
  // Each no larger than what comes before it together: so a vector is moved a logarithmic number of times.
  std::size_t together = parts_[small[0]].live() + parts_[small[1]].live();
  std::size_t count = 2;
  for (; count < small.size(); ++count) {
    const std::size_t next = parts_[small[count]].live();
    if (next > together || together + next > most) break;
    together += next;
  }
  small.resize(count);
  return small;
}

const Segment* Collection::segment_to_hold() const {
  std::size_t held = 0;
  for (const auto& part : parts_) held += part.segment().is_held() ? part.segment().memory_bytes() : 0;
  for (const auto& part : parts_)
    if (!part.segment().is_held() && held + part.segment().memory_bytes() <= settings_.held_bytes)
      return &part.segment();
  return nullptr;
}

Status Collection::hold_segments() {
  const std::scoped_lock lock(merging_);  // what is opened again is not replaced meanwhile
  while (!stop_.load()) {
    Segment::Identity identity;
    {
      const Seat seat(gate_, Deadline::never());
      const Segment* const mapped = dropped_ ? nullptr : segment_to_hold();
      if (mapped == nullptr) return {};
      identity = mapped->identity();
    }
    auto held = Segment::open(home(), identity, Segment::Residence::held);
    const Closed closed(gate_);
    if (dropped_) return {};
    if (!held) return failure_of(held);
    for (auto& part : parts_)
      if (part.segment().identity() == identity) part.exchange(*held);  // the mapping goes once the gate is open
  }
  return {};
}

Status Collection::freeze() {
  auto frozen = freeze_what_there_is();
  if (!frozen) freeze_again_at_ = std::chrono::steady_clock::now() + settings_.freeze_pause;
  return frozen;
}

Status Collection::freeze_what_there_is() {
  std::vector<std::pair<contract::VectorKey, Row>> entries;
  std::vector<float> lengths;
  std::optional<Rows::Pin> pin;
  Segment::Source source;
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return {};
    const Rows& rows = body_.rows;
    for (Row row = 0; row < rows.end(); ++row)
      if (rows.is_live(row)) entries.emplace_back(rows.key(row), row);
    lengths = rows.lengths();
    pin.emplace(rows);
    source.scorer = body_.scorer;
  }
  std::ranges::sort(entries);
  for (const auto& [key, row] : entries) source.keys.push_back(key);
  source.visit = [&](const std::function<Status(const Segment::Entry&)>& visitor) -> Status {
    for (const auto& [key, row] : entries)
      TRIUNE_TRY(visitor({.key = key, .packed = pin->vector(row), .length = lengths[row]}));
    return {};
  };
  TRIUNE_ASSIGN(auto segment, Segment::build(home(), next_segment_++, source, stop_));
  Part part(std::move(segment));
  std::vector<bool> frozen(lengths.size());
  for (const auto& [key, row] : entries) frozen[row] = true;

  Body rest(*source.scorer);  // the old one is destroyed in it, after the gate is open
  const Closed closed(gate_);
  if (dropped_) return {};
  const Rows& rows = body_.rows;
  rest = Body(*body_.scorer);
  for (Row row = 0; row < rows.end(); ++row) {
    if (!rows.is_live(row) || (row < frozen.size() && frozen[row])) continue;
    rest.rows.reserve(1);
    rest.rows.put(rows.key(row), rows.vector(row), rows.length(row));
  }
  // Whoever was deleted or replaced meanwhile is dead in the segment. (While the pin lives no row has another vector.)
  for (const auto& [key, row] : entries)
    if (!rows.is_live(row)) part.bury(key);
  rest.metadata = std::move(body_.metadata);
  std::swap(body_, rest);
  parts_.push_back(std::move(part));
  checked_nodes_ = all_checked_nodes_ = 0;
  unavoidable_strays_ = 0;
  ++version_;
  return {};
}

Status Collection::merge_parts() {
  const std::scoped_lock lock(merging_);
  std::vector<Part> sources;
  {
    const Seat seat(gate_, Deadline::never());
    if (dropped_) return {};
    for (const auto at : parts_to_merge()) sources.push_back(parts_[at]);
  }
  if (sources.empty()) return {};
  const auto is_wide = [this](const Part& part) { return &part.segment().scorer() == &wide_; };
  const Scorer& scorer = std::ranges::any_of(sources, is_wide) ? wide_ : narrow_;
  Merged merged(sources, scorer);
  std::shared_ptr<const Segment> segment;
  if (!merged.keys.empty()) {
    const Segment::Source source{
        .scorer = &scorer, .keys = merged.keys, .visit = [&](const auto& visitor) { return merged.visit(visitor); }};
    TRIUNE_ASSIGN(segment, Segment::build(home(), next_segment_++, source, stop_));
  }
  TRIUNE_TRY(publish_merged(sources, std::move(segment)));
  base::failpoint("usearch.merge.published");
  return discard_replaced();
}

Status Collection::publish_merged(std::span<const Part> sources, std::shared_ptr<const Segment> segment) {
  std::vector<Part> old;  // unmapped after the gate is open
  std::optional<Part> part;
  if (segment) part.emplace(std::move(segment));
  const Closed closed(gate_);
  if (dropped_) return {};
  for (const auto& source : sources) {
    const auto at = std::ranges::find(parts_, &source.segment(), [](const Part& each) { return &each.segment(); });
    const auto& before = source.dead_bits();
    const auto& now = at->dead_bits();
    for (std::size_t word = 0; word < now.size(); ++word)
      for (auto died = now[word] & ~before[word]; died != 0; died &= died - 1)
        part->bury(source.segment().key(static_cast<Row>(word * 64 + static_cast<unsigned>(std::countr_zero(died)))));
    old.push_back(std::move(*at));
    parts_.erase(at);
  }
  if (part) parts_.push_back(std::move(*part));
  ++version_;
  const std::scoped_lock saved(saved_mutex_);
  for (const auto& each : old) replaced_.push_back(each.segment().identity().number);
  return {};
}

Status Collection::remove_segment(std::uint64_t number) const {
  TRIUNE_TRY(base::remove_all(home().segment_file(number)));
  return base::remove_all(home().record_file(number));
}

Status Collection::discard_replaced() {
  {
    const std::scoped_lock saving(saving_);
    if (generation_ == 0) {  // no snapshot names them
      const std::scoped_lock saved(saved_mutex_);
      for (const auto number : replaced_) TRIUNE_TRY(remove_segment(number));
      replaced_.clear();
      return {};
    }
  }
  return save();
}

}  // namespace triune::adapters::usearch
