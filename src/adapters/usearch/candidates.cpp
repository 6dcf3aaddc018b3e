#include "adapters/usearch/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

// Records are read a few at a time; the first ones tell how large errors are.
constexpr std::size_t read_at_first = 2;
constexpr std::size_t read_at_once = 4;
// A record that would have to be so many deviations nearer than expected is not read. Who keeps many candidates for
// each one wanted wants fewer missed: a third of a deviation more for each doubling (measured).
double deviations_for(std::size_t most, std::size_t count) {
  return 1.5 + std::log2(static_cast<double>(most) / static_cast<double>(count)) / 3;
}

// A score by packed vectors in the measure of those by codes (code.h).
float as_by_codes(Metric metric, float score) {
  return metric == Metric::cosine ? 2 * (1 + score) : score;
}

}  // namespace

double Candidates::Errors::least(double score, double deviations) const {
  const double mean = sum_ / count_;
  return score + mean - deviations * std::sqrt(std::max(0.0, squares_ / count_ - mean * mean));
}

float Candidates::bound(std::size_t kept) {
  if (kept == 0 || all_.size() < kept) return std::numeric_limits<float>::infinity();
  scores_.clear();
  for (const auto& one : all_) scores_.push_back(one.score);
  const auto last = scores_.begin() + static_cast<std::ptrdiff_t>(kept) - 1;
  std::ranges::nth_element(scores_, last);
  return *last;
}

Status Candidates::settle(Nearest& nearest) {
  const auto most = static_cast<std::ptrdiff_t>(std::min(most_, all_.size()));
  std::ranges::partial_sort(all_, all_.begin() + most, {}, &Candidate::score);
  const std::span left = std::span(all_).first(static_cast<std::size_t>(most));
  const double deviations = deviations_for(most_, count_);
  Errors errors;
  for (std::size_t at = 0; at < left.size();) {
    const auto farthest = nearest.farthest();
    if (at > 0 && farthest && errors.least(left[at].score, deviations) > as_by_codes(probes_.metric(), *farthest))
      break;
    const std::size_t some = std::min(left.size() - at, at == 0 ? count_ + read_at_first : read_at_once);
    TRIUNE_TRY(read(left.subspan(at, some), nearest, errors));
    at += some;
  }
  return {};
}

Status Candidates::read(std::span<Candidate> some, Nearest& nearest, Errors& errors) const {
  std::ranges::sort(some, {}, [](const Candidate& one) { return std::tuple(one.part, one.row); });
  std::vector<Row> rows;
  for (std::size_t begin = 0; begin < some.size();) {
    const auto part = some[begin].part;
    const Segment& segment = parts_[part].segment();
    rows.clear();
    for (std::size_t at = begin; at < some.size() && some[at].part == part; ++at) rows.push_back(some[at].row);
    const Probe& probe = probes_.of(segment.scorer());
    const auto offer = [&](Row row, const std::byte* packed, float) -> Status {
      const float score = probe.score(packed);
      nearest.offer(segment.key(row), score);
      errors.add(as_by_codes(probes_.metric(), score) - some[begin++].score);
      return {};
    };
    TRIUNE_TRY(segment.records().visit(rows, offer));
  }
  return {};
}

}  // namespace triune::adapters::usearch
