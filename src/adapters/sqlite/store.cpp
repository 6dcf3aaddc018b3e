#include "adapters/sqlite/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "adapters/sqlite/read_session.h"
#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

constexpr std::uint64_t default_memory_bytes = 64ULL << 20U;
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint32_t most_parameters = 32766;
constexpr std::uint32_t most_readers = 64;
/// SQLite before this version can corrupt a file when two programs checkpoint at once.
constexpr int oldest_sound_version = 3051003;
/// A connection to a file does not age, and nobody else closes it.
constexpr std::chrono::milliseconds for_ever = std::chrono::hours(24 * 3650);
constexpr auto short_patience = std::chrono::seconds(10);

std::uint64_t size_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

contract::ColumnDescription column_of(std::span<const Value> row) {
  return {.name = to_text(row[0]),
          .type = to_text(row[1]),
          .primary_key_position = static_cast<std::uint32_t>(std::get<std::int64_t>(row[3])),
          .not_null = std::get<std::int64_t>(row[2]) != 0};
}

/// Opened when first needed.
std::unique_ptr<contract::ConnectionPool> make_readers(const contract::EngineOptions& options, std::uint64_t memory) {
  auto settings = options.pool;
  if (settings.name.empty()) settings.name = "read";
  settings.smallest = 0;
  settings.largest = std::clamp(options.readers, 1U, most_readers);
  settings.validate_after = settings.lifetime = for_ever;
  const ConnectionOptions reader{options.path, ConnectionOptions::Role::reader, memory / settings.largest};
  return options.make_pool(settings,
                           [reader](Deadline /*deadline*/) -> Result<std::unique_ptr<contract::PooledConnection>> {
                             TRIUNE_ASSIGN(auto connection, Connection::open(reader));
                             return std::make_unique<Reader>(std::move(connection));
                           });
}

}  // namespace

Result<std::unique_ptr<contract::RelationalStore>> Store::open(const contract::EngineOptions& options) {
  return open_with(options, {});
}

Result<std::unique_ptr<contract::RelationalStore>> Store::open_with(const contract::EngineOptions& options,
                                                                    Writer::Options writer_options) {
  if (sqlite3_libversion_number() < oldest_sound_version)
    return refuse(ErrorCode::unsupported, fmt::format("SQLite {} is older than 3.51.3", sqlite3_libversion()));
  if (!options.make_pool)
    return refuse(ErrorCode::invalid_argument, "no pool factory: set EngineOptions::make_pool to that of runtime");
  const std::uint64_t memory = options.memory_bytes == 0 ? default_memory_bytes : options.memory_bytes;
  writer_options.connection = {options.path, ConnectionOptions::Role::writer, memory / 2};
  TRIUNE_ASSIGN(auto writer, Writer::open(writer_options));
  return std::unique_ptr<contract::RelationalStore>(
      new Store(options.path, std::move(writer), make_readers(options, memory / 2)));
}

Store::Store(std::filesystem::path path, std::unique_ptr<Writer> writer,
             std::unique_ptr<contract::ConnectionPool> readers)
    : path_(std::move(path)), writer_(std::move(writer)), readers_(std::move(readers)) {}

Result<ReadLease> Store::take(Reader::Preparation preparation, Deadline deadline, std::source_location place) {
  auto lease = readers_->take(static_cast<std::uint32_t>(preparation), deadline, place);
  if (!lease) {
    lease.error().engine = "sqlite";
    return failure_of(lease);
  }
  ReadLease reader(std::move(*lease));
  reader->set_schema_trusted(preparation == Reader::Preparation::schema_trusted);
  return reader;
}

contract::RelationalCapabilities Store::capabilities() const {
  return {.engine = "sqlite",
          .dialect = contract::Dialect::sqlite,
          .shared = false,
          .savepoints = true,
          .full_text = true,
          .table_functions = true,
          .max_parameters = most_parameters};
}

Result<std::unique_ptr<contract::RelationalSession>> Store::read(contract::ReadScope scope, Deadline deadline,
                                                                 contract::TableFunctions* functions,
                                                                 std::source_location place) {
  TRIUNE_ASSIGN(auto lease, take(scope == contract::ReadScope::internal ? Reader::Preparation::schema_trusted
                                                                        : Reader::Preparation::schema_untrusted,
                                 deadline, place));
  reads_.fetch_add(1, std::memory_order_relaxed);
  return ReadSession::open(std::move(lease), scope, deadline, functions);
}

Status Store::write(const contract::WriteJob& job, Deadline deadline, contract::WriteMode, std::source_location) {
  return writer_->run(job, deadline);
}

Result<std::unique_ptr<contract::RelationalTransaction>> Store::begin(Deadline deadline, std::source_location) {
  return writer_->begin(deadline);
}

Status Store::run_outside(std::string_view, Deadline) {
  return refuse(ErrorCode::unsupported, "SQLite has no definitions that must run outside of a transaction");
}

Result<bool> Store::is_read_only(std::string_view sql, Deadline deadline) {
  TRIUNE_ASSIGN(auto lease, take(Reader::Preparation::schema_untrusted, deadline));
  lease->set_user_limits(true);
  lease->set_deadline(deadline);
  const AuthorityScope scope(*lease, Authority::observe);
  auto statement = lease->prepare_uncached(sql);
  if (statement) return (*statement)->read_only() && lease->authorizer().denial().empty();
  if (statement.error().code == ErrorCode::permission_denied) return false;
  return failure_of(statement);
}

Result<std::vector<contract::ColumnDescription>> Store::describe(std::string_view table) {
  TRIUNE_ASSIGN(auto session, read(contract::ReadScope::internal, Deadline::after(short_patience), nullptr,
                                   std::source_location::current()));
  const Value name = std::string(table);
  // Column 4, hidden: 1 is a column of a virtual table that is not part of its rows.
  TRIUNE_ASSIGN(auto rows, session->query("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, 'main') "
                                          "WHERE hidden <> 1 ORDER BY cid",
                                          {&name, 1}, 10'000));
  if (rows.rows.empty()) return refuse(ErrorCode::not_found, fmt::format("there is no table or view \"{}\"", table));
  std::vector<contract::ColumnDescription> columns;
  for (const auto& row : rows.rows) columns.push_back(column_of(row));
  return columns;
}

Result<contract::RelationalStatistics> Store::statistics() {
  return contract::RelationalStatistics{.file_bytes = size_of(path_),
                                        .log_bytes = writer_->log_frames() * page_bytes,
                                        .commits = writer_->commits(),
                                        .groups = writer_->groups(),
                                        .reads = reads_.load(std::memory_order_relaxed),
                                        .pools = {readers_->statistics()}};
}

contract::Health Store::health() {
  if (auto trouble = writer_->trouble(); !trouble.empty()) return {.ok = false, .detail = trouble};
  auto session =
      read(contract::ReadScope::internal, Deadline::after(short_patience), nullptr, std::source_location::current());
  if (!session) return {.ok = false, .detail = session.error().message};
  auto rows = (*session)->query("SELECT count(*) FROM sqlite_schema", {}, 1);
  if (!rows) return {.ok = false, .detail = rows.error().message};
  return {.ok = true, .detail = fmt::format("SQLite {}", sqlite3_libversion())};
}

Result<std::unique_ptr<contract::ChangeSignal>> Store::change_signal(const std::string& /*channel*/,
                                                                     contract::SignalHeard /*heard*/) {
  return refuse(ErrorCode::unsupported, "one process owns a SQLite file and hears of its own commits");
}

Status Store::checkpoint() {
  return writer_->checkpoint(Deadline::after(std::chrono::minutes(5)));
}

}  // namespace triune::adapters::sqlite
