#include "modules/events/event_rows.h"

#include "model/json.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {

Event event_of(const std::vector<Value>& row, std::size_t first) {
  const auto cell = [&](std::size_t place) -> const Value& { return row[first + place]; };
  Event event{.id = text(cell(0)), .source = text(cell(1)), .type = text(cell(2)), .subtype = text(cell(3))};
  event.title = text(cell(4));
  event.status = static_cast<EventStatus>(integer(cell(5)));
  event.severity = static_cast<EventSeverity>(integer(cell(6)));
  event.actor = text(cell(7));
  event.target = text(cell(8));
  event.occurred_at_ms = integer(cell(9));
  event.received_at_ms = integer(cell(10));
  event.processed_at_ms = optional_integer(cell(11));
  event.correlation_id = text(cell(12));
  event.cause = text(cell(13));
  event.external_id = text(cell(14));
  event.fingerprint = text(cell(15));
  event.data = Json{text(cell(16))};
  return event;
}

std::vector<Event> events_of(const RowSet& rows) {
  std::vector<Event> events;
  events.reserve(rows.rows.size());
  for (const auto& row : rows.rows) events.push_back(event_of(row));
  return events;
}

std::vector<std::string> texts_of(const std::string& array) {
  std::vector<std::string> texts;
  bool quoted = false;
  std::string element;
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (quoted || array[i] == '"') element += array[i];
    if (quoted && array[i] == '\\' && i + 1 < array.size()) {
      element += array[++i];
    } else if (array[i] == '"') {
      quoted = !quoted;
      if (quoted) continue;
      if (const auto value = model::parse_json(element)) texts.push_back(to_text(*value));
      element.clear();
    }
  }
  return texts;
}

std::string array_of(const std::vector<std::string>& texts) {
  std::string array = "[";
  for (const auto& one : texts) {
    if (array.size() > 1) array += ',';
    model::append_json_string(array, one);
  }
  return array + "]";
}

}  // namespace triune::modules::events
