#include "federation/explain_prefix.h"

#include "federation/sql_tokens.h"

namespace triune::federation {
namespace {

/// The options in parentheses from `at` on; where they end, or nothing for one that is not known.
std::optional<std::size_t> read_options(const std::vector<SqlToken>& tokens, std::size_t at, ExplainRequest& request) {
  for (; at < tokens.size(); ++at) {
    if (tokens[at].is_symbol(')')) return at + 1;
    if (tokens[at].is_symbol(',')) continue;
    if (tokens[at].is("analyze")) {
      request.analyze = true;
      continue;
    }
    if (!tokens[at].is("format") || at + 1 >= tokens.size()) return std::nullopt;
    ++at;
    request.json = tokens[at].is("json");
    if (!request.json && !tokens[at].is("text")) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ExplainRequest> explain_request(std::string_view sql) {
  const auto tokens = sql_tokens(sql);
  if (tokens.size() < 2 || !tokens[0].is("explain") || tokens[1].is("query")) return std::nullopt;
  ExplainRequest request;
  std::size_t at = 1;
  if (tokens[at].is_symbol('(')) {
    const auto end = read_options(tokens, at + 1, request);
    if (!end) return std::nullopt;
    at = *end;
  } else if (tokens[at].is("analyze")) {
    request.analyze = true;
    ++at;
  }
  if (at >= tokens.size()) return std::nullopt;
  request.statement = sql.substr(tokens[at].offset);
  return request;
}

}  // namespace triune::federation
