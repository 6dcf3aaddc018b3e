#include "placement/vector_engine.h"

#include <fmt/format.h>

#include <algorithm>

namespace triune::placement {
namespace {

// usearch keeps vectors of fewer dimensions in f32, others in f16.
constexpr std::uint32_t narrow_from = 32;
// Of the graph, for each vector: 32 links of 4 bytes on the lowest level, their share above, counts, key and row.
constexpr std::uint64_t graph_bytes = 170;
// What outgrows this goes to mapped segments, which are walked by codes of five bits a value from so many dimensions
// on, with links as many as there are and the keys; beside them less is kept in memory.
constexpr std::uint64_t body_bytes = 192U << 20U;
constexpr std::uint64_t body_beside_segments = 64U << 20U;
constexpr std::uint32_t coded_from = 64;
constexpr std::uint64_t code_overhead = 16;
constexpr std::uint64_t segment_overhead = 84;
// Whoever is on LanceDB goes back only when there is room for twice as many.
constexpr double room_to_return = 0.5;
// LanceDB rewrites fragments for what changes, and trains its index anew as it grows.
constexpr double high_churn = 0.25;

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

std::uint64_t usearch_bytes(std::uint64_t vectors, std::uint32_t dimension) {
  const std::uint64_t packed = dimension * (dimension < narrow_from ? 4ULL : 2ULL);
  const std::uint64_t at_once = vectors * (packed + graph_bytes);
  if (at_once <= body_bytes) return at_once;
  const std::uint64_t ground = dimension < coded_from ? packed : dimension * 5ULL / 8 + code_overhead;
  const std::uint64_t in_segments = vectors - body_beside_segments / (packed + graph_bytes);
  return std::clamp(body_beside_segments + in_segments * (ground + segment_overhead), body_bytes, at_once);
}

VectorEngineChoice choose_vector_engine(const VectorCollection& collection, std::uint64_t vectors,
                                        const VectorEngineFigures& figures) {
  const std::string now = collection.engine.empty() ? "usearch" : collection.engine;
  const auto needed = usearch_bytes(vectors, collection.dimension);
  const double churn = vectors == 0 ? 0 : static_cast<double>(figures.changed) / static_cast<double>(vectors);
  const auto size = fmt::format("{} vectors of {} dimensions take about {} in usearch", vectors, collection.dimension,
                                megabytes(needed));
  const auto allowed = megabytes(figures.memory_allowed);
  VectorEngineChoice choice{.engine = "usearch", .reasons = {}};
  if (needed <= figures.memory_allowed) {
    const bool roomy = static_cast<double>(needed) <= room_to_return * static_cast<double>(figures.memory_allowed);
    if (now == "lancedb" && !roomy) choice.engine = now;
    choice.reasons.push_back(
        fmt::format("{}, {} the {} allowed for a collection", size, roomy ? "well within" : "within", allowed));
  } else if (churn > high_churn) {
    choice.reasons.push_back(
        fmt::format("{}, more than the {} allowed; but {} of them were overwritten or deleted as "
                    "far as the change log goes back, which LanceDB pays for by rewriting: "
                    "allow more memory",
                    size, allowed, figures.changed));
    choice.engine = now;
  } else {
    choice.engine = "lancedb";
    choice.reasons.push_back(
        fmt::format("{}, more than the {} allowed, and {} of them were overwritten or deleted as far as the change log "
                    "goes back: LanceDB keeps them on disk",
                    size, allowed, figures.changed));
  }
  if (choice.engine == now) return choice;
  choice.reasons.push_back(fmt::format("it is on {}; nothing is moved by itself: `triune vectors move {} --to {}`", now,
                                       collection.name, choice.engine));
  if (choice.engine == "lancedb" && !figures.lancedb_installed)
    choice.reasons.emplace_back("LanceDB is not installed here: run `./dev build --with lancedb` first");
  return choice;
}

}  // namespace triune::placement
