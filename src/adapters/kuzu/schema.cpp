#include "adapters/kuzu/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/names.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::EdgeType;
using contract::find_property;
using contract::GraphSchema;
using contract::KnownSchema;
using contract::NodeLabel;
using contract::PropertyDefinition;
using contract::PropertyType;

std::string_view cypher_type(PropertyType type) {
  switch (type) {
    case PropertyType::boolean: return "BOOL";
    case PropertyType::int64: return "INT64";
    case PropertyType::float64: return "DOUBLE";
    case PropertyType::text: return "STRING";
  }
  return "STRING";
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

// Checks that Kuzu can hold all names side by side.
class NameCheck {
 public:
  Status run(const KnownSchema& known, const GraphSchema& wanted) {
    for (const auto& [name, label] : known.labels) TRIUNE_TRY(labels_.add(name, "label"));
    for (const auto& [name, type] : known.types) TRIUNE_TRY(types_.add(name, "edge type"));
    for (const auto& label : wanted.labels) {
      TRIUNE_TRY(check_table_name(label.name));
      TRIUNE_TRY(labels_.add(label.name, "label"));
      TRIUNE_TRY(check_properties(known.label(label.name), label.properties));
    }
    for (const auto& type : wanted.types) {
      TRIUNE_TRY(check_table_name(type.name));
      TRIUNE_TRY(types_.add(type.name, "edge type"));
      TRIUNE_TRY(check_properties(known.type(type.name), type.properties));
    }
    for (const auto& type : wanted.types) TRIUNE_TRY(check_not_both(type.name));
    for (const auto& label : wanted.labels) TRIUNE_TRY(check_not_both(label.name));
    return {};
  }

 private:
  Status check_not_both(std::string_view name) {
    if (!labels_.contains(name) || !types_.contains(name)) return {};
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("'{}' is a label and '{}' an edge type; Kuzu keeps both in one catalogue without "
                                    "regard to case, so rename one",
                                    labels_.written(name), types_.written(name)));
  }

  template <class Owner>
  static Status check_properties(const Owner* existing, const std::vector<PropertyDefinition>& wanted) {
    NameRegister names;
    if (existing != nullptr)
      for (const auto& property : existing->properties) TRIUNE_TRY(names.add(property.name, "property"));
    for (const auto& property : wanted) {
      TRIUNE_TRY(check_property_name(property.name));
      TRIUNE_TRY(names.add(property.name, "property"));
    }
    return {};
  }

  NameRegister labels_;
  NameRegister types_;
};

// What a table lacks of the wanted properties.
void add_columns(const std::string& table, const std::vector<PropertyDefinition>& existing,
                 const std::vector<PropertyDefinition>& wanted, std::vector<std::string>& statements) {
  for (const auto& property : wanted)
    if (find_property(existing, property.name) == nullptr)
      statements.push_back(fmt::format("ALTER TABLE {} ADD {} {}", in_backticks(table), in_backticks(property.name),
                                       cypher_type(property.type)));
}

void add_label(const NodeLabel* existing, const NodeLabel& wanted, std::vector<std::string>& statements) {
  if (existing != nullptr) return add_columns(wanted.name, existing->properties, wanted.properties, statements);
  statements.push_back(fmt::format("CREATE NODE TABLE {}(`id` STRING PRIMARY KEY{})", in_backticks(wanted.name),
                                   column_list(wanted.properties)));
}

std::string pair_text(const std::pair<std::string, std::string>& ends) {
  return fmt::format("FROM {} TO {}", in_backticks(ends.first), in_backticks(ends.second));
}

void add_type(const EdgeType* existing, const EdgeType& wanted, std::vector<std::string>& statements) {
  const std::set ends(wanted.ends.begin(), wanted.ends.end());
  if (existing != nullptr) {
    add_columns(wanted.name, existing->properties, wanted.properties, statements);
    for (const auto& pair : ends)
      if (std::find(existing->ends.begin(), existing->ends.end(), pair) == existing->ends.end())
        statements.push_back(fmt::format("ALTER TABLE {} ADD {}", in_backticks(wanted.name), pair_text(pair)));
    return;
  }
  if (ends.empty()) return;  // Kuzu has no edge table without ends: it is made with its first pair
  std::vector<std::string> pairs;
  for (const auto& pair : ends) pairs.push_back(pair_text(pair));
  statements.push_back(fmt::format("CREATE REL TABLE {}({}{})", in_backticks(wanted.name), fmt::join(pairs, ", "),
                                   column_list(wanted.properties)));
}

}  // namespace

Result<std::vector<std::string>> missing_statements(const KnownSchema& known, const GraphSchema& wanted) {
  TRIUNE_TRY(contract::check_schema(known, wanted));
  TRIUNE_TRY(NameCheck().run(known, wanted));
  std::vector<std::string> statements;
  for (const auto& label : wanted.labels) add_label(known.label(label.name), label, statements);
  for (const auto& type : wanted.types) add_type(known.type(type.name), type, statements);
  return statements;
}

}  // namespace triune::adapters::kuzu
