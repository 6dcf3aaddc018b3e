#include "adapters/kuzu/catalogue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/names.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::EdgeType;
using contract::GraphSchema;
using contract::NodeLabel;
using contract::PropertyDefinition;
using contract::PropertyType;

constexpr std::string_view no_text;

const std::string& text_of(const Value& value) {
  static const std::string empty(no_text);
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? empty : *text;
}

// A column of a type that Triune does not make (a table made by hand) is left out: it can be queried, not written.
std::optional<PropertyType> parse_type(std::string_view word) {
  if (word == "BOOL") return PropertyType::boolean;
  if (word == "INT64") return PropertyType::int64;
  if (word == "DOUBLE") return PropertyType::float64;
  if (word == "STRING") return PropertyType::text;
  return std::nullopt;
}

Result<std::vector<PropertyDefinition>> load_properties(Session& session, const std::string& table) {
  std::vector<PropertyDefinition> properties;
  TRIUNE_TRY(session.visit(fmt::format("CALL table_info({}) RETURN name, type", in_quotes(table)), {},
                           [&](std::span<const Value> row) -> Status {
                             const auto type = parse_type(text_of(row[1]));
                             if (type && text_of(row[0]) != "id") properties.push_back({text_of(row[0]), *type});
                             return {};
                           }));
  return properties;
}

Result<std::vector<std::pair<std::string, std::string>>> load_ends(Session& session, const std::string& table) {
  std::vector<std::pair<std::string, std::string>> ends;
  TRIUNE_TRY(session.visit(fmt::format("CALL show_connection({}) RETURN *", in_quotes(table)), {},
                           [&](std::span<const Value> row) -> Status {
                             ends.emplace_back(text_of(row[0]), text_of(row[1]));
                             return {};
                           }));
  return ends;
}

// Names that are in use, in the form in which Kuzu compares them, with the way they are written.
class NameRegister {
 public:
  Status add(std::string_view name, std::string_view what) {
    const auto [at, is_new] = names_.emplace(folded(name), name);
    if (is_new || at->second == name) return {};
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("{} '{}' differs from '{}' only in case, and Kuzu cannot hold both; rename one",
                                    what, name, at->second));
  }
  bool contains(std::string_view name) const { return names_.contains(folded(name)); }
  const std::string& written(std::string_view name) const { return names_.at(folded(name)); }

 private:
  std::map<std::string, std::string> names_;
};

std::string column_list(const std::vector<PropertyDefinition>& properties) {
  std::string list;
  for (const auto& property : properties)
    list += fmt::format(", {} {}", in_backticks(property.name), cypher_type(property.type));
  return list;
}

// Plans the statements for one schema against one catalogue.
class Planner {
 public:
  Planner(const Catalogue& catalogue, const GraphSchema& wanted) : catalogue_(catalogue), wanted_(wanted) {}

  Result<std::vector<std::string>> plan() {
    TRIUNE_TRY(register_names());
    for (const auto& label : wanted_.labels) TRIUNE_TRY(plan_label(label));
    for (const auto& type : wanted_.types) TRIUNE_TRY(plan_type(type));
    return std::move(statements_);
  }

 private:
  Status register_names() {
    for (const auto& [name, label] : catalogue_.labels()) TRIUNE_TRY(labels_.add(name, "label"));
    for (const auto& [name, type] : catalogue_.types()) TRIUNE_TRY(types_.add(name, "edge type"));
    for (const auto& label : wanted_.labels) {
      TRIUNE_TRY(check_table_name(label.name));
      TRIUNE_TRY(labels_.add(label.name, "label"));
    }
    for (const auto& type : wanted_.types) {
      TRIUNE_TRY(check_table_name(type.name));
      TRIUNE_TRY(types_.add(type.name, "edge type"));
    }
    for (const auto& type : wanted_.types) TRIUNE_TRY(check_not_both(type.name));
    for (const auto& label : wanted_.labels) TRIUNE_TRY(check_not_both(label.name));
    return {};
  }

  Status check_not_both(std::string_view name) {
    if (!labels_.contains(name) || !types_.contains(name)) return {};
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("'{}' is a label and '{}' an edge type; Kuzu keeps both in one catalogue without "
                                    "regard to case, so rename one",
                                    labels_.written(name), types_.written(name)));
  }

  Status check_properties(std::string_view owner, const std::vector<PropertyDefinition>& existing,
                          const std::vector<PropertyDefinition>& wanted) {
    NameRegister names;
    for (const auto& property : existing) TRIUNE_TRY(names.add(property.name, "property"));
    std::set<std::string_view> seen;
    for (const auto& property : wanted) {
      TRIUNE_TRY(check_property_name(property.name));
      TRIUNE_TRY(names.add(property.name, "property"));
      if (!seen.insert(property.name).second)
        return kuzu_failure(ErrorCode::invalid_argument,
                            fmt::format("property '{}' of '{}' is given twice", property.name, owner));
      const auto* old = find_property(existing, property.name);
      if (old != nullptr && old->type != property.type)
        return kuzu_failure(ErrorCode::conflict,
                            fmt::format("property '{}' of '{}' is {} and cannot become {}; rebuild the graph",
                                        property.name, owner, cypher_type(old->type), cypher_type(property.type)));
    }
    return {};
  }

  void add_columns(const std::string& table, const std::vector<PropertyDefinition>& existing,
                   const std::vector<PropertyDefinition>& wanted) {
    for (const auto& property : wanted)
      if (find_property(existing, property.name) == nullptr)
        statements_.push_back(fmt::format("ALTER TABLE {} ADD {} {}", in_backticks(table), in_backticks(property.name),
                                          cypher_type(property.type)));
  }

  Status plan_label(const NodeLabel& label) {
    static const std::vector<PropertyDefinition> none;
    if (!planned_.insert(label.name).second)
      return kuzu_failure(ErrorCode::invalid_argument, fmt::format("label '{}' is given twice", label.name));
    const auto* existing = catalogue_.label(label.name);
    TRIUNE_TRY(check_properties(label.name, existing ? existing->properties : none, label.properties));
    if (existing != nullptr) {
      add_columns(label.name, existing->properties, label.properties);
    } else {
      statements_.push_back(fmt::format("CREATE NODE TABLE {}(`id` STRING PRIMARY KEY{})", in_backticks(label.name),
                                        column_list(label.properties)));
    }
    return {};
  }

  Status check_ends(const EdgeType& type) {
    for (const auto& [from, to] : type.ends)
      for (const auto& label : {from, to})
        if (catalogue_.label(label) == nullptr && !planned_.contains(label))
          return kuzu_failure(
              ErrorCode::invalid_argument,
              fmt::format("edge type '{}' ends at label '{}', which does not exist; add the label first", type.name,
                          label));
    return {};
  }

  Status plan_type(const EdgeType& type) {
    static const std::vector<PropertyDefinition> none;
    if (!planned_.insert(type.name).second)
      return kuzu_failure(ErrorCode::invalid_argument, fmt::format("edge type '{}' is given twice", type.name));
    const auto* existing = catalogue_.type(type.name);
    TRIUNE_TRY(check_properties(type.name, existing ? existing->properties : none, type.properties));
    TRIUNE_TRY(check_ends(type));
    if (existing != nullptr) {
      add_columns(type.name, existing->properties, type.properties);
      for (const auto& ends : type.ends) add_pair(type.name, existing->ends, ends);
      return {};
    }
    if (type.ends.empty()) return {};  // Kuzu has no edge table without ends: it is made with its first pair
    std::vector<std::string> pairs;
    for (const auto& [from, to] : std::set(type.ends.begin(), type.ends.end()))
      pairs.push_back(fmt::format("FROM {} TO {}", in_backticks(from), in_backticks(to)));
    statements_.push_back(fmt::format("CREATE REL TABLE {}({}{})", in_backticks(type.name), fmt::join(pairs, ", "),
                                      column_list(type.properties)));
    return {};
  }

  void add_pair(const std::string& table, const std::vector<std::pair<std::string, std::string>>& existing,
                const std::pair<std::string, std::string>& ends) {
    if (std::find(existing.begin(), existing.end(), ends) != existing.end()) return;
    auto statement = fmt::format("ALTER TABLE {} ADD FROM {} TO {}", in_backticks(table), in_backticks(ends.first),
                                 in_backticks(ends.second));
    if (planned_.insert(statement).second) statements_.push_back(std::move(statement));
  }

  const Catalogue& catalogue_;
  const GraphSchema& wanted_;
  NameRegister labels_;
  NameRegister types_;
  std::set<std::string, std::less<>> planned_;
  std::vector<std::string> statements_;
};

}  // namespace

Result<Catalogue> Catalogue::load(Session& session) {
  std::vector<std::pair<std::string, bool>> tables;
  TRIUNE_TRY(session.visit("CALL show_tables() RETURN name, type", {}, [&](std::span<const Value> row) -> Status {
    tables.emplace_back(text_of(row[0]), text_of(row[1]) == "NODE");
    return {};
  }));
  Catalogue catalogue;
  for (const auto& [name, is_label] : tables) {
    TRIUNE_ASSIGN(auto properties, load_properties(session, name));
    if (is_label) {
      catalogue.labels_.emplace(name, NodeLabel{name, std::move(properties)});
    } else {
      TRIUNE_ASSIGN(auto ends, load_ends(session, name));
      catalogue.types_.emplace(name, EdgeType{name, std::move(ends), std::move(properties)});
    }
  }
  return catalogue;
}

const NodeLabel* Catalogue::label(std::string_view name) const {
  const auto found = labels_.find(name);
  return found == labels_.end() ? nullptr : &found->second;
}

const EdgeType* Catalogue::type(std::string_view name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? nullptr : &found->second;
}

Result<std::vector<std::string>> Catalogue::missing(const GraphSchema& wanted) const {
  return Planner(*this, wanted).plan();
}

const PropertyDefinition* find_property(const std::vector<PropertyDefinition>& properties, std::string_view name) {
  const auto found = std::find_if(properties.begin(), properties.end(),
                                  [&](const PropertyDefinition& property) { return property.name == name; });
  return found == properties.end() ? nullptr : &*found;
}

std::string_view cypher_type(PropertyType type) {
  switch (type) {
    case PropertyType::boolean: return "BOOL";
    case PropertyType::int64: return "INT64";
    case PropertyType::float64: return "DOUBLE";
    case PropertyType::text: return "STRING";
  }
  return "STRING";
}

}  // namespace triune::adapters::kuzu
