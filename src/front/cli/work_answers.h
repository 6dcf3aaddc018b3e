// What the commands of tasks, queues and workflows share: who asks, and an answer as text or as JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "triune/modules/actor.h"

namespace triune::front {

/// A command on modules opens a hive that is there, and leaves projections to whoever runs on.
inline Opening module_opening() {
  return {.create = false, .project_in_background = false};
}

/// --actor and --reason, for commands that change something.
inline void add_actor(CLI::App* command, Actor& actor) {
  command->add_option("--actor", actor.id, "Who does it, for the audit log")->type_name("NAME");
  command->add_option("--reason", actor.reason, "Why, for the audit log")->type_name("TEXT");
}

/// Prints the one that was asked for.
inline ExitCode answer(const CommandLine& line, const JsonWriter& document, const std::string& text) {
  print(line.settings.json ? document.text() + "\n" : text);
  return ExitCode::ok;
}

/// {"id": …}, or the id alone.
inline ExitCode answer_id(const CommandLine& line, const std::string& id) {
  JsonWriter to;
  to.begin_object().member("id", id).end_object();
  return answer(line, to, printable(id) + "\n");
}

/// {"ok": true}, or nothing.
inline ExitCode answer_done(const CommandLine& line) {
  JsonWriter to;
  to.begin_object().member("ok", true).end_object();
  return answer(line, to, "");
}

/// {NAME: [{COLUMN: CELL, …}, …]}, or a table.
inline ExitCode answer_rows(const CommandLine& line, const std::string& name, const RowSet& rows) {
  if (!line.settings.json) {
    print(format_table(rows, style_of_output(line.settings.wide)));
    return ExitCode::ok;
  }
  JsonWriter to;
  to.begin_object().key(name).begin_array();
  for (const auto& row : rows.rows) {
    to.begin_object();
    for (std::size_t i = 0; i < row.size(); ++i) to.member(rows.columns[i], row[i]);
    to.end_object();
  }
  return answer(line, to.end_array().end_object(), {});
}

/// One object, or a line for each member that says something.
inline ExitCode answer_record(const CommandLine& line, const Record& record) {
  JsonWriter to;
  to.value(record);
  std::string text;
  for (const auto& field : record) {
    const auto cell = to_text(field.value);
    if (!cell.empty() && cell != "{}" && cell != "[]" && cell != "null")
      text += field.name + ": " + printable(cell) + "\n";
  }
  return answer(line, to, text);
}

inline Value cell_of(std::optional<std::int64_t> number) {
  return number ? Value(*number) : Value();
}

inline Value cell_of(std::optional<double> number) {
  return number ? Value(*number) : Value();
}

}  // namespace triune::front
