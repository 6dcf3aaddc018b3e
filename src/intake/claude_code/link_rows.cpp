#include "intake/claude_code/link_rows.h"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <string>

#include "base/try.h"
#include "intake/claude_code/dialect.h"
#include "intake/claude_code/edges.h"
#include "intake/claude_code/json_access.h"
#include "intake/claude_code/log_batch.h"
#include "intake/claude_code/module_rows.h"
#include "intake/claude_code/row_cache.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

constexpr std::size_t page_rows = 1'000;

Result<RowSet> query(Hive& hive, const std::string& sql) {
  return hive.sql(sql, {},
                  {.consistency = {}, .deadline = Deadline::after(std::chrono::minutes(2)), .max_rows = page_rows});
}

std::string text_of(const Value& value) {
  const auto* const text = std::get_if<std::string>(&value);
  return text == nullptr ? std::string() : *text;
}

Status commit_rows(ImportRun& run, const RowCache& rows) {
  std::vector<Change> changes;
  rows.append_changes(changes);
  return run.commit(std::move(changes), {});
}

// Fetches the rows whose keys are in the first column of `found`.
Status fetch_rows(Hive& hive, RowCache& rows, const RowSet& found, std::string_view key_column) {
  std::set<std::string> keys;
  for (const auto& row : found.rows) keys.insert(text_of(row[0]));
  return rows.fetch(hive, key_column, keys);
}

// Goes on with the walks that ended at a line which was not known and is now. Every page leaves the set it is taken
// from, because a walk ends at an unknown line or at none.
Status link_parents(ImportRun& run, const Table& table, std::string_view parent_column) {
  const std::string_view key = table.columns.front().name;
  for (;;) {
    TRIUNE_ASSIGN(
        const RowSet found,
        query(run.hive(), fmt::format("SELECT w.{} FROM {} w JOIN claude_line_rows l ON l.uuid = w.pending_parent "
                                      "WHERE w.pending_parent IS NOT NULL LIMIT {}",
                                      key, table.name, page_rows)));
    if (found.rows.empty()) return {};
    RowCache rows(table);
    RowCache lines(line_table());
    TRIUNE_TRY(fetch_rows(run.hive(), rows, found, key));
    for (auto& [id, row] : rows.rows()) {
      TRIUNE_ASSIGN(const Ancestor ancestor,
                    ancestor_of(run.hive(), lines, std::string(row.text("pending_parent")), id));
      row.set_text(parent_column, ancestor.message);
      row.set_text("pending_parent", ancestor.pending);
    }
    TRIUNE_TRY(commit_rows(run, rows));
  }
}

using LinkAgent = std::function<void(Row& agent, const std::vector<Value>& found)>;

// Runs `statement`, whose first column is an agent, until it finds none.
Status link_agents(ImportRun& run, const std::string& statement, const LinkAgent& link) {
  for (;;) {
    TRIUNE_ASSIGN(const RowSet found, query(run.hive(), fmt::format("{} LIMIT {}", statement, page_rows)));
    RowCache agents(agent_table());
    TRIUNE_TRY(fetch_rows(run.hive(), agents, found, "id"));
    for (const auto& row : found.rows)
      if (Row* const agent = agents.find(text_of(row[0]))) link(*agent, row);
    std::vector<Change> changes;
    agents.append_changes(changes);
    append_agent_edges(agents, changes);
    if (changes.empty()) return {};
    TRIUNE_TRY(run.commit(std::move(changes), {}));
  }
}

void set_spawn(Row& agent, const std::string& call, const std::string& message) {
  agent.set_text("spawn_call_id", call);
  agent.set_text("spawn_message_id", message);
  agent.set("spawn_session_id", Null{});
}

Status link_spawns(ImportRun& run) {
  TRIUNE_TRY(
      link_agents(run,
                  "SELECT a.id, c.id, c.message_id FROM claude_agent_rows a "
                  "JOIN claude_tool_call_rows c ON c.id = a.spawn_call_id "
                  "WHERE a.spawn_message_id IS NULL AND c.message_id IS NOT NULL ORDER BY a.id",
                  [](Row& agent, const auto& found) { set_spawn(agent, text_of(found[1]), text_of(found[2])); }));
  // Logs that do not name the agent of a call: the call's prompt is the agent's first message. Of equal prompts the
  // first call has the first agent.
  std::set<std::string> taken;
  const Dialect& dialect = dialect_of(run.hive());
  TRIUNE_TRY(
      link_agents(run,
                  "SELECT a.id, c.id, c.message_id FROM claude_agent_rows a "
                  "JOIN claude_tool_call_rows c ON c.prompt_hash = a.prompt_hash AND c.session_id = a.session_id "
                  "WHERE a.spawn_call_id IS NULL AND c.message_id IS NOT NULL AND c.agent_id IS DISTINCT FROM a.id "
                  "AND NOT EXISTS (SELECT 1 FROM claude_agent_rows o WHERE o.spawn_call_id = c.id) "
                  "ORDER BY " +
                      dialect.in_order({"a.started_at", "a.id", "c.at", "c.id"}),
                  [&](Row& agent, const auto& found) {
                    if (!agent.is_null("spawn_call_id") || !taken.insert(text_of(found[1])).second) return;
                    set_spawn(agent, text_of(found[1]), text_of(found[2]));
                  }));
  // Agents that nobody is known to have called belong to their session.
  return link_agents(
      run,
      "SELECT a.id, a.session_id FROM claude_agent_rows a WHERE a.kind = 'subagent' AND "
      "a.spawn_message_id IS NULL AND a.spawn_session_id IS NULL AND a.session_id IS NOT NULL ORDER BY a.id",
      [](Row& agent, const auto& found) { agent.set("spawn_session_id", found[1]); });
}

// The summary that a record's details hold; empty when they are cut off or hold none.
std::string summary_in(const std::string& details) {
  simdjson::dom::parser parser;
  JsonObject object;
  if (parser.parse(details).get(object) != simdjson::SUCCESS) return {};
  return text_member(object, "summary");
}

// The last summary of a session is its title, unless it has a better one.
Status link_titles(ImportRun& run) {
  TRIUNE_ASSIGN(const RowSet found,
                run.hive().sql("SELECT l.session_id, e.details FROM claude_event_rows e "
                               "JOIN claude_line_rows l ON l.uuid = e.parent_uuid "
                               "JOIN claude_session_rows s ON s.id = l.session_id "
                               "WHERE e.type = 'summary' AND coalesce(s.title_rank, 1) = 1 ORDER BY " +
                               dialect_of(run.hive()).in_order({"e.file"}, "e.line")));
  RowCache sessions(session_table());
  TRIUNE_TRY(fetch_rows(run.hive(), sessions, found, "id"));
  for (const auto& row : found.rows) {
    Row* const session = sessions.find(text_of(row[0]));
    const std::string summary = summary_in(text_of(row[1]));
    if (session == nullptr || summary.empty()) continue;
    session->set_text("title", beginning(summary, title_bytes));
    session->set("title_rank", std::int64_t{1});
  }
  std::vector<Change> changes;
  ModuleBatch modules;
  sessions.append_changes(changes);
  add_contexts(sessions, modules);
  return run.commit(std::move(changes), {}, std::move(modules));
}

}  // namespace

Status link_rows(ImportRun& run) {
  TRIUNE_TRY(link_parents(run, line_table(), "message_id"));
  TRIUNE_TRY(link_parents(run, message_table(), "parent_id"));
  TRIUNE_TRY(link_spawns(run));
  return link_titles(run);
}

}  // namespace triune::intake::claude
