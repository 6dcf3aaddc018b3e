// Absences, feedback, decisions and the history of contexts, within one session.
#pragma once

#include "modules/agents/store.h"
#include "triune/modules/agent_records.h"

namespace triune::modules::agents {

class RecordStore : public Part {
 public:
  using Part::Part;

  Status set_absent(const AgentAbsence& absence) const;
  Status set_present(std::string_view agent) const;
  Result<std::vector<AgentAbsence>> absences(std::string_view agent) const;
  Result<std::vector<FoundAgent>> find_agents(const AgentSearch& search) const;

  Status give_feedback(const AgentFeedback& feedback, const std::string& id) const;
  Result<std::vector<AgentFeedback>> feedback(std::string_view agent, std::size_t limit) const;
  Result<std::vector<AgentRating>> ratings(std::string_view agent) const;

  Status decide(const AgentDecision& decision, const std::string& id) const;
  Status resolve(std::string_view decision, DecisionOutcome outcome, std::string_view note) const;
  Result<std::vector<AgentDecision>> decisions(const DecisionFilter& filter) const;
  Result<DecisionOutcomes> decision_outcomes(std::string_view agent) const;

  Result<std::vector<ContextPoint>> context_history(std::string_view session) const;
};

/// A forecast from points, the oldest first.
ContextForecast forecast_of(const std::vector<ContextPoint>& points);

}  // namespace triune::modules::agents
