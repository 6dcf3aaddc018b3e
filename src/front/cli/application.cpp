#include "front/cli/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <span>
#include <sstream>

#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

std::string_view hint_of(const Error& error) {
  const bool is_endpoint = error.engine == "openai";
  switch (error.code) {
    case ErrorCode::unavailable:
      if (error.engine == "postgres") return "try again when the server answers";
      return is_endpoint ? "try again when the endpoint answers" : "try again in a while";
    case ErrorCode::deadline_exceeded: return "try again, or give it more time with --deadline SECONDS";
    case ErrorCode::resource_exhausted:
      return is_endpoint ? "try again in a while: the endpoint limits how much it is asked"
                         : "make the request smaller, or free what is full";
    case ErrorCode::corruption: return "`triune verify` says what is damaged; `triune repair` mends projections";
    case ErrorCode::internal: return "this is a defect of triune; please report it with the command line";
    default: return "";
  }
}

void report(const Error& error, const Settings& settings) {
  const auto hint = hint_of(error);
  if (settings.json) {
    note(error_document(error, hint));
    return;
  }
  note(fmt::format("triune: {}{}", error.engine.empty() ? "" : error.engine + ": ", error.message));
  if (error.retry == Retry::outcome_unknown) note("it may have happened; send it again only with the same --key");
  if (!hint.empty()) note(fmt::format("hint: {}", hint));
}

void add_common_options(CLI::App& root, Settings& settings) {
  root.add_option("--hive", settings.hive, "Directory of the hive, or postgresql://HOST/DATABASE")
      ->envname("TRIUNE_HIVE")
      ->capture_default_str()
      ->type_name("DIR|URL");
  root.add_option("--org", settings.organization, "Organization to act for")->capture_default_str()->type_name("NAME");
  root.add_flag("--json", settings.json, "Print JSON: one document, for sql and cypher one object a row");
  root.add_option("--consistency", settings.consistency,
                  "How new a read must be: eventual, session, or a receipt's token")
      ->capture_default_str()
      ->type_name("LEVEL")
      ->check(CLI::Validator(
          [](const std::string& text) {
            const auto parsed = parse_consistency(text);
            return parsed ? std::string() : parsed.error().message;
          },
          ""));
  root.add_option("--deadline", settings.deadline_seconds, "Give up after this time")
      ->capture_default_str()
      ->type_name("SECONDS")
      ->check(CLI::Validator(
          [](const std::string& text) {
            double seconds = 0;
            const bool positive = CLI::detail::lexical_cast(text, seconds) && seconds > 0;
            return positive ? std::string() : fmt::format("'{}' is not a number of seconds above 0", text);
          },
          ""));
  root.add_flag("--wide", settings.wide, "Do not cut long cells on a terminal");
}

/// Options that mean nothing for a hive in a directory, which takes no notice of them.
void add_server_options(CLI::App& root, Settings& settings) {
  constexpr auto group = "Hives on PostgreSQL";
  root.add_option("--projections", settings.projections,
                  "Directory of this machine's projections; default: below the user's state directory")
      ->envname("TRIUNE_PROJECTIONS")
      ->type_name("DIR")
      ->group(group);
  root.add_option("--environment", settings.environment, "Sizes of the pools of connections")
      ->envname("TRIUNE_ENVIRONMENT")
      ->capture_default_str()
      ->type_name("development|staging|production")
      ->check(CLI::IsMember({"development", "staging", "production"}).description(""))
      ->group(group);
  root.add_option("--blobs", settings.blobs, "Where blobs are: in the database, or in a directory that all nodes share")
      ->envname("TRIUNE_BLOBS")
      ->capture_default_str()
      ->type_name("database|DIR")
      ->group(group);
  root.add_flag("--pooler", settings.transaction_pooler,
                "The URL leads to a pooler in transaction mode, such as PgBouncer")
      ->envname("TRIUNE_POOLER")
      ->group(group);
}

void add_commands(CLI::App& root, CommandLine& line) {
  // In the order of the help text.
  add_hive_commands(root, line);
  add_import_commands(root, line);
  add_load_commands(root, line);
  add_commit_command(root, line);
  add_definition_commands(root, line);
  add_statement_commands(root, line);
  add_search_commands(root, line);
  add_graph_commands(root, line);
  add_get_commands(root, line);
  add_repair_commands(root, line);
  add_assess_command(root, line);
  add_classify_command(root, line);
  add_migrate_commands(root, line);
  add_schema_commands(root, line);
  add_placement_command(root, line);
  add_vectors_command(root, line);
  add_access_command(root, line);
  add_agents_commands(root, line);
  add_memory_command(root, line);
  add_audit_command(root, line);
  add_events_command(root, line);
  add_advise_command(root, line);
  add_tasks_command(root, line);
  add_queue_command(root, line);
  add_workflow_command(root, line);
  add_program_commands(root, line);
}

/// Whether JSON is wanted by a command line that does not parse.
bool asks_for_json(std::span<char*> arguments) {
  return std::ranges::any_of(arguments, [](const char* argument) { return std::string_view(argument) == "--json"; });
}

/// A URL that stands at the wrong place of a command line is repeated without user, password and parameters.
std::string without_secrets(std::string text) {
  for (auto at = text.find("://"); at != std::string::npos; at = text.find("://", at + 1)) {
    const auto end = std::min(text.find_first_of(" \n'", at), text.size());
    const auto user = text.substr(0, end).rfind('@');
    const auto parameters = std::min(text.find('?', at), end);
    text.erase(parameters, end - parameters);
    if (user != std::string::npos && user > at) text.erase(at + 3, std::min(user + 1, parameters) - at - 3);
  }
  return text;
}

/// Prints help where it was asked for, otherwise what is wrong with the command line.
ExitCode answer_parse_error(const CLI::App& root, const CLI::ParseError& error, bool json) {
  std::ostringstream out;
  std::ostringstream err;
  const bool asked = root.exit(error, out, err) == 0;
  if (asked) {
    print(out.str());
    return ExitCode::ok;
  }
  const auto message = without_secrets(error.what());
  if (!json) {
    note(fmt::format("triune: {}\nsee `triune help` or `triune COMMAND --help`", message));
    return ExitCode::usage;
  }
  JsonWriter to;
  to.begin_object().key("error").begin_object();
  to.member("code", "usage").member("message", message).member("engine", "").member("retry", "never");
  note(to.member("hint", "see `triune help`").end_object().end_object().text());
  return ExitCode::usage;
}

ExitCode run_action(const CommandLine& line) {
  const auto done = line.action();
  if (!done) {
    flush_output();
    report(done.error(), line.settings);
    return exit_code_of(done.error());
  }
  if (flush_output()) return *done;
  note("triune: standard output cannot be written");
  return ExitCode::failure;
}

ExitCode run_command_line(int argc, char** argv) {
  CommandLine line;
  CLI::App root(
      "Triune keeps rows, a graph and vectors as one.\nRows are the truth; the graph and the vectors follow them.",
      "triune");
  root.set_version_flag("--version", TRIUNE_VERSION);
  root.footer("`triune COMMAND --help` explains a command with an example, `triune help exit-codes` the exit codes.");
  root.require_subcommand(1);
  add_common_options(root, line.settings);
  add_server_options(root, line.settings);
  add_commands(root, line);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return answer_parse_error(root, error, asks_for_json(std::span(argv, static_cast<std::size_t>(argc))));
  }
  return run_action(line);
}

}  // namespace

int run(int argc, char** argv) noexcept {
  std::signal(SIGPIPE, SIG_IGN);  // A reader that had enough shows as a failed write.
  try {
    return static_cast<int>(run_command_line(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "triune: %s\n", error.what());
    return static_cast<int>(ExitCode::failure);
  }
}

}  // namespace triune::front
