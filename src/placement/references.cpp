#include "placement/references.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"
#include "placement/pieces.h"
#include "placement/sample.h"

namespace triune::placement {
namespace {

constexpr std::size_t sample_size = 100;
constexpr std::size_t examples = 5;
constexpr double enough = 0.95;

bool refers_already(const TableReport& table, std::string_view column) {
  return std::any_of(table.foreign_keys.begin(), table.foreign_keys.end(), [column](const ForeignKeyReport& key) {
    return std::any_of(key.columns.begin(), key.columns.end(),
                       [column](const std::string& each) { return same_name(each, column); });
  });
}

/// Whether keys of the two columns could be equal: both numbers, or both texts or blobs.
bool alike(const ColumnReport& left, const ColumnReport& right) {
  const auto numbers = [](const ColumnReport& column) {
    // A table that was not looked at is judged by what it declares.
    if (column.integers + column.texts + column.blobs == 0) return column.affinity == "integer";
    return column.integers > column.texts + column.blobs;
  };
  return numbers(left) == numbers(right);
}

/// The table that `column` may refer to by its name, or nullptr.
const TableReport* named_parent(const std::vector<TableReport>& tables, const TableReport& table,
                                const ColumnReport& column) {
  const std::string stem = reference_stem(column.name);
  for (const auto& other : tables)
    if (!stem.empty() && other.kind == TableReport::Kind::table && is_named_after(other.name, stem)) return &other;
  return names_own_table(column.name) ? &table : nullptr;
}

/// How the rows of `key` without a parent are found, after `WHERE`; empty when looking would take too long.
std::string orphan_condition(const TableReport& parent, const ForeignKeyReport& key) {
  std::string there;
  std::string equal;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const auto child = model::quote_identifier(key.columns[i]);
    there += fmt::format("{}c.{} IS NOT NULL", i == 0 ? "" : " AND ", child);
    equal += fmt::format("{}p.{} = c.{}", i == 0 ? "" : " AND ", model::quote_identifier(key.parent_columns[i]), child);
  }
  return fmt::format("{} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})", there, from_table(parent), equal);
}

bool has_key(const TableReport& table, const std::vector<std::string>& columns) {
  const auto same = [&columns](const std::vector<std::string>& key) {
    return key.size() == columns.size() &&
           std::is_permutation(key.begin(), key.end(), columns.begin(),
                               [](const auto& one, const auto& other) { return same_name(one, other); });
  };
  return same(table.key) || std::any_of(table.indexes.begin(), table.indexes.end(), [&same](const IndexReport& index) {
           return index.unique && !index.partial && same(index.columns);
         });
}

Status count_orphans(Source& source, const TableReport& table, const TableReport& parent, ForeignKeyReport& key) {
  const auto lonely = orphan_condition(parent, key);
  std::uint64_t orphans = 0;
  Pieces pieces(source, table);
  while (true) {
    TRIUNE_ASSIGN(const auto piece, pieces.next());
    if (!piece) break;
    TRIUNE_ASSIGN(const auto count, source.number(fmt::format("SELECT count(*) FROM {} AS c WHERE {} AND {}",
                                                              from_table(table), piece->condition, lonely),
                                                  piece->parameters));
    orphans += static_cast<std::uint64_t>(count);
    if (count == 0 || key.orphan_rows.size() >= examples || table.key.empty()) continue;
    TRIUNE_ASSIGN(const auto rows, source.rows(fmt::format("SELECT {} FROM {} AS c WHERE {} AND {} LIMIT {}",
                                                           quoted_list(table.key), from_table(table), piece->condition,
                                                           lonely, examples - key.orphan_rows.size()),
                                               piece->parameters, examples));
    for (const auto& row : rows.rows) key.orphan_rows.push_back(key_text(row));
  }
  key.orphans = orphans;
  return {};
}

/// Of a foreign key whose parent table is not there.
std::uint64_t rows_with(const TableReport& table, const ForeignKeyReport& key) {
  std::uint64_t rows = table.rows;
  for (const auto& name : key.columns)
    if (const auto* column = find_column(table, name))
      rows = std::min(rows, table.rows - std::min(table.rows, column->nulls));
  return rows;
}

}  // namespace

Status infer_foreign_keys(Source& source, std::vector<TableReport>& tables, std::size_t position) {
  auto& table = tables[position];
  for (const auto& column : table.columns) {
    if (column.generated || refers_already(table, column.name) || column.integers + column.texts + column.blobs == 0)
      continue;
    const auto* parent = named_parent(tables, table, column);
    if (parent == nullptr) continue;
    const std::string key = key_column(*parent);
    const bool own_key = parent == &table && same_name(key, column.name);
    if (key.empty() || own_key || !alike(column, *find_column(*parent, key))) continue;
    TRIUNE_ASSIGN(const auto values, sample_cells(source, table, column, sample_size));
    TRIUNE_ASSIGN(const double share, share_contained(source, values, *parent, key, sample_size));
    if (share < enough) continue;
    table.foreign_keys.push_back(
        {.columns = {column.name}, .parent = parent->name, .parent_columns = {key}, .declared = false});
  }
  return {};
}

Status find_orphans(Source& source, std::vector<TableReport>& tables, std::size_t position) {
  auto& table = tables[position];
  for (auto& key : table.foreign_keys) {
    const std::string where = table.name + " → " + key.parent;
    const auto* parent = find_table(tables, key.parent);
    if (parent == nullptr) {
      key.orphans = rows_with(table, key);
      source.problems().push_back({where, "the table that the foreign key refers to is not there"});
      continue;
    }
    if (parent->kind != TableReport::Kind::table || key.parent_columns.size() != key.columns.size() ||
        !has_key(*parent, key.parent_columns)) {
      source.problems().push_back({where,
                                   "the foreign key does not refer to a key of the table: SQLite refuses writes "
                                   "with foreign keys switched on (foreign key mismatch)"});
      continue;
    }
    if (auto status = count_orphans(source, table, *parent, key); !status)
      TRIUNE_TRY(source.note(where, status.error()));
  }
  return {};
}

}  // namespace triune::placement
