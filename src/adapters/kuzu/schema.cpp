#include "adapters/kuzu/schema.h"

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
using contract::find_property;
using contract::GraphSchema;
using contract::KnownSchema;
using contract::NodeLabel;
using contract::PropertyDefinition;
using contract::PropertyType;

constexpr std::string_view no_text;

const std::string& text_of(const Value& value) {
  static const std::string empty(no_text);
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? empty : *text;
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

Result<KnownSchema> load_schema(Session& session) {
  std::vector<std::pair<std::string, bool>> tables;
  TRIUNE_TRY(session.visit("CALL show_tables() RETURN name, type", {}, [&](std::span<const Value> row) -> Status {
    tables.emplace_back(text_of(row[0]), text_of(row[1]) == "NODE");
    return {};
  }));
  KnownSchema known;
  for (const auto& [name, is_label] : tables) {
    TRIUNE_ASSIGN(auto properties, load_properties(session, name));
    if (is_label) {
      known.labels.emplace(name, NodeLabel{name, std::move(properties)});
    } else {
      TRIUNE_ASSIGN(auto ends, load_ends(session, name));
      known.types.emplace(name, EdgeType{name, std::move(ends), std::move(properties)});
    }
  }
  return known;
}

Result<std::vector<std::string>> missing_statements(const KnownSchema& known, const GraphSchema& wanted) {
  TRIUNE_TRY(contract::check_schema(known, wanted));
  TRIUNE_TRY(NameCheck().run(known, wanted));
  std::vector<std::string> statements;
  for (const auto& label : wanted.labels) add_label(known.label(label.name), label, statements);
  for (const auto& type : wanted.types) add_type(known.type(type.name), type, statements);
  return statements;
}

}  // namespace triune::adapters::kuzu
