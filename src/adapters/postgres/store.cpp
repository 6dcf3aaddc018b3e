#include "adapters/postgres/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "adapters/postgres/change_signal.h"
#include "adapters/postgres/rules.h"
#include "adapters/postgres/sqlstate.h"
#include "adapters/postgres/transaction.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

constexpr auto short_patience = std::chrono::seconds(10);
constexpr int most_attempts = 20;
constexpr auto first_pause = std::chrono::milliseconds(2);
constexpr auto longest_pause = std::chrono::milliseconds(250);

contract::PoolSettings settings_of(const contract::EngineOptions& options, std::string name, std::uint32_t largest) {
  contract::PoolSettings settings = options.pool;
  settings.name = std::move(name);
  settings.largest = std::max(largest, 1U);
  settings.smallest = std::min(settings.smallest, settings.largest);
  return settings;
}

/// Grows with each attempt, and differs between those who collided.
std::chrono::microseconds pause_before(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto longest = std::min<std::chrono::microseconds>(first_pause * (1 << std::min(attempt, 10)), longest_pause);
  return std::chrono::microseconds(
      std::uniform_int_distribution<std::int64_t>(longest.count() / 2, longest.count())(random));
}

contract::ColumnDescription column_of(std::span<const Value> row) {
  return {.name = to_text(row[0]),
          .type = to_text(row[1]),
          .primary_key_position = static_cast<std::uint32_t>(std::get<std::int64_t>(row[3])),
          .not_null = std::get<bool>(row[2])};
}

}  // namespace

Result<std::unique_ptr<contract::RelationalStore>> Store::open(const contract::EngineOptions& options) {
  if (!options.make_pool) return refuse(ErrorCode::invalid_argument, "the engine postgres needs a pool of connections");
  std::unique_ptr<Store> store(new Store(options));
  TRIUNE_TRY(store->readers_->take(0, Deadline::after(options.pool.connect_timeout)));
  return store;
}

Store::Store(const contract::EngineOptions& options) : connection_{options.url, options.transaction_pooler} {
  const auto connect = [connection = connection_](Deadline deadline) { return Connection::open(connection, deadline); };
  readers_ = options.make_pool(settings_of(options, "read", options.readers), connect);
  writers_ = options.make_pool(settings_of(options, "write", options.writers), connect);
  alarm_ = [this](const Error& error) {
    if (!condemns_all_connections(error)) return;
    readers_->evict_all();
    writers_->evict_all();
  };
  groups_ = std::make_unique<GroupWriter>(*writers_, alarm_);
}

Store::~Store() = default;

contract::RelationalCapabilities Store::capabilities() const {
  return {.engine = "postgres",
          .dialect = contract::Dialect::postgres,
          .shared = true,
          .savepoints = true,
          .full_text = true,
          .max_parameters = most_parameters};
}

Result<std::unique_ptr<contract::RelationalSession>> Store::read(contract::ReadScope scope, Deadline deadline,
                                                                 contract::TableFunctions* functions,
                                                                 std::source_location place) {
  if (functions != nullptr)
    return refuse(ErrorCode::unsupported, "functions of other engines cannot be called by a PostgreSQL server");
  TRIUNE_ASSIGN(auto lease, readers_->take(0, deadline, place));
  reads_.fetch_add(1, std::memory_order_relaxed);
  const auto kind = scope == contract::ReadScope::user ? Session::Kind::user_read : Session::Kind::internal_read;
  return std::unique_ptr<contract::RelationalSession>(new ReadSession(std::move(lease), kind, deadline, alarm_));
}

Status Store::write(const contract::WriteJob& job, Deadline deadline, contract::WriteMode mode,
                    std::source_location place) {
  const auto by_itself = [&] { return write_alone(job, deadline, place); };
  return mode == contract::WriteMode::shared ? groups_->run(job, deadline, place, by_itself) : by_itself();
}

Status Store::write_alone(const contract::WriteJob& job, Deadline deadline, std::source_location place) {
  for (int number = 1;; ++number) {
    auto result = attempt(job, deadline, place);
    if (result) return result;
    if (number >= most_attempts || !asks_for_another_run(result.error())) return result;
    const auto pause = pause_before(number);
    if (pause >= deadline.remaining()) return result;
    std::this_thread::sleep_for(pause);
  }
}

Status Store::attempt(const contract::WriteJob& job, Deadline deadline, std::source_location place) {
  TRIUNE_ASSIGN(auto lease, writers_->take(0, deadline, place));
  Transaction transaction(std::move(lease), deadline, alarm_);
  auto done = run_job(job, transaction.session());
  if (!done) {
    const auto rolled_back = transaction.rollback();
    return done;
  }
  TRIUNE_TRY(transaction.commit());
  commits_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

Result<std::unique_ptr<contract::RelationalTransaction>> Store::begin(Deadline deadline, std::source_location place) {
  TRIUNE_ASSIGN(auto lease, writers_->take(0, deadline, place));
  return std::unique_ptr<contract::RelationalTransaction>(new Transaction(std::move(lease), deadline, alarm_));
}

Status Store::run_outside(std::string_view sql, Deadline deadline) {
  TRIUNE_ASSIGN(const auto text, translate(sql));
  TRIUNE_ASSIGN(auto lease, writers_->take(0, deadline, std::source_location::current()));
  auto& connection = connection_of(lease);
  auto& pipeline = connection.pipeline();
  // A pipeline's sync point is the end of a transaction; behind one, a statement is alone in its own.
  const std::int64_t timeout = deadline.is_bounded() ? std::max<std::int64_t>(deadline.remaining().count(), 1) : 0;
  connection.swap_timeout(timeout);
  auto done = pipeline.command(fmt::format("SET statement_timeout = {}", timeout));
  if (done) done = pipeline.settle(deadline);
  if (done) done = pipeline.command(text.sql);
  if (done) done = pipeline.settle(deadline);
  if (done) return done;
  if (pipeline.broken() || !done.error().connection_usable) connection.condemn();
  alarm_(done.error());
  return done;
}

Result<bool> Store::is_read_only(std::string_view sql, Deadline deadline) {
  auto text = translate(sql);
  if (!text && text.error().code == ErrorCode::permission_denied) return false;
  if (!text) return failure_of(text);
  if (known_to_write(tokens_of(sql))) return false;
  TRIUNE_ASSIGN(auto lease, readers_->take(0, deadline));
  Session session(connection_of(lease), Session::Kind::internal_read, deadline, alarm_);
  TRIUNE_TRY(session.parse(sql));
  return text->reads && check_user_read(tokens_of(sql)).has_value();
}

Result<std::vector<contract::ColumnDescription>> Store::describe(std::string_view table) {
  TRIUNE_ASSIGN(auto session, read(contract::ReadScope::internal, Deadline::after(short_patience), nullptr,
                                   std::source_location::current()));
  const Value name = std::string(table);
  // The name as a whole is quoted, so that it means a table in the search path and nothing else.
  TRIUNE_ASSIGN(auto rows,
                session->query("SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, "
                               "coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1 "
                               "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_index i "
                               "ON i.indrelid = a.attrelid AND i.indisprimary "
                               "WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.quote_ident(?1)) "
                               "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
                               {&name, 1}, 10'000));
  if (rows.rows.empty()) return refuse(ErrorCode::not_found, fmt::format("there is no table or view \"{}\"", table));
  std::vector<contract::ColumnDescription> columns;
  for (const auto& row : rows.rows) columns.push_back(column_of(row));
  return columns;
}

Result<contract::RelationalStatistics> Store::statistics() {
  const std::uint64_t reads = reads_.load(std::memory_order_relaxed);
  TRIUNE_ASSIGN(auto lease, readers_->take(0, Deadline::after(short_patience)));
  Session session(connection_of(lease), Session::Kind::internal_read, Deadline::after(short_patience), alarm_);
  TRIUNE_ASSIGN(const auto size, session.query("SELECT pg_catalog.pg_database_size(current_database())", {}, 1));
  const std::uint64_t alone = commits_.load(std::memory_order_relaxed);
  return contract::RelationalStatistics{
      .file_bytes = static_cast<std::uint64_t>(std::get<std::int64_t>(size.rows[0][0])),
      .log_bytes = 0,
      .commits = alone + groups_->grouped_jobs(),
      .groups = alone + groups_->groups(),
      .reads = reads,
      .pools = {readers_->statistics(), writers_->statistics()}};
}

contract::Health Store::health() {
  auto session =
      read(contract::ReadScope::internal, Deadline::after(short_patience), nullptr, std::source_location::current());
  if (!session) return {.ok = false, .detail = session.error().message};
  auto rows = (*session)->query("SHOW server_version", {}, 1);
  if (!rows) return {.ok = false, .detail = rows.error().message};
  return {.ok = true, .detail = fmt::format("PostgreSQL {}", to_text(rows->rows[0][0]))};
}

Status Store::checkpoint() {
  return {};
}

Result<std::unique_ptr<contract::ChangeSignal>> Store::change_signal(const std::string& channel,
                                                                     contract::SignalHeard heard) {
  if (connection_.transaction_pooler)
    return refuse(ErrorCode::unsupported, "a transaction pooler passes no notifications on");
  return std::make_unique<Signal>(connection_, channel, std::move(heard));
}

}  // namespace triune::adapters::postgres
