#include "modules/access/conditions.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/try.h"
#include "modules/kit/rows.h"

namespace triune::modules::access {
namespace {

constexpr std::size_t most_bytes = 4'096;
constexpr std::size_t most_names = 32;

using simdjson::dom::element;
using simdjson::dom::element_type;

std::unexpected<Error> wrong(std::string message) {
  return failure(ErrorCode::invalid_argument, "conditions: " + std::move(message));
}

/// A text, a number or a truth value.
Result<Value> scalar_of(const element& from) {
  switch (from.type()) {
    case element_type::STRING: return Value(std::string(from.get_string().value_unsafe()));
    case element_type::BOOL: return Value(bool{from.get_bool().value_unsafe()});
    case element_type::INT64: return Value(std::int64_t{from.get_int64().value_unsafe()});
    case element_type::UINT64:
    case element_type::DOUBLE: return Value(double{from.get_double().value_unsafe()});
    default: return wrong("what is compared is a text, a number, true or false, or a list of these");
  }
}

bool equal(const Value& left, const Value& right) {
  const bool numbers = !std::holds_alternative<std::string>(left) && !std::holds_alternative<bool>(left);
  const auto one = optional_real(left);
  const auto other = optional_real(right);
  if (numbers && one && other) return *one == *other;
  return left == right;
}

}  // namespace

template <class Element>
Status Conditions::read_element(const Element& from, Condition& to) {
  if (from.type() != element_type::ARRAY) {
    TRIUNE_ASSIGN(auto value, scalar_of(from));
    to.values.push_back(std::move(value));
    return {};
  }
  const simdjson::dom::array elements = from.get_array().value_unsafe();
  for (const auto each : elements) {
    TRIUNE_ASSIGN(auto value, scalar_of(each));
    to.values.push_back(std::move(value));
  }
  if (to.values.empty()) return wrong(fmt::format("the list of '{}' is empty", to.name));
  return {};
}

template <class Element>
Status Conditions::read_range(const Element& object, Condition& to) {
  const simdjson::dom::object members = object.get_object().value_unsafe();
  for (const auto [key, value] : members) {
    double number = 0;
    if (key == "not" && members.size() == 1) {
      to.wanted = false;
      return read_element(value, to);
    }
    if ((key != "min" && key != "max") || value.get_double().get(number) != simdjson::SUCCESS)
      return wrong(
          fmt::format("'{}' takes a value, a list, {{\"not\":…}}, or {{\"min\":NUMBER,\"max\":NUMBER}}", to.name));
    (key == "min" ? to.least : to.most) = number;
  }
  if (!to.least && !to.most) return wrong(fmt::format("the range of '{}' has no end", to.name));
  return {};
}

Result<Conditions> Conditions::parse(std::string_view json) {
  Conditions conditions;
  if (json == "{}") return conditions;
  if (json.size() > most_bytes) return wrong(fmt::format("at most {} bytes, not {}", most_bytes, json.size()));
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get_object().get(object) != simdjson::SUCCESS)
    return wrong("they are a JSON object: {\"environment\":\"staging\"}");
  for (const auto [key, value] : object) {
    Condition condition{.name = std::string(key), .values = {}, .least = {}, .most = {}};
    if (value.type() == element_type::OBJECT)
      TRIUNE_TRY(read_range(value, condition));
    else
      TRIUNE_TRY(read_element(value, condition));
    conditions.conditions_.push_back(std::move(condition));
  }
  if (conditions.conditions_.size() > most_names) return wrong(fmt::format("at most {} names", most_names));
  return conditions;
}

Judgement Conditions::judge(const Condition& condition, const Value& value, std::string_view principal) {
  if (condition.values.empty()) {
    const auto number = std::holds_alternative<bool>(value) ? std::nullopt : optional_real(value);
    if (!number || *number != *number) return Judgement::unknown;
    const bool within =
        (!condition.least || *number >= *condition.least) && (!condition.most || *number <= *condition.most);
    return within ? Judgement::holds : Judgement::fails;
  }
  const bool found = std::any_of(condition.values.begin(), condition.values.end(), [&](const Value& one) {
    const auto* const word = std::get_if<std::string>(&one);
    if (word != nullptr && *word == "$principal") return equal(Value(std::string(principal)), value);
    return equal(one, value);
  });
  return found == condition.wanted ? Judgement::holds : Judgement::fails;
}

Judgement Conditions::judge(const Record& context, std::string_view principal) const {
  auto judgement = Judgement::holds;
  for (const auto& condition : conditions_) {
    const auto* const value = find(context, condition.name);
    const auto one = value == nullptr || is_null(*value) ? Judgement::unknown : judge(condition, *value, principal);
    if (one == Judgement::fails) return one;
    if (one == Judgement::unknown) judgement = one;
  }
  return judgement;
}

}  // namespace triune::modules::access
