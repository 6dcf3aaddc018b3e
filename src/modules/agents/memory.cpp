#include "triune/modules/memory.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "modules/agents/canonical_json.h"
#include "modules/agents/context_store.h"
#include "modules/agents/definition.h"
#include "modules/agents/key_value_store.h"
#include "modules/agents/recall.h"
#include "triune/ids.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::agents;
using contract::RelationalSession;

constexpr std::size_t most_memory_bytes = 256U << 10U;

std::string id_or_new(const std::string& id) {
  return id.empty() ? new_id() : id;
}

Status check_content(std::string_view what, std::string_view content, std::size_t most) {
  if (content.size() <= most) return {};
  return failure(ErrorCode::resource_exhausted,
                 fmt::format("{} has at most {} bytes, this one has {}; split it", what, most, content.size()));
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = base::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

class MemoryModule final : public Memory {
 public:
  explicit MemoryModule(Module module) : module_(std::move(module)) {}

  Result<std::string> start_context(const NewContext& context, const Actor& actor) override {
    auto id = id_or_new(context.id);
    TRIUNE_ASSIGN(const auto changes, put_context(id, context.content));
    TRIUNE_TRY(
        commit<ContextStore>(actor, changes, [&](const ContextStore& store) { return store.start(context, id); }));
    return id;
  }

  Result<ContextSession> context(std::string_view id) override {
    return read<ContextStore>([&](const ContextStore& store) { return store.find(id); });
  }

  Result<std::vector<ContextSession>> contexts(std::string_view agent, bool all) override {
    return read<ContextStore>([&](const ContextStore& store) { return store.list(agent, all); });
  }

  Result<std::string> context_content(std::string_view id) override {
    TRIUNE_ASSIGN(const auto hash,
                  read<ContextStore>([&](const ContextStore& store) { return store.content_hash(id); }));
    if (hash.empty()) return std::string();
    TRIUNE_ASSIGN(const auto bytes, blob(context_blobs, std::string(id), fmt::format("context {}", id)));
    if (base::sha256_hex(bytes) != hash)
      return failure(ErrorCode::corruption, fmt::format("the text of context {} is not what was saved", id));
    return std::string(base::as_text(bytes));
  }

  Result<ContextSession> update_context(std::string_view id, const ContextUpdate& update, const Actor& actor) override {
    std::vector<Change> changes;
    if (update.content) {
      TRIUNE_ASSIGN(changes, put_context(std::string(id), *update.content));
    }
    ContextSession session;
    TRIUNE_TRY(commit<ContextStore>(actor, changes, [&](const ContextStore& store) -> Status {
      TRIUNE_ASSIGN(session, store.update(id, update));
      return {};
    }));
    return session;
  }

  Result<ContextSession> consolidate(std::string_view id, std::string_view content, std::int64_t tokens,
                                     const NewSnapshot& kept, const Actor& actor) override {
    NewSnapshot snapshot = kept;
    snapshot.session = id;
    if (snapshot.reason.empty()) snapshot.reason = "consolidation";
    TRIUNE_ASSIGN(const auto bytes, encode_snapshot(snapshot.content.text));
    TRIUNE_ASSIGN(auto changes, put_context(std::string(id), content));
    changes.push_back(snapshot_blob(snapshot.session, bytes));
    const auto snapshot_id = id_or_new(snapshot.id);
    ContextSession session;
    TRIUNE_TRY(commit<ContextStore>(actor, changes, [&](const ContextStore& store) -> Status {
      TRIUNE_ASSIGN(session, store.consolidate(id, content, tokens, snapshot, bytes, snapshot_id));
      return {};
    }));
    return session;
  }

  Status sleep(std::string_view id, const Actor& actor) override {
    return write<ContextStore>(actor, [&](const ContextStore& store) { return store.set_active(id, false); });
  }

  Status wake(std::string_view id, const Actor& actor) override {
    return write<ContextStore>(actor, [&](const ContextStore& store) { return store.set_active(id, true); });
  }

  Result<std::vector<ContextEvent>> context_events(std::string_view id, std::size_t limit) override {
    return read<ContextStore>([&](const ContextStore& store) { return store.events(id, limit); });
  }

  Result<SavedSnapshot> save_snapshot(const NewSnapshot& snapshot, const Actor& actor) override {
    TRIUNE_ASSIGN(const auto bytes, encode_snapshot(snapshot.content.text));
    const auto id = id_or_new(snapshot.id);
    const std::vector<Change> changes{snapshot_blob(snapshot.session, bytes)};
    SavedSnapshot saved;
    TRIUNE_TRY(commit<ContextStore>(actor, changes, [&](const ContextStore& store) -> Status {
      TRIUNE_ASSIGN(saved, store.save(snapshot, bytes, id));
      return {};
    }));
    return saved;
  }

  Result<Snapshot> snapshot(std::string_view id) override {
    return read<ContextStore>([&](const ContextStore& store) { return store.snapshot(id); });
  }

  Result<Json> snapshot_content(std::string_view id) override {
    Snapshot known;
    TRIUNE_ASSIGN(const auto encoding, read<ContextStore>([&](const ContextStore& store) -> Result<std::string> {
                    TRIUNE_ASSIGN(known, store.snapshot(id));
                    return store.encoding(id);
                  }));
    const auto what = fmt::format("snapshot {}", id);
    TRIUNE_ASSIGN(const auto bytes, blob(snapshot_blobs, snapshot_name(known.session, known.content_hash), what));
    auto json = decode_snapshot(bytes, encoding, known.original_bytes, known.content_hash);
    if (json) return Json{std::move(*json)};
    json.error().message = fmt::format("{}: {}", what, json.error().message);
    return std::unexpected<Error>(json.error());
  }

  Result<std::vector<Snapshot>> snapshots(std::string_view session, std::size_t limit) override {
    return read<ContextStore>([&](const ContextStore& store) { return store.snapshots(session, limit); });
  }

  Status set_snapshot_level(std::string_view id, MemoryLevel level, const Actor& actor) override {
    return change_one(actor, "UPDATE triune_memory_snapshots SET level = ?3 WHERE organization_id = ?1 AND id = ?2",
                      "snapshot", id, std::string(to_string(level)));
  }

  Status remove_snapshot(std::string_view id, const Actor& actor) override {
    return change_one(actor, "DELETE FROM triune_memory_snapshots WHERE organization_id = ?1 AND id = ?2", "snapshot",
                      id);
  }

  Result<std::int64_t> put(std::string_view ns, std::string_view key, const Json& value, std::int64_t ttl_ms,
                           const Actor& actor) override {
    return put_value({.ns = std::string(ns), .key = std::string(key), .value = value.text, .ttl_ms = ttl_ms}, actor);
  }

  Result<std::int64_t> put_if(std::string_view ns, std::string_view key, std::int64_t version, const Json& value,
                              std::int64_t ttl_ms, const Actor& actor) override {
    return put_value(
        {.ns = std::string(ns), .key = std::string(key), .value = value.text, .ttl_ms = ttl_ms, .version = version},
        actor);
  }

  Result<KeyValue> value(std::string_view ns, std::string_view key) override {
    return read<KeyValueStore>([&](const KeyValueStore& store) { return store.find(ns, key); });
  }

  Result<std::vector<KeyValue>> values(std::string_view ns, std::string_view prefix, std::size_t limit) override {
    return read<KeyValueStore>([&](const KeyValueStore& store) { return store.list(ns, prefix, limit); });
  }

  Status erase(std::string_view ns, std::string_view key, const Actor& actor) override {
    return write<KeyValueStore>(actor, [&](const KeyValueStore& store) { return store.erase(ns, key); });
  }

  Result<std::string> remember(const NewMemory& memory, const Actor& actor) override {
    TRIUNE_ASSIGN(auto ids, remember_many(std::span(&memory, 1), actor));
    return std::move(ids.front());
  }

  Result<std::vector<std::string>> remember_many(std::span<const NewMemory> memories, const Actor& actor) override {
    if (memories.size() > most_rows)
      return failure(
          ErrorCode::resource_exhausted,
          fmt::format("at most {} memories are kept at once, not {}; split them", most_rows, memories.size()));
    const auto now = now_ms();
    std::vector<std::string> ids;
    std::vector<Change> changes;
    for (const auto& memory : memories) {
      TRIUNE_TRY(check_content("a memory", memory.content, most_memory_bytes));
      if (memory.content.empty()) return failure(ErrorCode::invalid_argument, "a memory has content");
      ids.push_back(id_or_new(memory.id));
      changes.push_back(vector_of(memory, ids.back(), now));
    }
    const auto keep = [&](bool together) {
      return commit<MemoryStore>(actor, changes, [&](const MemoryStore& store) -> Status {
        if (together) return store.put_together(memories, ids, now);
        for (std::size_t i = 0; i < memories.size(); ++i) TRIUNE_TRY(store.put(memories[i], ids[i], now));
        return {};
      });
    };
    // What a statement costs on a server is far more than what a row costs.
    const bool together = module_.dialect() == contract::Dialect::postgres && memories.size() > 1;
    auto kept = keep(together);
    // Nothing happened. One by one the error names its memory.
    if (!kept && together && kept.error().retry == Retry::never) kept = keep(false);
    if (!kept) return std::unexpected<Error>(kept.error());
    return ids;
  }

  Result<StoredMemory> memory(std::string_view id) override {
    return read<MemoryStore>([&](const MemoryStore& store) { return store.find(id); });
  }

  Result<Recall> recall(const RecallQuery& query, const ReadOptions& options) override {
    return RecallSearch(module_, query, options, word_counts_).run();
  }

  Status forget(std::string_view id, const Actor& actor) override {
    auto gone = change_one(actor, "DELETE FROM triune_memories WHERE organization_id = ?1 AND id = ?2", "memory", id);
    if (!gone && gone.error().code == ErrorCode::not_found) return {};
    return gone;
  }

  Status set_level(std::string_view id, MemoryLevel level, const Actor& actor) override {
    return change_one(actor, "UPDATE triune_memories SET level = ?3 WHERE organization_id = ?1 AND id = ?2", "memory",
                      id, std::string(to_string(level)));
  }

  Result<Swept> sweep(const Actor& actor) override {
    Swept swept;
    TRIUNE_TRY(write<MemoryStore>(actor, [&](const MemoryStore& store) -> Status {
      TRIUNE_ASSIGN(swept.memories, store.sweep("triune_memories", "id"));
      TRIUNE_ASSIGN(swept.snapshots, store.sweep("triune_memory_snapshots", "id"));
      TRIUNE_ASSIGN(swept.key_values, store.sweep("triune_key_values", "namespace, key"));
      return {};
    }));
    return swept;
  }

 private:
  static Status written(const Result<std::uint64_t>& lsn) {
    TRIUNE_TRY(lsn);
    return {};
  }
  template <class Store, class Job>
  Status write(const Actor& actor, const Job& job) {
    return written(module_.write(
        actor, [&](RelationalSession& session) { return job(Store(session, module_.organization_id())); }, patience()));
  }
  template <class Store, class Job>
  Status commit(const Actor& actor, std::span<const Change> changes, const Job& job) {
    TRIUNE_TRY(module_.commit(
        actor, changes, [&](RelationalSession& session) { return job(Store(session, module_.organization_id())); },
        patience()));
    return {};
  }
  template <class Store, class Question>
  auto read(const Question& question) -> decltype(question(std::declval<const Store&>())) {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return question(Store(*session, module_.organization_id()));
  }

  /// A statement about one row; `not_found` when it changed none.
  Status change_one(const Actor& actor, std::string_view sql, std::string_view what, std::string_view id,
                    const std::optional<Value>& more = {}) {
    std::vector<Value> parameters{module_.organization_id(), std::string(id)};
    if (more) parameters.push_back(*more);
    return written(module_.write(
        actor,
        [&](RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(const auto changed, session.execute(sql, parameters));
          if (changed > 0) return {};
          return failure(ErrorCode::not_found, fmt::format("there is no {} {}", what, id));
        },
        patience()));
  }

  Result<std::int64_t> put_value(PutValue put, const Actor& actor) {
    if (put.ttl_ms < 0)
      return failure(ErrorCode::invalid_argument, "a time to live is 0 (for ever) or more milliseconds");
    TRIUNE_TRY(check_content("a value", put.value, most_content_bytes));
    TRIUNE_ASSIGN(put.value, canonical_json(put.value));
    std::int64_t version = 0;
    TRIUNE_TRY(write<KeyValueStore>(actor, [&](const KeyValueStore& store) -> Status {
      TRIUNE_ASSIGN(version, store.put(put));
      return {};
    }));
    return version;
  }

  static Result<std::vector<Change>> put_context(const std::string& id, std::string_view content) {
    TRIUNE_TRY(check_content("a context", content, most_content_bytes));
    std::vector<Change> changes;
    if (content.empty()) changes.emplace_back(DeleteBlob{std::string(context_blobs), id});
    if (!content.empty()) changes.emplace_back(PutBlob{std::string(context_blobs), id, bytes_of(content)});
    return changes;
  }

  static std::string snapshot_name(const std::string& session, const std::string& hash) { return session + "/" + hash; }
  static Change snapshot_blob(const std::string& session, const SnapshotBytes& bytes) {
    return PutBlob{std::string(snapshot_blobs), snapshot_name(session, bytes.hash), bytes.stored};
  }

  /// Bytes that a row refers to: where they are missing they are lost (M3).
  Result<Bytes> blob(std::string_view owner, const std::string& name, const std::string& what) {
    auto bytes = module_.access().hive().get_blob(owner, name);
    if (bytes) return bytes;
    if (bytes.error().code == ErrorCode::not_found) bytes.error().code = ErrorCode::corruption;
    bytes.error().message = fmt::format("{}: its bytes are lost: {}", what, bytes.error().message);
    return bytes;
  }

  Module module_;
  WordCounts word_counts_;
};

/// The collection of the memories' vectors, unless it is there.
Status make_collection(const Module& module, const MemoryOptions& options) {
  const std::array<Value, 2> which{module.organization_id(), std::string(memory_vectors)};
  {
    TRIUNE_ASSIGN(const auto session, module.read(patience()));
    TRIUNE_ASSIGN(const RowSet found,
                  session->query("SELECT 1 FROM triune_collections WHERE organization_id = ?1 AND kind = 'vector' AND "
                                 "name = ?2",
                                 which, 1));
    if (!found.rows.empty()) return {};
  }
  return module.access().hive().create_collection({.name = std::string(memory_vectors),
                                                   .dimension = options.dimension,
                                                   .metric = Metric::cosine,
                                                   .embedder = options.embedder});
}

}  // namespace

Result<std::unique_ptr<Memory>> Memory::open(Hive& hive, const MemoryOptions& options) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::agents::definition()));
  TRIUNE_TRY(make_collection(module, options));
  return std::unique_ptr<Memory>(std::make_unique<MemoryModule>(std::move(module)));
}

}  // namespace triune
