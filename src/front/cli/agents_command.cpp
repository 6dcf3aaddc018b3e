// agents and config: who works here, whether they live, what they say to each other, and how they are configured.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/agent_records_commands.h"
#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "triune/modules/agents.h"

namespace triune::front {
namespace {

/// What all of these commands take; each reads some.
struct AgentArguments {
  NewAgent agent;
  std::vector<std::string> capabilities;  ///< NAME or NAME=PROFICIENCY.
  std::string status;
  AgentFilter filter;
  std::string id;
  NewAgentMessage message;
  std::string name;  ///< Of a message, or of a configuration's category.
  std::string key;
  std::string value;
  std::size_t limit = 100;
  bool mark = false;
};

/// What a command does here moves no projection.
Opening quietly() {
  return {.create = false, .project_in_background = false};
}

template <class Work>
Result<ExitCode> with_agents(const CommandLine& line, const Work& work) {
  return with_hive(line.settings, quietly(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto agents, Agents::open(hive));
    return work(*agents);
  });
}

/// Rows as a table, or under `name` as a JSON document.
ExitCode show(const CommandLine& line, std::string_view name, const RowSet& rows) {
  if (!line.settings.json) {
    print(format_table(rows, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  }
  JsonWriter to;
  to.begin_object().key(name).begin_array();
  for (const auto& row : rows.rows) {
    Record record;
    for (std::size_t i = 0; i < row.size(); ++i) record.push_back({rows.columns[i], row[i]});
    to.value(record);
  }
  print(to.end_array().end_object().text() + "\n");
  return ExitCode::ok;
}

ExitCode show_one(const CommandLine& line, std::string_view name, const Value& value) {
  JsonWriter to;
  print(line.settings.json ? to.begin_object().member(name, value).end_object().text() + "\n" : to_text(value) + "\n");
  return ExitCode::ok;
}

Value cell(const std::optional<std::int64_t>& number) {
  return number ? Value(*number) : Value();
}

Result<ExitCode> run_register(const AgentArguments& arguments, const CommandLine& line) {
  NewAgent agent = arguments.agent;
  for (const auto& given : arguments.capabilities) {
    const auto equals = given.find('=');
    AgentCapability capability{.name = given.substr(0, equals)};
    if (equals != std::string::npos) {
      const auto proficiency = parse_parameter(given.substr(equals + 1));
      const auto* const whole = std::get_if<std::int64_t>(&proficiency);
      const auto* const real = std::get_if<double>(&proficiency);
      if (whole == nullptr && real == nullptr)
        return failure(ErrorCode::invalid_argument, fmt::format("{}: a proficiency is a number from 0 to 1", given));
      capability.proficiency = real != nullptr ? *real : static_cast<double>(*whole);
    }
    agent.capabilities.push_back(std::move(capability));
  }
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, agents.enroll(agent));
    return show_one(line, "id", id);
  });
}

Result<ExitCode> run_list(const AgentArguments& arguments, const CommandLine& line) {
  AgentFilter filter = arguments.filter;
  if (!arguments.status.empty()) {
    TRIUNE_ASSIGN(filter.status, canonical_agent_status(arguments.status));
  }
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, agents.list(filter));
    RowSet rows{.columns = {"id", "name", "type", "status", "last_heartbeat_at_ms", "current_task", "crashes"}};
    for (const auto& agent : found)
      rows.rows.push_back({agent.id, agent.name, agent.agent_type, std::string(to_string(agent.status)),
                           agent.last_heartbeat_at_ms, agent.current_task, agent.crashes});
    return show(line, "agents", rows);
  });
}

Result<ExitCode> run_heartbeat(const AgentArguments& arguments, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    Heartbeat beat;
    if (!arguments.value.empty()) beat.current_task = arguments.value;
    TRIUNE_TRY(agents.heartbeat(arguments.id, beat));
    return show_one(line, "id", arguments.id);
  });
}

Result<ExitCode> run_crashed(const AgentArguments&, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto crashed, agents.detect_crashes());
    RowSet rows{.columns = {"id"}};
    for (const auto& id : crashed) rows.rows.push_back({id});
    return show(line, "crashed", rows);
  });
}

Result<ExitCode> run_send(const AgentArguments& arguments, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, agents.send(arguments.message));
    return show_one(line, "id", id);
  });
}

Result<ExitCode> run_inbox(const AgentArguments& arguments, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    auto found =
        arguments.mark ? agents.receive(arguments.id, arguments.limit) : agents.inbox(arguments.id, arguments.limit);
    if (!found) return failure_of(found);
    RowSet rows{.columns = {"id", "thread", "from", "type", "priority", "sent_at_ms", "delivered_at_ms", "content"}};
    for (const auto& message : *found)
      rows.rows.push_back({message.id, message.thread, message.from, message.message_type, message.priority,
                           message.sent_at_ms, cell(message.delivered_at_ms), message.content});
    return show(line, "messages", rows);
  });
}

Result<ExitCode> run_acknowledge(const AgentArguments& arguments, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_TRY(agents.acknowledge(arguments.id, arguments.name));
    return show_one(line, "id", arguments.name);
  });
}

RowSet rows_of(const std::vector<Configuration>& configurations) {
  RowSet rows{.columns = {"agent", "category", "key", "version", "value", "changed_by", "changed_at_ms"}};
  for (const auto& one : configurations)
    rows.rows.push_back({one.agent, one.category, one.key, one.version, one.value ? Value(*one.value) : Value(),
                         one.changed_by, one.changed_at_ms});
  return rows;
}

Result<ExitCode> run_config_get(const AgentArguments& arguments, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    if (arguments.key.empty()) {
      TRIUNE_ASSIGN(const auto found, agents.configurations(arguments.id, arguments.name));
      return show(line, "configurations", rows_of(found));
    }
    TRIUNE_ASSIGN(const auto found, agents.configuration(arguments.id, arguments.name, arguments.key));
    if (line.settings.json) return show(line, "configurations", rows_of({found}));
    return show_one(line, "value", *found.value);
  });
}

Result<ExitCode> run_config_set(const AgentArguments& arguments, const CommandLine& line) {
  const Json value{to_json(parse_parameter(arguments.value))};
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto version, agents.configure(arguments.id, arguments.name, arguments.key, value));
    return show_one(line, "version", version);
  });
}

Result<ExitCode> run_config_history(const AgentArguments& arguments, const CommandLine& line) {
  return with_agents(line, [&](Agents& agents) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found,
                  agents.configuration_history(arguments.id, arguments.name, arguments.key, arguments.limit));
    return show(line, "versions", rows_of(found));
  });
}

using Arguments = std::shared_ptr<AgentArguments>;

void add_registry(CLI::App& agents, CommandLine& line) {
  const auto given = std::make_shared<AgentArguments>();
  auto* enroll = add_command(agents, "register", "Add an agent, or bring one up to date; prints its id",
                             "triune agents register --id ada --type code_review --capability review=0.9");
  enroll->add_option("--id", given->agent.id, "Of the agent; none: a new one")->type_name("ID");
  enroll->add_option("--name", given->agent.name, "Unique; none: the id")->type_name("NAME");
  enroll->add_option("--type", given->agent.agent_type, "Any word")->capture_default_str()->type_name("WORD");
  enroll->add_option("--model", given->agent.model, "That it runs on")->type_name("NAME");
  enroll->add_option("--capability", given->capabilities, "What it can do, and how well from 0 to 1; may be repeated")
      ->type_name("NAME[=P]");
  enroll->add_option("--interval-ms", given->agent.heartbeat_interval_ms, "Between heartbeats; 0: not watched")
      ->capture_default_str()
      ->type_name("MS");
  enroll->add_option("--missed", given->agent.missed_limit, "So many intervals without one are a crash")
      ->capture_default_str()
      ->type_name("N");
  when_chosen(enroll, line, given, run_register);

  const auto wanted = std::make_shared<AgentArguments>();
  auto* list = add_command(agents, "list", "List agents", "triune agents list --status crashed --json");
  list->add_option("--status", wanted->status, "Of one status")->type_name("STATUS");
  list->add_option("--type", wanted->filter.agent_type, "Of one type")->type_name("WORD");
  list->add_option("--capability", wanted->filter.capability, "That can do this")->type_name("NAME");
  list->add_option("-n,--limit", wanted->filter.limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, wanted, run_list);

  const auto beat = std::make_shared<AgentArguments>();
  auto* heartbeat =
      add_command(agents, "heartbeat", "Say that an agent lives", "triune agents heartbeat ada --task t7");
  heartbeat->add_option("agent", beat->id, "Its id")->required()->type_name("ID");
  heartbeat->add_option("--task", beat->value, "What it is at")->type_name("ID");
  when_chosen(heartbeat, line, beat, run_heartbeat);

  auto* crashed = add_command(agents, "crashed", "Find agents that missed their heartbeats, and give their work back",
                              "triune agents crashed --json");
  when_chosen(crashed, line, std::make_shared<AgentArguments>(), run_crashed);
}

void add_messages(CLI::App& agents, CommandLine& line) {
  const auto given = std::make_shared<AgentArguments>();
  auto* send = add_command(agents, "send", "Send a message to one agent or to all; prints its id",
                           "triune agents send ada 'look at the parser' --to bob --priority 8");
  send->add_option("from", given->message.from, "The sender")->required()->type_name("ID");
  send->add_option("content", given->message.content, "What it says")->required()->type_name("TEXT");
  send->add_option("--to", given->message.to, "The receiver; none: all others")->type_name("ID");
  send->add_option("--type", given->message.message_type, "Any word")->capture_default_str()->type_name("WORD");
  send->add_option("--priority", given->message.priority, "0 to 10")->capture_default_str()->type_name("N");
  send->add_option("--reply-to", given->message.reply_to, "A message")->type_name("ID");
  when_chosen(send, line, given, run_send);

  const auto box = std::make_shared<AgentArguments>();
  auto* inbox = add_command(agents, "inbox", "List what an agent has not acknowledged, the most urgent first",
                            "triune agents inbox bob\n  triune agents inbox bob --receive --json");
  inbox->add_option("agent", box->id, "The receiver")->required()->type_name("ID");
  inbox->add_flag("--receive", box->mark, "Only what was not delivered yet, marking it as delivered");
  inbox->add_option("-n,--limit", box->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(inbox, line, box, run_inbox);

  const auto one = std::make_shared<AgentArguments>();
  auto* ack = add_command(agents, "ack", "Acknowledge a message", "triune agents ack bob 0199…");
  ack->add_option("agent", one->id, "The receiver")->required()->type_name("ID");
  ack->add_option("message", one->name, "Its id")->required()->type_name("ID");
  when_chosen(ack, line, one, run_acknowledge);
}

}  // namespace

void add_agents_commands(CLI::App& root, CommandLine& line) {
  auto* agents = add_command(root, "agents", "Enroll and watch agents, and carry their messages", "triune agents list");
  agents->require_subcommand(1);
  add_registry(*agents, line);
  add_messages(*agents, line);
  add_agent_record_commands(*agents, line);

  auto* config = add_command(root, "config", "Read and write what is configured for one agent or all",
                             "triune config set system timeout 30");
  config->require_subcommand(1);
  const auto read = std::make_shared<AgentArguments>();
  auto* get = add_command(*config, "get", "Print a value, or all of a category or of an agent",
                          "triune config get system timeout --agent ada");
  get->add_option("category", read->name, "Of the value")->type_name("CATEGORY");
  get->add_option("key", read->key, "Its name")->type_name("KEY");
  get->add_option("--agent", read->id, "Whose own value goes before the one for all")->type_name("ID");
  when_chosen(get, line, read, run_config_get);

  const auto written = std::make_shared<AgentArguments>();
  auto* set =
      add_command(*config, "set", "Set a value; prints its version",
                  "triune config set system timeout 30\n  triune config set agent depth '{\"max\":3}' --agent ada");
  set->add_option("category", written->name, "Of the value")->required()->type_name("CATEGORY");
  set->add_option("key", written->key, "Its name")->required()->type_name("KEY");
  set->add_option("value", written->value, "JSON, or a text")->required()->type_name("VALUE");
  set->add_option("--agent", written->id, "For one agent; none: for all")->type_name("ID");
  when_chosen(set, line, written, run_config_set);

  const auto past = std::make_shared<AgentArguments>();
  auto* history = add_command(*config, "history", "List every value that was, the newest first",
                              "triune config history system timeout --json");
  history->add_option("category", past->name, "Of the value")->required()->type_name("CATEGORY");
  history->add_option("key", past->key, "Its name")->required()->type_name("KEY");
  history->add_option("--agent", past->id, "Of one agent; none: of all")->type_name("ID");
  history->add_option("-n,--limit", past->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(history, line, past, run_config_history);
}

}  // namespace triune::front
