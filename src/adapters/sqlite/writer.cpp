#include "adapters/sqlite/writer.h"

#include <fmt/format.h>

#include <cassert>
#include <chrono>
#include <exception>

#include "adapters/sqlite/session.h"
#include "adapters/sqlite/sqlite_error.h"
#include "adapters/sqlite/transaction.h"
#include "base/failpoint.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

/// How long one attempt to get the database from another program takes; between attempts requests may give up.
constexpr auto begin_patience = std::chrono::milliseconds(20);
/// How long the writer pauses for readers when the log has grown far.
constexpr auto restart_patience = std::chrono::milliseconds(100);

Error expired() {
  Error error = error_for(SQLITE_INTERRUPT, "the write did not get its turn before its deadline; nothing was done");
  error.native_code.clear();
  return error;
}

/// For a job that had failed in a group whose COMMIT failed (W5).
Error group_failed() {
  Error error =
      error_for(SQLITE_BUSY, "the group that the write was part of failed to commit; nothing of this one was done");
  error.native_code.clear();
  return error;
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(const Options& options) {
  TRIUNE_ASSIGN(auto connection, Connection::open(options.connection));
  return std::unique_ptr<Writer>(new Writer(options, std::move(connection)));
}

Writer::Writer(const Options& options, std::unique_ptr<Connection> connection)
    : options_(options),
      queue_(options.queue_capacity),
      connection_(std::move(connection)),
      checkpoint_at_(options.checkpoint_frames),
      thread_([this] { loop(); }) {}

Writer::~Writer() {
  queue_.close();
  thread_.join();
}

Status Writer::run(const contract::WriteJob& job, Deadline deadline) {
  assert(std::this_thread::get_id() != thread_.get_id() && "a job must use its session, not the store");
  WriteRequest request(WriteRequest::Kind::job, deadline);
  request.job = &job;
  return queue_.submit(request);
}

Result<std::unique_ptr<contract::RelationalTransaction>> Writer::begin(Deadline deadline) {
  assert(std::this_thread::get_id() != thread_.get_id() && "a job must use its session, not the store");
  WriteRequest request(WriteRequest::Kind::transaction, deadline);
  TRIUNE_TRY(queue_.submit(request));
  return std::make_unique<Transaction>(*this, *request.connection);
}

Status Writer::checkpoint(Deadline deadline) {
  WriteRequest request(WriteRequest::Kind::maintenance, deadline);
  request.maintenance = [this](Connection& connection) -> Status {
    // A deadline in the past makes locks fail at once: TRUNCATE then does what it can without waiting for readers.
    connection.set_deadline(Deadline::after(std::chrono::milliseconds(0)));
    int frames = 0;
    int moved = 0;
    base::failpoint("sqlite.checkpoint");
    const int code =
        sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, &frames, &moved);
    connection.set_deadline(Deadline::never());
    if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY) return sqlite_failure(connection.handle(), code);
    log_frames_ = static_cast<std::uint64_t>(std::max(0, frames - std::max(0, moved)));
    return {};
  };
  return queue_.submit(request);
}

std::string Writer::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

void Writer::loop() {
  while (const auto kind = next_kind()) {
    if (auto status = ensure_connection(); !status) {
      refuse_first(*kind, status.error());
      continue;
    }
    switch (*kind) {
      case WriteRequest::Kind::job: serve_group(); break;
      case WriteRequest::Kind::transaction: serve_transaction(); break;
      case WriteRequest::Kind::maintenance: serve_maintenance(); break;
    }
  }
  connection_.reset();
}

std::optional<WriteRequest::Kind> Writer::next_kind() {
  if (!again_.empty()) return WriteRequest::Kind::job;
  return queue_.wait();
}

void Writer::refuse_first(WriteRequest::Kind kind, const Error& error) {
  WriteRequest* request = kind == WriteRequest::Kind::job ? next_job() : queue_.pop(kind);
  if (request != nullptr) WriteQueue::finish(*request, std::unexpected(error));
}

Status Writer::ensure_connection() {
  if (!broken_) return {};
  auto successor = Connection::open(options_.connection);
  const std::scoped_lock lock(mutex_);
  if (!successor) {
    trouble_ = successor.error().message;
    return failure_of(successor);
  }
  connection_ = std::move(*successor);
  broken_ = false;
  trouble_.clear();
  return {};
}

Result<bool> Writer::begin_transaction() {
  connection_->set_deadline(Deadline::after(begin_patience));
  const int code = connection_->control_code("BEGIN IMMEDIATE");
  const bool busy = (code & 0xFF) == SQLITE_BUSY;
  queue_.set_obstacle(busy ? WriteQueue::Obstacle::other_program : WriteQueue::Obstacle::none);
  if (code == SQLITE_OK) return true;
  if (busy) return false;
  auto failed = sqlite_failure(connection_->handle(), code);
  broken_ = !failed.error().connection_usable;
  return failed;
}

void Writer::serve_group() {
  auto begun = begin_transaction();
  if (!begun) return refuse_first(WriteRequest::Kind::job, begun.error());
  if (!*begun) return give_up_expired();
  auto group = run_group();
  commit_group(group);
  checkpoint_if_long();
}

void Writer::give_up_expired() {
  // Requests that still wait in the queue give up by themselves.
  std::erase_if(again_, [](WriteRequest* request) {
    if (!request->deadline().expired()) return false;
    WriteQueue::finish(
        *request,
        refuse(ErrorCode::unavailable, "another program held the database until the write's deadline; nothing was done",
               Retry::safe));
    return true;
  });
}

WriteRequest* Writer::next_job() {
  if (again_.empty()) return queue_.pop(WriteRequest::Kind::job);
  WriteRequest* request = again_.front();
  again_.pop_front();
  return request;
}

std::vector<Writer::Begun> Writer::run_group() {
  std::vector<Begun> group;
  const auto end = std::chrono::steady_clock::now() + options_.group_time;
  while (group.size() < options_.group_jobs && std::chrono::steady_clock::now() < end) {
    WriteRequest* request = next_job();
    if (request == nullptr) break;
    const bool alone = group.empty();
    Status status = run_job(*request, alone);
    group.push_back({request, std::move(status)});
    if (connection_->in_transaction()) continue;
    take_back(group);
    break;
  }
  return group;
}

void Writer::take_back(std::vector<Begun>& group) {
  std::vector<Begun> failed;
  for (auto& each : group) {
    if (each.status)
      again_.push_back(each.request);
    else
      failed.push_back(std::move(each));
  }
  group = std::move(failed);
}

Status Writer::run_job(WriteRequest& request, bool alone) {
  if (request.deadline().expired()) return std::unexpected(expired());
  if (!alone) TRIUNE_TRY(connection_->control("SAVEPOINT triune_job"));
  connection_->set_deadline(request.deadline());
  Status status = call_job(request);
  connection_->set_deadline(Deadline::never());
  if (status && connection_->has_deferred_violations())
    status = refuse(ErrorCode::conflict, "FOREIGN KEY constraint failed: a deferred constraint is broken at the end");
  if (status && !alone) status = connection_->control("RELEASE triune_job");
  if (!status) undo_job(status.error(), alone);
  return status;
}

Status Writer::call_job(WriteRequest& request) {
  Session session(*connection_, Session::Kind::write);
  Status status;
  try {
    status = (*request.job)(session);
  } catch (const std::exception& error) {
    status = refuse(ErrorCode::internal, fmt::format("the write job threw an exception: {}", error.what()));
  } catch (...) {
    status = refuse(ErrorCode::internal, "the write job threw an exception");
  }
  // A job that swallowed the error that ended the transaction must not pass for a success.
  if (status && session.lost_transaction())
    return refuse(ErrorCode::conflict, "a statement of the job ended the transaction; nothing of the job remains");
  return status ? session.release_all() : status;
}

void Writer::undo_job(const Error& error, bool alone) {
  if (!connection_->in_transaction()) return;
  const bool sound = error.connection_usable || error.engine != "sqlite";
  if (sound && !alone && connection_->control_code("ROLLBACK TO triune_job") == SQLITE_OK &&
      connection_->control_code("RELEASE triune_job") == SQLITE_OK)
    return;
  // The job has no others to spare, or can no longer be told from them, or the connection cannot be trusted.
  connection_->control_code("ROLLBACK");
  broken_ = !sound || connection_->in_transaction();
}

Status Writer::commit(Connection& connection) {
  connection.set_deadline(Deadline::never());
  base::failpoint("sqlite.before_commit");
  const int code = connection.control_code("COMMIT");
  base::failpoint("sqlite.after_commit");
  if (code == SQLITE_OK) {
    groups_.fetch_add(1, std::memory_order_relaxed);
    log_frames_.store(static_cast<std::uint64_t>(connection.log_frames()), std::memory_order_relaxed);
    return {};
  }
  auto failed = commit_failure(connection.handle(), code);
  connection.control_code("ROLLBACK");
  broken_ = true;
  return failed;
}

void Writer::commit_group(std::vector<Begun>& group) {
  std::uint64_t succeeded = 0;
  for (const auto& each : group) succeeded += each.status ? 1 : 0;
  Status committed;
  if (succeeded > 0)
    committed = commit(*connection_);
  else if (connection_->in_transaction())
    connection_->control_code("ROLLBACK");
  if (committed) commits_.fetch_add(succeeded, std::memory_order_relaxed);
  for (auto& each : group) {
    if (!committed) each.status = each.status ? std::unexpected(committed.error()) : std::unexpected(group_failed());
    WriteQueue::finish(*each.request, std::move(each.status));
  }
}

void Writer::checkpoint_if_long() {
  const int frames_now = connection_->log_frames();
  if (broken_ || frames_now < checkpoint_at_) return;
  base::failpoint("sqlite.checkpoint");
  // Readers that overlap without a gap keep the log from starting anew; when it has grown far, wait for them a moment.
  const bool far = frames_now >= 8 * options_.checkpoint_frames;
  connection_->set_deadline(Deadline::after(far ? restart_patience : std::chrono::milliseconds(0)));
  int frames = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(
      connection_->handle(), "main", far ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
  connection_->set_deadline(Deadline::never());
  // A failed attempt loses nothing, the log stays; another one pays only after it has grown again.
  const bool complete = code == SQLITE_OK && frames == moved;
  checkpoint_at_ = complete ? options_.checkpoint_frames : frames_now + options_.checkpoint_frames;
  if (code == SQLITE_OK) log_frames_ = static_cast<std::uint64_t>(std::max(0, frames - moved));
}

void Writer::serve_transaction() {
  auto begun = begin_transaction();
  if (!begun) return refuse_first(WriteRequest::Kind::transaction, begun.error());
  if (!*begun) return;
  WriteRequest* request = queue_.pop(WriteRequest::Kind::transaction);
  if (request == nullptr) {
    connection_->control_code("ROLLBACK");
    return;
  }
  connection_->set_deadline(Deadline::never());
  request->connection = connection_.get();
  std::unique_lock lock(mutex_);
  handed_over_ = true;
  queue_.set_obstacle(WriteQueue::Obstacle::transaction);
  WriteQueue::finish(*request, {});
  given_back_.wait(lock, [this] { return !handed_over_; });
  lock.unlock();
  queue_.set_obstacle(WriteQueue::Obstacle::none);
  checkpoint_if_long();
}

void Writer::give_back() {
  const std::scoped_lock lock(mutex_);
  handed_over_ = false;
  given_back_.notify_one();
}

void Writer::serve_maintenance() {
  WriteRequest* request = queue_.pop(WriteRequest::Kind::maintenance);
  if (request == nullptr) return;
  WriteQueue::finish(*request, request->maintenance(*connection_));
}

}  // namespace triune::adapters::sqlite
