#include "adapters/postgres/parameters.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "adapters/postgres/big_endian.h"
#include "adapters/postgres/sqlstate.h"
#include "adapters/postgres/types.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::postgres {
namespace {

constexpr int in_text = 0;
constexpr int in_binary = 1;
constexpr std::size_t longest_value = (1ULL << 30U) - 1;  ///< PostgreSQL's own bound of one value.

Oid oid(Type type) {
  return static_cast<Oid>(type);
}

}  // namespace

Result<Parameters> Parameters::encode(std::span<const Value> values) {
  Parameters result;
  result.types_.reserve(values.size());
  result.pointers_.reserve(values.size());
  result.lengths_.reserve(values.size());
  result.formats_.reserve(values.size());
  result.numbers_.reserve(values.size());
  for (const auto& value : values) TRIUNE_TRY(result.add(value));
  return result;
}

bool Parameters::fit(std::span<const Oid> types) const {
  if (types.size() != types_.size()) return false;
  for (std::size_t index = 0; index < types.size(); ++index)
    if (pointers_[index] != nullptr && types[index] != types_[index]) return false;
  return true;
}

void Parameters::add_raw(Oid type, const char* data, std::size_t size, int format) {
  types_.push_back(type);
  pointers_.push_back(data);
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(format);
  bytes_ += size + 8;
}

Status Parameters::add(const Value& value) {
  const auto number = [this](Type type, std::int64_t bits) {
    bits = reverse_on_little(bits);
    std::memcpy(numbers_.emplace_back().data(), &bits, sizeof bits);
    add_raw(oid(type), numbers_.back().data(), sizeof bits, in_binary);
  };
  if (is_null(value)) {
    add_raw(oid(Type::none), nullptr, 0, in_text);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    add_raw(oid(Type::boolean), *flag ? "\1" : "\0", 1, in_binary);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    number(Type::int8, *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    number(Type::float8, std::bit_cast<std::int64_t>(*real));
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    if (bytes->size() > longest_value) return too_long();
    const char* data = bytes->empty() ? "" : reinterpret_cast<const char*>(bytes->data());
    add_raw(oid(Type::bytes), data, bytes->size(), in_binary);
  } else if (const auto* json = std::get_if<Json>(&value)) {
    return add_text(json->text);
  } else {
    return add_text(std::get<std::string>(value));
  }
  return {};
}

Status Parameters::too_long() const {
  return refuse(ErrorCode::resource_exhausted,
                fmt::format("parameter {} is longer than 1 GiB, which no value can be", pointers_.size() + 1));
}

Status Parameters::add_text(const std::string& text) {
  const std::size_t place = pointers_.size() + 1;
  if (text.size() > longest_value) return too_long();
  if (!model::is_storable_text(text))
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("parameter {} is not UTF-8 text without NUL; give bytes instead", place));
  add_raw(oid(Type::none), text.c_str(), text.size(), in_text);
  return {};
}

}  // namespace triune::adapters::postgres
