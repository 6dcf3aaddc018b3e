#include "modules/agents/imported.h"

#include <fmt/format.h>

#include "base/try.h"
#include "model/json.h"

namespace triune::modules::agents {
namespace {

/// In the configuration of an imported agent; whoever enrolls it anew writes another configuration.
std::string marked(const ImportedAgent& imported) {
  Record members{{"imported_by", imported.source}};
  if (const auto given = model::parse_json_object(imported.agent.configuration.text))
    members.insert(members.end(), given->begin(), given->end());
  return to_json(members);
}

bool is_marked(const std::string& configuration, const std::string& source) {
  const auto members = model::parse_json_object(configuration);
  if (!members) return false;
  for (const auto& member : *members)
    if (member.name == "imported_by") return !is_null(member.value) && to_text(member.value) == source;
  return false;
}

}  // namespace

Result<std::string> ImportStore::free_name(const NewAgent& agent) const {
  for (const auto& name : {agent.name, agent.id, agent.id + " (imported)"}) {
    if (name.find_first_not_of(' ') == std::string::npos) continue;
    const std::array<Value, 3> which{organization(), name, agent.id};
    TRIUNE_ASSIGN(const RowSet taken,
                  rows("SELECT 1 FROM triune_agents WHERE organization_id = ?1 AND name = ?2 AND id <> ?3", which));
    if (taken.rows.empty()) return name;
  }
  return failure(ErrorCode::conflict,
                 fmt::format("agent {}: other agents have its name, and its id as their name; rename one", agent.id));
}

Status ImportStore::watch_nobody(const ImportedAgent& imported) const {
  const std::array<Value, 3> row{organization(), imported.agent.id, imported.last_at_ms};
  TRIUNE_TRY(session_.execute(
      "INSERT INTO triune_agent_heartbeats (organization_id, agent_id, interval_ms, missed_limit, last_at_ms) VALUES "
      "(?1, ?2, 0, 3, ?3) ON CONFLICT (organization_id, agent_id) DO UPDATE SET last_at_ms = excluded.last_at_ms",
      row));
  return {};
}

Result<bool> ImportStore::put(const ImportedAgent& imported) const {
  const auto& agent = imported.agent;
  const std::array<Value, 2> key{organization(), agent.id};
  TRIUNE_ASSIGN(const RowSet known,
                rows("SELECT status, configuration FROM triune_agents WHERE organization_id = ?1 AND id = ?2", key));
  const bool exists = !known.rows.empty();
  if (exists && (text(known.rows[0][0]) == "retired" || !is_marked(text(known.rows[0][1]), imported.source)))
    return false;
  TRIUNE_ASSIGN(const auto name, free_name(agent));
  const std::array<Value, 12> row{organization(),
                                  agent.id,
                                  name,
                                  agent.agent_type,
                                  std::string(to_string(agent.status)),
                                  agent.description,
                                  agent.model,
                                  agent.version,
                                  agent.worktree,
                                  agent.branch,
                                  marked(imported),
                                  imported.first_at_ms};
  // The store tells what differs: nothing is written, and nothing audited, for what is there already.
  TRIUNE_ASSIGN(
      const auto changed,
      session_.execute(
          "INSERT INTO triune_agents (organization_id, id, name, agent_type, status, description, model, version, "
          "worktree, branch, configuration, created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
          "?10, ?11, ?12, ?12) ON CONFLICT (organization_id, id) DO UPDATE SET name = excluded.name, agent_type = "
          "excluded.agent_type, status = excluded.status, description = excluded.description, model = excluded.model, "
          "version = excluded.version, worktree = excluded.worktree, branch = excluded.branch, configuration = "
          "excluded.configuration, created_at_ms = excluded.created_at_ms WHERE (triune_agents.name, "
          "triune_agents.agent_type, triune_agents.status, "
          "triune_agents.description, triune_agents.model, triune_agents.version, triune_agents.worktree, "
          "triune_agents.branch, triune_agents.configuration, triune_agents.created_at_ms) IS DISTINCT FROM "
          "(excluded.name, excluded.agent_type, "
          "excluded.status, excluded.description, excluded.model, excluded.version, excluded.worktree, "
          "excluded.branch, excluded.configuration, excluded.created_at_ms)",
          row));
  TRIUNE_TRY(watch_nobody(imported));
  return changed > 0;
}

Result<bool> ImportStore::put(const ImportedContext& imported) const {
  const auto& context = imported.context;
  const std::array<Value, 10> row{
      organization(),     context.id,         text_or_null(context.agent), context.name,         context.tokens,
      context.max_tokens, context.state.text, imported.consolidations,     imported.first_at_ms, imported.last_at_ms};
  TRIUNE_ASSIGN(
      const auto changed,
      session_.execute(
          "INSERT INTO triune_context_sessions (organization_id, id, agent_id, name, token_count, max_tokens, state, "
          "active, consolidations, created_at_ms, last_accessed_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, "
          "?10) ON CONFLICT (organization_id, id) DO UPDATE SET name = excluded.name, token_count = "
          "excluded.token_count, max_tokens = excluded.max_tokens, state = excluded.state, consolidations = "
          "excluded.consolidations, created_at_ms = excluded.created_at_ms, last_accessed_at_ms = "
          "excluded.last_accessed_at_ms WHERE (triune_context_sessions.name, triune_context_sessions.token_count, "
          "triune_context_sessions.max_tokens, triune_context_sessions.state, triune_context_sessions.consolidations, "
          "triune_context_sessions.created_at_ms, triune_context_sessions.last_accessed_at_ms) IS DISTINCT FROM "
          "(excluded.name, excluded.token_count, excluded.max_tokens, excluded.state, excluded.consolidations, "
          "excluded.created_at_ms, excluded.last_accessed_at_ms)",
          row));
  return changed > 0;
}

}  // namespace triune::modules::agents
