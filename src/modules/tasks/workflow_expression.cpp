#include "modules/tasks/workflow_expression.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/try.h"

namespace triune::modules::tasks {
namespace {

constexpr std::size_t deepest_condition = 16;
constexpr std::array<std::string_view, 10> operators{"=",  "!=",       "<",      "<=",    ">",
                                                     ">=", "contains", "exists", "empty", "in"};

std::string text_of(const Document& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Document::error_handler_t::replace);
}

/// A piece of a text: as it is, or what stands at a path.
struct Piece {
  std::string text;
  bool path = false;
};

Result<std::vector<Piece>> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 3) == "$${") {
      plain += "${";
      at += 3;
    } else if (text.substr(at, 2) == "${") {
      const auto end = text.find('}', at);
      if (end == std::string_view::npos)
        return failure(ErrorCode::invalid_argument, fmt::format("'{}' has a ${{ without its }}", text));
      if (!plain.empty()) pieces.push_back({std::exchange(plain, {}), false});
      pieces.push_back({std::string(text.substr(at + 2, end - at - 2)), true});
      at = end + 1;
    } else {
      plain += text[at++];
    }
  }
  if (!plain.empty() || pieces.empty()) pieces.push_back({plain, false});
  return pieces;
}

Document member_of(const Document& value, const std::string& part) {
  if (value.is_object()) {
    const auto found = value.find(part);
    return found == value.end() ? Document() : *found;
  }
  std::size_t index = 0;
  const auto [end, wrong] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (!value.is_array() || wrong != std::errc() || end != part.data() + part.size() || index >= value.size()) return {};
  return value[index];
}

bool contains(const Document& whole, const Document& part) {
  if (whole.is_array()) return std::find(whole.begin(), whole.end(), part) != whole.end();
  if (whole.is_object()) return part.is_string() && whole.contains(part.get<std::string>());
  if (!whole.is_string() || !part.is_string()) return false;
  return whole.get_ref<const std::string&>().find(part.get_ref<const std::string&>()) != std::string::npos;
}

bool is_empty(const Document& value) {
  return value.is_null() ||
         (value.is_string() ? value.get_ref<const std::string&>().empty() : value.is_structured() && value.empty());
}

/// Numbers and texts have an order, each among themselves; nothing else has.
bool compares(const Document& left, std::string_view is, const Document& right) {
  if (!(left.is_number() && right.is_number()) && !(left.is_string() && right.is_string())) return false;
  if (is == "<") return left < right;
  if (is == "<=") return left <= right;
  if (is == ">") return left > right;
  return left >= right;
}

bool comparison_holds(const Document& condition, const Lookup& lookup) {
  const auto left = value_at(condition.at("path").get_ref<const std::string&>(), lookup);
  const auto& is = condition.at("is").get_ref<const std::string&>();
  if (is == "exists") return !left.is_null();
  if (is == "empty") return is_empty(left);
  const auto right = fill(condition.at("value"), lookup);
  if (is == "=") return left == right;
  if (is == "!=") return left != right;
  if (is == "contains") return contains(left, right);
  if (is == "in") return contains(right, left);
  return compares(left, is, right);
}

Status check_comparison(const Document& condition, const std::string& place, const PathVisitor& visitor) {
  for (const auto& [name, value] : condition.items())
    if (name != "path" && name != "is" && name != "value")
      return failure(
          ErrorCode::invalid_argument,
          fmt::format("{}: a condition has no '{}'; it has path, is and value, or one of all, any, not", place, name));
  if (!condition.contains("path") || !condition["path"].is_string())
    return failure(ErrorCode::invalid_argument, fmt::format("{}: a condition needs a path", place));
  const auto is = condition.value("is", Document());
  if (!is.is_string() || std::find(operators.begin(), operators.end(), is.get<std::string>()) == operators.end())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{}.is: one of =, !=, <, <=, >, >=, in, contains, exists, empty", place));
  const bool alone = is == "exists" || is == "empty";
  if (alone == condition.contains("value"))
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{}: '{}' {} a value", place, is.get<std::string>(), alone ? "takes no" : "needs"));
  auto known = visitor(condition["path"].get_ref<const std::string&>());
  if (!known) return failure(ErrorCode::invalid_argument, fmt::format("{}.path: {}", place, known.error().message));
  return alone ? Status() : check_template(condition["value"], place + ".value", visitor);
}

Status check_condition_at(const Document& condition, const std::string& place, const PathVisitor& visitor,
                          std::size_t depth) {
  if (depth > deepest_condition)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{}: conditions are nested at most {} deep", place, deepest_condition));
  if (!condition.is_object() || condition.empty())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{}: a condition is an object with path, is and value, or one of all, any, not", place));
  for (const auto* const word : {"all", "any"}) {
    if (!condition.contains(word)) continue;
    if (condition.size() != 1 || !condition[word].is_array() || condition[word].empty())
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{}: '{}' stands alone and is a list of conditions", place, word));
    for (std::size_t i = 0; i < condition[word].size(); ++i)
      TRIUNE_TRY(check_condition_at(condition[word][i], fmt::format("{}.{}[{}]", place, word, i), visitor, depth + 1));
    return {};
  }
  if (!condition.contains("not")) return check_comparison(condition, place, visitor);
  if (condition.size() != 1) return failure(ErrorCode::invalid_argument, fmt::format("{}: 'not' stands alone", place));
  return check_condition_at(condition["not"], place + ".not", visitor, depth + 1);
}

}  // namespace

Result<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('.', at), path.size());
    if (end == at)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("'{}' is no path: names with dots between them, such as steps.build.image", path));
    parts.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Document value_at(std::string_view path, const Lookup& lookup) {
  const auto parts = split_path(path);
  if (!parts) return {};
  const bool named = parts->front() == "steps" || parts->front() == "loops";
  const std::size_t used = named && parts->size() > 1 ? 2 : 1;
  auto value = lookup(parts->front(), used == 2 ? std::string_view((*parts)[1]) : std::string_view());
  for (std::size_t i = used; i < parts->size(); ++i) value = member_of(value, (*parts)[i]);
  return value;
}

Document fill(const Document& pattern, const Lookup& lookup) {
  if (pattern.is_array()) {
    auto filled = Document::array();
    for (const auto& element : pattern) filled.push_back(fill(element, lookup));
    return filled;
  }
  if (pattern.is_object()) {
    auto filled = Document::object();
    for (const auto& [name, value] : pattern.items()) filled[name] = fill(value, lookup);
    return filled;
  }
  if (!pattern.is_string()) return pattern;
  const auto pieces = pieces_of(pattern.get_ref<const std::string&>());
  if (!pieces) return pattern;
  if (pieces->size() == 1 && pieces->front().path) return value_at(pieces->front().text, lookup);
  std::string text;
  for (const auto& piece : *pieces) text += piece.path ? text_of(value_at(piece.text, lookup)) : piece.text;
  return text;
}

bool holds(const Document& condition, const Lookup& lookup) {
  if (const auto all = condition.find("all"); all != condition.end())
    return std::all_of(all->begin(), all->end(), [&](const Document& one) { return holds(one, lookup); });
  if (const auto any = condition.find("any"); any != condition.end())
    return std::any_of(any->begin(), any->end(), [&](const Document& one) { return holds(one, lookup); });
  if (const auto negated = condition.find("not"); negated != condition.end()) return !holds(*negated, lookup);
  return comparison_holds(condition, lookup);
}

Status check_template(const Document& pattern, const std::string& place, const PathVisitor& visitor) {
  if (pattern.is_array()) {
    for (std::size_t i = 0; i < pattern.size(); ++i)
      TRIUNE_TRY(check_template(pattern[i], fmt::format("{}[{}]", place, i), visitor));
  } else if (pattern.is_object()) {
    for (const auto& [name, value] : pattern.items())
      TRIUNE_TRY(check_template(value, fmt::format("{}.{}", place, name), visitor));
  } else if (pattern.is_string()) {
    auto pieces = pieces_of(pattern.get_ref<const std::string&>());
    if (!pieces) return failure(ErrorCode::invalid_argument, fmt::format("{}: {}", place, pieces.error().message));
    for (const auto& piece : *pieces) {
      if (!piece.path) continue;
      auto known = visitor(piece.text);
      if (!known) return failure(ErrorCode::invalid_argument, fmt::format("{}: {}", place, known.error().message));
    }
  }
  return {};
}

Status check_condition(const Document& condition, const std::string& place, const PathVisitor& visitor) {
  return check_condition_at(condition, place, visitor, 1);
}

}  // namespace triune::modules::tasks
