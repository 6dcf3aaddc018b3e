#include "placement/schema_reader.h"

#include <algorithm>
#include <array>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::placement {
namespace {

std::int64_t integer(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

TableReport::Kind kind_of(std::string_view type) {
  if (type == "view") return TableReport::Kind::view;
  if (type == "virtual") return TableReport::Kind::virtual_table;
  return type == "shadow" ? TableReport::Kind::shadow : TableReport::Kind::table;
}

Status read_columns(Source& source, TableReport& table) {
  const Value name = table.name;
  TRIUNE_ASSIGN(const auto rows,
                source.rows("SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main') "
                            "WHERE hidden <> 1 ORDER BY cid",
                            {&name, 1}));
  for (const auto& row : rows.rows) {
    ColumnReport column{.name = to_text(row[0]),
                        .declared_type = to_text(row[1]),
                        .affinity = {},
                        .primary_key_position = static_cast<std::uint32_t>(integer(row[3])),
                        .not_null = integer(row[2]) != 0,
                        .generated = integer(row[4]) > 1};
    column.affinity = affinity_of(column.declared_type);
    column.expected = words_for(promised_classes(column.declared_type));
    table.columns.push_back(std::move(column));
  }
  return {};
}

Status read_indexes(Source& source, TableReport& table) {
  const Value name = table.name;
  TRIUNE_ASSIGN(const auto rows,
                source.rows("SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') ORDER BY name",
                            {&name, 1}));
  for (const auto& row : rows.rows) {
    IndexReport index{.name = to_text(row[0]), .unique = integer(row[1]) != 0, .partial = integer(row[3]) != 0};
    const std::string origin = to_text(row[2]);
    index.origin = origin == "c" ? "created" : origin == "u" ? "unique" : "primary key";
    const Value index_name = index.name;
    TRIUNE_ASSIGN(const auto parts, source.rows("SELECT name, coll, \"desc\" FROM pragma_index_xinfo(?1, 'main') "
                                                "WHERE key = 1 ORDER BY seqno",
                                                {&index_name, 1}));
    for (const auto& part : parts.rows) {
      index.columns.push_back(to_text(part[0]));
      index.rules.push_back(small_letters(to_text(part[1])) + (integer(part[2]) != 0 ? " desc" : ""));
    }
    table.indexes.push_back(std::move(index));
  }
  return {};
}

/// SQLite numbers foreign keys backwards.
Status read_foreign_keys(Source& source, TableReport& table) {
  const Value name = table.name;
  TRIUNE_ASSIGN(const auto rows, source.rows("SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, "
                                             "'main') ORDER BY id DESC, seq",
                                             {&name, 1}));
  std::int64_t last = -1;
  for (const auto& row : rows.rows) {
    if (integer(row[0]) != last || table.foreign_keys.empty())
      table.foreign_keys.push_back({.columns = {}, .parent = to_text(row[1]), .parent_columns = {}});
    last = integer(row[0]);
    table.foreign_keys.back().columns.push_back(to_text(row[2]));
    if (!is_null(row[3])) table.foreign_keys.back().parent_columns.push_back(to_text(row[3]));
  }
  return {};
}

/// The columns of the primary key in their order.
std::vector<std::string> primary_key(const TableReport& table) {
  std::vector<const ColumnReport*> parts;
  for (const auto& column : table.columns)
    if (column.primary_key_position > 0) parts.push_back(&column);
  std::sort(parts.begin(), parts.end(), [](const auto* left, const auto* right) {
    return left->primary_key_position < right->primary_key_position;
  });
  std::vector<std::string> names;
  for (const auto* part : parts) names.push_back(part->name);
  return names;
}

void choose_key(TableReport& table) {
  const auto primary = primary_key(table);
  const bool is_rowid = primary.size() == 1 && same_name(find_column(table, primary[0])->declared_type, "integer");
  if (table.without_rowid || is_rowid) {
    table.key = primary;
    return;
  }
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    if (find_column(table, name) != nullptr) continue;
    table.key = {name};
    return;
  }
}

void complete_foreign_keys(std::vector<TableReport>& tables) {
  for (auto& table : tables)
    for (auto& key : table.foreign_keys) {
      const auto* parent = find_table(tables, key.parent);
      if (parent == nullptr) continue;
      key.parent = parent->name;
      if (key.parent_columns.empty()) key.parent_columns = primary_key(*parent);
    }
}

bool begins_with(const IndexReport& index, std::span<const std::string> columns) {
  if (index.partial || index.columns.size() < columns.size()) return false;
  // In any order: all of them are compared with =.
  return std::all_of(columns.begin(), columns.end(), [&](const std::string& column) {
    const auto end = index.columns.begin() + static_cast<std::ptrdiff_t>(columns.size());
    return std::any_of(index.columns.begin(), end, [&](const std::string& each) { return same_name(each, column); });
  });
}

/// Whether everything that `index` serves, `other` serves too.
bool covers(const IndexReport& other, const IndexReport& index) {
  if (other.partial || index.partial || index.columns.size() > other.columns.size()) return false;
  for (std::size_t i = 0; i < index.columns.size(); ++i)
    if (index.columns[i].empty() || !same_name(index.columns[i], other.columns[i]) || index.rules[i] != other.rules[i])
      return false;
  return !index.unique || (other.unique && other.columns.size() == index.columns.size());
}

bool is_better(const IndexReport& other, const IndexReport& index) {
  if (other.columns.size() != index.columns.size() || !covers(index, other)) return true;
  // Of two that serve the same, the one stays that a constraint made, then the one whose name comes first.
  const bool made = other.origin != "created";
  if (made != (index.origin != "created")) return made;
  return other.name < index.name;
}

}  // namespace

std::string affinity_of(std::string_view declared_type) {
  const std::string type = small_letters(declared_type);
  const auto has = [&type](std::string_view word) { return type.find(word) != std::string::npos; };
  if (has("int")) return "integer";
  if (has("char") || has("clob") || has("text")) return "text";
  if (type.empty() || has("blob")) return "blob";
  if (has("real") || has("floa") || has("doub")) return "real";
  return "numeric";
}

std::string promised_classes(std::string_view declared_type) {
  const std::string type = small_letters(declared_type.substr(0, declared_type.find('(')));
  const auto has = [&type](std::string_view word) { return type.find(word) != std::string::npos; };
  // A column without a type, and ANY, may hold anything.
  if (type.empty() || type == "any") return "";
  if (has("bool")) return "i";
  if (has("date") || has("time")) return "irt";
  if (has("json")) return "tb";
  if (has("uuid")) return "tb";
  if (has("decimal") || has("numeric") || has("number") || has("money")) return "ir";
  const std::string affinity = affinity_of(declared_type);
  if (affinity == "integer") return "i";
  if (affinity == "real") return "r";
  if (affinity == "text") return "t";
  return has("blob") && !has("f32") && !has("float") ? "b" : "";
}

std::string words_for(std::string_view classes) {
  std::string text;
  for (const char each : classes) {
    if (!text.empty()) text += " or ";
    text += each == 'i' ? "integer" : each == 'r' ? "real" : each == 't' ? "text" : "blob";
  }
  return text;
}

void mark_redundant_indexes(TableReport& table) {
  IndexReport primary{.name = "the primary key", .columns = table.key, .unique = true, .origin = "primary key"};
  primary.rules.assign(primary.columns.size(), "binary");
  auto others = table.indexes;
  // A rowid is a key of its own and no index; of other keys there is an index in the list.
  if (table.without_rowid || find_column(table, table.key.empty() ? "" : table.key[0]) != nullptr)
    others.push_back(primary);
  for (auto& index : table.indexes) {
    if (index.origin != "created" || index.columns.empty()) continue;
    for (const auto& other : others) {
      if (other.name == index.name || !covers(other, index) || !is_better(other, index)) continue;
      index.redundant_with = other.name;
      index.redundancy = other.columns.size() == index.columns.size() ? "duplicate" : "prefix";
      index.drop = "DROP INDEX " + model::quote_identifier(index.name) + ";";
      break;
    }
  }
}

void mark_indexed(TableReport& table) {
  IndexReport primary{.name = "", .columns = table.key};
  for (auto& key : table.foreign_keys) {
    key.indexed = begins_with(primary, key.columns) ||
                  std::any_of(table.indexes.begin(), table.indexes.end(),
                              [&key](const IndexReport& index) { return begins_with(index, key.columns); });
    if (key.indexed) continue;
    std::string name = "index_" + table.name;
    for (const auto& column : key.columns) name += "_" + column;
    key.create_index = "CREATE INDEX " + model::quote_identifier(name) + " ON " + model::quote_identifier(table.name) +
                       " (" + quoted_list(key.columns) + ");";
  }
}

Result<std::vector<TableReport>> read_schema(Source& source) {
  TRIUNE_ASSIGN(const auto rows,
                source.rows("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' "
                            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"));
  std::vector<TableReport> tables;
  for (const auto& row : rows.rows) {
    TableReport table{.name = to_text(row[0]),
                      .kind = kind_of(to_text(row[1])),
                      .without_rowid = integer(row[2]) != 0,
                      .strict = integer(row[3]) != 0};
    if (table.kind == TableReport::Kind::table) {
      auto status = read_columns(source, table);
      if (status) status = read_indexes(source, table);
      if (status) status = read_foreign_keys(source, table);
      if (!status) TRIUNE_TRY(source.note(table.name, status.error()));
      choose_key(table);
    }
    tables.push_back(std::move(table));
  }
  complete_foreign_keys(tables);
  for (auto& table : tables) mark_redundant_indexes(table);
  return tables;
}

}  // namespace triune::placement
