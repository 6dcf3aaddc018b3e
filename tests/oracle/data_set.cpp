#include "oracle/data_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace triune::testing {
namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(file.string() + " cannot be read");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::filesystem::path package() {
  return TRIUNE_ORACLE;
}

std::vector<std::smatch> matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern, std::regex::icase);
  return {std::sregex_iterator(text.begin(), text.end(), expression), std::sregex_iterator()};
}

/// "id INT64, name STRING, PRIMARY KEY (id)" without what is no property.
std::vector<OracleTable::Column> columns_of(const std::string& definition) {
  std::vector<OracleTable::Column> columns;
  for (const auto& match : matches(definition, R"((\w+)\s+(INT64|INT32|STRING))"))
    if (match[1] != "id") columns.push_back({match[1], match[2].str()[0] == 'I' || match[2].str()[0] == 'i'});
  return columns;
}

bool mentions(const OracleStatement& statement, const std::string& name) {
  return std::regex_search(statement.text, std::regex("\\b" + name + "\\b"));
}

/// A .test file line by line.
class StatementReader {
 public:
  explicit StatementReader(const std::string& text) : lines_(text) {}

  std::vector<OracleStatement> all() {
    std::string line;
    while (std::getline(lines_, line)) {
      if (line.starts_with("-LOG ")) {
        next_.name = line.substr(5);
      } else if (line == "-CHECK_ORDER") {
        next_.ordered = true;
      } else if (line.starts_with("-STATEMENT ")) {
        read_statement(line.substr(11));
      }
    }
    return std::move(statements_);
  }

 private:
  void read_statement(const std::string& first) {
    next_.text = first;
    std::string line;
    while (std::getline(lines_, line) && !line.starts_with("---- ")) next_.text += "\n" + line;
    while (next_.text.ends_with(';')) next_.text.pop_back();
    next_.any_rows = line == "---- ok";
    const int rows = next_.any_rows ? 0 : std::stoi(line.substr(5));
    for (int i = 0; i < rows && std::getline(lines_, line); ++i) next_.rows.push_back(line);
    statements_.push_back(next_);
    next_ = {.name = next_.name + "'"};  // of a second statement under one name
  }

  std::istringstream lines_;
  OracleStatement next_;
  std::vector<OracleStatement> statements_;
};

}  // namespace

std::vector<OracleTable> read_tables(const std::string& name) {
  const auto folder = package() / "dataset" / name;
  const auto schema = contents(folder / "schema.cypher");
  std::vector<OracleTable> tables;
  for (const auto& match : matches(schema, R"(create node table (\w+) \(([^;]*)\);)"))
    tables.push_back(
        {.name = match[1], .from_label = {}, .to_label = {}, .columns = columns_of(match[2]), .files = {}});
  for (const auto& match : matches(schema, R"(create rel table (\w+) \(from (\w+) to (\w+)([^;]*)\);)"))
    tables.push_back(
        {.name = match[1], .from_label = match[2], .to_label = match[3], .columns = columns_of(match[4]), .files = {}});
  const auto copies = contents(folder / "copy.cypher");
  for (const auto& match : matches(copies, R"re(copy (\w+) from "([^"]*)")re")) {
    const auto table =
        std::find_if(tables.begin(), tables.end(), [&](const auto& one) { return one.name == match[1]; });
    if (table == tables.end()) throw std::runtime_error(fmt::format("{} is copied and not defined", match[1].str()));
    table->files.push_back(package() / match[2].str());
  }
  return tables;
}

std::vector<OracleStatement> read_statements(const std::string& file) {
  return StatementReader(contents(package() / "test" / "test_files" / file)).all();
}

std::set<std::string> mentioned(const std::vector<OracleTable>& tables,
                                const std::vector<OracleStatement>& statements) {
  std::set<std::string> names;
  for (const auto& table : tables) {
    const bool used = std::any_of(statements.begin(), statements.end(),
                                  [&](const OracleStatement& one) { return mentions(one, table.name); });
    if (table.is_edge() && used) names.insert({table.name, table.from_label, table.to_label});
  }
  return names;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const auto bar = line.find('|');
    cells.push_back(line.substr(0, bar));
    if (bar == std::string_view::npos) return cells;
    line.remove_prefix(bar + 1);
  }
}

}  // namespace triune::testing
