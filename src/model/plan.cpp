// Plans as text for people and as JSON.
#include <fmt/format.h>

#include "triune/query.h"

namespace triune {
namespace {

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string figures(const PlanNode& node) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (node.estimated_rows) add(fmt::format("about {:.0f} rows", *node.estimated_rows));
  if (node.rows) add(fmt::format("actual {} rows", *node.rows));
  if (node.calls) add(fmt::format("{} call{}", *node.calls, *node.calls == 1 ? "" : "s"));
  if (node.milliseconds) add(fmt::format("{:.2f} ms", *node.milliseconds));
  if (node.bytes) add(bytes_text(*node.bytes));
  return text.empty() ? text : "  (" + text + ")";
}

void write_tree(const PlanNode& node, const std::string& first, const std::string& rest, std::string& text) {
  text += first + node.operation;
  if (!node.engine.empty()) text += " → " + node.engine;
  text += figures(node);
  if (node.degraded) text += "  DEGRADED";
  text += '\n';
  const std::string bar = node.inputs.empty() ? "    " : "│   ";
  if (!node.reason.empty()) text += rest + bar + node.reason + '\n';
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const bool last = i + 1 == node.inputs.size();
    write_tree(node.inputs[i], rest + (last ? "└── " : "├── "), rest + (last ? "    " : "│   "), text);
  }
}

}  // namespace

std::string to_text(const PlanNode& plan) {
  std::string text;
  write_tree(plan, "", "", text);
  return text;
}

std::string to_json(const PlanNode& plan) {
  Record fields{{"operation", plan.operation}, {"engine", plan.engine}, {"reason", plan.reason}};
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? Value(static_cast<std::int64_t>(*value)) : Value();
  };
  fields.push_back({"estimated_rows", plan.estimated_rows ? Value(*plan.estimated_rows) : Value()});
  fields.push_back({"rows", number(plan.rows)});
  fields.push_back({"calls", number(plan.calls)});
  fields.push_back({"bytes", number(plan.bytes)});
  fields.push_back({"milliseconds", plan.milliseconds ? Value(*plan.milliseconds) : Value()});
  fields.push_back({"degraded", plan.degraded});
  std::string inputs;
  for (const auto& input : plan.inputs) inputs += (inputs.empty() ? "" : ",") + to_json(input);
  fields.push_back({"inputs", Json{"[" + inputs + "]"}});
  return to_json(fields);
}

}  // namespace triune
