// Typed values: what a column, a property, a parameter or a result cell holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace triune {

/// Raw bytes.
using Bytes = std::vector<std::byte>;

/// A JSON document kept as its text: nested results (nodes, lists, maps) and JSON columns.
struct Json {
  std::string text;
  bool operator==(const Json&) const = default;
};

/// The absence of a value: SQL's and Cypher's NULL.
using Null = std::monostate;

/// One value. Integers are 64 bit signed; text is valid UTF-8 and may hold any character but NUL.
using Value = std::variant<Null, bool, std::int64_t, double, std::string, Bytes, Json>;

/// A named value.
struct Field {
  std::string name;
  Value value;
  bool operator==(const Field&) const = default;
};

/// Named values in the order given; a name occurs once.
using Record = std::vector<Field>;

/// The value called `name` in `record`, or nullptr. The pointer lives as long as the record.
const Value* find(const Record& record, std::string_view name) noexcept;

/// Whether `value` is NULL.
inline bool is_null(const Value& value) noexcept {
  return std::holds_alternative<Null>(value);
}

/// `value` as the command line prints it in a table: NULL as "", bytes as hexadecimal, JSON as its text.
std::string to_text(const Value& value);

/// `value` as JSON text. Bytes become a string of base64; a NaN or infinity becomes null, which JSON lacks.
std::string to_json(const Value& value);

/// `record` as a JSON object with the fields in their order.
std::string to_json(const Record& record);

/// A table of results. Every row has as many cells as there are columns.
struct RowSet {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
  bool truncated = false;  ///< True when the row limit cut the result off.
};

}  // namespace triune
