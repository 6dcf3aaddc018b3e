// The parts of `triune access`, and what they share.
#pragma once

#include <functional>
#include <string_view>

#include "front/cli/commands.h"
#include "triune/modules/access.h"

namespace triune::front {

void add_access_organization_commands(CLI::App& access, CommandLine& line);  // organization, member
void add_access_user_commands(CLI::App& access, CommandLine& line);
void add_access_role_commands(CLI::App& access, CommandLine& line);  // role, grant, revoke
void add_access_key_commands(CLI::App& access, CommandLine& line);
void add_access_check_command(CLI::App& access, CommandLine& line);

using AccessWork = std::function<Result<ExitCode>(Access&)>;
/// Opens the hive and its access, without moving projections.
Result<ExitCode> with_access(const CommandLine& line, const AccessWork& work);

/// Whoever runs the command: the user of the operating system, as the environment tells.
Actor person_at_terminal();

/// A table for people; as JSON an object with one list, whose members are objects by column.
ExitCode print_rows(const CommandLine& line, std::string_view name, const RowSet& rows);
/// A line for each field; as JSON one object.
ExitCode print_record(const CommandLine& line, const Record& record);

/// What a file holds, or standard input where none is named, without blanks behind: arguments of a command are seen by
/// everybody on the machine.
Result<std::string> read_secret(const std::string& file);

/// NULL for nothing.
template <class T>
Value cell_of(const std::optional<T>& value) {
  return value ? Value(*value) : Value();
}
Value cell_of(const std::vector<std::string>& words);

/// "TYPE:ACTION".
Result<std::pair<std::string, std::string>> split_right(const std::string& right);

/// A point in time so far from now: "30d", "12h", "15m", "90s"; nothing for an empty text.
Result<std::optional<std::int64_t>> time_from_now(const std::string& duration);
/// Milliseconds of such a text.
Result<std::int64_t> milliseconds_of(const std::string& duration);

}  // namespace triune::front
