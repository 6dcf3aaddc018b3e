#include "adapters/postgres/user_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "adapters/postgres/rules.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

template <std::size_t size>
bool is_any(const Token& token, const std::array<std::string_view, size>& words) {
  return std::any_of(words.begin(), words.end(), [&token](auto word) { return token.is(word); });
}

constexpr auto row_words = std::to_array<std::string_view>(
    {"select", "with", "values", "table", "insert", "update", "delete", "merge", "explain"});
constexpr auto definition_words =
    std::to_array<std::string_view>({"create", "alter", "drop", "comment", "analyze", "reindex"});
/// Between CREATE and the kind of thing.
constexpr auto adjectives =
    std::to_array<std::string_view>({"or", "replace", "unique", "unlogged", "materialized", "recursive", "constraint"});
constexpr auto kinds =
    std::to_array<std::string_view>({"table", "view", "index", "trigger", "sequence", "type", "domain"});

std::unexpected<Error> denied(std::string message) {
  return refuse(ErrorCode::permission_denied, std::move(message));
}

std::unexpected<Error> denied_name(std::string_view name) {
  return denied(
      fmt::format("\"{}\" may only be read: names that start with {} are Triune's own", name, protected_prefix));
}

/// Walks over the words of one statement.
class Judge {
 public:
  explicit Judge(const std::vector<Token>& tokens) : tokens_(tokens) {}

  Result<UserStatement> judge() {
    TRIUNE_TRY(check_transaction_control(tokens_));
    TRIUNE_TRY(check_names(tokens_));
    std::size_t first = 0;
    while (first < tokens_.size() && (kind(first) == Token::Kind::separator || tokens_[first].is_symbol('('))) ++first;
    if (first == tokens_.size()) return denied("this is not allowed here");
    if (is_any(tokens_[first], definition_words)) {
      TRIUNE_TRY(judge_definition(first));
    } else if (is_any(tokens_[first], row_words)) {
      TRIUNE_TRY(judge_rows(first));
    } else if (!tokens_[first].is("show")) {
      return denied(fmt::format(
          "{} is not allowed here; a user may query, write rows with INSERT, UPDATE, DELETE and MERGE, and define "
          "tables, views, indexes and triggers",
          tokens_[first].text));
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] Token::Kind kind(std::size_t at) const { return tokens_[at].kind; }
  [[nodiscard]] bool is(std::size_t at, std::string_view word) const {
    return at < tokens_.size() && tokens_[at].is(word);
  }

  Status judge_definition(std::size_t first) {
    result_.defines = !tokens_[first].is("analyze") && !tokens_[first].is("reindex");
    if (tokens_[first].is("analyze")) return {};
    std::size_t at = first + 1;
    if (tokens_[first].is("comment")) ++at;  // ON
    while (at < tokens_.size() && is_any(tokens_[at], adjectives)) ++at;
    const bool column = tokens_[first].is("comment") && is(at, "column");
    if (at >= tokens_.size() || (!is_any(tokens_[at], kinds) && !column))
      return denied(
          fmt::format("{} {} is not allowed here: a user may define tables, views, indexes, triggers, "
                      "sequences and types",
                      tokens_[first].text, at < tokens_.size() ? tokens_[at].text : ""));
    const std::size_t query = tokens_[first].is("create") ? defining_query(at) : tokens_.size();
    TRIUNE_TRY(judge_definition_words(at, query));
    return judge_rows(query);
  }

  /// Where the query of CREATE TABLE AS or CREATE VIEW AS begins.
  [[nodiscard]] std::size_t defining_query(std::size_t at) const {
    int depth = 0;
    for (; at < tokens_.size(); ++at) {
      depth += tokens_[at].is_symbol('(') ? 1 : tokens_[at].is_symbol(')') ? -1 : 0;
      if (depth == 0 && tokens_[at].is("as")) return at;
    }
    return at;
  }

  Status judge_definition_words(std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
      const std::string name = tokens_[at].name();
      if (is_protected(name)) return denied_name(name);
      if (name.starts_with("pg_temp")) return denied("temporary objects are not allowed: they could hide others");
      if (tokens_[at].is("disable") || tokens_[at].is("enable"))
        return denied("triggers, rules and row security may not be switched on or off here");
    }
    return {};
  }

  Status judge_rows(std::size_t from) {
    for (std::size_t at = from; at < tokens_.size(); ++at) {
      const bool insert = is(at, "insert") || is(at, "merge");
      if ((insert && is(at + 1, "into")) || (is(at, "delete") && is(at + 1, "from"))) {
        TRIUNE_TRY(judge_target(at + 2));
      } else if (is(at, "update") && !is(at + 1, "set") && (at == 0 || (!is(at - 1, "for") && !is(at - 1, "key")))) {
        TRIUNE_TRY(judge_target(at + 1));
      } else if (is(at, "into") && (at == 0 || (!is(at - 1, "insert") && !is(at - 1, "merge")))) {
        return denied("SELECT INTO is not allowed here; use CREATE TABLE … AS");
      } else if (is_protected(tokens_[at].name()) && at + 1 < tokens_.size() && tokens_[at + 1].is_symbol('(')) {
        return denied_name(tokens_[at].name());
      }
    }
    return {};
  }

  Status judge_target(std::size_t at) {
    if (is(at, "only")) ++at;
    std::string target;
    for (; at < tokens_.size(); ++at) {
      const std::string name = tokens_[at].name();
      if (is_protected(name)) return denied_name(name);
      target += tokens_[at].text;
      if (at + 1 >= tokens_.size() || !tokens_[at + 1].is_symbol('.')) break;
      target += '.';
      ++at;
    }
    result_.targets.push_back(std::move(target));
    return {};
  }

  const std::vector<Token>& tokens_;
  UserStatement result_;
};

}  // namespace

bool is_protected(std::string_view name) {
  return name.size() >= protected_prefix.size() &&
         std::equal(protected_prefix.begin(), protected_prefix.end(), name.begin(), [](char small, char any) {
           return any == small || (any >= 'A' && any <= 'Z' && any - 'A' + 'a' == small);
         });
}

Result<UserStatement> check_user_write(const std::vector<Token>& tokens) {
  return Judge(tokens).judge();
}

}  // namespace triune::adapters::postgres
