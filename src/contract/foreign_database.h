// The contract for a database that another program made and may be using: it is read and never changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "triune/deadline.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::contract {

/// What a foreign database is, as far as its file says.
struct ForeignDescription {
  std::string engine;            ///< "sqlite".
  std::string engine_version;    ///< Of the library that reads it.
  std::string journal;           ///< "wal" or "rollback".
  std::string encoding;          ///< "UTF-8", …
  std::uint64_t file_bytes = 0;  ///< Without the write-ahead log.
  std::uint64_t log_bytes = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t pages = 0;
  std::uint64_t free_pages = 0;
  bool in_use = false;             ///< Another program may have it open: it has a write-ahead log.
  bool reads_hold_writers = true;  ///< While a statement reads, no other program can commit.
};

/// One connection in the use of one thread. Nothing that is called here changes the file, its log or its journal, or
/// creates a file beside them, except that SQLite makes its index (`-shm`) of a write-ahead log that a crashed program
/// left. Every statement is a transaction of its own, so snapshots are as short as statements are.
class ForeignDatabase {
 public:
  virtual ~ForeignDatabase() = default;

  /// At most `max_rows` rows (then `truncated`) of one statement, which may do nothing but read. Blocks until
  /// `deadline` while a writer holds the file. A file that was changed unprotected meanwhile is read again. Errors:
  /// `permission_denied` for a statement that writes, `deadline_exceeded`, `corruption`, `unavailable`, `conflict` when
  /// the file kept changing.
  virtual Result<RowSet> query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows,
                               Deadline deadline) = 0;
  /// A statement that may also create, fill and drop temporary tables and indexes: the place for copies. They live in a
  /// temporary file without a name, which is gone with this object or with the process, however it ends; and before,
  /// when the file had to be opened again. Errors: those of `query`, `resource_exhausted` when there is no room.
  virtual Status scratch(std::string_view sql, std::span<const Value> parameters, Deadline deadline) = 0;
  virtual Result<ForeignDescription> describe() = 0;
  /// Rows one by one, of one statement and so of one snapshot; an error of the visitor ends it and is returned. Where
  /// reads hold writers up they do so until the end: for copies, and for files that nobody else uses. A file that was
  /// changed unprotected meanwhile is `conflict`, safe to retry. Errors: those of `query`.
  virtual Status visit(std::string_view sql, std::span<const Value> parameters,
                       const std::function<Status(std::span<const Value>)>& visitor, Deadline deadline) = 0;
  /// Copies the whole database as of one moment into the new file `path`, with what the log holds; nobody is held up
  /// for long, unless writers leave no other way. `progress` is told pages done and pages in all. The copy is durable.
  /// Errors: `already_exists`, `resource_exhausted` (disk), `deadline_exceeded`, `conflict`, an error of `progress`.
  virtual Status copy_to(const std::filesystem::path& path,
                         const std::function<Status(std::uint64_t, std::uint64_t)>& progress, Deadline deadline) = 0;
};

}  // namespace triune::contract
