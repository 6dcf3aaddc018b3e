// Characteristics out of an assessment, and out of JSON.
#include <fmt/format.h>

#include <cmath>

#include "base/try.h"
#include "model/json.h"
#include "placement/classify.h"
#include "placement/json_list.h"
#include "placement/names.h"

namespace triune::placement {
namespace {

/// Texts that are longer on average are prose; documents and vectors are told apart by what they hold.
constexpr std::uint64_t prose_bytes = 80;

bool is_vector(const Assessment& report, const TableReport& table, const ColumnReport& column) {
  for (const auto& vector : report.vectors)
    if (vector.table == table.name && vector.column == column.name) return true;
  return false;
}

Characteristics of_table(const Assessment& report, const TableReport& table) {
  Characteristics data{.name = table.name, .rows = table.rows, .bytes = table.bytes};
  for (const auto& relationship : report.relationships) {
    if (relationship.table != table.name) continue;
    data.relationships.push_back({.type = relationship.edge_type,
                                  .from = relationship.from_table,
                                  .to = relationship.to_table,
                                  .edges = relationship.network.edges,
                                  .complexity = relationship.network.complexity,
                                  .sampled = relationship.network.sampled});
    data.multi_hop_share = relationship.network.multi_hop_share;
  }
  for (const auto& vector : report.vectors)
    if (vector.table == table.name)
      data.vectors.push_back({.column = vector.column,
                              .dimension = vector.dimension,
                              .count = vector.count,
                              .normalized = vector.normalized(),
                              .metric = {}});
  for (const auto& column : table.columns) {
    data.large_documents += column.large_json;
    const bool prose = column.texts > 0 && column.bytes / column.texts >= prose_bytes && column.large_json == 0;
    if (prose && !is_vector(report, table, column)) data.text_columns.push_back(column.name);
  }
  for (const auto& key : table.foreign_keys)
    if (!key.indexed && !key.create_index.empty()) data.missing_indexes.push_back(key.create_index);
  return data;
}

std::unexpected<Error> wrong(std::string_view member, std::string_view wanted) {
  return failure(ErrorCode::invalid_argument, fmt::format("characteristics: \"{}\" must be {}", member, wanted));
}

Result<double> number_of(const Field& field, double least, double most) {
  double number = 0;
  if (const auto* real = std::get_if<double>(&field.value)) {
    number = *real;
  } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    number = static_cast<double>(*integer);
  } else {
    return wrong(field.name, "a number");
  }
  if (!(number >= least && number <= most)) return wrong(field.name, fmt::format("from {} to {}", least, most));
  return number;
}

Result<double> share_of(const Field& field) {
  return number_of(field, 0, 1);
}

Result<std::uint64_t> count_of(const Field& field) {
  TRIUNE_ASSIGN(const double number, number_of(field, 0, 9e15));
  if (number != std::floor(number)) return wrong(field.name, "a whole number");
  return static_cast<std::uint64_t>(number);
}

Result<std::string> text_of(const Field& field) {
  const auto* text = std::get_if<std::string>(&field.value);
  if (text == nullptr) return wrong(field.name, "a text");
  return *text;
}

Result<bool> flag_of(const Field& field) {
  const auto* flag = std::get_if<bool>(&field.value);
  if (flag == nullptr) return wrong(field.name, "true or false");
  return *flag;
}

/// The elements of an array that is a member, each as a field with the member's name.
Result<std::vector<Field>> elements_of(const Field& field) {
  auto values = json_elements(field.value);
  if (!values) return wrong(field.name, "an array");
  std::vector<Field> elements;
  for (auto& value : *values) elements.push_back({field.name, std::move(value)});
  return elements;
}

Result<Record> members_of(const Field& field) {
  const auto* json = std::get_if<Json>(&field.value);
  if (json == nullptr || !json->text.starts_with('{')) return wrong(field.name, "an array of objects");
  return model::parse_json_object(json->text);
}

Result<RelationshipCharacteristics> relationship_of(const Field& element) {
  RelationshipCharacteristics relationship;
  TRIUNE_ASSIGN(const Record members, members_of(element));
  for (const auto& field : members) {
    if (field.name == "type") {
      TRIUNE_ASSIGN(relationship.type, text_of(field));
    } else if (field.name == "from") {
      TRIUNE_ASSIGN(relationship.from, text_of(field));
    } else if (field.name == "to") {
      TRIUNE_ASSIGN(relationship.to, text_of(field));
    } else if (field.name == "edges") {
      TRIUNE_ASSIGN(relationship.edges, count_of(field));
    } else if (field.name == "complexity") {
      TRIUNE_ASSIGN(relationship.complexity, share_of(field));
    } else {
      return wrong("relationships." + field.name, "left out: there is no such member");
    }
  }
  return relationship;
}

Result<VectorCharacteristics> vector_of(const Field& element) {
  VectorCharacteristics vector;
  TRIUNE_ASSIGN(const Record members, members_of(element));
  for (const auto& field : members) {
    if (field.name == "column") {
      TRIUNE_ASSIGN(vector.column, text_of(field));
    } else if (field.name == "dimension") {
      TRIUNE_ASSIGN(vector.dimension, count_of(field));
    } else if (field.name == "count") {
      TRIUNE_ASSIGN(vector.count, count_of(field));
    } else if (field.name == "normalized") {
      TRIUNE_ASSIGN(vector.normalized, flag_of(field));
    } else if (field.name == "metric") {
      TRIUNE_ASSIGN(const auto metric, text_of(field));
      TRIUNE_ASSIGN(vector.metric, parse_metric(metric));
    } else {
      return wrong("vectors." + field.name, "left out: there is no such member");
    }
  }
  return vector;
}

/// What the seeds call it, until the whole object is read.
struct SeedMembers {
  bool relationships = false;
  bool vectors = false;
  double complexity = 0;
  std::uint64_t dimension = 0;
};

Status read_lists(const Field& field, Characteristics& data) {
  TRIUNE_ASSIGN(const auto elements, elements_of(field));
  for (const auto& element : elements) {
    if (field.name == "relationships") {
      TRIUNE_ASSIGN(auto relationship, relationship_of(element));
      data.relationships.push_back(std::move(relationship));
    } else if (field.name == "vectors") {
      TRIUNE_ASSIGN(auto vector, vector_of(element));
      data.vectors.push_back(std::move(vector));
    } else {
      TRIUNE_ASSIGN(auto column, text_of(element));
      data.text_columns.push_back(std::move(column));
    }
  }
  return {};
}

Result<bool> read_seed_member(const Field& field, SeedMembers& seed) {
  if (field.name == "hasRelationships" || field.name == "has_relationships") {
    TRIUNE_ASSIGN(seed.relationships, flag_of(field));
  } else if (field.name == "hasVectors" || field.name == "has_vectors") {
    TRIUNE_ASSIGN(seed.vectors, flag_of(field));
  } else if (field.name == "networkComplexity" || field.name == "network_complexity") {
    TRIUNE_ASSIGN(seed.complexity, share_of(field));
  } else if (field.name == "dimensionality") {
    TRIUNE_ASSIGN(seed.dimension, count_of(field));
  } else {
    return false;
  }
  return true;
}

Status read_member(const Field& field, Characteristics& data) {
  if (field.name == "name") {
    TRIUNE_ASSIGN(data.name, text_of(field));
  } else if (field.name == "rows") {
    TRIUNE_ASSIGN(data.rows, count_of(field));
  } else if (field.name == "bytes") {
    TRIUNE_ASSIGN(data.bytes, count_of(field));
  } else if (field.name == "large_documents") {
    TRIUNE_ASSIGN(data.large_documents, count_of(field));
  } else if (field.name == "multi_hop_share") {
    TRIUNE_ASSIGN(data.multi_hop_share, share_of(field));
  } else if (field.name == "write_share") {
    TRIUNE_ASSIGN(data.write_share, share_of(field));
  } else if (field.name == "append_only") {
    TRIUNE_ASSIGN(data.append_only, flag_of(field));
  } else if (field.name == "relationships" || field.name == "vectors" || field.name == "text_columns") {
    return read_lists(field, data);
  } else {
    return wrong(field.name, "left out: there is no such member");
  }
  return {};
}

}  // namespace

Result<std::vector<Characteristics>> characteristics_of(const Assessment& report, std::string_view table) {
  std::vector<Characteristics> all;
  for (const auto& each : report.tables) {
    if (each.kind != TableReport::Kind::table) continue;
    if (table.empty() || same_name(each.name, table)) all.push_back(of_table(report, each));
  }
  if (all.empty() && !table.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no table \"{}\"", table));
  return all;
}

Result<Characteristics> parse_characteristics(std::string_view json) {
  TRIUNE_ASSIGN(const Record members, model::parse_json_object(json));
  Characteristics data;
  SeedMembers seed;
  for (const auto& field : members) {
    TRIUNE_ASSIGN(const bool taken, read_seed_member(field, seed));
    if (!taken) TRIUNE_TRY(read_member(field, data));
  }
  if (seed.relationships && data.relationships.empty())
    data.relationships.push_back({.from = {}, .to = {}, .complexity = seed.complexity});
  if (seed.vectors && data.vectors.empty())
    data.vectors.push_back({.column = {}, .dimension = seed.dimension, .normalized = {}, .metric = {}});
  return data;
}

}  // namespace triune::placement
