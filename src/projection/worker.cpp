#include "projection/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/memory.h"
#include "base/try.h"

namespace triune::projection {
namespace {

// Other programs write to the canonical store without telling us; so the log is looked at this often (I2).
constexpr std::chrono::milliseconds poll_interval{50};
// A commit that is notified of is soon settled, unless an older transaction goes on: then the wait grows.
constexpr std::chrono::milliseconds settle_interval{1};
// Commits that follow each other closely are taken together, unless somebody waits for one.
constexpr std::chrono::milliseconds gather_interval{5};
constexpr std::chrono::minutes step_deadline{2};
// Loads come one after the other, nodes before edges.
constexpr std::chrono::milliseconds linger{300};
// Counting costs the graph engine a few milliseconds.
constexpr std::chrono::seconds count_interval{1};
// So many failures in a row, and waiters are told; the projection is still tried now and then.
constexpr unsigned failure_limit = 6;
// So many failures in a row that the engine calls worth a retry are not held against it.
constexpr unsigned hiccup_limit = 5;
constexpr std::chrono::milliseconds long_pause{30'000};

std::chrono::milliseconds pause_after(unsigned failures) {
  return std::chrono::milliseconds(100) * (1U << std::min(failures, 8U));
}

}  // namespace

ProjectionWorker::ProjectionWorker(contract::RelationalStore& canonical, std::unique_ptr<Projection> projection)
    : canonical_(canonical), projection_(std::move(projection)) {}

ProjectionWorker::~ProjectionWorker() {
  stop();
}

void ProjectionWorker::start() {
  const std::scoped_lock lock(state_mutex_);
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
}

void ProjectionWorker::stop() {
  std::thread finished;
  {
    const std::scoped_lock lock(state_mutex_);
    stopping_ = true;
    finished = std::move(thread_);
  }
  changed_.notify_all();
  if (!finished.joinable()) return;
  finished.join();
  const std::scoped_lock work(work_mutex_);
  if (auto saved = projection_->save(true); !saved) set_state(ProjectionState::quarantined, saved.error().message);
}

void ProjectionWorker::notify(std::uint64_t head) {
  {
    const std::scoped_lock lock(state_mutex_);
    head_ = std::max(head_, head);
    woken_ = true;
    if (state_ == ProjectionState::current && watermark_ < head_) state_ = ProjectionState::behind;
  }
  changed_.notify_all();
}

bool ProjectionWorker::given_up() const {
  return state_ == ProjectionState::quarantined && failures_ >= failure_limit;
}

bool ProjectionWorker::may_sleep() const {
  return asleep_ && waiters_ == 0 && !stopping_;
}

bool ProjectionWorker::out_of_service() const {
  return !opened_ && (state_ == ProjectionState::quarantined || state_ == ProjectionState::rebuilding);
}

Error ProjectionWorker::not_reached(std::uint64_t lsn) const {
  Error error{.code = ErrorCode::deadline_exceeded,
              .message = fmt::format("{} has reached lsn {} and {} was asked for ({})", projection_->name(), watermark_,
                                     lsn, to_string(state_)),
              .engine = projection_->engine(),
              .native_code = {}};
  error.retry = Retry::safe;
  return error;
}

Status ProjectionWorker::wait_for(std::uint64_t lsn, Deadline deadline, Patience patience) {
  std::unique_lock lock(state_mutex_);
  const auto attempts = attempts_;
  const auto reached = [&] { return opened_ && watermark_ >= lsn; };
  const auto hopeless = [&] {
    if (patience == Patience::until_out_of_service) return out_of_service();
    return given_up() && attempts_ > attempts;
  };
  const auto over = [&] {
    // What was given up is tried once more for whoever asks: the outage may be over.
    if (given_up() && attempts_ == attempts && !retry_requested_) {
      retry_requested_ = true;
      changed_.notify_all();
    }
    return reached() || stopping_ || hopeless() || successor_ != nullptr;
  };
  if (!over()) {
    ++waiters_;
    changed_.notify_all();
    if (deadline.is_bounded())
      changed_.wait_until(lock, deadline.at(), over);
    else
      changed_.wait(lock, over);
    --waiters_;
  }
  if (auto* const next = successor_; next != nullptr) {
    lock.unlock();
    return next->wait_for(lsn, deadline, patience);
  }
  if (reached()) return {};
  if (stopping_) return failure(ErrorCode::cancelled, "the hive is closing");
  if (hopeless() && state_ == ProjectionState::rebuilding)
    return failure(ErrorCode::unavailable, fmt::format("{} is being made anew; ask again soon", projection_->name()));
  if (hopeless())
    return failure(ErrorCode::unavailable, fmt::format("{} is quarantined: {}; run `triune rebuild {}`",
                                                       projection_->name(), error_, projection_->name()));
  return std::unexpected<Error>(not_reached(lsn));
}

ProjectionStatus ProjectionWorker::status() const {
  const std::scoped_lock lock(state_mutex_);
  return {.name = projection_->name(),
          .organization = {},
          .engine = projection_->engine(),
          .watermark = watermark_,
          .state = state_,
          .entities = entities_,
          .set_aside = set_aside_,
          .error = error_};
}

std::uint64_t ProjectionWorker::watermark() const {
  const std::scoped_lock lock(state_mutex_);
  return watermark_;
}

void ProjectionWorker::set_state(ProjectionState state, const std::string& error) {
  {
    const std::scoped_lock lock(state_mutex_);
    state_ = state;
    error_ = error;
  }
  changed_.notify_all();
}

void ProjectionWorker::recount() {
  auto counted = projection_->count();
  const std::scoped_lock lock(state_mutex_);
  counted_at_ = Deadline::Clock::now();
  if (counted) std::tie(entities_, set_aside_) = *counted;
}

ProjectionStatus ProjectionWorker::exact_status() {
  {
    std::unique_lock work(work_mutex_);
    if (auto* const next = successor(); next != nullptr) {
      work.unlock();
      return next->exact_status();
    }
    recount();
  }
  return status();
}

void ProjectionWorker::advance(std::uint64_t watermark, std::uint64_t head) {
  bool count_now = false;
  {
    const std::scoped_lock lock(state_mutex_);
    count_now = !opened_ || (watermark_ != watermark && Deadline::Clock::now() - counted_at_ > count_interval);
  }
  // Before the waiters wake, so that a receipt they write shows it.
  if (count_now) recount();
  {
    const std::scoped_lock lock(state_mutex_);
    opened_ = true;
    watermark_ = watermark;
    head_ = std::max(head_, head);
    state_ = watermark_ >= head_ ? ProjectionState::current : ProjectionState::behind;
    error_.clear();
    failures_ = 0;
    hiccups_ = 0;
  }
  changed_.notify_all();
}

void ProjectionWorker::fail(const Error& error) {
  bool first = false;
  {
    const std::scoped_lock lock(state_mutex_);
    first = ++failures_ == 1;
    // An engine that is not installed does not come by waiting.
    if (error.code == ErrorCode::unsupported) failures_ = std::max(failures_, failure_limit);
    ++attempts_;
    opened_ = false;
    state_ = ProjectionState::quarantined;
    error_ = error.message;
  }
  changed_.notify_all();
  // The files are moved aside only once: what follows are failures of the rebuild, which has its own directory. Those
  // of an engine that is not installed here are as good as they were.
  if (!first || error.code == ErrorCode::unsupported) return;
  if (auto aside = projection_->quarantine(error.message); !aside)
    set_state(ProjectionState::quarantined, aside.error().message);
}

void ProjectionWorker::step_failed(const Error& error) {
  const std::scoped_lock work(work_mutex_);
  const bool engine_failed = error.engine == projection_->engine();
  if (error.retry != Retry::safe || (engine_failed && hiccups_ >= hiccup_limit)) return fail(error);
  // A canonical store that was busy is no failure of the projection; the next look retries, as it does a few times for
  // the engine, whose files would be made anew for nothing.
  if (engine_failed) ++hiccups_;
  const std::scoped_lock lock(state_mutex_);
  state_ = ProjectionState::behind;
  error_ = error.message;
}

Status ProjectionWorker::rebuild_locked(const Progress& progress, Deadline deadline) {
  set_state(ProjectionState::rebuilding);
  TRIUNE_ASSIGN(const std::uint64_t watermark, projection_->rebuild(progress, deadline));
  advance(watermark, watermark);
  base::release_free_memory();
  return {};
}

Status ProjectionWorker::open_or_rebuild(const Progress& progress, Deadline deadline) {
  {
    const std::scoped_lock lock(state_mutex_);
    if (opened_) return {};
  }
  TRIUNE_ASSIGN(const auto watermark, projection_->open());
  if (!watermark) return rebuild_locked(progress, deadline);
  advance(*watermark, *watermark);
  return {};
}

Status ProjectionWorker::bring_up(const Progress& progress, Deadline deadline) {
  const std::scoped_lock work(work_mutex_);
  return open_or_rebuild(progress, deadline);
}

bool ProjectionWorker::holds(std::uint64_t lsn) const {
  const std::scoped_lock lock(state_mutex_);
  return opened_ && watermark_ >= lsn;
}

Result<bool> ProjectionWorker::catch_up(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const Step applied, projection_->apply_next(session, watermark()));
  if (applied.rebuild) {
    TRIUNE_TRY(rebuild_locked({}));
    return true;
  }
  advance(applied.watermark, applied.head);
  return applied.watermark < applied.head;
}

Status ProjectionWorker::step() {
  const std::scoped_lock work(work_mutex_);
  {
    const std::scoped_lock lock(state_mutex_);
    if (may_sleep() || successor_ != nullptr) return {};
    asleep_ = false;
  }
  TRIUNE_TRY(open_or_rebuild());
  for (;;) {
    TRIUNE_ASSIGN(const auto session, canonical_.read(contract::ReadScope::internal, Deadline::after(step_deadline)));
    TRIUNE_ASSIGN(const bool more, catch_up(*session));
    const std::scoped_lock lock(state_mutex_);
    if (!more || stopping_ || pauses_ > 0 || successor_ != nullptr) break;
  }
  return projection_->save(false);
}

std::chrono::milliseconds ProjectionWorker::rest_interval() {
  unsettled_rests_ = watermark_ < head_ && opened_ ? unsettled_rests_ + 1 : 0;
  if (unsettled_rests_ == 0) return poll_interval;
  return std::min(poll_interval, settle_interval * (1U << std::min(unsettled_rests_ / 4, 6U)));
}

void ProjectionWorker::rest() {
  std::unique_lock lock(state_mutex_);
  const auto over = [&] { return stopping_ || successor_ != nullptr; };
  if (failures_ > 0)
    changed_.wait_for(lock, failures_ < failure_limit ? pause_after(failures_) : long_pause,
                      [&] { return over() || retry_requested_; });
  else
    changed_.wait_for(lock, rest_interval(), [&] { return over() || woken_; });
  if (woken_)
    changed_.wait_until(lock, stepped_at_ + gather_interval, [&] { return over() || waiters_ > 0 || pauses_ > 0; });
  rest_while_paused(lock);
  changed_.wait(lock, [&] { return over() || !may_sleep() || !reported_failure_.empty(); });
  stepped_at_ = Deadline::Clock::now();
  woken_ = false;
  retry_requested_ = false;
}

void ProjectionWorker::rest_while_paused(std::unique_lock<std::mutex>& lock) {
  const auto over = [&] { return stopping_ || successor_ != nullptr; };
  while (pauses_ > 0 && !over()) {
    changed_.wait(lock, [&] { return over() || pauses_ == 0; });
    changed_.wait_for(lock, linger, [&] { return over() || pauses_ > 0 || waiters_ > 0; });
  }
}

void ProjectionWorker::run() {
  for (;;) {
    std::string reported;
    {
      const std::scoped_lock lock(state_mutex_);
      if (stopping_) return;
      reported = std::exchange(reported_failure_, {});
    }
    if (successor() != nullptr) return remove_files();
    if (!reported.empty()) {
      const std::scoped_lock work(work_mutex_);
      fail(Error{.code = ErrorCode::corruption, .message = reported, .engine = {}, .native_code = {}});
    }
    if (const auto done = step(); !done) step_failed(done.error());
    rest();
  }
}

ProjectionWorker* ProjectionWorker::successor() const {
  const std::scoped_lock lock(state_mutex_);
  return successor_;
}

void ProjectionWorker::retire(ProjectionWorker& successor) {
  {
    const std::scoped_lock lock(state_mutex_);
    successor_ = &successor;
  }
  changed_.notify_all();
  start();
}

void ProjectionWorker::remove_files() {
  {
    const std::scoped_lock work(work_mutex_);
    // What cannot be removed now goes when the hive is opened next.
    static_cast<void>(projection_->remove());
  }
  {
    const std::scoped_lock lock(state_mutex_);
    gone_ = true;
    opened_ = false;
  }
  changed_.notify_all();
}

bool ProjectionWorker::is_gone() const {
  const std::scoped_lock lock(state_mutex_);
  return gone_;
}

Status ProjectionWorker::wait_until_gone(Deadline deadline) {
  std::unique_lock lock(state_mutex_);
  const auto over = [&] { return gone_ || stopping_; };
  if (deadline.is_bounded())
    changed_.wait_until(lock, deadline.at(), over);
  else
    changed_.wait(lock, over);
  if (gone_) return {};
  if (stopping_) return failure(ErrorCode::cancelled, "the hive is closing");
  return failure(ErrorCode::deadline_exceeded,
                 fmt::format("{} in {} is still being read", projection_->name(), projection_->engine()));
}

Result<Differences> ProjectionWorker::verify(bool repair, const Progress& progress) {
  std::unique_lock work(work_mutex_);
  if (auto* const next = successor(); next != nullptr) {
    work.unlock();
    return next->verify(repair, progress);
  }
  TRIUNE_TRY(open_or_rebuild());
  for (;;) {
    TRIUNE_ASSIGN(const auto session, canonical_.read(contract::ReadScope::internal, Deadline::never()));
    TRIUNE_ASSIGN(const Step applied, projection_->apply_next(*session, watermark()));
    if (applied.rebuild) {
      TRIUNE_TRY(rebuild_locked(progress));
      continue;
    }
    advance(applied.watermark, applied.head);
    if (applied.watermark < applied.head) continue;
    auto differences = projection_->verify(*session, repair, progress);
    if (differences && repair) advance(applied.watermark, applied.head);
    return differences;
  }
}

Status ProjectionWorker::rebuild(const Progress& progress) {
  std::unique_lock work(work_mutex_);
  if (auto* const next = successor(); next != nullptr) {
    work.unlock();
    return next->rebuild(progress);
  }
  auto rebuilt = rebuild_locked(progress);
  if (!rebuilt) set_state(ProjectionState::quarantined, rebuilt.error().message);
  return rebuilt;
}

void ProjectionWorker::report_failure(const Error& error) {
  {
    const std::scoped_lock lock(state_mutex_);
    reported_failure_ = error.message;
    woken_ = true;
  }
  changed_.notify_all();
}

Status ProjectionWorker::put_to_sleep() {
  {
    const std::scoped_lock lock(state_mutex_);
    asleep_ = true;
  }
  std::unique_lock work(work_mutex_);
  if (auto* const next = successor(); next != nullptr) {
    work.unlock();
    return next->put_to_sleep();
  }
  TRIUNE_TRY(projection_->save(true));
  projection_->close();
  {
    const std::scoped_lock lock(state_mutex_);
    opened_ = false;
    if (state_ == ProjectionState::current) state_ = ProjectionState::behind;
  }
  base::release_free_memory();
  return {};
}

void ProjectionWorker::wake() {
  {
    const std::scoped_lock lock(state_mutex_);
    asleep_ = false;
    woken_ = true;
  }
  changed_.notify_all();
}

Result<std::uint64_t> ProjectionWorker::durable_watermark() {
  std::unique_lock work(work_mutex_);
  if (auto* const next = successor(); next != nullptr) {
    work.unlock();
    return next->durable_watermark();
  }
  {
    const std::scoped_lock lock(state_mutex_);
    if (!opened_) return 0;
  }
  return projection_->durable_watermark();
}

ProjectionWorker::Pause::Pause(ProjectionWorker& worker) : worker_(worker) {
  const std::scoped_lock lock(worker_.state_mutex_);
  ++worker_.pauses_;
}

ProjectionWorker::Pause::~Pause() {
  {
    const std::scoped_lock lock(worker_.state_mutex_);
    --worker_.pauses_;
    worker_.woken_ = true;
  }
  worker_.changed_.notify_all();
}

}  // namespace triune::projection
