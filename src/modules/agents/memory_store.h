// Memories as rows, within one session; their vectors are changes of the same commit (M1).
#pragma once

#include <span>
#include <string>

#include "hive/put_group.h"
#include "modules/agents/store.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

inline constexpr std::string_view memory_vectors = "agent_memories";
/// In the metadata of a vector: it never expires.
inline constexpr std::int64_t never_ms = 8'640'000'000'000'000;

/// The columns that `memory_of` reads, of triune_memories as m.
inline constexpr std::string_view memory_columns =
    "m.id, m.agent_id, m.session_id, m.kind, m.content, m.level, m.importance, m.source, m.tags, m.metadata, "
    "m.expires_at_ms, m.created_at_ms";
Result<StoredMemory> memory_of(const std::vector<Value>& row);

/// Its vector, or the text that the embedder makes it of.
Change vector_of(const NewMemory& memory, const std::string& id, std::int64_t now);

class MemoryStore : public Part {
 public:
  using Part::Part;

  Status put(const NewMemory& memory, const std::string& id, std::int64_t now) const;
  /// By few statements that are sent along; their errors name no memory.
  Status put_together(std::span<const NewMemory> memories, std::span<const std::string> ids, std::int64_t now) const;
  Result<StoredMemory> find(std::string_view id) const;
  /// Deletes up to 10,000 rows that have expired from a table with a key of `key`. Returns how many.
  Result<std::int64_t> sweep(std::string_view table, std::string_view key) const;

 private:
  [[nodiscard]] hive::RowPut row_of(const NewMemory& memory, const std::string& id, std::int64_t now) const;
};

}  // namespace triune::modules::agents
