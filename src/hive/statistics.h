// Figures about what the canonical store holds: for its own planner, and for what federated statements expect of a
// call.
//
// SQLite gathers nothing by itself, and plans a join of a graph that was just loaded as if every table were small.
// Users' tables get what `PRAGMA optimize` finds among a few rows of each index. That would mislead about Triune's own
// tables, whose indexes begin with an organization and a collection, so that their first rows all look alike (measured:
// 1,001 rows of a type where there are 15,000): they get figures from samples of every collection. PostgreSQL analyzes
// in the background too, but only after a while.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "contract/relational_store.h"
#include "federation/engines.h"
#include "projection/catalog.h"
#include "triune/deadline.h"

namespace triune::hive {

/// Any thread. An error leaves plans as they were and is nobody's: answers do not depend on figures.
class Statistics {
 public:
  /// `lsn`: of the log's head now. What is given outlives it.
  Statistics(contract::RelationalStore& store, projection::Catalog& catalog, std::int64_t organization_id,
             std::uint64_t lsn)
      : store_(store), catalog_(catalog), organization_id_(organization_id), kept_lsn_(lsn) {}

  /// Tells the store's planner. Blocks for a fraction of a second: counts Triune's tables and reads some 400,000 of
  /// their rows at most; on PostgreSQL analyzes them, which reads a sample of fixed size of each.
  Status keep(Deadline deadline);
  /// At the end of a load: `keep`, where so many changes are worth it.
  void loaded(std::uint64_t changes);
  /// After a commit that left the log's head at `lsn`: `keep` now and then, when much has changed since the last time.
  void noted(std::uint64_t lsn);
  /// When the hive closes with the log's head at `lsn`; PostgreSQL sees to it by itself.
  void closing(std::uint64_t lsn);

  /// Nodes of a label, of all labels when it is empty, counted up to a limit; nothing when there is no such label, or
  /// when it cannot be found out. As of a minute ago at most. Blocks while a connection of the read pool is awaited.
  std::optional<federation::NodeFigures> nodes(std::string_view label);
  /// The same of edges of a type.
  std::optional<federation::EdgeFigures> edges(std::string_view type);

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    double count = 0;
    double out = 0;
    double in = 0;
    Clock::time_point measured;
  };
  Status keep_on_sqlite(Deadline deadline);
  /// Of one collection.
  std::optional<Entry> figures_of(std::int64_t collection_id, bool edges);
  Result<Entry> measure(std::int64_t collection_id, bool edges);
  void forget();

  contract::RelationalStore& store_;
  projection::Catalog& catalog_;
  const std::int64_t organization_id_;
  std::atomic<std::uint64_t> kept_lsn_;    ///< The log's head when the planner was told last.
  std::mutex mutex_;                       // guards what follows
  std::map<std::int64_t, Entry> figures_;  ///< By the number of the collection.
};

}  // namespace triune::hive
