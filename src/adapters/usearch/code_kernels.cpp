#include "adapters/usearch/code_kernels.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "adapters/usearch/intrinsics.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t half = CodeShape::half_block;
constexpr std::int32_t excess = -CodeShape::smallest_value;

std::size_t bytes_of_bits(std::size_t bits) {
  return (bits + 7) / 8;
}

std::uint64_t load_bits(const std::byte* from, std::size_t bytes) {
  std::uint64_t bits = 0;
  if (bytes == sizeof bits)
    std::memcpy(&bits, from, sizeof bits);
  else
    std::memcpy(&bits, from, bytes);
  return bits;
}

// A block's values one by one, for processors without what follows.
struct Portable {
  std::array<std::int8_t, 2 * half> values{};

  Portable(const std::byte* code, const CodeShape::Block& block) {
    const std::uint64_t low = load_bits(code + block.lowest, block.bit_bytes);
    const std::uint64_t high = load_bits(code + block.lowest + block.bit_bytes, block.bit_bytes);
    for (std::size_t at = 0; at < block.bytes; ++at) {
      const auto upper = static_cast<unsigned>(code[block.upper + at]);
      values[at] = static_cast<std::int8_t>((upper & 15U) << 1U | (low >> at & 1U));
      values[half + at] = static_cast<std::int8_t>(upper >> 4U << 1U | (high >> at & 1U));
    }
  }
};

std::int32_t portable_query_product(const CodeShape& shape, const std::int8_t* query, const std::byte* code) noexcept {
  std::int32_t sum = 0;
  for (std::size_t number = 0; number < shape.blocks(); ++number, query += 2 * half) {
    const Portable block(code, shape.block(number));
    for (std::size_t at = 0; at < 2 * half; ++at) sum += query[at] * block.values[at];
  }
  return sum;
}

// Of blocks' values as they are; places that hold none count as -16.
std::int32_t portable_product(const CodeShape& shape, const std::byte* left, const std::byte* right) noexcept {
  std::int32_t sum = 0;
  for (std::size_t number = 0; number < shape.blocks(); ++number) {
    const Portable one(left, shape.block(number));
    const Portable other(right, shape.block(number));
    for (std::size_t at = 0; at < 2 * half; ++at) sum += (one.values[at] - excess) * (other.values[at] - excess);
  }
  return sum;
}

#if defined(__x86_64__)
#define TRIUNE_AVX2 [[gnu::target("avx2")]]
#define TRIUNE_AVX512 [[gnu::target("avx512f,avx512bw,avx512vnni,bmi2")]]

constexpr std::size_t at_once = 4;

// 32 values of a block at a time: `part` 0 and 1 are the low halves, 2 and 3 the high ones.
TRIUNE_AVX2 inline __m256i quarter(const std::byte* upper, const std::uint64_t* bits, std::size_t part) noexcept {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(upper + part % 2 * 32));
  const __m256i moved = part < 2 ? _mm256_slli_epi16(bytes, 1) : _mm256_srli_epi16(bytes, 3);
  // Each bit to a byte of its own.
  const __m256i of_byte =
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i places = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ULL));
  const auto mask = static_cast<std::int32_t>(bits[part / 2] >> (part % 2 * 32));
  const __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(mask), of_byte), places);
  const __m256i lowest = _mm256_and_si256(_mm256_cmpeq_epi8(spread, places), _mm256_set1_epi8(1));
  return _mm256_or_si256(_mm256_and_si256(moved, _mm256_set1_epi8(30)), lowest);
}

// The bytes of a block that may be cut short.
struct Cut {
  alignas(32) std::array<std::byte, half> bytes{};
  const std::byte* upper;
  std::array<std::uint64_t, 2> bits{};

  Cut(const std::byte* code, const CodeShape::Block& block)
      : upper(code + block.upper),
        bits{load_bits(code + block.lowest, block.bit_bytes),
             load_bits(code + block.lowest + block.bit_bytes, block.bit_bytes)} {
    if (block.bytes == half) return;
    std::memcpy(bytes.data(), upper, block.bytes);
    upper = bytes.data();
  }
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;
};

TRIUNE_AVX2 inline std::int32_t sum_of(__m256i sums) noexcept {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
  return _mm_cvtsi128_si32(four);
}

TRIUNE_AVX2 std::int32_t avx2_query_product(const CodeShape& shape, const std::int8_t* query,
                                            const std::byte* code) noexcept {
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t number = 0; number < shape.blocks(); ++number, query += 2 * half) {
    const Cut block(code, shape.block(number));
    for (std::size_t part = 0; part < 4; ++part) {
      const __m256i asked = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + part * 32));
      // Two products of at most 31 and 128 fit 16 bits.
      const __m256i pairs = _mm256_maddubs_epi16(quarter(block.upper, block.bits.data(), part), asked);
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
  }
  return sum_of(sums);
}

TRIUNE_AVX2 std::int32_t avx2_product(const CodeShape& shape, const std::byte* left, const std::byte* right) noexcept {
  __m256i sums = _mm256_setzero_si256();
  const __m256i more = _mm256_set1_epi8(excess);
  for (std::size_t number = 0; number < shape.blocks(); ++number) {
    const Cut one(left, shape.block(number));
    const Cut other(right, shape.block(number));
    for (std::size_t part = 0; part < 4; ++part) {
      const __m256i first = _mm256_sub_epi8(quarter(one.upper, one.bits.data(), part), more);
      const __m256i second = _mm256_sub_epi8(quarter(other.upper, other.bits.data(), part), more);
      const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(first), _mm256_sign_epi8(second, first));
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
  }
  return sum_of(sums);
}

// Both halves of a block.
struct Halves {
  __m512i low;
  __m512i high;
};

TRIUNE_AVX512 inline Halves halves(const std::byte* code, const CodeShape::Block& block) noexcept {
  const auto mask = static_cast<__mmask64>(~0ULL >> (half - block.bytes));
  const __m512i bytes = _mm512_maskz_loadu_epi8(mask, code + block.upper);
  const __m512i upper = _mm512_set1_epi8(30);
  const __m512i one = _mm512_set1_epi8(1);
  const __m512i low = _mm512_and_si512(_mm512_slli_epi16(bytes, 1), upper);
  const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 3), upper);
  const std::byte* const lowest = code + block.lowest;
  return {_mm512_mask_add_epi8(low, load_bits(lowest, block.bit_bytes), low, one),
          _mm512_mask_add_epi8(high, load_bits(lowest + block.bit_bytes, block.bit_bytes), high, one)};
}

template <std::size_t count>
TRIUNE_AVX512 void avx512_query_products(const CodeShape& shape, const std::int8_t* query,
                                         const std::byte* const* codes, std::int32_t* products) noexcept {
  __m512i sums[count];
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  for (std::size_t number = 0; number < shape.blocks(); ++number, query += 2 * half) {
    const auto block = shape.block(number);
    const __m512i low = _mm512_loadu_si512(query);
    const __m512i high = _mm512_loadu_si512(query + half);
    for (std::size_t each = 0; each < count; ++each) {
      const Halves values = halves(codes[each], block);
      sums[each] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums[each], values.low, low), values.high, high);
    }
  }
  for (std::size_t each = 0; each < count; ++each) products[each] = _mm512_reduce_add_epi32(sums[each]);
}

TRIUNE_AVX512 std::int32_t avx512_product(const CodeShape& shape, const std::byte* left,
                                          const std::byte* right) noexcept {
  // The instruction wants one side without a sign: what that adds is taken away again.
  __m512i sums = _mm512_setzero_si512();
  __m512i added = _mm512_setzero_si512();
  const __m512i more = _mm512_set1_epi8(excess);
  for (std::size_t number = 0; number < shape.blocks(); ++number) {
    const auto block = shape.block(number);
    const Halves one = halves(left, block);
    const Halves other = halves(right, block);
    const __m512i low = _mm512_sub_epi8(other.low, more);
    const __m512i high = _mm512_sub_epi8(other.high, more);
    sums = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums, one.low, low), one.high, high);
    added = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(added, more, low), more, high);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(sums, added));
}
#endif

}  // namespace

CodeShape::CodeShape(std::size_t dimension) : dimension_(dimension) {
  const std::size_t whole = dimension / (2 * half);
  const std::size_t rest = dimension % (2 * half);
  blocks_ = whole + (rest > 0 ? 1 : 0);
  last_half_ = rest > 0 ? (rest + 1) / 2 : half;
  upper_bytes_ = (blocks_ - 1) * half + last_half_;
  bit_bytes_ = 2 * ((blocks_ - 1) * half / 8 + bytes_of_bits(last_half_));
}

CodeShape::Block CodeShape::block(std::size_t number) const {
  const bool is_last = number + 1 == blocks_;
  return {.upper = number * half,
          .bytes = is_last ? last_half_ : half,
          .lowest = upper_bytes_ + number * half / 4,
          .bit_bytes = is_last ? bytes_of_bits(last_half_) : half / 8};
}

std::size_t CodeShape::place_in_query(std::size_t at) const {
  const std::size_t number = at / (2 * half);
  const std::size_t within = at % (2 * half);
  const std::size_t low = block(number).bytes;
  return number * 2 * half + (within < low ? within : half + within - low);
}

void CodeShape::put(std::byte* code, std::size_t at, std::int32_t value) const {
  assert(at < dimension_ && value >= smallest_value && value <= largest_value);
  const auto stands = static_cast<unsigned>(value + excess);
  const auto block = this->block(at / (2 * half));
  const std::size_t place = place_in_query(at) % (2 * half);
  const bool is_high = place >= half;
  const std::size_t byte = place % half;
  code[block.upper + byte] |= static_cast<std::byte>(stands >> 1U << (is_high ? 4U : 0U));
  code[block.lowest + (is_high ? block.bit_bytes : 0) + byte / 8] |= static_cast<std::byte>((stands & 1U) << byte % 8);
}

Instructions best_instructions() noexcept {
#if defined(__x86_64__)
  static const Instructions best = [] {
    const bool wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("bmi2") != 0;
    if (wide) return Instructions::avx512;
    return __builtin_cpu_supports("avx2") != 0 ? Instructions::avx2 : Instructions::portable;
  }();
  return best;
#else
  return Instructions::portable;
#endif
}

void code_products(const CodeShape& shape, std::span<const std::int8_t> query, std::span<const std::byte* const> codes,
                   std::int32_t* products, [[maybe_unused]] Instructions instructions) noexcept {
  assert(query.size() == shape.query_values());
  std::size_t at = 0;
#if defined(__x86_64__)
  if (instructions == Instructions::avx512) {
    for (; at + at_once <= codes.size(); at += at_once)
      avx512_query_products<at_once>(shape, query.data(), &codes[at], products + at);
    for (; at < codes.size(); ++at) avx512_query_products<1>(shape, query.data(), &codes[at], products + at);
  }
  if (instructions == Instructions::avx2)
    for (; at < codes.size(); ++at) products[at] = avx2_query_product(shape, query.data(), codes[at]);
#endif
  for (; at < codes.size(); ++at) products[at] = portable_query_product(shape, query.data(), codes[at]);
}

std::int32_t code_product(const CodeShape& shape, const std::byte* left, const std::byte* right,
                          [[maybe_unused]] Instructions instructions) noexcept {
  // Places without a value count as -16 on both sides.
  const auto none = static_cast<std::int32_t>(shape.query_values() - shape.dimension());
  const std::int32_t of_none = excess * excess * none;
#if defined(__x86_64__)
  if (instructions == Instructions::avx512) return avx512_product(shape, left, right) - of_none;
  if (instructions == Instructions::avx2) return avx2_product(shape, left, right) - of_none;
#endif
  return portable_product(shape, left, right) - of_none;
}

}  // namespace triune::adapters::usearch
