// A copy of a whole foreign database as of one moment.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "adapters/sqlite/foreign.h"
#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

constexpr int pages_at_a_time = 2048;
/// A writer makes a copy in steps begin anew; after so many times it is made in one.
constexpr int patience_with_writers = 3;
constexpr auto pause_for_writers = std::chrono::milliseconds(5);

struct DatabaseCloser {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct BackupCloser {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

using Progress = std::function<Status(std::uint64_t, std::uint64_t)>;

/// Copies steps until all is there. A reader in WAL mode holds nobody up, and copies at once.
Status run_backup(sqlite3* target, sqlite3_backup* backup, bool in_steps, const Progress& progress, Deadline deadline) {
  int remaining_before = -1;
  int restarts = 0;
  while (true) {
    if (deadline.expired()) return refuse(ErrorCode::deadline_exceeded, "the copy of the database took too long");
    const bool step = in_steps && restarts < patience_with_writers;
    const int code = sqlite3_backup_step(backup, step ? pages_at_a_time : -1);
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup));
    const int remaining = sqlite3_backup_remaining(backup);
    TRIUNE_TRY(progress(total - static_cast<std::uint64_t>(remaining), total));
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_LOCKED)
      return sqlite_failure(target, code);
    if (remaining_before >= 0 && remaining > remaining_before) ++restarts;
    remaining_before = remaining;
    std::this_thread::sleep_for(pause_for_writers);
  }
}

/// The copy is a plain file without a log, whatever the original is.
Status settle(sqlite3* target) {
  for (const char* sql : {"PRAGMA journal_mode = DELETE", "SELECT count(*) FROM sqlite_schema"})
    if (const int code = sqlite3_exec(target, sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
      return sqlite_failure(target, code, sql);
  return {};
}

Status copy(sqlite3* source, const std::filesystem::path& path, bool in_steps, const Progress& progress,
            Deadline deadline) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, nullptr);
  const std::unique_ptr<sqlite3, DatabaseCloser> target(opened);
  if (code != SQLITE_OK) return sqlite_failure(opened, code);
  {
    const std::unique_ptr<sqlite3_backup, BackupCloser> backup(
        sqlite3_backup_init(target.get(), "main", source, "main"));
    if (backup == nullptr) return sqlite_failure(target.get(), sqlite3_errcode(target.get()));
    TRIUNE_TRY(run_backup(target.get(), backup.get(), in_steps, progress, deadline));
  }
  return settle(target.get());
}

}  // namespace

Status Foreign::copy_to(const std::filesystem::path& path, const Progress& progress, Deadline deadline) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored))
    return refuse(ErrorCode::already_exists,
                  fmt::format("{} is there already; the copy needs a new file", path.string()));
  constexpr int attempts = 3;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (connection_ == nullptr || disturbed()) TRIUNE_TRY(connect());
    connection_->set_deadline(deadline);
    auto copied = copy(connection_->handle(), path, !wal_, progress, deadline);
    const bool changed = disturbed();
    if (copied && !changed) return {};
    for (const char* suffix : {"", "-journal", "-wal", "-shm"})
      std::filesystem::remove(path.string() + suffix, ignored);
    if (!changed) return copied;
  }
  return refuse(ErrorCode::conflict, fmt::format("{} kept changing while it was copied; try again", path_.string()),
                Retry::safe);
}

}  // namespace triune::adapters::sqlite
