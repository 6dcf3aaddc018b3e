#include "intake/legacy_sqlite/check.h"

#include <fmt/format.h>

#include <set>

#include "base/try.h"
#include "intake/legacy_sqlite/server_columns.h"
#include "intake/legacy_sqlite/work.h"
#include "placement/names.h"
#include "triune/schema.h"

namespace triune::intake::legacy {
namespace {

constexpr std::uint64_t most_dimensions = 8192;

class Check {
 public:
  Check(const Plan& plan, LegacySource& source) : plan_(plan), source_(source) {}

  Status all() {
    TRIUNE_TRY(tables());
    TRIUNE_TRY(for_server());
    TRIUNE_TRY(each("nodes", plan_.nodes, &Check::node));
    TRIUNE_TRY(each("edges", plan_.edges, &Check::edge));
    TRIUNE_TRY(each("vectors", plan_.vectors, &Check::vector));
    TRIUNE_TRY(each("blobs", plan_.blobs, &Check::blob));
    TRIUNE_TRY(each("text_indexes", plan_.texts, &Check::text));
    TRIUNE_TRY(each("indexes", plan_.indexes, &Check::index));
    TRIUNE_TRY(objects("views", "view", plan_.views));
    return objects("triggers", "trigger", plan_.triggers);
  }

 private:
  static std::unexpected<Error> wrong(const std::string& place, const std::string& message) {
    return failure(ErrorCode::invalid_argument, fmt::format("the plan at {}: {}", place, message));
  }

  template <class T>
  Status each(std::string_view list, const std::vector<T>& items,
              Status (Check::*check)(const std::string&, const T&)) {
    for (std::size_t i = 0; i < items.size(); ++i)
      if (items[i].apply) TRIUNE_TRY((this->*check)(fmt::format("/{}/{}", list, i), items[i]));
    return {};
  }

  Status tables() {
    std::set<std::string> names;
    for (std::size_t i = 0; i < plan_.tables.size(); ++i) {
      const auto& name = plan_.tables[i].name;
      const auto place = fmt::format("/tables/{}/name", i);
      if (!names.insert(placement::small_letters(name)).second)
        return wrong(place, fmt::format("\"{}\" is there twice; keep one", name));
      const auto* table = source_.table(name);
      if (table == nullptr || table->kind != placement::TableReport::Kind::table)
        return wrong(place,
                     fmt::format("the source has no table \"{}\"; take the entry out or correct the name", name));
      if (plan_.tables[i].copy && placement::small_letters(name).starts_with("triune_"))
        return wrong(place, fmt::format("names that start with triune_ belong to Triune; rename \"{}\" in the source, "
                                        "or set \"copy\" to false",
                                        name));
    }
    for (const auto& table : source_.tables()) {
      const bool known = names.contains(placement::small_letters(table.name)) ||
                         table.kind != placement::TableReport::Kind::table || is_left_out(table.name);
      if (!known)
        return wrong("/tables", fmt::format("the table \"{}\" of the source is missing; add it, with \"copy\" false to "
                                            "leave it behind, or make the plan anew",
                                            table.name));
    }
    return {};
  }

  /// What a plan for a server needs besides, in the order of the source's columns.
  Status for_server() {
    if (plan_.target != to_server) return {};
    for (std::size_t i = 0; i < plan_.tables.size(); ++i) {
      const auto& table = plan_.tables[i];
      if (!table.copy) continue;
      const auto place = fmt::format("/tables/{}", i);
      if (table.definition.empty())
        return wrong(place, fmt::format("\"{}\" has no \"definition\" for the server; not_migrated says why, or make "
                                        "the plan anew",
                                        table.name));
      const auto* report = source_.table(table.name);
      bool same = report->columns.size() == table.types.size();
      for (std::size_t k = 0; same && k < table.types.size(); ++k)
        same = report->columns[k].name == table.types[k].column;
      if (!same)
        return wrong(place + "/types", fmt::format("must have the columns of \"{}\" in their order", table.name));
      TRIUNE_TRY(ServerColumns::make(table));
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < plan_.statements.size(); ++i)
      TRIUNE_TRY(unique(fmt::format("/statements/{}/name", i), names, plan_.statements[i].name));
    return {};
  }

  [[nodiscard]] bool is_left_out(std::string_view name) const {
    for (const auto& one : plan_.left_out)
      if (placement::same_name(one.name, name)) return true;
    return false;
  }

  /// A table that is copied.
  Status table(const std::string& place, const std::string& name) {
    if (copied_table(plan_, name) != nullptr) return {};
    return wrong(place + "/table",
                 fmt::format("no table \"{}\" is copied; correct the name or set \"apply\" to false", name));
  }

  Status column(const std::string& place, const std::string& table_name, const std::string& name) {
    const auto* found = source_.table(table_name);
    if (found != nullptr && placement::find_column(*found, name) != nullptr) return {};
    return wrong(place, fmt::format("the table \"{}\" has no column \"{}\"", table_name, name));
  }

  Status columns(const std::string& place, const std::string& table_name, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
      TRIUNE_TRY(column(fmt::format("{}/{}", place, i), table_name, names[i]));
    return {};
  }

  Status single_key(const std::string& place, const std::string& name) {
    const auto* found = source_.table(name);
    if (found != nullptr && !identity_column(*found).empty()) return {};
    return wrong(place + "/table", fmt::format("the rows of \"{}\" have no primary key of one column, which would name "
                                               "them; set \"apply\" to false",
                                               name));
  }

  Status unique(const std::string& place, std::set<std::string>& names, const std::string& name) {
    if (name.empty()) return wrong(place, "must not be empty");
    if (names.insert(name).second) return {};
    return wrong(place, fmt::format("\"{}\" is there twice; give one another name", name));
  }

  Status node(const std::string& place, const NodePlan& one) {
    TRIUNE_TRY(unique(place + "/label", labels_, one.label));
    TRIUNE_TRY(table(place, one.table));
    TRIUNE_TRY(columns(place + "/properties", one.table, one.properties));
    TRIUNE_TRY(columns(place + "/values_of", one.table, one.values_of));
    return one.values_of.empty() ? single_key(place, one.table) : Status();
  }

  Status label(const std::string& place, const std::string& name) {
    if (labels_.contains(name)) return {};
    return wrong(place,
                 fmt::format("no nodes of the label \"{}\" are made; add them under /nodes, turn them on, or set "
                             "\"apply\" of these edges to false",
                             name));
  }

  Status edge(const std::string& place, const EdgePlan& one) {
    TRIUNE_TRY(unique(place + "/type", types_, one.type));
    TRIUNE_TRY(table(place, one.table));
    TRIUNE_TRY(column(place + "/from_column", one.table, one.from_column));
    TRIUNE_TRY(column(place + "/to_column", one.table, one.to_column));
    TRIUNE_TRY(label(place + "/from_label", one.from_label));
    TRIUNE_TRY(label(place + "/to_label", one.to_label));
    TRIUNE_TRY(columns(place + "/properties", one.table, one.properties));
    if (one.kind == "columns" || one.kind == "json list" || one.kind == "text list") return {};
    return wrong(place + "/kind", "must be \"columns\", \"json list\" or \"text list\"");
  }

  Status vector(const std::string& place, const VectorPlan& one) {
    TRIUNE_TRY(unique(place + "/collection", collections_, one.collection));
    TRIUNE_TRY(table(place, one.table));
    TRIUNE_TRY(column(place + "/column", one.table, one.column));
    if (one.form != "json" && one.form != "float32 blob" && one.form != "float64 blob")
      return wrong(place + "/form", "must be \"json\", \"float32 blob\" or \"float64 blob\"");
    if (one.dimension < 1 || one.dimension > most_dimensions)
      return wrong(place + "/dimension", fmt::format("must be from 1 to {}", most_dimensions));
    if (!parse_metric(one.metric)) return wrong(place + "/metric", "must be \"cosine\", \"l2\" or \"dot\"");
    return {};
  }

  Status blob(const std::string& place, const BlobPlan& one) {
    TRIUNE_TRY(table(place, one.table));
    TRIUNE_TRY(single_key(place, one.table));
    return column(place + "/column", one.table, one.column);
  }

  Status text(const std::string& place, const TextPlan& one) {
    TRIUNE_TRY(unique(place + "/name", texts_, one.name));
    TRIUNE_TRY(table(place, one.table));
    TRIUNE_TRY(single_key(place, one.table));
    return columns(place + "/columns", one.table, one.columns);
  }

  Status index(const std::string& place, const IndexPlan& one) {
    TRIUNE_TRY(unique(place + "/name", indexes_, one.name));
    if (source_.definition("index", one.name) != nullptr)
      return wrong(place + "/name", fmt::format("the source has an index \"{}\"; give another name", one.name));
    TRIUNE_TRY(table(place, one.table));
    return columns(place + "/columns", one.table, one.columns);
  }

  Status objects(std::string_view list, std::string_view type, const std::vector<ObjectPlan>& items) {
    for (std::size_t i = 0; i < items.size(); ++i)
      if (source_.definition(type, items[i].name) == nullptr)
        return wrong(fmt::format("/{}/{}/name", list, i),
                     fmt::format("the source has no {} \"{}\"; take the entry out", type, items[i].name));
    return {};
  }

  const Plan& plan_;
  LegacySource& source_;
  std::set<std::string> labels_;
  std::set<std::string> types_;
  std::set<std::string> collections_;
  std::set<std::string> texts_;
  std::set<std::string> indexes_;
};

}  // namespace

Status check_plan(const Plan& plan, LegacySource& source) {
  return Check(plan, source).all();
}

}  // namespace triune::intake::legacy
