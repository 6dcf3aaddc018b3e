#include "intake/sqlite_hive/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "adapters/builtin.h"
#include "base/try.h"
#include "intake/agent_hive/log_lines.h"
#include "model/json.h"
#include "model/sql_text.h"
#include "triune/modules/agents.h"
#include "triune/modules/events.h"
#include "triune/modules/memory.h"
#include "triune/modules/tasks.h"

namespace triune::intake {
namespace {

constexpr std::size_t most_rows = 1'000'000;
constexpr std::size_t reported = 1'000;
constexpr std::string_view source_name = "sqlite-hive";

Deadline patience() {
  return Deadline::after(std::chrono::minutes(5));
}

/// The first of some columns that has a value.
Value first_of(const Record& row, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    for (const auto& field : row)
      if (field.name == name && !is_null(field.value)) return field.value;
  return {};
}

std::string text_of(const Record& row, std::initializer_list<std::string_view> names) {
  const auto value = first_of(row, names);
  return is_null(value) ? std::string() : to_text(value);
}

/// Milliseconds since 1970 of a time in any of their spellings; 0 when there is none.
std::int64_t time_of(const Record& row, std::initializer_list<std::string_view> names) {
  const auto value = first_of(row, names);
  if (is_null(value)) return 0;
  if (const auto* const number = std::get_if<std::int64_t>(&value); number != nullptr && *number > 100'000'000'000)
    return *number;  // milliseconds
  return agent_hive::milliseconds_of(to_text(value)).value_or(0);
}

/// The elements of a list of names, as JSON has it.
std::vector<std::string> names_in(const std::string& json) {
  std::vector<std::string> names;
  if (!json.starts_with('[')) return names;
  const auto record = model::parse_json_object(fmt::format("{{\"list\":{}}}", json));
  if (!record) return names;
  std::size_t at = 1;
  for (std::size_t quote = json.find('"', at); quote != std::string::npos; quote = json.find('"', at)) {
    const auto end = json.find('"', quote + 1);
    if (end == std::string::npos) break;
    names.push_back(json.substr(quote + 1, end - quote - 1));
    at = end + 1;
  }
  return names;
}

Json document_of(const std::string& text) {
  return model::parse_json(text) ? Json{text} : Json{model::json_string(text)};
}

TaskPriority priority_of(const std::string& word) {
  if (auto known = parse_task_priority(word)) return *known;
  if (word == "medium") return TaskPriority::normal;
  const auto number = word.size() == 1 && word[0] >= '0' && word[0] <= '9' ? word[0] - '0' : 5;
  return number >= 9   ? TaskPriority::critical
         : number >= 7 ? TaskPriority::high
         : number >= 4 ? TaskPriority::normal
                       : TaskPriority::low;
}

class SqliteHiveImport {
 public:
  static Result<std::unique_ptr<SqliteHiveImport>> open(Hive& hive, const std::filesystem::path& path) {
    auto work = std::make_unique<SqliteHiveImport>();
    TRIUNE_ASSIGN(work->database_, adapters::builtin().foreign.at("sqlite")({.path = path}));
    TRIUNE_ASSIGN(work->tasks_, Tasks::open(hive));
    TRIUNE_ASSIGN(work->agents_, Agents::open(hive));
    TRIUNE_ASSIGN(work->memory_, Memory::open(hive));
    TRIUNE_ASSIGN(work->events_, Events::open(hive));
    TRIUNE_TRY(
        work->events_->register_source({.name = std::string(source_name), .source_type = "import"}, work->actor_));
    return work;
  }

  Result<SqliteHiveReport> run(const Progress& progress) {
    TRIUNE_ASSIGN(const RowSet tables,
                  database_->query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
                                   "ESCAPE '\\' ORDER BY name",
                                   {}, most_rows, patience()));
    std::set<std::string> names;
    for (const auto& row : tables.rows) names.insert(to_text(row[0]));
    if (!names.contains("agents") && !names.contains("swarms") && !names.contains("tasks") && !names.contains("memory"))
      return failure(
          ErrorCode::invalid_argument,
          "the file has none of the tables agents, swarms, tasks and memory: it is no database of a hive-mind or "
          "swarm program");
    std::uint64_t done = 0;
    for (const auto& [table, kind, take] : known()) {
      if (names.erase(std::string(table)) == 0) continue;
      TRIUNE_TRY(take_table(std::string(table), std::string(kind), take));
      if (progress) progress("importing", ++done, tables.rows.size());
    }
    for (const auto& name : names) not_taken(name, {}, "no module has a place for it; migrate it as a table instead");
    TRIUNE_TRY(add_dependencies());
    return std::move(report_);
  }

 private:
  using Take = std::function<Status(const std::string&, const Record&)>;
  struct KnownTable {
    std::string_view table;
    std::string_view kind;
    Take take;
  };

  /// Agents before what they did, in the order in which things refer to each other.
  std::vector<KnownTable> known() {
    const Take agent = [this](const auto&, const auto& row) { return take_agent(row); };
    const Take task = [this](const auto&, const auto& row) { return take_task(row); };
    const Take event = [this](const auto& table, const auto& row) { return take_event(table, row); };
    const Take value = [this](const auto& table, const auto& row) { return take_value(table, row); };
    const Take setting = [this](const auto& table, const auto& row) { return take_configuration(table, row); };
    return {{"swarms", "configurations", setting},
            {"agents", "agents", agent},
            {"swarm_agents", "agents", agent},
            {"tasks", "tasks", task},
            {"swarm_tasks", "tasks", task},
            {"communications", "events", event},
            {"messages", "events", event},
            {"consensus", "events", event},
            {"consensus_decisions", "events", event},
            {"task_results", "events", event},
            {"session_logs", "events", event},
            {"events", "events", event},
            {"memory", "values", value},
            {"agent_memory", "values", value},
            {"collective_memory", "values", value},
            {"kv_store", "values", value},
            {"facts", "values", value},
            {"sessions", "values", value},
            {"session_checkpoints", "values", value},
            {"neural_networks", "values", value},
            {"neural_patterns", "values", value},
            {"performance_metrics", "values", value}};
  }

  Status take_table(const std::string& table, const std::string& kind, const Take& take) {
    TRIUNE_ASSIGN(const RowSet rows, database_->query(fmt::format("SELECT rowid AS triune_rowid, * FROM {}",
                                                                  model::quote_identifier(table)),
                                                      {}, most_rows, patience()));
    if (rows.truncated) not_taken(table, {}, fmt::format("it has more than {} rows; the first were taken", most_rows));
    for (const auto& cells : rows.rows) {
      Record row;
      for (std::size_t i = 0; i < cells.size(); ++i) row.push_back({rows.columns[i], cells[i]});
      const auto taken = take(table, row);
      if (taken) {
        report_.mapped[table] = {kind, report_.mapped[table].second + 1};
      } else if (taken.error().code == ErrorCode::invalid_argument || taken.error().code == ErrorCode::conflict) {
        not_taken(table, text_of(row, {"id", "key", "triune_rowid"}), taken.error().message);
      } else {
        return taken;
      }
    }
    return flush();
  }

  Status take_agent(const Record& row) {
    NewAgent agent{.id = text_of(row, {"id", "agent_id"}), .heartbeat_interval_ms = 0};
    if (agent.id.empty()) return failure(ErrorCode::invalid_argument, "an agent needs an id");
    agent.name = fmt::format("{}", agent.id);
    if (auto type = text_of(row, {"type", "role", "agent_type"}); !type.empty()) agent.agent_type = std::move(type);
    const auto status = canonical_agent_status(text_of(row, {"status"}));
    agent.status = status.value_or(AgentStatus::offline);
    for (const auto& name : names_in(text_of(row, {"capabilities"}))) agent.capabilities.push_back({.name = name});
    agent.description = text_of(row, {"name"});
    agent.configuration = Json{to_json(row)};
    const auto known = agents_->get(agent.id);
    // What has retired stays as it was.
    if (!known || known->status != AgentStatus::retired) TRIUNE_TRY(agents_->enroll(agent, actor_));
    return {};
  }

  Status take_task(const Record& row) {
    const auto id = text_of(row, {"id", "task_id"});
    if (id.empty()) return failure(ErrorCode::invalid_argument, "a task needs an id");
    const auto word = text_of(row, {"status"});
    TRIUNE_ASSIGN(const auto status, canonical_task_status(word.empty() ? "pending" : word));
    auto assigned = text_of(row, {"assigned_to", "agent_id", "assigned_agent"});
    if (const auto several = names_in(text_of(row, {"assigned_agents"})); assigned.empty() && !several.empty())
      assigned = several.front();
    for (const auto& target : names_in(text_of(row, {"dependencies"})))
      dependencies_.push_back({.source = id, .target = target});
    auto name = text_of(row, {"title", "name", "description", "objective"});
    if (name.empty()) name = id;
    if (!tasks_->get(id)) {
      const auto made = tasks_->create({.id = id,
                                        .name = name.substr(0, 400),
                                        .description = text_of(row, {"description", "objective"}),
                                        .status = status,
                                        .priority = priority_of(text_of(row, {"priority"})),
                                        .assigned_to = assigned,
                                        .configuration = Json{to_json(row)}},
                                       actor_);
      return made ? Status() : Status(std::unexpected<Error>(made.error()));
    }
    TaskUpdate update{.configuration = Json{to_json(row)}};
    TRIUNE_ASSIGN(const Task now, tasks_->get(id));
    if (now.status != status && may_follow(now.status, status)) update.status = status;
    return tasks_->update(id, update, actor_);
  }

  Status take_event(const std::string& table, const Record& row) {
    const auto kind = text_of(row, {"type", "message_type", "event_type", "log_level"});
    events_now_.push_back({.source = std::string(source_name),
                           .type = fmt::format("{}{}{}", table, kind.empty() ? "" : ".", kind).substr(0, 100),
                           .title = text_of(row, {"title", "topic", "message"}).substr(0, 200),
                           .actor = text_of(row, {"from_agent_id", "from_agent", "sender", "agent_id", "proposer"}),
                           .target = text_of(row, {"to_agent_id", "to_agent", "receiver", "task_id"}),
                           .occurred_at_ms = time_of(row, {"timestamp", "created_at", "sent_at", "created"}),
                           .correlation_id = text_of(row, {"thread_id", "swarm_id", "session_id"}),
                           .external_id = fmt::format("{}/{}", table, text_of(row, {"id", "triune_rowid"})),
                           .data = Json{to_json(row)}});
    return events_now_.size() < 1'000 ? Status() : flush();
  }

  Status take_value(const std::string& table, const Record& row) {
    auto space = text_of(row, {"namespace", "agent_id", "swarm_id", "session_id"});
    space = space.empty() ? table : fmt::format("{}/{}", table, space);
    auto key = text_of(row, {"key", "name", "query", "id", "triune_rowid"});
    if (table != "memory" && table != "agent_memory" && table != "kv_store" && table != "collective_memory")
      key = text_of(row, {"id", "key", "query", "triune_rowid"});
    const auto expires = time_of(row, {"expires_at"});
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    if (expires > 0 && expires <= now) return failure(ErrorCode::invalid_argument, "it has expired");
    const auto content = text_of(row, {"value", "result"});
    const auto value = content.empty() ? Json{to_json(row)} : document_of(content);
    const auto stored = memory_->value(space, key);
    if (stored && stored->value == value) return {};
    TRIUNE_TRY(memory_->put(space, key, value, expires > 0 ? expires - now : 0, actor_));
    return {};
  }

  Status take_configuration(const std::string& table, const Record& row) {
    TRIUNE_TRY(agents_->configure({}, table, text_of(row, {"id", "name", "triune_rowid"}), Json{to_json(row)}, actor_));
    return {};
  }

  Status flush() {
    if (events_now_.empty()) return {};
    const auto done = events_->ingest_many(events_now_, actor_);
    events_now_.clear();
    return done ? Status() : Status(std::unexpected<Error>(done.error()));
  }

  /// Tasks refer to later ones too.
  Status add_dependencies() {
    for (const auto& dependency : dependencies_) {
      const auto added = tasks_->depend(dependency, actor_);
      if (added) continue;
      if (added.error().code != ErrorCode::conflict && added.error().code != ErrorCode::not_found) return added;
      not_taken("tasks", dependency.source, added.error().message);
    }
    return {};
  }

  void not_taken(const std::string& table, std::string row, std::string reason) {
    ++report_.not_taken_count;
    if (report_.not_taken.size() < reported) report_.not_taken.push_back({table, std::move(row), std::move(reason)});
  }

  std::unique_ptr<contract::ForeignDatabase> database_;
  std::unique_ptr<Tasks> tasks_;
  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<Events> events_;
  std::vector<NewEvent> events_now_;
  std::vector<TaskDependency> dependencies_;
  SqliteHiveReport report_;
  const Actor actor_{.id = "import sqlite-hive", .type = ActorType::migration};
};

}  // namespace

Result<SqliteHiveReport> import_sqlite_hive(Hive& hive, const std::filesystem::path& path, const Progress& progress) {
  std::error_code trouble;
  if (!std::filesystem::is_regular_file(path, trouble))
    return failure(ErrorCode::not_found, fmt::format("there is no file {}", path.string()));
  TRIUNE_ASSIGN(const auto work, SqliteHiveImport::open(hive, path));
  return work->run(progress);
}

}  // namespace triune::intake
