// A data set of Kuzu's package as its files describe it, and statements with the rows that they must return.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace triune::testing {

/// One table of nodes or of edges, from schema.cypher and copy.cypher.
struct OracleTable {
  /// A column after the id, or after the ids of both ends.
  struct Column {
    std::string name;
    bool integer = false;  ///< Otherwise a text.
  };
  std::string name;
  std::string from_label;  ///< Empty for nodes.
  std::string to_label;
  std::vector<Column> columns;
  std::vector<std::filesystem::path> files;

  [[nodiscard]] bool is_edge() const { return !from_label.empty(); }
};

/// The tables of `dataset/NAME`. Throws when the files are not as expected.
std::vector<OracleTable> read_tables(const std::string& name);

/// A statement of a .test file.
struct OracleStatement {
  std::string name;               ///< "q1", "IS3".
  std::string text;               ///< Cypher.
  bool ordered = false;           ///< The rows must come in this order.
  bool any_rows = false;          ///< Whatever it returns is right.
  std::vector<std::string> rows;  ///< Cells with `|` between them.
};

/// Those of `test/test_files/FILE`.
std::vector<OracleStatement> read_statements(const std::string& file);

/// The tables of edges that the statements mention, and their ends.
std::set<std::string> mentioned(const std::vector<OracleTable>& tables, const std::vector<OracleStatement>& statements);

/// The cells of a line.
std::vector<std::string_view> cells_of(std::string_view line);

}  // namespace triune::testing
