// The chain of seals over the audit log.
//
// Invariants
//   A1 A seal covers what was committed behind the seal before it, in the order (position, entry), and nothing that a
//      transaction still running could come before.
//   A2 Seals are numbered without holes; of two that are computed at once one is kept.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hive/module_access.h"

namespace triune::modules {

/// The end of the chain; seal 0 is before all entries.
struct SealPoint {
  std::int64_t seal = 0;
  std::int64_t position = -1;
  std::int64_t last_entry = 0;
  std::int64_t entries = 0;
  std::string hash;
};

/// The log, to be read by the numbers of its entries. Without statistics SQLite takes an index by the organization,
/// which is all of the log, over a range of these.
std::string_view log_in_order(contract::Dialect dialect);

/// The hash of a stretch of entries behind `before`; `upto` bounds it (null: as far as is settled, at most
/// `stretch_limit` entries).
Result<SealPoint> hash_stretch(contract::RelationalSession& session, std::int64_t organization_id,
                               const SealPoint& before, const SealPoint* upto);
inline constexpr std::int64_t stretch_limit = 5'000;

Result<SealPoint> last_seal(contract::RelationalSession& session, std::int64_t organization_id);

/// Seals everything that is settled. Blocks until durable.
Status seal_all(const hive::ModuleAccess& access);

/// Seals now and then, in the thread of whoever writes.
class Sealer {
 public:
  /// After a write: seals when a second has passed since the last time. An error stays for the next attempt: nothing is
  /// lost by it, and `Audit::verify` tells what is not sealed.
  void wrote(const hive::ModuleAccess& access);

 private:
  using Clock = std::chrono::steady_clock;
  std::atomic<Clock::duration::rep> next_{0};
};

}  // namespace triune::modules
