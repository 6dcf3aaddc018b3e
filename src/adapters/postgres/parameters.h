// Values on their way to the server.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// Values in the form libpq takes them. Points into the values it was made of, which must outlive it.
class Parameters {
 public:
  /// Errors: `invalid_argument` for text that PostgreSQL cannot hold (NUL, not UTF-8), by number.
  static Result<Parameters> encode(std::span<const Value> values);

  [[nodiscard]] int count() const { return static_cast<int>(pointers_.size()); }
  [[nodiscard]] const Oid* types() const { return types_.data(); }
  [[nodiscard]] const char* const* values() const { return pointers_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Whether a statement prepared for `types` takes these values: NULL fits every type.
  [[nodiscard]] bool fit(std::span<const Oid> types) const;

 private:
  Status add(const Value& value);
  Status add_text(const std::string& text);
  [[nodiscard]] Status too_long() const;
  void add_raw(Oid type, const char* data, std::size_t size, int format);

  std::vector<Oid> types_;
  std::vector<const char*> pointers_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<std::array<char, 8>> numbers_;  ///< Never grows beyond what was reserved, so pointers into it stay.
  std::size_t bytes_ = 0;
};

}  // namespace triune::adapters::postgres
