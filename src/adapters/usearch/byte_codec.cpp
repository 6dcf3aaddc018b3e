#include "adapters/usearch/byte_codec.h"

#include <bit>
#include <cstring>

#include "base/file.h"

namespace triune::adapters::usearch {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

void Encoder::number(std::uint64_t value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Encoder::text(std::string_view value) {
  number(value.size());
  const auto bytes = base::as_bytes(value);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Encoder::value(const Value& value) {
  number(value.index());
  std::visit(Overloaded{[](Null) {}, [this](bool truth) { number(truth ? 1 : 0); },
                        [this](std::int64_t integer) { number(std::bit_cast<std::uint64_t>(integer)); },
                        [this](double real) { number(std::bit_cast<std::uint64_t>(real)); },
                        [this](const std::string& words) { text(words); },
                        [this](const Bytes& bytes) { text(base::as_text(bytes)); },
                        [this](const Json& json) { text(json.text); }},
             value);
}

void Encoder::record(const Record& record) {
  number(record.size());
  for (const auto& field : record) {
    text(field.name);
    value(field.value);
  }
}

std::optional<std::uint64_t> Decoder::number() {
  std::uint64_t value = 0;
  if (bytes_.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes_.data(), sizeof value);
  bytes_ = bytes_.subspan(sizeof value);
  return value;
}

std::optional<std::string> Decoder::text() {
  const auto size = number();
  if (!size || *size > bytes_.size()) return std::nullopt;
  std::string value(base::as_text(bytes_.first(*size)));
  bytes_ = bytes_.subspan(*size);
  return value;
}

std::optional<Value> Decoder::value() {
  const auto kind = number();
  if (!kind) return std::nullopt;
  if (*kind == 0) return Value{};
  if (*kind <= 3) {
    const auto bits = number();
    if (!bits) return std::nullopt;
    if (*kind == 1) return Value{*bits != 0};
    if (*kind == 2) return Value{std::bit_cast<std::int64_t>(*bits)};
    return Value{std::bit_cast<double>(*bits)};
  }
  auto words = text();
  if (!words) return std::nullopt;
  if (*kind == 4) return Value{std::move(*words)};
  if (*kind == 6) return Value{Json{std::move(*words)}};
  const auto bytes = base::as_bytes(*words);
  return *kind == 5 ? std::optional<Value>(Bytes(bytes.begin(), bytes.end())) : std::nullopt;
}

std::optional<Record> Decoder::record() {
  const auto count = number();
  if (!count) return std::nullopt;
  Record record;
  for (std::uint64_t at = 0; at < *count; ++at) {
    auto name = text();
    auto content = name ? value() : std::nullopt;
    if (!content) return std::nullopt;
    record.push_back({std::move(*name), std::move(*content)});
  }
  return record;
}

}  // namespace triune::adapters::usearch
