#include "federation/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/try.h"
#include "federation/arguments.h"
#include "federation/bind_calls.h"
#include "federation/cypher_columns.h"
#include "federation/function_calls.h"
#include "federation/rank_fusion.h"
#include "model/sql_text.h"

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

constexpr int deepest_predicate = 4;
/// Of answers that are kept for calls with the same arguments.
constexpr std::uint64_t most_kept_bytes = 64U << 20U;
/// Of one answer: more would not be an intermediate result but a copy of the engine.
constexpr std::uint64_t most_answer_bytes = 256U << 20U;
/// Where a predicate stands among the arguments.
constexpr std::size_t where_of(std::string_view function) {
  return function == "hybrid_search" ? 4 : 3;
}

std::uint64_t bytes_of(const Value& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* const bytes = std::get_if<Bytes>(&value)) return bytes->size();
  if (const auto* const json = std::get_if<Json>(&value)) return json->text.size();
  return sizeof(std::int64_t);
}

std::uint64_t bytes_of(const Answer& answer) {
  std::uint64_t bytes = 0;
  for (const auto& row : answer.rows)
    for (const auto& value : row) bytes += bytes_of(value);
  return bytes;
}

/// What a literal or a parameter says before the statement runs; nothing for what only a row can tell.
std::optional<Value> constant_value(const std::vector<SqlToken>& argument, std::span<const Value> parameters) {
  if (argument.size() != 1) return std::nullopt;
  const auto& token = argument[0];
  if (token.kind == Kind::text && token.text[0] == '\'') return token.literal();
  if (token.is("null")) return Value();
  std::int64_t number = 0;
  const bool is_parameter = token.kind == Kind::parameter;
  if (!is_parameter && token.kind != Kind::number) return std::nullopt;
  const auto digits = token.text.substr(is_parameter ? 1 : 0);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
  if (!is_parameter) return whole ? std::optional<Value>(number) : std::nullopt;
  if (number < 1 || number > std::ssize(parameters)) return std::nullopt;
  return parameters[static_cast<std::size_t>(number) - 1];
}

/// The same of texts.
std::optional<std::string> constant(const std::vector<SqlToken>& argument, std::span<const Value> parameters) {
  const auto value = constant_value(argument, parameters);
  const auto* const text = value ? std::get_if<std::string>(&*value) : nullptr;
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

/// A key that only equal arguments share.
std::string key_of(std::size_t function, std::span<const Value> arguments) {
  std::string key = std::to_string(function);
  for (const auto& value : arguments) {
    const auto text = std::holds_alternative<Bytes>(value) ? to_text(value) : to_json(value);
    key += fmt::format(" {}:{}:{}", value.index(), text.size(), text);
  }
  return key;
}

class AnswerRows final : public contract::RowSource {
 public:
  explicit AnswerRows(std::shared_ptr<const Answer> answer) : answer_(std::move(answer)) {}
  Result<bool> next(std::vector<Value>& row) override {
    if (next_ == answer_->rows.size()) return false;
    row = answer_->rows[next_++];
    return true;
  }
  [[nodiscard]] std::span<const contract::ColumnType> types() const override { return answer_->types; }

 private:
  std::shared_ptr<const Answer> answer_;
  std::size_t next_ = 0;
};

}  // namespace

bool is_federated(std::string_view sql, Spelling spelling) {
  return !find_calls(sql, function_names(), spelling).empty();
}

Result<std::unique_ptr<Query>> Query::make(std::string_view sql, std::span<const Value> parameters, Engines& engines,
                                           Joins joins) {
  std::unique_ptr<Query> query(new Query(engines, joins));
  for (const auto kind : {Function::vector_search, Function::text_search, Function::hybrid_search, Function::neighbors,
                          Function::shortest_path})
    query->add(kind, description_of(kind));
  TRIUNE_ASSIGN(query->sql_, query->prepare(sql, parameters, 0));
  return query;
}

void Query::add(Function kind, contract::TableFunction function, const std::optional<Estimate>& estimate) {
  if (estimate) {
    function.expected_rows = std::round(estimate->rows);
    function.expected_cost = estimate->cost;
  }
  functions_.push_back(std::move(function));
  kinds_.push_back(kind);
  expectations_.push_back(estimate ? estimate->reason : std::string());
}

Result<std::string> Query::prepare(std::string_view sql, std::span<const Value> parameters, int depth) {
  if (depth > deepest_predicate)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("predicates within predicates go {} deep at most", deepest_predicate));
  std::string result;
  std::size_t copied = 0;
  const auto spelling = joins_ == Joins::bound ? Spelling::postgres : Spelling::sqlite;
  for (const auto& call : find_calls(sql, function_names(), spelling)) {
    TRIUNE_ASSIGN(const std::string name, name_of(call, parameters));
    if (!name.empty()) {
      const auto arguments = call.begin + call.name.size();
      result += sql.substr(copied, call.begin - copied);
      result += model::quote_identifier(name) + std::string(sql.substr(arguments, call.end - arguments));
      if (!call.stands_as_set && !call.has_alias) result += " AS " + call.name;
      copied = call.end;
      continue;
    }
    const auto where = where_of(call.name);
    const bool searches = call.name.ends_with("_search") && call.arguments.size() > where;
    const auto predicate = searches ? constant(call.arguments[where], parameters) : std::nullopt;
    if (!predicate || predicates_.contains(*predicate)) continue;
    TRIUNE_ASSIGN(std::string ready, prepare(*predicate, {}, depth + 1));
    predicates_.emplace(*predicate, std::move(ready));
  }
  result += sql.substr(copied);
  return result;
}

Result<std::string> Query::name_of(const FunctionCall& call, std::span<const Value> parameters) {
  if (call.name == "neighbors") return name_neighbors(call, parameters);
  if (call.name != "cypher") return std::string();
  const auto text = call.arguments.empty() ? std::nullopt : constant(call.arguments[0], parameters);
  if (!text)
    return failure(ErrorCode::invalid_argument,
                   "the query of cypher must be a text or a parameter such as ?1, because it says which columns "
                   "there are; what changes from row to row goes into its parameters");
  return name_cypher(*text);
}

std::string Query::name_neighbors(const FunctionCall& call, std::span<const Value> parameters) {
  // One that lacks its argument is told so by the name that the statement has for it.
  if (joins_ == Joins::bound || call.arguments.empty()) return {};
  std::vector<Value> arguments(4);
  for (std::size_t i = 1; i < std::min(call.arguments.size(), arguments.size()); ++i) {
    auto value = constant_value(call.arguments[i], parameters);
    if (!value) return {};
    arguments[i] = std::move(*value);
  }
  const auto key = key_of(static_cast<std::size_t>(Function::neighbors), arguments);
  const auto known = neighbors_names_.find(key);
  if (known != neighbors_names_.end()) return known->second;
  // Of any node; what is wrong with the arguments is told when the call is made.
  arguments[0] = std::string("any/node");
  const auto asked = neighbors_call(arguments);
  const auto estimate =
      asked ? estimate_neighbors(engines_, asked->type, asked->direction, asked->depth) : std::optional<Estimate>();
  if (!estimate) return {};
  auto function = description_of(Function::neighbors);
  function.name = fmt::format("triune_neighbors_{}", neighbors_names_.size() + 1);
  auto name = function.name;
  neighbors_names_.emplace(key, name);
  add(Function::neighbors, std::move(function), estimate);
  return name;
}

Result<std::string> Query::name_cypher(std::string_view text) {
  const auto known = cypher_names_.find(std::string(text));
  if (known != cypher_names_.end()) return known->second;
  auto function = description_of(Function::cypher);
  TRIUNE_ASSIGN(function.columns, cypher_columns(text));
  function.name = fmt::format("triune_cypher_{}", cypher_names_.size() + 1);
  cypher_names_.emplace(text, function.name);
  auto name = function.name;
  add(Function::cypher, std::move(function),
      joins_ == Joins::calling ? estimate_cypher(engines_, text) : std::optional<Estimate>());
  return name;
}

Result<std::size_t> Query::number_of(const FunctionCall& call, std::span<const Value> parameters) {
  std::string name = call.name;
  if (name == "cypher") {
    const auto text = call.arguments.empty() ? std::nullopt : constant(call.arguments[0], parameters);
    TRIUNE_ASSIGN(name, name_cypher(text.value_or("")));
  }
  const auto found =
      std::find_if(functions_.begin(), functions_.end(), [&](const auto& one) { return one.name == name; });
  return static_cast<std::size_t>(found - functions_.begin());
}

Status Query::prepare_predicate(std::string& where, std::vector<Value>& parameters,
                                contract::RelationalSession& session) {
  if (joins_ == Joins::bound && is_federated(where, Spelling::postgres)) {
    const auto first = nested_place_;
    nested_place_ += 1'000;
    TRIUNE_ASSIGN(auto bound, bind_calls(where, parameters, *this, session, first, PostgresStatement::Text::predicate));
    where = std::move(bound.sql);
    parameters = std::move(bound.parameters);
    return {};
  }
  const auto known = predicates_.find(where);
  if (joins_ == Joins::calling && known != predicates_.end()) where = known->second;
  return {};
}

Result<std::unique_ptr<contract::RowSource>> Query::call(std::size_t function, int place,
                                                         contract::RelationalSession& session,
                                                         std::span<const Value> arguments) {
  const auto key = key_of(function, arguments);
  // Asked for before the engine, whose call may come here again for another place.
  const auto known = answers_.find(key);
  if (known != answers_.end()) {
    auto& costs = costs_[place];
    costs.function = kinds_[function];
    ++costs.repeated;
    costs.rows += known->second->rows.size();
    return std::make_unique<AnswerRows>(known->second);
  }
  const auto began = Deadline::Clock::now();
  TRIUNE_ASSIGN(auto answered, ask(function, session, arguments));
  auto answer = std::make_shared<const Answer>(std::move(answered));
  const auto bytes = bytes_of(*answer);
  auto& costs = costs_[place];
  const bool degraded = costs.route.degraded || answer->route.degraded;
  costs.function = kinds_[function];
  costs.time += Deadline::Clock::now() - began;
  costs.route = answer->route;
  costs.route.degraded = degraded;
  ++costs.calls;
  costs.rows += answer->rows.size();
  costs.bytes += bytes;
  TRIUNE_TRY(keep(key, answer, bytes));
  return std::make_unique<AnswerRows>(std::move(answer));
}

Status Query::keep(const std::string& key, const std::shared_ptr<const Answer>& answer, std::uint64_t bytes) {
  if (bytes > most_answer_bytes)
    return failure(
        ErrorCode::resource_exhausted,
        fmt::format("a call returned {} MB and {} are allowed; narrow it by a condition or a LIMIT of its own",
                    bytes >> 20U, most_answer_bytes >> 20U));
  if (answer_bytes_ + bytes + key.size() > most_kept_bytes) {
    answers_.clear();
    answer_bytes_ = 0;
  }
  if (bytes + key.size() > most_kept_bytes) return {};
  answers_.emplace(key, answer);
  answer_bytes_ += bytes + key.size();
  return {};
}

Result<Answer> Query::ask(std::size_t function, contract::RelationalSession& session,
                          std::span<const Value> arguments) {
  switch (kinds_[function]) {
    case Function::cypher: {
      TRIUNE_ASSIGN(const Record parameters, cypher_parameters(arguments[1]));
      TRIUNE_ASSIGN(Answer answer, engines_.cypher(to_text(arguments[0]), parameters));
      const auto width = functions_[function].columns.size();
      if (!answer.rows.empty() && answer.rows[0].size() != width)
        return failure(ErrorCode::internal,
                       fmt::format("the Cypher query returned {} columns where its RETURN names {}",
                                   answer.rows[0].size(), width));
      return answer;
    }
    case Function::vector_search: {
      TRIUNE_ASSIGN(VectorCall call, vector_call(arguments));
      TRIUNE_TRY(prepare_predicate(call.where, call.parameters, session));
      return engines_.vector_search(session, call);
    }
    case Function::text_search: {
      TRIUNE_ASSIGN(TextSearch call, text_call(arguments));
      TRIUNE_TRY(prepare_predicate(call.where, call.parameters, session));
      return engines_.text_search(session, call);
    }
    case Function::hybrid_search: return search_both(session, arguments);
    case Function::neighbors: {
      TRIUNE_ASSIGN(const NeighborsQuery call, neighbors_call(arguments));
      return engines_.neighbors(session, call);
    }
    case Function::shortest_path: {
      TRIUNE_ASSIGN(const PathQuery call, path_call(arguments));
      return engines_.shortest_path(session, call);
    }
  }
  return failure(ErrorCode::internal, "there is no such function");
}

Result<Answer> Query::search_both(contract::RelationalSession& session, std::span<const Value> arguments) {
  TRIUNE_ASSIGN(HybridCall call, hybrid_call(arguments));
  const auto wanted = call.vector.count;
  TRIUNE_TRY(prepare_predicate(call.vector.where, call.vector.parameters, session));
  call.text.where = call.vector.where;
  call.text.parameters = call.vector.parameters;
  call.vector.count = call.text.count = fusion_depth(wanted);
  TRIUNE_ASSIGN(call.text.collection, engines_.text_index_of(session, call.vector.collection));
  TRIUNE_ASSIGN(const Answer vectors, engines_.vector_search(session, call.vector));
  TRIUNE_ASSIGN(const Answer texts, engines_.text_search(session, call.text));
  return fuse(texts, vectors, wanted);
}

}  // namespace triune::federation
