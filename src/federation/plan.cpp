#include "federation/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace triune::federation {
namespace {

constexpr std::string_view mark = " VIRTUAL TABLE INDEX ";

/// "SCAN v VIRTUAL TABLE INDEX 3:7 10 vector_search": the place, the rows expected, and the function.
struct FunctionStep {
  int place = 0;
  double rows = 0;
  std::size_t function = 0;
  std::string operation;
};

std::optional<FunctionStep> function_step(std::string_view detail, const Query& query) {
  const auto at = detail.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto index = detail.substr(at + mark.size());
  const auto first = index.find(' ');
  const auto space = first == std::string_view::npos ? first : index.find(' ', first + 1);
  FunctionStep step;
  std::from_chars(index.data(), index.data() + index.size(), step.place);
  if (space != std::string_view::npos) step.rows = std::strtod(std::string(index.substr(first)).c_str(), nullptr);
  const auto functions = query.functions();
  for (; step.function < functions.size(); ++step.function)
    if (space != std::string_view::npos && index.substr(space + 1) == functions[step.function].name) break;
  if (step.function == functions.size()) return std::nullopt;
  const auto name = function_names()[static_cast<std::size_t>(query.kind(step.function))];
  step.operation = fmt::format("{} ({})", detail.substr(0, at), name);
  return step;
}

std::string_view usual_engine(Function function) {
  switch (function) {
    case Function::cypher: return "graph engine";
    case Function::vector_search: return "vector engine";
    case Function::text_search: return "full-text index";
    case Function::hybrid_search: return "full-text index + vector engine";
    case Function::neighbors:
    case Function::shortest_path: return "SQL or graph engine, by the degrees";
  }
  return "";
}

void add_costs(const PlaceCosts& costs, PlanNode& node) {
  if (!costs.route.engine.empty()) node.engine = costs.route.engine;
  const auto expectation = std::exchange(node.reason, costs.route.reason);
  if (!expectation.empty()) node.reason += (node.reason.empty() ? "" : "; ") + expectation;
  if (costs.repeated > 0)
    node.reason += fmt::format("{}{} calls with arguments met before", node.reason.empty() ? "" : "; ", costs.repeated);
  node.degraded = costs.route.degraded;
  node.rows = costs.rows;
  node.calls = costs.calls + costs.repeated;
  node.bytes = costs.bytes;
  node.milliseconds = std::chrono::duration<double, std::milli>(costs.time).count();
}

PlanNode function_node(const FunctionStep& step, const Query& query, bool measured) {
  PlanNode node{
      .operation = step.operation, .engine = std::string(usual_engine(query.kind(step.function))), .reason = {}};
  node.estimated_rows = step.rows;
  const auto expectation = query.expectation(step.function);
  if (!expectation.empty()) node.reason = fmt::format("expects {}", expectation);
  if (!measured) return node;
  const auto found = query.costs().find(step.place);
  add_costs(found == query.costs().end() ? PlaceCosts() : found->second, node);
  return node;
}

/// The number behind `name` in a line of a plan.
std::optional<double> figure(std::string_view line, std::string_view name) {
  const auto at = line.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  return std::strtod(std::string(line.substr(at + name.size(), 24)).c_str(), nullptr);
}

/// "Hash Join  (cost=1..2 rows=3 width=4) (actual time=1..2 rows=3 loops=1)"
PlanNode line_node(std::string_view line) {
  PlanNode node{.operation = std::string(line.substr(0, line.find("  ("))), .engine = {}, .reason = {}};
  node.estimated_rows = figure(line, " rows=");
  const auto actual = line.find("(actual");
  if (actual == std::string_view::npos) return node;
  const auto measured = line.substr(actual);
  // Rows and time are of one loop.
  const double loops = figure(measured, " loops=").value_or(1);
  node.calls = static_cast<std::uint64_t>(loops);
  if (const auto rows = figure(measured, " rows=")) node.rows = static_cast<std::uint64_t>(*rows * loops);
  if (const auto dots = measured.find(".."); dots != std::string_view::npos)
    node.milliseconds = figure(measured.substr(dots), "..").value_or(0) * loops;
  return node;
}

PlanNode call_node(std::string_view what, const PlaceCosts& costs) {
  const auto name = function_names()[static_cast<std::size_t>(costs.function)];
  PlanNode node{.operation = fmt::format("{} ({})", what, name), .engine = {}, .reason = {}};
  add_costs(costs, node);
  return node;
}

PlanNode root_node(std::string_view engine, const std::optional<Measured>& measured) {
  PlanNode root{.operation = "RESULT", .engine = std::string(engine), .reason = {}};
  if (measured) {
    root.rows = measured->rows;
    root.milliseconds = measured->milliseconds;
    if (measured->cut) root.reason = "stopped at the limit of rows; there are more";
  }
  return root;
}

/// Adds `node` below the one that `path` leads to, by the places among inputs; returns its place there.
std::size_t add_below(PlanNode& root, const std::vector<std::size_t>& path, PlanNode node) {
  PlanNode* above = &root;
  for (const auto place : path) above = &above->inputs[place];
  above->inputs.push_back(std::move(node));
  return above->inputs.size() - 1;
}

/// A step of the store's own.
PlanNode store_node(std::string detail, std::int64_t id, const Query& query) {
  PlanNode node{.operation = std::move(detail), .engine = {}, .reason = {}};
  const auto found = query.steps().find(id);
  if (found == query.steps().end()) return node;
  const auto& figures = found->second;
  node.estimated_rows = figures.estimated_rows * static_cast<double>(figures.loops);
  node.rows = figures.rows;
  node.calls = figures.loops;
  return node;
}

}  // namespace

PlanNode plan_of_lines(const RowSet& lines, const Query& query, std::string_view engine,
                       const std::optional<Measured>& measured) {
  PlanNode root = root_node(engine, measured);
  // The way to the node of the line before, and how far each on it is indented.
  std::vector<std::size_t> path;
  std::vector<std::size_t> indents;
  for (const auto& row : lines.rows) {
    const auto line = to_text(row.at(0));
    const auto arrow = line.find("->  ");
    if (arrow == std::string::npos && !path.empty()) {
      PlanNode* node = &root;
      for (const auto place : path) node = &node->inputs[place];
      node->reason +=
          (node->reason.empty() ? "" : "; ") + line.substr(std::min(line.find_first_not_of(' '), line.size()));
      continue;
    }
    const std::size_t begin = arrow == std::string::npos ? 0 : arrow + 4;
    while (!path.empty() && indents.back() >= begin) {
      path.pop_back();
      indents.pop_back();
    }
    path.push_back(add_below(root, path, line_node(std::string_view(line).substr(begin))));
    indents.push_back(begin);
  }
  for (const auto& [place, costs] : query.costs()) root.inputs.push_back(call_node("CALL", costs));
  return root;
}

PlanNode plan_of(const RowSet& steps, const Query& query, std::string_view engine,
                 const std::optional<Measured>& measured) {
  PlanNode root = root_node(engine, measured);
  // A step comes after the one it feeds; the paths lead from the root to each.
  std::map<std::int64_t, std::vector<std::size_t>> paths;
  for (const auto& row : steps.rows) {
    const auto* const id = std::get_if<std::int64_t>(&row.at(0));
    const auto* const parent = std::get_if<std::int64_t>(&row.at(1));
    if (id == nullptr || parent == nullptr) continue;
    auto path = paths[*parent];
    const auto detail = to_text(row.at(3));
    const auto step = function_step(detail, query);
    path.push_back(add_below(
        root, path, step ? function_node(*step, query, measured.has_value()) : store_node(detail, *id, query)));
    paths[*id] = std::move(path);
  }
  if (measured)
    for (const auto& [place, costs] : query.costs())
      if (place >= contract::first_nested_place) root.inputs.push_back(call_node("IN A PREDICATE", costs));
  return root;
}

}  // namespace triune::federation
