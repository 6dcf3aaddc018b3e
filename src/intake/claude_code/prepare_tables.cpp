#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/try.h"
#include "hive/module_access.h"
#include "intake/claude_code/dialect.h"
#include "intake/claude_code/tables.h"
#include "model/sql_text.h"

namespace triune::intake::claude {
namespace {

using model::quote_identifier;

struct View {
  std::string_view name;
  std::string_view query;
};

// The first three are promised to the user, column by column; `claude_settings` says which value wins.
constexpr View views[] = {
    {"claude_sessions", "SELECT id, project, started_at, ended_at, cli_version FROM claude_session_rows"},
    {"claude_messages",
     "SELECT id, session_id, parent_id, role, model, at, is_sidechain, input_tokens, output_tokens, cache_read_tokens, "
     "cache_creation_tokens FROM claude_message_rows"},
    {"claude_tool_calls",
     "SELECT id, message_id, name, coalesce(is_error, 0) AS is_error, at FROM claude_tool_call_rows "
     "WHERE message_id IS NOT NULL"},
    {"claude_blocks", "SELECT id, message_id, position, kind, text, tool_call_id, media_type FROM claude_block_rows"},
    {"claude_tool_results",
     "SELECT id AS tool_call_id, name, input, result, is_error, result_at, duration_ms FROM claude_tool_call_rows "
     "WHERE is_error IS NOT NULL"},
    {"claude_agents",
     "SELECT id, kind, name, agent_type, description, status, session_id, started_at, ended_at, spawn_message_id "
     "FROM claude_agent_rows"},
    {"claude_files", "SELECT id AS path, kind, title, size_bytes, text FROM claude_file_rows"},
    {"claude_events", "SELECT id, session_id, type, subtype, at, file, line, details FROM claude_event_rows"},
    {"claude_settings",
     "SELECT s.file, s.key, s.value, s.scope, CASE WHEN EXISTS (SELECT 1 FROM claude_setting_rows o WHERE "
     "o.key = s.key AND o.precedence > s.precedence) THEN 0 ELSE 1 END AS is_effective FROM claude_setting_rows s"},
    {"claude_completions",
     "SELECT id, agent_id, completed_at, status, tests_passing, build_successful, pr_status, conflicts_resolved, "
     "quality_gates_passed FROM claude_completion_rows"},
    {"claude_history", "SELECT id, at, project, session_id, text FROM claude_history_rows"},
    {"claude_bad_lines", "SELECT file, line, reason, raw FROM claude_bad_line_rows"},
};

std::string table_statement(const Dialect& dialect, const Table& table) {
  std::string sql = fmt::format("CREATE TABLE IF NOT EXISTS {} (", quote_identifier(table.name));
  for (const auto& column : table.columns) {
    const bool key = &column == &table.columns.front();
    sql += fmt::format("{}{} {}{}", key ? "" : ", ", quote_identifier(column.name), dialect.type(column.type),
                       key ? " NOT NULL PRIMARY KEY" : "");
  }
  return sql + ")" + std::string(dialect.table_suffix);
}

std::string index_statement(const Table& table, std::string_view column) {
  return fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} ({}) WHERE {} IS NOT NULL",
                     quote_identifier(fmt::format("{}_by_{}", table.name, column)), quote_identifier(table.name),
                     quote_identifier(column), quote_identifier(column));
}

// Names of the tables, indexes and views that are there.
Result<std::set<std::string, std::less<>>> existing_names(Hive& hive, const Dialect& dialect) {
  TRIUNE_ASSIGN(const RowSet found, hive.sql(dialect.existing_names));
  std::set<std::string, std::less<>> names;
  for (const auto& row : found.rows) names.insert(std::get<std::string>(row[0]));
  return names;
}

// Labels and types that the import maps its tables to; whose nodes or edges somebody else has written are of no use.
constexpr std::string_view select_taken =
    "SELECT c.kind, c.name FROM triune_collections c JOIN triune_organizations o USING (organization_id) "
    "WHERE o.name = ?1 AND ((c.kind = 'label' AND c.name IN ('Session', 'Message', 'Tool', 'File') "
    "AND EXISTS (SELECT 1 FROM triune_nodes n WHERE n.organization_id = c.organization_id "
    "AND n.label_id = c.collection_id)) "
    "OR (c.kind = 'type' AND c.name IN ('REPLIES_TO', 'CALLS', 'TOUCHES') "
    "AND EXISTS (SELECT 1 FROM triune_edges e WHERE e.organization_id = c.organization_id "
    "AND e.type_id = c.collection_id))) "
    "AND NOT EXISTS (SELECT 1 FROM triune_definitions d WHERE d.organization_id = c.organization_id "
    "AND d.kind = CASE c.kind WHEN 'label' THEN 'node_mapping' ELSE 'edge_mapping' END AND d.name = c.name "
    "AND d.table_name LIKE 'claude\\_%\\_rows' ESCAPE '\\') ORDER BY c.kind, c.name";

// Refuses before anything is written (I10).
Status check_names_are_free(Hive& hive) {
  TRIUNE_ASSIGN(const Receipt receipt, hive.receipt());
  if (receipt.projections.empty()) return {};  // no label at all
  const std::array<Value, 1> parameters{receipt.projections.front().organization};
  TRIUNE_ASSIGN(const RowSet taken, hive.sql(select_taken, parameters));
  if (taken.rows.empty()) return {};
  std::string names;
  for (const auto& row : taken.rows)
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", to_text(row[0]) == "label" ? "label" : "edge type",
                         to_text(row[1]));
  return failure(
      ErrorCode::conflict,
      fmt::format(
          "this hive has entities of its own under {}, which the import needs for what Claude Code left behind: "
          "import into another hive (--hive) or organization (--org NAME), or write yours under other "
          "names and delete these",
          names));
}

// Columns that an earlier version's table has not.
Status add_columns(Hive& hive, const Dialect& dialect, const Table& table) {
  TRIUNE_ASSIGN(const RowSet known, hive.sql(fmt::format("SELECT * FROM {} LIMIT 0", quote_identifier(table.name))));
  for (const auto& column : table.columns) {
    if (std::find(known.columns.begin(), known.columns.end(), column.name) != known.columns.end()) continue;
    TRIUNE_TRY(hive.sql(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", quote_identifier(table.name),
                                    quote_identifier(column.name), dialect.type(column.type))));
  }
  return {};
}

Status make_tables(Hive& hive) {
  const Dialect& dialect = dialect_of(hive);
  TRIUNE_ASSIGN(const auto names, existing_names(hive, dialect));
  for (const Table* const table : all_tables()) {
    if (!names.contains(table->name)) TRIUNE_TRY(hive.sql(table_statement(dialect, *table)));
    if (names.contains(table->name)) TRIUNE_TRY(add_columns(hive, dialect, *table));
    for (const auto column : table->indexed)
      if (!names.contains(fmt::format("{}_by_{}", table->name, column)))
        TRIUNE_TRY(hive.sql(index_statement(*table, column)));
  }
  for (const auto& view : views)
    if (!names.contains(view.name))
      TRIUNE_TRY(hive.sql(fmt::format("{} {} AS {}", dialect.create_view, view.name, view.query)));
  return {};
}

Status map_tables(Hive& hive) {
  const auto node = [&](const Table& table, std::string label, std::vector<std::string> properties) {
    return hive.map_nodes({std::string(table.name), std::move(label), std::move(properties)});
  };
  TRIUNE_TRY(node(session_table(), "Session", {"project", "started_at", "ended_at", "cli_version", "title"}));
  TRIUNE_TRY(node(message_table(), "Message",
                  {"role", "model", "at", "is_sidechain", "input_tokens", "output_tokens", "cache_read_tokens",
                   "cache_creation_tokens"}));
  TRIUNE_TRY(node(tool_table(), "Tool", {"kind", "server"}));
  TRIUNE_TRY(node(file_table(), "File", {"name", "kind"}));
  // Agents are rows of a module, whose nodes they are (module_rows.h); an earlier version mapped its own table.
  TRIUNE_TRY(hive::ModuleAccess(hive).release_nodes("Agent", agent_table().name));

  // PART_OF and SPAWNED have several pairs of ends, which a mapping cannot have: see append_edges.
  const auto edge = [&](const Table& table, std::string type, const std::pair<std::string, std::string>& from,
                        const std::pair<std::string, std::string>& to, std::vector<std::string> properties) {
    return hive.map_edges({std::string(table.name), std::move(type), from.first, from.second, to.first, to.second,
                           std::move(properties)});
  };
  TRIUNE_TRY(edge(message_table(), "REPLIES_TO", {"id", "Message"}, {"parent_id", "Message"}, {}));
  TRIUNE_TRY(edge(call_table(), "CALLS", {"message_id", "Message"}, {"tool_id", "Tool"}, {"count"}));
  return edge(touch_table(), "TOUCHES", {"message_id", "Message"}, {"file_id", "File"}, {"count"});
}

}  // namespace

Status prepare_tables(Hive& hive) {
  TRIUNE_TRY(check_names_are_free(hive));
  TRIUNE_TRY(make_tables(hive));
  TRIUNE_TRY(map_tables(hive));
  TRIUNE_TRY(hive.create_text_index({"claude_messages", std::string(message_table().name), {"text"}}));
  return hive.create_text_index({"claude_files", std::string(file_table().name), {"title", "text"}});
}

}  // namespace triune::intake::claude
