#include "front/cli/commands.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "front/cli/terminal.h"
#include "model/json.h"

namespace triune::front {

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& purpose,
                      const std::string& example) {
  auto* command = parent.add_subcommand(name, purpose);
  command->footer(
      "Example:\n  " + example +
      "\nCommon options, before or after the command: --hive --org --json --consistency --deadline --wide;\n"
      "on PostgreSQL: --projections --environment --blobs --pooler");
  command->fallthrough();  // The common options may stand before and after the command.
  return command;
}

void add_waiting(CLI::App* command, Waiting& waiting) {
  command->add_option("--wait", waiting.seconds, "Wait so long for the projections")
      ->capture_default_str()
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber.description(""));
  command->add_flag("--no-wait", waiting.skip, "Do not wait for the projections");
}

CLI::Validator is_assignment() {
  return CLI::Validator(
      [](const std::string& text) {
        const auto equals = text.find('=');
        return equals == std::string::npos || equals == 0 ? fmt::format("'{}' is not NAME=VALUE", text) : std::string();
      },
      "");
}

CLI::Validator is_pair() {
  return CLI::Validator(
      [](const std::string& text) {
        const auto [left, right] = split_pair(text);
        return left.empty() || right.empty() ? fmt::format("'{}' is not COLUMN:LABEL", text) : std::string();
      },
      "");
}

std::pair<std::string, std::string> split_pair(const std::string& pair) {
  const auto colon = pair.rfind(':');
  if (colon == std::string::npos) return {};
  return {pair.substr(0, colon), pair.substr(colon + 1)};
}

Value parse_parameter(const std::string& text) {
  auto value = model::parse_json(text);
  return value ? std::move(*value) : Value(text);
}

Result<std::string> read_statement(const std::string& argument, const std::string& file) {
  if (file.empty() && argument != "-") return argument;
  std::ifstream stream;
  if (argument != "-") {
    stream.open(file, std::ios::binary);
    if (!stream) return failure(ErrorCode::not_found, fmt::format("cannot read {}", file));
  }
  std::istream& source = argument == "-" ? std::cin : stream;
  return std::string(std::istreambuf_iterator<char>(source), {});
}

}  // namespace triune::front
