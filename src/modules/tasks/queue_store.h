// A queue within one transaction.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/modules/queue.h"

namespace triune::modules::tasks {

/// What a claimer would find.
struct QueueLook {
  QueueSettings settings;
  bool has_expired = false;  ///< Claims whose lease ended.
  bool has_due = false;      ///< Waiting items whose time has come.
  bool has_ready = false;

  /// A paused one takes back and makes ready all the same.
  [[nodiscard]] bool has_work() const { return has_expired || has_due || (has_ready && !settings.paused); }
};

class QueueStore {
 public:
  QueueStore(contract::RelationalSession& session, std::int64_t organization_id)
      : session_(session), organization_id_(organization_id) {}

  /// Error: `not_found`.
  [[nodiscard]] Result<QueueSettings> settings(std::string_view queue) const;
  [[nodiscard]] Result<QueueItem> find(std::string_view id) const;
  [[nodiscard]] Status put(const QueueSettings& queue, const NewQueueItem& item, const std::string& id) const;
  /// Error: `not_found`.
  [[nodiscard]] Result<QueueLook> look(std::string_view queue) const;
  /// The same, after items whose lease ended went back and waiting ones that are due became ready; a bounded number of
  /// each.
  [[nodiscard]] Result<QueueLook> advance(std::string_view queue) const;
  [[nodiscard]] Result<std::vector<QueueItem>> claim(const QueueSettings& queue, std::string_view worker,
                                                     std::size_t count, std::int64_t lease_ms) const;
  [[nodiscard]] Status extend(std::string_view id, std::int64_t claim, std::int64_t lease_ms) const;
  /// Errors: `conflict` for a claim that was lost; none for one that was completed by the same claim.
  [[nodiscard]] Status complete(std::span<const QueueCompletion> completions) const;
  [[nodiscard]] Status fail(const QueueFailure& failed) const;
  /// Back to waiting as if it had not been claimed.
  [[nodiscard]] Status give_back(std::string_view id, std::int64_t claim) const;
  [[nodiscard]] Status cancel(std::string_view id) const;
  [[nodiscard]] Status revive(std::string_view id) const;

 private:
  /// The claim must be the item's (Q1).
  [[nodiscard]] Result<QueueItem> held(std::string_view id, std::int64_t claim) const;
  /// The next turn of a lane (Q3): behind what it put in before, and not before what is served now.
  [[nodiscard]] Result<std::int64_t> next_turn(std::string_view queue, const std::string& lane,
                                               TaskPriority priority) const;
  [[nodiscard]] Status complete_one(const QueueCompletion& completion) const;
  /// The claims that hold, by one statement; returns those that do not.
  [[nodiscard]] Result<std::vector<QueueCompletion>> complete_together(
      std::span<const QueueCompletion> completions) const;
  [[nodiscard]] Status take_back_expired(const QueueSettings& queue, std::int64_t now) const;
  [[nodiscard]] Status make_due_ready(std::string_view queue, std::int64_t now) const;
  [[nodiscard]] Status end_attempt(const QueueItem& item, const QueueSettings& queue, std::string_view error,
                                   bool final, std::string_view outcome) const;
  [[nodiscard]] Status record(const QueueItem& item, std::string_view outcome, std::string_view message) const;

  contract::RelationalSession& session_;
  std::int64_t organization_id_;
};

}  // namespace triune::modules::tasks
