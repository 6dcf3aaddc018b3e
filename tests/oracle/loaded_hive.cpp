#include "oracle/loaded_hive.h"

#include <fmt/format.h>

#include <cctype>
#include <fstream>
#include <regex>
#include <stdexcept>

namespace triune::testing {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// The lines of a table's files, without those that name the columns.
class TableLines {
 public:
  explicit TableLines(const OracleTable& table) : table_(table) {}

  /// The cells of the next line, alive until the next call; none at the end.
  std::vector<std::string_view> next() {
    while (!std::getline(stream_, line_) || line_.empty() || std::isdigit(static_cast<unsigned char>(line_[0])) == 0) {
      if (stream_) continue;
      if (file_ == table_.files.size()) return {};
      stream_ = std::ifstream(table_.files[file_++]);
    }
    return cells_of(line_);
  }

 private:
  const OracleTable& table_;
  std::size_t file_ = 0;
  std::ifstream stream_;
  std::string line_;
};

Record properties_of(const OracleTable& table, const std::vector<std::string_view>& cells, std::size_t ids) {
  if (cells.size() < table.columns.size() + ids) throw std::runtime_error("a line of " + table.name + " is too short");
  Record properties;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string cell(cells[i + ids]);
    if (cell.empty()) continue;
    const auto& column = table.columns[i];
    properties.push_back({column.name, column.integer ? Value(std::int64_t{std::stoll(cell)}) : Value(cell)});
  }
  return properties;
}

void load(Hive& hive, const OracleTable& table) {
  TableLines lines(table);
  if (!table.is_edge()) {
    must(hive.load_nodes(table.name, [&](PutNode& node) -> Result<bool> {
      const auto cells = lines.next();
      if (cells.empty()) return false;
      node.node.id = cells[0];
      node.properties = properties_of(table, cells, 1);
      return true;
    }));
    return;
  }
  must(hive.load_edges(table.name, table.from_label, table.to_label, [&](PutEdge& edge) -> Result<bool> {
    const auto cells = lines.next();
    if (cells.empty()) return false;
    edge.edge.from.id = cells[0];
    edge.edge.to.id = cells.at(1);
    edge.properties = properties_of(table, cells, 2);
    return true;
  }));
}

std::string replaced(const std::string& text, const std::string& pattern, const std::string& by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

/// A list of texts as Kuzu prints it: its JSON without quotes, and without the spaces that PostgreSQL puts into it.
std::string cell(const Value& value) {
  const auto text = to_text(value);
  return text.starts_with("[\"") ? replaced(replaced(text, R"(", ")", R"(",")"), "\"", "") : text;
}

}  // namespace

LoadedHive::LoadedHive(const std::string& data_set, const std::set<std::string>& names) {
  hive_ = must(Hive::open(place_.location(), place_.options()));
  const auto tables = read_tables(data_set);
  for (const bool edges : {false, true})
    for (const auto& table : tables)
      if (table.is_edge() == edges && names.contains(table.name)) load(*hive_, table);
  must(hive_->wait(must(hive_->receipt()).token(), Deadline::after(std::chrono::minutes(3))));
}

std::vector<std::string> LoadedHive::rows(const std::string& sql) const {
  const auto answer = hive_->sql(sql, {}, {.deadline = Deadline::after(std::chrono::minutes(5))});
  if (!answer) return {fmt::format("{}: {}", to_string(answer.error().code), answer.error().message)};
  std::vector<std::string> lines;
  for (const auto& row : answer->rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += (i == 0 ? "" : "|") + cell(row[i]);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string federated(const std::string& cypher) {
  const auto sql = fmt::format("SELECT * FROM cypher('{}')", replaced(cypher, "'", "''"));
  // What a table function returns has no order in SQL: the query's own is asked of both.
  std::smatch order;
  const bool ordered = std::regex_search(cypher, order, std::regex(R"(RETURN[\s\S]*(ORDER BY[\s\S]*?)(LIMIT \d+)?$)"));
  // The columns have the names that the query gives them, and PostgreSQL would read them in small letters.
  return ordered ? sql + " " + replaced(order[1].str(), R"(\b(\w*[a-z]\w*)\b)", "\"$1\"") : sql;
}

std::string edges(const std::string& type) {
  return fmt::format(
      "(SELECT from_node AS a, to_node AS b, properties FROM triune_edges WHERE organization_id = 1 AND type_id = "
      "(SELECT "
      "collection_id FROM triune_collections WHERE organization_id = 1 AND kind = 'type' AND name = '{}'))",
      type);
}

std::string nodes(const std::string& label) {
  return fmt::format(
      "(SELECT node_id AS node, id, properties FROM triune_nodes WHERE organization_id = 1 AND "
      "label_id = (SELECT collection_id FROM triune_collections WHERE organization_id = 1 AND kind = 'label' AND name "
      "= '{}'))",
      label);
}

std::string property(const std::string& alias, const std::string& name) {
  const auto document = alias + ".properties";
  return fmt::format("({} ->> '{}')", on_postgres() ? "CAST(" + document + " AS jsonb)" : document, name);
}

}  // namespace triune::testing
