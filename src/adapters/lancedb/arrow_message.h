// Record batches as encapsulated Arrow IPC messages, without a library: the schemas are fixed, so that only the
// RecordBatch message is needed, whose flatbuffer has one layout for writing and is read with every offset checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "triune/status.h"

namespace triune::adapters::lancedb {

/// Writes one message. Fields are added in the schema's order, depth first: a node, then its buffers.
/// Thread rule: one thread.
class MessageWriter {
 public:
  explicit MessageWriter(std::size_t rows) : rows_(rows) {}

  void node(std::size_t length, std::size_t nulls = 0);
  void buffer(std::span<const std::byte> bytes);
  /// The buffer of a field that has no nulls.
  void no_nulls() { buffer({}); }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void numbers(std::span<const Number> values) {
    buffer(std::as_bytes(values));
  }
  /// A field of numbers that are never null.
  template <class Number>
  void column(std::span<const Number> values) {
    node(values.size());
    no_nulls();
    numbers(values);
  }
  /// A field of texts, null where `is_null` says so (empty: none).
  void texts(std::span<const std::string_view> values, const std::vector<bool>& is_null = {});

  /// The message. The writer is empty afterwards.
  std::string finish();

 private:
  struct Extent {
    std::int64_t first = 0;   ///< Length of a node, offset of a buffer.
    std::int64_t second = 0;  ///< Nulls of a node, length of a buffer.
  };

  std::size_t rows_;
  std::vector<Extent> nodes_;
  std::vector<Extent> buffers_;
  std::string body_;
};

/// Reads one message; the bytes must outlive it. Thread rule: a plain value.
class MessageReader {
 public:
  /// Errors: `corruption` when the bytes are no RecordBatch message or point outside themselves.
  static Result<MessageReader> parse(std::span<const std::byte> message);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  /// `count` numbers of the buffer with this place in the schema's order. Errors: `corruption` when it holds fewer.
  template <class Number>
    requires std::is_arithmetic_v<Number>
  Result<std::vector<Number>> numbers(std::size_t buffer, std::size_t count) const {
    if (buffer >= buffers_.size() || buffers_[buffer].size() / sizeof(Number) < count)
      return failure(ErrorCode::corruption, "a record batch of LanceDB is shorter than its length says");
    std::vector<Number> values(count);
    if (count > 0) std::memcpy(values.data(), buffers_[buffer].data(), count * sizeof(Number));
    return values;
  }

 private:
  std::size_t rows_ = 0;
  std::vector<std::span<const std::byte>> buffers_;
};

}  // namespace triune::adapters::lancedb
