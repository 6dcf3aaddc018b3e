#include "modules/events/gatherer.h"

#include "base/try.h"

namespace triune::modules::events {
namespace {

constexpr std::size_t most_together = 1'000;

bool act_alike(const Actor& one, const Actor& other) {
  return one.id == other.id && one.type == other.type && one.reason == other.reason &&
         one.request_id == other.request_id;
}

}  // namespace

Result<IngestedEvent> Gatherer::run(const NewEvent& event, const Actor& actor) {
  Waiting mine{.event = &event, .actor = &actor, .woken = {}, .answer = {}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  while (!mine.answer) {
    if (writing_ < writers_ && !waiting_.empty()) {
      write_some(lock);
    } else {
      mine.woken.wait(lock);
    }
  }
  return std::move(*mine.answer);
}

std::vector<Gatherer::Waiting*> Gatherer::take() {
  std::vector<Waiting*> some;
  while (!waiting_.empty() && some.size() < most_together &&
         (some.empty() || act_alike(*some.front()->actor, *waiting_.front()->actor))) {
    some.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return some;
}

void Gatherer::write_some(std::unique_lock<std::mutex>& lock) {
  const auto some = take();
  ++writing_;
  lock.unlock();
  auto answers = write(some);
  lock.lock();
  --writing_;
  for (std::size_t i = 0; i < some.size(); ++i) {
    some[i]->answer = std::move(answers[i]);
    some[i]->woken.notify_one();
  }
  // The next ones are written by one of them.
  if (!waiting_.empty()) waiting_.front()->woken.notify_one();
}

std::vector<Result<IngestedEvent>> Gatherer::write(std::span<Waiting* const> some) {
  std::vector<const NewEvent*> events;
  events.reserve(some.size());
  for (const auto* const one : some) events.push_back(one->event);
  auto report = ingest_.run(events, *some.front()->actor);
  std::vector<Result<IngestedEvent>> answers;
  if (report) {
    for (auto& event : report->events) answers.emplace_back(std::move(event));
    return answers;
  }
  const bool blames_all = some.size() == 1 || report.error().retry == Retry::outcome_unknown;
  for (std::size_t i = 0; i < some.size(); ++i) {
    // One of them may be to blame, and the others are not.
    answers.push_back(blames_all ? Result<IngestedEvent>(std::unexpected<Error>(report.error()))
                                 : std::move(write(some.subspan(i, 1)).front()));
  }
  return answers;
}

}  // namespace triune::modules::events
