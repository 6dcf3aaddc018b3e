// What a migration of a foreign database needs of a hive beyond the facade: rows taken as they are, and Triune's own
// record of how far it is, in one transaction (I2).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "contract/relational_store.h"
#include "triune/hive.h"

namespace triune::hive {

/// A transaction in the thread of its caller. Holds the hive's writer: keep it short. Destruction rolls back.
class Relocation {
 public:
  virtual ~Relocation() = default;
  /// On a server, before a definition through `session`: no other process changes what Triune keeps meanwhile.
  virtual Status lock_definitions() = 0;
  /// Triune's own statements. Tables made here are captured by `capture`, or by the next commit of anybody.
  virtual contract::RelationalSession& session() = 0;
  /// See RelationalTransaction.
  virtual Status trust_rows() = 0;
  /// A statement of a foreign schema, with the rights and the bounds of a user; DROP TABLE takes mappings along.
  virtual Result<RowSet> run(std::string_view statement) = 0;
  /// The change log follows the tables that are new, and says that they hold rows (I2).
  virtual Status capture() = 0;
  /// Blocks until durable.
  virtual Result<Receipt> commit() = 0;
};

/// `hive` was made by Hive::open and outlives what is returned. Blocks until the writer is free.
Result<std::unique_ptr<Relocation>> begin_relocation(Hive& hive, Deadline deadline);

/// A snapshot of the canonical store, with Triune's own rights.
Result<std::unique_ptr<contract::RelationalSession>> read_relocation(Hive& hive, Deadline deadline);

/// While one lives, projections rest with their engines closed, so that a large migration needs the memory of one
/// engine at a time, and nothing is projected that more is coming for. The hive outlives it.
class QuietProjections {
 public:
  explicit QuietProjections(Hive& hive) : hive_(hive) {}
  ~QuietProjections();
  QuietProjections(const QuietProjections&) = delete;
  QuietProjections& operator=(const QuietProjections&) = delete;

  /// Blocks until the steps in flight are done. Errors: those of saving.
  Status begin();
  /// Opens one, "graph" or "vector:NAME", brings it to the head, and closes the others. Errors: `not_found`,
  /// `deadline_exceeded`, those of saving.
  Status only(std::string_view projection, Deadline deadline);

 private:
  Hive& hive_;
};

/// The number of the organization that the hive acts for.
std::int64_t organization_of(Hive& hive);

}  // namespace triune::hive
