// The answers of the hive as one JSON document and as text for people. README.md lists the members of each document.
#pragma once

#include <span>
#include <string>

#include "front/cli/json_writer.h"
#include "triune/change.h"
#include "triune/hive.h"
#include "triune/query.h"

namespace triune::front {

void write_receipt(JsonWriter& to, const Receipt& receipt);
void write_projections(JsonWriter& to, std::span<const ProjectionStatus> projections);
void write_route(JsonWriter& to, const Route& route);
void write_node(JsonWriter& to, const NodeReference& node);

std::string status_document(const HiveStatus& status);
std::string verify_document(const VerifyReport& report);
std::string error_document(const Error& error, std::string_view hint);

/// "commit 42: 3 changes; projections current" and the token.
std::string receipt_text(const Receipt& receipt);
/// "now at 42; projections current": after several commits, or one whose changes are counted elsewhere.
std::string position_text(const Receipt& receipt);
std::string status_text(const HiveStatus& status);
std::string verify_text(const VerifyReport& report);
/// "kuzu: REASON".
std::string route_text(const Route& route);

}  // namespace triune::front
