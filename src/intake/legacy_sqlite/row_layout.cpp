#include "intake/legacy_sqlite/row_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/file.h"
#include "base/try.h"
#include "intake/legacy_sqlite/json_tree.h"
#include "model/json.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

constexpr std::size_t marks_in_a_number = 60;

/// Whether `column` is another name for the number that every row has. A key of another kind has an index of its own.
bool is_row_number(const placement::TableReport& table, const placement::ColumnReport& column) {
  if (table.without_rowid || column.primary_key_position != 1) return false;
  if (!placement::same_name(column.declared_type, "integer")) return false;
  const auto parts = std::count_if(table.columns.begin(), table.columns.end(),
                                   [](const auto& each) { return each.primary_key_position > 0; });
  const bool indexed = std::any_of(table.indexes.begin(), table.indexes.end(),
                                   [](const auto& index) { return index.origin == "primary key"; });
  return parts == 1 && !indexed;
}

/// A name of the row number that no column hides; empty when there is none.
std::string hidden_row_number(const placement::TableReport& table) {
  for (const char* name : {"rowid", "_rowid_", "oid"})
    if (placement::find_column(table, name) == nullptr) return name;
  return {};
}

std::string joined(const std::vector<std::string>& names, std::span<const std::size_t> positions) {
  std::string text;
  for (const auto position : positions) text += (text.empty() ? "" : ", ") + quote_identifier(names[position]);
  return text;
}

/// Numbers whose bits say which of the expressions are texts.
std::string marks(const std::vector<std::string>& names, std::span<const std::size_t> positions) {
  std::string text;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto bit = i % marks_in_a_number;
    text +=
        fmt::format("{}((typeof({})='text')<<{})", bit == 0 ? ", " : "|", quote_identifier(names[positions[i]]), bit);
  }
  return text;
}

/// The parameter for value number `position`.
std::string place(std::size_t position, std::size_t parameter, bool raw_text) {
  const auto* const separator = position == 0 ? "" : ", ";
  return raw_text ? fmt::format("{}CAST(?{} AS TEXT)", separator, parameter)
                  : fmt::format("{}?{}", separator, parameter);
}

std::vector<std::size_t> all_of(std::size_t count) {
  std::vector<std::size_t> positions(count);
  for (std::size_t i = 0; i < count; ++i) positions[i] = i;
  return positions;
}

Cell cell_at(std::span<const Value> selected, std::size_t position, std::size_t count) {
  const auto mark = std::get<std::int64_t>(selected[count + position / marks_in_a_number]);
  const bool text = ((static_cast<std::uint64_t>(mark) >> (position % marks_in_a_number)) & 1U) != 0;
  return {selected[position], text && std::holds_alternative<Bytes>(selected[position])};
}

template <class Number>
void append_bits(std::string& to, Number number) {
  const auto bits = std::bit_cast<std::array<char, sizeof(Number)>>(number);
  to.append(bits.data(), bits.size());
}

void append_sized(std::string& to, char tag, std::string_view bytes) {
  to += tag;
  append_bits(to, static_cast<std::uint64_t>(bytes.size()));
  to += bytes;
}

}  // namespace

RowLayout::RowLayout(const placement::TableReport& table, For target) : table_(table.name) {
  std::string number = table.without_rowid ? std::string() : hidden_row_number(table);
  for (const auto& column : table.columns)
    if (is_row_number(table, column)) number_column_ = column.name;
  if (!number_column_.empty()) number.clear();
  hides_number_ = !number.empty();
  if (!number.empty()) {
    parts_.push_back(number);
    key_.push_back(0);
  }
  std::vector<std::pair<std::uint32_t, std::size_t>> key;
  for (const auto& column : table.columns) {
    if (column.generated && target == For::directory) continue;
    if (is_row_number(table, column) || (table.without_rowid && column.primary_key_position > 0))
      key.emplace_back(column.primary_key_position, parts_.size());
    parts_.push_back(column.name);
  }
  std::sort(key.begin(), key.end());
  for (const auto& [place, position] : key) key_.push_back(position);
}

std::string RowLayout::to_json() const {
  std::string parts;
  for (const auto& part : parts_) parts += (parts.empty() ? "" : ", ") + model::json_string(part);
  return fmt::format(R"({{"table": {}, "parts": [{}], "key": [{}]}})", model::json_string(table_), parts,
                     fmt::join(key_, ", "));
}

Result<RowLayout> RowLayout::from_json(std::string_view text) {
  const auto damaged = failure(ErrorCode::corruption, "the record of the migration is damaged");
  TRIUNE_ASSIGN(const auto tree, parse_json_tree(text));
  const auto* members = std::get_if<JsonTree::Object>(&tree.value);
  if (members == nullptr || members->size() != 3) return damaged;
  const auto* table = std::get_if<std::string>(&(*members)[0].second.value);
  const auto* parts = std::get_if<JsonTree::Array>(&(*members)[1].second.value);
  const auto* key = std::get_if<JsonTree::Array>(&(*members)[2].second.value);
  if (table == nullptr || parts == nullptr || key == nullptr) return damaged;
  RowLayout layout;
  layout.table_ = *table;
  for (const auto& part : *parts)
    if (const auto* name = std::get_if<std::string>(&part.value)) layout.parts_.push_back(*name);
  for (const auto& each : *key)
    if (const auto* position = std::get_if<std::int64_t>(&each.value))
      layout.key_.push_back(static_cast<std::size_t>(*position));
  const bool inside = std::all_of(layout.key_.begin(), layout.key_.end(),
                                  [&](std::size_t position) { return position < layout.parts_.size(); });
  if (layout.parts_.size() != parts->size() || layout.key_.size() != key->size() || !inside) return damaged;
  return layout;
}

std::string RowLayout::select(std::string_view condition, std::string_view ending) const {
  const auto all = all_of(parts_.size());
  return fmt::format("SELECT {}{} FROM \"main\".{} WHERE {}{}{} {}", joined(parts_, all), marks(parts_, all),
                     quote_identifier(table_), condition, has_key() ? " ORDER BY " : "", joined(parts_, key_), ending);
}

std::string RowLayout::select_keys(std::string_view condition, std::string_view ending) const {
  return fmt::format("SELECT {0}{1} FROM \"main\".{2} WHERE {3} ORDER BY {0} {4}", joined(parts_, key_),
                     marks(parts_, key_), quote_identifier(table_), condition, ending);
}

std::string RowLayout::compare(std::string_view operation, const RowKey& key, std::size_t first_parameter) const {
  std::string places;
  for (std::size_t i = 0; i < key.size(); ++i) places += place(i, first_parameter + i, key[i].raw_text);
  if (key.size() == 1) return fmt::format("{} {} {}", joined(parts_, key_), operation, places);
  return fmt::format("({}) {} ({})", joined(parts_, key_), operation, places);
}

std::string RowLayout::insert() const {
  const std::vector<Cell> plain(parts_.size());
  return insert(plain);
}

std::string RowLayout::insert(std::span<const Cell> row) const {
  std::string places;
  for (std::size_t i = 0; i < row.size(); ++i) places += place(i, i + 1, row[i].raw_text);
  return fmt::format("INSERT INTO \"main\".{} ({}) VALUES ({})", quote_identifier(table_),
                     joined(parts_, all_of(parts_.size())), places);
}

void RowLayout::cells(std::span<const Value> selected, std::vector<Cell>& row) const {
  row.resize(parts_.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) row[i] = cell_at(selected, i, parts_.size());
}

RowKey RowLayout::key_cells(std::span<const Value> selected) const {
  RowKey key;
  for (std::size_t i = 0; i < key_.size(); ++i) key.push_back(cell_at(selected, i, key_.size()));
  return key;
}

RowKey RowLayout::key_of(std::span<const Cell> row) const {
  RowKey key;
  for (const auto position : key_) key.push_back(row[position]);
  return key;
}

std::string RowLayout::spoken(const RowKey& key) const {
  std::string names;
  std::string values;
  for (std::size_t i = 0; i < key.size(); ++i) {
    names += (i == 0 ? "" : ", ") + parts_[key_[i]];
    values += (i == 0 ? "" : ", ") + to_text(key[i].value);
  }
  return key.size() == 1 ? names + " " + values : fmt::format("({}) = ({})", names, values);
}

void encode(std::string& to, const Cell& cell) {
  if (is_null(cell.value)) {
    to += 'n';
  } else if (const auto* integer = std::get_if<std::int64_t>(&cell.value)) {
    to += 'i';
    append_bits(to, *integer);
  } else if (const auto* real = std::get_if<double>(&cell.value)) {
    to += 'r';
    append_bits(to, *real);
  } else if (const auto* bytes = std::get_if<Bytes>(&cell.value)) {
    append_sized(to, cell.raw_text ? 't' : 'b', base::as_text(*bytes));
  } else if (const auto* text = std::get_if<std::string>(&cell.value)) {
    append_sized(to, 't', *text);
  } else {
    append_sized(to, 'j', to_text(cell.value));
  }
}

std::vector<Value> values_of(const RowKey& key) {
  std::vector<Value> values;
  for (const auto& cell : key) values.push_back(cell.value);
  return values;
}

std::string key_to_json(const RowKey& key) {
  std::string text = "[";
  for (const auto& cell : key) {
    std::string encoded;
    encode(encoded, cell);
    const auto bytes = base::as_bytes(encoded);
    text += (text.size() == 1 ? "" : ",") + model::json_string(model::base64(Bytes(bytes.begin(), bytes.end())));
  }
  return text + "]";
}

namespace {

Result<Cell> decode(std::string_view bytes) {
  const auto damaged = failure(ErrorCode::corruption, "the record of the migration is damaged");
  if (bytes.empty()) return damaged;
  const char tag = bytes.front();
  bytes.remove_prefix(1);
  if (tag == 'n') return Cell{};
  if (bytes.size() < sizeof(std::int64_t)) return damaged;
  std::int64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof(number));
  bytes.remove_prefix(sizeof(number));
  if (tag == 'i') return Cell{.value = number};
  if (tag == 'r') return Cell{.value = std::bit_cast<double>(number)};
  const auto blob = base::as_bytes(bytes);
  if (tag == 'b') return Cell{.value = Bytes(blob.begin(), blob.end())};
  if (model::is_storable_text(bytes)) return Cell{.value = std::string(bytes)};
  return Cell{.value = Bytes(blob.begin(), blob.end()), .raw_text = true};
}

}  // namespace

Result<RowKey> key_from_json(std::string_view text) {
  TRIUNE_ASSIGN(const auto tree, parse_json_tree(text));
  RowKey key;
  const auto* array = std::get_if<JsonTree::Array>(&tree.value);
  if (array == nullptr) return failure(ErrorCode::corruption, "the record of the migration is damaged");
  for (const auto& item : *array) {
    const auto* encoded = std::get_if<std::string>(&item.value);
    TRIUNE_ASSIGN(const Bytes bytes, model::parse_base64(encoded == nullptr ? "" : *encoded));
    TRIUNE_ASSIGN(auto cell, decode(base::as_text(bytes)));
    key.push_back(std::move(cell));
  }
  return key;
}

}  // namespace triune::intake::legacy
