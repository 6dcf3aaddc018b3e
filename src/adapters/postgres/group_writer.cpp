#include "adapters/postgres/group_writer.h"

#include <algorithm>

#include "adapters/postgres/transaction.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

constexpr std::size_t most_leaders = 4;
constexpr std::size_t most_jobs = 128;
/// Longer than a group takes where the server writes its log at once. Where it waits for a disk, more groups on their
/// way are better: it writes the log for all of them together.
constexpr auto patience = std::chrono::microseconds(300);
constexpr auto longest_lock_wait = std::chrono::milliseconds(50);
/// Whoever has less time than this does not risk a group that is undone.
constexpr auto shortest_deadline = std::chrono::seconds(1);
constexpr auto first_pause = std::chrono::milliseconds(10);
constexpr unsigned most_doublings = 7;

Deadline earliest(Deadline left, Deadline right) {
  return left.remaining() < right.remaining() ? left : right;
}

}  // namespace

Status GroupWriter::run(const contract::WriteJob& job, Deadline deadline, std::source_location place,
                        const std::function<Status()>& by_itself) {
  if (deadline.remaining() < shortest_deadline) return by_itself();
  Request request{.job = &job, .deadline = deadline, .place = place, .result = {}, .changed = {}};
  std::unique_lock lock(mutex_);
  if (Clock::now() < alone_until_) {
    lock.unlock();
    return by_itself();
  }
  waiting_.push_back(&request);
  if (!wait(lock, request)) {
    lock.unlock();
    return request.state == State::by_itself ? by_itself() : std::move(request.result);
  }
  const Group group = gather(request);
  lock.unlock();
  Status result;
  const bool several = group.size() > 1;
  const State state = several ? run_group(group, result) : State::answered;
  if (!several) result = by_itself();
  lock.lock();
  if (several) note(state == State::by_itself);
  hand_over();
  for (Request* const other : group) {
    if (other == &request) continue;
    other->state = state;
    other->result = result;
    // Under the lock: the request is its caller's, and gone as soon as that has seen its state.
    other->changed.notify_one();
  }
  lock.unlock();
  return state == State::by_itself ? by_itself() : result;
}

bool GroupWriter::wait(std::unique_lock<std::mutex>& lock, Request& request) {
  if (leaders_ < most_leaders) {
    ++leaders_;
    request.state = State::leads;
  }
  while (request.state == State::waits || request.state == State::taken) {
    if (request.state == State::taken) {
      request.changed.wait(lock);
    } else if (request.changed.wait_for(lock, patience) == std::cv_status::timeout && request.state == State::waits) {
      ++leaders_;
      request.state = State::leads;
    }
  }
  return request.state == State::leads;
}

GroupWriter::Group GroupWriter::gather(Request& leader) {
  std::erase(waiting_, &leader);
  Group group{&leader};
  while (!waiting_.empty() && group.size() < most_jobs && waiting_.front()->state == State::waits) {
    group.push_back(waiting_.front());
    waiting_.pop_front();
    group.back()->state = State::taken;
  }
  return group;
}

void GroupWriter::hand_over() {
  const auto next =
      std::ranges::find_if(waiting_, [](const Request* request) { return request->state == State::waits; });
  if (next == waiting_.end()) {
    --leaders_;
    return;
  }
  (*next)->state = State::leads;
  (*next)->changed.notify_one();
}

GroupWriter::State GroupWriter::run_group(const Group& group, Status& result) {
  result = run_jobs(group);
  if (!result) return result.error().retry == Retry::outcome_unknown ? State::answered : State::by_itself;
  groups_.fetch_add(1, std::memory_order_relaxed);
  grouped_jobs_.fetch_add(group.size(), std::memory_order_relaxed);
  return State::answered;
}

Status GroupWriter::run_jobs(const Group& group) {
  Deadline deadline = group.front()->deadline;
  for (const Request* const request : group) deadline = earliest(deadline, request->deadline);
  TRIUNE_ASSIGN(auto lease, connections_.take(0, deadline, group.front()->place));
  Transaction transaction(std::move(lease), deadline, alarm_);
  TRIUNE_TRY(transaction.limit_lock_waits(longest_lock_wait));
  for (const Request* const request : group) TRIUNE_TRY(run_job(*request->job, transaction.session()));
  return transaction.commit();
}

void GroupWriter::note(bool undone) {
  if (!undone) {
    undone_in_a_row_ = 0;
    return;
  }
  alone_until_ = Clock::now() + first_pause * (1U << std::min(undone_in_a_row_++, most_doublings));
}

}  // namespace triune::adapters::postgres
