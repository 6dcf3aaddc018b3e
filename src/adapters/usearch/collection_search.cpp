// How a collection answers a search: which way is cheapest, and the ways.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "adapters/usearch/collection.h"
#include "adapters/usearch/selection.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t rows_between_deadline_checks = 8'192;
constexpr std::size_t prefetch_ahead = 4;
constexpr std::size_t cache_line = 64;
// From this share of all rows on, reading every key beats looking each wanted key up (measured).
constexpr std::size_t sweep_from_share = 24;

// Rows of a filtered scan lie at odd distances, where the processor does not guess what comes next.
void prefetch(const std::byte* row, std::size_t bytes) {
  for (std::size_t offset = 0; offset < bytes; offset += cache_line) __builtin_prefetch(row + offset);
}

Error too_late() {
  return {.code = ErrorCode::deadline_exceeded,
          .message = "the vector search reached its deadline; nothing was changed, search again with more time",
          .engine = "usearch",
          .native_code = {},
          .retry = Retry::safe};
}

}  // namespace

// The query in the form in which it is compared.
struct Collection::Probe {
  Probe(std::span<const float> values, const Scorer& narrow, const Scorer& wide)
      : scorer(narrow), wide_scorer(wide), fits(narrow.fits(values)) {
    packed.resize(scorer.bytes());
    scorer.pack(values, packed.data());
    if (fits) return;
    wide_packed.resize(wide.bytes());
    wide.pack(values, wide_packed.data());
    unpacked.resize(values.size());
  }

  // A query whose values f16 cannot hold is compared in f32 with each row unpacked: slow, and right.
  [[nodiscard]] float score(const std::byte* row) const {
    if (fits) return scorer.score(packed.data(), row);
    scorer.unpack(row, 1, unpacked);
    return wide_scorer.score(wide_packed.data(), std::as_bytes(std::span(unpacked)).data());
  }

  // The matches found by their scores, with distances.
  [[nodiscard]] std::vector<contract::VectorMatch> measured(Nearest& nearest) const {
    auto matches = nearest.take();
    for (auto& match : matches) match.distance = scorer.distance_of(match.distance);
    return matches;
  }

  const Scorer& scorer;
  const Scorer& wide_scorer;
  bool fits;
  std::vector<std::byte> packed;
  std::vector<std::byte> wide_packed;
  mutable std::vector<float> unpacked;
};

// The keys that may be returned: all, or those of the filter.
class Collection::Selection {
 public:
  Selection(const contract::VectorFilter& filter, const Body& body) {
    if (filter.keys) keys_ = *filter.keys;
    if (filter.equals.empty()) return;
    // Entries without metadata meet a filter that wants NULLs only; there the keys at hand are asked one by one.
    for (Row row = 0; row < body.rows.end(); ++row) {
      if (!body.rows.is_live(row)) continue;
      const auto key = body.rows.key(row);
      if (keys_ && !std::ranges::binary_search(*keys_, key)) continue;
      const auto metadata = body.metadata.find(key);
      const Record none;
      if (contract::metadata_matches(metadata == body.metadata.end() ? none : metadata->second, filter.equals))
        matching_.push_back(key);
    }
    std::ranges::sort(matching_);
    keys_ = matching_;
  }

  [[nodiscard]] const std::optional<std::span<const contract::VectorKey>>& keys() const { return keys_; }
  [[nodiscard]] std::size_t most(const Body& body) const {
    return keys_ ? std::min(keys_->size(), body.rows.live()) : body.rows.live();
  }

 private:
  std::optional<std::span<const contract::VectorKey>> keys_;
  std::vector<contract::VectorKey> matching_;
};

Result<contract::VectorAnswer> Collection::search(std::span<const float> query,
                                                  const contract::VectorQueryOptions& options) {
  TRIUNE_TRY(contract::check_query(query, options, specification_.dimension));
  const Seat seat(gate_, options.deadline);
  if (!seat) return std::unexpected(too_late());
  if (dropped_) return std::unexpected(gone());
  return answer(Probe(query, *body_.scorer, wide_), options, seat.number());
}

Result<contract::VectorAnswer> Collection::answer(const Probe& probe, const contract::VectorQueryOptions& options,
                                                  std::uint32_t seat) {
  const Selection selection(options.filter, body_);
  const std::size_t candidates = selection.most(body_);
  if (options.exact || !body_.graph || !probe.fits || prefers_scan(candidates, options))
    return scan_exactly(probe, options, selection);
  TRIUNE_ASSIGN(auto answer, ask_index(probe, options, selection, seat));
  // The graph may lead to fewer than there are; exactly `count` is promised.
  if (answer.matches.size() < std::min(options.count, candidates)) return scan_exactly(probe, options, selection);
  return answer;
}

bool Collection::prefers_scan(std::size_t candidates, const contract::VectorQueryOptions& options) const {
  // The graph is walked until enough admissible vectors were met: the fewer are admissible, the longer the walk.
  const double nodes = static_cast<double>(body_.graph->size());
  const double share = static_cast<double>(candidates) / std::max(1.0, nodes);
  const double widening =
      std::max(1.0, static_cast<double>(options.count) / static_cast<double>(settings_.tuning.expansion_search));
  const double walk = static_cast<double>(usual_distances_.load(std::memory_order_relaxed)) * widening / share;
  return static_cast<double>(candidates) <= std::min(walk, nodes) * settings_.walk_cost;
}

Result<contract::VectorAnswer> Collection::ask_index(const Probe& probe, const contract::VectorQueryOptions& options,
                                                     const Selection& selection, std::uint32_t seat) {
  const Rows& rows = body_.rows;
  std::optional<KeySet> wanted;
  if (selection.keys()) wanted.emplace(*selection.keys());
  Graph::Allow allow;
  if (wanted)
    allow = [&](Row row) { return rows.state(row) == RowState::indexed && wanted->contains(rows.key(row)); };
  else if (rows.live() - rows.scanned().size() != body_.graph->size())
    allow = [&](Row row) { return rows.state(row) == RowState::indexed; };
  TRIUNE_ASSIGN(const auto found, body_.graph->search(probe.packed.data(), options.count, seat, allow));
  if (!wanted && options.count <= settings_.tuning.expansion_search)
    usual_distances_.store((usual_distances_.load(std::memory_order_relaxed) * 15 + found.distances) / 16,
                           std::memory_order_relaxed);
  Nearest nearest(options.count);
  for (const auto& hit : found.found) nearest.offer(rows.key(hit.row), hit.score);
  for (const Row row : rows.scanned()) {
    if (wanted && !wanted->contains(rows.key(row))) continue;
    nearest.offer(rows.key(row), probe.score(rows.vector(row)));
  }
  return contract::VectorAnswer{.matches = probe.measured(nearest), .strategy = wanted ? "index with filter" : "index"};
}

std::vector<Row> Collection::chosen_rows(const Selection& selection) const {
  const Rows& rows = body_.rows;
  const auto& keys = selection.keys();
  std::vector<Row> chosen;
  if (keys && keys->size() * sweep_from_share < rows.end()) {
    for (const auto key : *keys)
      if (const auto row = rows.find(key)) chosen.push_back(*row);
    std::ranges::sort(chosen);  // in the order of memory
    return chosen;
  }
  std::optional<KeySet> wanted;
  if (keys) wanted.emplace(*keys);
  chosen.resize(rows.end());
  std::size_t count = 0;
  for (Row row = 0; row < rows.end(); ++row) {
    // Without a branch: which rows are chosen is as good as random.
    chosen[count] = row;
    count += static_cast<std::size_t>(rows.is_live(row) & (!wanted || wanted->contains(rows.key(row))));
  }
  chosen.resize(count);
  return chosen;
}

Result<contract::VectorAnswer> Collection::scan_exactly(const Probe& probe, const contract::VectorQueryOptions& options,
                                                        const Selection& selection) const {
  const Rows& rows = body_.rows;
  const auto chosen = chosen_rows(selection);
  // A scan of nearly everything runs along memory, which the processor foresees by itself.
  const bool scattered = chosen.size() * 10 < rows.end() * 9UL;
  Nearest nearest(options.count);
  for (std::size_t at = 0; at < chosen.size(); ++at) {
    if (at % rows_between_deadline_checks == 0 && options.deadline.expired()) return std::unexpected(too_late());
    if (scattered && at + prefetch_ahead < chosen.size())
      prefetch(rows.vector(chosen[at + prefetch_ahead]), rows.stride());
    nearest.offer(rows.key(chosen[at]), probe.score(rows.vector(chosen[at])));
  }
  return contract::VectorAnswer{.matches = probe.measured(nearest),
                                .strategy = fmt::format("scan of {}", chosen.size())};
}

}  // namespace triune::adapters::usearch
