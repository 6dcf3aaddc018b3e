#include "adapters/kuzu/engine.h"

#include <fmt/format.h>
#include <main/kuzu.h>

#include <algorithm>
#include <unordered_map>

#include "adapters/kuzu/engine_native.h"
#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/values.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using NativeConnection = ::kuzu::main::Connection;
using NativeStatement = ::kuzu::main::PreparedStatement;
using NativeResult = ::kuzu::main::QueryResult;
using NativeArguments = std::unordered_map<std::string, std::unique_ptr<::kuzu::common::Value>>;

// Kuzu keeps each prepared statement until its connection goes; so many are cached before the connection is replaced.
constexpr std::size_t cached_statements = 128;
constexpr std::size_t cached_text_bytes = 2U << 20U;

NativeArguments to_native_arguments(const Arguments& arguments) {
  NativeArguments native;
  for (const auto& [name, argument] : arguments) native.emplace(name, to_native(argument));
  return native;
}

}  // namespace

struct Engine::Native {
  std::unique_ptr<::kuzu::main::Database> database;
};

struct Session::Native {
  ::kuzu::main::Database* database = nullptr;
  std::unique_ptr<NativeConnection> connection;
  std::unordered_map<std::string, std::unique_ptr<NativeStatement>> statements;  // of `connection`: goes before it
  std::size_t text_bytes = 0;
  bool in_transaction = false;

  void reconnect() {
    statements.clear();
    text_bytes = 0;
    connection.reset();
    connection = std::make_unique<NativeConnection>(database);
  }

  // Kuzu's timer takes 0 for "none", so a deadline within the millisecond counts as one.
  Status arm(Deadline deadline) {
    const auto left = deadline.remaining().count();
    if (deadline.is_bounded() && left <= 0)
      return kuzu_failure(ErrorCode::deadline_exceeded, "the deadline passed before the graph statement began",
                          Retry::safe);
    connection->setQueryTimeOut(deadline.is_bounded() ? static_cast<std::uint64_t>(left) : 0);
    return {};
  }

  void show_internal_tables(bool show) { connection->getClientContext()->setUseInternalCatalogEntry(show); }

  Result<NativeStatement*> prepare(std::string_view cypher, const Arguments& arguments, bool internal_tables,
                                   Deadline deadline) {
    TRIUNE_ASSIGN(auto* statement, prepare_cached(cypher, arguments, internal_tables, deadline));
    // Kuzu takes null, or the value of the last execution, for a parameter without a value.
    for (const auto& [name, value] : statement->getParameterMapUnsafe())
      if (std::none_of(arguments.begin(), arguments.end(), [&](const auto& given) { return given.first == name; }))
        return kuzu_failure(ErrorCode::invalid_argument,
                            fmt::format("the statement's parameter ${} has no value; pass one by that name", name));
    return statement;
  }

  Result<NativeStatement*> prepare_cached(std::string_view cypher, const Arguments& arguments, bool internal_tables,
                                          Deadline deadline) {
    auto key = std::string(internal_tables ? "i" : "u").append(cypher);
    if (const auto found = statements.find(key); found != statements.end()) return found->second.get();
    if (!in_transaction && (statements.size() >= cached_statements || text_bytes > cached_text_bytes)) reconnect();
    show_internal_tables(internal_tables);
    auto statement = connection->prepareWithParams(cypher, to_native_arguments(arguments));
    if (!statement->isSuccess())
      return std::unexpected<Error>(translate_error(statement->getErrorMessage(), deadline.expired()));
    text_bytes += key.size();
    return statements.emplace(std::move(key), std::move(statement)).first->second.get();
  }

  // A prepared statement keeps its last arguments; a table of thousands of rows would stay in memory.
  static void forget_tables(NativeStatement& statement, const Arguments& arguments) {
    auto& kept = statement.getParameterMapUnsafe();
    for (const auto& [name, argument] : arguments) {
      if (std::holds_alternative<Value>(argument)) continue;
      if (const auto found = kept.find(name); found != kept.end())
        *found->second = ::kuzu::common::Value::createNullValue();
    }
  }
};

Session::Session(std::unique_ptr<Native> native) : native_(std::move(native)) {}

Session::~Session() = default;

Status Session::execute(std::string_view cypher) {
  return without_exceptions(deadline_, [&]() -> Status {
    TRIUNE_TRY(native_->arm(deadline_));
    native_->show_internal_tables(internal_tables_);
    const auto result = native_->connection->query(cypher);
    // After a failed COMMIT or ROLLBACK there is no transaction either.
    if (cypher == "COMMIT" || cypher == "ROLLBACK") native_->in_transaction = false;
    if (!result->isSuccess())
      return std::unexpected<Error>(translate_error(result->getErrorMessage(), deadline_.expired()));
    if (cypher.starts_with("BEGIN")) native_->in_transaction = true;
    return {};
  });
}

Status Session::execute(std::string_view cypher, const Arguments& arguments) {
  return visit(cypher, arguments, [](std::span<const Value>) -> Status { return {}; });
}

Status Session::visit(std::string_view cypher, const Arguments& arguments, const RowVisitor& visitor,
                      Columns* columns) {
  return without_exceptions(deadline_, [&]() -> Status {
    TRIUNE_TRY(native_->arm(deadline_));
    TRIUNE_ASSIGN(auto* statement, native_->prepare(cypher, arguments, internal_tables_, deadline_));
    TRIUNE_TRY(native_->arm(deadline_));
    native_->show_internal_tables(internal_tables_);
    const auto result = native_->connection->executeWithParams(statement, to_native_arguments(arguments));
    Native::forget_tables(*statement, arguments);
    if (!result->isSuccess())
      return std::unexpected<Error>(translate_error(result->getErrorMessage(), deadline_.expired()));
    if (columns != nullptr) {
      columns->names = result->getColumnNames();
      for (const auto& type : result->getColumnDataTypes()) columns->types.push_back(column_type(type));
    }
    std::vector<Value> row(result->getNumColumns());
    while (result->hasNext()) {
      const auto tuple = result->getNext();
      for (std::uint32_t i = 0; i < row.size(); ++i) row[i] = from_native(*tuple->getValue(i));
      TRIUNE_TRY(visitor(row));
    }
    return {};
  });
}

Result<std::int64_t> Session::integer(std::string_view cypher, const Arguments& arguments) {
  std::int64_t value = 0;
  TRIUNE_TRY(visit(cypher, arguments, [&](std::span<const Value> row) -> Status {
    if (const auto* found = std::get_if<std::int64_t>(row.data())) value = *found;
    return {};
  }));
  return value;
}

Result<bool> Session::is_read_only(std::string_view cypher, const Arguments& arguments) {
  return without_exceptions(deadline_, [&]() -> Result<bool> {
    TRIUNE_TRY(native_->arm(deadline_));
    TRIUNE_ASSIGN(const auto* statement, native_->prepare(cypher, arguments, internal_tables_, deadline_));
    return statement->isReadOnly();
  });
}

::kuzu::main::ClientContext& NativeAccess::context(Session& session) {
  return *session.native_->connection->getClientContext();
}

Engine::Engine(std::unique_ptr<Native> native) : native_(std::move(native)) {}

Engine::~Engine() {
  try {
    native_.reset();
  } catch (
      ...) {  // NOLINT(bugprone-empty-catch): a destructor has nobody to tell; the log is replayed at the next open
  }
}

Result<std::unique_ptr<Engine>> Engine::open(const std::filesystem::path& file, const EngineSettings& settings) {
  return without_exceptions(Deadline::never(), [&]() -> Result<std::unique_ptr<Engine>> {
    // No automatic checkpoints, also not at the end: the adapter checkpoints when nobody reads.
    const ::kuzu::main::SystemConfig config(settings.buffer_pool_bytes, settings.threads, true, false,
                                            settings.maximum_database_bytes, false, 16U << 20U, false);
    auto native = std::make_unique<Native>();
    native->database = std::make_unique<::kuzu::main::Database>(file.string(), config);
    return std::unique_ptr<Engine>(new Engine(std::move(native)));
  });
}

Result<std::unique_ptr<Session>> Engine::connect() {
  return without_exceptions(Deadline::never(), [&]() -> Result<std::unique_ptr<Session>> {
    auto native = std::make_unique<Session::Native>();
    native->database = native_->database.get();
    native->reconnect();
    return std::unique_ptr<Session>(new Session(std::move(native)));
  });
}

}  // namespace triune::adapters::kuzu
