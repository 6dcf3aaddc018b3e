#include "migrate/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "migrate/sql_script.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

std::string what(const CatalogueEntry& entry) {
  if (entry.kind == "table" || entry.table.empty()) return fmt::format("{} {}", entry.kind, entry.name);
  if (entry.kind == "column") return fmt::format("column {}.{}", entry.table, entry.name);
  return fmt::format("{} {} of {}", entry.kind, entry.name, entry.table);
}

std::set<std::string> tables_in(const Catalogue& catalogue) {
  std::set<std::string> names;
  for (const auto& [key, entry] : catalogue)
    if (entry.kind == "table") names.insert(entry.name);
  return names;
}

std::string mend_of(const CatalogueEntry& expected, const CatalogueEntry& found) {
  if (expected.make.empty() || found.drop.empty() || expected.kind == "column" || expected.kind == "table") return {};
  return fmt::format("{}; {};", found.drop, expected.make);
}

std::string ended(const std::string& statement) {
  return statement.empty() ? std::string() : statement + ";";
}

}  // namespace

void add_entry(Catalogue& to, CatalogueEntry entry) {
  auto key = fmt::format("{} {} {}", entry.kind, entry.table, entry.name);
  to.insert_or_assign(std::move(key), std::move(entry));
}

std::string_view to_string(Drift::Kind kind) {
  switch (kind) {
    case Drift::Kind::missing: return "missing";
    case Drift::Kind::extra: return "extra";
    case Drift::Kind::different: return "different";
  }
  return "";
}

std::string one_spelling(std::string_view sql, contract::Dialect dialect) {
  const auto script = parse_script(sql, dialect);
  if (!script) return std::string(sql);
  std::string text;
  for (const auto& statement : script->statements)
    for (const auto& word : statement.words) {
      if (!text.empty()) text += ' ';
      const auto name = word.name();
      text += name.empty() ? std::string(word.text) : name;
    }
  return text;
}

std::vector<Drift> compare(const Catalogue& expected, const Catalogue& found) {
  std::vector<Drift> differences;
  const auto wanted_tables = tables_in(expected);
  const auto found_tables = tables_in(found);
  for (const auto& [key, entry] : expected) {
    const auto other = found.find(key);
    const bool table_gone =
        entry.kind != "table" && wanted_tables.contains(entry.table) && !found_tables.contains(entry.table);
    if (other == found.end() && !table_gone)
      differences.push_back({Drift::Kind::missing, what(entry), entry.definition, {}, ended(entry.make)});
    if (other != found.end() && other->second.definition != entry.definition)
      differences.push_back({Drift::Kind::different, what(entry), entry.definition, other->second.definition,
                             mend_of(entry, other->second)});
  }
  for (const auto& [key, entry] : found) {
    const bool table_new =
        entry.kind != "table" && found_tables.contains(entry.table) && !wanted_tables.contains(entry.table);
    if (!expected.contains(key) && !table_new)
      differences.push_back({Drift::Kind::extra, what(entry), {}, entry.definition, ended(entry.drop)});
  }
  return differences;
}

Result<Catalogue> read_catalogue(contract::RelationalSession& session, Owner owner) {
  return session.dialect() == contract::Dialect::sqlite ? read_sqlite_catalogue(session, owner)
                                                        : read_postgres_catalogue(session, owner);
}

}  // namespace triune::migrate
