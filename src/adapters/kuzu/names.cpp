#include "adapters/kuzu/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::kuzu {
namespace {

constexpr std::size_t longest_name = 200;

// ReservedNames::getColumnNames of Kuzu 0.11.3, and the star, which means all of them.
constexpr std::array<std::string_view, 13> reserved_properties{
    "_id",   "_label",        "_src",        "_dst",        "_direction",  "_length", "_nodes",
    "_rels", "_place_holder", "_row_offset", "_src_offset", "_dst_offset", "*"};

Status check_name(std::string_view name, std::string_view kind) {
  const auto refuse = [&](std::string_view why) {
    return Status(kuzu_failure(ErrorCode::invalid_argument, fmt::format("the {} '{}' {}", kind, name, why)));
  };
  if (name.empty()) return refuse("is empty; give it a name");
  if (name.size() > longest_name) return refuse("is longer than 200 bytes; shorten it");
  if (!model::is_storable_text(name)) return refuse("is not valid UTF-8 text");
  if (name.find('`') != std::string_view::npos) return refuse("holds a backtick, which Kuzu cannot quote; rename it");
  const auto is_control = [](char character) { return static_cast<unsigned char>(character) < 0x20; };
  if (std::any_of(name.begin(), name.end(), is_control)) return refuse("holds a control character; rename it");
  return {};
}

}  // namespace

std::string in_backticks(std::string_view name) {
  return fmt::format("`{}`", name);
}

// Kuzu drops a backslash and takes what follows as it is, so these two are all there is to escape.
std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char character : text) {
    if (character == '\'' || character == '\\') result += '\\';
    result += character;
  }
  return result + "'";
}

Status check_table_name(std::string_view name) {
  TRIUNE_TRY(check_name(name, "label or edge type"));
  if (folded(name).starts_with("_triune"))
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("'{}': names that begin with _triune are kept for Triune itself", name));
  return {};
}

Status check_property_name(std::string_view name) {
  TRIUNE_TRY(check_name(name, "property"));
  const auto lower = folded(name);
  if (lower == "id")
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("'{}' cannot be a property: every node has `id` as its key", name));
  if (std::find(reserved_properties.begin(), reserved_properties.end(), lower) != reserved_properties.end())
    return kuzu_failure(ErrorCode::invalid_argument, fmt::format("Kuzu keeps the property name '{}' for itself", name));
  return {};
}

std::string folded(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

}  // namespace triune::adapters::kuzu
