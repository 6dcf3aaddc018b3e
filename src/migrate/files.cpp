#include "migrate/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>

#include "base/file.h"
#include "base/try.h"
#include "migrate/change.h"

namespace triune::migrate {
namespace {

using contract::Dialect;

constexpr std::uint64_t longest_file = 16ULL << 20U;
constexpr std::array<std::string_view, 3> parts{"up", "down", "verify"};

/// All members of a declaration; it is refused until the placeholders are replaced.
constexpr std::string_view change_template = R"json({
  "table": "",
  "columns": {"": {"type": "", "up": "", "not_null": false}},
  "replaces": {"": {"type": "", "down": ""}},
  "batch": 1000,
  "pause_ms": 10
}
)json";

/// The files of one number.
struct Parts {
  std::string name;
  std::map<std::string, std::string, std::less<>> files;  ///< Part to file name.
};

std::unexpected<Error> bad(const std::filesystem::path& file, std::string_view what) {
  return failure(ErrorCode::invalid_argument, fmt::format("{}: {}", file.string(), what));
}

Status sort_in(const std::filesystem::path& file, std::map<std::uint32_t, Parts>& numbers) {
  static const std::regex form(R"((\d{4,9})_([a-z0-9_]{1,100})\.(up\.sql|down\.sql|verify\.sql|change\.json))");
  std::smatch match;
  const auto name = file.filename().string();
  if (!std::regex_match(name, match, form))
    return bad(file,
               "name it NNNN_name.up.sql, .down.sql, .verify.sql or .change.json, in small letters, digits and '_'");
  auto& parts_of = numbers[static_cast<std::uint32_t>(std::stoul(match[1]))];
  if (!parts_of.name.empty() && parts_of.name != match[2])
    return bad(file, fmt::format("the number {} is also that of '{}'; give the later one the next free number",
                                 match[1].str(), parts_of.name));
  parts_of.name = match[2];
  const auto part = match[3].str();
  if (!parts_of.files.emplace(part.substr(0, part.find('.')), name).second)
    return bad(file, "this number is there twice");
  return {};
}

Status check(const std::filesystem::path& folder, std::uint32_t number, std::uint32_t expected, const Parts& found) {
  if (number != expected)
    return bad(folder / found.files.begin()->second,
               fmt::format("number {:04} is missing before it; numbers have no holes: bring its files back, or rename "
                           "this one",
                           expected));
  const bool change = found.files.contains("change");
  for (const auto* const part : {"up", "down"}) {
    if (change && found.files.contains(part))
      return bad(folder / found.files.find(part)->second, "a change has no texts of its own; remove this file");
    if (!change && !found.files.contains(part))
      return bad(
          folder / (stem(number, found.name) + "." + part + ".sql"),
          "this file is missing; every migration has an up and a down text (a down may be a comment that says why "
          "nothing can be undone, and then `revert` refuses it)");
  }
  return {};
}

Result<std::string_view> read_part(MigrationFiles& to, const Parts& found, std::string_view part) {
  const auto file = found.files.find(part);
  if (file == found.files.end()) return std::string_view();
  TRIUNE_ASSIGN(const Bytes bytes, base::read_file(to.folder / file->second, longest_file));
  to.texts.emplace_back(base::as_text(bytes));
  return std::string_view(to.texts.back());
}

/// The texts of a change follow from its declaration.
Status read_change(MigrationFiles& to, const Parts& found, Migration& migration) {
  TRIUNE_ASSIGN(migration.change, read_part(to, found, "change"));
  auto change = parse_change(migration.change);
  if (!change) {
    change.error().message =
        fmt::format("{}: {}", (to.folder / found.files.at("change")).string(), change.error().message);
    return failure_of(change);
  }
  const auto dialect = to.folder.filename() == folder_of(Dialect::sqlite) ? Dialect::sqlite : Dialect::postgres;
  to.texts.push_back(change_up_text(*change, dialect));
  migration.sql = to.texts.back();
  to.texts.push_back(change_down_text(*change, dialect));
  migration.down = to.texts.back();
  return {};
}

std::string template_of(std::string_view name, std::string_view part, Dialect dialect) {
  if (part == "verify")
    return fmt::format("-- {}: SELECTs that must return no row once the migration is applied.\n", name);
  const auto* const why = part == "up" ? "Why this change is made; then its statements."
                                       : "Undoes the up text: afterwards the schema is exactly as it was before.";
  return fmt::format("-- {} ({}): {}\n", name, folder_of(dialect), why);
}

}  // namespace

std::string MigrationFiles::file(const Migration& migration, std::string_view part) const {
  const auto name = stem(migration.version, migration.name);
  const bool declared = !migration.change.empty() && part != "verify";
  return (folder / (declared ? name + ".change.json" : fmt::format("{}.{}.sql", name, part))).string();
}

std::string_view folder_of(Dialect dialect) {
  return dialect == Dialect::sqlite ? "sqlite" : "postgres";
}

Result<MigrationFiles> read_files(const std::filesystem::path& directory, Dialect dialect) {
  MigrationFiles result;
  result.folder = directory / folder_of(dialect);
  std::error_code error;
  std::filesystem::directory_iterator entries(result.folder, error);
  if (error)
    return failure(ErrorCode::not_found, fmt::format("there is no folder {}; make a first migration with `triune "
                                                     "schema new NAME --dir {}`",
                                                     result.folder.string(), directory.string()));
  std::map<std::uint32_t, Parts> numbers;
  for (const auto& entry : entries)
    if (entry.path().extension() == ".sql" || entry.path().extension() == ".json")
      TRIUNE_TRY(sort_in(entry.path(), numbers));
  std::uint32_t expected = 1;
  for (const auto& [number, found] : numbers) {
    TRIUNE_TRY(check(result.folder, number, expected++, found));
    result.texts.push_back(found.name);
    Migration migration{
        .version = number, .name = result.texts.back(), .sql = {}, .down = {}, .verify = {}, .change = {}};
    if (found.files.contains("change")) {
      TRIUNE_TRY(read_change(result, found, migration));
    } else {
      TRIUNE_ASSIGN(migration.sql, read_part(result, found, "up"));
      TRIUNE_ASSIGN(migration.down, read_part(result, found, "down"));
    }
    TRIUNE_ASSIGN(migration.verify, read_part(result, found, "verify"));
    result.migrations.push_back(migration);
  }
  return result;
}

Result<std::vector<std::string>> new_files(const std::filesystem::path& directory, const std::string& name,
                                           bool change) {
  static const std::regex form("[a-z][a-z0-9_]{0,99}");
  if (!std::regex_match(name, form))
    return failure(ErrorCode::invalid_argument,
                   fmt::format("'{}' is no name for a migration; use small letters, digits and '_'", name));
  std::vector<std::string> made;
  for (const auto dialect : {Dialect::sqlite, Dialect::postgres}) {
    TRIUNE_TRY(base::create_directories_durably(directory / folder_of(dialect)));
    TRIUNE_ASSIGN(const auto present, read_files(directory, dialect));
    const auto number = static_cast<std::uint32_t>(present.migrations.size() + 1);
    const auto write = [&](const std::string& part, std::string_view text) -> Status {
      const auto path = present.folder / fmt::format("{}.{}", stem(number, name), part);
      made.push_back(path.string());
      return base::write_durably(path, base::as_bytes(text));
    };
    if (change) TRIUNE_TRY(write("change.json", change_template));
    for (const auto part : parts)
      if (!change || part == "verify") TRIUNE_TRY(write(fmt::format("{}.sql", part), template_of(name, part, dialect)));
  }
  return made;
}

}  // namespace triune::migrate
