// One process owns a hive directory at a time (I9).
#pragma once

#include <filesystem>
#include <memory>

#include "triune/status.h"

namespace triune::hive {

/// Holds `DIRECTORY/hive.lock`, which names the owner's process. The kernel frees it when the process dies, however it
/// dies, so there is no stale lock.
class DirectoryLock {
 public:
  /// Errors: `unavailable` with the owner's pid when another hive has it, in this process or another.
  static Result<std::unique_ptr<DirectoryLock>> acquire(const std::filesystem::path& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace triune::hive
