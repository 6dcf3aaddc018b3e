#include "raw_kuzu.h"

#include <fmt/format.h>
#include <main/kuzu.h>

#include <stdexcept>
#include <unordered_map>

namespace triune::bench {
namespace {

using Statement = kuzu::main::PreparedStatement;
using Result = kuzu::main::QueryResult;

constexpr std::uint64_t maximum_database_bytes = 64ULL << 30U;

kuzu::main::SystemConfig configuration(std::uint64_t pool_bytes) {
  kuzu::main::SystemConfig config;
  config.bufferPoolSize = pool_bytes;
  config.maxNumThreads = 2;
  config.maxDBSize = maximum_database_bytes;
  return config;
}

void check(const Result& result, std::string_view cypher) {
  if (!result.isSuccess()) throw std::runtime_error(fmt::format("Kuzu: {}: {}", cypher, result.getErrorMessage()));
}

}  // namespace

struct RawKuzu::Native {
  Native(const std::filesystem::path& path, std::uint64_t pool_bytes)
      : database(path.string(), configuration(pool_bytes)), connection(&database) {}

  std::unique_ptr<Result> execute(std::string_view cypher, const Texts& parameters) {
    auto& statement = statements[std::string(cypher)];
    if (!statement) statement = connection.prepare(cypher);
    if (!statement->isSuccess())
      throw std::runtime_error(fmt::format("Kuzu: {}: {}", cypher, statement->getErrorMessage()));
    std::unordered_map<std::string, std::unique_ptr<kuzu::common::Value>> values;
    for (const auto& [name, text] : parameters) values[name] = std::make_unique<kuzu::common::Value>(text);
    auto result = connection.executeWithParams(statement.get(), std::move(values));
    check(*result, cypher);
    return result;
  }

  kuzu::main::Database database;
  kuzu::main::Connection connection;
  std::unordered_map<std::string, std::unique_ptr<Statement>> statements;  // go before the connection
};

RawKuzu::RawKuzu(const std::filesystem::path& path, std::uint64_t pool_bytes)
    : native_(std::make_unique<Native>(path, pool_bytes)) {}

RawKuzu::~RawKuzu() = default;

void RawKuzu::run(std::string_view cypher) {
  check(*native_->connection.query(cypher), cypher);
}

void RawKuzu::run(std::string_view cypher, const Texts& parameters) {
  native_->execute(cypher, parameters);
}

std::int64_t RawKuzu::one(std::string_view cypher, const Texts& parameters) {
  const auto result = native_->execute(cypher, parameters);
  if (!result->hasNext()) return 0;
  const auto* const value = result->getNext()->getValue(0);
  return value->isNull() ? 0 : value->getValue<std::int64_t>();
}

}  // namespace triune::bench
