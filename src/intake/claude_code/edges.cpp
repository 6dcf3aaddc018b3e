#include "intake/claude_code/edges.h"

namespace triune::intake::claude {
namespace {

EdgeReference reference(const EdgeColumn& edge, const std::string& id, const std::string& other) {
  const NodeReference own{std::string(edge.label), id};
  const NodeReference target{std::string(edge.other_label), other};
  return {std::string(edge.type), edge.reversed ? target : own, edge.reversed ? own : target};
}

}  // namespace

void append_edges(RowCache& rows, std::string_view column, const EdgeColumn& edge, std::vector<Change>& changes) {
  for (const auto& [id, row] : rows.rows()) {
    const Value before = row.stored(column);
    if (row.get(column) == before) continue;
    if (const auto* const other = std::get_if<std::string>(&before))
      changes.emplace_back(DeleteEdge{reference(edge, id, *other)});
    if (const auto other = row.text(column); !other.empty())
      changes.emplace_back(PutEdge{reference(edge, id, std::string(other)), {}});
  }
}

void append_agent_edges(RowCache& agents, std::vector<Change>& changes) {
  append_edges(agents, "session_id", {"Agent", "PART_OF", "Session"}, changes);
  append_edges(agents, "spawn_message_id", {"Agent", "SPAWNED", "Message", true}, changes);
  append_edges(agents, "spawn_session_id", {"Agent", "SPAWNED", "Session", true}, changes);
}

}  // namespace triune::intake::claude
