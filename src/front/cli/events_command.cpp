// events: tell of them, look for them, hear of them, count them, let them go.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "model/json.h"
#include "triune/modules/events.h"

namespace triune::front {
namespace {

using EventWork = std::function<Result<ExitCode>(Events&)>;

Result<ExitCode> with_events(const Settings& settings, const EventWork& work) {
  return with_hive(settings, {.create = false, .project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto events, Events::open(hive));
    return work(*events);
  });
}

std::string moment(std::int64_t milliseconds) {
  const std::chrono::system_clock::time_point at{std::chrono::milliseconds(milliseconds)};
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(at)));
}

void write_event(JsonWriter& to, const Event& event) {
  to.begin_object().member("id", event.id).member("source", event.source).member("type", event.type);
  to.member("subtype", event.subtype).member("title", event.title).member("status", to_string(event.status));
  to.member("severity", to_string(event.severity)).member("actor", event.actor).member("target", event.target);
  to.member("occurred_at_ms", event.occurred_at_ms).member("received_at_ms", event.received_at_ms);
  to.member("correlation_id", event.correlation_id).member("cause", event.cause);
  to.member("external_id", event.external_id).key("data").raw(event.data.text).end_object();
}

void write_events(JsonWriter& to, std::string_view name, const std::vector<Event>& events) {
  to.key(name).begin_array();
  for (const auto& event : events) write_event(to, event);
  to.end_array();
}

std::string events_text(const std::vector<Event>& events, bool wide) {
  RowSet table{.columns = {"occurred", "source", "type", "severity", "status", "actor", "title", "id"}, .rows = {}};
  for (const auto& event : events)
    table.rows.push_back({moment(event.occurred_at_ms), event.source, event.type,
                          std::string(to_string(event.severity)), std::string(to_string(event.status)), event.actor,
                          event.title, event.id});
  return format_table(table, style_of_output(wide));
}

// --- source ---

struct SourceArguments {
  EventSource source;
  bool closed = false;
};

Result<ExitCode> run_source(const SourceArguments& arguments, const CommandLine& line) {
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    if (!arguments.source.name.empty()) {
      auto source = arguments.source;
      source.active = !arguments.closed;
      TRIUNE_TRY(events.register_source(source));
    }
    TRIUNE_ASSIGN(const auto sources, events.sources());
    JsonWriter to;
    RowSet table{.columns = {"source", "type", "active"}, .rows = {}};
    to.begin_object().key("sources").begin_array();
    for (const auto& one : sources) {
      to.begin_object().member("name", one.name).member("source_type", one.source_type).member("active", one.active);
      to.end_object();
      table.rows.push_back({one.name, one.source_type, one.active});
    }
    to.end_array().end_object();
    print(line.settings.json ? to.text() + "\n" : format_table(table, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  });
}

// --- ingest ---

struct IngestArguments {
  NewEvent event;
  std::string severity = "info";
  std::string data = "{}";
  std::string file;
};

/// A line of JSON: the members of NewEvent; those that are missing are as the options say.
Result<NewEvent> event_of_line(const std::string& text, const NewEvent& defaults) {
  TRIUNE_ASSIGN(const Record record, model::parse_json_object(text));
  auto event = defaults;
  for (const auto& [name, value] : record) {
    if (name == "occurred_at_ms") {
      const auto* const time = std::get_if<std::int64_t>(&value);
      if (time == nullptr) return failure(ErrorCode::invalid_argument, "occurred_at_ms is a whole number");
      event.occurred_at_ms = *time;
    } else if (name == "severity") {
      TRIUNE_ASSIGN(event.severity, parse_event_severity(to_text(value)));
    } else if (name == "data") {
      event.data = {to_json(value)};
    } else {
      const std::array<std::pair<std::string_view, std::string*>, 11> texts{
          {{"source", &event.source},
           {"type", &event.type},
           {"subtype", &event.subtype},
           {"title", &event.title},
           {"actor", &event.actor},
           {"target", &event.target},
           {"correlation_id", &event.correlation_id},
           {"cause", &event.cause},
           {"cause_external_id", &event.cause_external_id},
           {"external_id", &event.external_id},
           {"fingerprint", &event.fingerprint}}};
      const auto* const known =
          std::find_if(texts.begin(), texts.end(), [&](const auto& one) { return one.first == name; });
      if (known == texts.end())
        return failure(ErrorCode::invalid_argument,
                       fmt::format("an event has no '{}'; see triune events --help", name));
      *known->second = to_text(value);
    }
  }
  return event;
}

struct Told {
  std::size_t added = 0;
  std::size_t duplicates = 0;
  std::string last_id;
};

Status tell(Events& events, std::vector<NewEvent>& batch, Told& told) {
  if (batch.empty()) return {};
  TRIUNE_ASSIGN(const auto report, events.ingest_many(batch));
  told.added += report.added;
  told.duplicates += report.duplicates;
  told.last_id = report.events.back().id;
  batch.clear();
  return {};
}

Status tell_lines(Events& events, std::istream& lines, const NewEvent& defaults, Told& told) {
  constexpr std::size_t batch_size = 1'000;
  std::vector<NewEvent> batch;
  std::size_t number = 0;
  for (std::string text; std::getline(lines, text);) {
    ++number;
    if (text.empty()) continue;
    auto event = event_of_line(text, defaults);
    if (!event) {
      event.error().message = fmt::format("line {}: {}", number, event.error().message);
      return failure_of(event);
    }
    batch.push_back(std::move(*event));
    if (batch.size() == batch_size) TRIUNE_TRY(tell(events, batch, told));
  }
  return tell(events, batch, told);
}

Result<ExitCode> run_ingest(const IngestArguments& arguments, const CommandLine& line) {
  auto event = arguments.event;
  TRIUNE_ASSIGN(event.severity, parse_event_severity(arguments.severity));
  event.data = {arguments.data};
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    Told told;
    if (arguments.file == "-") {
      TRIUNE_TRY(tell_lines(events, std::cin, event, told));
    } else if (!arguments.file.empty()) {
      std::ifstream file(arguments.file);
      if (!file) return failure(ErrorCode::not_found, fmt::format("{} cannot be read", arguments.file));
      TRIUNE_TRY(tell_lines(events, file, event, told));
    } else {
      std::vector<NewEvent> one{event};
      TRIUNE_TRY(tell(events, one, told));
    }
    JsonWriter to;
    to.begin_object().member("added", told.added).member("duplicates", told.duplicates).member("last_id", told.last_id);
    to.end_object();
    print(line.settings.json ? to.text() + "\n"
                             : fmt::format("{} told, {} known already; the last is {}\n", grouped(told.added),
                                           grouped(told.duplicates), told.last_id));
    return ExitCode::ok;
  });
}

// --- list, chain ---

struct ListArguments {
  EventFilter filter;
  std::string status;
  std::string severity;
};

Result<ExitCode> run_list(const ListArguments& arguments, const CommandLine& line) {
  auto filter = arguments.filter;
  if (!arguments.status.empty()) {
    TRIUNE_ASSIGN(filter.status, parse_event_status(arguments.status));
  }
  if (!arguments.severity.empty()) {
    TRIUNE_ASSIGN(filter.min_severity, parse_event_severity(arguments.severity));
  }
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, events.query(filter));
    JsonWriter to;
    to.begin_object();
    write_events(to, "events", found);
    to.end_object();
    print(line.settings.json ? to.text() + "\n" : events_text(found, line.settings.wide));
    return ExitCode::ok;
  });
}

struct ChainArguments {
  std::string id;
};

Result<ExitCode> run_chain(const ChainArguments& arguments, const CommandLine& line) {
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto chain, events.chain(arguments.id));
    JsonWriter to;
    to.begin_object();
    write_events(to, "causes", chain.causes);
    write_events(to, "effects", chain.effects);
    write_events(to, "correlated", chain.correlated);
    to.end_object();
    const bool wide = line.settings.wide;
    print(line.settings.json ? to.text() + "\n"
                             : fmt::format("causes\n{}\neffects\n{}\ncorrelated\n{}", events_text(chain.causes, wide),
                                           events_text(chain.effects, wide), events_text(chain.correlated, wide)));
    return ExitCode::ok;
  });
}

// --- subscribe ---

struct SubscribeArguments {
  EventSubscription subscription;
  std::string conditions = "{}";
  std::string severity = "debug";
};

Result<ExitCode> run_subscribe(const SubscribeArguments& arguments, const CommandLine& line) {
  auto subscription = arguments.subscription;
  subscription.conditions = {arguments.conditions};
  TRIUNE_ASSIGN(subscription.min_severity, parse_event_severity(arguments.severity));
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    if (!subscription.name.empty()) TRIUNE_TRY(events.subscribe(subscription));
    TRIUNE_ASSIGN(const auto all, events.subscriptions());
    JsonWriter to;
    RowSet table{.columns = {"subscription", "state", "deliveries", "id"}, .rows = {}};
    to.begin_object().key("subscriptions").begin_array();
    for (const auto& one : all) {
      TRIUNE_ASSIGN(const auto counts, events.deliveries(one.id));
      to.begin_object().member("id", one.id).member("name", one.name).member("state", one.state).key("deliveries");
      to.begin_object();
      std::string text;
      for (const auto& count : counts) {
        to.member(count.state, count.deliveries);
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.deliveries, count.state);
      }
      to.end_object().end_object();
      table.rows.push_back({one.name, one.state, text, one.id});
    }
    to.end_array().end_object();
    print(line.settings.json ? to.text() + "\n" : format_table(table, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  });
}

// --- stats, retain ---

struct StatsArguments {
  AggregateQuery query;
  bool hours = false;
};

Result<ExitCode> run_stats(const StatsArguments& arguments, const CommandLine& line) {
  auto query = arguments.query;
  query.period = arguments.hours ? EventPeriod::hour : EventPeriod::day;
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, events.aggregates(query));
    JsonWriter to;
    RowSet table{
        .columns = {"from", "source", "type", "events", "per s", "duplicates", "processed", "failed", "actors"},
        .rows = {}};
    to.begin_object().key("periods").begin_array();
    for (const auto& one : found) {
      const Value actors = one.actors ? Value(*one.actors) : Value();
      to.begin_object().member("start_ms", one.start_ms).member("end_ms", one.end_ms).member("source", one.source);
      to.member("type", one.type).member("events", one.events).member("per_second", one.per_second);
      to.member("duplicates", one.duplicates).member("processed", one.processed).member("failed", one.failed);
      to.member("actors", actors).end_object();
      table.rows.push_back({moment(one.start_ms), one.source, one.type, one.events,
                            fmt::format("{:.3g}", one.per_second), one.duplicates, one.processed, one.failed, actors});
    }
    to.end_array().end_object();
    print(line.settings.json ? to.text() + "\n" : format_table(table, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  });
}

struct RetainArguments {
  std::int64_t days = 0;
};

Result<ExitCode> run_retain(const RetainArguments& arguments, const CommandLine& line) {
  return with_events(line.settings, [&](Events& events) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto report, events.retain(arguments.days));
    JsonWriter to;
    to.begin_object().member("events", report.events).key("months").begin_array();
    std::string text;
    for (const auto& month : report.months) {
      to.value(month);
      text += " " + month;
    }
    to.end_array().key("made").begin_array();
    for (const auto& month : report.made) to.value(month);
    to.end_array().end_object();
    print(line.settings.json ? to.text() + "\n"
                             : fmt::format("{} events left with the months{}\n", grouped(report.events),
                                           text.empty() ? " (none)" : text));
    return ExitCode::ok;
  });
}

// --- the parser ---

void add_ingest(CLI::App& events, CommandLine& line) {
  auto arguments = std::make_shared<IngestArguments>();
  auto* ingest = add_command(events, "ingest", "Tell of one event, or of those in a file of JSON lines",
                             "triune events ingest --source ci --type build --data '{\"ok\":true}'\n"
                             "  triune events ingest --source ci --file events.ndjson");
  auto& event = arguments->event;
  ingest->add_option("--source", event.source, "Name of a registered source")->type_name("NAME");
  ingest->add_option("--type", event.type, "A new one is registered by itself")->type_name("NAME");
  ingest->add_option("--subtype", event.subtype)->type_name("NAME");
  ingest->add_option("--title", event.title)->type_name("TEXT");
  ingest->add_option("--severity", arguments->severity, "debug, info, warning, error or critical");
  ingest->add_option("--actor", event.actor, "Who did it")->type_name("ID");
  ingest->add_option("--target", event.target, "To what")->type_name("ID");
  ingest->add_option("--at", event.occurred_at_ms, "When, in milliseconds since 1970; default: now")->type_name("MS");
  ingest->add_option("--correlation", event.correlation_id, "Events with the same one belong together");
  ingest->add_option("--cause", event.cause, "Id of the event that led to it")->type_name("ID");
  ingest->add_option("--external-id", event.external_id, "Tells duplicates of the source")->type_name("ID");
  ingest->add_flag("--fingerprint", event.fingerprint_content, "Events with the same content are duplicates");
  ingest->add_option("--data", arguments->data)->type_name("JSON");
  ingest->add_option("--file", arguments->file, "One JSON object a line; - reads standard input")->type_name("FILE");
  when_chosen(ingest, line, arguments, run_ingest);
}

void add_looking(CLI::App& events, CommandLine& line) {
  auto arguments = std::make_shared<ListArguments>();
  auto* list =
      add_command(events, "list", "List events, the newest first", "triune events list --type build --limit 20");
  auto& filter = arguments->filter;
  list->add_option("--source", filter.source)->type_name("NAME");
  list->add_option("--type", filter.type)->type_name("NAME");
  list->add_option("--actor", filter.actor)->type_name("ID");
  list->add_option("--correlation", filter.correlation_id)->type_name("ID");
  list->add_option("--status", arguments->status, "received, processing, processed, failed, ignored or archived");
  list->add_option("--severity", arguments->severity, "This one and worse");
  list->add_option("--since", filter.since_ms)->type_name("MS");
  list->add_option("--until", filter.until_ms)->type_name("MS");
  list->add_option("--before", filter.before_id, "Only older ones than this event")->type_name("ID");
  list->add_option("--limit", filter.limit)->capture_default_str()->type_name("COUNT");
  when_chosen(list, line, arguments, run_list);

  auto of = std::make_shared<ChainArguments>();
  auto* chain = add_command(events, "chain", "Show what led to an event, what it led to, and what belongs to it",
                            "triune events chain 0193-…");
  chain->add_option("id", of->id)->required()->type_name("ID");
  when_chosen(chain, line, of, run_chain);
}

void add_subscribe(CLI::App& events, CommandLine& line) {
  auto arguments = std::make_shared<SubscribeArguments>();
  auto& one = arguments->subscription;
  auto* subscribe = add_command(events, "subscribe", "Subscribe to events, or list who hears of them",
                                "triune events subscribe reviews --types pull_request,review --processes\n"
                                "  triune events subscribe");
  subscribe->add_option("name", one.name, "Without one, the subscriptions are listed")->type_name("NAME");
  subscribe->add_option("--sources", one.sources, "Of these only")->delimiter(',');
  subscribe->add_option("--types", one.types, "Of these only")->delimiter(',');
  subscribe->add_option("--subtypes", one.subtypes, "Of these only")->delimiter(',');
  subscribe->add_option("--actors", one.actors, "Of these only")->delimiter(',');
  subscribe->add_option("--targets", one.targets, "Of these only")->delimiter(',');
  subscribe->add_option("--conditions", arguments->conditions, "Members that the data must have")->type_name("JSON");
  subscribe->add_option("--severity", arguments->severity, "This one and worse");
  subscribe->add_option("--priority", one.priority, "1 to 10, higher first")->capture_default_str();
  subscribe->add_option("--attempts", one.max_attempts, "Before a delivery is dead")->capture_default_str();
  subscribe->add_option("--state", one.state, "active, paused or disabled")->capture_default_str();
  subscribe->add_flag("--processes", one.processes, "Its deliveries are the processing of the events");
  when_chosen(subscribe, line, arguments, run_subscribe);
}

void add_figures(CLI::App& events, CommandLine& line) {
  auto arguments = std::make_shared<StatsArguments>();
  auto* stats = add_command(events, "stats", "Count events by the day or the hour", "triune events stats --by-source");
  stats->add_flag("--hours", arguments->hours, "By the hour");
  stats->add_flag("--by-source", arguments->query.by_source);
  stats->add_flag("--by-type", arguments->query.by_type);
  stats->add_flag("--actors", arguments->query.actors, "Count different actors too; by the day");
  stats->add_option("--source", arguments->query.source)->type_name("NAME");
  stats->add_option("--type", arguments->query.type)->type_name("NAME");
  stats->add_option("--since", arguments->query.since_ms)->type_name("MS");
  stats->add_option("--until", arguments->query.until_ms)->type_name("MS");
  stats->add_option("--limit", arguments->query.limit)->capture_default_str()->type_name("COUNT");
  when_chosen(stats, line, arguments, run_stats);

  auto kept = std::make_shared<RetainArguments>();
  auto* retain = add_command(events, "retain", "Let go of the months that ended longer ago; make three months ahead",
                             "triune events retain --days 90");
  retain->add_option("--days", kept->days, "How long events are kept")->required()->type_name("DAYS");
  when_chosen(retain, line, kept, run_retain);
}

}  // namespace

void add_events_command(CLI::App& root, CommandLine& line) {
  auto* events = add_command(root, "events", "Tell of events, look for them, subscribe to them, count them",
                             "triune events stats --json");
  events->require_subcommand(1);
  auto arguments = std::make_shared<SourceArguments>();
  auto* source =
      add_command(*events, "source", "Register a source, or list them", "triune events source ci --type webhook");
  source->add_option("name", arguments->source.name, "Without one, the sources are listed")->type_name("NAME");
  source->add_option("--type", arguments->source.source_type)->capture_default_str()->type_name("TYPE");
  source->add_option("--description", arguments->source.description)->type_name("TEXT");
  source->add_flag("--closed", arguments->closed, "Its events are refused");
  when_chosen(source, line, arguments, run_source);
  add_ingest(*events, line);
  add_looking(*events, line);
  add_subscribe(*events, line);
  add_figures(*events, line);
}

}  // namespace triune::front
