#include "federation/bind_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/try.h"
#include "federation/function_calls.h"
#include "federation/outer_rows.h"
#include "federation/typed_set.h"
#include "model/sql_text.h"

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

/// Of one call, with arguments from rows: each is a question to an engine.
constexpr std::size_t most_argument_rows = 10'000;
/// Of all its answers, which are one document.
constexpr std::size_t most_set_rows = 1'000'000;
constexpr std::string_view key_column = "triune key";

std::size_t parameter_number(const SqlToken& token) {
  std::size_t number = 0;
  std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
  return number;
}

/// Takes a statement apart and puts it together again with the parameters that are left, counted anew.
class Rewriter {
 public:
  Rewriter(std::string_view sql, const std::vector<SqlToken>& tokens, std::span<const Value> parameters)
      : sql_(sql), tokens_(tokens), parameters_(parameters) {}

  /// What stands between two places of the statement.
  void copy(std::size_t begin, std::size_t end) {
    const auto from = std::partition_point(tokens_.begin(), tokens_.end(),
                                           [&](const SqlToken& token) { return token.offset < begin; });
    for (auto token = from; token != tokens_.end() && token->end() <= end; ++token) {
      const auto number = token->kind == Kind::parameter ? parameter_number(*token) : 0;
      if (number < 1 || number > parameters_.size()) continue;
      auto& renamed = renamed_[number];
      if (renamed == 0) renamed = add(parameters_[number - 1]);
      result_.sql += fmt::format("{}?{}", sql_.substr(begin, token->offset - begin), renamed);
      begin = token->end();
    }
    result_.sql += sql_.substr(begin, end - begin);
  }
  void append(std::string_view text) { result_.sql += text; }
  /// Returns the number of a parameter of its own.
  std::size_t add(Value value) {
    result_.parameters.push_back(std::move(value));
    return result_.parameters.size();
  }
  BoundStatement take() { return std::move(result_); }

 private:
  std::string_view sql_;
  const std::vector<SqlToken>& tokens_;
  std::span<const Value> parameters_;
  std::map<std::size_t, std::size_t> renamed_;
  BoundStatement result_;
};

Status append_rows(contract::RowSource& source, const Value* key, TypedSet& set, std::string_view function) {
  std::vector<Value> row;
  for (;;) {
    TRIUNE_ASSIGN(const bool more, source.next(row));
    if (!more) return {};
    if (set.rows.size() == most_set_rows)
      return failure(
          ErrorCode::resource_exhausted,
          fmt::format("{}: its answers for the rows of the statement have more than {} rows together; narrow "
                      "the rows before the call",
                      function, most_set_rows));
    if (key != nullptr) row.insert(row.begin(), *key);
    set.rows.push_back(std::move(row));
  }
}

/// The types of both, where they agree.
void merge_types(std::vector<contract::ColumnType>& types, std::span<const contract::ColumnType> others) {
  if (types.empty()) types.assign(others.begin(), others.end());
  for (std::size_t i = 0; i < std::min(types.size(), others.size()); ++i)
    if (types[i] != others[i]) types[i] = contract::ColumnType::text;
}

class Binder {
 public:
  Binder(std::string_view sql, std::span<const Value> parameters, Query& query, contract::RelationalSession& session,
         int first_place)
      : sql_(sql),
        parameters_(parameters),
        query_(query),
        session_(session),
        first_place_(first_place),
        tokens_(sql_tokens(sql, Spelling::postgres)),
        calls_(find_calls(sql, function_names(), Spelling::postgres)) {}

  Result<BoundStatement> run(PostgresStatement::Text text) {
    TRIUNE_ASSIGN(statement_, PostgresStatement::parse(sql_, calls_, text));
    for (const auto& call : calls_)
      if (statement_.is_call(call.begin) && !statement_.is_table(call.begin))
        return failure(ErrorCode::invalid_argument,
                       fmt::format("{} returns a table: it stands alone in FROM, or right of IN", call.name));
    // What only looks like a call, within a text that another dialect would end elsewhere, stays as it is.
    std::erase_if(calls_, [&](const FunctionCall& call) { return !statement_.is_table(call.begin); });
    replacements_.resize(calls_.size());
    outer_rows_allowed_ = text == PostgresStatement::Text::statement;
    for (std::size_t i = 0; i < calls_.size(); ++i) TRIUNE_TRY(bind(i));
    Rewriter whole(sql_, tokens_, parameters_);
    render({0, sql_.size()}, whole);
    return whole.take();
  }

 private:
  /// A piece of what stands for a call.
  struct Piece {
    std::string text;
    std::optional<Value> value = {};      ///< Behind the text, as a parameter.
    std::optional<TextRange> range = {};  ///< Behind that, as it stands in the statement.
  };
  struct Replacement {
    enum class State : std::uint8_t { none, begun, made };
    State state = State::none;
    std::vector<Piece> pieces;
  };

  /// The range with what stands for the calls in it, which are bound.
  void render(TextRange range, Rewriter& to) const {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if (!range.holds(calls_[i].begin)) continue;
      to.copy(range.begin, calls_[i].begin);
      for (const auto& piece : replacements_[i].pieces) {
        to.append(piece.text);
        if (piece.value) to.append(fmt::format("?{}", to.add(*piece.value)));
        if (piece.range) to.copy(piece.range->begin, piece.range->end);
      }
      range.begin = calls_[i].end;
    }
    to.copy(range.begin, range.end);
  }

  static TextRange range_of(const std::vector<SqlToken>& argument) {
    return argument.empty() ? TextRange() : TextRange{argument.front().offset, argument.back().end()};
  }
  [[nodiscard]] std::string_view text_of(TextRange range) const {
    return sql_.substr(range.begin, range.end - range.begin);
  }

  Status bind(std::size_t index) {
    auto& replacement = replacements_[index];
    if (replacement.state == Replacement::State::made) return {};
    const auto& call = calls_[index];
    if (replacement.state == Replacement::State::begun)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{}: its arguments come from rows that need its answer", call.name));
    replacement.state = Replacement::State::begun;
    TRIUNE_ASSIGN(const std::size_t number, query_.number_of(call, parameters_));
    TRIUNE_TRY(check_count(call, query_.functions()[number]));
    TRIUNE_TRY(answer(index, number));
    replacement.state = Replacement::State::made;
    return {};
  }

  static Status check_count(const FunctionCall& call, const contract::TableFunction& function) {
    if (call.arguments.size() < function.required)
      return failure(ErrorCode::invalid_argument, contract::missing_argument(function, call.arguments.size()));
    if (call.arguments.size() <= function.arguments.size()) return {};
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} takes {} arguments at most", call.name, function.arguments.size()));
  }

  /// Asks the engine, once, or once for each of the rows that arguments come from.
  Status answer(std::size_t index, std::size_t number) {
    const auto& call = calls_[index];
    std::vector<Value> arguments(query_.functions()[number].arguments.size());
    std::vector<std::size_t> varying;
    std::vector<const ColumnUse*> columns;
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      const auto used = statement_.columns_in(range_of(call.arguments[i]));
      columns.insert(columns.end(), used.begin(), used.end());
      if (!used.empty()) {
        varying.push_back(i);
        continue;
      }
      TRIUNE_ASSIGN(arguments[i], evaluate(call, i));
    }
    TypedSet set{.columns = query_.functions()[number].columns, .types = query_.functions()[number].types, .rows = {}};
    const bool typed = !set.types.empty();
    const auto ask = [&](const Value* key) -> Status {
      TRIUNE_ASSIGN(const auto source,
                    query_.call(number, first_place_ + static_cast<int>(index), session_, arguments));
      if (!typed) merge_types(set.types, source->types());
      return append_rows(*source, key, set, call.name);
    };
    if (varying.empty()) {
      TRIUNE_TRY(ask(nullptr));
      replace(index, set, {});
      return {};
    }
    TRIUNE_ASSIGN(const RowSet tuples, argument_rows(call, varying, columns));
    for (const auto& tuple : tuples.rows) {
      for (std::size_t i = 0; i < varying.size(); ++i) arguments[varying[i]] = tuple[i + 1];
      TRIUNE_TRY(ask(tuple.data()));
    }
    replace(index, set, varying);
    return {};
  }

  /// A parameter alone is its value; anything else the server evaluates.
  Result<Value> evaluate(const FunctionCall& call, std::size_t argument) {
    const auto& tokens = call.arguments[argument];
    if (tokens.empty()) return failure(ErrorCode::invalid_argument, fmt::format("{}: an argument is empty", call.name));
    if (tokens.size() == 1 && tokens[0].kind == Kind::parameter) {
      const auto number = parameter_number(tokens[0]);
      if (number >= 1 && number <= parameters_.size()) return parameters_[number - 1];
    }
    if (tokens.size() == 1 && tokens[0].kind == Kind::text && tokens[0].text[0] == '\'')
      return Value(tokens[0].literal());
    Rewriter alone(sql_, tokens_, parameters_);
    const auto range = range_of(tokens);
    alone.copy(range.begin, range.end);
    const auto [expression, used] = alone.take();
    auto rows = session_.query(fmt::format("SELECT ({}\n)", expression), used, 2);
    if (!rows) return failure_of(rows);
    if (rows->rows.size() != 1)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{}: the argument {} is no single value", call.name, expression));
    return std::move(rows->rows[0][0]);
  }

  /// Each distinct combination of the arguments that come from rows, behind its key.
  Result<RowSet> argument_rows(const FunctionCall& call, const std::vector<std::size_t>& varying,
                               const std::vector<const ColumnUse*>& columns) {
    const auto from = outer_rows_allowed_ ? outer_rows(tokens_, statement_, calls_, call, columns) : std::nullopt;
    if (!from)
      return failure(
          ErrorCode::unsupported,
          fmt::format("{}: on PostgreSQL the argument {} cannot come from a row here; the call must stand in "
                      "FROM behind the table it takes it from, outside of parentheses, or in a subquery of a "
                      "statement that selects from that table",
                      call.name, text_of(range_of(call.arguments[varying[0]]))));
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const auto holds = [&](const TextRange& range) { return range.holds(calls_[i].begin); };
      if (std::any_of(from->from.begin(), from->from.end(), holds) || (from->with && holds(*from->with)))
        TRIUNE_TRY(bind(i));
    }
    const auto [sql, parameters] = question(call, varying, *from);
    auto rows = session_.query(sql, parameters, most_argument_rows);
    if (!rows) {
      rows.error().message =
          fmt::format("{}: the rows that its arguments come from are asked first, and this failed: {}", call.name,
                      rows.error().message);
      return failure_of(rows);
    }
    if (rows->truncated)
      return failure(
          ErrorCode::resource_exhausted,
          fmt::format("{}: the rows before it give more than {} different arguments, and each is a question of "
                      "its own; narrow them by a condition",
                      call.name, most_argument_rows));
    return rows;
  }

  [[nodiscard]] BoundStatement question(const FunctionCall& call, const std::vector<std::size_t>& varying,
                                        const OuterRows& from) const {
    Rewriter to(sql_, tokens_, parameters_);
    const auto list = [&](std::string_view before, const std::vector<TextRange>& ranges, std::string_view between) {
      to.append(before);
      for (const auto& range : ranges) {
        if (&range != &ranges.front()) to.append(between);
        render(range, to);
      }
    };
    std::vector<TextRange> arguments;
    for (const auto i : varying) arguments.push_back(range_of(call.arguments[i]));
    if (from.with) {
      render(*from.with, to);
      to.append(" ");
    }
    list("SELECT DISTINCT ON (1) CAST(jsonb_build_array(", arguments, ", ");
    list(") AS text), ", arguments, ", ");
    list(" FROM ", from.from, ", ");
    if (!from.where.empty()) list(" WHERE (", from.where, ") AND (");
    if (!from.where.empty()) to.append(")");
    return to.take();
  }

  /// `varying`: the arguments by which the rows of the set are told apart; its rows then begin with their key.
  void replace(std::size_t index, TypedSet& set, const std::vector<std::size_t>& varying) {
    const auto& call = calls_[index];
    auto& pieces = replacements_[index].pieces;
    const std::string alias = !call.stands_as_set && !call.has_alias ? " AS " + call.name : "";
    if (varying.empty()) {
      auto [before, after] = set.text();
      pieces = {{.text = std::move(before), .value = set.document()}, {.text = after + alias}};
      return;
    }
    std::string names;
    for (const auto& column : set.columns)
      names += fmt::format("{}s.{}", names.empty() ? "" : ", ", model::quote_identifier(column));
    set.columns.insert(set.columns.begin(), std::string(key_column));
    set.types.insert(set.types.begin(), contract::ColumnType::text);
    const auto [before, after] = set.text();
    const auto lateral = !call.stands_as_set && !follows_lateral(call) ? "LATERAL " : "";
    const auto key = model::quote_identifier(key_column);
    // In a subquery of their own, so that their names mean what they mean outside; and compared as texts, so that the
    // server may hash.
    pieces.push_back({.text = fmt::format("{}(SELECT {} FROM (SELECT CAST(jsonb_build_array(", lateral, names)});
    for (const auto i : varying)
      pieces.push_back({.text = i == varying.front() ? "" : ", ", .range = range_of(call.arguments[i])});
    pieces.push_back({.text = fmt::format(") AS text) AS {}) AS k, {}", key, before), .value = set.document()});
    pieces.push_back({.text = fmt::format("{} AS s WHERE s.{} = k.{}){}", after, key, key, alias)});
  }

  [[nodiscard]] bool follows_lateral(const FunctionCall& call) const {
    const auto at = std::partition_point(tokens_.begin(), tokens_.end(),
                                         [&](const SqlToken& token) { return token.offset < call.begin; });
    return at != tokens_.begin() && std::prev(at)->is("lateral");
  }

  std::string_view sql_;
  std::span<const Value> parameters_;
  Query& query_;
  contract::RelationalSession& session_;
  const int first_place_;
  const std::vector<SqlToken> tokens_;
  std::vector<FunctionCall> calls_;
  PostgresStatement statement_;
  std::vector<Replacement> replacements_;
  bool outer_rows_allowed_ = false;
};

}  // namespace

Result<BoundStatement> bind_calls(std::string_view sql, std::span<const Value> parameters, Query& query,
                                  contract::RelationalSession& session, int first_place, PostgresStatement::Text text) {
  return Binder(sql, parameters, query, session, first_place).run(text);
}

std::string shift_parameters(std::string_view sql, std::size_t by) {
  std::string result;
  std::size_t copied = 0;
  for (const auto& token : sql_tokens(sql, Spelling::postgres)) {
    if (token.kind != Kind::parameter) continue;
    result += fmt::format("{}?{}", sql.substr(copied, token.offset - copied), parameter_number(token) + by);
    copied = token.end();
  }
  return result + std::string(sql.substr(copied));
}

}  // namespace triune::federation
