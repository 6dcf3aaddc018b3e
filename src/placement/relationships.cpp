#include "placement/relationships.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/content.h"
#include "placement/names.h"
#include "placement/pieces.h"
#include "placement/sample.h"

namespace triune::placement {
namespace {

using Kind = RelationshipReport::Kind;

constexpr std::size_t sample_size = 200;
constexpr std::size_t most_pairs = 3;
constexpr std::size_t most_other_columns = 3;
constexpr std::uint64_t most_bytes_of_a_tie = 80;
constexpr double enough = 0.8;
constexpr std::uint64_t memory_of_a_piece = 8U << 20U;
constexpr std::size_t longest_list = 64UL * 1024;

/// Columns of a table that name one row each, in single-column foreign keys.
std::vector<const ForeignKeyReport*> single_keys(const TableReport& table) {
  std::vector<const ForeignKeyReport*> keys;
  for (const auto& key : table.foreign_keys)
    if (key.columns.size() == 1) keys.push_back(&key);
  return keys;
}

/// Whether a row of `table` is there to tie two others, and not a thing with properties of its own: the two columns are
/// a key, or there is little else.
bool is_join(const TableReport& table, const ForeignKeyReport& left, const ForeignKeyReport& right) {
  const auto covers = [&](const std::vector<std::string>& columns) {
    return columns.size() == 2 && std::all_of(columns.begin(), columns.end(), [&](const std::string& name) {
             return same_name(name, left.columns[0]) || same_name(name, right.columns[0]);
           });
  };
  std::vector<std::string> primary;
  std::size_t others = 0;
  for (const auto& column : table.columns) {
    if (column.primary_key_position > 0) primary.push_back(column.name);
    const bool end = same_name(column.name, left.columns[0]) || same_name(column.name, right.columns[0]);
    if (end || column.primary_key_position > 0) continue;
    ++others;
    // Prose or a document makes a row a thing of its own.
    if (column.texts + column.blobs > 0 && column.bytes / (column.texts + column.blobs) >= most_bytes_of_a_tie)
      others += most_other_columns + 1;
  }
  if (covers(primary)) return true;
  for (const auto& index : table.indexes)
    if (index.unique && covers(index.columns)) return true;
  return others <= most_other_columns;
}

void add_joins(const TableReport& table, std::vector<RelationshipReport>& found) {
  const auto keys = single_keys(table);
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = i + 1; j < keys.size() && pairs < most_pairs; ++j) {
      // A parent of the row itself is a relationship of its own.
      if (keys[i]->parent == table.name || keys[j]->parent == table.name) continue;
      if (!is_join(table, *keys[i], *keys[j])) continue;
      ++pairs;
      found.push_back({.kind = Kind::join_table,
                       .table = table.name,
                       .from_column = keys[i]->columns[0],
                       .to_column = keys[j]->columns[0],
                       .from_table = keys[i]->parent,
                       .to_table = keys[j]->parent,
                       .edge_type = edge_type_of(table.name),
                       .network = {}});
    }
}

void add_self_references(const TableReport& table, std::vector<RelationshipReport>& found) {
  for (const auto* key : single_keys(table)) {
    if (key->parent != table.name || key->parent_columns.size() != 1) continue;
    const std::string stem = reference_stem(key->columns[0]);
    found.push_back({.kind = Kind::self_reference,
                     .table = table.name,
                     .from_column = key->parent_columns[0],
                     .to_column = key->columns[0],
                     .from_table = table.name,
                     .to_table = table.name,
                     .edge_type = edge_type_of(stem.empty() ? key->columns[0] : stem),
                     .network = {}});
  }
}

void add_edge_lists(const TableReport& table, std::vector<RelationshipReport>& found) {
  for (const auto& left : table.columns)
    for (const auto& right : table.columns) {
      if (&left == &right || left.affinity != right.affinity || !are_edge_ends(left.name, right.name)) continue;
      const bool known = std::any_of(found.begin(), found.end(), [&](const RelationshipReport& each) {
        return (same_name(each.from_column, left.name) && same_name(each.to_column, right.name)) ||
               (same_name(each.from_column, right.name) && same_name(each.to_column, left.name));
      });
      const bool empty = left.nulls == table.rows || right.nulls == table.rows;
      if (known || empty) continue;
      found.push_back({.kind = Kind::edge_list,
                       .table = table.name,
                       .from_column = left.name,
                       .to_column = right.name,
                       .from_table = {},
                       .to_table = {},
                       .edge_type = edge_type_of(table.name),
                       .network = {}});
    }
}

/// Tables whose keys a list may hold: those it is named after, and its own when it is named so. Texts as long as those
/// of UUIDs may be keys of any table, since they occur nowhere by chance.
std::vector<const TableReport*> list_targets(const std::vector<TableReport>& tables, const TableReport& table,
                                             const ColumnReport& column, std::span<const Value> elements) {
  std::vector<const TableReport*> targets;
  std::string stem = reference_stem(column.name);
  if (stem.empty()) stem = small_letters(column.name);
  const std::string singular = stem.ends_with('s') ? stem.substr(0, stem.size() - 1) : stem;
  for (const auto& other : tables)
    if (is_named_after(other.name, stem) || is_named_after(other.name, singular)) targets.push_back(&other);
  if (names_own_table(column.name)) targets.push_back(&table);
  constexpr std::size_t unmistakable = 16;
  const bool any = std::all_of(elements.begin(), elements.end(), [](const Value& element) {
    const auto* text = std::get_if<std::string>(&element);
    return text != nullptr && text->size() >= unmistakable;
  });
  if (any)
    for (const auto& other : tables)
      if (other.rows > 0) targets.push_back(&other);
  return targets;
}

/// The list of keys that a column holds, or nothing.
Result<std::optional<RelationshipReport>> list_in(Source& source, const std::vector<TableReport>& tables,
                                                  const TableReport& table, const ColumnReport& column) {
  std::optional<RelationshipReport> found;
  if (column.texts == 0 || key_column(table).empty()) return found;
  TRIUNE_ASSIGN(const auto cells, sample_cells(source, table, column, sample_size));
  const bool json = holds_lists(cells, true);
  if (!json && !holds_lists(cells, false)) return found;
  std::vector<Value> elements;
  for (const auto& cell : cells) {
    auto of_cell = list_elements(cell, json);
    elements.insert(elements.end(), of_cell.begin(), of_cell.end());
  }
  for (const auto* target : list_targets(tables, table, column, elements)) {
    const auto key = key_column(*target);
    if (key.empty()) continue;
    TRIUNE_ASSIGN(const double share, share_contained(source, elements, *target, key));
    if (share < enough) continue;
    const std::string stem = reference_stem(column.name);
    found = RelationshipReport{.kind = json ? Kind::json_list : Kind::text_list,
                               .table = table.name,
                               .from_column = key_column(table),
                               .to_column = column.name,
                               .from_table = table.name,
                               .to_table = target->name,
                               .edge_type = edge_type_of(stem.empty() ? column.name : stem),
                               .network = {}};
    break;
  }
  return found;
}

/// Adds the edges of a relationship, piece by piece.
Status collect_edges(Source& source, const TableReport& table, const RelationshipReport& relationship,
                     NetworkBuilder& builder) {
  const bool list = relationship.kind == Kind::json_list || relationship.kind == Kind::text_list;
  const auto* target = find_column(table, relationship.to_column);
  const auto from = model::quote_identifier(relationship.from_column);
  const auto to = model::quote_identifier(relationship.to_column);
  std::size_t largest = 50'000;
  if (list && target != nullptr && target->texts > 0)
    largest = std::clamp<std::size_t>(memory_of_a_piece / (1 + target->bytes / target->texts), 100, largest);
  const auto bound = list ? fmt::format(" AND octet_length({}) <= {}", to, longest_list) : std::string();
  // Nodes in no table are of one kind, whichever end they are at.
  const std::string& from_kind = relationship.from_table;
  const std::string& to_kind = relationship.to_table;
  Pieces pieces(source, table, largest);
  while (true) {
    TRIUNE_ASSIGN(const auto piece, pieces.next());
    if (!piece) return {};
    TRIUNE_ASSIGN(
        const auto rows,
        source.rows(fmt::format("SELECT {0}, {1} FROM {2} WHERE {3} AND {0} IS NOT NULL AND {1} IS NOT NULL{4}", from,
                                to, from_table(table), piece->condition, bound),
                    piece->parameters));
    for (const auto& row : rows.rows) {
      const auto left = node_of(from_kind, row[0]);
      if (!list) {
        if (!builder.add(left, node_of(to_kind, row[1]))) return {};
        continue;
      }
      for (const auto& element : list_elements(row[1], relationship.kind == Kind::json_list))
        if (!builder.add(left, node_of(to_kind, element))) return {};
    }
  }
}

}  // namespace

Status find_relationships(Source& source, const std::vector<TableReport>& tables, std::size_t position,
                          const std::vector<VectorReport>& vectors, std::vector<RelationshipReport>& found) {
  const auto& table = tables[position];
  std::vector<RelationshipReport> here;
  add_joins(table, here);
  add_self_references(table, here);
  add_edge_lists(table, here);
  for (const auto& column : table.columns) {
    const bool vector = std::any_of(vectors.begin(), vectors.end(), [&](const VectorReport& each) {
      return each.table == table.name && each.column == column.name;
    });
    if (vector) continue;
    auto list = list_in(source, tables, table, column);
    if (!list) {
      TRIUNE_TRY(source.note(table.name + "." + column.name, list.error()));
    } else if (*list) {
      here.push_back(std::move(**list));
    }
  }
  for (auto& relationship : here) {
    NetworkBuilder builder(source.options().most_edges);
    auto status = collect_edges(source, table, relationship, builder);
    if (!status) TRIUNE_TRY(source.note(table.name + ", relationship " + relationship.edge_type, status.error()));
    relationship.network = std::move(builder).measure(source.options().multi_hop_share);
    if (relationship.network.edges > 0) found.push_back(std::move(relationship));
  }
  return {};
}

Status find_vectors(Source& source, const TableReport& table, std::vector<VectorReport>& found) {
  for (const auto& column : table.columns) {
    const std::uint64_t there = column.texts + column.blobs;
    constexpr std::uint64_t shortest = 16;  // bytes of the shortest vector: [0,0,0,0,0,0,0,0]
    if (there == 0 || column.bytes < shortest * there) continue;
    const auto cells = sample_cells(source, table, column, sample_size);
    if (!cells) {
      TRIUNE_TRY(source.note(table.name + "." + column.name, cells.error()));
      continue;
    }
    const auto content = vectors_in(*cells);
    if (content.form == VectorContent::Form::none) continue;
    const bool json = content.form == VectorContent::Form::json;
    found.push_back({.table = table.name,
                     .column = column.name,
                     .form = json                                           ? "json"
                             : content.form == VectorContent::Form::float32 ? "float32 blob"
                                                                            : "float64 blob",
                     .dimension = content.dimension,
                     .count = json ? column.texts : column.blobs,
                     .sampled = content.vectors,
                     .smallest_norm = content.smallest_norm,
                     .mean_norm = content.mean_norm,
                     .largest_norm = content.largest_norm});
  }
  return {};
}

}  // namespace triune::placement
