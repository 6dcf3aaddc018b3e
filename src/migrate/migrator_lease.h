// One migrator at a time: a lease with a fencing token (M4).
//
// The lease ends by the database's clock, whatever its holder believes, and the token grows with every change of hands.
// A holder on this machine whose process is gone is succeeded at once. Unlike hive/lease.h it is there before the
// hive's own tables are, and in both dialects.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "contract/relational_store.h"
#include "migrate/migrate.h"

namespace triune::migrate {

/// Held from `acquire` on and given back at the end. In the use of one thread.
class MigratorLease {
 public:
  /// Waits, with pauses that grow, while another migrator holds it. Errors: `deadline_exceeded` naming the holder.
  static Result<MigratorLease> acquire(contract::RelationalStore& store, Deadline deadline,
                                       std::chrono::milliseconds lasts = std::chrono::seconds(30));
  MigratorLease(MigratorLease&& other) noexcept;
  MigratorLease(const MigratorLease&) = delete;
  MigratorLease& operator=(const MigratorLease&) = delete;
  MigratorLease& operator=(MigratorLease&&) = delete;
  ~MigratorLease();

  /// At the start of a transaction: `conflict` when it went to another; otherwise nobody gets it before the transaction
  /// ends, and it lasts anew from then on.
  Status hold(contract::RelationalSession& session) const;
  /// Makes it last anew, for work outside of transactions.
  Status renew(Deadline deadline) const;
  [[nodiscard]] std::int64_t token() const { return token_; }
  [[nodiscard]] std::chrono::milliseconds lasts() const { return lasts_; }

 private:
  MigratorLease(contract::RelationalStore& store, std::string holder, std::chrono::milliseconds lasts)
      : store_(&store), holder_(std::move(holder)), lasts_(lasts) {}
  /// Whether it is ours now; `other` is who has it otherwise.
  Result<bool> try_acquire(std::string& other, Deadline deadline);

  contract::RelationalStore* store_;
  std::string holder_;
  std::chrono::milliseconds lasts_;
  std::int64_t token_ = 0;
};

/// One write transaction of a runner, under the lease (M4), tried again while locks are not to be had.
Status locked_transaction(const Runner& runner, const MigratorLease& lease, Deadline deadline,
                          const contract::WriteJob& work);

}  // namespace triune::migrate
