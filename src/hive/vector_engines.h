// Which engine searches a collection's vectors, and where its files are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "contract/registry.h"
#include "triune/schema.h"
#include "triune/status.h"

namespace triune::hive {

/// Of collections that name none.
inline constexpr std::string_view default_vector_engine = "usearch";

/// The engine a collection names, or the default.
std::string vector_engine_of(const VectorCollection& collection);

/// The folder of a collection's generations by one engine: "vector-7", "vector-7-lancedb".
std::string vector_folder(std::int64_t collection_id, std::string_view engine);
/// Whose folder it is; nothing for another folder.
std::optional<std::int64_t> collection_of_folder(std::string_view folder);

/// What opens the engine; one that fails with `unsupported` where this program has none of the name.
contract::Factory<contract::VectorStore> vector_factory(const contract::Registry& registry, const std::string& engine);

/// Whether the engine can be opened here. Errors: `invalid_argument` when there is none of the name, `unsupported` when
/// it is not installed, with how to install it.
Status check_vector_engine(const contract::Registry& registry, const std::string& engine);

/// The engine whose finished generation is below `root`, the organization's directory: `wanted` where it has one, then
/// any other that has; nothing when none has.
std::optional<std::string> engine_on_disk(const contract::Registry& registry, const std::filesystem::path& root,
                                          std::int64_t collection_id, const std::string& wanted);

}  // namespace triune::hive
