#include "adapters/postgres/statement_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "adapters/postgres/rules.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

/// Follows the bodies of SQL functions (BEGIN ATOMIC … END), whose semicolons separate nothing.
class AtomicBody {
 public:
  /// Whether `token` is inside of one.
  bool take(const Token& token) {
    if (depth_ == 0) {
      if (after_begin_ && token.is("atomic")) depth_ = 1;
      after_begin_ = token.is("begin");
    } else if (token.is("case")) {
      ++depth_;
    } else if (token.is("end")) {
      --depth_;
    }
    return depth_ > 0;
  }

 private:
  bool after_begin_ = false;
  int depth_ = 0;
};

Status check_one_statement(const std::vector<Token>& tokens) {
  AtomicBody body;
  bool ended = false;
  std::size_t seen = 0;
  for (const auto& token : tokens) {
    if (token.text.empty()) continue;  // stands for a comment that never ends
    if (body.take(token) || token.kind != Token::Kind::separator) {
      if (ended)
        return refuse(ErrorCode::invalid_argument,
                      fmt::format("there is a second statement at byte {}; run one statement at a time", token.offset));
      ++seen;
    } else if (seen > 0) {
      ended = true;
    }
  }
  if (seen == 0) return refuse(ErrorCode::invalid_argument, "the text holds no statement");
  return {};
}

Result<std::uint32_t> number_of(const Token& parameter) {
  std::uint32_t number = 0;
  const auto text = parameter.text.substr(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || number == 0 || number > most_parameters)
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("there is no parameter {} (byte {}); parameters are ?1 to ?{}", parameter.text,
                              parameter.offset, most_parameters));
  return number;
}

}  // namespace

Result<StatementText> translate(std::string_view sql) {
  if (const auto nul = sql.find('\0'); nul != std::string_view::npos)
    return refuse(ErrorCode::invalid_argument, fmt::format("the statement holds a NUL character at byte {}", nul));
  const auto tokens = tokens_of(sql);
  TRIUNE_TRY(check_one_statement(tokens));
  TRIUNE_TRY(check_transaction_control(tokens));
  StatementText result;
  result.reads = only_reads(tokens);
  result.selects = selects(tokens);
  std::size_t copied = 0;
  for (const auto& token : tokens) {
    if (token.kind == Token::Kind::broken && token.text.starts_with('$') && token.text.find('$', 1) == token.text.npos)
      return refuse(ErrorCode::invalid_argument,
                    fmt::format("parameters are written ?1, not {} (byte {})", token.text.substr(0, 6), token.offset));
    if (token.kind != Token::Kind::parameter) continue;
    TRIUNE_ASSIGN(const std::uint32_t number, number_of(token));
    result.parameters = std::max(result.parameters, number);
    result.sql.append(sql, copied, token.offset - copied).append("$").append(token.text.substr(1));
    copied = token.offset + token.text.size();
  }
  result.sql.append(sql, copied);
  return result;
}

std::vector<std::string_view> split_script(std::string_view sql) {
  std::vector<std::string_view> statements;
  AtomicBody body;
  const Token* first = nullptr;
  const auto tokens = tokens_of(sql);
  for (const auto& token : tokens) {
    const bool inside = body.take(token);
    if (first == nullptr && token.kind != Token::Kind::separator) first = &token;
    if (inside || token.kind != Token::Kind::separator || first == nullptr) continue;
    statements.push_back(sql.substr(first->offset, token.offset - first->offset));
    first = nullptr;
  }
  if (first != nullptr) statements.push_back(sql.substr(first->offset));
  return statements;
}

}  // namespace triune::adapters::postgres
