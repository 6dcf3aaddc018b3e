// Vectors of texts without a model: words and their parts, hashed.
#pragma once

#include "triune/embedder.h"

namespace triune::adapters::hashing {

/// Each word of a text, and each run of three letters in it, adds a weight at the place that its hash names, with the
/// hash's sign (feature hashing: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009). The
/// sum has length 1. Texts are near each other when they share words or parts of words; meaning is not looked at.
/// Thread rule: any thread. Never blocks, never fails.
class HashingEmbedder final : public Embedder {
 public:
  [[nodiscard]] EmbedderDescription description() const override;
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t dimension,
                                                Deadline deadline) override;
};

}  // namespace triune::adapters::hashing
