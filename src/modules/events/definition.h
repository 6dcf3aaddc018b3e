// What is derived from the tables of events.
#pragma once

#include "contract/dialect.h"
#include "modules/kit/module_definition.h"

namespace triune::modules::events {

/// A retention is told by its row in triune_event_retentions, not by each event that goes.
inline std::string in_retention(contract::Dialect dialect) {
  return dialect == contract::Dialect::sqlite ? "(SELECT mode FROM triune_event_writer WHERE one = 1) = 2"
                                              : "coalesce(current_setting('triune.events', true), '') = 'retention'";
}

inline ModuleDefinition definition(contract::Dialect dialect) {
  return {.series = "events",
          .needs = {},
          .audited = {{"triune_event_sources", {"name"}, {}},
                      {"triune_event_types", {"name"}, {}},
                      {"triune_event_subscriptions", {"id"}, {}},
                      {"triune_event_retentions", {"id"}, {}},
                      {.table = "triune_events",
                       .key = {"id"},
                       .redacted = {},
                       .inserts = false,
                       .told_otherwise = in_retention(dialect)},
                      {.table = "triune_event_deliveries",
                       .key = {"subscription_id", "event_id"},
                       .redacted = {},
                       .inserts = false,
                       .told_otherwise = in_retention(dialect)}},
          .nodes = {{.table = "triune_event_chains",
                     .label = "Event",
                     .properties = {"event_type", "source", "occurred_at_ms"}}},
          .edges = {{.table = "triune_event_chains",
                     .type = "CAUSED",
                     .from_column = "cause_id",
                     .from_label = "Event",
                     .to_column = "id",
                     .to_label = "Event"},
                    {.table = "triune_event_chains",
                     .type = "CORRELATES_WITH",
                     .from_column = "id",
                     .from_label = "Event",
                     .to_column = "correlates_with",
                     .to_label = "Event"}}};
}

}  // namespace triune::modules::events
