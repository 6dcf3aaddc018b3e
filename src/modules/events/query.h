// Finding events. There is no index on source, type and actor: what is counted says in which hours and days to look.
#pragma once

#include "modules/events/names.h"

namespace triune::modules::events {

Result<Event> find_event(contract::RelationalSession& session, std::int64_t organization_id, std::string_view id);
Result<std::vector<Event>> find_events(const Module& module, Names& names, const EventFilter& filter);
Result<EventChain> find_chain(const Module& module, std::string_view id);

}  // namespace triune::modules::events
