// LanceDB's process, kept running: requests from any thread, answers as they come, a new process when one died.
//
// All stores of a program share one process: it costs 200 MB and seconds to start, and names its tables in full.
//
// Invariants
//  1. A request is answered once: by its frame, by the end of its process, or by its deadline.
//  2. At most `most_waiting` requests are out; more wait, with their deadlines.
//  3. Only the starter thread starts a process: whoever needs one waits for it no longer than his deadline.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/lancedb/index_choice.h"
#include "adapters/lancedb/worker_process.h"
#include "triune/deadline.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::lancedb {

/// What the process said: the answer's fields, and its record batch (empty when there is none).
struct Answer {
  Record fields;
  std::string batch;

  /// A number among the fields; 0 when it is not there.
  [[nodiscard]] std::uint64_t number(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  /// A text among the fields; empty when it is not there.
  [[nodiscard]] std::string text(std::string_view name) const;
};

/// Thread rule: any thread.
class Worker {
 public:
  /// The program's worker, kept until its end. Starts no process yet; one that is idle for minutes ends by itself.
  /// Errors: `unsupported` (not installed).
  static Result<std::shared_ptr<Worker>> shared(const WorkerLimits& limits);

  Worker(std::filesystem::path python, const WorkerLimits& limits);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /// Sends a request and waits for its answer. `request` has "op" and what worker.py reads; the parts are Arrow
  /// messages. Errors: the process's own; `deadline_exceeded`; `unavailable` when it died, with retry
  /// `outcome_unknown`; `resource_exhausted` when too many wait.
  Result<Answer> call(Record request, const std::vector<std::string>& parts, Deadline deadline);

  /// What of the process's cache graphs take.
  [[nodiscard]] GraphRoom& graphs() { return graphs_; }
  /// The running process; 0 when none runs. For tests and status.
  [[nodiscard]] pid_t process_id();
  /// How often a process was started.
  [[nodiscard]] std::uint64_t starts();

 private:
  struct Waiting {
    std::condition_variable wake;
    bool done = false;
    Result<Answer> answer;
  };

  Status ensure_running(Deadline deadline);
  void begin_start();
  void start();
  Status start_process();
  Status greet();
  Result<Answer> exchange(Record request, const std::vector<std::string>& parts, Deadline deadline);
  Status send(const std::shared_ptr<WorkerProcess>& process, const Record& request,
              const std::vector<std::string>& parts, Deadline deadline);
  Status end_if_stuck();
  void receive(const std::shared_ptr<WorkerProcess>& process);
  void deliver(const Frame& frame);
  void mourn();

  const std::filesystem::path python_;
  const WorkerLimits limits_;
  GraphRoom graphs_;
  std::mutex sending_;    ///< Held while a frame is written.
  std::thread receiver_;  ///< Belongs to the starter, and to the destructor after it.

  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable started_;                        ///< A start succeeded or failed, or must not go on.
  std::thread starter_;                                    // guarded by mutex_
  bool starting_ = false;                                  // guarded by mutex_: the starter is at work
  bool stopping_ = false;                                  // guarded by mutex_: no process is started any more
  bool used_ = false;                                      // guarded by mutex_: the process was asked something
  Deadline::Clock::time_point last_use_;                   // guarded by mutex_
  Status last_start_;                                      // guarded by mutex_: what became of it
  std::shared_ptr<WorkerProcess> process_;                 // guarded by mutex_; null before the first start
  bool running_ = false;                                   // guarded by mutex_: no end was seen
  bool ready_ = false;                                     // guarded by mutex_: it runs, and has said hello
  std::map<std::uint64_t, std::shared_ptr<Waiting>> out_;  // guarded by mutex_: requests without an answer
  std::uint64_t last_id_ = 0;                              // guarded by mutex_
  std::uint64_t starts_ = 0;                               // guarded by mutex_
  std::uint32_t deaths_ = 0;                               // guarded by mutex_: since the last answer
  Deadline::Clock::time_point next_start_;                 // guarded by mutex_
  std::optional<Deadline::Clock::time_point>
      silent_since_;  // guarded by mutex_: a deadline passed, no frame came since
};

}  // namespace triune::adapters::lancedb
