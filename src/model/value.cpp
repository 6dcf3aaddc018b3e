#include "triune/value.h"

#include <fmt/format.h>

#include <cmath>

#include "model/json.h"
#include "triune/change.h"
#include "triune/schema.h"

namespace triune {
namespace {

/// The shortest text that reads back as the same number, and as a double: "1.0", not "1".
std::string number_text(double value) {
  auto text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

struct TextPrinter {
  std::string operator()(Null) const { return {}; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return number_text(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const Json& value) const { return value.text; }
  std::string operator()(const Bytes& value) const {
    std::string text;
    for (const auto byte : value) fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(byte));
    return text;
  }
};

struct JsonPrinter {
  std::string operator()(Null) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return std::isfinite(value) ? number_text(value) : "null"; }
  std::string operator()(const std::string& value) const { return model::json_string(value); }
  std::string operator()(const Json& value) const { return value.text; }
  std::string operator()(const Bytes& value) const { return model::json_string(model::base64(value)); }
};

}  // namespace

const Value* find(const Record& record, std::string_view name) noexcept {
  for (const auto& field : record)
    if (field.name == name) return &field.value;
  return nullptr;
}

std::string to_text(const Value& value) {
  return std::visit(TextPrinter{}, value);
}

std::string to_json(const Value& value) {
  return std::visit(JsonPrinter{}, value);
}

std::string to_json(const Record& record) {
  std::string text = "{";
  for (const auto& field : record) {
    if (text.size() > 1) text += ',';
    model::append_json_string(text, field.name);
    text += ':';
    text += to_json(field.value);
  }
  return text + "}";
}

std::string to_string(const Token& token) {
  return fmt::format("{}:{}", token.incarnation, token.lsn);
}

std::string_view to_string(ProjectionState state) noexcept {
  switch (state) {
    case ProjectionState::current: return "current";
    case ProjectionState::behind: return "behind";
    case ProjectionState::rebuilding: return "rebuilding";
    case ProjectionState::quarantined: return "quarantined";
  }
  return "quarantined";
}

std::string_view to_string(Metric metric) noexcept {
  switch (metric) {
    case Metric::cosine: return "cosine";
    case Metric::l2: return "l2";
    case Metric::dot: return "dot";
  }
  return "cosine";
}

Result<Metric> parse_metric(std::string_view text) {
  for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot})
    if (text == to_string(metric)) return metric;
  return failure(ErrorCode::invalid_argument, fmt::format("'{}' is no metric; use cosine, l2 or dot", text));
}

}  // namespace triune
