// Full-text indexes over columns of tables.
#include <fmt/format.h>

#include "hive/definition_sql.h"
#include "model/sql_text.h"

namespace triune::hive {

using model::quote_identifier;
using model::quote_literal;

std::string TextSql::base() const {
  return fmt::format("triune_text_{}_{}", organization, index.name);
}

std::string TextSql::rows() const {
  return fmt::format("organization_id = {} AND index_name = {}", organization, quote_literal(index.name));
}

/// ", PREFIX"column"" for each.
std::string TextSql::columns(std::string_view prefix) const {
  std::string text;
  for (const auto& column : index.columns) text += fmt::format(", {}{}", prefix, quote_identifier(column));
  return text;
}

std::vector<SchemaObject> TextSql::objects(const TableShape& shape,
                                           const std::vector<UniqueConstraint>& constraints) const {
  const auto fts = quote_identifier(base());
  const auto key_of = [&](std::string_view row) { return fmt::format("{}.{}", row, quote_identifier(key)); };
  const auto row_of = [&](std::string_view row) {
    return fmt::format("(SELECT text_row FROM triune_text_rows WHERE {} AND key = {})", rows(), key_of(row));
  };
  // The index keeps the text itself, so that it can forget a row that nobody can show it any more.
  const auto remove = fmt::format("DELETE FROM {} WHERE rowid = {};", fts, row_of("old"));
  const auto forget = fmt::format("DELETE FROM triune_text_rows WHERE {} AND key = {};", rows(), key_of("old"));
  const auto add = fmt::format(
      "INSERT INTO triune_text_rows (organization_id, index_name, key) SELECT {0}, {1}, {2} WHERE NOT EXISTS "
      "(SELECT 1 FROM triune_text_rows WHERE {3} AND key = {2}); DELETE FROM {4} WHERE rowid = {6}; "
      "INSERT INTO {4} (rowid{5}) SELECT {6}{7};",
      organization, quote_literal(index.name), key_of("new"), rows(), fts, columns(""), row_of("new"), columns("new."));
  std::vector<SchemaObject> objects{
      trigger(base() + "_insert", "AFTER INSERT", index.table, add),
      trigger(base() + "_update", fmt::format("AFTER UPDATE OF {}{}", quote_identifier(key), columns("")), index.table,
              remove + " " + forget + " " + add),
      trigger(base() + "_delete", "AFTER DELETE", index.table, remove + " " + forget)};
  ReplacedRows replaced{.capture = base(),
                        .first = key_of("t"),
                        .condition = fmt::format("{} IS NOT {}", key_of("t"), key_of("new")),
                        .forget = {}};
  replaced.forget = fmt::format(
      "DELETE FROM {0} WHERE rowid IN (SELECT text_row FROM triune_text_rows WHERE {1} AND key IN "
      "(SELECT n.first FROM {2})); DELETE FROM triune_text_rows WHERE {1} AND key IN (SELECT n.first FROM {2});",
      fts, rows(), replaced.notes());
  for (auto& object : replaced_row_triggers(shape, constraints, replaced, false)) objects.push_back(std::move(object));
  return objects;
}

std::string TextSql::fill() const {
  const auto fts = quote_identifier(base());
  return fmt::format(
      "CREATE VIRTUAL TABLE {0} USING fts5({1}, tokenize='unicode61 remove_diacritics 2');\n"
      "INSERT INTO triune_text_rows (organization_id, index_name, key) SELECT {2}, {3}, {4} FROM {5} "
      "WHERE {4} IS NOT NULL;\n"
      "INSERT INTO {0} (rowid{6}) SELECT x.text_row{7} FROM triune_text_rows x JOIN {5} t ON t.{4} = x.key "
      "WHERE x.organization_id = {2} AND x.index_name = {3};\n",
      fts, columns("").substr(2), organization, quote_literal(index.name), quote_identifier(key),
      quote_identifier(index.table), columns(""), columns("t."));
}

std::string TextSql::clear() const {
  return fmt::format("DROP TABLE IF EXISTS {}; DELETE FROM triune_text_rows WHERE {};", quote_identifier(base()),
                     rows());
}

}  // namespace triune::hive
