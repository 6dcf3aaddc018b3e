// One statement that calls functions of other engines.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/table_function.h"
#include "federation/catalogue.h"
#include "federation/engines.h"
#include "federation/estimate.h"
#include "federation/function_calls.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::federation {

/// Whether a statement calls one of the functions, so that it is a federated one.
bool is_federated(std::string_view sql, Spelling spelling);

/// What one place of a statement has cost so far.
struct PlaceCosts {
  Function function = Function::cypher;
  std::uint64_t calls = 0;     ///< Answered by an engine.
  std::uint64_t repeated = 0;  ///< Answered by an earlier call with the same arguments.
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  ///< Of the values that came from the engine.
  std::chrono::nanoseconds time{0};
  Route route;  ///< Of the last call; degraded when any was.
};

/// The statement as the canonical store runs it, and the functions as it calls them. A call with the arguments of an
/// earlier one gets the same answer. Used by one thread.
class Query final : public contract::TableFunctions {
 public:
  /// `engines` outlives it. Errors: `invalid_argument` for a Cypher query whose columns nobody knows.
  /// `joins`: who calls the functions.
  enum class Joins : std::uint8_t {
    calling,  ///< The store, while it runs the statement.
    bound,    ///< Nobody: `bind_calls` does so before, and in the predicates too.
  };
  static Result<std::unique_ptr<Query>> make(std::string_view sql, std::span<const Value> parameters, Engines& engines,
                                             Joins joins = Joins::calling);

  /// The statement with names of its own for each use of `cypher`.
  [[nodiscard]] const std::string& sql() const { return sql_; }
  /// By the number of the place in the engine's plan.
  [[nodiscard]] const std::map<int, PlaceCosts>& costs() const { return costs_; }
  /// The number of the function that is called; `invalid_argument` for a Cypher query that was not met by `make`.
  Result<std::size_t> number_of(const FunctionCall& call, std::span<const Value> parameters);
  /// What was expected of a call of it, and why; empty where the usual was.
  [[nodiscard]] std::string_view expectation(std::size_t function) const { return expectations_.at(function); }
  /// What function number `function` is.
  [[nodiscard]] Function kind(std::size_t function) const { return kinds_.at(function); }

  [[nodiscard]] std::span<const contract::TableFunction> functions() const override { return functions_; }
  Result<std::unique_ptr<contract::RowSource>> call(std::size_t function, int place,
                                                    contract::RelationalSession& session,
                                                    std::span<const Value> arguments) override;
  /// From now on the store is to measure the steps of the statement.
  void measure() { is_measured_ = true; }
  [[nodiscard]] std::string_view measured_statement() const override {
    return is_measured_ ? std::string_view(sql_) : std::string_view();
  }
  void measured(const contract::StepFigures& figures) override { steps_[figures.step] = figures; }
  /// By the number of the step in the store's plan.
  [[nodiscard]] const std::map<std::int64_t, contract::StepFigures>& steps() const { return steps_; }

 private:
  Query(Engines& engines, Joins joins) : engines_(engines), joins_(joins) {}
  void add(Function kind, contract::TableFunction function, const std::optional<Estimate>& estimate = {});
  /// Finds the calls in `sql`, and in the predicates they are given, and gives each use of `cypher` its name.
  Result<std::string> prepare(std::string_view sql, std::span<const Value> parameters, int depth);
  Result<std::string> name_cypher(std::string_view text);
  /// The table for calls of neighbors with these arguments, whose cost differs from that of others.
  std::string name_neighbors(const FunctionCall& call, std::span<const Value> parameters);
  /// Sets `call` apart from others of its function; empty when it stays as it is.
  Result<std::string> name_of(const FunctionCall& call, std::span<const Value> parameters);
  Result<Answer> ask(std::size_t function, contract::RelationalSession& session, std::span<const Value> arguments);
  Result<Answer> search_both(contract::RelationalSession& session, std::span<const Value> arguments);
  /// Makes a predicate into what the store can run: with the names that `prepare` gave, or with the answers bound.
  Status prepare_predicate(std::string& where, std::vector<Value>& parameters, contract::RelationalSession& session);
  Status keep(const std::string& key, const std::shared_ptr<const Answer>& answer, std::uint64_t bytes);

  Engines& engines_;
  const Joins joins_;
  int nested_place_ = contract::first_nested_place;  ///< Of the next call in a predicate.
  std::string sql_;
  std::vector<contract::TableFunction> functions_;
  std::vector<Function> kinds_;
  std::vector<std::string> expectations_;
  std::map<std::string, std::string> cypher_names_;               ///< By the query's text.
  std::map<std::string, std::string> neighbors_names_;            ///< By type, direction and depth.
  std::map<std::string, std::string> predicates_;                 ///< As written, and as they are run.
  std::map<std::string, std::shared_ptr<const Answer>> answers_;  ///< By function and arguments.
  std::uint64_t answer_bytes_ = 0;
  std::map<int, PlaceCosts> costs_;
  bool is_measured_ = false;
  std::map<std::int64_t, contract::StepFigures> steps_;
};

}  // namespace triune::federation
