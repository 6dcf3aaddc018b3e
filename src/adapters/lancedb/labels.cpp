#include "adapters/lancedb/labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"

namespace triune::adapters::lancedb {
namespace {

// What is longer is found by its hash, so that a label in the index stays small.
constexpr std::size_t longest_plain = 120;

// Only letters and digits that need no quoting in SQL; what differs stays different.
std::string encoded(std::string_view text) {
  const bool is_plain = text.size() <= longest_plain && text.find_first_of("\\'%\"") == std::string_view::npos &&
                        std::ranges::all_of(text, [](char each) { return each >= ' ' && each <= '~'; });
  if (is_plain) return "=" + std::string(text);
  return "#" + base::sha256_hex(base::as_bytes(text));
}

std::string presence_label(std::string_view name) {
  return "p" + encoded(name);
}

// Type by its place in the variant, bytes as they are: 1, 1.0, "1" and true are four values.
std::string value_label(std::string_view name, const Value& value) {
  std::string bytes;
  if (const auto* text = std::get_if<std::string>(&value))
    bytes = *text;
  else if (const auto* raw = std::get_if<Bytes>(&value))
    bytes = base::as_text(*raw);
  else if (const auto* number = std::get_if<double>(&value))
    bytes = fmt::format("{:a}", *number == 0 ? 0.0 : *number);
  else if (const auto* json = std::get_if<Json>(&value))
    bytes = json->text;
  else
    bytes = to_json(value);
  // The name's length keeps the pair ("a", "b=c") apart from ("a=b", "c").
  return fmt::format("v{}:{}{}{}", name.size(), value.index(), encoded(name), encoded(bytes));
}

}  // namespace

std::vector<std::string> labels_of(const Record& metadata) {
  std::vector<std::string> labels;
  for (const auto& field : metadata) {
    if (is_null(field.value)) continue;
    labels.push_back(presence_label(field.name));
    labels.push_back(value_label(field.name, field.value));
  }
  return labels;
}

std::string condition_of(const Record& wanted) {
  std::string condition;
  for (const auto& field : wanted) {
    const std::string label = is_null(field.value) ? presence_label(field.name) : value_label(field.name, field.value);
    condition += fmt::format("{}{}array_has_any(labels, ['{}'])", condition.empty() ? "" : " AND ",
                             is_null(field.value) ? "NOT " : "", label);
  }
  return condition;
}

std::string searchable_text(const Record& metadata) {
  std::string text;
  for (const auto& field : metadata)
    if (const auto* words = std::get_if<std::string>(&field.value)) text += (text.empty() ? "" : "\n") + *words;
  return text;
}

}  // namespace triune::adapters::lancedb
