// commit: changes as JSON lines, applied together.
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/change_lines.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

struct CommitArguments {
  std::string file;
  std::string key;
  Waiting waiting;
};

Result<std::vector<Change>> read_changes(const std::string& file) {
  if (file == "-") return read_change_lines(std::cin, "standard input");
  if (std::error_code absent; std::filesystem::is_directory(file, absent))
    return failure(ErrorCode::invalid_argument, fmt::format("{} is a folder; a file of changes is needed", file));
  std::ifstream lines(file);
  if (!lines) return failure(ErrorCode::not_found, fmt::format("cannot read {}", file));
  return read_change_lines(lines, file);
}

Result<ExitCode> run_commit(const CommitArguments& arguments, const CommandLine& line) {
  Commit commit;
  TRIUNE_ASSIGN(commit.changes, read_changes(arguments.file));  // Before the hive is opened: bad input touches nothing.
  commit.idempotency_key = arguments.key;
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    CommitOptions options;
    options.deadline = deadline_of(line.settings);
    TRIUNE_ASSIGN(Receipt receipt, hive.commit(commit, options));
    TRIUNE_ASSIGN(receipt, settle(hive, std::move(receipt), line.settings, arguments.waiting));
    JsonWriter to;
    write_receipt(to, receipt);
    print(line.settings.json ? to.text() + "\n" : receipt_text(receipt));
    return ExitCode::ok;
  });
}

}  // namespace

void add_commit_command(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<CommitArguments>();
  auto* command =
      add_command(root, "commit", "Apply changes given as JSON lines, all or none",
                  "echo '{\"op\":\"put_node\",\"label\":\"Agent\",\"id\":\"ada\"}' | triune commit -\n"
                  "  The operations: put_row, delete_row, put_node, delete_node, put_edge, delete_edge,\n"
                  "  put_vector, delete_vector, put_blob, delete_blob; src/front/README.md has one of each.");
  command->add_option("file", arguments->file, "One change a line; - for standard input")
      ->required()
      ->type_name("FILE.jsonl");
  command->add_option("--key", arguments->key, "Idempotency key: sent again, the commit happens once")
      ->type_name("KEY");
  add_waiting(command, arguments->waiting);
  when_chosen(command, line, arguments, run_commit);
}

}  // namespace triune::front
