// Configured values and their history, within one session.
#pragma once

#include "modules/agents/store.h"
#include "triune/modules/agents.h"

namespace triune::modules::agents {

class ConfigurationStore : public Part {
 public:
  using Part::Part;

  /// `value` in its canonical spelling. Returns the version.
  Result<std::int64_t> set(std::string_view agent, std::string_view category, std::string_view key,
                           const std::string& value, const std::string& by) const;
  Result<Configuration> find(std::string_view agent, std::string_view category, std::string_view key) const;
  Result<std::vector<Configuration>> list(std::string_view agent, std::string_view category) const;
  Result<std::vector<Configuration>> history(std::string_view agent, std::string_view category, std::string_view key,
                                             std::size_t limit) const;
  Status remove(std::string_view agent, std::string_view category, std::string_view key) const;
};

}  // namespace triune::modules::agents
