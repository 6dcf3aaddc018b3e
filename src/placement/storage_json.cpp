// Characteristics of a store from JSON.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/try.h"
#include "model/json.h"
#include "placement/json_list.h"
#include "triune/placement.h"

namespace triune::placement {
namespace {

std::unexpected<Error> wrong(std::string_view member, std::string_view wanted) {
  return failure(ErrorCode::invalid_argument, fmt::format("characteristics: \"{}\" must be {}", member, wanted));
}

Status take(const Field& field, std::string_view where, std::string& target) {
  const auto* const text = std::get_if<std::string>(&field.value);
  if (text == nullptr) return wrong(where, "a text");
  target = *text;
  return {};
}

Status take(const Field& field, std::string_view where, bool& target) {
  const auto* const flag = std::get_if<bool>(&field.value);
  if (flag == nullptr) return wrong(where, "true or false");
  target = *flag;
  return {};
}

Status take(const Field& field, std::string_view where, double& target) {
  const auto* const real = std::get_if<double>(&field.value);
  const auto* const whole = std::get_if<std::int64_t>(&field.value);
  if (real == nullptr && whole == nullptr) return wrong(where, "a number");
  target = real != nullptr ? *real : static_cast<double>(*whole);
  return {};
}

Status take(const Field& field, std::string_view where, std::optional<double>& target) {
  return take(field, where, target.emplace());
}

template <std::unsigned_integral Number>
Status take(const Field& field, std::string_view where, Number& target) {
  const auto* const whole = std::get_if<std::int64_t>(&field.value);
  if (whole == nullptr || *whole < 0 || static_cast<std::uint64_t>(*whole) > std::numeric_limits<Number>::max())
    return wrong(where, "a whole number that is not negative");
  target = static_cast<Number>(*whole);
  return {};
}

Status take(const Field& field, std::string_view where, std::optional<Metric>& target) {
  std::string name;
  TRIUNE_TRY(take(field, where, name));
  const auto metric = parse_metric(name);
  if (!metric) return wrong(where, "cosine, l2 or dot");
  target = *metric;
  return {};
}

std::unexpected<Error> unknown(std::string_view where) {
  return wrong(where, "left out: there is no such member");
}

Status read(const Field& field, const std::string& where, ColumnCharacteristics& column) {
  if (field.name == "name") return take(field, where, column.name);
  if (field.name == "type") return take(field, where, column.type);
  if (field.name == "not_null") return take(field, where, column.not_null);
  if (field.name == "searched") return take(field, where, column.searched);
  if (field.name == "prose") return take(field, where, column.prose);
  return unknown(where);
}

Status read(const Field& field, const std::string& where, TieCharacteristics& tie) {
  if (field.name == "type") return take(field, where, tie.type);
  if (field.name == "to") return take(field, where, tie.to);
  if (field.name == "complexity") return take(field, where, tie.complexity);
  if (field.name == "edges") return take(field, where, tie.edges);
  return unknown(where);
}

Status read(const Field& field, const std::string& where, EmbeddingCharacteristics& vector) {
  if (field.name == "name") return take(field, where, vector.name);
  if (field.name == "dimension") return take(field, where, vector.dimension);
  if (field.name == "count") return take(field, where, vector.count);
  if (field.name == "metric") return take(field, where, vector.metric);
  return unknown(where);
}

template <class Part>
Status read_list(const Field& list, std::vector<Part>& parts) {
  const auto elements = json_elements(list.value);
  if (!elements) return wrong(list.name, "an array of objects");
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const auto* const json = std::get_if<Json>(&(*elements)[i]);
    const auto where = fmt::format("{}[{}]", list.name, i);
    if (json == nullptr || !json->text.starts_with('{')) return wrong(where, "an object");
    TRIUNE_ASSIGN(const Record members, model::parse_json_object(json->text));
    auto& part = parts.emplace_back();
    for (const auto& member : members) TRIUNE_TRY(read(member, where + "." + member.name, part));
  }
  return {};
}

/// What the seeds call it, until the whole object is read.
struct SeedMembers {
  bool relationships = false;
  bool vectors = false;
  double complexity = 0;
  std::uint32_t dimension = 0;
};

Status read(const Field& field, DataCharacteristics& data, SeedMembers& seed) {
  const auto& name = field.name;
  if (name == "name") return take(field, name, data.name);
  if (name == "rows") return take(field, name, data.rows);
  if (name == "multi_hop_share") return take(field, name, data.multi_hop_share);
  if (name == "write_share") return take(field, name, data.write_share);
  if (name == "append_only") return take(field, name, data.append_only);
  if (name == "columns") return read_list(field, data.columns);
  if (name == "relationships") return read_list(field, data.relationships);
  if (name == "vectors") return read_list(field, data.vectors);
  if (name == "hasRelationships") return take(field, name, seed.relationships);
  if (name == "networkComplexity") return take(field, name, seed.complexity);
  if (name == "hasVectors") return take(field, name, seed.vectors);
  if (name == "dimensionality") return take(field, name, seed.dimension);
  return unknown(name);
}

}  // namespace
}  // namespace triune::placement

namespace triune {

Result<DataCharacteristics> parse_data_characteristics(std::string_view json) {
  TRIUNE_ASSIGN(const Record members, model::parse_json_object(json));
  DataCharacteristics data;
  placement::SeedMembers seed;
  for (const auto& field : members) TRIUNE_TRY(placement::read(field, data, seed));
  if (seed.relationships && data.relationships.empty())
    data.relationships.push_back({.type = "RELATES_TO", .to = {}, .complexity = seed.complexity});
  if (seed.vectors && data.vectors.empty())
    data.vectors.push_back({.name = {}, .dimension = seed.dimension, .metric = {}});
  return data;
}

}  // namespace triune
