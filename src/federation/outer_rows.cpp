#include "federation/outer_rows.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace triune::federation {
namespace {

constexpr auto behind_from = std::to_array<std::string_view>(
    {"where", "group", "having", "window", "union", "intersect", "except", "order", "limit", "offset", "fetch", "for"});
constexpr auto set_operators = std::to_array<std::string_view>({"union", "intersect", "except"});
/// Words between one item of FROM and the next.
constexpr auto join_words =
    std::to_array<std::string_view>({"natural", "inner", "left", "right", "full", "outer", "cross", "join", "lateral"});

template <std::size_t size>
bool is_one_of(const SqlToken& token, const std::array<std::string_view, size>& words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return token.is(word); });
}

/// Tokens [begin, end) of one SELECT, without the parentheses around it.
struct Scope {
  std::size_t begin = 0;
  std::size_t end = 0;
};

class Finder {
 public:
  Finder(const std::vector<SqlToken>& tokens, const PostgresStatement& statement, std::span<const FunctionCall> calls,
         const FunctionCall& call, std::span<const ColumnUse* const> columns)
      : tokens_(tokens), statement_(statement), calls_(calls), call_(call) {
    for (const auto* const column : columns) need(*column);
  }

  std::optional<OuterRows> find() {
    const auto at = static_cast<std::size_t>(
        std::find_if(tokens_.begin(), tokens_.end(), [&](const auto& one) { return one.offset == call_.begin; }) -
        tokens_.begin());
    auto position = at;
    const auto scopes = scopes_around(at);
    for (const auto& scope : scopes) {
      take_with(scope, position);
      if (!take_from(scope, position, position == at && !call_.stands_as_set)) return std::nullopt;
      position = scope.begin == 0 ? 0 : scope.begin - 1;
    }
    std::reverse(rows_.from.begin(), rows_.from.end());
    if (rows_.from.empty()) return std::nullopt;
    take_conditions();
    return rows_;
  }

 private:
  [[nodiscard]] TextRange range(std::size_t begin, std::size_t end) const {
    if (begin >= end) return {};
    return {tokens_[begin].offset, tokens_[end - 1].end()};
  }

  void need(const ColumnUse& column) {
    if (column.qualifier.empty())
      needs_all_ = true;
    else
      needed_.insert(column.qualifier);
  }

  /// The SELECTs that hold token `at`, innermost first.
  [[nodiscard]] std::vector<Scope> scopes_around(std::size_t at) const {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < at; ++i) {
      if (tokens_[i].is_symbol('(')) open.push_back(i);
      if (tokens_[i].is_symbol(')') && !open.empty()) open.pop_back();
    }
    std::vector<Scope> scopes;
    for (auto i = open.rbegin(); i != open.rend(); ++i) {
      const auto& first = tokens_[*i + 1];
      if (first.is("select") || first.is("with")) scopes.push_back({*i + 1, closing(*i)});
    }
    scopes.push_back({0, tokens_.size()});
    return scopes;
  }

  [[nodiscard]] std::size_t closing(std::size_t opening) const {
    int depth = 0;
    for (auto i = opening; i < tokens_.size(); ++i) {
      depth += tokens_[i].is_symbol('(') ? 1 : tokens_[i].is_symbol(')') ? -1 : 0;
      if (depth == 0) return i;
    }
    return tokens_.size();
  }

  /// The first token of [begin, end) outside of parentheses that `accepts` takes; `end` when there is none.
  template <class Accepts>
  [[nodiscard]] std::size_t first(std::size_t begin, std::size_t end, const Accepts& accepts) const {
    for (auto i = begin; i < end; ++i) {
      if (accepts(i)) return i;
      if (tokens_[i].is_symbol('(')) i = closing(i);
    }
    return end;
  }

  /// What WITH defines before `position`, of the whole statement only: a WITH further inside stays unknown.
  void take_with(const Scope& scope, std::size_t position) {
    if (scope.begin != 0 || !tokens_[0].is("with")) return;
    const auto select = first(1, scope.end, [&](std::size_t i) { return tokens_[i].is("select"); });
    auto end = select;
    // Within one of the definitions, those before it are known.
    if (position < select) {
      end = 0;
      for (std::size_t i = 1; i < position; ++i) {
        if (tokens_[i].is_symbol('(')) i = closing(i);
        if (i < position && tokens_[i].is_symbol(',')) end = i;
      }
    }
    if (end > 1) rows_.with = range(0, end);
    with_end_ = select;
  }

  /// The SELECT of a scope, without WITH and other arms of UNION, in which `position` is.
  [[nodiscard]] Scope arm(const Scope& scope, std::size_t position) const {
    Scope result{scope.begin, scope.end};
    if (scope.begin == 0) result.begin = with_end_;
    auto at = result.begin;
    for (;;) {
      const auto next = first(at, scope.end, [&](std::size_t i) { return is_one_of(tokens_[i], set_operators); });
      if (next == scope.end || next > position) {
        result.end = next;
        return result;
      }
      result.begin = at = next + 1;
    }
  }

  /// False when the position is in FROM and not on its own.
  bool take_from(const Scope& scope, std::size_t position, bool is_item) {
    const auto select = arm(scope, position);
    // In a definition of WITH, which sees nothing of this.
    if (position < select.begin) return true;
    const auto from = first(select.begin, select.end, [&](std::size_t i) {
      return tokens_[i].is("from") &&
             !(i > 0 && tokens_[i - 1].is("distinct") && i > 1 && !tokens_[i - 2].is("select"));
    });
    if (from == select.end) return !is_item;
    const auto end = first(from + 1, select.end, [&](std::size_t i) { return is_one_of(tokens_[i], behind_from); });
    auto last = end;
    if (position > from && position < end) {
      if (is_item && first(from + 1, end, [&](std::size_t i) { return i == position; }) == end) return false;
      last = position;
      while (last > from + 1 && (is_one_of(tokens_[last - 1], join_words) || tokens_[last - 1].is_symbol(','))) --last;
    }
    selects_.push_back({from + 1, last, end, select.end});
    take_items(from + 1, last);
    return true;
  }

  /// The items between commas that anything needed refers to, last first: what they refer to is needed too.
  void take_items(std::size_t begin, std::size_t end) {
    std::vector<TextRange> items;
    while (begin < end) {
      const auto comma = first(begin, end, [&](std::size_t i) { return tokens_[i].is_symbol(','); });
      items.push_back(range(begin, comma));
      begin = comma + 1;
    }
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
      const auto names = statement_.items_in(*item);
      const bool wanted = needs_all_ || std::any_of(names.begin(), names.end(),
                                                    [&](const auto& name) { return needed_.contains(name); });
      if (!wanted) continue;
      rows_.from.push_back(*item);
      taken_.insert(names.begin(), names.end());
      for (const auto* const column : statement_.columns_in(*item))
        if (!column->qualifier.empty() && !names.contains(column->qualifier)) needed_.insert(column->qualifier);
    }
  }

  void take_conditions() {
    const auto outer_join = [](const SqlToken& token) { return token.is("right") || token.is("full"); };
    for (const auto& select : selects_) {
      // A row that such a join fills with NULL may satisfy what the row itself does not.
      if (std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(select.from),
                      tokens_.begin() + static_cast<std::ptrdiff_t>(select.from_end), outer_join))
        continue;
      if (select.from_end == select.end || !tokens_[select.from_end].is("where")) continue;
      const auto begin = select.from_end + 1;
      const auto end = first(begin, select.end, [&](std::size_t i) { return is_one_of(tokens_[i], behind_from); });
      const auto unclear = [&](std::size_t i) {
        return tokens_[i].is("or") || tokens_[i].is("between") || tokens_[i].is("case");
      };
      if (first(begin, end, unclear) != end) continue;
      for (auto at = begin; at < end;) {
        const auto next = first(at, end, [&](std::size_t i) { return tokens_[i].is("and"); });
        take_condition(range(at, next));
        at = next + 1;
      }
    }
  }

  void take_condition(const TextRange& condition) {
    const auto has_subquery = std::any_of(tokens_.begin(), tokens_.end(), [&](const SqlToken& token) {
      return condition.holds(token.offset) && token.is("select");
    });
    const auto calls =
        std::any_of(calls_.begin(), calls_.end(), [&](const auto& one) { return condition.holds(one.begin); });
    if (has_subquery || calls) return;
    const auto columns = statement_.columns_in(condition);
    const bool known = std::all_of(columns.begin(), columns.end(), [&](const ColumnUse* column) {
      return !column->qualifier.empty() && taken_.contains(column->qualifier);
    });
    if (known) rows_.where.push_back(condition);
  }

  struct Select {
    std::size_t from = 0;
    std::size_t taken_end = 0;
    std::size_t from_end = 0;
    std::size_t end = 0;
  };
  const std::vector<SqlToken>& tokens_;
  const PostgresStatement& statement_;
  std::span<const FunctionCall> calls_;
  const FunctionCall& call_;
  std::set<std::string> needed_;  ///< Qualifiers.
  bool needs_all_ = false;
  std::set<std::string> taken_;
  std::size_t with_end_ = 0;
  std::vector<Select> selects_;
  OuterRows rows_;
};

}  // namespace

std::optional<OuterRows> outer_rows(const std::vector<SqlToken>& tokens, const PostgresStatement& statement,
                                    std::span<const FunctionCall> calls, const FunctionCall& call,
                                    std::span<const ColumnUse* const> columns) {
  return Finder(tokens, statement, calls, call, columns).find();
}

}  // namespace triune::federation
