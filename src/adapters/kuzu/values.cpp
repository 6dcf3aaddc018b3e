#include "adapters/kuzu/values.h"

#include <common/types/value/nested.h>
#include <common/types/value/node.h>
#include <common/types/value/recursive_rel.h>
#include <common/types/value/rel.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <map>

#include "model/json.h"

namespace triune::adapters::kuzu {
namespace {

using ::kuzu::common::LogicalType;
using ::kuzu::common::LogicalTypeID;
using ::kuzu::common::NestedVal;
using ::kuzu::common::NodeVal;
using ::kuzu::common::RecursiveRelVal;
using ::kuzu::common::RelVal;
using ::kuzu::common::StructField;
using ::kuzu::common::StructType;
using NativeValue = ::kuzu::common::Value;
using NativePointer = std::unique_ptr<NativeValue>;

LogicalType type_of(contract::PropertyType type) {
  switch (type) {
    case contract::PropertyType::boolean: return LogicalType::BOOL();
    case contract::PropertyType::int64: return LogicalType::INT64();
    case contract::PropertyType::float64: return LogicalType::DOUBLE();
    case contract::PropertyType::text: return LogicalType::STRING();
  }
  return LogicalType::STRING();
}

NativePointer text_value(std::string_view text) {
  return std::make_unique<NativeValue>(LogicalType::STRING(), std::string(text));
}

struct ScalarMaker {
  NativePointer operator()(Null) const { return std::make_unique<NativeValue>(NativeValue::createNullValue()); }
  NativePointer operator()(bool value) const { return std::make_unique<NativeValue>(value); }
  NativePointer operator()(std::int64_t value) const { return std::make_unique<NativeValue>(value); }
  NativePointer operator()(double value) const { return std::make_unique<NativeValue>(value); }
  NativePointer operator()(const std::string& value) const { return text_value(value); }
  NativePointer operator()(const Json& value) const { return text_value(value.text); }
  NativePointer operator()(const Bytes& value) const {
    return std::make_unique<NativeValue>(LogicalType::BLOB(),
                                         std::string(reinterpret_cast<const char*>(value.data()), value.size()));
  }
};

NativePointer cell(const Value& value, contract::PropertyType type) {
  if (is_null(value)) return std::make_unique<NativeValue>(NativeValue::createNullValue(type_of(type)));
  if (const auto* integer = std::get_if<std::int64_t>(&value); integer && type == contract::PropertyType::float64)
    return std::make_unique<NativeValue>(static_cast<double>(*integer));
  return std::visit(ScalarMaker{}, value);
}

NativePointer table_value(const ArgumentTable& table) {
  std::vector<StructField> fields;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    fields.emplace_back("c" + std::to_string(i), type_of(table.columns[i]));
  auto row_type = LogicalType::STRUCT(std::move(fields));
  std::vector<NativePointer> rows;
  rows.reserve(table.rows.size());
  for (const auto& row : table.rows) {
    std::vector<NativePointer> cells;
    cells.reserve(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) cells.push_back(cell(row[i], table.columns[i]));
    rows.push_back(std::make_unique<NativeValue>(row_type.copy(), std::move(cells)));
  }
  return std::make_unique<NativeValue>(LogicalType::LIST(std::move(row_type)), std::move(rows));
}

NativePointer list_value(const std::vector<std::string>& texts) {
  std::vector<NativePointer> items;
  items.reserve(texts.size());
  for (const auto& text : texts) items.push_back(text_value(text));
  return std::make_unique<NativeValue>(LogicalType::LIST(LogicalType::STRING()), std::move(items));
}

// "2024-05-01 10:00:00" with the T of ISO 8601.
std::string iso_time(std::string text) {
  if (const auto blank = text.find(' '); blank != std::string::npos) text[blank] = 'T';
  return text;
}

void append_json(std::string& to, const NativeValue& value);

// Where the ids of the nodes of a path are found again for its relationships, by their internal id.
using NodeIds = std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>;

std::pair<std::uint64_t, std::uint64_t> internal_id(const NativeValue& value) {
  return {value.val.internalIDVal.tableID, value.val.internalIDVal.offset};
}

class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& to) : to_(to) { to_ += '{'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;
  ~ObjectWriter() { to_ += '}'; }

  std::string& member(std::string_view name) {
    if (!first_) to_ += ',';
    first_ = false;
    model::append_json_string(to_, name);
    to_ += ':';
    return to_;
  }

 private:
  std::string& to_;
  bool first_ = true;
};

void append_node(std::string& to, const NativeValue& node) {
  ObjectWriter object(to);
  model::append_json_string(object.member("_label"), NodeVal::getLabelVal(&node)->strVal);
  for (std::uint64_t i = 0; i < NodeVal::getNumProperties(&node); ++i) {
    const auto* property = NodeVal::getPropertyVal(&node, i);
    if (!property->isNull()) append_json(object.member(NodeVal::getPropertyName(&node, i)), *property);
  }
}

void append_relationship(std::string& to, const NativeValue& relationship, const NodeIds& ids) {
  ObjectWriter object(to);
  model::append_json_string(object.member("_label"), RelVal::getLabelVal(&relationship)->strVal);
  const auto append_end = [&](std::string_view name, const NativeValue* end) {
    const auto found = ids.find(internal_id(*end));
    if (found != ids.end()) model::append_json_string(object.member(name), found->second);
  };
  append_end("_from", RelVal::getSrcNodeIDVal(&relationship));
  append_end("_to", RelVal::getDstNodeIDVal(&relationship));
  for (std::uint64_t i = 0; i < RelVal::getNumProperties(&relationship); ++i) {
    const auto* property = RelVal::getPropertyVal(&relationship, i);
    if (!property->isNull()) append_json(object.member(RelVal::getPropertyName(&relationship, i)), *property);
  }
}

void append_path(std::string& to, const NativeValue& path) {
  NodeIds ids;
  ObjectWriter object(to);
  auto& nodes_text = object.member("nodes");
  nodes_text += '[';
  const auto* nodes = RecursiveRelVal::getNodes(&path);
  for (std::uint32_t i = 0; i < NestedVal::getChildrenSize(nodes); ++i) {
    const auto* node = NestedVal::getChildVal(nodes, i);
    if (i > 0) nodes_text += ',';
    append_node(nodes_text, *node);
    for (std::uint64_t j = 0; j < NodeVal::getNumProperties(node); ++j)
      if (NodeVal::getPropertyName(node, j) == "id")
        ids[internal_id(*NodeVal::getNodeIDVal(node))] = NodeVal::getPropertyVal(node, j)->strVal;
  }
  nodes_text += ']';
  auto& edges_text = object.member("edges");
  edges_text += '[';
  const auto* relationships = RecursiveRelVal::getRels(&path);
  for (std::uint32_t i = 0; i < NestedVal::getChildrenSize(relationships); ++i) {
    if (i > 0) edges_text += ',';
    append_relationship(edges_text, *NestedVal::getChildVal(relationships, i), ids);
  }
  edges_text += ']';
}

void append_list(std::string& to, const NativeValue& list) {
  to += '[';
  for (std::uint32_t i = 0; i < NestedVal::getChildrenSize(&list); ++i) {
    if (i > 0) to += ',';
    append_json(to, *NestedVal::getChildVal(&list, i));
  }
  to += ']';
}

void append_struct(std::string& to, const NativeValue& value) {
  const auto names = StructType::getFieldNames(value.getDataType());
  ObjectWriter object(to);
  for (std::uint32_t i = 0; i < NestedVal::getChildrenSize(&value); ++i)
    append_json(object.member(names[i]), *NestedVal::getChildVal(&value, i));
}

// A map is a list of {key, value}.
void append_map(std::string& to, const NativeValue& map) {
  ObjectWriter object(to);
  for (std::uint32_t i = 0; i < NestedVal::getChildrenSize(&map); ++i) {
    const auto* entry = NestedVal::getChildVal(&map, i);
    append_json(object.member(to_text(from_native(*NestedVal::getChildVal(entry, 0)))),
                *NestedVal::getChildVal(entry, 1));
  }
}

// True when the value is nested and was written.
bool append_nested(std::string& to, const NativeValue& value) {
  switch (value.getDataType().getLogicalTypeID()) {
    case LogicalTypeID::NODE: append_node(to, value); return true;
    case LogicalTypeID::REL: append_relationship(to, value, {}); return true;
    case LogicalTypeID::RECURSIVE_REL: append_path(to, value); return true;
    case LogicalTypeID::LIST:
    case LogicalTypeID::ARRAY: append_list(to, value); return true;
    case LogicalTypeID::STRUCT: append_struct(to, value); return true;
    case LogicalTypeID::MAP: append_map(to, value); return true;
    default: return false;
  }
}

void append_json(std::string& to, const NativeValue& value) {
  if (value.isNull())
    to += "null";
  else if (!append_nested(to, value))
    to += to_json(from_native(value));
}

Value unsigned_value(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::to_string(value);
  return static_cast<std::int64_t>(value);
}

/// A number where it is one of 64 bits, otherwise its digits.
Value wide_value(const NativeValue& value) {
  auto digits = value.toString();
  std::int64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec == std::errc{} && read.ptr == digits.data() + digits.size()) return number;
  return digits;
}

}  // namespace

std::unique_ptr<NativeValue> to_native(const Argument& argument) {
  if (const auto* value = std::get_if<Value>(&argument)) return std::visit(ScalarMaker{}, *value);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&argument)) return list_value(*texts);
  return table_value(std::get<ArgumentTable>(argument));
}

contract::ColumnType column_type(const ::kuzu::common::LogicalType& type) {
  using contract::ColumnType;
  switch (type.getLogicalTypeID()) {
    case LogicalTypeID::BOOL: return ColumnType::boolean;
    case LogicalTypeID::SERIAL:
    case LogicalTypeID::INT128:  // as sum() of integers has
    case LogicalTypeID::INT64:
    case LogicalTypeID::INT32:
    case LogicalTypeID::INT16:
    case LogicalTypeID::INT8:
    case LogicalTypeID::UINT64:
    case LogicalTypeID::UINT32:
    case LogicalTypeID::UINT16:
    case LogicalTypeID::UINT8: return ColumnType::int64;
    case LogicalTypeID::DOUBLE:
    case LogicalTypeID::FLOAT: return ColumnType::float64;
    case LogicalTypeID::NODE:
    case LogicalTypeID::REL:
    case LogicalTypeID::RECURSIVE_REL:
    case LogicalTypeID::LIST:
    case LogicalTypeID::ARRAY:
    case LogicalTypeID::STRUCT:
    case LogicalTypeID::MAP: return ColumnType::json;
    default: return ColumnType::text;
  }
}

Value from_native(const NativeValue& value) {
  if (value.isNull()) return Null{};
  switch (value.getDataType().getLogicalTypeID()) {
    case LogicalTypeID::BOOL: return value.val.booleanVal;
    case LogicalTypeID::SERIAL:
    case LogicalTypeID::INT64: return value.val.int64Val;
    case LogicalTypeID::INT128: return wide_value(value);
    case LogicalTypeID::INT32: return static_cast<std::int64_t>(value.val.int32Val);
    case LogicalTypeID::INT16: return static_cast<std::int64_t>(value.val.int16Val);
    case LogicalTypeID::INT8: return static_cast<std::int64_t>(value.val.int8Val);
    case LogicalTypeID::UINT64: return unsigned_value(value.val.uint64Val);
    case LogicalTypeID::UINT32: return static_cast<std::int64_t>(value.val.uint32Val);
    case LogicalTypeID::UINT16: return static_cast<std::int64_t>(value.val.uint16Val);
    case LogicalTypeID::UINT8: return static_cast<std::int64_t>(value.val.uint8Val);
    case LogicalTypeID::DOUBLE: return value.val.doubleVal;
    case LogicalTypeID::FLOAT: return static_cast<double>(value.val.floatVal);
    case LogicalTypeID::STRING: return value.strVal;
    case LogicalTypeID::BLOB: {
      Bytes bytes(value.strVal.size());
      std::memcpy(bytes.data(), value.strVal.data(), bytes.size());
      return bytes;
    }
    case LogicalTypeID::TIMESTAMP:
    case LogicalTypeID::TIMESTAMP_SEC:
    case LogicalTypeID::TIMESTAMP_MS:
    case LogicalTypeID::TIMESTAMP_NS:
    case LogicalTypeID::TIMESTAMP_TZ: return iso_time(value.toString());
    case LogicalTypeID::UNION: return from_native(*NestedVal::getChildVal(&value, 0));
    default: break;
  }
  std::string text;
  if (append_nested(text, value)) return Json{std::move(text)};
  return value.toString();  // DATE (ISO already), INTERVAL, DECIMAL, UUID, INTERNAL_ID
}

}  // namespace triune::adapters::kuzu
