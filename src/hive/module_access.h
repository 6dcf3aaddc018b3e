// What a module needs of a hive beyond the facade: jobs on its own tables that share the durable transaction of
// commits, its migrations, and the triggers that are derived from its tables.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "hive/schema_objects.h"
#include "projection/catalog.h"
#include "triune/hive.h"

namespace triune::hive {

/// The hive was made by Hive::open and outlives this. Thread rule: any thread.
class ModuleAccess {
 public:
  explicit ModuleAccess(Hive& hive) : hive_(hive) {}

  [[nodiscard]] Hive& hive() const { return hive_; }
  [[nodiscard]] contract::Dialect dialect() const;
  /// The number of the organization that the hive acts for.
  [[nodiscard]] std::int64_t organization_id() const;

  /// Runs `job` in a durable transaction, with Triune's own rights; it may run again from the start. Projections
  /// follow, and the hive's later reads see it. Blocks until durable. Errors: the job's; those of
  /// RelationalStore::write.
  Result<std::uint64_t> write(const contract::WriteJob& job, Deadline deadline) const;
  /// The same with changes that the hive applies: `job` runs first, then `changes` in their order, all in one
  /// transaction; texts are embedded and blobs made durable before it. Nodes, edges and rows of the module's own tables
  /// are the job's. Errors: also those of Hive::commit.
  Result<Receipt> commit(std::span<const Change> changes, const contract::WriteJob& job, Deadline deadline) const;
  /// A snapshot with Triune's own rights.
  [[nodiscard]] Result<std::unique_ptr<contract::RelationalSession>> read(Deadline deadline) const;

  /// One statement outside of any transaction, see RelationalStore::run_outside.
  Status run_outside(std::string_view sql, Deadline deadline) const;

  /// The columns of a table; `not_found`.
  [[nodiscard]] Result<std::vector<contract::ColumnDescription>> describe(std::string_view table) const;

  /// Applies the migrations of the module's series. Error: as of migrate::apply.
  Status install(std::string_view series, Deadline deadline) const;
  /// A job that registers labels and types, or makes schema objects; one program at a time.
  using Definition = std::function<Status(contract::RelationalSession&, projection::CatalogWriter&)>;
  Status define(const Definition& job) const;
  /// Ends the mapping of `table` to `label` and keeps its nodes, which nobody writes from then on but who takes them
  /// over. False when there is no such mapping.
  [[nodiscard]] Result<bool> release_nodes(std::string_view label, std::string_view table) const;

 private:
  Hive& hive_;
};

}  // namespace triune::hive
