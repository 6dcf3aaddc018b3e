#include "adapters/postgres/arrays.h"

#include <cmath>
#include <vector>

#include "adapters/postgres/big_endian.h"
#include "adapters/postgres/results.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

constexpr std::int32_t most_dimensions = 6;  // MAXDIM of the server

std::unexpected<Error> malformed() {
  return refuse(ErrorCode::internal, "the server sent bytes that are no array");
}

std::string element_json(const Value& value) {
  const auto* real = std::get_if<double>(&value);
  if (real == nullptr || std::isfinite(*real)) return to_json(value);
  return std::isnan(*real) ? "\"NaN\"" : *real < 0 ? "\"-Infinity\"" : "\"Infinity\"";
}

/// Reads the elements of a binary array, nested by its dimensions.
class BinaryArray {
 public:
  BinaryArray(std::string_view rest, Type element, std::vector<std::int32_t> sizes)
      : rest_(rest), element_(element), sizes_(std::move(sizes)) {}

  Status read(std::size_t dimension, std::string& json) {
    json += '[';
    for (std::int32_t index = 0; index < sizes_[dimension]; ++index) {
      if (index > 0) json += ',';
      if (dimension + 1 < sizes_.size()) {
        TRIUNE_TRY(read(dimension + 1, json));
      } else {
        TRIUNE_TRY(read_element(json));
      }
    }
    json += ']';
    return {};
  }

 private:
  Status read_element(std::string& json) {
    if (rest_.size() < sizeof(std::int32_t)) return malformed();
    const auto size = take<std::int32_t>(rest_);
    if (size < 0) {
      json += "null";
      return {};
    }
    if (rest_.size() < static_cast<std::size_t>(size)) return malformed();
    TRIUNE_ASSIGN(const Value value, decode(element_, true, rest_.substr(0, static_cast<std::size_t>(size))));
    rest_.remove_prefix(static_cast<std::size_t>(size));
    json += element_json(value);
    return {};
  }

  std::string_view rest_;
  Type element_;
  std::vector<std::int32_t> sizes_;
};

/// Reads `{1,NULL,"a \"b\"",{…}}`.
class TextArray {
 public:
  TextArray(std::string_view rest, Type element) : rest_(rest), element_(element) {}

  Status read(int depth, std::string& json) {
    if (depth > most_dimensions || !skip('{')) return malformed();
    json += '[';
    for (bool first = true; !skip('}'); first = false) {
      if (!first) {
        if (!skip(',')) return malformed();
        json += ',';
      }
      if (rest_.starts_with('{')) {
        TRIUNE_TRY(read(depth + 1, json));
      } else {
        TRIUNE_TRY(read_element(json));
      }
    }
    json += ']';
    return {};
  }

 private:
  bool skip(char character) {
    if (!rest_.starts_with(character)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Status read_element(std::string& json) {
    const bool quoted = skip('"');
    std::string text;
    while (!rest_.empty() && (quoted ? rest_.front() != '"' : rest_.front() != ',' && rest_.front() != '}')) {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty() || (quoted && !skip('"')) || (!quoted && text.empty())) return malformed();
    if (!quoted && text == "NULL") {
      json += "null";
      return {};
    }
    TRIUNE_ASSIGN(const Value value, decode(element_, false, text));
    json += element_json(value);
    return {};
  }

  std::string_view rest_;
  Type element_;
};

}  // namespace

Result<Value> array_from_binary(std::string_view bytes) {
  if (bytes.size() < 3 * sizeof(std::int32_t)) return malformed();
  const auto dimensions = take<std::int32_t>(bytes);
  take<std::int32_t>(bytes);  // whether there are NULLs
  const auto element = static_cast<Type>(take<std::uint32_t>(bytes));
  if (dimensions == 0) return Json{"[]"};
  if (dimensions < 0 || dimensions > most_dimensions ||
      bytes.size() < static_cast<std::size_t>(dimensions) * 2 * sizeof(std::int32_t))
    return malformed();
  std::vector<std::int32_t> sizes;
  for (std::int32_t dimension = 0; dimension < dimensions; ++dimension) {
    sizes.push_back(take<std::int32_t>(bytes));
    take<std::int32_t>(bytes);  // the lower bound
  }
  std::string json;
  TRIUNE_TRY(BinaryArray(bytes, element, std::move(sizes)).read(0, json));
  return Json{std::move(json)};
}

Result<Value> array_from_text(Type element, std::string_view text) {
  // Bounds other than 1 come first: "[0:1]={7,8}".
  if (text.starts_with('[')) text.remove_prefix(std::min(text.find('=') + 1, text.size()));
  std::string json;
  TRIUNE_TRY(TextArray(text, element).read(1, json));
  return Json{std::move(json)};
}

}  // namespace triune::adapters::postgres
