// Single events of many threads, written together: whoever comes first while nobody writes takes along all that wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "modules/events/ingest.h"

namespace triune::modules::events {

/// Thread rule: any thread.
class Gatherer {
 public:
  /// Up to `writers` batches are on their way at once.
  Gatherer(Ingest& ingest, std::size_t writers) : ingest_(ingest), writers_(writers) {}

  /// Blocks until the event is durable. An error is this event's own.
  Result<IngestedEvent> run(const NewEvent& event, const Actor& actor);

 private:
  struct Waiting {
    const NewEvent* event;
    const Actor* actor;
    std::condition_variable woken;
    std::optional<Result<IngestedEvent>> answer;
  };

  /// Called and returns with the lock held.
  void write_some(std::unique_lock<std::mutex>& lock);
  /// Those that wait longest and act alike.
  std::vector<Waiting*> take();
  std::vector<Result<IngestedEvent>> write(std::span<Waiting* const> some);

  Ingest& ingest_;
  const std::size_t writers_;
  std::mutex mutex_;
  std::deque<Waiting*> waiting_;
  std::size_t writing_ = 0;
};

}  // namespace triune::modules::events
