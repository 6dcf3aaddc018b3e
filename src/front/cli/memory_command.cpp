// memory: what agents remember, and values by name.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "triune/modules/memory.h"

namespace triune::front {
namespace {

struct MemoryArguments {
  NewMemory memory;
  RecallQuery query;
  std::string id;
  std::string ns;
  std::string key;
  std::string value;
  std::int64_t ttl_ms = 0;
};

template <class Work>
Result<ExitCode> with_memory(const CommandLine& line, const Work& work) {
  return with_hive(line.settings, {.create = false}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto memory, Memory::open(hive));
    return work(*memory);
  });
}

ExitCode show_one(const CommandLine& line, std::string_view name, const Value& value) {
  JsonWriter to;
  print(line.settings.json ? to.begin_object().member(name, value).end_object().text() + "\n" : to_text(value) + "\n");
  return ExitCode::ok;
}

Result<ExitCode> run_remember(const MemoryArguments& arguments, const CommandLine& line) {
  return with_memory(line, [&](Memory& memory) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, memory.remember(arguments.memory));
    return show_one(line, "id", id);
  });
}

template <class Number>
Value cell(const std::optional<Number>& number) {
  return number ? Value(*number) : Value();
}

Result<ExitCode> run_recall(const MemoryArguments& arguments, const CommandLine& line) {
  return with_memory(line, [&](Memory& memory) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, memory.recall(arguments.query));
    RowSet rows{.columns = {"id", "agent", "session", "kind", "created_at_ms", "score", "text_rank", "vector_rank",
                            "distance", "source", "content"}};
    for (const auto& one : found.memories)
      rows.rows.push_back({one.memory.id, one.memory.agent, one.memory.session, one.memory.kind,
                           one.memory.created_at_ms, one.score, cell(one.text_rank), cell(one.vector_rank),
                           cell(one.distance), one.memory.source, one.memory.content});
    if (!line.settings.json) {
      print(format_table(rows, style_of_output(line.settings.wide)));
      if (!found.degraded.empty()) note(fmt::format("triune: {}", found.degraded));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().key("memories").begin_array();
    for (const auto& row : rows.rows) {
      Record record;
      for (std::size_t i = 0; i < row.size(); ++i) record.push_back({rows.columns[i], row[i]});
      to.value(record);
    }
    to.end_array().member("strategy", found.strategy).member("degraded", found.degraded);
    print(to.member("pending", found.pending).end_object().text() + "\n");
    return ExitCode::ok;
  });
}

Result<ExitCode> run_forget(const MemoryArguments& arguments, const CommandLine& line) {
  return with_memory(line, [&](Memory& memory) -> Result<ExitCode> {
    TRIUNE_TRY(memory.forget(arguments.id));
    return show_one(line, "id", arguments.id);
  });
}

Result<ExitCode> run_get(const MemoryArguments& arguments, const CommandLine& line) {
  return with_memory(line, [&](Memory& memory) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, memory.value(arguments.ns, arguments.key));
    if (!line.settings.json) return show_one(line, "value", found.value);
    JsonWriter to;
    to.begin_object().member("namespace", found.ns).member("key", found.key).member("value", Value(found.value));
    to.member("version", found.version).member("expires_at_ms", cell(found.expires_at_ms));
    print(to.end_object().text() + "\n");
    return ExitCode::ok;
  });
}

Result<ExitCode> run_set(const MemoryArguments& arguments, const CommandLine& line) {
  const Json value{to_json(parse_parameter(arguments.value))};
  return with_memory(line, [&](Memory& memory) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto version, memory.put(arguments.ns, arguments.key, value, arguments.ttl_ms));
    return show_one(line, "version", version);
  });
}

void add_remember(CLI::App& memory, CommandLine& line) {
  const auto given = std::make_shared<MemoryArguments>();
  auto& one = given->memory;
  auto* remember = add_command(memory, "remember", "Keep a memory; prints its id",
                               "triune memory remember 'parsers reject empty input' --agent ada --kind decision");
  remember->add_option("content", one.content, "What is to be remembered")->required()->type_name("TEXT");
  remember->add_option("--id", one.id, "None: a new one; known: the memory is replaced")->type_name("ID");
  remember->add_option("--agent", one.agent, "Whose it is")->type_name("ID");
  remember->add_option("--session", one.session, "Where it was made")->type_name("ID");
  remember->add_option("--kind", one.kind, "Any word")->capture_default_str()->type_name("WORD");
  remember->add_option("--source", one.source, "Where it is from")->type_name("TEXT");
  when_chosen(remember, line, given, run_remember);
}

void add_recall(CLI::App& memory, CommandLine& line) {
  const auto asked = std::make_shared<MemoryArguments>();
  auto& query = asked->query;
  auto* recall = add_command(memory, "recall", "Find memories by their words and by likeness, the best first",
                             "triune memory recall 'how are empty inputs handled?' --agent ada --json");
  recall->add_option("text", query.text, "In plain words; none: the newest")->type_name("TEXT");
  recall->add_option("--agent", query.agent, "Of one agent")->type_name("ID");
  recall->add_option("--session", query.session, "Of one session")->type_name("ID");
  recall->add_option("--kind", query.kinds, "Of this kind; may be repeated")->type_name("WORD");
  recall->add_option("--from-ms", query.since_ms, "Not made before, in milliseconds since 1970")->type_name("MS");
  recall->add_option("--until-ms", query.until_ms, "Made before this")->type_name("MS");
  recall->add_option("-n,--count", query.count, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(recall, line, asked, run_recall);
}

void add_key_values(CLI::App& memory, CommandLine& line) {
  auto* kv = add_command(memory, "kv", "Values by name, in namespaces", "triune memory kv set ada depth 3");
  kv->require_subcommand(1);
  const auto read = std::make_shared<MemoryArguments>();
  auto* get = add_command(*kv, "get", "Print a value that has not expired", "triune memory kv get ada depth");
  get->add_option("namespace", read->ns, "Such as an agent's id")->required()->type_name("NAMESPACE");
  get->add_option("key", read->key, "The name")->required()->type_name("KEY");
  when_chosen(get, line, read, run_get);
  const auto written = std::make_shared<MemoryArguments>();
  auto* set = add_command(*kv, "set", "Keep a value; prints its version",
                          "triune memory kv set ada depth 3\n  triune memory kv set ada lock '\"x\"' --ttl-ms 30000");
  set->add_option("namespace", written->ns, "Such as an agent's id")->required()->type_name("NAMESPACE");
  set->add_option("key", written->key, "The name")->required()->type_name("KEY");
  set->add_option("value", written->value, "JSON, or a text")->required()->type_name("VALUE");
  set->add_option("--ttl-ms", written->ttl_ms, "How long it is kept; 0: for ever")
      ->capture_default_str()
      ->type_name("MS");
  when_chosen(set, line, written, run_set);
}

}  // namespace

void add_memory_command(CLI::App& root, CommandLine& line) {
  auto* memory = add_command(root, "memory", "Remember, recall and forget", "triune memory recall 'empty input'");
  memory->require_subcommand(1);
  add_remember(*memory, line);
  add_recall(*memory, line);
  const auto gone = std::make_shared<MemoryArguments>();
  auto* forget =
      add_command(*memory, "forget", "Take a memory away: row, words, vector and edge", "triune memory forget 0199…");
  forget->add_option("id", gone->id, "Of the memory")->required()->type_name("ID");
  when_chosen(forget, line, gone, run_forget);
  add_key_values(*memory, line);
}

}  // namespace triune::front
