#include "federation/bind_calls.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/try.h"
#include "federation/function_calls.h"
#include "model/sql_text.h"

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

std::size_t parameter_number(const SqlToken& token) {
  std::size_t number = 0;
  std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
  return number;
}

/// Takes a statement apart and puts it together again with the parameters that are left, counted anew.
class Rewriter {
 public:
  Rewriter(std::string_view sql, std::span<const Value> parameters) : sql_(sql), parameters_(parameters) {}

  /// What stands between two places of the statement. `tokens` are those of all of it, or of this part.
  void copy(const std::vector<SqlToken>& tokens, std::size_t begin, std::size_t end) {
    for (const auto& token : tokens) {
      const auto number = token.kind == Kind::parameter ? parameter_number(token) : 0;
      if (token.offset < begin || token.end() > end || number < 1 || number > parameters_.size()) continue;
      auto& renamed = renamed_[number];
      if (renamed == 0) renamed = add(parameters_[number - 1]);
      result_.sql += fmt::format("{}?{}", sql_.substr(begin, token.offset - begin), renamed);
      begin = token.end();
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
  std::span<const Value> parameters_;
  std::map<std::size_t, std::size_t> renamed_;
  BoundStatement result_;
};

/// A parameter alone is its value; anything else the server evaluates.
Result<Value> evaluate(std::string_view sql, const FunctionCall& call, std::size_t argument,
                       std::span<const Value> parameters, contract::RelationalSession& session) {
  const auto& tokens = call.arguments[argument];
  if (tokens.empty()) return failure(ErrorCode::invalid_argument, fmt::format("{}: an argument is empty", call.name));
  if (tokens.size() == 1 && tokens[0].kind == Kind::parameter) {
    const auto number = parameter_number(tokens[0]);
    if (number >= 1 && number <= parameters.size()) return parameters[number - 1];
  }
  if (tokens.size() == 1 && tokens[0].kind == Kind::text && tokens[0].text[0] == '\'')
    return Value(tokens[0].literal());
  Rewriter alone(sql, parameters);
  alone.copy(tokens, tokens.front().offset, tokens.back().end());
  const auto [expression, used] = alone.take();
  auto rows = session.query(fmt::format("SELECT ({}\n)", expression), used, 2);
  if (!rows && (rows.error().native_code == "42P01" || rows.error().native_code == "42703"))
    return failure(ErrorCode::unsupported,
                   fmt::format("{}: on PostgreSQL the argument {} cannot come from a row of the statement; the call is "
                               "answered before the server joins",
                               call.name, expression));
  if (!rows) return failure_of(rows);
  if (rows->rows.size() != 1)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{}: the argument {} is no single value", call.name, expression));
  return std::move(rows->rows[0][0]);
}

std::string_view name_of(contract::ColumnType type) {
  switch (type) {
    case contract::ColumnType::boolean: return "boolean";
    case contract::ColumnType::int64: return "bigint";
    case contract::ColumnType::float64: return "double precision";
    case contract::ColumnType::json: return "jsonb";
    case contract::ColumnType::text: break;
  }
  return "text";
}

/// Rows as a document, which parameter number `parameter` is, taken apart into columns with their types.
std::string typed_set(const std::vector<std::string>& columns, std::span<const contract::ColumnType> column_types,
                      std::size_t parameter) {
  std::string types;
  for (std::size_t i = 0; i < columns.size(); ++i)
    types += fmt::format("{}{} {}", i == 0 ? "" : ", ", model::quote_identifier(columns[i]),
                         i < column_types.size() ? name_of(column_types[i]) : "text");
  return fmt::format("(SELECT * FROM jsonb_to_recordset(CAST(?{} AS jsonb)) AS t({}))", parameter, types);
}

Json document_of(const std::vector<std::string>& columns, const std::vector<std::vector<Value>>& rows) {
  std::string document;
  for (const auto& row : rows) {
    Record record;
    for (std::size_t i = 0; i < columns.size(); ++i) record.push_back({columns[i], row[i]});
    document += (document.empty() ? "" : ",") + to_json(record);
  }
  return {"[" + document + "]"};
}

Result<std::vector<std::vector<Value>>> all_rows(contract::RowSource& source) {
  std::vector<std::vector<Value>> rows;
  std::vector<Value> row;
  for (;;) {
    TRIUNE_ASSIGN(const bool more, source.next(row));
    if (!more) return rows;
    rows.push_back(std::move(row));
  }
}

}  // namespace

Result<BoundStatement> bind_calls(std::string_view sql, std::span<const Value> parameters, Query& query,
                                  contract::RelationalSession& session, int first_place) {
  const auto tokens = sql_tokens(sql);
  Rewriter rewriter(sql, parameters);
  std::size_t copied = 0;
  int place = first_place;
  for (const auto& call : find_calls(sql, function_names())) {
    TRIUNE_ASSIGN(const std::size_t number, query.number_of(call, parameters));
    const auto& function = query.functions()[number];
    if (call.arguments.size() < function.required)
      return failure(ErrorCode::invalid_argument, contract::missing_argument(function, call.arguments.size()));
    if (call.arguments.size() > function.arguments.size())
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{} takes {} arguments at most", call.name, function.arguments.size()));
    std::vector<Value> arguments(function.arguments.size());
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      TRIUNE_ASSIGN(arguments[i], evaluate(sql, call, i, parameters, session));
    }
    const auto columns = function.columns;
    const auto declared = function.types;
    TRIUNE_ASSIGN(const auto source, query.call(number, place++, session, arguments));
    TRIUNE_ASSIGN(const auto rows, all_rows(*source));
    rewriter.copy(tokens, copied, call.begin);
    rewriter.append(
        typed_set(columns, declared.empty() ? source->types() : declared, rewriter.add(document_of(columns, rows))));
    if (!call.stands_as_set && !call.has_alias) rewriter.append(" AS " + call.name);
    copied = call.end;
  }
  rewriter.copy(tokens, copied, sql.size());
  return rewriter.take();
}

std::string shift_parameters(std::string_view sql, std::size_t by) {
  std::string result;
  std::size_t copied = 0;
  for (const auto& token : sql_tokens(sql)) {
    if (token.kind != Kind::parameter) continue;
    result += fmt::format("{}?{}", sql.substr(copied, token.offset - copied), parameter_number(token) + by);
    copied = token.end();
  }
  return result + std::string(sql.substr(copied));
}

}  // namespace triune::federation
