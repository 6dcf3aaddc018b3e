// Logs as events, and the state database of an orchestrator.
#include <fmt/format.h>

#include "adapters/builtin.h"
#include "base/hash.h"
#include "base/try.h"
#include "intake/agent_hive/log_lines.h"
#include "intake/agent_hive/run.h"
#include "intake/line_reader.h"
#include "intake/module_writer.h"
#include "model/json.h"

namespace triune::intake::agent_hive {
namespace {

constexpr std::size_t batch_events = 1'000;
constexpr std::uint64_t longest_line = 1U << 20U;
constexpr std::size_t longest_title = 1'000;
constexpr std::size_t most_rows = 1'000'000;

Deadline patience() {
  return Deadline::after(std::chrono::minutes(5));
}

NewEvent event_of(const LogLine& line, const std::string& external_id) {
  const auto severity = parse_event_severity(line.level);
  NewEvent event{.source = std::string(source_name),
                 .type = shortened("log." + (line.logger.empty() ? "root" : line.logger), 100),
                 .title = shortened(line.message, longest_title),
                 .severity = severity.value_or(EventSeverity::info),
                 .actor = shortened(line.agent, 200),
                 .target = shortened(line.task, 200),
                 .occurred_at_ms = line.at_ms,
                 .correlation_id = shortened(line.correlation, 200),
                 .external_id = external_id};
  event.data.text = line.data;
  if (line.data.empty()) {
    const Record fields{{"level", line.level}, {"logger", line.logger}, {"message", line.message}};
    event.data.text = to_json(fields);
  }
  return event;
}

/// Equal lines of one log are told apart by how often they came before, so that the same log makes the same events from
/// wherever it is read (H1).
class Names {
 public:
  explicit Names(std::string file) : file_(std::move(file)) {}
  std::string of(std::string_view text) {
    const auto hash = base::hash128(std::as_bytes(std::span(text)));
    return fmt::format("{}#{:016x}{:016x}.{}", file_, hash.high, hash.low, ++seen_[hash.low]);
  }

 private:
  std::string file_;
  std::map<std::uint64_t, std::uint64_t> seen_;
};

}  // namespace

Status Run::ingest(std::vector<NewEvent>& events) {
  if (events.empty()) return {};
  TRIUNE_ASSIGN(const IngestReport done, events_->ingest_many(events, actor_));
  count("events", done.added + done.duplicates);
  report_.duplicate_events += done.duplicates;
  events.clear();
  return {};
}

Status Run::take_log(const std::filesystem::path& path, const std::string& file) {
  TRIUNE_ASSIGN(auto reader, LineReader::open(path, 0, 1, longest_line));
  Names names(file);
  std::vector<NewEvent> events;
  std::optional<LogLine> entry;
  std::string first;
  const auto finish = [&]() -> Status {
    if (!entry) return {};
    events.push_back(event_of(*entry, names.of(first)));
    entry.reset();
    return events.size() < batch_events ? Status() : ingest(events);
  };
  Line line;
  for (;;) {
    TRIUNE_ASSIGN(const bool more, reader.next(line));
    if (!more) break;
    if (line.text.empty()) continue;
    if (line.oversized || !model::is_storable_text(line.text)) {
      not_taken(file, line.number, line.oversized ? "the line is longer than a megabyte" : "it is no text in UTF-8");
      continue;
    }
    if (auto begun = parse_log_line(line.text)) {
      TRIUNE_TRY(finish());
      entry = std::move(begun);
      first = line.text;
    } else if (entry && entry->message.size() < longest_line) {
      entry->message += '\n';
      entry->message += line.text;
    } else {
      not_taken(file, line.number, "it begins no entry that is known, and follows none");
    }
  }
  TRIUNE_TRY(finish());
  return ingest(events);
}

Status Run::take_state_tasks(std::span<const std::vector<Value>> rows, const std::string& file) {
  for (const auto& row : rows) {
    const auto status = canonical_task_status(to_text(row[2]));
    if (!status) {
      not_taken(file, 0, fmt::format("task {}: {}", to_text(row[0]), status.error().message));
      continue;
    }
    const auto agent = is_null(row[1]) ? std::string() : to_text(row[1]);
    if (!agent.empty()) TRIUNE_TRY(ensure_agent(agent));
    const auto name = to_text(row[0]);
    TRIUNE_TRY(
        put_task("agent-hive/state/" + name, agent, name, *status, Json{to_json(Record{{"confidence", row[3]}})}));
  }
  return {};
}

Status Run::take_state(const std::filesystem::path& path, const std::string& file) {
  TRIUNE_ASSIGN(const auto database, adapters::builtin().foreign.at("sqlite")({.path = path}));
  const auto rows = [&](std::string_view sql) { return database->query(sql, {}, most_rows, patience()); };
  if (const auto tasks = rows("SELECT id, agent, status, confidence FROM tasks ORDER BY id"))
    TRIUNE_TRY(take_state_tasks(tasks->rows, file));
  else
    not_taken(file, 0, "table tasks: " + tasks.error().message);
  std::vector<NewEvent> events;
  const auto add = [&](const std::string& type, const Value& at, const std::string& external_id, const Record& data,
                       const std::string& agent) {
    const auto time = is_null(at) ? std::nullopt : milliseconds_of(to_text(at));
    events.push_back({.source = std::string(source_name),
                      .type = type,
                      .actor = agent,
                      .occurred_at_ms = time.value_or(0),
                      .external_id = external_id,
                      .data = Json{to_json(data)}});
  };
  if (const auto found = rows("SELECT id, git_tag, metrics, timestamp FROM checkpoints ORDER BY id")) {
    for (const auto& row : found->rows) {
      add("checkpoint", row[3], "state/checkpoint/" + to_text(row[0]), {{"git_tag", row[1]}, {"metrics", row[2]}}, {});
      count("checkpoints");
    }
  } else {
    not_taken(file, 0, "table checkpoints: " + found.error().message);
  }
  if (const auto found = rows("SELECT rowid, agent, task_id, duration, success FROM performance ORDER BY rowid")) {
    for (const auto& row : found->rows) {
      add("performance", Value(), "state/performance/" + to_text(row[0]),
          {{"task", row[2]}, {"duration_seconds", row[3]}, {"success", row[4]}},
          is_null(row[1]) ? "" : to_text(row[1]));
      count("performance");
    }
  } else {
    not_taken(file, 0, "table performance: " + found.error().message);
  }
  return ingest(events);
}

}  // namespace triune::intake::agent_hive
