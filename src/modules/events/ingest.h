// Writing a batch within a transaction: keys first, which tell duplicates, then the rest. In SQLite this does by the
// batch what the triggers on triune_events do by the row for other programs; in PostgreSQL the trigger works by the
// statement.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "modules/events/batch.h"
#include "modules/events/months.h"
#include "modules/kit/module.h"

namespace triune::modules::events {

/// Actors of days that have their row, so that it is not written again. Thread rule: any thread.
class KnownActors {
 public:
  /// The events whose actor is not known of their day and source.
  [[nodiscard]] std::vector<std::size_t> newcomers(const Batch& batch) const;
  /// Those of these events have their row now.
  void add(const Batch& batch, std::span<const std::size_t> events);

 private:
  using Day = std::pair<std::int64_t, std::int64_t>;  ///< Its start, and the source.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Actors = std::unordered_set<std::string, Hash, std::equal_to<>>;

  mutable std::mutex mutex_;
  std::map<Day, Actors> days_;
  std::size_t count_ = 0;
};

/// Thread rule: any thread.
class Ingest {
 public:
  Ingest(const Module& module, Names& names, Months& months) : module_(module), names_(names), months_(months) {}

  /// All or none. Errors: as of Events::ingest_many.
  Result<IngestReport> run(std::span<const NewEvent* const> events, const Actor& actor);

 private:
  Status write(Batch& batch, IngestReport& report, const Actor& actor);

  const Module& module_;
  Names& names_;
  Months& months_;
  KnownActors actors_;
};

/// Writes a prepared batch within a job of somebody else's transaction; its months are open (Months::ensure). The job
/// may run again. Errors: as of Events::ingest_many.
Result<IngestReport> write_along(contract::RelationalSession& session, std::int64_t organization_id,
                                 const Batch& batch);

}  // namespace triune::modules::events
