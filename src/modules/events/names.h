// Sources and types by their names. Numbers never change and are never used again, so what is known stays true.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "modules/kit/module.h"
#include "triune/modules/events.h"

namespace triune::modules::events {

/// Thread rule: any thread.
class Names {
 public:
  explicit Names(const Module& module) : module_(module) {}

  /// Adds a source or changes the one with the name.
  Status put_source(const EventSource& source, const Actor& actor);
  Result<std::vector<EventSource>> sources();
  /// Error: `not_found`.
  Result<std::int64_t> source(std::string_view name);
  /// Registers a type that is new.
  Result<std::int64_t> type(const std::string& name, const Actor& actor);
  /// Nothing for a name that nobody registered.
  Result<std::optional<std::int64_t>> known_source(std::string_view name);
  Result<std::optional<std::int64_t>> known_type(std::string_view name);

 private:
  using Numbers = std::unordered_map<std::string, std::int64_t>;
  enum class Kind : std::uint8_t { source, type };

  Result<std::optional<std::int64_t>> find(Kind kind, std::string_view name);
  Status add_type(const std::string& name, const Actor& actor);

  const Module& module_;
  std::mutex mutex_;
  Numbers sources_;
  Numbers types_;
};

}  // namespace triune::modules::events
