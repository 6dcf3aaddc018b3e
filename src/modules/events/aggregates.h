// What periods brought, from the counts that are kept as events come.
#pragma once

#include "modules/events/names.h"

namespace triune::modules::events {

Result<std::vector<EventAggregate>> aggregates_of(const Module& module, Names& names, const AggregateQuery& query);
Result<std::vector<SourceHealth>> health_of(const Module& module);

}  // namespace triune::modules::events
