// What importers give to the modules: agents, contexts, memories, snapshots and events that go along with a commit of
// their own rows, in one transaction.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "modules/agents/imported.h"
#include "modules/events/ingest.h"
#include "triune/modules/agents.h"
#include "triune/modules/events.h"
#include "triune/modules/memory.h"

namespace triune::intake {

/// Of one commit. Ids are given: what is put again is the same.
struct ModuleBatch {
  std::vector<modules::agents::ImportedAgent> agents;
  std::vector<modules::agents::ImportedContext> contexts;  ///< Of agents that are there, or in `agents`.
  std::vector<NewMemory> memories;
  std::vector<NewSnapshot> snapshots;  ///< Of contexts that are there, or in `contexts`.
  std::vector<NewEvent> events;        ///< In their order; each with an external id. A cause that is not known is left.

  [[nodiscard]] bool empty() const {
    return agents.empty() && contexts.empty() && memories.empty() && snapshots.empty() && events.empty();
  }
};

/// How much came to the modules, and what did not.
struct ModuleCounts {
  std::map<std::string, std::uint64_t> mapped;     ///< Of "agents", "contexts", "memories", "snapshots", "events".
  std::map<std::string, std::uint64_t> not_taken;  ///< By the reason.
};

/// Thread rule: one thread.
class ModuleWriter {
 public:
  /// Makes the modules' tables, or follows them, and registers the source of events unless it is there. The hive
  /// outlives it.
  static Result<std::unique_ptr<ModuleWriter>> open(Hive& hive, const EventSource& source, Actor actor);

  /// `changes` and `batch` in one transaction; blocks until it is durable. What a module would refuse for its form (a
  /// time ahead, too long an id) is left out and counted. Errors: those of Hive::commit and of the modules.
  Result<Receipt> commit(std::vector<Change> changes, ModuleBatch batch);

  /// Whether something was done to the end before: `mark_done` says so. Names are kept in the values of
  /// `import/SOURCE`.
  Result<bool> is_done(std::string_view what);
  Status mark_done(std::string_view what);

  /// Takes those out that are stored already.
  Status leave_known(std::vector<NewEvent>& events);

  void not_taken(std::string_view reason, std::uint64_t count = 1) { counts_.not_taken[std::string(reason)] += count; }
  [[nodiscard]] const ModuleCounts& counts() const { return counts_; }
  [[nodiscard]] std::int64_t organization_id() const { return agents_->organization_id(); }

 private:
  ModuleWriter() = default;
  /// Leaves out what does not fit.
  void sift(ModuleBatch& batch);
  /// Those of some external ids that events of the source have.
  Result<std::set<std::string>> known_among(const std::set<std::string>& external_ids);
  /// Leaves out causes that are neither earlier in the batch nor stored.
  Status settle_causes(std::vector<NewEvent>& events);

  Hive* hive_ = nullptr;
  std::unique_ptr<modules::Module> agents_;
  std::unique_ptr<modules::Module> events_;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<modules::events::Names> names_;
  std::unique_ptr<modules::events::Months> months_;
  std::string source_;
  Actor actor_;
  ModuleCounts counts_;
};

/// An id of an event that is the same whenever it is made: a UUIDv7 of the time, with digits of `key`.
std::string event_id_of(std::int64_t at_ms, std::string_view key);

/// The level that a word of other systems names: "deep", "emergency"; working for what is unknown.
MemoryLevel imported_memory_level(std::string_view word);

/// Cut between characters.
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace triune::intake
