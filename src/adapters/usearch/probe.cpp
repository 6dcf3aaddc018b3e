#include "adapters/usearch/probe.h"

#include <algorithm>

namespace triune::adapters::usearch {

Probe::Probe(std::span<const float> values, const Scorer& narrow, const Scorer& wide)
    : values_(values), scorer_(narrow), wide_scorer_(wide), fits_(narrow.fits(values)) {
  packed_.resize(scorer_.bytes());
  length_ = scorer_.pack(values, packed_.data());
  if (fits_) return;
  wide_packed_.resize(wide.bytes());
  wide.pack(values, wide_packed_.data());
  unpacked_.resize(values.size());
}

float Probe::score(const std::byte* row) const {
  if (fits_) return scorer_.score(packed_.data(), row);
  scorer_.unpack(row, 1, unpacked_);
  return wide_scorer_.score(wide_packed_.data(), std::as_bytes(std::span(unpacked_)).data());
}

std::vector<float> Probe::scaled() const {
  std::vector<float> result(values_.begin(), values_.end());
  if (scorer_.metric() == Metric::cosine && length_ > 0)
    for (float& value : result) value = static_cast<float>(static_cast<double>(value) / length_);
  return result;
}

std::span<const contract::VectorKey> Selection::between(contract::VectorKey first, contract::VectorKey last) const {
  const auto begin = std::ranges::lower_bound(*keys_, first);
  const auto end = std::upper_bound(begin, keys_->end(), last);
  return {begin, end};
}

Error too_late() {
  return {.code = ErrorCode::deadline_exceeded,
          .message = "the vector search reached its deadline; nothing was changed, search again with more time",
          .engine = "usearch",
          .native_code = {},
          .retry = Retry::safe};
}

}  // namespace triune::adapters::usearch
