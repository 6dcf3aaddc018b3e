#include "intake/legacy_sqlite/json_tree.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/try.h"
#include "model/json.h"
#include "triune/value.h"

namespace triune::intake::legacy {
namespace {

using Element = simdjson::dom::element;
using Type = simdjson::dom::element_type;

Result<JsonTree> tree_of(const Element& element);

Result<JsonTree> array_of(const simdjson::dom::array& array) {
  JsonTree::Array items;
  for (const Element each : array) {
    TRIUNE_ASSIGN(auto item, tree_of(each));
    items.push_back(std::move(item));
  }
  return JsonTree{std::move(items)};
}

Result<JsonTree> object_of(const simdjson::dom::object& object) {
  JsonTree::Object members;
  for (const auto& [name, each] : object) {
    const bool twice =
        std::any_of(members.begin(), members.end(), [&](const auto& member) { return member.first == name; });
    if (twice)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("the name \"{}\" is twice in one object; keep one", name));
    TRIUNE_ASSIGN(auto member, tree_of(each));
    members.emplace_back(std::string(name), std::move(member));
  }
  return JsonTree{std::move(members)};
}

Result<JsonTree> tree_of(const Element& element) {
  switch (element.type()) {
    case Type::ARRAY: return array_of(element.get_array().value_unsafe());
    case Type::OBJECT: return object_of(element.get_object().value_unsafe());
    case Type::BOOL: return JsonTree{element.get_bool().value_unsafe()};
    case Type::INT64: return JsonTree{element.get_int64().value_unsafe()};
    case Type::UINT64: return JsonTree{static_cast<double>(element.get_uint64().value_unsafe())};
    case Type::DOUBLE: return JsonTree{element.get_double().value_unsafe()};
    case Type::STRING: return JsonTree{std::string(element.get_string().value_unsafe())};
    default: return JsonTree{};
  }
}

class Printer {
 public:
  std::string text;

  void print(const JsonTree& tree, std::size_t depth) {
    if (const auto* array = std::get_if<JsonTree::Array>(&tree.value)) return print_array(*array, depth);
    if (const auto* object = std::get_if<JsonTree::Object>(&tree.value)) return print_object(*object, depth);
    if (const auto* flag = std::get_if<bool>(&tree.value)) text += *flag ? "true" : "false";
    if (const auto* integer = std::get_if<std::int64_t>(&tree.value)) text += std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&tree.value)) text += to_json(Value(*real));
    if (const auto* string = std::get_if<std::string>(&tree.value)) model::append_json_string(text, *string);
    if (std::holds_alternative<std::monostate>(tree.value)) text += "null";
  }

 private:
  static bool is_plain(const JsonTree& tree) {
    return !std::holds_alternative<JsonTree::Array>(tree.value) &&
           !std::holds_alternative<JsonTree::Object>(tree.value);
  }

  void line(std::size_t depth) { text += "\n" + std::string(depth * 2, ' '); }

  void print_array(const JsonTree::Array& array, std::size_t depth) {
    const bool flat = std::all_of(array.begin(), array.end(), is_plain);
    text += '[';
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (i > 0) text += flat ? ", " : ",";
      if (!flat) line(depth + 1);
      print(array[i], depth + 1);
    }
    if (!flat) line(depth);
    text += ']';
  }

  void print_object(const JsonTree::Object& object, std::size_t depth) {
    text += '{';
    for (std::size_t i = 0; i < object.size(); ++i) {
      if (i > 0) text += ',';
      line(depth + 1);
      model::append_json_string(text, object[i].first);
      text += ": ";
      print(object[i].second, depth + 1);
    }
    if (!object.empty()) line(depth);
    text += '}';
  }
};

}  // namespace

Result<JsonTree> parse_json_tree(std::string_view text) {
  simdjson::dom::parser parser;
  Element element;
  if (const auto error = parser.parse(simdjson::padded_string(text)).get(element); error != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument, fmt::format("this is no JSON: {}", simdjson::error_message(error)));
  return tree_of(element);
}

std::string to_text(const JsonTree& tree) {
  Printer printer;
  printer.print(tree, 0);
  return printer.text + "\n";
}

}  // namespace triune::intake::legacy
