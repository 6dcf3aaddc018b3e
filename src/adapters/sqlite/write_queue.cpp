#include "adapters/sqlite/write_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"

namespace triune::adapters::sqlite {

std::shared_ptr<WriteRequest::Bell> WriteRequest::bell_of_this_thread() {
  thread_local const auto bell = std::make_shared<Bell>();
  return bell;
}

Status WriteQueue::submit(WriteRequest& request) {
  TRIUNE_TRY(enqueue(request));
  auto& bell = *request.bell_;
  std::unique_lock lock(bell.mutex);
  const auto finished = [&request] { return request.finished_; };
  if (!request.deadline_.is_bounded()) {
    bell.rings.wait(lock, finished);
  } else if (!bell.rings.wait_until(lock, request.deadline_.at(), finished)) {
    lock.unlock();
    if (withdraw(request)) return gave_up();
    lock.lock();
    bell.rings.wait(lock, finished);
  }
  return std::move(request.result_);
}

Status WriteQueue::enqueue(WriteRequest& request) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return refuse(ErrorCode::cancelled, "the store is closing", Retry::safe);
  if (waiting_.size() >= capacity_)
    return refuse(ErrorCode::resource_exhausted,
                  fmt::format("{} writes are waiting already; try again later", waiting_.size()), Retry::safe);
  waiting_.push_back(&request);
  if (waiting_.size() == 1) filled_.notify_one();
  return {};
}

bool WriteQueue::withdraw(WriteRequest& request) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::find(waiting_.begin(), waiting_.end(), &request);
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  return true;
}

std::unexpected<Error> WriteQueue::gave_up() const {
  const std::scoped_lock lock(mutex_);
  switch (obstacle_) {
    case Obstacle::other_program:
      return refuse(ErrorCode::unavailable,
                    "another program held the database until the write's deadline; nothing was done", Retry::safe);
    case Obstacle::transaction:
      return refuse(ErrorCode::deadline_exceeded,
                    "a transaction held the writer until the write's deadline; nothing was done", Retry::safe);
    case Obstacle::none: break;
  }
  return refuse(ErrorCode::deadline_exceeded, "the write did not get its turn before its deadline; nothing was done",
                Retry::safe);
}

std::optional<WriteRequest::Kind> WriteQueue::wait() {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, [this] { return !waiting_.empty() || closed_; });
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front()->kind();
}

WriteRequest* WriteQueue::pop(WriteRequest::Kind kind) {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty() || waiting_.front()->kind() != kind) return nullptr;
  WriteRequest* request = waiting_.front();
  waiting_.pop_front();
  return request;
}

void WriteQueue::finish(WriteRequest& request, Status result) {
  const auto bell = request.bell_;
  {
    const std::scoped_lock lock(bell->mutex);
    request.result_ = std::move(result);
    request.finished_ = true;
  }
  bell->rings.notify_one();
}

void WriteQueue::set_obstacle(Obstacle obstacle) {
  const std::scoped_lock lock(mutex_);
  obstacle_ = obstacle;
}

void WriteQueue::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  filled_.notify_all();
}

std::size_t WriteQueue::size() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

}  // namespace triune::adapters::sqlite
