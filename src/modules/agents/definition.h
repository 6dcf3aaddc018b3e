// What is derived from the tables of agents and memory.
#pragma once

#include "modules/kit/module_definition.h"

namespace triune::modules::agents {

inline const ModuleDefinition& definition() {
  static const ModuleDefinition module{
      .series = "agents",
      .needs = {"tasks"},
      .audited = {{"triune_agents", {"id"}, {}},
                  {"triune_agent_capabilities", {"agent_id", "capability"}, {}},
                  {"triune_agent_messages", {"id"}, {}},
                  {"triune_agent_deliveries", {"to_agent", "message_id"}, {}},
                  {"triune_context_sessions", {"id"}, {}},
                  {"triune_memory_snapshots", {"id"}, {}},
                  {"triune_key_values", {"namespace", "key"}, {}},
                  {"triune_configurations", {"agent_id", "category", "key"}, {}, {"version"}},
                  {"triune_memories", {"id"}, {}},
                  {"triune_agent_absences", {"agent_id", "from_ms"}, {}},
                  {"triune_agent_feedback", {"id"}, {}},
                  {"triune_decisions", {"id"}, {}}},
      .nodes =
          {{.table = "triune_agents", .label = "Agent", .properties = {"name", "agent_type", "status"}, .shared = true},
           {.table = "triune_memories", .label = "Memory", .properties = {"kind", "level"}},
           {.table = "triune_decisions", .label = "Decision", .properties = {"title", "outcome", "confidence"}}},
      .edges = {{.table = "triune_memories",
                 .type = "REMEMBERS",
                 .from_column = "agent_id",
                 .from_label = "Agent",
                 .to_column = "id",
                 .to_label = "Memory"},
                {.table = "triune_decisions",
                 .type = "DECIDED",
                 .from_column = "agent_id",
                 .from_label = "Agent",
                 .to_column = "id",
                 .to_label = "Decision"},
                {.table = "triune_agent_deliveries",
                 .type = "SENT",
                 .from_column = "from_agent",
                 .from_label = "Agent",
                 .to_column = "to_agent",
                 .to_label = "Agent"},
                {.table = "triune_collaborations",
                 .type = "COLLABORATES_WITH",
                 .from_column = "agent_a",
                 .from_label = "Agent",
                 .to_column = "agent_b",
                 .to_label = "Agent",
                 .properties = {"messages", "shared_tasks"}}}};
  return module;
}

}  // namespace triune::modules::agents
