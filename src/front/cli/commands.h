// The commands of `triune`, one function for each group. Each adds its commands to the parser; the one that is chosen
// leaves its work in `CommandLine::action`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "front/cli/exit_code.h"
#include "front/cli/settings.h"
#include "triune/status.h"

namespace triune::front {

/// What was asked for. Outlives the parser.
struct CommandLine {
  Settings settings;
  std::string program;  ///< argv[0].
  std::function<Result<ExitCode>()> action;
};

void add_hive_commands(CLI::App& root, CommandLine& line);             // init status
void add_repair_commands(CLI::App& root, CommandLine& line);           // verify repair rebuild sweep
void add_import_commands(CLI::App& root, CommandLine& line);           // import claude
void add_load_commands(CLI::App& root, CommandLine& line);             // load rows|nodes|edges|vectors
void add_statement_commands(CLI::App& root, CommandLine& line);        // sql cypher
void add_search_commands(CLI::App& root, CommandLine& line);           // search text
void add_graph_commands(CLI::App& root, CommandLine& line);            // neighbors path
void add_get_commands(CLI::App& root, CommandLine& line);              // get row|node|edge|vector|blob
void add_commit_command(CLI::App& root, CommandLine& line);            // commit
void add_definition_commands(CLI::App& root, CommandLine& line);       // collection map index
void add_assess_command(CLI::App& root, CommandLine& line);            // assess
void add_classify_command(CLI::App& root, CommandLine& line);          // classify
void add_placement_command(CLI::App& root, CommandLine& line);         // placement list|explain|create|review
void add_vectors_command(CLI::App& root, CommandLine& line);           // vectors move
void add_access_command(CLI::App& root, CommandLine& line);            // access organization|user|role|key|check …
void add_advise_command(CLI::App& root, CommandLine& line);            // advise
void add_migrate_commands(CLI::App& root, CommandLine& line);          // migrate plan|apply|verify|status|rollback
void add_schema_commands(CLI::App& root, CommandLine& line);           // schema new|plan|apply|revert|status|…
void add_schema_change_commands(CLI::App& schema, CommandLine& line);  // schema change start|backfill|…
void add_agents_commands(CLI::App& root, CommandLine& line);           // agents register|list|…, config get|set|history
void add_memory_command(CLI::App& root, CommandLine& line);            // memory remember|recall|forget|kv
void add_audit_command(CLI::App& root, CommandLine& line);             // audit list|verify|seal
void add_tasks_command(CLI::App& root, CommandLine& line);             // tasks define|create|list|get|update|…
void add_queue_command(CLI::App& root, CommandLine& line);             // queue create|put|claim|complete|fail|…
void add_workflow_command(CLI::App& root, CommandLine& line);          // workflow define|start|status|advance|…
void add_events_command(CLI::App& root, CommandLine& line);            // events source|ingest|list|chain|…
void add_program_commands(CLI::App& root, CommandLine& line);          // bench version help

/// Below `collection`: reembed.
void add_reembed_command(CLI::App& collection, CommandLine& line);

/// Below `import`: agent-hive, sqlite-hive.
void add_import_hive_commands(CLI::App& import, CommandLine& line);

/// A command with the help that all have: a purpose and an example.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& purpose,
                      const std::string& example);

/// Makes `work` the action when `command` is chosen.
template <class Arguments>
void when_chosen(CLI::App* command, CommandLine& line, std::shared_ptr<Arguments> arguments,
                 Result<ExitCode> (*work)(const Arguments&, const CommandLine&)) {
  command->callback(
      [&line, arguments, work] { line.action = [&line, arguments, work] { return work(*arguments, line); }; });
}

/// --wait SECONDS and --no-wait.
void add_waiting(CLI::App* command, Waiting& waiting);

/// Accepts "NAME=VALUE" with a name.
CLI::Validator is_assignment();

/// Accepts "LEFT:RIGHT" with both sides filled, as in COLUMN:LABEL.
CLI::Validator is_pair();

/// The two sides of such a pair.
std::pair<std::string, std::string> split_pair(const std::string& pair);

/// A parameter of a statement as people type it: JSON where it is JSON (7, 0.5, true, null, "7", [1,2]), otherwise
/// text.
Value parse_parameter(const std::string& text);

/// A statement given as an argument, by "-" from standard input, or from a file.
Result<std::string> read_statement(const std::string& argument, const std::string& file);

}  // namespace triune::front
