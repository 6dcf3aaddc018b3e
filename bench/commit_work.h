// The commit that the table names: one row, three edges, one vector, to be durable together.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data.h"
#include "triune/hive.h"

namespace triune::bench {

inline constexpr std::uint32_t commit_agents = 10'000;
inline constexpr std::string_view commit_table_sql =
    "CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL)";

/// What one commit holds, before any store's own form of it.
struct WorkItem {
  std::string task;
  std::string title;
  std::int64_t priority = 0;
  std::array<std::pair<std::string, std::string>, 3> edges;  ///< Ids of agents.
  std::string vector_id;
  const std::vector<float>* vector = nullptr;
};

/// Makes items by number; the same number gives the same item. Any thread.
class WorkItems {
 public:
  WorkItems();
  [[nodiscard]] WorkItem item(std::uint64_t number) const;
  [[nodiscard]] Commit commit(std::uint64_t number) const;

 private:
  std::vector<std::vector<float>> vectors_;
};

/// The table, the collection and the agents that the commits need.
void prepare_hive(Hive& hive);

/// Runs `commit` with numbers from `first` on from so many threads until `seconds` are over; returns how many were done
/// and adds each one's milliseconds.
std::uint64_t produce(std::size_t threads, double seconds, std::uint64_t first,
                      const std::function<void(std::uint64_t)>& commit, class Samples& latencies);

}  // namespace triune::bench
