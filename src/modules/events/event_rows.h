// Events as rows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/modules/events.h"

namespace triune::modules::events {

/// The columns of `triune_events e` that `event_of` reads, in its order. Names are looked up row by row, so that the
/// order of the rows stays that of the key.
inline constexpr std::string_view event_columns =
    "e.id, (SELECT s.name FROM triune_event_sources s WHERE s.organization_id = e.organization_id AND s.source_id = "
    "e.source_id), (SELECT t.name FROM triune_event_types t WHERE t.organization_id = e.organization_id AND t.type_id "
    "= "
    "e.type_id), e.subtype, e.title, e.status, e.severity, e.actor, e.target, e.occurred_at_ms, e.received_at_ms, "
    "e.processed_at_ms, e.correlation_id, e.cause_id, e.external_id, e.fingerprint, e.data";
inline constexpr std::size_t event_column_count = 17;

/// `first`: the place of the first of these columns.
Event event_of(const std::vector<Value>& row, std::size_t first = 0);
std::vector<Event> events_of(const RowSet& rows);

/// The texts of a JSON array, and back.
std::vector<std::string> texts_of(const std::string& array);
std::string array_of(const std::vector<std::string>& texts);

}  // namespace triune::modules::events
