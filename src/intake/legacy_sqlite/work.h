// What the phases of a migration share.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hive/relocation.h"
#include "intake/legacy_sqlite/journal.h"
#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/source.h"
#include "triune/hive.h"

namespace triune::intake::legacy {

/// Things a person should know that are no errors: "tasks.depends_on: 3 of 900 elements name no row".
using Remarks = std::vector<std::string>;

/// Everything outlives it. Used by one thread.
struct Work {
  Hive& hive;
  LegacySource& source;  ///< The snapshot.
  const Plan& plan;
  Journal& journal;
  std::int64_t migration = 0;
  const Progress& progress;
  const std::function<bool()>& cancelled;
  Remarks& remarks;
  std::vector<LeftOut>& left_out;           ///< Of the report: also what a server refused.
  hive::QuietProjections* quiet = nullptr;  ///< Of a phase that asks projections.

  [[nodiscard]] bool to_server() const { return plan.target == legacy::to_server; }
  void report(std::string_view stage, std::uint64_t done, std::uint64_t total) const {
    if (progress) progress(stage, done, total);
  }
  /// `cancelled` when the caller wants to stop.
  [[nodiscard]] Status go_on() const;
  /// Does `work`, which returns how many entities it made, unless the step was done already. It must have no further
  /// effect when it is done again (J1).
  Status once(std::string_view phase, const std::string& item,
              const std::function<Result<std::uint64_t>()>& work) const;
};

/// Each does its phase, or the rest of it.
Status copy_tables(const Work& work);
Status make_graph(const Work& work);
Status make_vectors(const Work& work);
Status make_blobs(const Work& work);
Status make_indexes(const Work& work);

/// The plan's table of that name, copied; nullptr when there is none.
const TablePlan* copied_table(const Plan& plan, std::string_view name);

/// The key column whose text is the id of a node or a vector; empty when no single column names a row.
std::string identity_column(const placement::TableReport& table);

/// The elements of a list column of a table called `t`, as a table called `e`.
std::string elements_of(const EdgePlan& edge);

/// "table", "view" or "index" when the hive has one of that name; empty otherwise.
Result<std::string> kind_of_object(contract::RelationalSession& session, const std::string& name);

/// The plan's nodes of a label; nullptr when there are none.
const NodePlan* node_plan(const Plan& plan, std::string_view label);

/// The statement that gives the ids at both ends of the edges that a list column holds; elements that name no row are
/// left out.
Result<std::string> list_pairs(LegacySource& source, const Plan& plan, const EdgePlan& edge);

}  // namespace triune::intake::legacy
