// Who hears of which events.
#pragma once

#include "modules/kit/module.h"
#include "triune/modules/events.h"

namespace triune::modules::events {

Result<std::string> put_subscription(const Module& module, const EventSubscription& subscription, const Actor& actor);
Result<std::vector<EventSubscription>> all_subscriptions(const Module& module);
Status remove_subscription(const Module& module, std::string_view subscription, const Actor& actor);
/// By its id or its name. Error: `not_found`.
Result<EventSubscription> find_subscription(contract::RelationalSession& session, std::int64_t organization_id,
                                            std::string_view subscription);

}  // namespace triune::modules::events
