#include "modules/agents/agent_store.h"

#include <fmt/format.h>

#include "base/try.h"

namespace triune::modules::agents {
namespace {

constexpr std::string_view agent_columns =
    "a.id, a.name, a.agent_type, a.status, a.description, a.model, a.version, a.worktree, a.branch, a.process_id, "
    "a.max_concurrent_tasks, a.cost_cents_per_task, a.configuration, a.crashes, a.crashed_at_ms, a.created_at_ms, "
    "a.updated_at_ms, h.interval_ms, h.last_at_ms, h.deadline_at_ms, h.current_task, h.context_usage, h.working_memory";

Result<Agent> agent_of(const std::vector<Value>& row) {
  Agent agent{.id = text(row[0]), .name = text(row[1]), .agent_type = text(row[2])};
  TRIUNE_ASSIGN(agent.status, parse_agent_status(text(row[3])));
  agent.description = text(row[4]);
  agent.model = text(row[5]);
  agent.version = text(row[6]);
  agent.worktree = text(row[7]);
  agent.branch = text(row[8]);
  agent.process_id = optional_integer(row[9]);
  agent.max_concurrent_tasks = integer(row[10]);
  agent.cost_cents_per_task = optional_real(row[11]);
  agent.configuration = Json{text(row[12])};
  agent.crashes = integer(row[13]);
  agent.crashed_at_ms = optional_integer(row[14]);
  agent.created_at_ms = integer(row[15]);
  agent.updated_at_ms = integer(row[16]);
  agent.heartbeat_interval_ms = integer(row[17]);
  agent.last_heartbeat_at_ms = integer(row[18]);
  agent.heartbeat_deadline_ms = optional_integer(row[19]);
  agent.current_task = text(row[20]);
  agent.context_usage = optional_real(row[21]);
  agent.working_memory = Json{text(row[22])};
  return agent;
}

std::unexpected<Error> no_agent(std::string_view id) {
  return failure(
      ErrorCode::not_found,
      fmt::format("there is no agent {}; `triune agents register` adds one, `triune agents list` shows them", id));
}

/// Whether beats of an agent with this status are due.
bool is_watched(AgentStatus status) {
  using enum AgentStatus;
  return status == starting || status == idle || status == active || status == degraded;
}

}  // namespace

Status Part::expect_agent(std::string_view id) const {
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_ASSIGN(const RowSet found, rows("SELECT 1 FROM triune_agents WHERE organization_id = ?1 AND id = ?2", key));
  if (found.rows.empty()) return no_agent(id);
  return {};
}

Result<std::optional<AgentStatus>> AgentStore::status_of(std::string_view id) const {
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT status FROM triune_agents WHERE organization_id = ?1 AND id = ?2", key));
  if (found.rows.empty()) return std::optional<AgentStatus>();
  TRIUNE_ASSIGN(const auto status, parse_agent_status(text(found.rows[0][0])));
  return std::optional(status);
}

Status AgentStore::put_row(const NewAgent& agent, const std::string& id, bool exists, std::int64_t now) const {
  const std::array<Value, 15> row{organization(),
                                  id,
                                  agent.name.empty() ? id : agent.name,
                                  agent.agent_type,
                                  std::string(to_string(agent.status)),
                                  agent.description,
                                  agent.model,
                                  agent.version,
                                  agent.worktree,
                                  agent.branch,
                                  or_null(agent.process_id),
                                  agent.max_concurrent_tasks,
                                  or_null(agent.cost_cents_per_task),
                                  agent.configuration.text,
                                  now};
  TRIUNE_TRY(session_.execute(
      exists
          ? "UPDATE triune_agents SET name = ?3, agent_type = ?4, status = ?5, description = ?6, model = ?7, version "
            "= ?8, worktree = ?9, branch = ?10, process_id = ?11, max_concurrent_tasks = ?12, cost_cents_per_task = "
            "?13, configuration = ?14, updated_at_ms = ?15 WHERE organization_id = ?1 AND id = ?2"
          : "INSERT INTO triune_agents (organization_id, id, name, agent_type, status, description, model, version, "
            "worktree, branch, process_id, max_concurrent_tasks, cost_cents_per_task, configuration, created_at_ms, "
            "updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15)",
      row));
  return {};
}

Status AgentStore::watch(const NewAgent& agent, const std::string& id, std::int64_t now) const {
  Value deadline;
  if (agent.heartbeat_interval_ms > 0 && is_watched(agent.status))
    deadline = now + agent.heartbeat_interval_ms * agent.missed_limit;
  const std::array<Value, 6> row{organization(), id, agent.heartbeat_interval_ms, agent.missed_limit, now, deadline};
  TRIUNE_TRY(session_.execute(
      "INSERT INTO triune_agent_heartbeats (organization_id, agent_id, interval_ms, missed_limit, last_at_ms, "
      "deadline_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (organization_id, agent_id) DO UPDATE SET "
      "interval_ms = excluded.interval_ms, missed_limit = excluded.missed_limit, last_at_ms = excluded.last_at_ms, "
      "deadline_at_ms = excluded.deadline_at_ms",
      row));
  return {};
}

Status AgentStore::enroll(const NewAgent& agent, const std::string& id) const {
  TRIUNE_ASSIGN(const auto before, status_of(id));
  if (before == AgentStatus::retired)
    return failure(ErrorCode::conflict, fmt::format("agent {} is retired; enroll another under a new id", id));
  const auto now = now_ms();
  auto put = put_row(agent, id, before.has_value(), now);
  if (!put) {
    put.error().message = fmt::format("agent {}: {}", id, put.error().message);
    return put;
  }
  TRIUNE_TRY(watch(agent, id, now));
  return put_capabilities(id, agent.capabilities);
}

Result<std::vector<Agent>> AgentStore::select(std::string_view where, std::span<const Value> more,
                                              std::size_t limit) const {
  std::vector<Value> parameters{organization(), limited(limit)};
  parameters.insert(parameters.end(), more.begin(), more.end());
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_agents a LEFT JOIN triune_agent_heartbeats h ON "
                                 "h.organization_id = a.organization_id AND h.agent_id = a.id WHERE a.organization_id "
                                 "= ?1{} ORDER BY a.created_at_ms, a.id LIMIT ?2",
                                 agent_columns, where),
                     parameters));
  std::vector<Agent> agents;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(auto agent, agent_of(row));
    agents.push_back(std::move(agent));
  }
  return agents;
}

Result<Agent> AgentStore::find(std::string_view id) const {
  const std::array<Value, 1> key{std::string(id)};
  TRIUNE_ASSIGN(auto found, select(" AND a.id = ?3", key, 1));
  if (found.empty()) return no_agent(id);
  return std::move(found.front());
}

Status AgentStore::set_status(std::string_view id, AgentStatus status) const {
  TRIUNE_ASSIGN(const auto before, status_of(id));
  if (!before) return no_agent(id);
  if (*before == status) return {};
  if (*before == AgentStatus::retired)
    return failure(ErrorCode::conflict, fmt::format("agent {} is retired, and stays so", id));
  const std::array<Value, 4> row{organization(), std::string(id), std::string(to_string(status)), now_ms()};
  TRIUNE_TRY(session_.execute(
      status == AgentStatus::crashed
          ? "UPDATE triune_agents SET status = ?3, updated_at_ms = ?4, crashed_at_ms = ?4, crashes = crashes + 1 WHERE "
            "organization_id = ?1 AND id = ?2 AND status <> ?3"
          : "UPDATE triune_agents SET status = ?3, updated_at_ms = ?4 WHERE organization_id = ?1 AND id = ?2",
      row));
  return {};
}

Status AgentStore::put_capabilities(std::string_view id, std::span<const AgentCapability> capabilities) const {
  if (capabilities.size() > 1'000)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("an agent has at most 1000 capabilities, not {}", capabilities.size()));
  TRIUNE_TRY(expect_agent(id));
  for (const auto& capability : capabilities) {
    const std::array<Value, 5> row{organization(), std::string(id), capability.name, capability.proficiency,
                                   capability.parameters.text};
    auto put = session_.execute(
        "INSERT INTO triune_agent_capabilities (organization_id, agent_id, capability, proficiency, parameters) VALUES "
        "(?1, ?2, ?3, ?4, ?5) ON CONFLICT (organization_id, agent_id, capability) DO UPDATE SET proficiency = "
        "excluded.proficiency, parameters = excluded.parameters",
        row);
    if (put) continue;
    put.error().message = fmt::format("capability {}: {}", capability.name, put.error().message);
    return std::unexpected<Error>(put.error());
  }
  return {};
}

Result<std::vector<AgentCapability>> AgentStore::capabilities(std::string_view id) const {
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT capability, proficiency, parameters, uses, successes FROM triune_agent_capabilities WHERE "
                     "organization_id = ?1 AND agent_id = ?2 ORDER BY proficiency DESC, capability",
                     key));
  std::vector<AgentCapability> capabilities;
  for (const auto& row : found.rows)
    capabilities.push_back({text(row[0]), real(row[1]), Json{text(row[2])}, integer(row[3]), integer(row[4])});
  return capabilities;
}

Status AgentStore::heartbeat(std::string_view id, const Heartbeat& beat) const {
  Value memory;
  if (beat.working_memory) memory = beat.working_memory->text;
  const std::array<Value, 6> row{
      organization(), std::string(id), now_ms(), or_null(beat.current_task), or_null(beat.context_usage), memory};
  constexpr std::string_view update =
      "UPDATE triune_agent_heartbeats SET last_at_ms = ?3, deadline_at_ms = CASE WHEN interval_ms = 0 THEN NULL ELSE "
      "?3 "
      "+ interval_ms * missed_limit END, current_task = coalesce(?4, current_task), context_usage = coalesce(?5, "
      "context_usage), working_memory = coalesce(?6, working_memory) WHERE organization_id = ?1 AND agent_id = ?2";
  // The condition is looked at again where a detector was faster: then the beat is too late (A1).
  TRIUNE_ASSIGN(const auto beats, session_.execute(fmt::format("{} AND deadline_at_ms IS NOT NULL", update), row));
  if (beats > 0) return {};
  TRIUNE_ASSIGN(const auto status, status_of(id));
  if (!status) return no_agent(id);
  if (*status == AgentStatus::crashed)
    return failure(ErrorCode::conflict,
                   fmt::format("agent {} missed its heartbeats, and its work was given back; enroll it again", id));
  if (*status == AgentStatus::retired) return failure(ErrorCode::conflict, fmt::format("agent {} is retired", id));
  TRIUNE_TRY(session_.execute(update, row));
  return is_watched(*status) ? Status() : set_status(id, AgentStatus::idle);
}

Result<std::vector<std::string>> AgentStore::detect_crashes(std::int64_t now) const {
  const std::array<Value, 2> parameters{organization(), now};
  TRIUNE_ASSIGN(const RowSet overdue,
                rows("UPDATE triune_agent_heartbeats SET deadline_at_ms = NULL WHERE organization_id = ?1 AND "
                     "deadline_at_ms <= ?2 AND agent_id IN (SELECT agent_id FROM triune_agent_heartbeats WHERE "
                     "organization_id = ?1 AND deadline_at_ms <= ?2 ORDER BY deadline_at_ms LIMIT 1000) RETURNING "
                     "agent_id",
                     parameters));
  std::vector<std::string> crashed;
  for (const auto& row : overdue.rows) {
    const std::array<Value, 3> key{organization(), row[0], now};
    TRIUNE_ASSIGN(const auto changed,
                  session_.execute("UPDATE triune_agents SET status = 'crashed', crashes = crashes + 1, crashed_at_ms "
                                   "= ?3, updated_at_ms = ?3 WHERE organization_id = ?1 AND id = ?2 AND status IN "
                                   "('starting', 'idle', 'active', 'degraded')",
                                   key));
    if (changed > 0) crashed.push_back(text(row[0]));
  }
  return crashed;
}

Result<std::vector<AgentSummary>> AgentStore::summary(std::size_t limit) const {
  const std::array<Value, 2> parameters{organization(), limited(limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT id, name, status, tasks_in_progress, tasks_completed, tasks_failed, open_messages, "
                     "active_sessions, memories FROM triune_agent_summary WHERE organization_id = ?1 ORDER BY name "
                     "LIMIT ?2",
                     parameters));
  std::vector<AgentSummary> summary;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(const auto status, parse_agent_status(text(row[2])));
    summary.push_back({text(row[0]), text(row[1]), status, integer(row[3]), integer(row[4]), integer(row[5]),
                       integer(row[6]), integer(row[7]), integer(row[8])});
  }
  return summary;
}

}  // namespace triune::modules::agents
