// What every module stands on: its tables are there, its changes are told apart by actor, its jobs run as commits do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "contract/relational_store.h"
#include "hive/module_access.h"
#include "modules/kit/audit_chain.h"
#include "modules/kit/module_definition.h"
#include "triune/modules/actor.h"

namespace triune::modules {

/// An opened module. Thread rule: any thread. The hive outlives it.
class Module {
 public:
  /// Makes or follows the module's tables, those of the audit log and of the modules it needs, and what is derived from
  /// them; once made, opening reads a few rows. Errors: as of migrate::apply.
  static Result<Module> open(Hive& hive, const ModuleDefinition& definition);

  [[nodiscard]] const hive::ModuleAccess& access() const { return access_; }
  [[nodiscard]] std::int64_t organization_id() const { return organization_id_; }
  [[nodiscard]] contract::Dialect dialect() const { return access_.dialect(); }

  /// One durable transaction in the name of `actor`. `job` may run again from the start. Blocks until durable.
  Result<std::uint64_t> write(const Actor& actor, const contract::WriteJob& job, Deadline deadline) const;
  /// The same with vectors and blobs in the transaction: `job` runs first, then `changes` are applied. Errors: also
  /// those of Hive::commit.
  Result<Receipt> commit(const Actor& actor, std::span<const Change> changes, const contract::WriteJob& job,
                         Deadline deadline) const;
  /// A snapshot.
  [[nodiscard]] Result<std::unique_ptr<contract::RelationalSession>> read(Deadline deadline) const {
    return access_.read(deadline);
  }

 private:
  /// `job` between what tells the store who acts, and what ends that.
  [[nodiscard]] contract::WriteJob in_the_name_of(const Actor& actor, const contract::WriteJob& job) const;
  explicit Module(Hive& hive) : access_(hive), organization_id_(access_.organization_id()) {}

  hive::ModuleAccess access_;
  std::int64_t organization_id_;
  std::shared_ptr<Sealer> sealer_ = std::make_shared<Sealer>();
};

/// Milliseconds since 1970, the unit of every time that modules store.
std::int64_t now_ms();

/// The word of an enumeration's value and back; `what` names it in the error.
std::unexpected<Error> unknown_word(std::string_view what, std::string_view word, std::string_view known);

}  // namespace triune::modules
