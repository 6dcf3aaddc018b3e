// A query, and which vectors may answer it. Parts of a search, in the use of one thread.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "adapters/usearch/scorer.h"
#include "adapters/usearch/selection.h"

namespace triune::adapters::usearch {

/// The query in the form in which it is compared with packed vectors.
class Probe {
 public:
  /// `narrow` is how the vectors are packed. The arguments must outlive the object.
  Probe(std::span<const float> values, const Scorer& narrow, const Scorer& wide);

  /// Whether the vectors' form holds the query; else each vector is unpacked and compared in f32: slow, and right.
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] std::span<const float> values() const { return values_; }
  /// Meaningless unless it fits.
  [[nodiscard]] const std::byte* packed() const { return packed_.data(); }
  /// The values as vectors are kept: for cosine of length 1.
  [[nodiscard]] std::vector<float> scaled() const;
  [[nodiscard]] float score(const std::byte* row) const;

 private:
  std::span<const float> values_;
  const Scorer& scorer_;
  const Scorer& wide_scorer_;
  bool fits_;
  float length_;
  std::vector<std::byte> packed_;
  std::vector<std::byte> wide_packed_;
  mutable std::vector<float> unpacked_;
};

/// The query against vectors packed in either way, made ready when it is first asked for.
class Probes {
 public:
  /// As for Probe.
  Probes(std::span<const float> values, const Scorer& wide) : values_(values), wide_(wide) {}
  /// `scorer` is `wide`, or always the same other one.
  const Probe& of(const Scorer& scorer) {
    auto& probe = &scorer == &wide_ ? against_wide_ : against_narrow_;
    if (!probe) probe.emplace(values_, scorer, wide_);
    return *probe;
  }
  [[nodiscard]] Metric metric() const { return wide_.metric(); }

 private:
  std::span<const float> values_;
  const Scorer& wide_;
  std::optional<Probe> against_narrow_;
  std::optional<Probe> against_wide_;
};

/// The keys that may be returned: all, or those of the filter.
class Selection {
 public:
  Selection() = default;
  explicit Selection(std::span<const contract::VectorKey> sorted) : keys_(sorted) {}
  explicit Selection(std::vector<contract::VectorKey> sorted) : own_(std::move(sorted)), keys_(own_) {}
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;

  /// Empty: all.
  [[nodiscard]] const std::optional<std::span<const contract::VectorKey>>& keys() const { return keys_; }
  [[nodiscard]] bool admits(contract::VectorKey key) const {
    if (!keys_) return true;
    // Making the set reads every key, which pays when many are asked for.
    if (!set_ && ++asked_ * asked_before_set < keys_->size()) return KeySet::holds(*keys_, key);
    return set().contains(key);
  }
  /// Says that `admits` will be called so many times more: then the set is made before, not on the way.
  void expect(std::size_t questions) const { asked_ += questions; }
  /// What `admits` asks, where not all are admitted.
  [[nodiscard]] const KeySet* asked() const { return keys_ ? &set() : nullptr; }
  /// How many keys it admits from `first` to `last`, when it does not admit all.
  [[nodiscard]] std::span<const contract::VectorKey> between(contract::VectorKey first, contract::VectorKey last) const;

 private:
  [[nodiscard]] const KeySet& set() const {
    if (!set_) set_.emplace(*keys_);
    return *set_;
  }

  std::vector<contract::VectorKey> own_;
  std::optional<std::span<const contract::VectorKey>> keys_;
  static constexpr std::size_t asked_before_set = 32;
  mutable std::size_t asked_ = 0;
  mutable std::optional<KeySet> set_;  ///< Made when it pays.
};

/// Asks for a row's memory while the rows before it are compared: filtered rows lie at odd distances, where the
/// processor does not guess what comes next.
inline void prefetch(const std::byte* row, std::size_t bytes) {
  constexpr std::size_t cache_line = 64;
  for (std::size_t offset = 0; offset < bytes; offset += cache_line) __builtin_prefetch(row + offset);
}
inline constexpr std::size_t prefetch_ahead = 4;
/// From this share of all rows on, reading every key beats looking each wanted key up (measured).
inline constexpr std::size_t sweep_from_share = 8;
inline constexpr std::size_t rows_between_deadline_checks = 8'192;

/// The error of a search that has no time left.
Error too_late();

}  // namespace triune::adapters::usearch
