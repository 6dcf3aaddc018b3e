// Ids of events: UUIDv7 of the time that the event occurred at. The first twelve digits are that time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace triune::modules::events {

/// A new one.
std::string event_id(std::int64_t occurred_at_ms);
/// What all ids of this time and later ones are not less than; the bounds of a range of ids.
std::string id_from(std::int64_t at_ms);
/// Nothing when it is no UUIDv7 in small letters.
std::optional<std::int64_t> time_of_id(std::string_view id);

}  // namespace triune::modules::events
