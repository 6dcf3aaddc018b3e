#include "federation/cypher_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "federation/sql_tokens.h"

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

constexpr std::size_t most_columns = 500;

std::unexpected<Error> wrong(std::string message) {
  return std::unexpected<Error>(
      Error{.code = ErrorCode::invalid_argument, .message = std::move(message), .engine = {}, .native_code = {}});
}

int depth_change(const SqlToken& token) {
  if (token.is_symbol('(') || token.is_symbol('{') || token.is_symbol('[')) return 1;
  return token.is_symbol(')') || token.is_symbol('}') || token.is_symbol(']') ? -1 : 0;
}

std::string unquoted(const SqlToken& token) {
  return std::string(token.kind == Kind::quoted ? token.text.substr(1, token.text.size() - 2) : token.text);
}

std::string column_name(std::string_view query, const std::vector<SqlToken>& item) {
  if (item.size() >= 3 && item[item.size() - 2].is("as")) return unquoted(item.back());
  return std::string(query.substr(item.front().offset, item.back().end() - item.front().offset));
}

/// The items of the RETURN that begins at `at`.
std::vector<std::vector<SqlToken>> items_from(const std::vector<SqlToken>& tokens, std::size_t at) {
  std::vector<std::vector<SqlToken>> items(1);
  int depth = 0;
  for (++at; at < tokens.size(); ++at) {
    const auto& token = tokens[at];
    depth += depth_change(token);
    if (depth == 0 &&
        (token.is("order") || token.is("skip") || token.is("limit") || token.is("union") || token.is_symbol(';')))
      break;
    if (items.size() == 1 && items[0].empty() && token.is("distinct")) continue;
    if (depth == 0 && token.is_symbol(','))
      items.emplace_back();
    else
      items.back().push_back(token);
  }
  return items;
}

}  // namespace

Result<std::vector<std::string>> cypher_columns(std::string_view query) {
  const auto tokens = sql_tokens(query, Spelling::cypher);
  std::optional<std::size_t> last;
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    depth += depth_change(tokens[i]);
    if (depth == 0 && tokens[i].is("return")) last = i;
  }
  if (!last) return wrong(fmt::format("the Cypher query has no RETURN, which says what columns there are: {}", query));
  std::vector<std::string> names;
  for (const auto& item : items_from(tokens, *last)) {
    if (item.empty()) return wrong(fmt::format("the RETURN of the Cypher query lacks an expression: {}", query));
    if (item.size() == 1 && item[0].is_symbol('*'))
      return wrong("RETURN * does not say what columns there are; name them, as in RETURN a.id AS id");
    auto name = column_name(query, item);
    const auto again = std::count(names.begin(), names.end(), name);
    names.push_back(again == 0 ? name : fmt::format("{}:{}", name, again + 1));
    if (names.size() > most_columns)
      return wrong(fmt::format("a Cypher query returns at most {} columns", most_columns));
  }
  return names;
}

}  // namespace triune::federation
