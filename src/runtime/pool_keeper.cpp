// The pool's own thread: opens, validates and retires connections, and nothing that a caller would wait for.
#include <algorithm>
#include <utility>

#include "runtime/pool.h"

namespace triune::runtime {
namespace {

using std::chrono::milliseconds;

constexpr double lifetime_jitter = 0.1;
constexpr milliseconds shortest_maintenance{10};
constexpr milliseconds longest_maintenance{30'000};

}  // namespace

/// When the keeper has something to do; the past when now.
Pool::Clock::time_point Pool::due(Clock::time_point now) const {
  auto when = Clock::time_point::max();
  if (!waiters_.empty()) {
    if (members_.idle() > 0) return now;  // stale or expired ones (P4)
    if (members_.open() < sizer_.target())
      when = guard_.next_attempt();
    else if (members_.open() < settings_.largest)
      when = std::max(guard_.next_attempt(), waiters_.front()->since + PoolSizer::patience);
  }
  if (members_.open() < settings_.smallest) when = std::min(when, guard_.next_attempt());
  if (members_.idle() > 0 || !sizer_.at_floor()) when = std::min(when, next_maintenance_);
  return when;
}

void Pool::keep() {
  Lock lock(mutex_);
  while (!stopping_) {
    const auto now = Clock::now();
    const auto when = due(now);
    if (when <= now) {
      step(now, lock);
      continue;
    }
    keeper_sleeps_until_ = when;
    if (when == Clock::time_point::max())
      keeper_called_.wait(lock);
    else
      keeper_called_.wait_until(lock, when);
    keeper_sleeps_until_ = Clock::time_point::min();
  }
}

void Pool::step(Clock::time_point now, Lock& lock) {
  if (now >= next_maintenance_)
    maintain(now, lock);
  else if (!waiters_.empty() && members_.idle() > 0)
    revive(now, lock);
  else
    connect(lock);
}

void Pool::maintain(Clock::time_point now, Lock& lock) {
  next_maintenance_ = now + std::clamp(std::min(settings_.idle_timeout, settings_.lifetime) / 4, shortest_maintenance,
                                       longest_maintenance);
  sizer_.tick(members_.lent(), now);
  auto retired = members_.take_out_retired(sizer_.target(), now);
  close(retired, lock);
}

/// Asks a stale connection for the sake of the first waiter. One that does not answer takes the other stale ones with
/// it: they led to the same server, and each could cost a timeout.
void Pool::revive(Clock::time_point now, Lock& lock) {
  auto member = members_.take_out_idle();
  auto& connection = *member.front().connection;
  const bool kept = is_worth_keeping(member.front(), now);
  lock.unlock();
  const bool answers =
      kept && connection.usable() && connection.validate(Deadline::after(settings_.connect_timeout)).has_value();
  lock.lock();
  const auto then = Clock::now();
  if (answers && is_worth_keeping(member.front(), then)) {
    deliver(member, then);
    lent_changed(then);
    return;
  }
  if (kept && !answers) member.splice(member.end(), members_.take_out_stale(then));
  if (kept) counted_.evicted += member.size();
  close(member, lock);
}

void Pool::connect(Lock& lock) {
  if (members_.open() >= sizer_.target()) sizer_.grow();
  const auto generation = generation_;
  lock.unlock();
  auto connection = connector_(Deadline::after(settings_.connect_timeout));
  lock.lock();
  if (connection)
    connected(std::move(*connection), generation, lock);
  else
    connect_failed(std::move(connection.error()));
}

void Pool::connected(std::unique_ptr<contract::PooledConnection> connection, std::uint64_t generation, Lock& lock) {
  const auto now = Clock::now();
  const auto lifetime =
      std::chrono::duration_cast<Clock::duration>(settings_.lifetime * (1 - lifetime_jitter * random_()));
  guard_.succeeded();
  ++counted_.connects;
  PoolMembers::List member(1);
  member.front().address = connection.get();
  member.front().connection = std::move(connection);
  member.front().generation = generation;
  member.front().expires = now + lifetime;
  members_.opened();
  if (generation != generation_) {
    ++counted_.evicted;
    close(member, lock);
    return;
  }
  deliver(member, now);
  lent_changed(now);
}

void Pool::connect_failed(Error error) {
  const auto now = Clock::now();
  ++counted_.connect_errors;
  const bool lasting = is_lasting(error);
  guard_.failed(std::move(error), now);
  if (lasting && members_.open() == 0) answer_all(refusal(now));
  answer_if_hopeless(now);
}

}  // namespace triune::runtime
