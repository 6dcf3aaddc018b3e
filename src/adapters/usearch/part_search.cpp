#include "adapters/usearch/part_search.h"

#include <algorithm>
#include <array>

#include "adapters/usearch/segment_format.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

// Of what a search keeps, so much is kept in each segment whatever was found in others: a walk that may keep too few
// ends before it came near.
constexpr std::size_t least_share = 2;
// From this share of rows on, a walk over all of them meets enough that are admitted.
constexpr double most_admitted_for_candidates = 0.25;
constexpr std::size_t sample_size = 128;
constexpr std::size_t few_in_sample = 8;
constexpr std::size_t compared_at_once = 16;
// A walk over candidates asks about the links of each that it keeps, and about the links of those that are none.
constexpr std::size_t questions_for_each_kept = 256;

}  // namespace

PartSearch::PartSearch(std::span<const Part> parts, Probes& probes, const contract::VectorQueryOptions& options,
                       const Selection& selection, std::size_t expansion, WalkCosts& costs)
    : parts_(parts),
      probes_(probes),
      options_(options),
      selection_(selection),
      expansion_(expansion),
      costs_(costs),
      most_(options.count + expansion),
      candidates_(parts, probes, options.count, most_) {}

Status PartSearch::run(Found& found) {
  for (std::uint32_t at = 0; at < parts_.size(); ++at)
    if (parts_[at].live() > 0) TRIUNE_TRY(look_in(at, found));
  return candidates_.settle(found.nearest);
}

Status PartSearch::look_in(std::uint32_t at, Found& found) {
  const Part& part = parts_[at];
  const auto way = way_through(part);
  if (way == Way::scan) return compare(at, chosen(part), found);
  TRIUNE_ASSIGN(const bool enough, walk(at, way, found));
  if (!enough) return compare(at, chosen(part), found);  // exactly `count` is promised
  found.walked = true;
  return {};
}

PartSearch::Way PartSearch::way_through(const Part& part) const {
  const bool comparable = part.segment().is_coded() || probes_.of(part.segment().scorer()).fits();
  if (options_.exact || !comparable) return Way::scan;
  const std::size_t rows = part.segment().rows();
  const std::size_t candidates = selection_.keys() ? estimate(part) : part.live();
  if (static_cast<double>(candidates) >= most_admitted_for_candidates * static_cast<double>(rows))
    return costs_.exceed_scan(rows, candidates, expansion_) ? Way::scan : Way::over_all;
  return costs_.of_candidates_exceed_scan(rows, candidates, expansion_) ? Way::scan : Way::over_candidates;
}

std::vector<Row> PartSearch::chosen(const Part& part) const {
  const Segment& segment = part.segment();
  const auto keys = selection_.keys() ? keys_in(part) : std::span<const contract::VectorKey>();
  if (!selection_.keys() || keys.size() * sweep_from_share >= segment.rows()) return swept(part);
  std::vector<Row> rows;
  for (const auto key : keys)
    if (const auto row = segment.find(key); row && part.is_live(*row)) rows.push_back(*row);
  return rows;
}

std::span<const contract::VectorKey> PartSearch::keys_in(const Part& part) const {
  return selection_.between(part.segment().keys().front(), part.segment().keys().back());
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
  const auto keys = keys_in(part).size();
  // A sample tells little of few.
  if (segment.has_every_key() || keys < segment.rows() * few_in_sample / sample_size) return keys;
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
  TRIUNE_ASSIGN(auto nearest, nearest_by_codes(part, rows, *segment.ask(probes_.of(segment.scorer()))));
  for (const auto& match : nearest.take())
    candidates_.add({.part = at, .row = static_cast<Row>(match.key), .score = match.distance});
  return {};
}

Result<Nearest> PartSearch::nearest_by_codes(const Part& part, std::span<const Row> rows,
                                             const Question& question) const {
  const Segment& segment = part.segment();
  Nearest nearest(most_);
  std::array<const std::byte*, compared_at_once> places{};
  std::array<float, compared_at_once> scores{};
  for (std::size_t begin = 0; begin < rows.size(); begin += compared_at_once) {
    if (begin % rows_between_deadline_checks == 0 && options_.deadline.expired()) return std::unexpected(too_late());
    const auto some = rows.subspan(begin, std::min(compared_at_once, rows.size() - begin));
    for (const Row row :
         rows.subspan(begin + some.size(), std::min(compared_at_once, rows.size() - begin - some.size())))
      prefetch(segment.ground().at(row), segment.ground().stride);
    std::ranges::transform(some, places.begin(), [&](Row row) { return segment.ground().at(row); });
    question.score_all(std::span(places).first(some.size()), scores);
    for (std::size_t each = 0; each < some.size(); ++each) nearest.offer(some[each], scores[each]);
  }
  return nearest;
}

Result<bool> PartSearch::walk(std::uint32_t at, Way way, Found& found) {
  const Part& part = parts_[at];
  const Segment& segment = part.segment();
  const auto question = segment.ask(probes_.of(segment.scorer()));
  // Strays are met on their own. Keys are read where they decide only: each is a line of memory to wait for.
  const bool filtered = selection_.keys().has_value();
  const auto is_admitted = [&](Row row) {
    return part.is_live(row) && (!filtered || selection_.admits(segment.key(row))) &&
           !std::ranges::binary_search(segment.strays(), row);
  };
  const Walk::Kept kept{.most = expansion_,
                        .least = std::max(options_.count, expansion_ / least_share),
                        // Which is by codes, and means nothing to other scores.
                        .bound = segment.is_coded() ? candidates_.bound(expansion_) : Walk::no_bound};
  if (way == Way::over_candidates) selection_.expect(kept.most * questions_for_each_kept);
  thread_local Walk walk;
  std::size_t scores = 0;
  const auto nearest = [&](const auto& ground) -> const auto& { return ground.nearest(walk, kept, scores); };
  using Admits = decltype(is_admitted);
  const auto& met =
      way == Way::over_all
          ? nearest(LinkedGround<Admits>(segment.links(), segment.ground(), *question, is_admitted))
          : nearest(LinkedGround<Admits, true>(segment.links(), segment.ground(), *question, is_admitted));
  // Who meets few on the way over candidates may have gone astray.
  if (way == Way::over_candidates && met.size() < kept.least) return false;
  const auto astray = strays(at, *question);
  if (met.size() + astray.size() < std::min(options_.count, part.live())) return false;
  if (!filtered) costs_.note(expansion_, scores);
  const auto take = [&](Row row, float score) {
    // By packed vectors scores are final, and of another kind than those by codes.
    if (segment.is_coded())
      candidates_.add({.part = at, .row = row, .score = score});
    else
      found.nearest.offer(segment.key(row), score);
  };
  for (const auto& [score, row] : met) take(row, score);
  for (const auto& [score, row] : astray) take(row, score);
  return true;
}

std::vector<Walk::Node> PartSearch::strays(std::uint32_t at, const Question& question) const {
  const Segment& segment = parts_[at].segment();
  std::vector<Walk::Node> strays;
  for (const Row row : segment.strays()) {
    if (!parts_[at].is_live(row) || !selection_.admits(segment.key(row))) continue;
    const std::byte* const place = segment.ground().at(row);
    strays.push_back({.score = 0, .node = row});
    question.score_all(std::span(&place, 1), std::span(&strays.back().score, 1));
  }
  return strays;
}

Status PartSearch::measure(const Part& part, std::span<const Row> rows, Found& found) const {
  const Segment& segment = part.segment();
  const Probe& probe = probes_.of(segment.scorer());
  std::size_t measured = 0;
  const auto offer = [&](Row row, const std::byte* packed, float) -> Status {
    if (measured++ % rows_between_deadline_checks == 0 && options_.deadline.expired())
      return std::unexpected(too_late());
    found.nearest.offer(segment.key(row), probe.score(packed));
    return {};
  };
  if (segment.is_coded()) return segment.records().visit(rows, offer);
  for (const Row row : rows) TRIUNE_TRY(offer(row, segment.ground().at(row), 0));
  return {};
}

}  // namespace triune::adapters::usearch
