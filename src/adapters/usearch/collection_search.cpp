// How a collection answers a search: which way is cheapest, and the ways.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "adapters/usearch/collection.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::usearch {

Selection Collection::select(const contract::VectorFilter& filter) const {
  if (filter.equals.empty()) return filter.keys ? Selection(std::span(*filter.keys)) : Selection();
  std::vector<contract::VectorKey> matching;
  // Entries without metadata meet a filter that wants NULLs only; there the keys at hand are asked one by one.
  const auto ask = [&](contract::VectorKey key) {
    if (filter.keys && !std::ranges::binary_search(*filter.keys, key)) return;
    const auto metadata = body_.metadata.find(key);
    const Record none;
    if (contract::metadata_matches(metadata == body_.metadata.end() ? none : metadata->second, filter.equals))
      matching.push_back(key);
  };
  for (Row row = 0; row < body_.rows.end(); ++row)
    if (body_.rows.is_live(row)) ask(body_.rows.key(row));
  for (const auto& part : parts_)
    for (Row row = 0; row < part.segment().rows(); ++row)
      if (part.is_live(row)) ask(part.segment().key(row));
  std::ranges::sort(matching);
  return Selection(std::move(matching));
}

Result<contract::VectorAnswer> Collection::search(std::span<const float> query,
                                                  const contract::VectorQueryOptions& options) {
  TRIUNE_TRY(contract::check_query(query, options, specification_.dimension));
  const Seat seat(gate_, options.deadline);
  if (!seat) return std::unexpected(too_late());
  if (dropped_) return std::unexpected(gone());
  const Selection selection = select(options.filter);
  Found found(options.count);
  Probes probes(query, wide_);
  TRIUNE_TRY(search_body(probes.of(*body_.scorer), options, selection, seat.number(), found));
  if (!parts_.empty()) {
    PartSearch parts(parts_, probes, options, selection, expansion_of(options), part_costs_);
    TRIUNE_TRY(parts.run(found));
  }
  contract::VectorAnswer answer{.matches = found.nearest.take(), .strategy = fmt::format("scan of {}", found.scanned)};
  for (auto& match : answer.matches) match.distance = narrow_.distance_of(match.distance);
  if (found.walked) answer.strategy = selection.keys() ? "index with filter" : "index";
  return answer;
}

Status Collection::search_body(const Probe& probe, const contract::VectorQueryOptions& options,
                               const Selection& selection, std::uint32_t seat, Found& found) {
  const std::size_t all = body_.rows.live();
  if (all == 0) return {};
  const std::size_t candidates = selection.keys() ? std::min(selection.keys()->size(), all) : all;
  if (options.exact || !body_.graph || !probe.fits() ||
      body_costs_.exceed_scan(body_.graph->size(), candidates, expansion_of(options)))
    return scan_exactly(probe, options, selection, found);
  TRIUNE_ASSIGN(const bool enough, ask_index(probe, options, selection, seat, found));
  // The graph may lead to fewer than there are; exactly `count` is promised.
  if (!enough) return scan_exactly(probe, options, selection, found);
  found.walked = true;
  return {};
}

std::size_t Collection::expansion_of(const contract::VectorQueryOptions& options) const {
  return std::max(options.count, options.effort > 0 ? options.effort : settings_.tuning.expansion_search);
}

Result<bool> Collection::ask_index(const Probe& probe, const contract::VectorQueryOptions& options,
                                   const Selection& selection, std::uint32_t seat, Found& found) {
  const Rows& rows = body_.rows;
  const bool filtered = selection.keys().has_value();
  Graph::Allow allow;
  if (filtered)
    allow = [&](Row row) { return rows.state(row) == RowState::indexed && selection.admits(rows.key(row)); };
  else if (rows.live() - rows.scanned().size() != body_.graph->size())
    allow = [&](Row row) { return rows.state(row) == RowState::indexed; };
  const auto expansion = expansion_of(options);
  TRIUNE_ASSIGN(const auto answer, body_.graph->search(probe.packed(), options.count, seat, allow, expansion));
  if (!filtered) body_costs_.note(expansion, answer.distances);
  std::size_t met = answer.found.size();
  Nearest nearest(options.count);
  for (const auto& hit : answer.found) nearest.offer(rows.key(hit.row), hit.score);
  const auto scanned = rows.scanned();
  for (std::size_t at = 0; at < scanned.size(); ++at) {
    if (at + prefetch_ahead < scanned.size()) prefetch(rows.vector(scanned[at + prefetch_ahead]), rows.stride());
    if (!selection.admits(rows.key(scanned[at]))) continue;
    nearest.offer(rows.key(scanned[at]), probe.score(rows.vector(scanned[at])));
    ++met;
  }
  const std::size_t candidates = filtered ? std::min(selection.keys()->size(), rows.live()) : rows.live();
  if (met < std::min(options.count, candidates)) return false;
  for (const auto& match : nearest.take()) found.nearest.offer(match.key, match.distance);
  return true;
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
  chosen.resize(rows.end());
  std::size_t count = 0;
  const KeySet* const set = selection.asked();
  for (Row row = 0; row < rows.end(); ++row) {
    // Without a branch: which rows are chosen is as good as random.
    chosen[count] = row;
    const bool admitted = set == nullptr || set->contains(rows.key(row));
    count += static_cast<std::size_t>(rows.is_live(row)) & static_cast<std::size_t>(admitted);
  }
  chosen.resize(count);
  return chosen;
}

Status Collection::scan_exactly(const Probe& probe, const contract::VectorQueryOptions& options,
                                const Selection& selection, Found& found) const {
  const Rows& rows = body_.rows;
  const auto chosen = chosen_rows(selection);
  // A scan of nearly everything runs along memory, which the processor foresees by itself.
  const bool scattered = chosen.size() * 10 < rows.end() * 9UL;
  for (std::size_t at = 0; at < chosen.size(); ++at) {
    if (at % rows_between_deadline_checks == 0 && options.deadline.expired()) return std::unexpected(too_late());
    if (scattered && at + prefetch_ahead < chosen.size())
      prefetch(rows.vector(chosen[at + prefetch_ahead]), rows.stride());
    found.nearest.offer(rows.key(chosen[at]), probe.score(rows.vector(chosen[at])));
  }
  found.scanned += chosen.size();
  return {};
}

}  // namespace triune::adapters::usearch
