// The functions that SQL has for other engines.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "contract/table_function.h"

namespace triune::federation {

enum class Function : std::uint8_t { cypher, vector_search, text_search, hybrid_search, neighbors, shortest_path };

inline constexpr std::size_t function_count = 6;

/// Their names, by `Function`.
std::span<const std::string_view> function_names();

/// What a statement sees of it. That of `cypher` lacks the columns, which each query has of its own.
contract::TableFunction description_of(Function function);

}  // namespace triune::federation
