#include "adapters/kuzu/sessions.h"

#include "base/try.h"

namespace triune::adapters::kuzu {

Sessions::Loan::~Loan() {
  if (session_ == nullptr) return;  // moved away
  const std::scoped_lock lock(home_->mutex_);
  (writes_ ? home_->idle_writer_ : home_->idle_readers_).push_back(std::move(session_));
}

Result<Sessions::Loan> Sessions::borrow(Turnstile& gate, Idle& idle, bool writes, Deadline deadline) {
  TRIUNE_ASSIGN(auto pass, gate.enter(1, deadline));
  std::unique_ptr<Session> session;
  {
    const std::scoped_lock lock(mutex_);
    if (!idle.empty()) {
      session = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (session == nullptr) {
    TRIUNE_ASSIGN(session, engine_.connect());
  }
  session->set_deadline(deadline);
  return Loan(*this, writes, std::move(pass), std::move(session));
}

}  // namespace triune::adapters::kuzu
