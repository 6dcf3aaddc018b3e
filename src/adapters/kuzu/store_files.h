// The files of one graph database: their names, the lock that keeps other stores away, and the checks before Kuzu opens
// them (it crashes on some damaged ones).
#pragma once

#include <filesystem>

#include "triune/status.h"

namespace triune::adapters::kuzu {

/// The directory given to the store holds `graph.kuzu`, Kuzu's own siblings of it, `graph.lock`, and during a bulk load
/// a temporary folder.
class StoreFiles {
 public:
  /// Creates the directory, takes the lock (one store per directory, in this process and in all others), removes what a
  /// killed bulk load left, and looks at the files. Errors: `unavailable` (the directory is in use), `corruption`.
  static Result<StoreFiles> open(const std::filesystem::path& directory);
  StoreFiles(StoreFiles&& other) noexcept;
  StoreFiles& operator=(StoreFiles&&) = delete;
  ~StoreFiles();

  [[nodiscard]] std::filesystem::path database() const { return directory_ / "graph.kuzu"; }
  [[nodiscard]] std::filesystem::path log() const { return directory_ / "graph.kuzu.wal"; }
  [[nodiscard]] std::filesystem::path load_folder() const { return directory_ / "load.tmp"; }
  [[nodiscard]] std::uint64_t log_bytes() const;
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  StoreFiles(std::filesystem::path directory, int lock) : directory_(std::move(directory)), lock_(lock) {}

  std::filesystem::path directory_;
  int lock_;
};

}  // namespace triune::adapters::kuzu
