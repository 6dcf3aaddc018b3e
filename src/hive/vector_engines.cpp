#include "hive/vector_engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/try.h"
#include "projection/generations.h"

namespace triune::hive {
namespace {

using contract::EngineOptions;
using contract::VectorStore;

constexpr std::string_view folder_prefix = "vector-";

bool has_generation(const std::filesystem::path& root, std::int64_t collection_id, const std::string& engine) {
  const auto current = projection::Generations(root / vector_folder(collection_id, engine), engine).current();
  return current && current->has_value();
}

}  // namespace

std::string vector_engine_of(const VectorCollection& collection) {
  return collection.engine.empty() ? std::string(default_vector_engine) : collection.engine;
}

std::string vector_folder(std::int64_t collection_id, std::string_view engine) {
  // The default's folders are called as they were before there were others.
  if (engine == default_vector_engine) return fmt::format("{}{}", folder_prefix, collection_id);
  // A name that a newer program recorded leads nowhere else either.
  std::string name(engine);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::islower(static_cast<unsigned char>(c)) == 0 && c != '_'; },
      '_');
  return fmt::format("{}{}-{}", folder_prefix, collection_id, name);
}

std::optional<std::int64_t> collection_of_folder(std::string_view folder) {
  if (!folder.starts_with(folder_prefix)) return std::nullopt;
  folder.remove_prefix(folder_prefix.size());
  std::int64_t id = 0;
  const auto parsed = std::from_chars(folder.data(), folder.data() + folder.size(), id);
  const auto* const end = folder.data() + folder.size();
  if (parsed.ec != std::errc() || (parsed.ptr != end && *parsed.ptr != '-')) return std::nullopt;
  return id;
}

contract::Factory<VectorStore> vector_factory(const contract::Registry& registry, const std::string& engine) {
  if (const auto found = registry.vector.find(engine); found != registry.vector.end()) return found->second;
  return [engine](const EngineOptions&) -> Result<std::unique_ptr<VectorStore>> {
    return failure(ErrorCode::unsupported,
                   fmt::format("this program has no vector engine {}; a newer one took the collection there", engine));
  };
}

Status check_vector_engine(const contract::Registry& registry, const std::string& engine) {
  const auto found = registry.vector.find(engine);
  if (found == registry.vector.end())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("there is no vector engine '{}'; there are usearch and lancedb", engine));
  // Opened on a directory that it does not touch before there is a collection.
  const auto nowhere = std::filesystem::temp_directory_path() / "triune-no-vectors";
  TRIUNE_ASSIGN(const auto store, found->second({.path = nowhere}));
  return {};
}

std::optional<std::string> engine_on_disk(const contract::Registry& registry, const std::filesystem::path& root,
                                          std::int64_t collection_id, const std::string& wanted) {
  if (has_generation(root, collection_id, wanted)) return wanted;
  for (const auto& [engine, factory] : registry.vector)
    if (has_generation(root, collection_id, engine)) return engine;
  return std::nullopt;
}

}  // namespace triune::hive
