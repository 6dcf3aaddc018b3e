// Drives one projection: a thread that keeps it up with the log, and the waiting for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "projection/projection.h"

namespace triune::projection {

/// Thread rule: any thread; the projection itself is only touched under `work_mutex_`.
class ProjectionWorker {
 public:
  /// Takes the projection and starts nothing.
  ProjectionWorker(contract::RelationalStore& canonical, std::unique_ptr<Projection> projection);
  ~ProjectionWorker();  ///< Stops after the step in flight and saves.
  ProjectionWorker(const ProjectionWorker&) = delete;
  ProjectionWorker& operator=(const ProjectionWorker&) = delete;

  /// Starts the thread; idempotent.
  void start();
  /// Stops after the step in flight, saves; idempotent.
  void stop();
  /// Tells that the log grew to `head` at least.
  void notify(std::uint64_t head);

  /// How much a waiter bears: who can ask the canonical store instead does not wait for a rebuild (I4).
  enum class Patience { until_given_up, until_out_of_service };

  /// Blocks until the watermark is `lsn` or more. Errors: `deadline_exceeded`; `unavailable` when the projection was
  /// given up or, for the less patient, is quarantined or being made anew; `cancelled` on `stop`.
  Status wait_for(std::uint64_t lsn, Deadline deadline, Patience patience = Patience::until_given_up);
  /// Blocks until the engine can answer at all, whatever its watermark.
  Status wait_until_open(Deadline deadline) { return wait_for(0, deadline); }

  /// As last known, at once.
  [[nodiscard]] ProjectionStatus status() const;
  /// With the entities counted now; waits for the step in flight.
  [[nodiscard]] ProjectionStatus exact_status();
  [[nodiscard]] std::uint64_t watermark() const;
  Projection& projection() { return *projection_; }

  /// Brings the projection to the head and compares it, with nobody else applying meanwhile.
  Result<Differences> verify(bool repair, const Progress& progress);
  /// Makes it anew now, in the calling thread.
  Status rebuild(const Progress& progress);
  /// Reports a failure met by a reader, so that the engine is set aside and made anew (I4).
  void report_failure(const Error& error);
  /// Lowest lsn that must stay in the log for this projection.
  Result<std::uint64_t> durable_watermark();

  /// Opens the projection in the calling thread, or makes it anew, unless it is open. Before `start`, so that
  /// `progress` is told and an error comes back: `deadline_exceeded` too, after which it may be called again.
  Status bring_up(const Progress& progress, Deadline deadline);
  /// Whether it holds everything up to `lsn`, now.
  [[nodiscard]] bool holds(std::uint64_t lsn) const;
  /// From now on `successor`, which outlives it, stands for it: for whoever waits for it, and for every call but
  /// `status` and `watermark`. The thread closes the projection and removes its files.
  void retire(ProjectionWorker& successor);
  /// After `retire`: until that is done. Error: `deadline_exceeded`, `cancelled` on `stop`.
  Status wait_until_gone(Deadline deadline);
  [[nodiscard]] bool is_gone() const;

  /// Saves and closes the engine, which gives its memory back. It is opened again, and brought to the head, for whoever
  /// waits for it or after `wake`. Waits for the step in flight.
  Status put_to_sleep();
  void wake();

  /// While one exists, and for a moment after unless somebody waits, the thread applies nothing: a load pauses it, and
  /// what it and the next one wrote is projected once.
  class Pause {
   public:
    explicit Pause(ProjectionWorker& worker);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    ProjectionWorker& worker_;
  };

 private:
  void run();
  Status step();
  Status open_or_rebuild(const Progress& progress = {}, Deadline deadline = Deadline::never());
  /// Who stands for it, if it was retired.
  [[nodiscard]] ProjectionWorker* successor() const;
  void remove_files();
  Status rebuild_locked(const Progress& progress, Deadline deadline = Deadline::never());
  void fail(const Error& error);
  void step_failed(const Error& error);
  [[nodiscard]] bool given_up() const;        // with state_mutex_
  [[nodiscard]] bool may_sleep() const;       // with state_mutex_
  [[nodiscard]] bool out_of_service() const;  // with state_mutex_
  [[nodiscard]] Error not_reached(std::uint64_t lsn) const;
  void set_state(ProjectionState state, const std::string& error = {});
  void advance(std::uint64_t watermark, std::uint64_t head);
  void rest();
  std::chrono::milliseconds rest_interval();  // with state_mutex_
  void rest_while_paused(std::unique_lock<std::mutex>& lock);
  void recount();

  /// One step of catching up; false when the head was reached.
  Result<bool> catch_up(contract::RelationalSession& session);

  contract::RelationalStore& canonical_;
  std::unique_ptr<Projection> projection_;
  std::mutex work_mutex_;           // held while the projection works
  mutable std::mutex state_mutex_;  // guards everything below
  std::condition_variable changed_;
  std::thread thread_;
  ProjectionState state_ = ProjectionState::behind;
  std::string error_;
  std::uint64_t watermark_ = 0;
  std::uint64_t head_ = 0;
  std::uint64_t entities_ = 0;
  std::uint64_t set_aside_ = 0;
  Deadline::Clock::time_point counted_at_{};
  unsigned failures_ = 0;         // in a row
  unsigned hiccups_ = 0;          // in a row, guarded by work_mutex_
  std::uint64_t attempts_ = 0;    // that failed, ever
  unsigned unsettled_rests_ = 0;  // in a row
  Deadline::Clock::time_point stepped_at_;
  unsigned pauses_ = 0;
  unsigned waiters_ = 0;
  ProjectionWorker* successor_ = nullptr;
  bool gone_ = false;
  bool opened_ = false;
  bool asleep_ = false;
  bool stopping_ = false;
  bool woken_ = false;
  bool retry_requested_ = false;
  std::string reported_failure_;
};

}  // namespace triune::projection
