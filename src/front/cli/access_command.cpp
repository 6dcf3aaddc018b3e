// access: who may do what. This file has what its parts share, and check.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <cstdlib>

#include "base/try.h"
#include "front/cli/access_commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "model/json.h"

namespace triune::front {
namespace {

void write_cells(JsonWriter& to, const std::vector<std::string>& columns, const std::vector<Value>& cells) {
  to.begin_object();
  for (std::size_t i = 0; i < columns.size(); ++i) to.member(columns[i], cells[i]);
  to.end_object();
}

struct CheckArguments {
  std::string principal;
  std::string right;
  std::string resource;
  std::string project;
  std::string instance;
  std::string context = "{}";
  bool whole_hive = false;
  bool explain = false;
};

Result<AccessRequest> request_of(const CheckArguments& arguments) {
  AccessRequest request;
  TRIUNE_ASSIGN(request.principal, parse_principal(arguments.principal));
  TRIUNE_ASSIGN(const auto right, split_right(arguments.right));
  request.resource_type = right.first;
  request.action = right.second;
  request.resource = arguments.resource;
  request.project = arguments.project;
  request.instance = arguments.instance;
  request.whole_hive = arguments.whole_hive;
  TRIUNE_ASSIGN(request.context, model::parse_json_object(arguments.context));
  return request;
}

std::string reach_of(const Permission& permission) {
  return permission.resource_id.empty() ? std::string(to_string(permission.scope))
                                        : fmt::format("{} {}", to_string(permission.scope), permission.resource_id);
}

ExitCode print_explanation(const CommandLine& line, const AccessExplanation& explanation, bool all) {
  const auto& decision = explanation.decision;
  RowSet rows{.columns = {"permission", "role", "effect", "right", "reach", "counts", "why"}, .rows = {}};
  for (const auto& one : explanation.considered)
    rows.rows.push_back({one.permission.id, one.role, std::string(to_string(one.permission.effect)),
                         one.permission.resource_type + ":" + one.permission.action, reach_of(one.permission),
                         one.counts, one.why});
  if (line.settings.json) {
    JsonWriter to;
    to.begin_object().member("allowed", decision.allowed).member("reason", decision.reason);
    to.member("rule", decision.rule);
    if (all) {
      to.member("membership", explanation.membership).key("considered").begin_array();
      for (const auto& row : rows.rows) write_cells(to, rows.columns, row);
      to.end_array();
    }
    print(to.end_object().text() + "\n");
  } else {
    print(fmt::format("{}: {} ({})\n", decision.allowed ? inked("allowed", Ink::green) : inked("denied", Ink::red),
                      printable(decision.reason), printable(decision.rule)));
    if (all && !rows.rows.empty()) print(format_table(rows, style_of_output(line.settings.wide)));
  }
  return decision.allowed ? ExitCode::ok : ExitCode::conflict;
}

Result<ExitCode> run_check(const CheckArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto request, request_of(arguments));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto explanation, access.explain(request));
    return print_explanation(line, explanation, arguments.explain);
  });
}

}  // namespace

Result<ExitCode> with_access(const CommandLine& line, const AccessWork& work) {
  const Opening looking{.create = false, .project_in_background = false};
  return with_hive(line.settings, looking, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto access, Access::open(hive));
    return work(*access);
  });
}

Actor person_at_terminal() {
  const char* const user = std::getenv("USER");
  return {.id = user == nullptr ? "" : std::string(user).substr(0, 200),
          .type = ActorType::user,
          .reason = "command line",
          .request_id = {}};
}

Result<std::string> read_secret(const std::string& file) {
  TRIUNE_ASSIGN(auto text, read_statement(file.empty() ? "-" : "", file));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

ExitCode print_rows(const CommandLine& line, std::string_view name, const RowSet& rows) {
  if (!line.settings.json) {
    print(format_table(rows, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  }
  JsonWriter to;
  to.begin_object().key(name).begin_array();
  for (const auto& row : rows.rows) write_cells(to, rows.columns, row);
  print(to.end_array().end_object().text() + "\n");
  return ExitCode::ok;
}

ExitCode print_record(const CommandLine& line, const Record& record) {
  if (line.settings.json) {
    print(to_json(record) + "\n");
    return ExitCode::ok;
  }
  std::string text;
  for (const auto& field : record)
    if (!is_null(field.value)) text += fmt::format("{:<22} {}\n", field.name, printable(to_text(field.value)));
  print(text);
  return ExitCode::ok;
}

Value cell_of(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

Result<std::pair<std::string, std::string>> split_right(const std::string& right) {
  const auto colon = right.find(':');
  if (colon == std::string::npos)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a right is TYPE:ACTION, such as task:read; not '{}'", right));
  return std::pair(right.substr(0, colon), right.substr(colon + 1));
}

Result<std::int64_t> milliseconds_of(const std::string& duration) {
  constexpr std::int64_t most = 100LL * 366 * 86'400'000;
  std::int64_t number = 0;
  const auto* const end = duration.data() + duration.size();
  const auto [rest, error] = std::from_chars(duration.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  std::int64_t scale = 0;
  if (unit == "s") scale = 1'000;
  if (unit == "m") scale = 60'000;
  if (unit == "h") scale = 3'600'000;
  if (unit == "d") scale = 86'400'000;
  if (error != std::errc() || scale == 0 || number < 0 || number > most / scale)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a duration is a number and s, m, h or d, such as 30d; not '{}'", duration));
  return number * scale;
}

Result<std::optional<std::int64_t>> time_from_now(const std::string& duration) {
  if (duration.empty()) return std::optional<std::int64_t>();
  TRIUNE_ASSIGN(const auto length, milliseconds_of(duration));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + length);
}

void add_access_check_command(CLI::App& access, CommandLine& line) {
  auto arguments = std::make_shared<CheckArguments>();
  auto* check =
      add_command(access, "check", "Decide whether somebody may do something; exit code 4 when not",
                  "triune access check user:0199… task:update --resource 0200… --explain\n"
                  "  triune access check agent:worker service:deploy --context '{\"environment\":\"staging\"}'");
  check->add_option("principal", arguments->principal, "user:ID, agent:ID or api_key:ID")
      ->required()
      ->type_name("PRINCIPAL");
  check->add_option("right", arguments->right, "Resource type and action")->required()->type_name("TYPE:ACTION");
  check->add_option("--resource", arguments->resource, "Of one resource")->type_name("ID");
  check->add_option("--project", arguments->project, "In one project")->type_name("ID");
  check->add_option("--instance", arguments->instance, "Of one instance")->type_name("ID");
  check->add_option("--context", arguments->context, "What conditions look at")->type_name("JSON");
  check->add_flag("--whole-hive", arguments->whole_hive, "Of other organizations too");
  check->add_flag("--explain", arguments->explain, "List every permission, and why it counts or not");
  when_chosen(check, line, arguments, run_check);
}

void add_access_command(CLI::App& root, CommandLine& line) {
  auto* access = add_command(root, "access", "Say who may do what: organizations, users, roles, keys",
                             "triune access check user:0199… task:update");
  access->require_subcommand(1);
  add_access_organization_commands(*access, line);
  add_access_user_commands(*access, line);
  add_access_role_commands(*access, line);
  add_access_key_commands(*access, line);
  add_access_check_command(*access, line);
}

}  // namespace triune::front
