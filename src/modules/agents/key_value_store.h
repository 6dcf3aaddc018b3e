// Values by name, within one session.
#pragma once

#include "modules/agents/store.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

struct PutValue {
  std::string ns;
  std::string key;
  std::string value;  ///< Canonical JSON.
  std::int64_t ttl_ms = 0;
  std::optional<std::int64_t> version;  ///< That is to be stored now; 0: none. Nothing: whichever.
};

class KeyValueStore : public Part {
 public:
  using Part::Part;

  /// Returns the version.
  Result<std::int64_t> put(const PutValue& put) const;
  Result<KeyValue> find(std::string_view ns, std::string_view key) const;
  Result<std::vector<KeyValue>> list(std::string_view ns, std::string_view prefix, std::size_t limit) const;
  Status erase(std::string_view ns, std::string_view key) const;
};

}  // namespace triune::modules::agents
