#include "hive/statement_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "federation/sql_tokens.h"

namespace triune::hive {
namespace {

using federation::SqlToken;
using Kind = SqlToken::Kind;
using Tokens = std::vector<SqlToken>;

Tokens tokens_of(contract::Dialect dialect, std::string_view sql) {
  // In PostgreSQL brackets hold values, not names.
  return federation::sql_tokens(
      sql, dialect == contract::Dialect::sqlite ? federation::Spelling::sqlite : federation::Spelling::postgres);
}

bool is_value(const SqlToken& token) {
  return token.kind == Kind::text || token.kind == Kind::number || token.kind == Kind::parameter;
}

bool is_name(const SqlToken& token) {
  return token.kind == Kind::word || token.kind == Kind::quoted;
}

/// What may begin or end elsewhere than the words say: E'…\'…', a dollar quote right behind a name, and what is left of
/// nested comments.
bool is_doubtful(const Tokens& tokens, std::size_t at) {
  const auto& token = tokens[at];
  if (token.kind == Kind::word && token.text.find('$', 1) != std::string_view::npos) return true;
  if (at == 0) return false;
  const auto& before = tokens[at - 1];
  const bool adjacent = before.end() == token.offset;
  if (token.kind == Kind::text && adjacent && before.kind == Kind::word && token.text.find('\\') != token.text.npos)
    return true;
  return adjacent && before.is_symbol('*') && token.is_symbol('/');
}

/// The name a token stands for.
std::string name_of(const SqlToken& token) {
  if (token.kind != Kind::quoted || token.text.size() < 2) return std::string(token.text);
  const char quote = token.text[0];
  std::string name;
  const auto inner = token.text.substr(1, token.text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name += inner[i];
    if (inner[i] == quote) ++i;
  }
  return name;
}

constexpr std::array<std::string_view, 26> keywords{
    "where",     "on",     "join",   "left",  "right", "inner", "cross",  "natural", "group",
    "order",     "limit",  "having", "union", "using", "as",    "set",    "offset",  "window",
    "intersect", "except", "full",   "outer", "and",   "or",    "select", "from"};

bool is_keyword(const SqlToken& token) {
  return token.kind == Kind::word &&
         std::any_of(keywords.begin(), keywords.end(), [&token](auto keyword) { return token.is(keyword); });
}

/// `qualifier.column` or `column` that ends with token `last`.
bool column_before(const Tokens& tokens, std::size_t last, std::string& qualifier, std::string& column) {
  if (!is_name(tokens[last]) || is_keyword(tokens[last])) return false;
  column = name_of(tokens[last]);
  if (last >= 2 && tokens[last - 1].is_symbol('.') && is_name(tokens[last - 2])) qualifier = name_of(tokens[last - 2]);
  return true;
}

/// Where the comparison before token `at` begins, and what it is; `at` when there is none.
std::size_t operator_before(const Tokens& tokens, std::size_t at, std::string& operation) {
  std::size_t begin = at;
  while (begin > 0 && tokens[begin - 1].kind == Kind::symbol &&
         std::string_view("=<>!").find(tokens[begin - 1].text) != std::string_view::npos)
    operation.insert(0, tokens[--begin].text);
  if (begin < at) return begin;
  if (at > 0 && (tokens[at - 1].is("like") || tokens[at - 1].is("ilike") || tokens[at - 1].is("glob"))) {
    operation = "like";
    return at - 1;
  }
  if (at > 1 && tokens[at - 1].is_symbol('(') && tokens[at - 2].is("in")) {
    operation = "in";
    return at - 2;
  }
  return at;
}

ShapeValue value_at(const Tokens& tokens, std::size_t at) {
  ShapeValue value;
  if (at > 0 && (tokens[at - 1].is("limit") || tokens[at - 1].is("offset"))) {
    value.is_limit = true;
    return value;
  }
  const auto begin = operator_before(tokens, at, value.operation);
  if (begin < at && begin > 0) column_before(tokens, begin - 1, value.qualifier, value.column);
  return value;
}

/// `a.x = b.y` around the sign at `at`.
void add_join(const Tokens& tokens, std::size_t at, std::vector<ShapeJoin>& joins) {
  if (at == 0 || at + 1 >= tokens.size() || !is_name(tokens[at + 1])) return;
  ShapeJoin join;
  const bool qualified = at + 3 < tokens.size() && tokens[at + 2].is_symbol('.') && is_name(tokens[at + 3]);
  const auto last = qualified ? at + 3 : at + 1;
  if (column_before(tokens, at - 1, join.left_qualifier, join.left_column) &&
      column_before(tokens, last, join.right_qualifier, join.right_column))
    joins.push_back(std::move(join));
}

/// The tables from token `at`, behind FROM or JOIN, on; those between commas too.
void add_tables(const Tokens& tokens, std::size_t at, std::vector<ShapeTable>& tables) {
  while (at < tokens.size() && is_name(tokens[at]) && !is_keyword(tokens[at])) {
    const bool schema = at + 2 < tokens.size() && tokens[at + 1].is_symbol('.');
    if (schema) at += 2;
    ShapeTable one{.table = name_of(tokens[at]), .alias = name_of(tokens[at])};
    ++at;
    if (at < tokens.size() && tokens[at].is_symbol('(')) return;  // a function
    if (at < tokens.size() && tokens[at].is("as")) ++at;
    if (at < tokens.size() && is_name(tokens[at]) && !is_keyword(tokens[at])) one.alias = name_of(tokens[at++]);
    tables.push_back(std::move(one));
    if (at >= tokens.size() || !tokens[at].is_symbol(',')) return;
    ++at;
  }
}

}  // namespace

std::string statement_shape(contract::Dialect dialect, std::string_view statement) {
  const auto tokens = tokens_of(dialect, statement);
  std::string shape;
  std::size_t list_depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& token = tokens[i];
    if (is_doubtful(tokens, i)) return {};
    if (token.is_symbol(';') && i + 1 == tokens.size()) break;
    if (list_depth == 0 && token.is_symbol('(') && i > 0 && tokens[i - 1].is("in")) list_depth = i;
    if (token.is_symbol(')')) list_depth = 0;
    // One value of a list stands for all of them.
    const bool repeats = list_depth > 0 && i > list_depth + 1 && (is_value(token) || token.is_symbol(','));
    if (repeats && is_value(tokens[list_depth + 1])) continue;
    if (i > 0 && tokens[i - 1].end() != token.offset && !shape.empty()) shape += ' ';
    if (is_value(token))
      shape += '?';
    else
      shape += token.text;
  }
  return shape;
}

ShapeParts parts_of_shape(contract::Dialect dialect, std::string_view shape) {
  const auto tokens = tokens_of(dialect, shape);
  ShapeParts parts;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("from") || tokens[i].is("join")) add_tables(tokens, i + 1, parts.tables);
    if (tokens[i].is("recursive")) parts.recursive = true;
    if (tokens[i].is_symbol('=')) add_join(tokens, i, parts.joins);
    if (!is_value(tokens[i])) continue;
    parts.values.push_back(value_at(tokens, i));
    const auto& value = parts.values.back();
    if (value.column.empty() && !value.is_limit) parts.unsure = true;
  }
  return parts;
}

std::string numbered(contract::Dialect dialect, std::string_view shape) {
  const auto tokens = tokens_of(dialect, shape);
  std::string sql;
  std::size_t copied = 0;
  std::size_t number = 0;
  for (const auto& token : tokens) {
    if (!is_value(token)) continue;
    sql += shape.substr(copied, token.offset - copied);
    sql += fmt::format("?{}", ++number);
    copied = token.end();
  }
  return sql + std::string(shape.substr(copied));
}

}  // namespace triune::hive
