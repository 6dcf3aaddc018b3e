#include "adapters/lancedb/worker.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "adapters/lancedb/installation.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::lancedb {
namespace {

constexpr std::size_t most_waiting = 64;
constexpr std::int64_t protocol = 1;
constexpr auto patience_at_the_start = std::chrono::seconds(120);
constexpr auto idle_time = std::chrono::minutes(9);  // worker.py ends after ten
constexpr auto longest_silence = std::chrono::seconds(15);
constexpr auto first_pause = std::chrono::milliseconds(100);
constexpr std::uint32_t deaths_without_pause = 2;
constexpr std::uint32_t longest_pause_shift = 8;

std::unexpected<Error> late() {
  return failure(ErrorCode::deadline_exceeded, "LanceDB did not answer before the deadline; ask again");
}

Error died() {
  return {.code = ErrorCode::unavailable,
          .message = "LanceDB's process ended before it answered; the next call starts another",
          .engine = "lancedb",
          .native_code = {},
          .retry = Retry::outcome_unknown};
}

ErrorCode code_named(std::string_view name) {
  for (const auto code :
       {ErrorCode::invalid_argument, ErrorCode::not_found, ErrorCode::conflict, ErrorCode::resource_exhausted,
        ErrorCode::unavailable, ErrorCode::deadline_exceeded, ErrorCode::cancelled, ErrorCode::corruption})
    if (to_string(code) == name) return code;
  return ErrorCode::internal;
}

}  // namespace

std::uint64_t Answer::number(std::string_view name) const {
  const Value* value = find(fields, name);
  const auto* number = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  return number == nullptr ? 0 : static_cast<std::uint64_t>(*number);
}

bool Answer::flag(std::string_view name) const {
  const Value* value = find(fields, name);
  const auto* flag = value == nullptr ? nullptr : std::get_if<bool>(value);
  return flag != nullptr && *flag;
}

std::string Answer::text(std::string_view name) const {
  const Value* value = find(fields, name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? std::string() : *text;
}

Result<std::shared_ptr<Worker>> Worker::shared(const WorkerLimits& limits) {
  static std::mutex mutex;
  static std::shared_ptr<Worker> known;
  TRIUNE_ASSIGN(const auto python, find_python());
  const std::scoped_lock lock(mutex);
  if (!known) known = std::make_shared<Worker>(python, limits);
  return known;
}

Worker::Worker(std::filesystem::path python, const WorkerLimits& limits)
    : python_(std::move(python)), limits_(limits), graphs_(limits.cache_bytes) {}

Worker::~Worker() {
  std::thread starter;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    if (process_) process_->hang_up();
    starter = std::move(starter_);
  }
  started_.notify_all();
  if (starter.joinable()) starter.join();
  if (receiver_.joinable()) receiver_.join();
}

pid_t Worker::process_id() {
  const std::scoped_lock lock(mutex_);
  return running_ ? process_->id() : 0;
}

std::uint64_t Worker::starts() {
  const std::scoped_lock lock(mutex_);
  return starts_;
}

Result<Answer> Worker::call(Record request, const std::vector<std::string>& parts, Deadline deadline) {
  TRIUNE_TRY(ensure_running(deadline));
  return exchange(std::move(request), parts, deadline);
}

Status Worker::ensure_running(Deadline deadline) {
  TRIUNE_TRY(end_if_stuck());
  std::unique_lock lock(mutex_);
  used_ = true;
  last_use_ = Deadline::Clock::now();
  if (ready_) return {};
  if (!starting_ && next_start_ > deadline.at())
    return failure(ErrorCode::unavailable,
                   fmt::format("LanceDB's process ended {} times in a row and rests before it is started again; "
                               "TRIUNE_LANCEDB_LOG names a file for what it says",
                               deaths_));
  if (!starting_) begin_start();
  const auto patience = std::min<Deadline::Clock::duration>(deadline.remaining(), patience_at_the_start);
  if (!started_.wait_for(lock, patience, [this] { return !starting_; })) return late();
  return last_start_;
}

// With mutex_ held, and no start under way.
void Worker::begin_start() {
  if (starter_.joinable()) starter_.join();  // it has nothing left to do
  starting_ = true;
  starter_ = std::thread([this] { start(); });
}

void Worker::start() {
  auto status = start_process();
  {
    const std::scoped_lock lock(mutex_);
    ready_ = status && running_;
    last_start_ = std::move(status);
    starting_ = false;
  }
  started_.notify_all();
}

Status Worker::start_process() {
  {
    std::unique_lock lock(mutex_);
    if (started_.wait_until(lock, next_start_, [this] { return stopping_; })) return std::unexpected(died());
  }
  if (receiver_.joinable()) receiver_.join();
  TRIUNE_ASSIGN(auto made, WorkerProcess::start(python_, limits_));
  const std::shared_ptr<WorkerProcess> process = std::move(made);
  {
    const std::scoped_lock lock(mutex_);
    process_ = process;
    running_ = true;
    used_ = false;
    silent_since_.reset();
    ++starts_;
    if (stopping_) process->hang_up();
  }
  receiver_ = std::thread([this, process] { receive(process); });
  return greet();
}

Status Worker::greet() {
  auto answer = exchange({{"op", std::string("hello")}}, {}, Deadline::after(patience_at_the_start));
  if (answer && answer->number("protocol") == protocol) return {};
  {
    const std::scoped_lock lock(mutex_);
    process_->hang_up();
  }
  if (!answer) {
    answer.error().message =
        fmt::format("LanceDB's process does not start ({}); TRIUNE_LANCEDB_LOG names a file for what it says",
                    answer.error().message);
    return failure_of(answer);
  }
  return failure(ErrorCode::internal, "LanceDB's process speaks another protocol");
}

// A living process answers a cancelled request at once: one that is silent after a missed deadline is stuck.
Status Worker::end_if_stuck() {
  const std::scoped_lock lock(mutex_);
  if (!running_ || !silent_since_ || Deadline::Clock::now() - *silent_since_ < longest_silence) return {};
  silent_since_.reset();
  running_ = ready_ = false;
  kill(process_->id(), SIGKILL);
  process_->hang_up();
  return {};
}

Result<Answer> Worker::exchange(Record request, const std::vector<std::string>& parts, Deadline deadline) {
  const auto waiting = std::make_shared<Waiting>();
  std::shared_ptr<WorkerProcess> process;
  std::uint64_t id = 0;
  {
    std::unique_lock lock(mutex_);
    const auto has_room = [this] { return out_.size() < most_waiting || !running_; };
    if (!room_.wait_for(lock, deadline.remaining(), has_room))
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("{} requests wait for LanceDB's process already; ask less at once", most_waiting));
    if (!running_) return std::unexpected(died());
    process = process_;
    id = ++last_id_;
    out_.emplace(id, waiting);
  }
  request.push_back({"id", static_cast<std::int64_t>(id)});
  if (deadline.is_bounded()) request.push_back({"timeout_ms", std::max<std::int64_t>(deadline.remaining().count(), 1)});
  const auto sent = send(process, request, parts, deadline);
  std::unique_lock lock(mutex_);
  if (sent) waiting->wake.wait_for(lock, deadline.remaining(), [&] { return waiting->done; });
  if (waiting->done) return std::move(waiting->answer);
  out_.erase(id);
  room_.notify_one();
  if (!sent) return std::unexpected(sent.error());
  if (!silent_since_) silent_since_ = Deadline::Clock::now();
  lock.unlock();
  (void)send(process, {{"op", std::string("cancel")}, {"what", static_cast<std::int64_t>(id)}}, {},
             Deadline::after(std::chrono::seconds(1)));
  return late();
}

Status Worker::send(const std::shared_ptr<WorkerProcess>& process, const Record& request,
                    const std::vector<std::string>& parts, Deadline deadline) {
  std::string sizes = "[";
  for (const auto& part : parts) sizes += fmt::format("{}{}", sizes.size() > 1 ? "," : "", part.size());
  Record whole = request;
  whole.push_back({"parts", Json{sizes + "]"}});
  const std::scoped_lock lock(sending_);
  auto status = process->send(to_json(whole), parts, deadline);
  // What was sent in part cannot be taken back. A request that was too large was not begun.
  if (!status && status.error().code != ErrorCode::resource_exhausted) process->hang_up();
  return status;
}

void Worker::receive(const std::shared_ptr<WorkerProcess>& process) {
  while (true) {
    auto frame = process->receive();
    if (!frame) break;
    deliver(*frame);
  }
  mourn();
}

void Worker::deliver(const Frame& frame) {
  auto fields = model::parse_json_object(frame.header);
  if (!fields) return;
  Answer answer{.fields = std::move(*fields), .batch = frame.body};
  const std::scoped_lock lock(mutex_);
  silent_since_.reset();
  deaths_ = 0;
  const auto at = out_.find(answer.number("id"));
  if (at == out_.end()) return;  // its deadline passed
  Waiting& waiting = *at->second;
  if (answer.flag("ok"))
    waiting.answer = std::move(answer);
  else
    waiting.answer = std::unexpected(Error{.code = code_named(answer.text("code")),
                                           .message = "LanceDB: " + answer.text("message"),
                                           .engine = "lancedb",
                                           .native_code = answer.text("native")});
  waiting.done = true;
  waiting.wake.notify_all();
  out_.erase(at);
  room_.notify_one();
}

void Worker::mourn() {
  const std::scoped_lock lock(mutex_);
  running_ = ready_ = false;
  ++deaths_;
  if (deaths_ > deaths_without_pause)
    next_start_ = Deadline::Clock::now() + first_pause * (1U << std::min(deaths_, longest_pause_shift));
  for (auto& [id, waiting] : out_) {
    waiting->answer = std::unexpected(died());
    waiting->done = true;
    waiting->wake.notify_all();
  }
  out_.clear();
  room_.notify_all();
  // The next search should not have to wait for it. One that ended because nobody asked anything is not missed.
  const bool is_missed = used_ && Deadline::Clock::now() - last_use_ < idle_time;
  if (is_missed && !starting_ && !stopping_) begin_start();
}

}  // namespace triune::adapters::lancedb
