#include "front/cli/change_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "base/file.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::front {
namespace {

constexpr std::size_t largest_commit = 100'000;

struct FieldRule {
  std::string_view name;
  bool required = true;
};

/// One operation: its name, the fields it may have, and how a change is made of them.
struct Operation {
  std::string_view name;
  std::span<const FieldRule> fields;
  Result<Change> (*build)(const Record& line);
};

std::unexpected<Error> refuse(std::string message) {
  return failure(ErrorCode::invalid_argument, std::move(message));
}

Result<std::string> text_field(const Record& line, std::string_view name) {
  const Value* value = find(line, name);
  if (value == nullptr) return refuse(fmt::format("the field \"{}\" is missing", name));
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  return refuse(fmt::format("\"{}\" must be a string, not {}", name, to_json(*value)));
}

/// Ids are text; a whole number is taken as its digits, which is what people write.
Result<std::string> to_id(const Value& value, std::string_view name) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return refuse(fmt::format("\"{}\" must be a string or a whole number, not {}", name, to_json(value)));
}

Result<std::string> id_field(const Record& line, std::string_view name) {
  const Value* value = find(line, name);
  if (value == nullptr) return refuse(fmt::format("the field \"{}\" is missing", name));
  return to_id(*value, name);
}

/// The members of an object; an optional field that is absent has none.
Result<Record> object_field(const Record& line, std::string_view name) {
  const Value* value = find(line, name);
  if (value == nullptr) return Record{};
  const auto* json = std::get_if<Json>(value);
  if (json == nullptr || !json->text.starts_with('{'))
    return refuse(fmt::format("\"{}\" must be an object, not {}", name, to_json(*value)));
  return model::parse_json_object(json->text);
}

/// ["Label", "id"], the short form of a node.
Result<NodeReference> node_of_array(std::string_view text, std::string_view name) {
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(text.data(), text.size(), true).get(array) != simdjson::SUCCESS || array.size() != 2)
    return refuse(fmt::format("\"{}\" must be {{\"label\":…,\"id\":…}} or [\"Label\",\"id\"], not {}", name, text));
  std::string_view label;
  if (array.at(0).get(label) != simdjson::SUCCESS)
    return refuse(fmt::format("the label in \"{}\" must be a string, not {}", name, text));
  TRIUNE_ASSIGN(const Value id, model::parse_json(simdjson::minify(array.at(1).value_unsafe())));
  TRIUNE_ASSIGN(std::string id_text, to_id(id, name));
  return NodeReference{std::string(label), std::move(id_text)};
}

Status refuse_unknown(const Record& record, std::span<const FieldRule> rules, std::string_view where) {
  for (const auto& field : record) {
    if (std::ranges::find(rules, field.name, &FieldRule::name) != rules.end()) continue;
    std::vector<std::string_view> names;
    for (const auto& rule : rules) names.push_back(rule.name);
    return refuse(fmt::format("unknown field \"{}\" in {}; it has {}", field.name, where, fmt::join(names, ", ")));
  }
  return {};
}

constexpr std::array<FieldRule, 2> node_fields{{{"label"}, {"id"}}};

Result<NodeReference> node_field(const Record& line, std::string_view name) {
  const Value* value = find(line, name);
  if (value == nullptr) return refuse(fmt::format("the field \"{}\" is missing", name));
  const auto* json = std::get_if<Json>(value);
  if (json == nullptr)
    return refuse(
        fmt::format("\"{}\" must be {{\"label\":…,\"id\":…}} or [\"Label\",\"id\"], not {}", name, to_json(*value)));
  if (json->text.starts_with('[')) return node_of_array(json->text, name);
  TRIUNE_ASSIGN(const Record node, model::parse_json_object(json->text));
  TRIUNE_TRY(refuse_unknown(node, node_fields, fmt::format("\"{}\"", name)));
  TRIUNE_ASSIGN(std::string label, text_field(node, "label"));
  TRIUNE_ASSIGN(std::string id, id_field(node, "id"));
  return NodeReference{std::move(label), std::move(id)};
}

Result<EdgeReference> edge_fields_of(const Record& line) {
  TRIUNE_ASSIGN(std::string type, text_field(line, "type"));
  TRIUNE_ASSIGN(NodeReference from, node_field(line, "from"));
  TRIUNE_ASSIGN(NodeReference to, node_field(line, "to"));
  return EdgeReference{std::move(type), std::move(from), std::move(to)};
}

Result<NodeReference> node_fields_of(const Record& line) {
  TRIUNE_ASSIGN(std::string label, text_field(line, "label"));
  TRIUNE_ASSIGN(std::string id, id_field(line, "id"));
  return NodeReference{std::move(label), std::move(id)};
}

Result<Change> put_row(const Record& line) {
  TRIUNE_ASSIGN(std::string table, text_field(line, "table"));
  TRIUNE_ASSIGN(Record values, object_field(line, "values"));
  return PutRow{std::move(table), std::move(values)};
}

Result<Change> delete_row(const Record& line) {
  TRIUNE_ASSIGN(std::string table, text_field(line, "table"));
  TRIUNE_ASSIGN(Record key, object_field(line, "key"));
  return DeleteRow{std::move(table), std::move(key)};
}

Result<Change> put_node(const Record& line) {
  TRIUNE_ASSIGN(NodeReference node, node_fields_of(line));
  TRIUNE_ASSIGN(Record properties, object_field(line, "properties"));
  return PutNode{std::move(node), std::move(properties)};
}

Result<Change> delete_node(const Record& line) {
  TRIUNE_ASSIGN(NodeReference node, node_fields_of(line));
  return DeleteNode{std::move(node)};
}

Result<Change> put_edge(const Record& line) {
  TRIUNE_ASSIGN(EdgeReference edge, edge_fields_of(line));
  TRIUNE_ASSIGN(Record properties, object_field(line, "properties"));
  return PutEdge{std::move(edge), std::move(properties)};
}

Result<Change> delete_edge(const Record& line) {
  TRIUNE_ASSIGN(EdgeReference edge, edge_fields_of(line));
  return DeleteEdge{std::move(edge)};
}

Result<Change> put_vector(const Record& line) {
  TRIUNE_ASSIGN(std::string collection, text_field(line, "collection"));
  PutVector vector{.collection = std::move(collection)};
  TRIUNE_ASSIGN(vector.id, id_field(line, "id"));
  if (find(line, "text") != nullptr) {
    TRIUNE_ASSIGN(vector.text, text_field(line, "text"));
  }
  const auto* json = std::get_if<Json>(find(line, "vector"));
  const bool array = json != nullptr && json->text.starts_with('[');
  if (!array && (vector.text.empty() || find(line, "vector") != nullptr))
    return refuse(
        "a put_vector has a \"vector\", an array of numbers as in [0.5, -1, 2e-3], or a \"text\" to be embedded");
  if (array) {
    TRIUNE_ASSIGN(vector.values, model::parse_json_vector(json->text));
  }
  TRIUNE_ASSIGN(vector.metadata, object_field(line, "metadata"));
  return vector;
}

Result<Change> delete_vector(const Record& line) {
  TRIUNE_ASSIGN(std::string collection, text_field(line, "collection"));
  TRIUNE_ASSIGN(std::string id, id_field(line, "id"));
  return DeleteVector{std::move(collection), std::move(id)};
}

Result<Bytes> blob_bytes(const Record& line) {
  const auto given = std::ranges::count_if(
      line, [](const Field& field) { return field.name == "text" || field.name == "base64" || field.name == "file"; });
  if (given != 1) return refuse("a put_blob has exactly one of \"text\", \"base64\" and \"file\"");
  if (find(line, "base64") != nullptr) {
    TRIUNE_ASSIGN(const std::string text, text_field(line, "base64"));
    return model::parse_base64(text);
  }
  if (find(line, "file") != nullptr) {
    TRIUNE_ASSIGN(const std::string path, text_field(line, "file"));
    return base::read_file(path);
  }
  TRIUNE_ASSIGN(const std::string text, text_field(line, "text"));
  const auto bytes = base::as_bytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

Result<Change> put_blob(const Record& line) {
  TRIUNE_ASSIGN(std::string owner, text_field(line, "owner"));
  TRIUNE_ASSIGN(std::string name, text_field(line, "name"));
  TRIUNE_ASSIGN(Bytes bytes, blob_bytes(line));
  return PutBlob{std::move(owner), std::move(name), std::move(bytes)};
}

Result<Change> delete_blob(const Record& line) {
  TRIUNE_ASSIGN(std::string owner, text_field(line, "owner"));
  TRIUNE_ASSIGN(std::string name, text_field(line, "name"));
  return DeleteBlob{std::move(owner), std::move(name)};
}

constexpr FieldRule op{"op"};
constexpr std::array<FieldRule, 3> put_row_fields{{op, {"table"}, {"values"}}};
constexpr std::array<FieldRule, 3> delete_row_fields{{op, {"table"}, {"key"}}};
constexpr std::array<FieldRule, 4> put_node_fields{{op, {"label"}, {"id"}, {"properties", false}}};
constexpr std::array<FieldRule, 3> delete_node_fields{{op, {"label"}, {"id"}}};
constexpr std::array<FieldRule, 5> put_edge_fields{{op, {"type"}, {"from"}, {"to"}, {"properties", false}}};
constexpr std::array<FieldRule, 4> delete_edge_fields{{op, {"type"}, {"from"}, {"to"}}};
constexpr std::array<FieldRule, 6> put_vector_fields{
    {op, {"collection"}, {"id"}, {"vector", false}, {"text", false}, {"metadata", false}}};
constexpr std::array<FieldRule, 3> delete_vector_fields{{op, {"collection"}, {"id"}}};
constexpr std::array<FieldRule, 6> put_blob_fields{
    {op, {"owner"}, {"name"}, {"text", false}, {"base64", false}, {"file", false}}};
constexpr std::array<FieldRule, 3> delete_blob_fields{{op, {"owner"}, {"name"}}};

constexpr std::array<Operation, 10> operations{{
    {"put_row", put_row_fields, put_row},
    {"delete_row", delete_row_fields, delete_row},
    {"put_node", put_node_fields, put_node},
    {"delete_node", delete_node_fields, delete_node},
    {"put_edge", put_edge_fields, put_edge},
    {"delete_edge", delete_edge_fields, delete_edge},
    {"put_vector", put_vector_fields, put_vector},
    {"delete_vector", delete_vector_fields, delete_vector},
    {"put_blob", put_blob_fields, put_blob},
    {"delete_blob", delete_blob_fields, delete_blob},
}};

Result<const Operation*> operation_of(const Record& line) {
  TRIUNE_ASSIGN(const std::string name, text_field(line, "op"));
  const auto* const found = std::ranges::find(operations, name, &Operation::name);
  if (found != operations.end()) return found;
  std::vector<std::string_view> names;
  for (const auto& operation : operations) names.push_back(operation.name);
  return refuse(fmt::format("unknown op \"{}\"; there are {}", name, fmt::join(names, ", ")));
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

Result<Change> parse_change(std::string_view line) {
  TRIUNE_ASSIGN(const Record record, model::parse_json_object(line));
  TRIUNE_ASSIGN(const Operation* operation, operation_of(record));
  TRIUNE_TRY(refuse_unknown(record, operation->fields, operation->name));
  for (const auto& rule : operation->fields)
    if (rule.required && find(record, rule.name) == nullptr)
      return refuse(fmt::format("{} needs the field \"{}\"", operation->name, rule.name));
  return operation->build(record);
}

Result<std::vector<Change>> read_change_lines(std::istream& lines, std::string_view source) {
  std::vector<Change> changes;
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (is_blank(line)) continue;
    if (changes.size() == largest_commit)
      return refuse(fmt::format("{}:{}: a commit holds at most {} changes; split the file, or use `triune load`",
                                source, number, largest_commit));
    auto change = parse_change(line);
    if (!change) {
      Error error = std::move(change.error());
      error.message = fmt::format("{}:{}: {}", source, number, error.message);
      return std::unexpected(std::move(error));
    }
    changes.push_back(std::move(*change));
  }
  if (changes.empty()) return refuse(fmt::format("{}: there is no change in it", source));
  return changes;
}

}  // namespace triune::front
