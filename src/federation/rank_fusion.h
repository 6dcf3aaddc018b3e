// Two rankings as one.
#pragma once

#include <cstddef>

#include "federation/engines.h"

namespace triune::federation {

/// How far down both rankings are read for the first `wanted` of the fused one.
std::size_t fusion_depth(std::size_t wanted);

/// Reciprocal rank fusion with the constant 60: each ranking gives 1 / (60 + rank), and the sums rank. Rows begin with
/// the id. Returns id, score, text rank and vector rank (NULL where the ranking lacks it), at most `wanted`; equal
/// scores in the order of the ids. Source: Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet
/// and individual rank learning methods", SIGIR 2009.
Answer fuse(const Answer& texts, const Answer& vectors, std::size_t wanted);

}  // namespace triune::federation
