// How the values of a code stand in memory, and inner products over them with the processor's widest instructions.
//
//   upper four bits of every value │ lowest bit of every value
//
// A block is 128 values: 64 bytes, the first 64 values in their low halves, the others in the high ones, and 128 bits
// in the same order. What is left over is a smaller block, halved alike. A value stands there as 0 to 31, 16 more than
// it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace triune::adapters::usearch {

/// Thread rule: immutable after construction.
class CodeShape {
 public:
  static constexpr std::int32_t smallest_value = -16;
  static constexpr std::int32_t largest_value = 15;
  /// Values of a block that are in low halves, and their bytes.
  static constexpr std::size_t half_block = 64;

  explicit CodeShape(std::size_t dimension);

  [[nodiscard]] std::size_t dimension() const { return dimension_; }
  [[nodiscard]] std::size_t bytes() const { return upper_bytes_ + bit_bytes_; }
  /// How many values a query has as the kernels take them: whole blocks.
  [[nodiscard]] std::size_t query_values() const { return blocks_ * 2 * half_block; }
  /// Where the value at `at` stands among those of a query; others are 0.
  [[nodiscard]] std::size_t place_in_query(std::size_t at) const;
  /// Writes a value into a code that was zeroed. `at` below the dimension.
  void put(std::byte* code, std::size_t at, std::int32_t value) const;

  struct Block {
    std::size_t upper = 0;      ///< Offset of the bytes with the upper bits,
    std::size_t bytes = 0;      ///< how many they are,
    std::size_t lowest = 0;     ///< and of the lowest bits, those of low halves first,
    std::size_t bit_bytes = 0;  ///< so many bytes for each half.
  };
  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  [[nodiscard]] Block block(std::size_t number) const;

 private:
  std::size_t dimension_;
  std::size_t blocks_;
  std::size_t last_half_;  ///< Of the last block.
  std::size_t upper_bytes_;
  std::size_t bit_bytes_;
};

/// What the kernels are written for. All give the same results.
enum class Instructions : std::uint8_t { portable, avx2, avx512 };
/// The best that this processor has.
Instructions best_instructions() noexcept;

/// Of each code the sum over all values of the query's value times the code's as it stands, 0 to 31.
void code_products(const CodeShape& shape, std::span<const std::int8_t> query, std::span<const std::byte* const> codes,
                   std::int32_t* products, Instructions instructions = best_instructions()) noexcept;
/// The inner product of what two codes stand for.
std::int32_t code_product(const CodeShape& shape, const std::byte* left, const std::byte* right,
                          Instructions instructions = best_instructions()) noexcept;

}  // namespace triune::adapters::usearch
