// What rows of the import are in the modules. Everything follows from the row alone, so that it is the same whenever it
// is made: when the row comes, or later from what an earlier version left (module_backfill.h).
//
//   claude_agent_rows    agents, and contexts of those that have spoken
//   claude_session_rows  contexts of no agent in particular
//   claude_event_rows    events with the session as correlation and the parent record as cause
//   claude_message_rows  memories of kind summary (of a compaction); events api_error
//   claude_completion_rows  events agent.completed
//   claude_file_rows     memories of the document's kind; JSON of memory/ snapshots
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "intake/claude_code/row_cache.h"
#include "intake/module_writer.h"
#include "triune/change.h"

namespace triune::intake::claude {

inline constexpr std::string_view event_source = "claude-code";

modules::agents::ImportedAgent agent_of(const Row& row);
modules::agents::ImportedContext context_of_session(const Row& row);
/// Nothing for an agent that has said nothing.
std::optional<modules::agents::ImportedContext> context_of_agent(const Row& row);
/// Nothing for a record without a time.
std::optional<NewEvent> event_of(const Row& row);
std::optional<NewEvent> error_event_of(const Row& message);
std::optional<NewEvent> completion_event_of(const Row& row);
NewMemory memory_of_summary(const Row& message);
/// Nothing for kinds that are no texts to remember, or whose rows say all there is.
std::optional<NewMemory> memory_of_document(const Row& row, std::string_view text);
/// Nothing but for JSON of kind memory.
std::optional<NewSnapshot> snapshot_of_document(const Row& row, std::string_view text);
/// The context that snapshots of documents belong to.
modules::agents::ImportedContext document_context();

/// The properties that agents have in the graph beside those of the module, as changes: what others wrote stays.
/// `all`: also of rows that did not change.
Status append_agent_nodes(Hive& hive, RowCache& agents, std::vector<Change>& changes, bool all = false);

/// Agents and their contexts, of the rows that changed.
void add_agents(RowCache& agents, ModuleBatch& batch);
void add_contexts(RowCache& sessions, ModuleBatch& batch);
/// Records that are new, in the order of their lines. Returns how many have no time.
std::uint64_t add_events(RowCache& events, ModuleBatch& batch);
/// What a document is in the modules. False when it is kept as a row only.
bool add_document(const Row& row, std::string_view text, ModuleBatch& batch);
/// Summaries and errors among messages that changed.
void add_messages(RowCache& messages, ModuleBatch& batch);

}  // namespace triune::intake::claude
