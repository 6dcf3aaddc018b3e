// A packed f16 vector compared with four others at once, on processors with AVX-512: it is widened once for all four,
// and where a walk meets vectors that lie anywhere, four are awaited at once. NumKong compares one with one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace triune::adapters::usearch {

inline constexpr std::size_t at_once = 4;

/// Whether this processor has what the others need.
bool has_wide_kernels() noexcept;

/// As Scorer::score has it: the squared distance, or the negative inner product.
float score_one(bool squared_distance, const std::byte* left, const std::byte* right, std::uint32_t dimension) noexcept;
/// The same of four others, to the last bit.
void score_four(bool squared_distance, const std::byte* query, const std::byte* const* others, std::uint32_t dimension,
                float* scores) noexcept;

}  // namespace triune::adapters::usearch
