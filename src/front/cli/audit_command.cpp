// audit: who changed what in the modules' tables, and whether the log of it is whole.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "triune/modules/audit.h"

namespace triune::front {
namespace {

struct NoArguments {};

/// What a command looks at moves no projection.
Opening looking() {
  return {.create = false, .project_in_background = false};
}

std::string entries_document(const std::vector<AuditEntry>& entries) {
  JsonWriter to;
  to.begin_object().key("entries").begin_array();
  for (const auto& entry : entries)
    to.begin_object()
        .member("entry", entry.entry)
        .member("at_ms", entry.at_ms)
        .member("actor", entry.actor)
        .member("actor_type", entry.actor_type)
        .member("reason", entry.reason)
        .member("request_id", entry.request_id)
        .member("table", entry.table)
        .member("record", entry.record)
        .member("operation", entry.operation)
        .member("before", Value(entry.before))
        .member("after", Value(entry.after))
        .end_object();
  return to.end_array().end_object().text() + "\n";
}

Result<ExitCode> run_list(const AuditFilter& filter, const CommandLine& line) {
  return with_hive(line.settings, looking(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto audit, Audit::open(hive));
    TRIUNE_ASSIGN(const auto entries, audit->entries(filter));
    if (line.settings.json) {
      print(entries_document(entries));
      return ExitCode::ok;
    }
    RowSet rows{.columns = {"entry", "at_ms", "actor", "operation", "table", "record", "before", "after"}};
    for (const auto& entry : entries)
      rows.rows.push_back({entry.entry, entry.at_ms, entry.actor.empty() ? entry.actor_type : entry.actor,
                           entry.operation, entry.table, entry.record, entry.before, entry.after});
    print(format_table(rows, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  });
}

struct VerifyArguments {
  std::int64_t seal = 0;
  std::string hash;
};

void print_report(const AuditReport& report, bool json) {
  if (json) {
    JsonWriter to;
    to.begin_object()
        .member("ok", report.ok)
        .member("seals", report.seals)
        .member("entries", report.entries)
        .member("unsealed", report.unsealed)
        .key("head")
        .begin_object()
        .member("seal", report.head.seal)
        .member("hash", report.head.hash)
        .end_object()
        .key("problems")
        .begin_array();
    for (const auto& problem : report.problems) to.value(Value(problem));
    print(to.end_array().end_object().text() + "\n");
    return;
  }
  std::string text;
  for (const auto& problem : report.problems) text += inked(printable(problem), Ink::red) + "\n";
  text += fmt::format("{} entries under {} seals, {} not sealed yet; the chain ends with {} {}\n", report.entries,
                      report.seals, report.unsealed, report.head.seal, report.head.hash);
  text += report.ok ? inked("the log is whole", Ink::green) + "\n" : "";
  print(text);
}

Result<ExitCode> run_verify(const VerifyArguments& arguments, const CommandLine& line) {
  if ((arguments.seal == 0) != arguments.hash.empty())
    return failure(ErrorCode::invalid_argument, "--seal and --hash are of one head: give both or none");
  return with_hive(line.settings, looking(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto audit, Audit::open(hive));
    TRIUNE_ASSIGN(const AuditReport report, audit->verify({arguments.seal, arguments.hash}));
    print_report(report, line.settings.json);
    return report.ok ? ExitCode::ok : ExitCode::conflict;
  });
}

Result<ExitCode> run_seal(const NoArguments&, const CommandLine& line) {
  return with_hive(line.settings, looking(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto audit, Audit::open(hive));
    TRIUNE_TRY(audit->seal());
    TRIUNE_ASSIGN(const AuditHead head, audit->head());
    if (line.settings.json) {
      JsonWriter to;
      to.begin_object().member("seal", head.seal).member("hash", head.hash).end_object();
      print(to.text() + "\n");
    } else {
      print(fmt::format("{} {}\n", head.seal, head.hash));
    }
    return ExitCode::ok;
  });
}

}  // namespace

void add_audit_command(CLI::App& root, CommandLine& line) {
  auto* audit = add_command(root, "audit", "Show who changed what in tasks, agents, events …, and check the log of it",
                            "triune audit verify");
  audit->require_subcommand(1);

  auto filter = std::make_shared<AuditFilter>();
  auto* list =
      add_command(*audit, "list", "List changes with before and after, in the order they were made",
                  "triune audit list --record 0199… --json\n  triune audit list --actor ada --from-ms 1790000000000");
  list->add_option("--table", filter->table, "Of one table")->type_name("TABLE");
  list->add_option("--record", filter->record, "Of one record")->type_name("ID");
  list->add_option("--actor", filter->actor, "By one actor")->type_name("ID");
  list->add_option("--request", filter->request_id, "Of one request")->type_name("ID");
  list->add_option("--from-ms", filter->from_ms, "Not before, in milliseconds since 1970")->type_name("MS");
  list->add_option("--until-ms", filter->until_ms, "Not after")->type_name("MS");
  list->add_option("--after", filter->after_entry, "Behind this entry, to go on with a list")->type_name("ENTRY");
  list->add_option("-n,--limit", filter->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, filter, run_list);

  auto head = std::make_shared<VerifyArguments>();
  auto* verify = add_command(*audit, "verify", "Compute every hash anew; exit code 4 when something was tampered with",
                             "triune audit verify\n  triune audit verify --seal 12 --hash 5f1c…");
  verify->add_option("--seal", head->seal, "A head that was seen before: its seal")->type_name("N");
  verify->add_option("--hash", head->hash, "and its hash")->type_name("HASH");
  when_chosen(verify, line, head, run_verify);

  auto* seal = add_command(*audit, "seal", "Seal what was committed until now, and print the head to keep elsewhere",
                           "triune audit seal >> heads.txt");
  when_chosen(seal, line, std::make_shared<NoArguments>(), run_seal);
}

}  // namespace triune::front
