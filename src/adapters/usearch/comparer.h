// What a graph asks of the form in which vectors are kept.
#pragma once

#include <cstddef>
#include <span>

namespace triune::adapters::usearch {

/// Thread rule: immutable after construction.
class Comparer {
 public:
  virtual ~Comparer() = default;
  /// Bytes of one kept vector.
  [[nodiscard]] virtual std::size_t bytes() const = 0;
  /// What orders kept vectors as their distance does: smaller is nearer. Never NaN for vectors that were finite.
  [[nodiscard]] virtual float score(const std::byte* left, const std::byte* right) const noexcept = 0;
  /// The scores of one with many, as many as there is room for.
  virtual void score_all(const std::byte* query, std::span<const std::byte* const> others,
                         std::span<float> scores) const noexcept {
    for (std::size_t at = 0; at < others.size(); ++at) scores[at] = score(query, others[at]);
  }
};

/// A query in the form in which it is compared with kept vectors.
class Question {
 public:
  virtual ~Question() = default;
  /// The scores of kept vectors, as many as there is room for: what orders them, as Comparer::score does.
  virtual void score_all(std::span<const std::byte* const> others, std::span<float> scores) const noexcept = 0;
};

/// A kept vector that is asked of others kept alike. The arguments must outlive the object.
class KeptQuestion final : public Question {
 public:
  KeptQuestion(const Comparer& comparer, const std::byte* kept) : comparer_(comparer), kept_(kept) {}
  void score_all(std::span<const std::byte* const> others, std::span<float> scores) const noexcept override {
    comparer_.score_all(kept_, others, scores);
  }

 private:
  const Comparer& comparer_;
  const std::byte* kept_;
};

}  // namespace triune::adapters::usearch
