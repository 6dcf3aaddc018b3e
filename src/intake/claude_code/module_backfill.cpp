#include "intake/claude_code/module_backfill.h"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <set>

#include "base/file.h"
#include "base/try.h"
#include "intake/claude_code/dialect.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/module_rows.h"
#include "intake/claude_code/row_cache.h"
#include "model/sql_text.h"

namespace triune::intake::claude {
namespace {

constexpr std::size_t page_rows = 500;
constexpr std::string_view filled = "modules";

class Backfill {
 public:
  explicit Backfill(ImportRun& run) : run_(run), hive_(run.hive()), dialect_(dialect_of(run.hive())) {}

  Status run() {
    TRIUNE_TRY(take(agent_table(), "", [&](RowCache& rows, ModuleBatch& batch) { return take_agents(rows, batch); }));
    TRIUNE_TRY(
        take(session_table(), "", [&](RowCache& rows, ModuleBatch& batch) { return take_sessions(rows, batch); }));
    TRIUNE_TRY(take(message_table(), "AND (is_compact_summary = 1 OR is_api_error = 1)",
                    [&](RowCache& rows, ModuleBatch& batch) { return take_messages(rows, batch); }));
    TRIUNE_TRY(take(file_table(), "AND kind <> 'touched'",
                    [&](RowCache& rows, ModuleBatch& batch) { return take_documents(rows, batch); }));
    TRIUNE_TRY(take(completion_table(), "",
                    [&](RowCache& rows, ModuleBatch& batch) { return take_completions(rows, batch); }));
    return take_events();
  }

 private:
  using Take = std::function<Status(RowCache& rows, ModuleBatch& batch)>;

  Result<RowSet> query(const std::string& sql, std::span<const Value> parameters) {
    return hive_.sql(sql, parameters,
                     {.consistency = {}, .deadline = Deadline::after(std::chrono::minutes(2)), .max_rows = page_rows});
  }

  /// All rows of a table by its key, page by page.
  Status take(const Table& table, std::string_view where, const Take& take_rows) {
    const auto key = table.columns.front().name;
    for (std::string last;;) {
      const std::array<Value, 1> parameters{last};
      TRIUNE_ASSIGN(const RowSet found,
                    query(fmt::format("SELECT {0} FROM {1} WHERE {0}{5} > ?1 {2} ORDER BY {3} LIMIT {4}", key,
                                      table.name, where, dialect_.in_order({key}), page_rows, dialect_.bytewise),
                          parameters));
      if (found.rows.empty()) return {};
      std::set<std::string> keys;
      for (const auto& row : found.rows) keys.insert(to_text(row[0]));
      last = to_text(found.rows.back()[0]);
      RowCache rows(table);
      TRIUNE_TRY(rows.fetch(hive_, key, keys));
      ModuleBatch batch;
      TRIUNE_TRY(take_rows(rows, batch));
      TRIUNE_TRY(commit(table, rows, std::move(batch)));
    }
  }

  Status commit(const Table& table, RowCache& rows, ModuleBatch batch) {
    std::vector<Change> changes;
    rows.append_changes(changes);
    if (&table == &agent_table()) TRIUNE_TRY(append_agent_nodes(hive_, rows, changes, true));
    return run_.commit(std::move(changes), {}, std::move(batch));
  }

  /// The state of a context is that after the last thing that was said in it.
  Status find_context(Row& row, std::string_view condition) {
    const std::array<Value, 1> parameters{row.key()};
    TRIUNE_ASSIGN(
        const RowSet found,
        query(fmt::format(
                  "SELECT coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + "
                  "coalesce(cache_read_tokens, 0) + coalesce(cache_creation_tokens, 0), at, model FROM "
                  "claude_message_rows WHERE {} AND role = 'assistant' AND is_api_error = 0 AND at IS NOT NULL AND "
                  "coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0 ORDER BY at DESC LIMIT 1",
                  condition),
              parameters));
    if (found.rows.empty()) return {};
    row.set("context_tokens", found.rows[0][0]);
    row.set("context_at", found.rows[0][1]);
    row.set("context_model", found.rows[0][2]);
    return {};
  }

  Status take_agents(RowCache& rows, ModuleBatch& batch) {
    for (auto& [id, row] : rows.rows()) {
      if (!row.is_null("session_id") && row.is_null("context_at"))
        TRIUNE_TRY(find_context(
            row, "session_id = (SELECT session_id FROM claude_agent_rows WHERE id = ?1) AND agent_id = ?1"));
      batch.agents.push_back(agent_of(row));
      if (auto context = context_of_agent(row)) batch.contexts.push_back(std::move(*context));
    }
    return {};
  }

  Status take_sessions(RowCache& rows, ModuleBatch& batch) {
    for (auto& [id, row] : rows.rows()) {
      if (row.is_null("context_at")) {
        TRIUNE_TRY(find_context(row, "session_id = ?1 AND agent_id IS NULL"));
        const std::array<Value, 1> parameters{row.key()};
        TRIUNE_ASSIGN(const RowSet compactions,
                      query("SELECT count(*) FROM claude_message_rows WHERE session_id = ?1 AND is_compact_summary = 1",
                            parameters));
        if (const auto& count = compactions.rows[0][0]; count != Value(std::int64_t{0})) row.set("compactions", count);
      }
      batch.contexts.push_back(context_of_session(row));
    }
    return {};
  }

  Status take_messages(RowCache& rows, ModuleBatch& batch) {
    for (auto& [id, row] : rows.rows()) {
      if (row.integer("is_compact_summary") != 0) batch.memories.push_back(memory_of_summary(row));
      if (row.integer("is_api_error") == 0) continue;
      if (auto event = error_event_of(row)) batch.events.push_back(std::move(*event));
    }
    return keep_new(batch);
  }

  Status take_documents(RowCache& rows, ModuleBatch& batch) {
    for (auto& [id, row] : rows.rows()) {
      std::string text(row.text("text"));
      if (row.integer("text_bytes") > static_cast<std::int64_t>(text.size())) {
        TRIUNE_ASSIGN(const Bytes whole, hive_.get_blob(blob_owner(row), "text"));
        text = base::as_text(whole);
      }
      add_document(row, text, batch);
    }
    return {};
  }

  Status take_completions(RowCache& rows, ModuleBatch& batch) {
    for (auto& [id, row] : rows.rows())
      if (auto event = completion_event_of(row)) batch.events.push_back(std::move(*event));
    return keep_new(batch);
  }

  /// Session by session, so that causes come before their effects.
  Status take_events() {
    for (std::string last;;) {
      const std::array<Value, 1> parameters{last};
      TRIUNE_ASSIGN(const RowSet sessions,
                    query(fmt::format("SELECT DISTINCT session_id{1} FROM claude_event_rows WHERE session_id{1} > ?1 "
                                      "ORDER BY 1 LIMIT {0}",
                                      page_rows, dialect_.bytewise),
                          parameters));
      if (sessions.rows.empty()) return {};
      last = to_text(sessions.rows.back()[0]);
      for (const auto& row : sessions.rows) TRIUNE_TRY(take_events_of(to_text(row[0])));
    }
  }

  Status take_events_of(const std::string& session) {
    for (std::size_t done = 0;; done += page_rows) {
      const std::array<Value, 1> parameters{session};
      TRIUNE_ASSIGN(const RowSet found,
                    query(fmt::format("SELECT id FROM claude_event_rows WHERE session_id = ?1 ORDER BY {} LIMIT {} "
                                      "OFFSET {}",
                                      dialect_.in_order({"file"}, "line"), page_rows, done),
                          parameters));
      if (found.rows.empty()) return {};
      std::set<std::string> keys;
      for (const auto& row : found.rows) keys.insert(to_text(row[0]));
      RowCache rows(event_table());
      TRIUNE_TRY(rows.fetch(hive_, "id", keys));
      ModuleBatch batch;
      for (const auto& key : found.rows)
        if (auto event = event_of(*rows.find(to_text(key[0])))) batch.events.push_back(std::move(*event));
      TRIUNE_TRY(keep_new(batch));
      TRIUNE_TRY(run_.commit({}, {}, std::move(batch)));
    }
  }

  /// A run that was killed told some already: told again they would count as duplicates.
  Status keep_new(ModuleBatch& batch) { return run_.modules().leave_known(batch.events); }

  ImportRun& run_;
  Hive& hive_;
  const Dialect& dialect_;
};

}  // namespace

Status fill_modules(ImportRun& run) {
  TRIUNE_ASSIGN(const bool done, run.modules().is_done(filled));
  if (done) return {};
  TRIUNE_TRY(Backfill(run).run());
  return run.modules().mark_done(filled);
}

}  // namespace triune::intake::claude
