// Who changes something, and why: kept with every change in the audit log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace triune {

enum class ActorType : std::uint8_t { user, agent, system, api, migration };

/// The word for a type ("agent").
std::string_view to_string(ActorType type) noexcept;

struct Actor {
  std::string id;  ///< Of a user, an agent or a program, at most 200 bytes; empty: not told.
  ActorType type = ActorType::api;
  std::string reason;      ///< At most 1,000 bytes.
  std::string request_id;  ///< Of the request that led to the change, at most 200 bytes.
};

}  // namespace triune
