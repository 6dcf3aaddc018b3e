#include "migrate/schema_model.h"

#include <algorithm>

namespace triune::migrate {
namespace {

std::size_t skip(const ScriptStatement& statement, std::size_t at, std::string_view keywords) {
  if (!statement.has(at, keywords)) return at;
  return at + 1 + static_cast<std::size_t>(std::count(keywords.begin(), keywords.end(), ' '));
}

/// Where the item of a list that begins at `at` ends: at its comma or the list's bracket.
std::size_t item_end(const ScriptStatement& statement, std::size_t at) {
  int depth = 0;
  for (; at < statement.words.size(); ++at) {
    const auto& word = statement.words[at];
    if (word.is("(")) ++depth;
    if (word.is(")") && depth-- == 0) return at;
    if (word.is(",") && depth == 0) return at;
  }
  return at;
}

std::size_t find_in(const ScriptStatement& statement, std::string_view keywords, std::size_t from, std::size_t to) {
  return std::min(statement.find(keywords, from), to);
}

}  // namespace

TableReference name_at(const ScriptStatement& statement, std::size_t at) {
  at = skip(statement, at, "if not exists");
  at = skip(statement, at, "if exists");
  at = skip(statement, at, "only");
  while (statement.has(at + 1, ".")) at += 2;
  return {at < statement.words.size() ? statement.words[at].name() : std::string(), at + 1};
}

std::vector<std::string> names_in_brackets(const ScriptStatement& statement, std::size_t at) {
  std::vector<std::string> names;
  if (!statement.has(at, "(")) return names;
  for (++at; at < statement.words.size();) {
    const auto end = item_end(statement, at);
    const bool expression = at < end && (statement.has(at, "(") || statement.has(at + 1, "("));
    names.push_back(at < end && !expression ? statement.words[at].name() : std::string());
    if (statement.has(end, ")")) break;
    at = end + 1;
  }
  return names;
}

std::size_t behind_brackets(const ScriptStatement& statement, std::size_t at) {
  int depth = 0;
  for (; at < statement.words.size(); ++at) {
    if (statement.words[at].is("(")) ++depth;
    if (statement.words[at].is(")") && --depth == 0) return at + 1;
  }
  return at;
}

void SchemaModel::add(const ScriptStatement& statement, std::size_t file) {
  const auto table = std::min(statement.find("table"), std::size_t{4});
  if (statement.has(0, "create") && statement.has(table, "table")) return create_table(statement, file);
  if (statement.has(0, "create index") || statement.has(0, "create unique index")) return create_index(statement);
  if (statement.has(0, "alter table")) return alter_table(statement, file);
  if (statement.has(0, "drop table")) tables_.erase(name_at(statement, 2).name);
  if (statement.has(0, "drop index")) {
    const auto from = skip(statement, 2, "concurrently");
    for (auto& [name, one] : tables_) one.indexes.erase(name_at(statement, from).name);
  }
  const auto trigger = statement.find("trigger");
  if (statement.has(0, "create") && trigger <= 4) {
    const auto on = statement.find("on", trigger);
    const auto found = tables_.find(name_at(statement, on + 1).name);
    if (found != tables_.end()) found->second.triggers.push_back(name_at(statement, trigger + 1).name);
  }
}

const TableModel* SchemaModel::table(const std::string& name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : &found->second;
}

bool SchemaModel::is_new(const std::string& name, std::size_t file) const {
  const auto* const found = table(name);
  return found != nullptr && found->file == file;
}

std::string SchemaModel::table_of_index(const std::string& index) const {
  for (const auto& [name, one] : tables_)
    if (one.indexes.contains(index)) return name;
  return {};
}

void SchemaModel::create_table(const ScriptStatement& statement, std::size_t file) {
  const auto name = name_at(statement, statement.find("table") + 1);
  TableModel table{.file = file};
  if (statement.has(name.after, "(")) {
    for (auto at = name.after + 1; at < statement.words.size();) {
      const auto end = item_end(statement, at);
      add_item(table, statement, at, end, file);
      if (!statement.has(end, ",")) break;
      at = end + 1;
    }
  }
  tables_[name.name] = std::move(table);
}

void SchemaModel::add_item(TableModel& table, const ScriptStatement& statement, std::size_t from, std::size_t to,
                           std::size_t file) {
  if (statement.has(from, "constraint")) from += 2;
  if (statement.has(from, "primary key") || statement.has(from, "unique")) {
    const bool primary = statement.has(from, "primary key");
    auto names = names_in_brackets(statement, statement.find("(", from));
    if (primary && !table.has_primary_key)
      table.keys.insert(table.keys.begin(), std::move(names));
    else
      table.keys.push_back(std::move(names));
    table.has_primary_key = table.has_primary_key || primary;
    return;
  }
  if (statement.has(from, "foreign key"))
    return add_foreign_key(table, statement, names_in_brackets(statement, from + 2),
                           find_in(statement, "references", from, to), file);
  for (const auto* const other : {"check", "exclude", "like"})
    if (statement.has(from, other)) return;
  add_column(table, statement, from, to, file);
}

void SchemaModel::add_column(TableModel& table, const ScriptStatement& statement, std::size_t from, std::size_t to,
                             std::size_t file) {
  if (from >= to) return;
  const auto name = statement.words[from].name();
  table.columns.push_back(name);
  if (from + 1 < to) table.types[name] = statement.words[from + 1].name();
  if (find_in(statement, "primary key", from, to) < to) {
    table.keys.insert(table.keys.begin(), {name});
    table.has_primary_key = true;
  } else if (find_in(statement, "unique", from, to) < to) {
    table.keys.push_back({name});
  }
  const auto references = find_in(statement, "references", from, to);
  if (references < to) add_foreign_key(table, statement, {name}, references, file);
}

void SchemaModel::add_foreign_key(TableModel& table, const ScriptStatement& statement, std::vector<std::string> columns,
                                  std::size_t references, std::size_t file) {
  if (references >= statement.words.size()) return;
  table.foreign_keys.push_back({.columns = std::move(columns),
                                .to = name_at(statement, references + 1).name,
                                .file = file,
                                .line = statement.words[references].line,
                                .allowances = statement.allowances});
}

void SchemaModel::create_index(const ScriptStatement& statement) {
  auto at = statement.find("index") + 1;
  at = skip(statement, at, "concurrently");
  const auto index = name_at(statement, at);
  const auto on = statement.find("on", at);
  const auto table = name_at(statement, on + 1);
  const auto found = tables_.find(table.name);
  if (found == tables_.end()) return;
  const auto columns = names_in_brackets(statement, statement.find("(", table.after));
  // A partial index does not answer for all rows, but for all that refer to something.
  const auto where = statement.find("where");
  const bool whole = where >= statement.words.size();
  const bool all_set = !whole && statement.has(where + 2, "is not null") && where + 5 == statement.words.size();
  if (whole || all_set) found->second.indexes[index.name] = columns;
  if (all_set) found->second.only_where_set[index.name] = statement.words[where + 1].name();
}

void SchemaModel::alter_table(const ScriptStatement& statement, std::size_t file) {
  const auto name = name_at(statement, 2);
  const auto found = tables_.find(name.name);
  if (found == tables_.end()) return;
  if (statement.has(name.after, "rename to")) {
    auto table = std::move(found->second);
    tables_.erase(found);
    tables_[name_at(statement, name.after + 2).name] = std::move(table);
    return;
  }
  for (auto at = name.after; at < statement.words.size();) {
    const auto end = item_end(statement, at);
    if (statement.has(at, "add")) {
      auto from = skip(statement, at + 1, "column");
      from = skip(statement, from, "if not exists");
      add_item(found->second, statement, from, end, file);
    }
    at = end + 1;
  }
}

}  // namespace triune::migrate
