// Contexts, their events and their snapshots, within one session. Bytes are blobs, which the commit puts (M3).
#pragma once

#include "modules/agents/snapshot_bytes.h"
#include "modules/agents/store.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

/// Owners of blobs; the schema's triggers know them too.
inline constexpr std::string_view context_blobs = "triune_context";
inline constexpr std::string_view snapshot_blobs = "triune_snapshots";

class ContextStore : public Part {
 public:
  using Part::Part;

  Status start(const NewContext& context, const std::string& id) const;
  Result<ContextSession> find(std::string_view id) const;
  Result<std::string> content_hash(std::string_view id) const;
  Result<std::vector<ContextSession>> list(std::string_view agent, bool all) const;
  Result<ContextSession> update(std::string_view id, const ContextUpdate& update) const;
  Result<ContextSession> consolidate(std::string_view id, std::string_view content, std::int64_t tokens,
                                     const NewSnapshot& kept, const SnapshotBytes& bytes,
                                     const std::string& snapshot_id) const;
  /// Falls asleep, or wakes.
  Status set_active(std::string_view id, bool active) const;
  Result<std::vector<ContextEvent>> events(std::string_view id, std::size_t limit) const;

  Result<SavedSnapshot> save(const NewSnapshot& snapshot, const SnapshotBytes& bytes, const std::string& id) const;
  /// `not_found` for one that has expired, too (M2).
  Result<Snapshot> snapshot(std::string_view id) const;
  Result<std::string> encoding(std::string_view id) const;
  Result<std::vector<Snapshot>> snapshots(std::string_view session, std::size_t limit) const;

 private:
  Status tell(const ContextSession& session, std::string_view type, const std::string& details) const;
  Result<std::vector<Snapshot>> select_snapshots(std::string_view where, const std::string& which,
                                                 std::size_t limit) const;
};

}  // namespace triune::modules::agents
