#include "intake/legacy_sqlite/server_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/file.h"
#include "base/try.h"
#include "model/json.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

/// Up to here every integer is a double.
constexpr std::int64_t exact_in_double = std::int64_t{1} << 53U;
constexpr std::string_view blob_mark = "\\x";

bool is_whole(double number) {
  return std::abs(number) <= static_cast<double>(exact_in_double) && std::trunc(number) == number;
}

bool is_exact(std::int64_t number) {
  return number >= -exact_in_double && number <= exact_in_double;
}

/// The shortest text that reads back as the same number, which no integer has.
std::string spelled(double number) {
  auto text = fmt::format("{}", number);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string spelled(const Bytes& bytes) {
  std::string text(blob_mark);
  for (const auto byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

/// Nothing for what `spelled` did not write.
std::optional<Bytes> as_blob(const std::string& text) {
  if (!text.starts_with(blob_mark) || text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  for (std::size_t i = blob_mark.size(); i < text.size(); i += 2) {
    unsigned byte = 0;
    const auto read = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (read.ec != std::errc() || read.ptr != text.data() + i + 2) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

std::optional<std::int64_t> as_integer(const std::string& text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return fmt::format("{}", number) == text ? std::optional(number) : std::nullopt;
}

std::optional<double> as_real(const std::string& text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return spelled(number) == text ? std::optional(number) : std::nullopt;
}

Cell text_of(const Bytes& bytes) {
  const auto view = base::as_text(bytes);
  if (model::is_storable_text(view)) return {.value = std::string(view)};
  return {.value = bytes, .raw_text = true};
}

/// For a column without values: what its declared type promises.
std::string type_by_affinity(std::string_view declared_type, std::string_view affinity) {
  const auto type = placement::small_letters(declared_type);
  const auto has = [&](std::string_view word) { return type.find(word) != std::string::npos; };
  if (affinity == "integer" || has("bool")) return "bigint";
  if (affinity == "text" || has("date") || has("time") || has("json") || type.empty()) return "text";
  return affinity == "blob" ? "bytea" : "double precision";
}

}  // namespace

void ColumnCensus::add(const Cell& cell) {
  if (is_null(cell.value)) {
    ++nulls_;
  } else if (const auto* integer = std::get_if<std::int64_t>(&cell.value)) {
    ++integers_;
    large_integers_ += is_exact(*integer) ? 0 : 1;
  } else if (const auto* real = std::get_if<double>(&cell.value)) {
    ++reals_;
    whole_reals_ += is_whole(*real) ? 1 : 0;
  } else if (const auto* bytes = std::get_if<Bytes>(&cell.value)) {
    largest_bytes_ = std::max<std::uint64_t>(largest_bytes_, bytes->size());
    cell.raw_text ? ++texts_ : ++blobs_;
    odd_texts_ += cell.raw_text ? 1 : 0;
  } else if (const auto* text = std::get_if<std::string>(&cell.value)) {
    ++texts_;
    largest_bytes_ = std::max<std::uint64_t>(largest_bytes_, text->size());
    like_integers_ += as_integer(*text) ? 1 : 0;
    like_reals_ += as_real(*text) ? 1 : 0;
    like_blobs_ += text->starts_with(blob_mark) ? 1 : 0;
  }
}

std::vector<std::string> ColumnCensus::classes() const {
  std::vector<std::string> all;
  if (integers_ > 0) all.emplace_back("integer");
  if (reals_ > 0) all.emplace_back("real");
  if (texts_ > 0) all.emplace_back("text");
  if (blobs_ > 0) all.emplace_back("blob");
  return all;
}

std::optional<ColumnType> ColumnCensus::type(const std::string& column, std::string_view declared_type,
                                             std::string_view affinity) const {
  const auto holds = classes();
  const auto of = [&](std::string type) { return ColumnType{column, std::move(type), holds}; };
  if (holds.empty()) {
    const auto type = type_by_affinity(declared_type, affinity);
    const std::string held = type == "bigint" ? "integer" : type == "text" ? "text" : type == "bytea" ? "blob" : "real";
    return ColumnType{column, type, {held}};
  }
  if (holds.size() == 1 && integers_ > 0) return of("bigint");
  if (holds.size() == 1 && reals_ > 0) return of("double precision");
  if (holds.size() == 1 && blobs_ > 0) return of("bytea");
  if (holds.size() == 1) return of(odd_texts_ > 0 ? "bytea" : "text");
  const bool numbers = texts_ == 0 && blobs_ == 0;
  if (numbers && whole_reals_ == 0 && large_integers_ == 0) return of("double precision");
  const bool ambiguous = (integers_ > 0 && like_integers_ > 0) || (reals_ > 0 && like_reals_ > 0) ||
                         (blobs_ > 0 && like_blobs_ > 0) || odd_texts_ > 0;
  return ambiguous ? std::nullopt : std::optional(of("text"));
}

std::string ColumnCensus::refusal() const {
  if (odd_texts_ > 0)
    return fmt::format(
        "{} texts are no UTF-8 or hold NUL, which no text of PostgreSQL can, and the column holds other "
        "values too; mend them in the source, for instance with replace(…, char(0), '')",
        odd_texts_);
  return fmt::format(
      "it holds {} values, and {} texts are spelled like one of them, so that a column of one type cannot "
      "tell them apart; make them of one class in the source, with UPDATE … SET … = CAST(… AS …)",
      fmt::join(classes(), " and "), std::max({like_integers_, like_reals_, like_blobs_}));
}

Result<ServerColumns::Column> ServerColumns::column_of(const TablePlan& table, const ColumnType& type) {
  Column column;
  const auto wrong = [&](std::string_view what) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the plan of the table \"{}\": the column {} has {}; types are bigint, double "
                               "precision, text and bytea, and it holds integer, real, text or blob",
                               table.name, type.column, what));
  };
  if (type.type == "bigint") {
    column.type = Column::Type::bigint;
  } else if (type.type == "double precision") {
    column.type = Column::Type::real;
  } else if (type.type == "bytea") {
    column.type = Column::Type::bytes;
  } else if (type.type != "text") {
    return wrong(fmt::format("the type \"{}\"", type.type));
  }
  for (const auto& held : type.holds) {
    bool* const flag = held == "integer" ? &column.integers
                       : held == "real"  ? &column.reals
                       : held == "text"  ? &column.texts
                       : held == "blob"  ? &column.blobs
                                         : nullptr;
    if (flag == nullptr) return wrong(fmt::format("values of the class \"{}\"", held));
    *flag = true;
  }
  return column;
}

Result<ServerColumns> ServerColumns::make(const TablePlan& table) {
  ServerColumns columns;
  columns.table_ = table.name;
  for (const auto& type : table.types) {
    TRIUNE_ASSIGN(const auto column, column_of(table, type));
    columns.names_.push_back(type.column);
    columns.columns_.push_back(column);
  }
  return columns;
}

std::string ServerColumns::select() const {
  std::string list;
  for (const auto& name : names_) list += (list.empty() ? "" : ", ") + quote_identifier(name);
  return fmt::format("SELECT {} FROM {}", list, quote_identifier(table_));
}

std::optional<Value> ServerColumns::put(const Column& column, const Cell& cell) {
  if (is_null(cell.value)) return Null{};
  const auto* integer = std::get_if<std::int64_t>(&cell.value);
  const auto* real = std::get_if<double>(&cell.value);
  const auto* bytes = std::get_if<Bytes>(&cell.value);
  const auto* text = std::get_if<std::string>(&cell.value);
  switch (column.type) {
    case Column::Type::bigint: return integer != nullptr ? std::optional(cell.value) : std::nullopt;
    case Column::Type::real:
      if (integer != nullptr) return Value{static_cast<double>(*integer)};
      return real != nullptr ? std::optional(cell.value) : std::nullopt;
    case Column::Type::bytes:
      if (bytes != nullptr) return cell.value;
      if (text == nullptr) return std::nullopt;
      return Value{Bytes(base::as_bytes(*text).begin(), base::as_bytes(*text).end())};
    case Column::Type::text: break;
  }
  if (integer != nullptr) return Value{fmt::format("{}", *integer)};
  if (real != nullptr) return Value{spelled(*real)};
  if (bytes != nullptr && !cell.raw_text) return Value{spelled(*bytes)};
  return text != nullptr ? std::optional(cell.value) : std::nullopt;
}

Cell ServerColumns::from_text(const Column& column, const std::string& text) {
  if (column.integers)
    if (const auto number = as_integer(text)) return {.value = *number};
  if (column.reals)
    if (const auto number = as_real(text)) return {.value = *number};
  if (column.blobs)
    if (auto bytes = as_blob(text)) return {.value = std::move(*bytes)};
  return {.value = text};
}

Cell ServerColumns::from_bytes(const Column& column, const Bytes& bytes) {
  return column.texts && !column.blobs ? text_of(bytes) : Cell{.value = bytes};
}

Cell ServerColumns::take(const Column& column, const Value& value) {
  if (is_null(value)) return {};
  if (const auto* real = std::get_if<double>(&value); real != nullptr && column.type == Column::Type::real)
    if (column.integers && is_whole(*real)) return {.value = static_cast<std::int64_t>(*real)};
  if (const auto* text = std::get_if<std::string>(&value)) return from_text(column, *text);
  if (const auto* bytes = std::get_if<Bytes>(&value)) return from_bytes(column, *bytes);
  return {.value = value};
}

bool ServerColumns::Column::expects(const Cell& cell) const {
  if (is_null(cell.value)) return true;
  if (std::holds_alternative<std::int64_t>(cell.value)) return integers;
  if (std::holds_alternative<double>(cell.value)) return reals;
  return cell.raw_text || std::holds_alternative<std::string>(cell.value) ? texts : blobs;
}

Status ServerColumns::put(std::span<const Cell> row, std::vector<Value>& values) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto value = columns_[i].expects(row[i]) ? put(columns_[i], row[i]) : std::nullopt;
    bool same = value.has_value();
    if (same && !columns_[i].is_plain()) {
      std::string before;
      std::string after;
      encode(before, row[i]);
      encode(after, take(columns_[i], *value));
      same = before == after;
    }
    if (!same)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{}.{} holds {}, which its type on the server cannot give back as it is; make the "
                                 "plan anew with `triune migrate plan`",
                                 table_, names_[i], to_text(row[i].value).substr(0, 100)));
    values.push_back(std::move(*value));
  }
  return {};
}

void ServerColumns::take(std::span<const Value> selected, std::vector<Cell>& row) const {
  row.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) row[i] = take(columns_[i], selected[i]);
}

}  // namespace triune::intake::legacy
