#include "runtime/connection_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/pool.h"

namespace triune::runtime {
namespace {

using contract::PooledConnection;
using contract::PoolSettings;
using std::chrono::milliseconds;

constexpr milliseconds longest_duration = std::chrono::hours(24 * 3650);

PoolSettings normalized(PoolSettings settings) {
  settings.largest = std::max(settings.largest, 1U);
  settings.smallest = std::min(settings.smallest, settings.largest);
  for (auto* duration : {&settings.connect_timeout, &settings.validate_after, &settings.idle_timeout,
                         &settings.lifetime, &settings.leak_after})
    *duration = std::clamp(*duration, milliseconds(0), longest_duration);
  return settings;
}

std::unexpected<Error> refused(ErrorCode code, std::string message) {
  auto error = failure(code, std::move(message));
  error.error().retry = Retry::safe;
  return error;
}

}  // namespace

Pool::Pool(PoolSettings settings, contract::Connector connector, StormGuard::Settings storm)
    : settings_(normalized(std::move(settings))),
      connector_(std::move(connector)),
      guard_(storm, random_source()),
      keeper_([this] { keep(); }) {}

Pool::~Pool() {
  {
    Lock lock(mutex_);
    left_.wait(lock, [this] { return inside_ == 0 && members_.lent() == 0; });
    stopping_ = true;
    keeper_called_.notify_one();
  }
  keeper_.join();
}

Result<contract::ConnectionPool::Lease> Pool::take(std::uint32_t preparation, Deadline deadline,
                                                   std::source_location place) {
  Lock lock(mutex_);
  ++inside_;
  auto connection = take_idle(preparation, place, lock);
  Result<Lease> lease = Lease(this, std::move(connection));
  if (lease->get() == nullptr) {
    auto waited = wait_in_line(deadline, place, lock);
    if (waited)
      lease = Lease(this, std::move(*waited));
    else
      lease = failure_of(waited);
  }
  if (lease) ++counted_.taken;
  if (--inside_ == 0) left_.notify_all();
  return lease;
}

/// A fresh idle connection; null when there is none, or others are in line (P2). Looks at its socket without the lock.
std::unique_ptr<PooledConnection> Pool::take_idle(std::uint32_t preparation, const std::source_location& place,
                                                  Lock& lock) {
  while (waiters_.empty()) {
    const auto now = Clock::now();
    auto* member = members_.lend_idle(preparation, now, place);
    if (member == nullptr) return nullptr;
    lent_changed(now);
    auto connection = std::move(member->connection);
    lock.unlock();
    const bool usable = connection->usable();
    lock.lock();
    if (usable) {
      waits_.add(std::chrono::microseconds(0));
      return connection;
    }
    auto gone = members_.take_out_lent(connection.get());
    gone.front().connection = std::move(connection);
    ++counted_.evicted;
    lent_changed(now);
    close(gone, lock);
  }
  return nullptr;
}

Result<std::unique_ptr<PooledConnection>> Pool::wait_in_line(Deadline deadline, const std::source_location& place,
                                                             Lock& lock) {
  const auto now = Clock::now();
  if (members_.open() == 0 && guard_.blocks(now)) return std::unexpected(refusal(now));
  if (waiters_.size() >= settings_.queue) {
    ++counted_.rejected;
    return refused(ErrorCode::resource_exhausted,
                   fmt::format("{} callers wait for a connection of the pool '{}' already; try again later, or raise "
                               "its size ({}) or its queue",
                               waiters_.size(), settings_.name, settings_.largest));
  }
  Waiter waiter{.since = now, .place = place};
  const auto place_in_line = waiters_.insert(waiters_.end(), &waiter);
  wake_keeper(now);
  const auto answered = [&waiter] { return waiter.is_answered(); };
  if (!deadline.is_bounded())
    waiter.called.wait(lock, answered);
  else if (!waiter.called.wait_until(lock, deadline.at(), answered))
    return give_up(place_in_line);
  if (waiter.error) return std::unexpected(std::move(*waiter.error));
  return std::move(waiter.connection);
}

std::unexpected<Error> Pool::give_up(std::list<Waiter*>::iterator place_in_line) {
  waiters_.erase(place_in_line);
  ++counted_.timeouts;
  const auto last = guard_.reason().message;
  std::string cause;
  if (guard_.is_warned() && !last.empty())
    cause = "; the last attempt to connect failed: " + last;
  else if (members_.lent() < settings_.largest)
    cause = "; connecting, or looking whether an idle one still works, took longer than that";
  return refused(
      ErrorCode::deadline_exceeded,
      fmt::format("no connection of the pool '{}' was free until the deadline: {} of at most {} are lent out{}",
                  settings_.name, members_.lent(), settings_.largest, cause));
}

bool Pool::is_lasting(const Error& error) {
  return error.code != ErrorCode::unavailable && error.code != ErrorCode::deadline_exceeded &&
         error.code != ErrorCode::resource_exhausted && error.code != ErrorCode::cancelled;
}

/// What callers are told while nothing is open and no connect may be made (P5).
Error Pool::refusal(Clock::time_point now) const {
  Error error = guard_.reason();
  error.message = fmt::format("cannot connect (pool '{}'): {}", settings_.name, error.message);
  if (guard_.blocks(now))
    error.message += fmt::format("; the next attempt is made in {:.1f} s",
                                 std::chrono::duration<double>(guard_.next_attempt() - now).count());
  error.connection_usable = false;
  if (is_lasting(error)) return error;
  error.code = ErrorCode::unavailable;
  error.retry = Retry::safe;
  return error;
}

bool Pool::is_worth_keeping(const PoolMember& member, Clock::time_point now) const {
  return member.generation == generation_ && member.expires > now;
}

void Pool::put_back(std::unique_ptr<PooledConnection> connection) {
  const bool usable = connection->usable();
  const auto preparation = connection->preparation();
  const auto now = Clock::now();
  Lock lock(mutex_);
  auto member = members_.take_out_lent(connection.get());
  member.front().connection = std::move(connection);
  member.front().preparation = preparation;
  if (usable && is_worth_keeping(member.front(), now)) {
    deliver(member, now);
  } else {
    if (!usable || member.front().generation != generation_) ++counted_.evicted;
    close(member, lock);
    wake_keeper(now);
  }
  lent_changed(now);
  if (members_.lent() == 0) left_.notify_all();
}

void Pool::deliver(PoolMembers::List& member, Clock::time_point now) {
  if (waiters_.empty()) {
    members_.put_idle(member, now);
    wake_keeper(now);
    return;
  }
  auto* waiter = waiters_.front();
  waiters_.pop_front();
  member.front().used = now;
  auto& lent = members_.lend(member, now, waiter->place);
  waits_.add(std::chrono::duration_cast<std::chrono::microseconds>(now - waiter->since));
  waiter->connection = std::move(lent.connection);
  waiter->called.notify_one();
}

void Pool::close(PoolMembers::List& members, Lock& lock) {
  const auto count = members.size();
  if (count == 0) return;
  ++inside_;
  lock.unlock();
  members.clear();
  lock.lock();
  members_.closed(count);
  if (--inside_ == 0) left_.notify_all();
  answer_if_hopeless(Clock::now());
}

void Pool::answer_if_hopeless(Clock::time_point now) {
  if (members_.open() == 0 && guard_.blocks(now)) answer_all(refusal(now));
}

void Pool::answer_all(const Error& error) {
  for (auto* waiter : waiters_) {
    waiter->error = error;
    waiter->called.notify_one();
  }
  waiters_.clear();
}

void Pool::lent_changed(Clock::time_point now) {
  sizer_.active(members_.lent());
  utilisation_.change(members_.lent(), now);
}

void Pool::evict_all() {
  Lock lock(mutex_);
  ++generation_;
  auto members = members_.take_out_all_idle();
  counted_.evicted += members.size();
  close(members, lock);
  wake_keeper(Clock::now());
}

contract::PoolStatistics Pool::statistics() const {
  const auto now = Clock::now();
  const Lock lock(mutex_);
  auto statistics = counted_;
  statistics.name = settings_.name;
  statistics.size = members_.open();
  statistics.active = members_.lent();
  statistics.idle = members_.idle();
  statistics.waiting = static_cast<std::uint32_t>(waiters_.size());
  statistics.target = sizer_.target();
  members_.describe_lent(statistics, now);
  statistics.wait_p50_us = waits_.percentile(50);
  statistics.wait_p99_us = waits_.percentile(99);
  statistics.utilisation = utilisation_.average(now) / settings_.largest;
  return statistics;
}

void Pool::wake_keeper(Clock::time_point now) {
  if (due(now) < keeper_sleeps_until_) keeper_called_.notify_one();
}

std::unique_ptr<contract::ConnectionPool> make_connection_pool(PoolSettings settings, contract::Connector connector) {
  return make_connection_pool_with({}, std::move(settings), std::move(connector));
}

std::unique_ptr<contract::ConnectionPool> make_connection_pool_with(StormGuard::Settings storm, PoolSettings settings,
                                                                    contract::Connector connector) {
  return std::make_unique<Pool>(std::move(settings), std::move(connector), storm);
}

}  // namespace triune::runtime
