// Agents, their capabilities and their heartbeats, within one session.
#pragma once

#include "modules/agents/store.h"
#include "triune/modules/agents.h"

namespace triune::modules::agents {

class AgentStore : public Part {
 public:
  using Part::Part;

  Status enroll(const NewAgent& agent, const std::string& id) const;
  Result<std::vector<Agent>> select(std::string_view where, std::span<const Value> more, std::size_t limit) const;
  Result<Agent> find(std::string_view id) const;
  Status set_status(std::string_view id, AgentStatus status) const;
  Status put_capabilities(std::string_view id, std::span<const AgentCapability> capabilities) const;
  Result<std::vector<AgentCapability>> capabilities(std::string_view id) const;
  Status heartbeat(std::string_view id, const Heartbeat& beat) const;
  /// Ids of those that are crashed now and were not before (A1).
  Result<std::vector<std::string>> detect_crashes(std::int64_t now) const;
  Result<std::vector<AgentSummary>> summary(std::size_t limit) const;

 private:
  Result<std::optional<AgentStatus>> status_of(std::string_view id) const;
  Status put_row(const NewAgent& agent, const std::string& id, bool exists, std::int64_t now) const;
  Status watch(const NewAgent& agent, const std::string& id, std::int64_t now) const;
};

}  // namespace triune::modules::agents
