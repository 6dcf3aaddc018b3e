// What agents remember: contexts, snapshots of them, values by name, and memories that are recalled by what they say.
//
//   auto memory = triune::Memory::open(*hive);
//   (*memory)->remember({.agent = "ada", .kind = "decision", .content = "parsers reject empty input"});
//   auto found = (*memory)->recall({.text = "how are empty inputs handled?", .agent = "ada"});
//
// Invariants:
//   M1 A memory's row, words, vector, node and REMEMBERS edge are one commit; so is their end.
//   M2 What has expired is never returned, whether it was swept or not.
//   M3 A snapshot or context is returned as it was saved, or `corruption` is; its row and bytes are one commit (I8).
//   M4 Equal contents of a session are one snapshot: SHA-256 of the JSON with sorted keys.
//
// Times are milliseconds since 1970; documents are JSON text. Thread rule: every method may be called from any thread.
// Methods that write block until the change is durable (I1), at most 30 s.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"

namespace triune {

/// How much of its context an agent has used up: 75, 85 and 95 % are the bounds.
enum class ContextLevel : std::uint8_t { normal, light, consolidate, emergency };
std::string_view to_string(ContextLevel level) noexcept;

/// How settled something is.
enum class MemoryLevel : std::uint8_t { working, consolidated, archived, critical };
std::string_view to_string(MemoryLevel level) noexcept;
Result<MemoryLevel> parse_memory_level(std::string_view word);

struct NewContext {
  std::string id;     ///< Empty: a new UUIDv7.
  std::string agent;  ///< Empty: of no agent in particular.
  std::string name;
  std::int64_t max_tokens = 200'000;
  std::string content;      ///< At most 16 MiB.
  std::int64_t tokens = 0;  ///< Of the content, as the model counts them.
  Json state{"{}"};
};

struct ContextSession {
  std::string id;
  std::string agent;
  std::string name;
  std::int64_t tokens = 0;
  std::int64_t max_tokens = 0;
  double usage_percent = 0;
  ContextLevel level = ContextLevel::normal;
  std::int64_t content_bytes = 0;
  Json state;
  bool active = true;
  std::int64_t consolidations = 0;
  std::int64_t created_at_ms = 0;
  std::int64_t last_accessed_at_ms = 0;
};

/// What is to change; nothing stays as it is.
struct ContextUpdate {
  std::optional<std::string> content;  ///< At most 16 MiB; goes with its `tokens`.
  std::optional<std::int64_t> tokens;
  std::optional<Json> state;
};

struct ContextEvent {
  std::int64_t number = 0;  ///< Counts from 1 in the session.
  std::string type;         ///< overflow_warning, consolidation, compression, sleep, wake.
  ContextLevel level = ContextLevel::normal;
  double usage_percent = 0;
  std::int64_t tokens = 0;
  Json details;
  std::int64_t at_ms = 0;
};

struct NewSnapshot {
  std::string id;  ///< Empty: a new UUIDv7.
  std::string session;
  Json content;  ///< At most 16 MiB.
  MemoryLevel level = MemoryLevel::working;
  std::string reason;  ///< sleep, checkpoint, crash, or any word.
  std::int64_t tokens = 0;
  double importance = 0.5;  ///< 0 to 1.
  Json tags{"[]"};
  std::optional<std::int64_t> expires_at_ms;
};

struct Snapshot {
  std::string id;
  std::string session;
  MemoryLevel level = MemoryLevel::working;
  std::string reason;
  std::string content_hash;         ///< SHA-256 of the content with sorted keys.
  std::int64_t original_bytes = 0;  ///< With sorted keys.
  std::int64_t stored_bytes = 0;
  double compression_ratio = 1;  ///< original / stored.
  std::int64_t tokens = 0;
  double importance = 0.5;
  Json tags;
  std::optional<std::int64_t> expires_at_ms;
  std::int64_t created_at_ms = 0;
};

/// What saving a snapshot came to.
struct SavedSnapshot {
  std::string id;
  bool existed = false;  ///< The session had these contents already: its snapshot is as important and lasts as long as
                         ///< the greater of both.
};

struct KeyValue {
  std::string ns;  ///< Its namespace.
  std::string key;
  Json value;
  std::int64_t version = 0;  ///< Grows with each change.
  std::optional<std::int64_t> expires_at_ms;
  std::int64_t updated_at_ms = 0;
};

struct NewMemory {
  std::string id;             ///< Empty: a new UUIDv7. An id that is known: the memory is replaced.
  std::string agent;          ///< Empty: of no agent in particular.
  std::string session;        ///< Of a context or of another system's session; any text of at most 200 bytes.
  std::string kind = "note";  ///< Any word: note, decision, fact, error, …
  std::string content;        ///< 1 to 262,144 bytes.
  MemoryLevel level = MemoryLevel::working;
  double importance = 0.5;  ///< 0 to 1.
  std::string source;       ///< Where it is from: a file, a message's id.
  Json tags{"[]"};
  Json metadata{"{}"};
  std::optional<std::int64_t> expires_at_ms;
  std::int64_t created_at_ms = 0;  ///< 0: now.
  std::vector<float> vector;       ///< Empty: the embedder makes it of the content.
};

struct StoredMemory {
  std::string id;
  std::string agent;
  std::string session;
  std::string kind;
  std::string content;
  MemoryLevel level = MemoryLevel::working;
  double importance = 0.5;
  std::string source;
  Json tags;
  Json metadata;
  std::optional<std::int64_t> expires_at_ms;
  std::int64_t created_at_ms = 0;
};

/// What is to be recalled; what is empty does not restrict.
struct RecallQuery {
  std::string text;           ///< In plain words; empty with an empty vector: the newest that the rest admits.
  std::vector<float> vector;  ///< Empty: the embedder makes it of the text.
  std::string agent;
  std::string session;
  std::vector<std::string> kinds;        ///< At most 100.
  std::optional<std::int64_t> since_ms;  ///< Made at or after.
  std::optional<std::int64_t> until_ms;  ///< Made before.
  std::size_t count = 10;                ///< 1 to 1,000.
};

/// One memory with how it was found.
struct Recalled {
  StoredMemory memory;
  double score = 0;                         ///< Sum of 1 / (60 + rank) over the ways that found it.
  std::optional<std::int64_t> text_rank;    ///< 1: the best by its words; nothing: not found by them.
  std::optional<std::int64_t> vector_rank;  ///< 1: the nearest; nothing: not found by its vector.
  std::optional<double> distance;           ///< Of its vector, cosine.
};

struct Recall {
  std::vector<Recalled> memories;  ///< The best first.
  std::string strategy;            ///< How the vectors were searched, as VectorSearchResult says it.
  std::string degraded;            ///< Why one way could not look; empty: both did.
  std::uint64_t pending = 0;       ///< Memories that have no vector yet; their words are found.
};

struct MemoryOptions {
  std::string embedder = "hashing";  ///< Of the collection agent_memories when it is made.
  std::uint32_t dimension = 256;
};

/// What a sweep took away.
struct Swept {
  std::int64_t memories = 0;
  std::int64_t snapshots = 0;
  std::int64_t key_values = 0;
};

class Memory {
 public:
  /// Makes the module's tables and the vector collection agent_memories in the hive, or follows them; a collection that
  /// is there already is used as it is. The hive outlives it.
  static Result<std::unique_ptr<Memory>> open(Hive& hive, const MemoryOptions& options = {});
  virtual ~Memory() = default;

  /// Returns the id. Errors: `not_found` for the agent, `conflict` for the id.
  virtual Result<std::string> start_context(const NewContext& context, const Actor& actor = {}) = 0;
  virtual Result<ContextSession> context(std::string_view id) = 0;
  /// Of an agent, or of none in particular; only those that are active unless `all`. At most 10,000, the newest first.
  virtual Result<std::vector<ContextSession>> contexts(std::string_view agent, bool all = false) = 0;
  /// Error: `corruption` when the bytes are lost or are not what was saved (M3).
  virtual Result<std::string> context_content(std::string_view id) = 0;
  /// Returns how full it is then. A bound that is reached from below is told as an event overflow_warning with its
  /// level, once until the usage was below it. Errors: `not_found`; `conflict` for a session that sleeps.
  virtual Result<ContextSession> update_context(std::string_view id, const ContextUpdate& update,
                                                const Actor& actor = {}) = 0;
  /// Replaces the content with a shorter one: keeps a snapshot of `kept`, tells an event consolidation with the tokens
  /// before and after. Error: `invalid_argument` when it is not shorter.
  virtual Result<ContextSession> consolidate(std::string_view id, std::string_view content, std::int64_t tokens,
                                             const NewSnapshot& kept, const Actor& actor = {}) = 0;
  /// Events sleep and wake; to be what it is already is no event.
  virtual Status sleep(std::string_view id, const Actor& actor = {}) = 0;
  virtual Status wake(std::string_view id, const Actor& actor = {}) = 0;
  virtual Result<std::vector<ContextEvent>> context_events(std::string_view id, std::size_t limit = 1'000) = 0;

  /// Errors: `not_found` for the session, `invalid_argument` when the content is no JSON.
  virtual Result<SavedSnapshot> save_snapshot(const NewSnapshot& snapshot, const Actor& actor = {}) = 0;
  virtual Result<Snapshot> snapshot(std::string_view id) = 0;
  /// With sorted keys. Errors: `not_found`; `corruption` (M3), never an empty document in its place.
  virtual Result<Json> snapshot_content(std::string_view id) = 0;
  /// Of a session, the newest first; at most 10,000.
  virtual Result<std::vector<Snapshot>> snapshots(std::string_view session, std::size_t limit = 1'000) = 0;
  /// Error: `not_found`.
  virtual Status set_snapshot_level(std::string_view id, MemoryLevel level, const Actor& actor = {}) = 0;
  virtual Status remove_snapshot(std::string_view id, const Actor& actor = {}) = 0;

  /// `ttl_ms` 0: for ever. Returns the version. Error: `invalid_argument` when the value is no JSON.
  virtual Result<std::int64_t> put(std::string_view ns, std::string_view key, const Json& value,
                                   std::int64_t ttl_ms = 0, const Actor& actor = {}) = 0;
  /// The same while the stored version is `version` (0: none is stored). Error: `conflict`.
  virtual Result<std::int64_t> put_if(std::string_view ns, std::string_view key, std::int64_t version,
                                      const Json& value, std::int64_t ttl_ms = 0, const Actor& actor = {}) = 0;
  /// Error: `not_found`, also for what has expired.
  virtual Result<KeyValue> value(std::string_view ns, std::string_view key) = 0;
  /// By their keys in order, those that begin with `prefix`; at most 10,000.
  virtual Result<std::vector<KeyValue>> values(std::string_view ns, std::string_view prefix = {},
                                               std::size_t limit = 1'000) = 0;
  /// Erasing what is not there is no error.
  virtual Status erase(std::string_view ns, std::string_view key, const Actor& actor = {}) = 0;

  /// Returns the id. A text that the embedder could not take now is found by its words at once, and by its vector
  /// later. Errors: `not_found` for the agent; `invalid_argument`.
  virtual Result<std::string> remember(const NewMemory& memory, const Actor& actor = {}) = 0;
  /// All or none; at most 10,000.
  virtual Result<std::vector<std::string>> remember_many(std::span<const NewMemory> memories,
                                                         const Actor& actor = {}) = 0;
  virtual Result<StoredMemory> memory(std::string_view id) = 0;
  /// By words and by vector, fused by reciprocal rank; filters hold for both. Blocks until `options.deadline`.
  virtual Result<Recall> recall(const RecallQuery& query, const ReadOptions& options = {}) = 0;
  /// Forgetting what is not there is no error.
  virtual Status forget(std::string_view id, const Actor& actor = {}) = 0;
  virtual Status set_level(std::string_view id, MemoryLevel level, const Actor& actor = {}) = 0;
  /// Takes away what has expired, at most 10,000 of each kind a call.
  virtual Result<Swept> sweep(const Actor& actor = {}) = 0;
};

}  // namespace triune
