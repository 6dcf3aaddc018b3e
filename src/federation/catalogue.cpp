#include "federation/catalogue.h"

namespace triune::federation {
namespace {

using Type = contract::ColumnType;

constexpr std::array<std::string_view, function_count> names{"cypher",        "vector_search", "text_search",
                                                             "hybrid_search", "neighbors",     "shortest_path"};

}  // namespace

std::span<const std::string_view> function_names() {
  return names;
}

// The costs are of one call, in rows of a table that a scan visits in the same time (about 0.3 µs each): joins put the
// dearer function outside, where it is called once.
contract::TableFunction description_of(Function function) {
  contract::TableFunction description;
  description.name = names[static_cast<std::size_t>(function)];
  switch (function) {
    case Function::cypher:
      // Names that no RETURN has.
      description.arguments = {"triune query", "triune parameters"};
      description.required = 1;
      description.expected_rows = 100;
      description.expected_cost = 10'000;
      break;
    case Function::vector_search:
      description.columns = {"id", "distance", "score", "metadata"};
      description.types = {Type::text, Type::float64, Type::float64, Type::json};
      description.arguments = {"collection", "query", "k", "where"};
      description.required = 3;
      description.limit = 2;
      description.expected_cost = 5'000;
      break;
    case Function::text_search:
      description.columns = {"id", "score", "snippet"};
      description.types = {Type::text, Type::float64, Type::text};
      description.arguments = {"collection", "query", "k", "where"};
      description.required = 3;
      description.limit = 2;
      description.expected_cost = 2'000;
      break;
    case Function::hybrid_search:
      description.columns = {"id", "score", "text_rank", "vector_rank"};
      description.types = {Type::text, Type::float64, Type::int64, Type::int64};
      description.arguments = {"collection", "text", "vector", "k", "where"};
      description.required = 4;
      description.limit = 3;
      description.expected_cost = 8'000;
      break;
    case Function::neighbors:
      description.columns = {"label", "id", "distance"};
      description.types = {Type::text, Type::text, Type::int64};
      description.arguments = {"node", "type", "direction", "depth"};
      description.required = 1;
      description.expected_rows = 50;
      description.expected_cost = 500;
      break;
    case Function::shortest_path:
      description.columns = {"step", "label", "id"};
      description.types = {Type::int64, Type::text, Type::text};
      description.arguments = {"from", "to", "type", "max"};
      description.required = 2;
      description.expected_rows = 5;
      description.expected_cost = 20'000;
      break;
  }
  return description;
}

}  // namespace triune::federation
