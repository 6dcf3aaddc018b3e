// Advice: opens what it is measured on, and looks at which projections are asked.
#include "hive/advise.h"

#include <fmt/format.h>

#include "adapters/builtin.h"
#include "base/try.h"
#include "hive/implementation.h"
#include "hive/stored_definition.h"
#include "hive/vector_engines.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

constexpr std::uint64_t copy_cache_bytes = 32ULL << 20U;
constexpr std::uint64_t enough_calls = 100;
// A transaction that stays open keeps the change log of a server from settling.
constexpr std::chrono::seconds longest_on_server{20};

std::uint64_t bytes_below(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, ignored);
       entry != std::filesystem::recursive_directory_iterator(); entry.increment(ignored)) {
    if (ignored) break;
    if (entry->is_regular_file(ignored)) bytes += entry->file_size(ignored);
  }
  return bytes;
}

Advice unused(std::string subject, std::string reason, std::string cost) {
  return {.kind = "drop_projection",
          .subject = std::move(subject),
          .reason = std::move(reason),
          .not_measured = std::move(cost)};
}

}  // namespace

Result<std::unique_ptr<CopyBench>> Implementation::copy_bench(Deadline deadline) {
  if (node_id_.empty()) {
    TRIUNE_ASSIGN(auto file, adapters::builtin().foreign.at("sqlite")(
                                 {.path = directory_ / "hive.db", .memory_bytes = copy_cache_bytes}));
    return std::make_unique<CopyBench>(std::move(file), nullptr, "main", deadline);
  }
  const auto end = Deadline::after(
      std::min(deadline.remaining(), std::chrono::duration_cast<std::chrono::milliseconds>(longest_on_server)));
  TRIUNE_ASSIGN(auto transaction, store_->begin(end));
  TRIUNE_ASSIGN(const RowSet schema, transaction->session().query("SELECT CAST(current_schema() AS text)", {}, 1));
  const auto name = to_text(schema.rows.at(0).at(0));
  return std::make_unique<CopyBench>(nullptr, std::move(transaction), name, end);
}

std::vector<Advice> Implementation::unused_projections(const projection::CatalogSnapshot& catalog,
                                                       const std::vector<StoredDefinition>& definitions) {
  std::vector<Advice> all;
  const auto routes = learned_->figures();
  const auto asked = [&](std::string_view call, const std::string& name) {
    return std::any_of(routes.begin(), routes.end(), [&](const RouteFigures& one) {
      return one.shape.starts_with(call) && (name.empty() || one.shape.ends_with(" " + name));
    });
  };
  const auto recorded = learned_->workload().statements() + learned_->counts().calls;
  if (recorded < enough_calls) return all;
  const auto root = directory_ / "projections" / std::to_string(organization_id_);
  const auto cost = [&](const std::string& folder) {
    return fmt::format("it takes {:.1f} MB on this disk, and follows every change",
                       static_cast<double>(bytes_below(root / folder)) / 1e6);
  };
  for (const auto id : catalog.collections_of(organization_id_, CollectionKind::vector))
    if (const auto& name = catalog.name_of(id); !asked("vector_search", name))
      all.push_back(unused("vector:" + name, fmt::format("none of {} recorded calls searches {}", recorded, name),
                           cost(vector_folder(id, vector_engine_of(catalog.vector_collections.at(id))))));
  for (const auto& one : definitions)
    if (one.organization_id == organization_id_ && one.kind() == "text_index" && !asked("text_search", one.name()) &&
        !asked("text_search all", ""))
      all.push_back(unused("text:" + one.name(),
                           fmt::format("none of {} recorded calls searches {}", recorded, one.name()),
                           "it is written with every row of " + one.table()));
  const bool graph = !catalog.collections_of(organization_id_, CollectionKind::type).empty();
  const bool walked =
      asked("neighbors", "") || asked("count_", "") || asked("shortest_path", "") || asked("cypher", "");
  if (graph && !walked)
    all.push_back(unused("graph", fmt::format("none of {} recorded calls walks the graph", recorded), cost("graph")));
  return all;
}

Result<AdviceReport> Implementation::advise(Deadline deadline) {
  TRIUNE_TRY(check_open());
  auto shapes = learned_->workload().shapes();
  AdviceReport report{.statements = learned_->workload().statements(),
                      .shapes = shapes.size(),
                      .since_ms = learned_->workload().since_ms()};
  TRIUNE_TRY(catalog_.reload(*store_, deadline));
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const auto definitions, stored_definitions(*session));
  auto bench = copy_bench(deadline);
  Adviser adviser(*session, std::move(shapes), bench ? bench->get() : nullptr,
                  bench ? std::string() : bench.error().message);
  TRIUNE_TRY(adviser.look());
  report.advice = adviser.indexes_to_add();
  std::set<std::string> mapped;
  for (const auto& one : definitions)
    if (one.kind() == "edge_mapping") mapped.insert(one.table());
  for (auto& one : adviser.projections_to_add(mapped)) report.advice.push_back(std::move(one));
  for (auto& one : adviser.indexes_to_drop()) report.advice.push_back(std::move(one));
  for (auto& one : unused_projections(*catalog_.snapshot(), definitions)) report.advice.push_back(std::move(one));
  return report;
}

}  // namespace triune::hive
