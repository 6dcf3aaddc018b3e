// Small values to bytes and back, for the parts of a snapshot that are not plain arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "triune/value.h"

namespace triune::adapters::usearch {

/// Appends values to bytes. Thread rule: one thread.
class Encoder {
 public:
  void number(std::uint64_t value);
  void text(std::string_view value);
  void record(const Record& record);
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void value(const Value& value);
  std::vector<std::byte> bytes_;
};

/// Takes values from bytes in the same order; empty when the bytes do not hold one. Thread rule: one thread.
class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::optional<std::uint64_t> number();
  std::optional<std::string> text();
  std::optional<Record> record();
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::optional<Value> value();
  std::span<const std::byte> bytes_;
};

}  // namespace triune::adapters::usearch
