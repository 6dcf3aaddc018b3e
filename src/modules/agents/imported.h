// Agents and contexts as another program's records have them, within one session: what an importer knows of the past,
// where Agents and Memory speak of the present.
#pragma once

#include <cstdint>
#include <string>

#include "modules/agents/store.h"
#include "triune/modules/agents.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

struct ImportedAgent {
  NewAgent agent;      ///< With its id; `configuration` is an object.
  std::string source;  ///< Of the importer: marks what is its own.
  std::int64_t first_at_ms = 0;
  std::int64_t last_at_ms = 0;
};

struct ImportedContext {
  NewContext context;  ///< With its id; without content.
  std::int64_t consolidations = 0;
  std::int64_t first_at_ms = 0;
  std::int64_t last_at_ms = 0;
};

class ImportStore : public Part {
 public:
  using Part::Part;

  /// Adds the agent, or brings the one with its id up to what is given, unless somebody else has enrolled it: that one
  /// stays as it is. A name that is another agent's is left to it. True when something changed.
  Result<bool> put(const ImportedAgent& imported) const;
  /// The context, asleep: nobody holds it now. True when something changed.
  Result<bool> put(const ImportedContext& imported) const;

 private:
  Result<std::string> free_name(const NewAgent& agent) const;
  Status watch_nobody(const ImportedAgent& imported) const;
};

}  // namespace triune::modules::agents
