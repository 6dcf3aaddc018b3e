#include "adapters/sqlite/foreign.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

constexpr std::uint64_t default_cache_bytes = 32ULL << 20U;
constexpr int attempts_on_a_changing_file = 3;
constexpr std::size_t header_bytes = 100;

/// "PATH-wal"
std::filesystem::path log_of(const std::filesystem::path& path) {
  return path.string() + "-wal";
}

std::uint64_t size_of(const std::filesystem::path& path) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(path, absent);
  return absent ? 0 : size;
}

/// The beginning of the file, shorter when the file is.
Result<std::string> read_header(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return refuse(errno == EACCES ? ErrorCode::permission_denied : ErrorCode::unavailable,
                  fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  std::string header(header_bytes, '\0');
  file.read(header.data(), static_cast<std::streamsize>(header.size()));
  header.resize(static_cast<std::size_t>(file.gcount()));
  return header;
}

Status check_file(const std::filesystem::path& path, const std::string& header) {
  using namespace std::string_view_literals;
  if (header.empty() || header.starts_with("SQLite format 3\0"sv)) return {};
  return refuse(
      ErrorCode::corruption,
      fmt::format("{} does not begin like a SQLite database: it is another kind of file, or encrypted; give a "
                  "decrypted copy",
                  path.string()));
}

Status check_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return refuse(ErrorCode::not_found, fmt::format("there is no file {}", path.string()));
  if (std::filesystem::is_directory(status))
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("{} is a directory; name the database file in it", path.string()));
  if (!std::filesystem::is_regular_file(status))
    return refuse(ErrorCode::invalid_argument, fmt::format("{} is no regular file", path.string()));
  return {};
}

/// Errors whose meaning differs for a file that must not be touched.
void explain(Error& error) {
  if (error.native_code.starts_with("SQLITE_READONLY"))
    error.message +=
        ": a program that crashed left a journal beside the file, which only a writer may settle; open it "
        "once with its own program";
  if (error.native_code.starts_with("SQLITE_CANTOPEN"))
    error.message +=
        "; where a write-ahead log lies beside the file, its folder must be writable, or copy both elsewhere";
}

}  // namespace

Result<std::unique_ptr<contract::ForeignDatabase>> Foreign::open(const contract::EngineOptions& options) {
  TRIUNE_TRY(check_path(options.path));
  const auto cache_bytes = options.memory_bytes == 0 ? default_cache_bytes : options.memory_bytes;
  std::unique_ptr<Foreign> foreign(new Foreign(options.path, cache_bytes));
  if (auto connected = foreign->connect(); !connected) {
    explain(connected.error());
    return failure_of(connected);
  }
  return std::unique_ptr<contract::ForeignDatabase>(std::move(foreign));
}

Foreign::Stamp Foreign::stamp() const {
  struct stat info{};
  if (::stat(path_.c_str(), &info) != 0) return {};
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return {.modified_ns = info.st_mtim.tv_sec * nanoseconds + info.st_mtim.tv_nsec,
          .bytes = static_cast<std::uint64_t>(info.st_size),
          .inode = info.st_ino,
          .log = std::filesystem::exists(log_of(path_))};
}

Status Foreign::connect() {
  connection_.reset();
  // Before the header, so that whoever changes it afterwards is noticed.
  stamp_ = stamp();
  TRIUNE_ASSIGN(const std::string header, read_header(path_));
  TRIUNE_TRY(check_file(path_, header));
  constexpr std::size_t read_version = 19;
  wal_ = header.size() > read_version && header[read_version] == 2;
  frozen_ = wal_ && !stamp_.log;
  const ConnectionOptions options{
      .path = path_, .role = ConnectionOptions::Role::foreign, .cache_bytes = cache_bytes_, .immutable = frozen_};
  TRIUNE_ASSIGN(connection_, Connection::open(options));
  return {};
}

Result<RowSet> Foreign::run_once(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows,
                                 Authority authority, Deadline deadline) {
  if (connection_ == nullptr) TRIUNE_TRY(connect());
  connection_->set_deadline(deadline);
  const AuthorityScope scope(*connection_, authority);
  TRIUNE_ASSIGN(StatementLease statement, connection_->prepare(sql));
  if (authority == Authority::user_read && !statement->read_only())
    return refuse(ErrorCode::permission_denied, "this statement writes, and a foreign file is only read");
  TRIUNE_TRY(statement->bind(parameters));
  RowSet result;
  while (true) {
    TRIUNE_ASSIGN(const bool more, statement->step());
    if (result.columns.empty()) result.columns = statement->column_names();
    if (!more) return result;
    if (result.rows.size() == max_rows) break;
    statement->read_row(result.rows.emplace_back());
  }
  result.truncated = true;
  return result;
}

Result<RowSet> Foreign::run(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows,
                            Authority authority, Deadline deadline) {
  for (int attempt = 0; attempt < attempts_on_a_changing_file; ++attempt) {
    if (disturbed()) TRIUNE_TRY(connect());
    auto result = run_once(sql, parameters, max_rows, authority, deadline);
    // What was read of a file that changed under it means nothing, be it rows or an error.
    if (disturbed()) continue;
    if (!result) {
      explain(result.error());
      if (!result.error().connection_usable) connection_.reset();
    }
    return result;
  }
  return refuse(ErrorCode::conflict, fmt::format("{} kept changing while it was read; try again", path_.string()),
                Retry::safe);
}

Result<RowSet> Foreign::query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows,
                              Deadline deadline) {
  return run(sql, parameters, max_rows, Authority::user_read, deadline);
}

Status Foreign::scratch(std::string_view sql, std::span<const Value> parameters, Deadline deadline) {
  TRIUNE_TRY(run(sql, parameters, 0, Authority::scratch, deadline));
  return {};
}

Result<std::int64_t> Foreign::number_of(std::string_view pragma) {
  TRIUNE_ASSIGN(const auto rows, run(fmt::format("PRAGMA {}", pragma), {}, 1, Authority::unrestricted,
                                     Deadline::after(std::chrono::seconds(5))));
  const auto* number = rows.rows.empty() ? nullptr : std::get_if<std::int64_t>(rows.rows.front().data());
  return number == nullptr ? 0 : *number;
}

Status Foreign::visit_once(std::string_view sql, std::span<const Value> parameters,
                           const std::function<Status(std::span<const Value>)>& visitor) {
  const AuthorityScope scope(*connection_, Authority::user_read);
  TRIUNE_ASSIGN(StatementLease statement, connection_->prepare(sql));
  if (!statement->read_only())
    return refuse(ErrorCode::permission_denied, "this statement writes, and a foreign file is only read");
  TRIUNE_TRY(statement->bind(parameters));
  std::vector<Value> row;
  while (true) {
    TRIUNE_ASSIGN(const bool more, statement->step());
    if (!more) return {};
    statement->read_row(row);
    TRIUNE_TRY(visitor(row));
  }
}

Status Foreign::visit(std::string_view sql, std::span<const Value> parameters,
                      const std::function<Status(std::span<const Value>)>& visitor, Deadline deadline) {
  if (connection_ == nullptr || disturbed()) TRIUNE_TRY(connect());
  connection_->set_deadline(deadline);
  auto visited = visit_once(sql, parameters, visitor);
  if (disturbed())
    return refuse(ErrorCode::conflict, fmt::format("{} was changed while it was read; try again", path_.string()),
                  Retry::safe);
  if (!visited) {
    explain(visited.error());
    if (!visited.error().connection_usable) connection_.reset();
  }
  return visited;
}

Result<contract::ForeignDescription> Foreign::describe() {
  contract::ForeignDescription description{.engine = "sqlite",
                                           .engine_version = sqlite3_libversion(),
                                           .journal = {},
                                           .encoding = {},
                                           .file_bytes = size_of(path_),
                                           .log_bytes = size_of(log_of(path_))};
  TRIUNE_ASSIGN(const auto page_bytes, number_of("page_size"));
  TRIUNE_ASSIGN(const auto pages, number_of("page_count"));
  TRIUNE_ASSIGN(const auto free_pages, number_of("freelist_count"));
  TRIUNE_ASSIGN(const auto encoding,
                run("PRAGMA encoding", {}, 1, Authority::unrestricted, Deadline::after(std::chrono::seconds(5))));
  description.page_bytes = static_cast<std::uint64_t>(page_bytes);
  description.pages = static_cast<std::uint64_t>(pages);
  description.free_pages = static_cast<std::uint64_t>(free_pages);
  if (!encoding.rows.empty()) description.encoding = to_text(encoding.rows.front().front());
  description.journal = wal_ ? "wal" : "rollback";
  description.in_use = wal_ && !frozen_;
  description.reads_hold_writers = !wal_;
  return description;
}

}  // namespace triune::adapters::sqlite
