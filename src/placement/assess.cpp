#include "placement/assess.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "base/try.h"
#include "placement/baseline.h"
#include "placement/names.h"
#include "placement/references.h"
#include "placement/relationships.h"
#include "placement/row_scan.h"
#include "placement/schema_reader.h"
#include "placement/source.h"

namespace triune::placement {
namespace {

constexpr std::uint64_t cache_bytes = 32ULL << 20U;

/// The steps in their order: each uses what those before it found.
class Run {
 public:
  Run(Source& source, Assessment& report) : source_(source), report_(report) {}

  Status all() {
    TRIUNE_ASSIGN(report_.tables, read_schema(source_));
    TRIUNE_TRY(select_table());
    TRIUNE_TRY(each_table("sizes", [this](std::size_t i) { return measure_size(i); }));
    TRIUNE_TRY(each_table("foreign keys", [this](std::size_t i) { return look_at_references(i); }));
    TRIUNE_TRY(each_table("vectors",
                          [this](std::size_t i) { return find_vectors(source_, report_.tables[i], report_.vectors); }));
    TRIUNE_TRY(each_table("relationships", [this](std::size_t i) {
      return find_relationships(source_, report_.tables, i, report_.vectors, report_.relationships);
    }));
    if (!source_.options().measure) return {};
    report_progress("baseline", 0, 1);
    TRIUNE_TRY(measure_tables(source_, report_.tables, report_.baseline));
    return measure_hops(source_, report_.tables, report_.relationships, report_.baseline);
  }

 private:
  /// With a table named: it and the tables it refers to, so that references can still be looked up.
  Status select_table() {
    const auto& wanted = source_.options().table;
    if (wanted.empty()) return {};
    const auto* table = find_table(report_.tables, wanted);
    if (table == nullptr)
      return failure(ErrorCode::not_found, fmt::format("there is no table \"{}\" in {}", wanted, report_.path));
    if (table->kind != TableReport::Kind::table)
      return failure(ErrorCode::unsupported,
                     fmt::format("\"{}\" is a {}; name a table", wanted, to_string(table->kind)));
    return {};
  }

  [[nodiscard]] bool is_wanted(const TableReport& table) const {
    const auto& wanted = source_.options().table;
    return table.kind == TableReport::Kind::table && (wanted.empty() || same_name(table.name, wanted));
  }

  void report_progress(std::string_view stage, std::uint64_t done, std::uint64_t total) const {
    if (source_.options().progress) source_.options().progress(stage, done, total);
  }

  template <class Step>
  Status each_table(std::string_view stage, Step step) {
    for (std::size_t i = 0; i < report_.tables.size(); ++i) {
      report_progress(stage, i, report_.tables.size());
      const auto& table = report_.tables[i];
      if (!is_wanted(table) || table.columns.empty()) continue;
      const std::string name = table.name;
      if (auto status = step(i); !status) TRIUNE_TRY(source_.note(name + ", " + std::string(stage), status.error()));
    }
    return {};
  }

  /// Pages of a table or index by the engine's own statistics, which read each of them: given up where a reader would
  /// hold writers up for long.
  Result<std::optional<std::uint64_t>> pages_of(const std::string& name) {
    const auto before = source_.longest();
    source_.set_longest(source_.piece() * 10);
    const Value parameter = name;
    const auto bytes = source_.cell("SELECT pgsize FROM dbstat WHERE aggregate = TRUE AND name = ?1", {&parameter, 1});
    source_.set_longest(before);
    TRIUNE_TRY(source_.go_on());
    const auto* number = bytes ? std::get_if<std::int64_t>(&*bytes) : nullptr;
    return number == nullptr ? std::nullopt : std::optional(static_cast<std::uint64_t>(*number));
  }

  Status measure_size(std::size_t position) {
    auto& table = report_.tables[position];
    TRIUNE_TRY(scan_rows(source_, table));
    TRIUNE_ASSIGN(const auto bytes, pages_of(table.name));
    if (bytes) table.bytes = *bytes;
    table.bytes_measured = bytes.has_value();
    for (auto& index : table.indexes) {
      TRIUNE_ASSIGN(index.bytes, pages_of(index.name));
    }
    return {};
  }

  Status look_at_references(std::size_t position) {
    TRIUNE_TRY(infer_foreign_keys(source_, report_.tables, position));
    mark_indexed(report_.tables[position]);
    TRIUNE_TRY(find_orphans(source_, report_.tables, position));
    return measure_index_gains(source_, report_.tables[position]);
  }

  Source& source_;
  Assessment& report_;
};

std::uint64_t highest_memory() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

std::string_view to_string(TableReport::Kind kind) noexcept {
  switch (kind) {
    case TableReport::Kind::table: return "table";
    case TableReport::Kind::view: return "view";
    case TableReport::Kind::virtual_table: return "virtual table";
    case TableReport::Kind::shadow: return "shadow table";
  }
  return "table";
}

std::string_view to_string(RelationshipReport::Kind kind) noexcept {
  switch (kind) {
    case RelationshipReport::Kind::join_table: return "join_table";
    case RelationshipReport::Kind::self_reference: return "self_reference";
    case RelationshipReport::Kind::edge_list: return "edge_list";
    case RelationshipReport::Kind::json_list: return "json_list";
    case RelationshipReport::Kind::text_list: return "text_list";
  }
  return "join_table";
}

Result<Assessment> assess(const contract::Registry& engines, const std::filesystem::path& path,
                          const AssessOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto factory = engines.foreign.find(options.engine);
  if (factory == engines.foreign.end())
    return failure(ErrorCode::unsupported,
                   fmt::format("databases of the engine \"{}\" cannot be assessed", options.engine));
  TRIUNE_ASSIGN(const auto database, factory->second({.path = path, .memory_bytes = cache_bytes}));
  Assessment report{.path = path.string()};
  TRIUNE_ASSIGN(report.file, database->describe());
  Source source(*database, options, report.file.reads_hold_writers);
  TRIUNE_TRY(Run(source, report).all());
  report.problems = std::move(source.problems());
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  report.memory_bytes = highest_memory();
  return report;
}

}  // namespace triune::placement
