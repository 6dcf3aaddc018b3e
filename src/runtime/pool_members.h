// The connections of a pool, idle and lent, without lock or thread: the data half of connection_pool.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <source_location>
#include <string>

#include "contract/connection_pool.h"

namespace triune::runtime {

/// One open connection. Its `connection` is empty while it is lent.
struct PoolMember {
  using Clock = std::chrono::steady_clock;
  std::unique_ptr<contract::PooledConnection> connection;
  const contract::PooledConnection* address = nullptr;
  std::uint64_t generation = 0;     ///< Of the pool when its connect began.
  std::uint32_t preparation = 0;    ///< As it came back.
  Clock::time_point expires;        ///< End of its lifetime, with jitter.
  Clock::time_point used;           ///< When it was last known to work.
  Clock::time_point lent_at;        ///< While lent.
  std::source_location place = {};  ///< The borrower's, while lent.
};

/// Lists whose nodes move between idle and lent, so that lending allocates nothing. Not thread safe.
class PoolMembers {
 public:
  using Clock = PoolMember::Clock;
  using List = std::list<PoolMember>;

  explicit PoolMembers(const contract::PoolSettings& settings) : settings_(settings) {}

  [[nodiscard]] std::uint32_t open() const { return open_; }
  [[nodiscard]] std::uint32_t lent() const { return static_cast<std::uint32_t>(lent_.size()); }
  [[nodiscard]] std::uint32_t idle() const { return static_cast<std::uint32_t>(idle_.size()); }

  /// Moves a fresh idle connection to those lent, the one used last, rather one with the same preparation; null when
  /// there is none. Stale and expired ones stay.
  PoolMember* lend_idle(std::uint32_t preparation, Clock::time_point now, const std::source_location& place);
  /// Lends the only one of `members`, which is in nobody's list.
  PoolMember& lend(List& member, Clock::time_point now, const std::source_location& place);
  /// The one lent with this connection, out of the lists, still counted as open until `closed`.
  List take_out_lent(const contract::PooledConnection* address);
  /// The stale or expired idle one that was used last.
  List take_out_idle();
  /// Into the idle ones, as the one used last.
  void put_idle(List& member, Clock::time_point now);
  /// Idle ones that must go: expired, and beyond `target` or idle for too long, the longest idle first.
  List take_out_retired(std::uint32_t target, Clock::time_point now);
  /// All idle ones, or only the stale.
  List take_out_all_idle();
  List take_out_stale(Clock::time_point now);
  /// A new connection is counted; `closed` uncounts.
  void opened() { ++open_; }
  void closed(std::size_t count) { open_ -= static_cast<std::uint32_t>(count); }

  [[nodiscard]] bool stale(const PoolMember& member, Clock::time_point now) const {
    return now - member.used > settings_.validate_after;
  }
  /// Counts those lent for too long, and names the borrower who has had his for longest.
  void describe_lent(contract::PoolStatistics& statistics, Clock::time_point now) const;

 private:
  template <class Predicate>
  List take_out_idle_if(const Predicate& predicate);

  const contract::PoolSettings& settings_;
  List idle_;  ///< Used last first.
  List lent_;  ///< Lent last first.
  std::uint32_t open_ = 0;
};

}  // namespace triune::runtime
