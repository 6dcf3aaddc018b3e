#include "adapters/usearch/wide_kernels.h"

#include <cassert>

#include "adapters/usearch/intrinsics.h"

namespace triune::adapters::usearch {

#if defined(__x86_64__)
namespace {

constexpr std::uint32_t lane = 16;

#define TRIUNE_WIDE [[gnu::target("avx512f,avx512vl,avx512bw,bmi2")]]

template <bool squared_distance, std::size_t count>
TRIUNE_WIDE void compare(const std::byte* query, const std::byte* const* others, std::uint32_t dimension,
                         float* scores) noexcept {
  __m512 sums[count];
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  for (std::uint32_t done = 0; done < dimension; done += lane) {
    const std::uint32_t left_over = dimension - done;
    const auto mask = static_cast<__mmask16>(left_over >= lane ? 0xFFFFU : (1U << left_over) - 1U);
    const std::size_t offset = done * sizeof(std::uint16_t);
    const __m512 left = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, query + offset));
    for (std::size_t each = 0; each < count; ++each) {
      const __m512 right = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, others[each] + offset));
      const __m512 difference = _mm512_sub_ps(left, right);
      sums[each] = squared_distance ? _mm512_fmadd_ps(difference, difference, sums[each])
                                    : _mm512_fnmadd_ps(left, right, sums[each]);
    }
  }
  for (std::size_t each = 0; each < count; ++each) scores[each] = _mm512_reduce_add_ps(sums[each]);
}

}  // namespace

bool has_wide_kernels() noexcept {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                          __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("bmi2") != 0;
  return has;
}

float score_one(bool squared_distance, const std::byte* left, const std::byte* right,
                std::uint32_t dimension) noexcept {
  float score = 0;
  (squared_distance ? compare<true, 1> : compare<false, 1>)(left, &right, dimension, &score);
  return score;
}

void score_four(bool squared_distance, const std::byte* query, const std::byte* const* others, std::uint32_t dimension,
                float* scores) noexcept {
  (squared_distance ? compare<true, at_once> : compare<false, at_once>)(query, others, dimension, scores);
}
#else
bool has_wide_kernels() noexcept {
  return false;
}

float score_one(bool, const std::byte*, const std::byte*, std::uint32_t) noexcept {
  assert(false && "has_wide_kernels says no");
  return 0;
}

void score_four(bool, const std::byte*, const std::byte* const*, std::uint32_t, float*) noexcept {
  assert(false && "has_wide_kernels says no");
}
#endif

}  // namespace triune::adapters::usearch
