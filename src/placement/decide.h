// Decisions about collections of a hive, from the definition and what was measured. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "placement/classify.h"
#include "placement/vector_engine.h"
#include "triune/placement.h"
#include "triune/schema.h"

namespace triune::placement {

/// What was measured of a collection.
struct CollectionFigures {
  std::uint64_t entities = 0;             ///< Nodes, edges, vectors, rows.
  std::optional<NetworkMeasure> network;  ///< Of edges.
  /// Of vectors, where it is to be decided which engine searches them.
  std::optional<VectorEngineFigures> vector_engine = std::nullopt;
};

/// Who asked for the collection, in the words of the recorded decision: "create_collection". "review": nobody did.
using Cause = std::string;

Placement decide_label(const std::string& label, const std::string& table, const CollectionFigures& figures,
                       const Cause& cause);
Placement decide_type(const std::string& type, const std::string& table, const CollectionFigures& figures,
                      const Cause& cause);
Placement decide_vectors(const VectorCollection& collection, const CollectionFigures& figures, const Cause& cause);
Placement decide_text(const TextIndex& index, const CollectionFigures& figures, const Cause& cause);

/// Whether both say the same: engines, primary and parameters. Figures, reasons and confidence change all the time.
bool same_decision(const Placement& left, const Placement& right);

}  // namespace triune::placement
