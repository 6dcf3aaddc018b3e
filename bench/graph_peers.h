// Traversals as one writes them by hand for SQLite and for Kuzu, over the same graph.
//
// Both count what `Hive::count_neighbors` counts: distinct nodes within so many steps, without the start.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "data.h"
#include "raw_kuzu.h"
#include "raw_sqlite.h"

namespace triune::bench {

/// Edges of integers in a table that is its own covering index, as in Triune.
class SqliteGraph {
 public:
  /// Makes the file.
  static void make(const std::filesystem::path& file, const RandomGraph& graph);
  explicit SqliteGraph(const std::filesystem::path& file);
  std::int64_t count_within(const std::string& start, std::uint32_t steps);
  /// Steps of a shortest path, or 0: a recursive query, the only form there is in SQL.
  std::int64_t shortest_path(const std::string& from, const std::string& to, std::uint32_t most);
  std::int64_t count_two_step_paths();

 private:
  RawSqlite sqlite_;
  std::array<RawStatement, 3> within_;
  RawStatement shortest_;
  RawStatement paths_;
};

class KuzuGraph {
 public:
  static void make(const std::filesystem::path& folder, const RandomGraph& graph);
  explicit KuzuGraph(const std::filesystem::path& folder);
  std::int64_t count_within(const std::string& start, std::uint32_t steps);
  std::int64_t shortest_path(const std::string& from, const std::string& to, std::uint32_t most);
  std::int64_t count_two_step_paths();

 private:
  RawKuzu kuzu_;
};

/// Fills an empty database from `nodes.csv` and `edges.csv` in `csv` with Kuzu's COPY.
void copy_graph(RawKuzu& kuzu, const std::filesystem::path& csv);

}  // namespace triune::bench
