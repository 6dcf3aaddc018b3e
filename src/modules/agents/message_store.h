// Messages, their deliveries, and who works with whom, within one session.
#pragma once

#include "modules/agents/store.h"
#include "triune/modules/agents.h"

namespace triune::modules::agents {

class MessageStore : public Part {
 public:
  using Part::Part;

  Status send(const NewAgentMessage& message, const std::string& id) const;
  /// Of what a receiver has not acknowledged; with `undelivered` only what it has not received either.
  Result<std::vector<AgentMessage>> inbox(std::string_view agent, std::size_t limit, bool undelivered) const;
  /// Marks messages as delivered, and keeps those that nobody else marked before.
  Result<std::vector<AgentMessage>> receive(std::string_view agent, std::size_t limit) const;
  Status acknowledge(std::string_view agent, std::string_view message) const;
  Result<std::vector<AgentDelivery>> deliveries(std::string_view message) const;
  Result<std::vector<AgentMessage>> thread(std::string_view thread, std::size_t limit) const;
  Result<std::vector<Collaboration>> collaborators(std::string_view agent, std::size_t limit) const;
};

}  // namespace triune::modules::agents
