// sql, explain and cypher.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "model/json.h"

namespace triune::front {
namespace {

struct StatementArguments {
  std::string statement;
  std::string file;
  std::vector<std::string> parameters;
  std::size_t limit = 10'000;
  bool analyze = false;
  Waiting waiting;
};

/// The column names as JSON member names: a name that occurs again gets a number ("id", "id_2").
std::vector<std::string> member_names(const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    std::string name = column;
    for (int again = 2; std::ranges::find(names, name) != names.end(); ++again)
      name = fmt::format("{}_{}", column, again);
    names.push_back(name);
  }
  return names;
}

void print_json_lines(const RowSet& rows) {
  const auto names = member_names(rows.columns);
  for (const auto& row : rows.rows) {
    JsonWriter to;
    to.begin_object();
    for (std::size_t c = 0; c < row.size(); ++c) to.member(names[c], row[c]);
    print(to.end_object().text() + "\n");
  }
}

void print_rows(const RowSet& rows, const Settings& settings) {
  if (settings.json)
    print_json_lines(rows);
  else
    print(format_table(rows, style_of_output(settings.wide)));
  if (rows.truncated) note(fmt::format("only the first {} rows; --limit asks for more", rows.rows.size()));
}

/// A statement that wrote answers with its receipt, beside the rows that it returned.
Status print_effect(Hive& hive, Receipt written, bool beside_rows, const StatementArguments& arguments,
                    const Settings& settings) {
  TRIUNE_ASSIGN(const Receipt receipt, settle(hive, std::move(written), settings, arguments.waiting));
  if (!settings.json) {
    note("done; " + position_text(receipt));
    return {};
  }
  JsonWriter to;
  write_receipt(to, receipt);
  if (beside_rows)
    note(to.text());
  else
    print(to.text() + "\n");
  return {};
}

Result<ExitCode> run_sql(const StatementArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const std::string statement, read_statement(arguments.statement, arguments.file));
  std::vector<Value> parameters;
  for (const auto& text : arguments.parameters) parameters.push_back(parse_parameter(text));
  return with_hive(line.settings, {.project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings, arguments.limit));
    TRIUNE_ASSIGN(SqlResult result, hive.execute(statement, parameters, options));
    const bool has_rows = !result.rows.columns.empty();
    if (has_rows) print_rows(result.rows, line.settings);
    for (const auto& route : result.routes)
      if (route.degraded) note(fmt::format("degraded: {} answered; {}", route.engine, route.reason));
    if (result.receipt) TRIUNE_TRY(print_effect(hive, std::move(*result.receipt), has_rows, arguments, line.settings));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_explain(const StatementArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const std::string statement, read_statement(arguments.statement, arguments.file));
  std::vector<Value> parameters;
  for (const auto& text : arguments.parameters) parameters.push_back(parse_parameter(text));
  return with_hive(line.settings, {.project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings, arguments.limit));
    TRIUNE_ASSIGN(const PlanNode plan, hive.explain(statement, parameters, arguments.analyze, options));
    print(line.settings.json ? to_json(plan) + "\n" : to_text(plan));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_cypher(const StatementArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const std::string statement, read_statement(arguments.statement, arguments.file));
  Record parameters;
  for (const auto& pair : arguments.parameters) {
    const auto equals = pair.find('=');
    parameters.push_back({pair.substr(0, equals), parse_parameter(pair.substr(equals + 1))});
  }
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings, arguments.limit));
    TRIUNE_ASSIGN(const RowSet rows, hive.cypher(statement, parameters, options));
    print_rows(rows, line.settings);
    return ExitCode::ok;
  });
}

void add_statement(CLI::App* command, StatementArguments& arguments) {
  auto* statement =
      command->add_option("statement", arguments.statement, "The statement; - reads it from standard input")
          ->type_name("TEXT");
  auto* file = command->add_option("--file", arguments.file, "Read the statement from a file instead")
                   ->type_name("FILE")
                   ->check(CLI::ExistingFile.description(""));
  // No option group: positionals in one are not found after "--", which a statement that begins with a dash needs.
  command->parse_complete_callback([statement, file] {
    if (statement->count() + file->count() != 1) throw CLI::RequiredError("a statement or --file FILE, one of them,");
  });
  command->add_option("--limit", arguments.limit, "Rows at most")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
}

CLI::Option* add_parameters(CLI::App* command, StatementArguments& arguments, const std::string& help) {
  // One value for each --param: a list that took all that follows would swallow the statement.
  return command->add_option("--param", arguments.parameters, help)->allow_extra_args(false);
}

}  // namespace

void add_statement_commands(CLI::App& root, CommandLine& line) {
  auto sql = std::make_shared<StatementArguments>();
  auto* sql_command = add_command(root, "sql", "Run one SQL statement on the rows",
                                  "triune sql 'SELECT id, title FROM tasks WHERE state = ?1' --param open");
  add_statement(sql_command, *sql);
  add_parameters(sql_command, *sql,
                 "Value of ?1, ?2, … in turn; JSON where it is JSON (7, true, null, \"7\"), otherwise text")
      ->type_name("VALUE");
  add_waiting(sql_command, sql->waiting);
  when_chosen(sql_command, line, sql, run_sql);

  auto explain = std::make_shared<StatementArguments>();
  auto* explain_command = add_command(root, "explain", "Show how a SQL statement is answered, engine by engine",
                                      "triune explain --analyze \"SELECT id FROM vector_search('memories', 'm1', 5)\"");
  add_statement(explain_command, *explain);
  add_parameters(explain_command, *explain, "Value of ?1, ?2, … in turn, as for sql")->type_name("VALUE");
  explain_command->add_flag("--analyze", explain->analyze, "Run it, and show rows, calls, time and bytes of each step");
  when_chosen(explain_command, line, explain, run_explain);

  auto cypher = std::make_shared<StatementArguments>();
  auto* cypher_command =
      add_command(root, "cypher", "Run one reading Cypher statement on the graph",
                  "triune cypher 'MATCH (a:Agent {id: $id})-[:KNOWS]->(b) RETURN b.id' --param id=ada");
  add_statement(cypher_command, *cypher);
  add_parameters(cypher_command, *cypher, "Value of $NAME; JSON where it is JSON, otherwise text")
      ->type_name("NAME=VALUE")
      ->check(is_assignment());
  when_chosen(cypher_command, line, cypher, run_cypher);
}

}  // namespace triune::front
