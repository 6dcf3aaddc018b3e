#include "modules/agents/context_store.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::modules::agents {
namespace {

constexpr std::string_view context_columns =
    "id, agent_id, name, token_count, max_tokens, content_bytes, state, active, consolidations, created_at_ms, "
    "last_accessed_at_ms";

ContextLevel level_of(std::int64_t tokens, std::int64_t most) {
  if (tokens * 100 >= most * 95) return ContextLevel::emergency;
  if (tokens * 100 >= most * 85) return ContextLevel::consolidate;
  return tokens * 100 >= most * 75 ? ContextLevel::light : ContextLevel::normal;
}

Result<ContextLevel> parse_level(std::string_view word) {
  using enum ContextLevel;
  for (const auto level : {normal, light, consolidate, emergency})
    if (to_string(level) == word) return level;
  return unknown_word("the level of a context", word, "normal, light, consolidate, emergency");
}

ContextSession session_of(const std::vector<Value>& row) {
  ContextSession session{.id = text(row[0]), .agent = text(row[1]), .name = text(row[2])};
  session.tokens = integer(row[3]);
  session.max_tokens = integer(row[4]);
  session.usage_percent = 100.0 * static_cast<double>(session.tokens) / static_cast<double>(session.max_tokens);
  session.level = level_of(session.tokens, session.max_tokens);
  session.content_bytes = integer(row[5]);
  session.state = Json{text(row[6])};
  session.active = integer(row[7]) == 1;
  session.consolidations = integer(row[8]);
  session.created_at_ms = integer(row[9]);
  session.last_accessed_at_ms = integer(row[10]);
  return session;
}

std::unexpected<Error> no_context(std::string_view id) {
  return failure(ErrorCode::not_found, fmt::format("there is no context {}", id));
}

std::string hash_of(std::string_view content) {
  return content.empty() ? std::string() : base::sha256_hex(std::as_bytes(std::span(content)));
}

}  // namespace

Status ContextStore::start(const NewContext& context, const std::string& id) const {
  if (!context.agent.empty()) TRIUNE_TRY(expect_agent(context.agent));
  // The first tokens come by an update, so that a bound that they reach is told as any other.
  const std::array<Value, 9> row{organization(),
                                 id,
                                 text_or_null(context.agent),
                                 context.name,
                                 context.max_tokens,
                                 static_cast<std::int64_t>(context.content.size()),
                                 hash_of(context.content),
                                 context.state.text,
                                 now_ms()};
  auto made = session_.execute(
      "INSERT INTO triune_context_sessions (organization_id, id, agent_id, name, max_tokens, content_bytes, "
      "content_hash, state, created_at_ms, last_accessed_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
      row);
  if (!made) {
    made.error().message = fmt::format("context {}: {}", id, made.error().message);
    return std::unexpected<Error>(made.error());
  }
  if (context.tokens == 0) return {};
  TRIUNE_TRY(update(id, {.content = {}, .tokens = context.tokens, .state = {}}));
  return {};
}

Result<ContextSession> ContextStore::find(std::string_view id) const {
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_context_sessions WHERE organization_id = ?1 AND id = ?2",
                                 context_columns),
                     key));
  if (found.rows.empty()) return no_context(id);
  return session_of(found.rows[0]);
}

Result<std::string> ContextStore::content_hash(std::string_view id) const {
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT content_hash FROM triune_context_sessions WHERE organization_id = ?1 AND id = ?2", key));
  if (found.rows.empty()) return no_context(id);
  return text(found.rows[0][0]);
}

Result<std::vector<ContextSession>> ContextStore::list(std::string_view agent, bool all) const {
  const std::array<Value, 2> key{organization(), text_or_null(std::string(agent))};
  TRIUNE_ASSIGN(
      const RowSet found,
      rows(fmt::format("SELECT {} FROM triune_context_sessions WHERE organization_id = ?1 AND agent_id IS NOT "
                       "DISTINCT FROM ?2{} ORDER BY created_at_ms DESC, id DESC LIMIT 10000",
                       context_columns, all ? "" : " AND active = 1"),
           key));
  std::vector<ContextSession> sessions;
  for (const auto& row : found.rows) sessions.push_back(session_of(row));
  return sessions;
}

Result<ContextSession> ContextStore::update(std::string_view id, const ContextUpdate& update) const {
  TRIUNE_ASSIGN(const auto before, find(id));
  if (!before.active)
    return failure(ErrorCode::conflict, fmt::format("context {} sleeps; wake it before it changes", id));
  Value bytes;
  Value hash;
  if (update.content) {
    bytes = static_cast<std::int64_t>(update.content->size());
    hash = hash_of(*update.content);
  }
  const std::array<Value, 7> row{organization(),
                                 std::string(id),
                                 or_null(update.tokens),
                                 bytes,
                                 hash,
                                 update.state ? Value(update.state->text) : Value(),
                                 now_ms()};
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_context_sessions SET token_count = coalesce(?3, token_count), content_bytes = coalesce(?4, "
      "content_bytes), content_hash = coalesce(?5, content_hash), state = coalesce(?6, state), last_accessed_at_ms = "
      "?7 WHERE organization_id = ?1 AND id = ?2",
      row));
  return find(id);
}

Status ContextStore::tell(const ContextSession& session, std::string_view type, const std::string& details) const {
  const std::array<Value, 8> row{
      organization(),        session.id,     std::string(type), std::string(to_string(session.level)),
      session.usage_percent, session.tokens, details,           now_ms()};
  TRIUNE_TRY(session_.execute(
      "INSERT INTO triune_context_events (organization_id, session_id, number, event_type, level, usage_percent, "
      "token_count, details, at_ms) VALUES (?1, ?2, 1 + coalesce((SELECT max(number) FROM triune_context_events WHERE "
      "organization_id = ?1 AND session_id = ?2), 0), ?3, ?4, ?5, ?6, ?7, ?8)",
      row));
  return {};
}

Result<ContextSession> ContextStore::consolidate(std::string_view id, std::string_view content, std::int64_t tokens,
                                                 const NewSnapshot& kept, const SnapshotBytes& bytes,
                                                 const std::string& snapshot_id) const {
  TRIUNE_ASSIGN(const auto before, find(id));
  if (tokens >= before.tokens)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("context {} has {} tokens; consolidated to {} it is no shorter", id, before.tokens, tokens));
  TRIUNE_ASSIGN(const auto saved, save(kept, bytes, snapshot_id));
  TRIUNE_ASSIGN(auto after, update(id, {.content = std::string(content), .tokens = tokens, .state = {}}));
  const std::array<Value, 2> key{organization(), std::string(id)};
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_context_sessions SET consolidations = consolidations + 1 WHERE organization_id = ?1 AND id = ?2",
      key));
  ++after.consolidations;
  TRIUNE_TRY(tell(
      after, "consolidation",
      fmt::format(R"({{"before":{},"after":{},"snapshot":{}}})", before.tokens, tokens, model::json_string(saved.id))));
  return after;
}

Status ContextStore::set_active(std::string_view id, bool active) const {
  TRIUNE_ASSIGN(const auto before, find(id));
  if (before.active == active) return {};
  const std::array<Value, 4> row{organization(), std::string(id), std::int64_t{active}, now_ms()};
  TRIUNE_TRY(
      session_.execute("UPDATE triune_context_sessions SET active = ?3, last_accessed_at_ms = ?4 WHERE organization_id "
                       "= ?1 AND id = ?2",
                       row));
  return tell(before, active ? "wake" : "sleep", "{}");
}

Result<std::vector<ContextEvent>> ContextStore::events(std::string_view id, std::size_t limit) const {
  TRIUNE_TRY(find(id));
  const std::array<Value, 3> parameters{organization(), std::string(id), limited(limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT number, event_type, level, usage_percent, token_count, details, at_ms FROM "
                     "triune_context_events WHERE organization_id = ?1 AND session_id = ?2 ORDER BY number LIMIT ?3",
                     parameters));
  std::vector<ContextEvent> events;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(const auto level, parse_level(text(row[2])));
    events.push_back(
        {integer(row[0]), text(row[1]), level, real(row[3]), integer(row[4]), Json{text(row[5])}, integer(row[6])});
  }
  return events;
}

}  // namespace triune::modules::agents
