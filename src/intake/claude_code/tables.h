// The tables of the import, the views that people read, and how they appear in the graph and in full-text search.
//
// Tables end in `_rows` and may change from version to version; the views are stable. Every table has one text key, its
// first column. A column X with a companion X_bytes holds a text's beginning (`row_text_bytes`); when it is cut, the
// whole is the blob (owner "TABLE/KEY", name X).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/status.h"

namespace triune::intake::claude {

struct Column {
  std::string_view name;
  std::string_view type;  ///< "TEXT" or "INTEGER".
};

struct Table {
  std::string_view name;
  std::vector<Column> columns;            ///< The first is the key.
  std::vector<std::string_view> indexed;  ///< Columns that are looked up; rows where they are NULL are not indexed.

  /// Position of a column, which must exist.
  [[nodiscard]] std::size_t position(std::string_view column) const;
};

const Table& session_table();
const Table& message_table();
const Table& block_table();
const Table& tool_call_table();
const Table& tool_table();   ///< Nodes: the tools that were called.
const Table& call_table();   ///< Edges: message calls tool, how often.
const Table& file_table();   ///< Files that were touched, and documents with their text.
const Table& touch_table();  ///< Edges: message touches file, in how many calls.
const Table& agent_table();
const Table& event_table();  ///< Records that are no messages.
const Table& line_table();   ///< Every uuid with the message it is part of, or its nearest ancestor.
const Table& setting_table();
const Table& completion_table();
const Table& history_table();
const Table& source_table();  ///< Files read, and how far.
const Table& bad_line_table();

/// All of them.
std::span<const Table* const> all_tables();

/// Makes what is missing: tables, indexes, views, mappings, full-text indexes. Changes nothing when all is there.
Status prepare_tables(Hive& hive);

}  // namespace triune::intake::claude
