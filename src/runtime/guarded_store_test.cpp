#include "runtime/guarded_store.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <vector>

namespace triune::runtime {
namespace {

using namespace std::chrono_literals;
using contract::ReadScope;
using State = CircuitBreaker::State;

/// How calls of the scripted store go: an error, or success when empty.
using Answer = std::optional<Error>;

struct Script {
  std::deque<Answer> answers;  ///< The next calls; success when used up.
  int asked = 0;
  CircuitBreaker::Clock::time_point now = CircuitBreaker::Clock::now();
  std::chrono::milliseconds call_time{0};
  std::vector<std::string> borrowers;  ///< Functions that asked for a session.

  Status next() {
    ++asked;
    now += call_time;
    if (answers.empty()) return {};
    const auto answer = answers.front();
    answers.pop_front();
    if (answer) return std::unexpected(*answer);
    return {};
  }
  template <class T>
  Result<T> next(T value) {
    auto status = next();
    if (!status) return failure_of(status);
    return value;
  }
};

class ScriptedSession final : public contract::RelationalSession {
 public:
  explicit ScriptedSession(Script& script) : RelationalSession(contract::Dialect::postgres), script_(script) {}
  Result<RowSet> query(std::string_view, std::span<const Value>, std::size_t) override {
    return script_.next(RowSet());
  }
  Status visit(std::string_view, std::span<const Value>, const contract::RowVisitor&) override {
    return script_.next();
  }
  Result<std::uint64_t> execute(std::string_view, std::span<const Value>) override {
    return script_.next(std::uint64_t{1});
  }
  Status execute_soon(std::string_view, std::span<const Value>, contract::LateAnswer) override {
    return script_.next();
  }
  Result<std::uint64_t> execute_many(std::string_view, std::size_t, std::span<const Value>) override {
    return script_.next(std::uint64_t{1});
  }
  Result<std::uint64_t> load_rows(std::string_view, std::span<const std::string>, std::span<const Value>) override {
    return script_.next(std::uint64_t{1});
  }
  Status execute_script(std::string_view) override { return script_.next(); }
  Result<RowSet> execute_user(std::string_view, std::span<const Value>, std::size_t) override {
    return script_.next(RowSet());
  }
  Result<contract::TableChange> table_change(std::string_view) override {
    return script_.next(contract::TableChange());
  }
  Status savepoint(std::string_view) override { return script_.next(); }
  Status release(std::string_view) override { return script_.next(); }
  Status rollback_to(std::string_view) override { return script_.next(); }

 private:
  Script& script_;
};

class ScriptedTransaction final : public contract::RelationalTransaction {
 public:
  explicit ScriptedTransaction(Script& script) : script_(script), session_(script) {}
  contract::RelationalSession& session() override { return session_; }
  Status trust_rows() override { return script_.next(); }
  Status commit() override { return script_.next(); }
  Status rollback() override { return script_.next(); }

 private:
  Script& script_;
  ScriptedSession session_;
};

class ScriptedStore final : public contract::RelationalStore {
 public:
  explicit ScriptedStore(Script& script) : script_(script) {}
  [[nodiscard]] contract::RelationalCapabilities capabilities() const override { return {.engine = "scripted"}; }
  Result<std::unique_ptr<contract::RelationalSession>> read(ReadScope, Deadline, contract::TableFunctions*,
                                                            std::source_location place) override {
    script_.borrowers.emplace_back(place.function_name());
    auto status = script_.next();
    if (!status) return failure_of(status);
    return std::make_unique<ScriptedSession>(script_);
  }
  Status write(const contract::WriteJob&, Deadline, contract::WriteMode, std::source_location place) override {
    script_.borrowers.emplace_back(place.function_name());
    return script_.next();
  }
  Result<std::unique_ptr<contract::RelationalTransaction>> begin(Deadline, std::source_location place) override {
    script_.borrowers.emplace_back(place.function_name());
    auto status = script_.next();
    if (!status) return failure_of(status);
    return std::make_unique<ScriptedTransaction>(script_);
  }
  Status run_outside(std::string_view, Deadline) override { return script_.next(); }
  Result<bool> is_read_only(std::string_view, Deadline) override { return script_.next(true); }
  Result<std::vector<contract::ColumnDescription>> describe(std::string_view) override {
    return script_.next(std::vector<contract::ColumnDescription>());
  }
  Result<contract::RelationalStatistics> statistics() override { return contract::RelationalStatistics{.reads = 7}; }
  contract::Health health() override { return {.ok = true, .detail = {}}; }
  Status checkpoint() override { return {}; }
  Result<std::unique_ptr<contract::ChangeSignal>> change_signal(const std::string&, contract::SignalHeard) override {
    return std::unique_ptr<contract::ChangeSignal>();
  }

 private:
  Script& script_;
};

Error error_of(ErrorCode code, Retry retry, bool usable) {
  return Error{.code = code,
               .message = "it broke",
               .engine = "scripted",
               .native_code = {},
               .retry = retry,
               .connection_usable = usable};
}

const Error lost = error_of(ErrorCode::unavailable, Retry::never, false);
const Error lost_safely = error_of(ErrorCode::unavailable, Retry::safe, false);
const Error lost_in_commit = error_of(ErrorCode::unavailable, Retry::outcome_unknown, false);
const Error slow_statement = error_of(ErrorCode::deadline_exceeded, Retry::never, true);
const Error no_connection = error_of(ErrorCode::deadline_exceeded, Retry::safe, true);
const Error wrong = error_of(ErrorCode::conflict, Retry::never, true);

class GuardedStoreTest : public testing::Test {
 protected:
  void answer(const Error& error, int times) { script_.answers.insert(script_.answers.end(), times, error); }

  Status query() {
    auto session = store_->read(ReadScope::internal, Deadline::never());
    if (!session) return failure_of(session);
    auto rows = (*session)->query("SELECT 1", {}, 1);
    return rows ? Status() : Status(failure_of(rows));
  }
  Status write() {
    return store_->write([](contract::RelationalSession&) { return Status(); }, Deadline::never());
  }
  State state_of(std::size_t role) { return store_->statistics()->breakers.at(role).state; }
  State reads() { return state_of(0); }
  State writes() { return state_of(1); }

  Script script_;
  int slept_ = 0;
  std::unique_ptr<contract::RelationalStore> store_ =
      guard(std::make_unique<ScriptedStore>(script_), {.node = "here"},
            {.now = [this] { return script_.now; }, .random = [] { return 1.0; }, .sleep = [this](auto) { ++slept_; }});
};

TEST_F(GuardedStoreTest, ForwardsAndAddsItsBreakersToTheStatistics) {
  EXPECT_EQ(store_->capabilities().engine, "scripted");
  EXPECT_TRUE(query());
  EXPECT_TRUE(write());
  EXPECT_TRUE(store_->is_read_only("SELECT 1", Deadline::never()));
  EXPECT_TRUE(store_->describe("t"));
  const auto statistics = store_->statistics();
  EXPECT_EQ(statistics->reads, 7U);
  ASSERT_EQ(statistics->breakers.size(), 2U);
  EXPECT_EQ(statistics->breakers[0].name, "here/read");
  EXPECT_EQ(statistics->breakers[1].name, "here/write");
  EXPECT_EQ(statistics->breakers[0].calls, 3U);
}

TEST_F(GuardedStoreTest, ReadsFailAtOnceOnceTheBreakerIsOpenAndWritesGoOn) {
  answer(lost, 5);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(query());
  EXPECT_EQ(reads(), State::open);
  const int asked = script_.asked;
  const auto refused = query();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_NE(refused.error().message.find("it broke"), std::string::npos);
  EXPECT_EQ(script_.asked, asked);
  EXPECT_EQ(writes(), State::closed);
  EXPECT_TRUE(write());
}

TEST_F(GuardedStoreTest, ClosesAgainWhenTheStoreIsBack) {
  answer(lost, 5);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(query());
  script_.now += 1s;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(query());
  EXPECT_EQ(reads(), State::closed);
}

TEST_F(GuardedStoreTest, ErrorsWithinASessionCountOnce) {
  auto session = store_->read(ReadScope::internal, Deadline::never());
  ASSERT_TRUE(session);
  answer(lost, 10);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE((*session)->query("SELECT 1", {}, 1));
  session->reset();
  EXPECT_EQ(reads(), State::closed);
  EXPECT_EQ(store_->statistics()->breakers[0].failures, 1U);
}

TEST_F(GuardedStoreTest, SlowAndWrongRequestsBlameNobody) {
  script_.call_time = 1min;
  for (const auto& error : {slow_statement, wrong})
    for (int i = 0; i < 30; ++i) {
      script_.answers = {std::nullopt, error};  // the session opens
      EXPECT_FALSE(query());
      script_.answers = {error};
      EXPECT_FALSE(write());
    }
  EXPECT_EQ(reads(), State::closed);
  EXPECT_EQ(writes(), State::closed);
}

TEST_F(GuardedStoreTest, AWaitInVainCountsUnlessTheCallerWasInAHurry) {
  script_.call_time = 10ms;
  answer(no_connection, 10);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(query());
  EXPECT_EQ(reads(), State::closed);
  script_.call_time = 2s;
  answer(no_connection, 5);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(query());
  EXPECT_EQ(reads(), State::open);
}

TEST_F(GuardedStoreTest, RepeatsAWriteThatDidNotHappen) {
  answer(lost_safely, 2);
  EXPECT_TRUE(write());
  EXPECT_EQ(script_.asked, 3);
  EXPECT_EQ(slept_, 2);
}

TEST_F(GuardedStoreTest, PassesAnUnknownOutcomeOnAtOnce) {
  answer(lost_in_commit, 1);
  const auto failed = write();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().retry, Retry::outcome_unknown);
  EXPECT_EQ(script_.asked, 1);
}

TEST_F(GuardedStoreTest, StopsRepeatingWhenTheBreakerOpensMeanwhile) {
  answer(lost_safely, 100);
  EXPECT_FALSE(write());  // four attempts
  const auto failed = write();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("is not asked meanwhile"), std::string::npos) << failed.error().message;
  EXPECT_EQ(script_.asked, 5);
  EXPECT_EQ(writes(), State::open);
}

TEST_F(GuardedStoreTest, ATransactionCountsAsOneCallWithItsCommit) {
  for (int i = 0; i < 5; ++i) {
    auto transaction = store_->begin(Deadline::never());
    ASSERT_TRUE(transaction);
    ASSERT_TRUE((*transaction)->session().execute("UPDATE t SET a = 1", {}));
    answer(lost_in_commit, 1);
    const auto failed = (*transaction)->commit();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().retry, Retry::outcome_unknown);
  }
  EXPECT_EQ(writes(), State::open);
  EXPECT_FALSE(store_->begin(Deadline::never()));
}

TEST_F(GuardedStoreTest, TheStoreLearnsWhoBorrows) {
  ASSERT_TRUE(store_->read(ReadScope::internal, Deadline::never()));
  ASSERT_TRUE(store_->begin(Deadline::never()));
  ASSERT_TRUE(store_->write([](contract::RelationalSession&) { return Status(); }, Deadline::never()));
  ASSERT_EQ(script_.borrowers.size(), 3U);
  for (const auto& borrower : script_.borrowers)
    EXPECT_NE(borrower.find("TheStoreLearnsWhoBorrows"), std::string::npos) << borrower;
}

TEST_F(GuardedStoreTest, EveryCallOfASessionIsForwardedAndJudged) {
  using Session = contract::RelationalSession;
  const std::vector<std::function<bool(Session&)>> calls = {
      [](Session& s) { return s.query("", {}, 1).has_value(); },
      [](Session& s) { return s.visit("", {}, [](auto) { return Status(); }).has_value(); },
      [](Session& s) { return s.execute("", {}).has_value(); },
      [](Session& s) { return s.execute_soon("", {}, {}).has_value(); },
      [](Session& s) { return s.execute_many("", 1, {}).has_value(); },
      [](Session& s) { return s.load_rows("", {}, {}).has_value(); },
      [](Session& s) { return s.execute_script("").has_value(); },
      [](Session& s) { return s.execute_user("", {}, 1).has_value(); },
      [](Session& s) { return s.table_change("").has_value(); },
      [](Session& s) { return s.savepoint("").has_value(); },
      [](Session& s) { return s.release("").has_value(); },
      [](Session& s) { return s.rollback_to("").has_value(); },
  };
  std::uint64_t failures = 0;
  for (const auto& call : calls) {
    auto session = store_->read(ReadScope::user, Deadline::never());
    ASSERT_TRUE(session);
    EXPECT_EQ((*session)->dialect(), contract::Dialect::postgres);
    EXPECT_TRUE(call(**session));
    answer(lost, 1);
    EXPECT_FALSE(call(**session));
    session->reset();
    EXPECT_EQ(store_->statistics()->breakers[0].failures, ++failures);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(query());  // keeps the breaker closed
  }
}

}  // namespace
}  // namespace triune::runtime
