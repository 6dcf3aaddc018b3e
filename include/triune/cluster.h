// What a hive on PostgreSQL says of the processes that share it and of its change log. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triune {

enum class NodeState : std::uint8_t {
  live,     ///< Heard of lately.
  stopped,  ///< Stopped in good order; its projections catch up when it comes back in time.
  lost,     ///< Not heard of for a while and did not stop in good order.
};

/// The word for a state ("live").
std::string_view to_string(NodeState state) noexcept;

/// One process that shares the hive, or did.
struct ClusterNodeStatus {
  std::string node_id;
  std::string host;
  std::int64_t process_id = 0;
  NodeState state = NodeState::live;
  bool self = false;                        ///< It is the one that answers.
  std::chrono::milliseconds since_seen{0};  ///< Since its last heartbeat.
  std::optional<std::uint64_t> watermark;   ///< The change log up to here is of no more use to it; nothing: none is.
};

/// Something this node does from time to time.
struct ChoreStatus {
  std::string name;
  std::uint64_t runs = 0;
  std::string last_error;  ///< Of the last run; empty when it went well.
};

/// A transaction of the server that keeps the log from settling: its number is lower than all that came since.
/// A pool of connections of this process.
struct PoolStatus {
  std::string name;           ///< "read", "write".
  std::uint32_t size = 0;     ///< Connections open.
  std::uint32_t active = 0;   ///< In use.
  std::uint32_t waiting = 0;  ///< Callers in the queue.
  double wait_p99_ms = 0;     ///< In the queue, over the last calls.
  std::uint64_t errors = 0;   ///< Connects that failed, and callers that were turned away or waited in vain.
  double utilisation = 0;     ///< Share of the largest size in use, over the last minute.
};

/// A circuit breaker of this process: while it is open, calls to the store fail at once.
struct BreakerStatus {
  std::string name;          ///< "node/role".
  std::string state;         ///< "closed", "open", "half open".
  std::uint64_t opened = 0;  ///< How often it opened.
  std::string last_reason;   ///< Of the last failure; empty when there was none.
};

struct LogHolder {
  std::int64_t process_id = 0;       ///< 0 for a prepared transaction.
  std::string prepared_transaction;  ///< Its identifier, or empty.
  std::string database;
  std::string user;
  std::string application;
  std::string state;  ///< "active", "idle in transaction", "prepared", ….
  std::chrono::milliseconds transaction_age{0};
  std::chrono::milliseconds statement_age{0};  ///< Since its last statement began; 0 when prepared.
};

/// How far behind the changes the settled log is, which is what projections see.
struct LogHorizon {
  std::uint64_t unsettled_entries = 0;      ///< Committed and not yet settled; counted up to a million.
  std::chrono::milliseconds oldest_age{0};  ///< Of the oldest transaction that holds it back.
  std::vector<LogHolder> holders;           ///< The oldest first, a few.
  bool alarm = false;                       ///< Held back for too long.
  std::string message;                      ///< Who holds it and how to end that; empty without an alarm.
};

}  // namespace triune
