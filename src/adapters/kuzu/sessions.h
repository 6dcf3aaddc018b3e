// The sessions of one store: one that writes, a few that read, and the gates in front of them.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "adapters/kuzu/engine.h"
#include "adapters/kuzu/turnstile.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

class Sessions {
 public:
  /// A session on loan; the destructor brings it back.
  class Loan {
   public:
    Loan(Loan&&) = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan();
    Session& operator*() const { return *session_; }
    Session* operator->() const { return session_.get(); }

   private:
    friend class Sessions;
    Loan(Sessions& home, bool writes, Turnstile::Pass pass, std::unique_ptr<Session> session)
        : home_(&home), writes_(writes), pass_(std::move(pass)), session_(std::move(session)) {}

    Sessions* home_;
    bool writes_;
    Turnstile::Pass pass_;  // given back after the session is
    std::unique_ptr<Session> session_;
  };

  Sessions(Engine& engine, std::size_t readers) : engine_(engine), write_gate_(1), read_gate_(readers) {}

  /// The writing session; one at a time, in order of arrival.
  Result<Loan> write(Deadline deadline) { return borrow(write_gate_, idle_writer_, true, deadline); }
  /// A reading session.
  Result<Loan> read(Deadline deadline) { return borrow(read_gate_, idle_readers_, false, deadline); }
  /// Until the pass goes, no session reads. Those that come meanwhile wait.
  Result<Turnstile::Pass> quiesce(Deadline deadline) { return read_gate_.enter(read_gate_.total(), deadline); }

 private:
  using Idle = std::vector<std::unique_ptr<Session>>;
  Result<Loan> borrow(Turnstile& gate, Idle& idle, bool writes, Deadline deadline);

  Engine& engine_;
  Turnstile write_gate_;
  Turnstile read_gate_;
  std::mutex mutex_;
  Idle idle_writer_;   // guarded by mutex_
  Idle idle_readers_;  // guarded by mutex_
};

}  // namespace triune::adapters::kuzu
