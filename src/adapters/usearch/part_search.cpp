#include "adapters/usearch/part_search.h"

#include <algorithm>

#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

// Of 100,000 x 384 the nearest 10 are among the nearest 60 by codes always; of ten times as many in 97 %.
constexpr std::size_t spare_candidates = 80;
constexpr std::size_t candidates_each = 2;
// A segment's share of the candidates may be larger than its share of the vectors by this much.
constexpr std::size_t spare_of_part = 16;
constexpr std::size_t sample_size = 512;

}  // namespace

PartSearch::PartSearch(std::span<const Part> parts, std::span<const float> query,
                       const contract::VectorQueryOptions& options, const Selection& selection,
                       const Settings& settings, std::uint32_t seat)
    : parts_(parts),
      query_(query),
      options_(options),
      selection_(selection),
      settings_(settings),
      seat_(seat),
      most_(most_candidates(options.count,
                            static_cast<double>(settings.expansion) / static_cast<double>(settings.usual_expansion))) {}

std::size_t PartSearch::most_candidates(std::size_t count, double effort) {
  return static_cast<std::size_t>(static_cast<double>(spare_candidates) * effort) + candidates_each * count;
}

Status PartSearch::run(Found& found) {
  for (std::uint32_t at = 0; at < parts_.size(); ++at)
    if (parts_[at].live() > 0) TRIUNE_TRY(look_in(at, found));
  if (candidates_.size() > most_) {
    std::ranges::nth_element(candidates_, candidates_.begin() + static_cast<std::ptrdiff_t>(most_), {},
                             &Candidate::score);
    candidates_.resize(most_);
  }
  std::ranges::sort(candidates_, {}, [](const Candidate& one) { return std::pair(one.part, one.row); });
  std::vector<Row> rows;
  for (auto begin = candidates_.begin(); begin != candidates_.end();) {
    const auto part = begin->part;
    rows.clear();
    for (; begin != candidates_.end() && begin->part == part; ++begin) rows.push_back(begin->row);
    TRIUNE_TRY(measure(parts_[part], rows, found));
  }
  return {};
}

Status PartSearch::look_in(std::uint32_t at, Found& found) {
  const Part& part = parts_[at];
  if (selection_.keys())
    if (const auto rows = looked_up(part)) return compare(at, *rows, found);
  const std::size_t candidates = selection_.keys() ? estimate(part) : part.live();
  std::size_t all = 0;
  for (const auto& each : parts_) all += each.live();
  const std::size_t wanted =
      std::min(most_, options_.count + spare_of_part + candidates_each * most_ * part.live() / all);
  const bool comparable = part.segment().is_coded() || part.segment().scorer().fits(query_);
  if (options_.exact || !comparable || prefers_scan(part, candidates, wanted)) return compare(at, swept(part), found);
  TRIUNE_ASSIGN(const bool enough, walk(at, wanted, found));
  if (!enough) return compare(at, swept(part), found);  // exactly `count` is promised
  found.walked = true;
  return {};
}

bool PartSearch::prefers_scan(const Part& part, std::size_t candidates, std::size_t wanted) const {
  const WalkCost cost{.nodes = part.segment().rows(),
                      .usual_distances = settings_.usual_distances.load(std::memory_order_relaxed),
                      .widening = static_cast<double>(std::max(wanted, settings_.expansion)) /
                                  static_cast<double>(settings_.usual_expansion),
                      .of_one = settings_.walk_cost};
  return cost.exceeds_scan(candidates);
}

std::optional<std::vector<Row>> PartSearch::looked_up(const Part& part) const {
  const Segment& segment = part.segment();
  const auto keys = selection_.between(segment.keys().front(), segment.keys().back());
  if (keys.size() * sweep_from_share >= segment.rows()) return std::nullopt;
  std::vector<Row> rows;
  for (const auto key : keys)
    if (const auto row = segment.find(key); row && part.is_live(*row)) rows.push_back(*row);
  return rows;
}

std::vector<Row> PartSearch::swept(const Part& part) const {
  const Segment& segment = part.segment();
  std::vector<Row> rows(segment.rows());
  std::size_t count = 0;
  for (Row row = 0; row < segment.rows(); ++row) {
    // Without a branch: which rows are chosen is as good as random.
    rows[count] = row;
    count +=
        static_cast<std::size_t>(part.is_live(row)) & static_cast<std::size_t>(selection_.admits(segment.key(row)));
  }
  rows.resize(count);
  return rows;
}

std::size_t PartSearch::estimate(const Part& part) const {
  const Segment& segment = part.segment();
  const Row step = std::max<Row>(1, segment.rows() / sample_size);
  std::size_t tried = 0;
  std::size_t admitted = 0;
  for (Row row = 0; row < segment.rows(); row += step, ++tried)
    admitted += part.is_live(row) && selection_.admits(segment.key(row)) ? 1 : 0;
  return segment.rows() * admitted / tried;
}

Status PartSearch::compare(std::uint32_t at, std::span<const Row> rows, Found& found) {
  const Part& part = parts_[at];
  const Segment& segment = part.segment();
  found.scanned += rows.size();
  if (options_.exact || rows.size() <= most_ || !segment.is_coded()) return measure(part, rows, found);
  const Probe probe(query_, segment.scorer(), settings_.wide);
  const auto query = segment.on_ground(query_, probe.packed());
  Nearest nearest(most_);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (row % rows_between_deadline_checks == 0 && options_.deadline.expired()) return std::unexpected(too_late());
    if (row + prefetch_ahead < rows.size())
      prefetch(segment.ground(rows[row + prefetch_ahead]), segment.ground_stride());
    nearest.offer(rows[row], segment.comparer().score(query.data(), segment.ground(rows[row])));
  }
  for (const auto& match : nearest.take()) candidates_.push_back({at, static_cast<Row>(match.key), match.distance});
  return {};
}

Result<bool> PartSearch::walk(std::uint32_t at, std::size_t wanted, Found& found) {
  const Part& part = parts_[at];
  const Segment& segment = part.segment();
  const Probe probe(query_, segment.scorer(), settings_.wide);
  const auto query = segment.on_ground(query_, probe.packed());
  const bool filtered = selection_.keys().has_value();
  Graph::Allow allow;
  if (filtered)
    allow = [&](Row row) { return part.is_live(row) && selection_.admits(segment.key(row)); };
  else if (part.dead() > 0)
    allow = [&](Row row) { return part.is_live(row); };
  TRIUNE_ASSIGN(const auto answer, segment.graph().search(query.data(), wanted, seat_, allow, settings_.expansion));
  if (answer.found.size() < std::min(options_.count, part.live())) return false;
  if (!filtered && std::max(wanted, settings_.expansion) == settings_.usual_expansion) {
    auto& usual = settings_.usual_distances;
    usual.store((usual.load(std::memory_order_relaxed) * 15 + answer.distances) / 16, std::memory_order_relaxed);
  }
  std::vector<Candidate> met;
  for (const auto& hit : answer.found) met.push_back({at, hit.row, hit.score});
  for (const Row row : segment.strays()) {
    if (!part.is_live(row) || !selection_.admits(segment.key(row))) continue;
    met.push_back({at, row, segment.comparer().score(query.data(), segment.ground(row))});
  }
  // A stray may be met all the same.
  std::ranges::sort(met, {}, &Candidate::row);
  const auto again = std::ranges::unique(met, {}, &Candidate::row);
  met.erase(again.begin(), again.end());
  if (segment.is_coded()) {
    candidates_.insert(candidates_.end(), met.begin(), met.end());
    return true;
  }
  // Scores are final here, and of another kind than those by codes.
  for (const auto& one : met) found.nearest.offer(segment.key(one.row), one.score);
  return true;
}

Status PartSearch::measure(const Part& part, std::span<const Row> rows, Found& found) const {
  const Segment& segment = part.segment();
  const Probe probe(query_, segment.scorer(), settings_.wide);
  std::size_t measured = 0;
  const auto offer = [&](Row row, const std::byte* packed, float) -> Status {
    if (measured++ % rows_between_deadline_checks == 0 && options_.deadline.expired())
      return std::unexpected(too_late());
    found.nearest.offer(segment.key(row), probe.score(packed));
    return {};
  };
  if (segment.is_coded()) return segment.records().visit(rows, offer);
  for (const Row row : rows) TRIUNE_TRY(offer(row, segment.ground(row), 0));
  return {};
}

}  // namespace triune::adapters::usearch
