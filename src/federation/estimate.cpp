#include "federation/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <vector>

#include "federation/sql_tokens.h"

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

/// Of one call of the graph engine, however small: some milliseconds.
constexpr double engine_cost = 10'000;
constexpr double row_cost = 3;
constexpr double walk_cost = 300;
/// Shares of rows that satisfy a condition of which nothing is known, as planners have always guessed.
constexpr double share_of_equality = 0.1;
constexpr double share_of_condition = 1.0 / 3;
/// Distinct values of a property among ten entities.
constexpr double share_of_values = 0.1;
/// A path without an end is taken for one of so many steps.
constexpr std::uint64_t open_length = 5;
constexpr double most_rows = 1e6;

double degree(const EdgeFigures& figures, Direction direction) {
  if (direction == Direction::in) return figures.in;
  return direction == Direction::out ? figures.out : figures.out + figures.in;
}

/// Ends of walks of up to `steps` edges.
double reached(double degree_of_one, std::uint64_t steps) {
  double all = 0;
  double level = 1;
  for (std::uint64_t step = 0; step < steps && all < most_rows; ++step) all += level *= degree_of_one;
  return all;
}

struct NodePattern {
  std::string variable;
  std::string label;
  bool has_id = false;           ///< `{id: …}`
  std::size_t other_values = 0;  ///< Further ones in the braces.
};

struct EdgePattern {
  std::vector<std::string> types;
  Direction direction = Direction::both;
  std::uint64_t steps = 1;
};

/// Reads a query from its beginning; whatever it does not know ends the reading without an estimate.
class QueryReader {
 public:
  QueryReader(Engines& engines, std::string_view query)
      : engines_(engines), tokens_(sql_tokens(query, Spelling::cypher)) {}

  std::optional<Estimate> read() {
    for (;;) {
      if (sees("optional")) ++at_;
      if (sees("match")) {
        ++at_;
        if (!read_patterns()) return std::nullopt;
      } else if (sees("where")) {
        ++at_;
        read_conditions();
      } else if (sees("return") && !reason_.empty()) {
        ++at_;
        read_return();
        rows_ = std::clamp(rows_, 1.0, most_rows);
        return Estimate{.rows = rows_, .cost = engine_cost + row_cost * rows_, .reason = reason_};
      } else {
        return std::nullopt;
      }
    }
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= tokens_.size(); }
  [[nodiscard]] bool sees(std::string_view keyword) const { return !at_end() && tokens_[at_].is(keyword); }
  [[nodiscard]] bool sees_symbol(char character) const { return !at_end() && tokens_[at_].is_symbol(character); }
  bool take_symbol(char character) { return sees_symbol(character) && ++at_ > 0; }
  std::string take_name() {
    if (at_end() || (tokens_[at_].kind != Kind::word && tokens_[at_].kind != Kind::quoted)) return {};
    const auto& token = tokens_[at_++];
    return std::string(token.kind == Kind::quoted ? token.text.substr(1, token.text.size() - 2) : token.text);
  }

  /// How many there are of a label; remembers that somebody does not know.
  double nodes(const std::string& label) {
    const auto figures = engines_.node_figures(label);
    if (!figures) is_known_ = false;
    return figures ? std::max(figures->nodes, 1.0) : 1;
  }

  bool read_patterns() {
    do {
      // A path may have a name.
      if (at_ + 1 < tokens_.size() && tokens_[at_].kind == Kind::word && tokens_[at_ + 1].is_symbol('=')) at_ += 2;
      auto node = read_node();
      if (!node) return false;
      place(*node);
      while (sees_symbol('-') || sees_symbol('<')) {
        const auto edge = read_edge();
        auto other = edge ? read_node() : std::nullopt;
        if (!other) return false;
        follow(*edge, *other);
      }
    } while (take_symbol(','));
    return is_known_;
  }

  std::optional<NodePattern> read_node() {
    NodePattern node;
    if (!take_symbol('(')) return std::nullopt;
    node.variable = take_name();
    while (take_symbol(':') || take_symbol('|')) node.label = take_name();
    if (take_symbol('{'))
      for (int depth = 1; !at_end() && depth > 0; ++at_) {
        depth += tokens_[at_].is_symbol('{') ? 1 : tokens_[at_].is_symbol('}') ? -1 : 0;
        const bool names = depth == 1 && at_ + 1 < tokens_.size() && tokens_[at_ + 1].is_symbol(':');
        if (names && tokens_[at_].is("id")) node.has_id = true;
        if (names && !tokens_[at_].is("id")) ++node.other_values;
      }
    return take_symbol(')') ? std::optional(node) : std::nullopt;
  }

  std::optional<EdgePattern> read_edge() {
    EdgePattern edge;
    const bool arrives = take_symbol('<');
    if (!take_symbol('-')) return std::nullopt;
    if (take_symbol('[')) read_edge_inside(edge);
    if (!take_symbol('-')) return std::nullopt;
    const bool leaves = take_symbol('>');
    if (arrives != leaves) edge.direction = arrives ? Direction::in : Direction::out;
    return edge;
  }

  void read_edge_inside(EdgePattern& edge) {
    take_name();
    while (take_symbol(':') || take_symbol('|')) {
      take_symbol(':');
      edge.types.push_back(take_name());
    }
    const bool repeats = sees_symbol('*');
    if (repeats) edge.steps = open_length;
    for (int depth = 1; !at_end(); ++at_) {
      depth += tokens_[at_].is_symbol('[') ? 1 : tokens_[at_].is_symbol(']') ? -1 : 0;
      if (depth == 0) break;
      // "1..3", "..3" and "3" say the last; "1.." does not.
      const auto text = tokens_[at_].text;
      if (!repeats || tokens_[at_].kind != Kind::number || std::isdigit(static_cast<unsigned char>(text.back())) == 0)
        continue;
      const auto digits = text.substr(text.rfind('.') == std::string_view::npos ? 0 : text.rfind('.') + 1);
      std::from_chars(digits.data(), digits.data() + digits.size(), edge.steps);
    }
    take_symbol(']');
  }

  /// The first node of a path.
  void place(const NodePattern& node) {
    const bool met = !node.variable.empty() && labels_.contains(node.variable);
    if (!met) {
      const auto count = nodes(node.label);
      rows_ *= count;
      add_reason(fmt::format("{:.0f} {}", count, node.label.empty() ? "nodes" : node.label));
      remember(node);
    }
    narrow(node);
  }

  void follow(const EdgePattern& edge, const NodePattern& node) {
    double each = 0;
    for (const auto& type : edge.types.empty() ? std::vector<std::string>{""} : edge.types)
      if (const auto figures = engines_.edge_figures(type)) each += degree(*figures, edge.direction);
    if (each == 0) is_known_ = false;
    each = reached(each, edge.steps);
    rows_ *= each;
    add_reason(fmt::format("{:.3g} {} each", each, edge.types.empty() ? "edges" : edge.types[0]));
    // Where it leads is given already.
    if (!node.variable.empty() && labels_.contains(node.variable))
      rows_ /= nodes(labels_[node.variable]);
    else
      remember(node);
    narrow(node);
  }

  void remember(const NodePattern& node) {
    if (!node.variable.empty()) labels_.emplace(node.variable, node.label);
  }

  void narrow(const NodePattern& node) {
    if (node.has_id) pin(node.variable, node.label);
    for (std::size_t i = 0; i < node.other_values; ++i) apply(share_of_equality);
  }
  void pin(const std::string& variable, const std::string& label) {
    pinned_[variable] = true;
    apply(1 / nodes(label));
  }
  void apply(double share) {
    rows_ *= share;
    ++conditions_;
  }

  /// Up to the next clause; the conditions that AND joins.
  void read_conditions() {
    std::vector<SqlToken> condition;
    for (int depth = 0; !at_end() && !(depth == 0 && starts_clause()); ++at_) {
      const auto& token = tokens_[at_];
      depth += token.is_symbol('(') || token.is_symbol('[') || token.is_symbol('{')   ? 1
               : token.is_symbol(')') || token.is_symbol(']') || token.is_symbol('}') ? -1
                                                                                      : 0;
      if (depth == 0 && token.is("and")) {
        judge(condition);
        condition.clear();
      } else {
        condition.push_back(token);
      }
    }
    judge(condition);
  }

  [[nodiscard]] bool starts_clause() const {
    return sees("return") || sees("match") || sees("optional") || sees("with") || sees("unwind");
  }

  void judge(const std::vector<SqlToken>& condition) {
    if (condition.size() < 4) return apply(share_of_condition);
    const bool names_property = condition[1].is_symbol('.') && condition[3].is_symbol('=');
    const auto label = labels_.find(std::string(condition[0].text));
    if (!names_property || label == labels_.end()) return apply(share_of_condition);
    if (condition[2].is("id")) return pin(label->first, label->second);
    apply(share_of_equality);
  }

  void read_return() {
    const bool distinct = sees("distinct");
    if (distinct) ++at_;
    bool aggregates = distinct;
    std::map<std::string, double> groups;
    std::vector<SqlToken> item;
    for (int depth = 0;; ++at_) {
      const bool ends = at_end() || sees("order") || sees("skip") || sees("limit") || sees("union") || sees_symbol(';');
      if (ends || (depth == 0 && sees_symbol(','))) {
        add_item(item, aggregates, groups);
        item.clear();
        if (ends) break;
        continue;
      }
      depth += sees_symbol('(') ? 1 : sees_symbol(')') ? -1 : 0;
      item.push_back(tokens_[at_]);
    }
    if (conditions_ > 0)
      add_reason(conditions_ == 1 ? std::string("a condition") : fmt::format("{} conditions", conditions_));
    if (aggregates) group(groups);
    limit();
  }

  void add_item(const std::vector<SqlToken>& item, bool& aggregates, std::map<std::string, double>& groups) {
    constexpr std::array<std::string_view, 6> functions{"count", "sum", "min", "max", "avg", "collect"};
    for (std::size_t i = 0; i + 1 < item.size(); ++i)
      if (item[i + 1].is_symbol('(') &&
          std::any_of(functions.begin(), functions.end(), [&](auto name) { return item[i].is(name); })) {
        aggregates = true;
        return;
      }
    for (std::size_t i = 0; i < item.size(); ++i) {
      const auto label = labels_.find(std::string(item[i].text));
      if (label == labels_.end() || (i > 0 && item[i - 1].is_symbol('.'))) continue;
      const bool property = i + 2 < item.size() && item[i + 1].is_symbol('.') && !item[i + 2].is("id");
      const auto count = pinned_.contains(label->first) ? 1 : nodes(label->second) * (property ? share_of_values : 1);
      auto& group = groups[label->first];
      group = std::max({group, count, 1.0});
    }
  }

  void group(const std::map<std::string, double>& groups) {
    double distinct = 1;
    for (const auto& [variable, count] : groups) distinct *= count;
    rows_ = std::min(rows_, distinct);
    add_reason("grouped");
  }

  void limit() {
    while (!at_end() && !sees("limit")) ++at_;
    if (at_ + 1 >= tokens_.size() || tokens_[at_ + 1].kind != Kind::number) return;
    const auto text = tokens_[at_ + 1].text;
    std::uint64_t most = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), most).ec != std::errc{}) return;
    rows_ = std::min(rows_, static_cast<double>(most));
    add_reason(fmt::format("at most {}", most));
  }

  void add_reason(std::string_view what) {
    if (!reason_.empty()) reason_ += ", ";
    reason_ += what;
  }

  Engines& engines_;
  std::vector<SqlToken> tokens_;
  std::size_t at_ = 0;
  std::map<std::string, std::string> labels_;  ///< Of the variables met.
  std::map<std::string, bool> pinned_;         ///< Variables of which there is one node.
  bool is_known_ = true;
  double rows_ = 1;
  std::size_t conditions_ = 0;
  std::string reason_;
};

}  // namespace

std::optional<Estimate> estimate_neighbors(Engines& engines, std::string_view type, Direction direction,
                                           std::uint64_t depth) {
  const auto figures = engines.edge_figures(type);
  if (!figures) return std::nullopt;
  const auto each = degree(*figures, direction);
  auto rows = std::min(reached(each, depth), most_rows);
  if (const auto all = engines.node_figures("")) rows = std::min(rows, all->nodes);
  rows = std::max(rows, 1.0);
  return Estimate{.rows = rows,
                  .cost = walk_cost + row_cost * rows,
                  .reason = fmt::format("{:.3g} {} a node{}", each, type.empty() ? "edges" : type,
                                        depth == 1 ? "" : fmt::format(", {} steps", depth))};
}

std::optional<Estimate> estimate_cypher(Engines& engines, std::string_view query) {
  return QueryReader(engines, query).read();
}

}  // namespace triune::federation
