// Placements, routes and advice as JSON and as text for people.
#pragma once

#include <span>
#include <string>

#include "front/cli/json_writer.h"
#include "triune/placement.h"

namespace triune::front {

void write_placement(JsonWriter& to, const Placement& placement);
void write_routes(JsonWriter& to, std::span<const RouteFigures> routes);
void write_route_counts(JsonWriter& to, const RouteCounts& counts);

void write_storage(JsonWriter& to, const OptimalStorage& storage);

std::string storage_text(const OptimalStorage& storage);
std::string placements_text(const PlacementList& list, bool wide);
std::string explanation_text(const PlacementExplanation& explanation, bool wide);
/// One decision: its engines, reasons and figures.
std::string placement_text(const Placement& placement);

}  // namespace triune::front
