// Whether characteristics can become a store, and what tells two of them apart.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/try.h"
#include "model/json.h"
#include "placement/names.h"
#include "placement/storage_plan.h"

namespace triune::placement {
namespace {

constexpr std::size_t longest_name = 48;
constexpr std::size_t most_columns = 500;
constexpr std::size_t most_parts = 50;
constexpr std::uint32_t most_dimensions = 8192;
constexpr std::array<std::string_view, 5> types{"text", "integer", "real", "boolean", "blob"};

std::unexpected<Error> wrong(const std::string& where, const std::string& what) {
  return failure(ErrorCode::invalid_argument, fmt::format("characteristics: {} {}", where, what));
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Status check_name(const std::string& where, const std::string& name) {
  const bool plain =
      !name.empty() && name.size() <= longest_name && is_letter(name[0]) &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
  if (plain) return {};
  return wrong(where, fmt::format("is \"{}\"; give it 1 to {} letters, digits or _, beginning with a letter", name,
                                  longest_name));
}

/// Names that differ in nothing but the case of letters are the same to SQLite.
Status check_new(std::set<std::string>& known, const std::string& where, const std::string& name) {
  if (known.insert(small_letters(name)).second) return {};
  return wrong(where, fmt::format("\"{}\" is there twice; give each a name of its own", name));
}

Status check_share(const std::string& where, const std::optional<double>& share) {
  if (!share || (*share >= 0 && *share <= 1)) return {};
  return wrong(where, "must be from 0 to 1");
}

Status check_columns(const DataCharacteristics& data) {
  if (data.columns.size() > most_columns) return wrong("columns", fmt::format("are more than {}", most_columns));
  std::set<std::string> known{"id"};
  for (std::size_t i = 0; i < data.columns.size(); ++i) {
    const auto& column = data.columns[i];
    const auto where = fmt::format("columns[{}].name", i);
    TRIUNE_TRY(check_name(where, column.name));
    if (same_name(column.name, "id")) return wrong(where, "is \"id\", the key that every store has; leave it out");
    TRIUNE_TRY(check_new(known, where, column.name));
    if (std::find(types.begin(), types.end(), column.type) == types.end())
      return wrong(fmt::format("columns[{}].type", i),
                   fmt::format("is \"{}\"; it can be text, integer, real, boolean or blob", column.type));
    if (column.prose && column.type != "text")
      return wrong(fmt::format("columns[{}].prose", i), "is true of a column that holds no text");
  }
  return {};
}

Status check_ties(const DataCharacteristics& data) {
  if (data.relationships.size() > most_parts)
    return wrong("relationships", fmt::format("are more than {}", most_parts));
  std::set<std::string> known;
  for (std::size_t i = 0; i < data.relationships.size(); ++i) {
    const auto& tie = data.relationships[i];
    TRIUNE_TRY(check_name(fmt::format("relationships[{}].type", i), tie.type));
    TRIUNE_TRY(check_new(known, fmt::format("relationships[{}].type", i), tie.type));
    if (!(tie.complexity >= 0 && tie.complexity <= 1))
      return wrong(fmt::format("relationships[{}].complexity", i), "must be from 0 to 1");
  }
  return {};
}

Status check_vectors(const DataCharacteristics& data) {
  if (data.vectors.size() > most_parts) return wrong("vectors", fmt::format("are more than {}", most_parts));
  std::set<std::string> known;
  for (std::size_t i = 0; i < data.vectors.size(); ++i) {
    const auto& vector = data.vectors[i];
    if (!vector.name.empty()) TRIUNE_TRY(check_name(fmt::format("vectors[{}].name", i), vector.name));
    if (!known.insert(small_letters(vector.name)).second)
      return wrong(fmt::format("vectors[{}].name", i),
                   fmt::format("\"{}\" is there twice; give each a name of its own", vector.name));
    if (vector.dimension < 1 || vector.dimension > most_dimensions)
      return wrong(fmt::format("vectors[{}].dimension", i),
                   fmt::format("is {}; it can be 1 to {}", vector.dimension, most_dimensions));
  }
  return {};
}

}  // namespace

Status check(const DataCharacteristics& data) {
  TRIUNE_TRY(check_name("name", data.name));
  const auto small = small_letters(data.name);
  if (small.starts_with("triune_") || small.starts_with("sqlite_") || small.starts_with("pg_"))
    return wrong("name", fmt::format("is \"{}\"; names that begin so are not yours", data.name));
  TRIUNE_TRY(check_share("multi_hop_share", data.multi_hop_share));
  TRIUNE_TRY(check_share("write_share", data.write_share));
  TRIUNE_TRY(check_columns(data));
  TRIUNE_TRY(check_ties(data));
  return check_vectors(data);
}

std::string definition_of(const DataCharacteristics& data) {
  std::string json = "{\"columns\":[";
  const auto add = [&json](const Record& part) { json += (json.ends_with('[') ? "" : ",") + to_json(part); };
  for (const auto& column : data.columns)
    add({{"name", column.name},
         {"type", column.type},
         {"not_null", column.not_null},
         {"searched", column.searched},
         {"prose", column.prose}});
  json += "],\"relationships\":[";
  for (const auto& tie : data.relationships) add({{"type", tie.type}, {"to", tie.to}, {"complexity", tie.complexity}});
  json += "],\"vectors\":[";
  for (const auto& vector : data.vectors)
    add({{"name", vector.name},
         {"dimension", std::int64_t{vector.dimension}},
         {"metric", std::string(to_string(vector.metric.value_or(Metric::cosine)))}});
  return json + fmt::format("],\"append_only\":{}}}", data.append_only);
}

}  // namespace triune::placement
