#include "runtime/guarded_store.h"

#include <optional>
#include <thread>
#include <utility>

#include "base/try.h"
#include "runtime/guarded_session.h"

namespace triune::runtime {
namespace {

using contract::ReadScope;
using contract::RelationalSession;
using contract::RelationalStore;
using contract::RelationalTransaction;

/// Its session, commit and rollback count together as one call.
class GuardedTransaction final : public RelationalTransaction {
 public:
  GuardedTransaction(std::unique_ptr<RelationalTransaction> transaction, CircuitBreaker::Permit permit)
      : transaction_(std::move(transaction)), session_(transaction_->session(), std::move(permit)) {}

  RelationalSession& session() override { return session_; }
  Status trust_rows() override { return transaction_->trust_rows(); }
  Status commit() override { return session_.noted(transaction_->commit()); }
  Status rollback() override { return session_.noted(transaction_->rollback()); }

 private:
  std::unique_ptr<RelationalTransaction> transaction_;
  GuardedSession session_;
};

class GuardedStore final : public RelationalStore {
 public:
  GuardedStore(std::unique_ptr<RelationalStore> store, const GuardSettings& settings,
               const GuardSurroundings& surroundings);

  [[nodiscard]] contract::RelationalCapabilities capabilities() const override { return store_->capabilities(); }
  Result<std::unique_ptr<RelationalSession>> read(ReadScope scope, Deadline deadline,
                                                  contract::TableFunctions* functions,
                                                  std::source_location place) override;
  Status write(const contract::WriteJob& job, Deadline deadline, contract::WriteMode mode,
               std::source_location place) override;
  Result<std::unique_ptr<RelationalTransaction>> begin(Deadline deadline, std::source_location place) override;
  Status run_outside(std::string_view sql, Deadline deadline) override;
  Result<bool> is_read_only(std::string_view sql, Deadline deadline) override;
  Result<std::vector<contract::ColumnDescription>> describe(std::string_view table) override;
  Result<contract::RelationalStatistics> statistics() override;
  contract::Health health() override { return store_->health(); }
  Status checkpoint() override { return store_->checkpoint(); }
  Result<std::unique_ptr<contract::ChangeSignal>> change_signal(const std::string& channel,
                                                                contract::SignalHeard heard) override {
    return store_->change_signal(channel, std::move(heard));
  }

 private:
  /// Whether `error`, of a call begun at `began`, says that no connection came.
  [[nodiscard]] bool waited_in_vain(const Error& error, CircuitBreaker::Clock::time_point began) const;
  /// Makes a call without a session, and tells the breaker.
  template <class Call>
  auto guarded(CircuitBreaker::Permit permit, const Call& call) -> decltype(call());

  std::unique_ptr<RelationalStore> store_;
  const std::chrono::milliseconds patience_;
  const CircuitBreaker::Now now_;
  CircuitBreaker reads_;
  CircuitBreaker writes_;
  RetryPolicy retry_;
};

CircuitBreaker::Settings named(CircuitBreaker::Settings settings, const std::string& node, const char* role) {
  settings.name = node + "/" + role;
  return settings;
}

RetryPolicy::Surroundings retry_surroundings(const GuardSurroundings& surroundings) {
  auto sleep = surroundings.sleep;
  if (!sleep) sleep = [](std::chrono::milliseconds pause) { std::this_thread::sleep_for(pause); };
  return {.now = surroundings.now, .random = surroundings.random, .sleep = std::move(sleep)};
}

GuardedStore::GuardedStore(std::unique_ptr<RelationalStore> store, const GuardSettings& settings,
                           const GuardSurroundings& surroundings)
    : store_(std::move(store)),
      patience_(settings.patience),
      now_(surroundings.now),
      reads_(named(settings.breaker, settings.node, "read"), now_, surroundings.random),
      writes_(named(settings.breaker, settings.node, "write"), now_, surroundings.random),
      retry_(settings.retry, retry_surroundings(surroundings)) {}

bool GuardedStore::waited_in_vain(const Error& error, CircuitBreaker::Clock::time_point began) const {
  return error.code == ErrorCode::deadline_exceeded && error.retry == Retry::safe && now_() - began >= patience_;
}

template <class Call>
auto GuardedStore::guarded(CircuitBreaker::Permit permit, const Call& call) -> decltype(call()) {
  const auto began = now_();
  auto result = call();
  if (result || !(blames_store(result.error()) || waited_in_vain(result.error(), began)))
    permit.succeeded();
  else
    permit.failed(result.error());
  return result;
}

Result<std::unique_ptr<RelationalSession>> GuardedStore::read(ReadScope scope, Deadline deadline,
                                                              contract::TableFunctions* functions,
                                                              std::source_location place) {
  TRIUNE_ASSIGN(auto permit, reads_.admit());
  const auto began = now_();
  auto session = store_->read(scope, deadline, functions, place);
  if (session) return std::make_unique<GuardedSession>(std::move(*session), std::move(permit));
  if (blames_store(session.error()) || waited_in_vain(session.error(), began)) permit.failed(session.error());
  return session;
}

Result<std::unique_ptr<RelationalTransaction>> GuardedStore::begin(Deadline deadline, std::source_location place) {
  TRIUNE_ASSIGN(auto permit, writes_.admit());
  const auto began = now_();
  auto transaction = store_->begin(deadline, place);
  if (transaction) return std::make_unique<GuardedTransaction>(std::move(*transaction), std::move(permit));
  if (blames_store(transaction.error()) || waited_in_vain(transaction.error(), began))
    permit.failed(transaction.error());
  return transaction;
}

Status GuardedStore::write(const contract::WriteJob& job, Deadline deadline, contract::WriteMode mode,
                           std::source_location place) {
  // What the breaker refuses is not repeated here: it is to fail at once.
  std::optional<Status> refused;
  auto done = retry_.run(deadline, false, [&]() -> Status {
    auto permit = writes_.admit();
    if (!permit) {
      refused = failure_of(permit);
      return {};
    }
    return guarded(std::move(*permit), [&] { return store_->write(job, deadline, mode, place); });
  });
  return refused ? std::move(*refused) : std::move(done);
}

Status GuardedStore::run_outside(std::string_view sql, Deadline deadline) {
  TRIUNE_ASSIGN(auto permit, writes_.admit());
  return guarded(std::move(permit), [&] { return store_->run_outside(sql, deadline); });
}

Result<bool> GuardedStore::is_read_only(std::string_view sql, Deadline deadline) {
  TRIUNE_ASSIGN(auto permit, reads_.admit());
  return guarded(std::move(permit), [&] { return store_->is_read_only(sql, deadline); });
}

Result<std::vector<contract::ColumnDescription>> GuardedStore::describe(std::string_view table) {
  TRIUNE_ASSIGN(auto permit, reads_.admit());
  return guarded(std::move(permit), [&] { return store_->describe(table); });
}

Result<contract::RelationalStatistics> GuardedStore::statistics() {
  TRIUNE_ASSIGN(auto statistics, store_->statistics());
  statistics.breakers.push_back(reads_.statistics());
  statistics.breakers.push_back(writes_.statistics());
  return statistics;
}

}  // namespace

std::unique_ptr<RelationalStore> guard(std::unique_ptr<RelationalStore> store, const GuardSettings& settings) {
  return guard(std::move(store), settings, {});
}

std::unique_ptr<RelationalStore> guard(std::unique_ptr<RelationalStore> store, const GuardSettings& settings,
                                       const GuardSurroundings& surroundings) {
  return std::make_unique<GuardedStore>(std::move(store), settings, surroundings);
}

}  // namespace triune::runtime
