// Events on their way into the store: checked and numbered before the writer's turn, so that little is done within it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "modules/events/names.h"
#include "triune/modules/events.h"

namespace triune::modules::events {

inline constexpr std::size_t most_in_batch = 100'000;

/// What one event becomes.
struct PreparedEvent {
  const NewEvent* event = nullptr;
  std::string id;
  std::int64_t source_id = 0;
  std::int64_t type_id = 0;
  std::int64_t occurred_at_ms = 0;
  std::string fingerprint;
  std::string_view key;    ///< External id, or fingerprint; empty: it has no duplicates.
  std::string_view cause;  ///< Id; empty: none, or not known yet.
};

/// What of triune_events a batch fills.
inline constexpr std::size_t event_column_count = 16;
inline constexpr std::size_t cause_column = 12;
const std::array<std::string, event_column_count>& event_columns();

/// Events that are written together. What they were made of outlives it. Not thread-safe.
class Batch {
 public:
  /// Error: `invalid_argument`, `not_found` (a source), which name the event by its place when there are several.
  static Result<Batch> prepare(std::span<const NewEvent* const> events, std::int64_t organization_id, Names& names,
                               const Actor& actor);

  [[nodiscard]] std::span<PreparedEvent> events() { return events_; }
  [[nodiscard]] std::span<const PreparedEvent> events() const { return events_; }
  [[nodiscard]] std::int64_t received_at_ms() const { return received_at_ms_; }
  /// The starts of the months that they occurred in.
  [[nodiscard]] const std::set<std::int64_t>& months() const { return months_; }
  [[nodiscard]] const std::set<std::int64_t>& sources() const { return sources_; }
  /// For each event: that it repeats an earlier one of the batch, and which.
  [[nodiscard]] const std::map<std::size_t, std::size_t>& repeats() const { return repeats_; }
  /// A row of `event_columns()` for each event, whose cause is the one that is given by its id.
  [[nodiscard]] std::span<const Value> rows() const { return rows_; }
  /// The earlier event of the batch with this key.
  [[nodiscard]] const PreparedEvent* with_key(std::int64_t source_id, std::string_view key) const;

 private:
  using Keys = std::unordered_map<std::string, std::size_t>;

  Status add(const NewEvent& event, Names& names, const Actor& actor);
  Status name(PreparedEvent& prepared, Names& names, const Actor& actor);
  void make_rows(std::int64_t organization_id);
  static std::string key_of(std::int64_t source_id, std::string_view key);

  std::vector<PreparedEvent> events_;
  std::vector<Value> rows_;
  std::int64_t received_at_ms_ = 0;
  std::set<std::int64_t> months_;
  std::set<std::int64_t> sources_;
  std::map<std::size_t, std::size_t> repeats_;
  Keys keys_;
  // Most batches are of few sources and types.
  std::unordered_map<std::string_view, std::int64_t> type_ids_;
  std::unordered_map<std::string_view, std::int64_t> source_ids_;
};

/// Checks one event: lengths, time, JSON, id. Error: `invalid_argument`.
Status check_event(const NewEvent& event, std::int64_t now);

}  // namespace triune::modules::events
