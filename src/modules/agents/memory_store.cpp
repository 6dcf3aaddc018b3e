#include "modules/agents/memory_store.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "base/try.h"

namespace triune::modules::agents {

Result<StoredMemory> memory_of(const std::vector<Value>& row) {
  StoredMemory memory{.id = text(row[0]), .agent = text(row[1]), .session = text(row[2]), .kind = text(row[3])};
  memory.content = text(row[4]);
  TRIUNE_ASSIGN(memory.level, parse_memory_level(text(row[5])));
  memory.importance = real(row[6]);
  memory.source = text(row[7]);
  memory.tags = Json{text(row[8])};
  memory.metadata = Json{text(row[9])};
  memory.expires_at_ms = optional_integer(row[10]);
  memory.created_at_ms = integer(row[11]);
  return memory;
}

Change vector_of(const NewMemory& memory, const std::string& id, std::int64_t now) {
  return PutVector{.collection = std::string(memory_vectors),
                   .id = id,
                   .values = memory.vector,
                   .metadata = {{"agent", memory.agent},
                                {"session", memory.session},
                                {"kind", memory.kind},
                                {"created_at_ms", memory.created_at_ms == 0 ? now : memory.created_at_ms},
                                {"expires_at_ms", memory.expires_at_ms.value_or(never_ms)}},
                   .text = memory.vector.empty() ? memory.content : std::string()};
}

hive::RowPut MemoryStore::row_of(const NewMemory& memory, const std::string& id, std::int64_t now) const {
  return {
      .before =
          "INSERT INTO triune_memories (organization_id, id, agent_id, session_id, kind, content, level, importance, "
          "source, tags, metadata, expires_at_ms, created_at_ms, updated_at_ms) VALUES ",
      .after =
          " ON CONFLICT (organization_id, id) DO UPDATE SET agent_id = excluded.agent_id, session_id = "
          "excluded.session_id, kind = excluded.kind, content = excluded.content, level = excluded.level, "
          "importance = excluded.importance, source = excluded.source, tags = excluded.tags, metadata = "
          "excluded.metadata, expires_at_ms = excluded.expires_at_ms, created_at_ms = excluded.created_at_ms, "
          "updated_at_ms = excluded.updated_at_ms",
      .values = {organization(), id, text_or_null(memory.agent), memory.session, memory.kind, memory.content,
                 std::string(to_string(memory.level)), memory.importance, memory.source, memory.tags.text,
                 memory.metadata.text, or_null(memory.expires_at_ms),
                 memory.created_at_ms == 0 ? now : memory.created_at_ms, now},
      .key = id};
}

Status MemoryStore::put(const NewMemory& memory, const std::string& id, std::int64_t now) const {
  if (!memory.agent.empty()) TRIUNE_TRY(expect_agent(memory.agent));
  const auto row = row_of(memory, id, now);
  auto put = session_.execute(hive::statement_over(row, 1), row.values);
  if (put) return {};
  put.error().message = fmt::format("memory {}: {}", id, put.error().message);
  return std::unexpected<Error>(put.error());
}

Status MemoryStore::put_together(std::span<const NewMemory> memories, std::span<const std::string> ids,
                                 std::int64_t now) const {
  std::set<std::string_view> agents;
  for (const auto& memory : memories)
    if (!memory.agent.empty()) agents.insert(memory.agent);
  for (const auto agent : agents) TRIUNE_TRY(expect_agent(agent));
  hive::PutGroup group(session_, nullptr);
  for (std::size_t i = 0; i < memories.size(); ++i) TRIUNE_TRY(group.add(row_of(memories[i], ids[i], now)));
  return group.send();
}

Result<StoredMemory> MemoryStore::find(std::string_view id) const {
  const std::array<Value, 3> key{organization(), std::string(id), now_ms()};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_memories m WHERE m.organization_id = ?1 AND m.id = ?2 AND "
                                 "(m.expires_at_ms IS NULL OR m.expires_at_ms > ?3)",
                                 memory_columns),
                     key));
  if (found.rows.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no memory {}, or it has expired", id));
  return memory_of(found.rows[0]);
}

Result<std::int64_t> MemoryStore::sweep(std::string_view table, std::string_view key) const {
  const std::array<Value, 2> parameters{organization(), now_ms()};
  TRIUNE_ASSIGN(const auto gone,
                session_.execute(fmt::format("DELETE FROM {0} WHERE organization_id = ?1 AND ({1}) IN (SELECT {1} FROM "
                                             "{0} WHERE organization_id = ?1 AND expires_at_ms <= ?2 ORDER BY "
                                             "expires_at_ms LIMIT 10000)",
                                             table, key),
                                 parameters));
  return static_cast<std::int64_t>(gone);
}

}  // namespace triune::modules::agents
