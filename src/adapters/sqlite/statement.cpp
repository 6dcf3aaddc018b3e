#include "adapters/sqlite/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::sqlite {
namespace {

Bytes copy_bytes(const void* data, int size) {
  const auto* first = static_cast<const std::byte*>(data);
  return size == 0 ? Bytes() : Bytes(first, first + size);
}

/// Other programs can store text that Value cannot hold (not UTF-8, or with NUL); it is handed out as the bytes it is.
Value text_or_bytes(const unsigned char* data, int size) {
  const std::string_view text(data == nullptr ? "" : reinterpret_cast<const char*>(data),
                              static_cast<std::size_t>(size));
  if (model::is_storable_text(text)) return std::string(text);
  return copy_bytes(data, size);
}

Value column_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* data = sqlite3_column_text(statement, column);
      return text_or_bytes(data, sqlite3_column_bytes(statement, column));
    }
    case SQLITE_BLOB: {
      const void* data = sqlite3_column_blob(statement, column);
      return copy_bytes(data, sqlite3_column_bytes(statement, column));
    }
    default: return Null{};
  }
}

void give_text(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace

Result<Statement> Statement::compile(sqlite3* database, std::string_view sql, unsigned flags, std::string_view& rest) {
  if (sql.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return refuse(ErrorCode::resource_exhausted, "the statement is longer than 2 GiB; split it");
  if (const auto nul = sql.find('\0'); nul != std::string_view::npos)
    return refuse(ErrorCode::invalid_argument, fmt::format("the statement holds a NUL character at byte {}", nul));
  sqlite3_stmt* handle = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), flags, &handle, &tail);
  if (code != SQLITE_OK) return sqlite_failure(database, code, sql);
  rest = sql.substr(tail == nullptr ? sql.size() : static_cast<std::size_t>(tail - sql.data()));
  Statement statement;
  statement.handle_.reset(handle);
  return statement;
}

std::vector<std::string> Statement::column_names() const {
  std::vector<std::string> names;
  const int count = sqlite3_column_count(handle_.get());
  names.reserve(static_cast<std::size_t>(count));
  for (int column = 0; column < count; ++column) {
    const char* name = sqlite3_column_name(handle_.get(), column);
    names.emplace_back(name == nullptr ? "" : name);
  }
  return names;
}

Status Statement::bind(std::span<const Value> values) {
  const auto expected = static_cast<std::size_t>(sqlite3_bind_parameter_count(handle_.get()));
  if (values.size() != expected)
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("the statement has {} parameters and {} values were given", expected, values.size()));
  for (std::size_t index = 0; index < values.size(); ++index)
    TRIUNE_TRY(bind_one(static_cast<int>(index) + 1, values[index]));
  return {};
}

Status Statement::bind_one(int index, const Value& value) {
  int code = SQLITE_OK;
  if (is_null(value)) {
    code = sqlite3_bind_null(handle_.get(), index);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    code = sqlite3_bind_int64(handle_.get(), index, *flag ? 1 : 0);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    code = sqlite3_bind_int64(handle_.get(), index, *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isnan(*real))
      return refuse(ErrorCode::invalid_argument,
                    fmt::format("parameter {} is NaN, which SQLite would store as NULL; give NULL or a number", index));
    code = sqlite3_bind_double(handle_.get(), index, *real);
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    // A null pointer would bind NULL; an empty blob is a value of its own.
    const void* data = bytes->empty() ? static_cast<const void*>("") : bytes->data();
    code = sqlite3_bind_blob64(handle_.get(), index, data, bytes->size(), SQLITE_STATIC);
  } else if (const auto* json = std::get_if<Json>(&value)) {
    return bind_text(index, json->text);
  } else {
    return bind_text(index, std::get<std::string>(value));
  }
  if (code != SQLITE_OK) return sqlite_failure(database(), code);
  return {};
}

Status Statement::bind_text(int index, std::string_view text) {
  if (!model::is_storable_text(text))
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("parameter {} is not UTF-8 text without NUL; give bytes instead", index));
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(handle_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) return sqlite_failure(database(), code);
  return {};
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_failure(database(), code);
}

void Statement::read_row(std::vector<Value>& row) const {
  const int count = sqlite3_data_count(handle_.get());
  row.resize(static_cast<std::size_t>(count));
  for (int column = 0; column < count; ++column)
    row[static_cast<std::size_t>(column)] = column_value(handle_.get(), column);
}

Value value_of(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_value_int64(value));
    case SQLITE_FLOAT: return sqlite3_value_double(value);
    case SQLITE_TEXT: {
      const auto* data = sqlite3_value_text(value);
      return text_or_bytes(data, sqlite3_value_bytes(value));
    }
    case SQLITE_BLOB: {
      const void* data = sqlite3_value_blob(value);
      return copy_bytes(data, sqlite3_value_bytes(value));
    }
    default: return Null{};
  }
}

void give_result(sqlite3_context* context, const Value& value) {
  if (is_null(value)) return sqlite3_result_null(context);
  if (const auto* flag = std::get_if<bool>(&value)) return sqlite3_result_int(context, *flag ? 1 : 0);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return sqlite3_result_int64(context, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_result_double(context, *real);
  if (const auto* bytes = std::get_if<Bytes>(&value))
    return sqlite3_result_blob64(context, bytes->empty() ? static_cast<const void*>("") : bytes->data(), bytes->size(),
                                 SQLITE_TRANSIENT);
  if (const auto* json = std::get_if<Json>(&value)) return give_text(context, json->text);
  give_text(context, std::get<std::string>(value));
}

bool mentions(std::string_view sql, std::string_view word) {
  const auto same = [](char one, char small) { return one == small || (one | 0x20) == small; };
  return std::search(sql.begin(), sql.end(), word.begin(), word.end(), same) != sql.end();
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

}  // namespace triune::adapters::sqlite
