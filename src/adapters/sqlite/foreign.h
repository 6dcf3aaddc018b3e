// The foreign-database contract over a SQLite file of another program.
//
// How the file is opened depends on who may write it meanwhile:
//   rollback journal               shared    a reader takes SQLite's locks; a statement makes writers wait for its end
//   write-ahead log is there       shared    a reader and writers do not meet
//   WAL mode, but no log           frozen    nobody has the file open. Reading with locks would create the log and its
//                                            index, so it is read without. That somebody opened it since is noticed by
//                                            the log or the file's times, after each statement; then it is opened
//                                            shared and the statement runs again.
#pragma once

#include <filesystem>
#include <memory>

#include "adapters/sqlite/connection.h"
#include "contract/foreign_database.h"
#include "contract/registry.h"

namespace triune::adapters::sqlite {

class Foreign final : public contract::ForeignDatabase {
 public:
  /// Opens the file at `options.path`. Errors: `not_found`; `invalid_argument` for a directory or another thing that is
  /// no file; `corruption` when it is no database, or an encrypted one; `permission_denied`, `unavailable`.
  static Result<std::unique_ptr<contract::ForeignDatabase>> open(const contract::EngineOptions& options);

  Result<RowSet> query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows,
                       Deadline deadline) override;
  Status scratch(std::string_view sql, std::span<const Value> parameters, Deadline deadline) override;
  Result<contract::ForeignDescription> describe() override;
  Status visit(std::string_view sql, std::span<const Value> parameters,
               const std::function<Status(std::span<const Value>)>& visitor, Deadline deadline) override;
  Status copy_to(const std::filesystem::path& path, const std::function<Status(std::uint64_t, std::uint64_t)>& progress,
                 Deadline deadline) override;

 private:
  /// What must stay as it is while the file is read without locks.
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t bytes = 0;
    std::uint64_t inode = 0;
    bool log = false;
    bool operator==(const Stamp&) const = default;
  };

  Foreign(std::filesystem::path path, std::uint64_t cache_bytes) : path_(std::move(path)), cache_bytes_(cache_bytes) {}
  [[nodiscard]] Stamp stamp() const;
  [[nodiscard]] bool disturbed() const { return frozen_ && stamp() != stamp_; }
  Status connect();
  Result<RowSet> run_once(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows,
                          Authority authority, Deadline deadline);
  Result<RowSet> run(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows, Authority authority,
                     Deadline deadline);
  Status visit_once(std::string_view sql, std::span<const Value> parameters,
                    const std::function<Status(std::span<const Value>)>& visitor);
  Result<std::int64_t> number_of(std::string_view pragma);

  const std::filesystem::path path_;
  const std::uint64_t cache_bytes_;
  bool wal_ = false;
  bool frozen_ = false;
  Stamp stamp_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace triune::adapters::sqlite
