#include "federation/arguments.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "base/try.h"
#include "model/json.h"

namespace triune::federation {
namespace {

std::unexpected<Error> wrong(std::string_view function, std::string_view argument, std::string_view what) {
  return failure(ErrorCode::invalid_argument, fmt::format("{}: {} {}", function, argument, what));
}

bool is_absent(std::span<const Value> arguments, std::size_t index) {
  return index >= arguments.size() || is_null(arguments[index]);
}

Result<std::string> text_of(std::span<const Value> arguments, std::size_t index, std::string_view function,
                            std::string_view name, bool required = true) {
  if (is_absent(arguments, index))
    return required ? Result<std::string>(wrong(function, name, "must not be NULL")) : Result<std::string>("");
  const auto& value = arguments[index];
  if (std::holds_alternative<Bytes>(value)) return wrong(function, name, "must be a text, not bytes");
  return to_text(value);
}

Result<std::size_t> number_of(std::span<const Value> arguments, std::size_t index, std::string_view function,
                              std::string_view name, std::int64_t least, std::int64_t most, std::int64_t otherwise) {
  if (is_absent(arguments, index)) return static_cast<std::size_t>(otherwise);
  std::int64_t number = 0;
  if (const auto* const integer = std::get_if<std::int64_t>(&arguments[index]))
    number = *integer;
  else if (const auto* const real = std::get_if<double>(&arguments[index]); real && std::floor(*real) == *real)
    number = std::abs(*real) < 1e15 ? static_cast<std::int64_t>(*real) : -1;
  else
    return wrong(function, name, fmt::format("must be a whole number, not {}", to_json(arguments[index])));
  if (number < least || number > most) return wrong(function, name, fmt::format("must be {} to {}", least, most));
  return static_cast<std::size_t>(number);
}

Result<VectorQuery> vector_of(const Value& value, std::string_view function) {
  if (const auto* const bytes = std::get_if<Bytes>(&value)) {
    if (bytes->empty() || bytes->size() % sizeof(float) != 0)
      return wrong(function, "the query", fmt::format("has {} bytes, which are no float32 numbers", bytes->size()));
    std::vector<float> floats(bytes->size() / sizeof(float));
    std::memcpy(floats.data(), bytes->data(), bytes->size());
    return VectorQuery(std::move(floats));
  }
  if (is_null(value)) return wrong(function, "the query", "must not be NULL");
  const auto text = to_text(value);
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return wrong(function, "the query", "is empty");
  if (text[begin] != '[') return VectorQuery(text);
  auto floats = model::parse_json_vector(text);
  if (!floats)
    return wrong(function, "the query", fmt::format("is no JSON array of numbers: {}", floats.error().message));
  return VectorQuery(std::move(*floats));
}

Result<NodeReference> node_of(std::span<const Value> arguments, std::size_t index, std::string_view function,
                              std::string_view name) {
  TRIUNE_ASSIGN(const std::string text, text_of(arguments, index, function, name));
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
    return wrong(function, name, fmt::format("is a node as 'Label/id', not '{}'", text));
  return NodeReference{text.substr(0, slash), text.substr(slash + 1)};
}

constexpr std::int64_t most_hits = 10'000;

}  // namespace

Result<Record> cypher_parameters(const Value& value) {
  if (is_null(value)) return Record();
  auto parameters = model::parse_json_object(to_text(value));
  if (!parameters)
    return wrong("cypher", "the parameters", fmt::format("are no JSON object: {}", parameters.error().message));
  return parameters;
}

Result<VectorCall> vector_call(std::span<const Value> arguments) {
  constexpr std::string_view name = "vector_search";
  VectorCall call;
  TRIUNE_ASSIGN(call.collection, text_of(arguments, 0, name, "the collection"));
  TRIUNE_ASSIGN(call.query, vector_of(arguments[1], name));
  TRIUNE_ASSIGN(call.count, number_of(arguments, 2, name, "k", 1, most_hits, 10));
  TRIUNE_ASSIGN(call.where, text_of(arguments, 3, name, "where", false));
  return call;
}

Result<TextSearch> text_call(std::span<const Value> arguments) {
  constexpr std::string_view name = "text_search";
  TextSearch call;
  TRIUNE_ASSIGN(call.collection, text_of(arguments, 0, name, "the collection", false));
  TRIUNE_ASSIGN(call.query, text_of(arguments, 1, name, "the query"));
  TRIUNE_ASSIGN(call.count, number_of(arguments, 2, name, "k", 1, most_hits, 10));
  TRIUNE_ASSIGN(call.where, text_of(arguments, 3, name, "where", false));
  return call;
}

Result<HybridCall> hybrid_call(std::span<const Value> arguments) {
  constexpr std::string_view name = "hybrid_search";
  HybridCall call;
  TRIUNE_ASSIGN(call.vector.collection, text_of(arguments, 0, name, "the collection"));
  TRIUNE_ASSIGN(call.text.query, text_of(arguments, 1, name, "the text"));
  TRIUNE_ASSIGN(call.vector.query, vector_of(arguments[2], name));
  TRIUNE_ASSIGN(call.vector.count, number_of(arguments, 3, name, "k", 1, most_hits, 10));
  TRIUNE_ASSIGN(call.vector.where, text_of(arguments, 4, name, "where", false));
  return call;
}

Result<NeighborsQuery> neighbors_call(std::span<const Value> arguments) {
  constexpr std::string_view name = "neighbors";
  NeighborsQuery query;
  TRIUNE_ASSIGN(query.node, node_of(arguments, 0, name, "the node"));
  TRIUNE_ASSIGN(query.type, text_of(arguments, 1, name, "the type", false));
  TRIUNE_ASSIGN(const std::string direction, text_of(arguments, 2, name, "the direction", false));
  if (direction == "in")
    query.direction = Direction::in;
  else if (direction == "both")
    query.direction = Direction::both;
  else if (!direction.empty() && direction != "out")
    return wrong(name, "the direction", fmt::format("is 'out', 'in' or 'both', not '{}'", direction));
  TRIUNE_ASSIGN(query.depth, number_of(arguments, 3, name, "the depth", 1, 10, 1));
  return query;
}

Result<PathQuery> path_call(std::span<const Value> arguments) {
  constexpr std::string_view name = "shortest_path";
  PathQuery query;
  TRIUNE_ASSIGN(query.from, node_of(arguments, 0, name, "the first node"));
  TRIUNE_ASSIGN(query.to, node_of(arguments, 1, name, "the last node"));
  TRIUNE_ASSIGN(query.type, text_of(arguments, 2, name, "the type", false));
  TRIUNE_ASSIGN(query.max_length, number_of(arguments, 3, name, "the greatest length", 1, 30, 10));
  return query;
}

}  // namespace triune::federation
