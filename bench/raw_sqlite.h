// The peer SQLite: its C interface with the least around it.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace triune::bench {

/// A prepared statement. Text and bytes are bound without a copy: they must stay until `reset`.
class RawStatement {
 public:
  RawStatement(sqlite3* database, std::string_view sql);
  RawStatement& bind(int index, std::int64_t value);
  RawStatement& bind(int index, std::string_view text);
  RawStatement& bind_bytes(int index, const void* bytes, std::size_t size);
  /// True while there is a row.
  bool step();
  void reset();
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  /// Runs to the end and is ready again.
  void run();
  /// The integer in the first column of the first row, or 0 without one; ready again.
  std::int64_t one();

 private:
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> handle_;
};

/// One connection in the use of one thread: write-ahead log, synchronous FULL, as durable as ours.
class RawSqlite {
 public:
  explicit RawSqlite(const std::filesystem::path& path, std::uint64_t cache_bytes = 32ULL << 20U);
  void run(std::string_view sql);
  RawStatement prepare(std::string_view sql) { return {handle_.get(), sql}; }

 private:
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

}  // namespace triune::bench
