#include "conformance/vector/engines.h"

#include <cstdlib>
#include <string_view>

#include "adapters/builtin.h"

namespace triune::conformance {

namespace {

// Cases of an engine that is not installed would all fail; whoever asked for it wants to see that.
bool is_installed(const VectorEngine& engine) {
  const char* wanted = std::getenv("TRIUNE_TEST_WITH");
  if (wanted != nullptr && std::string_view(wanted).find(engine.factory) != std::string_view::npos) return true;
  const auto opened = open_engine(engine, std::filesystem::temp_directory_path() / "triune-not-used");
  return opened.has_value() || opened.error().code != ErrorCode::unsupported;
}

}  // namespace

const std::vector<VectorEngine>& vector_engines() {
  static const std::vector<VectorEngine> engines = [] {
    std::vector<VectorEngine> all{
        {.name = "memory", .factory = "memory", .distance_tolerance = 1e-6F},
        {.name = "usearch", .factory = "usearch", .distance_tolerance = 1e-3F, .indexed_from = 10'000},
        {.name = "usearch_early_index",
         .factory = "usearch",
         .distance_tolerance = 1e-3F,
         .index_from = 100,
         .indexed_from = 10'000},
        {.name = "usearch_segments",
         .factory = "usearch",
         .distance_tolerance = 1e-3F,
         .index_from = 100,
         .memory_bytes = 24 << 10,
         .indexed_from = 10'000},
        {.name = "lancedb", .factory = "lancedb", .distance_tolerance = 1e-5F, .indexed_from = 20'000},
        {.name = "lancedb_early_index",
         .factory = "lancedb",
         .distance_tolerance = 1e-5F,
         .index_from = 512,
         .indexed_from = 10'000}};
    std::erase_if(all, [](const auto& engine) { return !is_installed(engine); });
    return all;
  }();
  return engines;
}

Result<std::unique_ptr<contract::VectorStore>> open_engine(const VectorEngine& engine,
                                                           const std::filesystem::path& directory) {
  contract::EngineOptions options;
  options.path = directory;
  options.index_from = engine.index_from;
  options.memory_bytes = engine.memory_bytes;
  return adapters::builtin().vector.at(engine.factory)(options);
}

}  // namespace triune::conformance
