// 16 threads write and read what they wrote, others read what was acknowledged to them, through every engine, while
// projections are rebuilt, compared and mended: nobody ever sees anything older than asked for, half a commit, or what
// was deleted (I3, I5, I6). TRIUNE_STRESS_SECONDS says how long.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "fault/crash_rig.h"
#include "stress/holder.h"
#include "stress/settings.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t default_seconds = 180;
constexpr unsigned writers = 16;
constexpr unsigned readers = 8;
#ifdef __SANITIZE_THREAD__
constexpr auto patience = std::chrono::minutes(4);  // building the index of the vectors takes a hundred times as long
#else
constexpr auto patience = std::chrono::seconds(30);
#endif

/// What was asked and answered, by question.
struct Tally {
  std::uint64_t answers = 0;
  std::uint64_t missed = 0;   // while it changed, by questions that may
  std::uint64_t refused = 0;  // explicitly, and asked again
};

class ReadYourWrites : public ::testing::Test {
 protected:
  void SetUp() override {
    hive_ = open_hive(place_);
    const auto prepared = prepare_holders(*hive_);
    ASSERT_TRUE(prepared) << prepared.error().message;
    for (unsigned number = 0; number < writers; ++number) holders_.emplace_back(std::make_unique<Holder>(number));
    for (auto& holder : holders_) write(*holder);
    incarnation_ = hive_->receipt()->incarnation;
  }

  void write(Holder& holder) {
    const auto receipt = hive_->commit(holder.begin());
    if (receipt)
      holder.acknowledge(*receipt);
    else
      fail("commit: " + receipt.error().message);
  }

  void fail(const std::string& what) {
    over_ = true;
    const std::lock_guard lock(mutex_);
    ADD_FAILURE() << what;
  }

  /// Asks again while the answer is an explicit "not now" (I4), as a caller would.
  Result<std::vector<Seen>> ask(const Question& question, const Holder& holder, const Consistency& consistency) {
    const ReadOptions options{.consistency = consistency, .deadline = Deadline::after(patience)};
    for (;;) {
      auto seen = question.ask(*hive_, holder, options);
      if (seen || seen.error().code != ErrorCode::unavailable || seen.error().retry != Retry::safe ||
          options.deadline.expired())
        return seen;
      count(question, &Tally::refused);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  void count(const Question& question, std::uint64_t Tally::* what) {
    const std::lock_guard lock(mutex_);
    ++(tallies_[question.name].*what);
  }

  void check(const Question& question, const Holder& holder, bool by_token) {
    const auto least = holder.acknowledged();
    const Token token{incarnation_, holder.acknowledged_lsn()};
    const auto seen = ask(question, holder, by_token ? Consistency::at_least(token) : Consistency::session());
    const auto most = holder.begun();
    if (!seen) return fail(fmt::format("{}: {}", question.name, seen.error().message));
    if (seen->empty() && !question.finds_all && least != most) return count(question, &Tally::missed);
    count(question, &Tally::answers);
    if (seen->size() == 1 && seen->front().most >= least && seen->front().least <= most) return;
    std::string versions;
    for (const auto& one : *seen) versions += fmt::format(" {}-{}", one.least, one.most);
    fail(fmt::format("{} of {} by {}: asked for {} to {} (lsn {}), seen{}", question.name, holder.name(),
                     by_token ? "token" : "session", least, most, token.lsn,
                     seen->empty() ? std::string(" nothing") : versions));
  }

  const Question& any_question(std::mt19937_64& random) { return questions()[random() % questions().size()]; }

  /// One writer: at rest, what it sees is exactly what it wrote.
  void write_and_read(unsigned number) {
    std::mt19937_64 random(seed_ + number);
    auto& holder = *holders_[number];
    while (!over_) {
      for (auto burst = 1 + random() % 8; burst > 0 && !over_; --burst) write(holder);
      check(any_question(random), holder, random() % 2 == 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 10));
    }
  }

  void read_others(unsigned number) {
    std::mt19937_64 random(seed_ + writers + number);
    while (!over_) check(any_question(random), *holders_[random() % writers], random() % 2 == 0);
  }

  void maintain() {
    for (unsigned turn = 0; !over_; ++turn) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      Status done;
      switch (turn % 4) {
        case 0: done = hive_->rebuild("graph"); break;
        case 1: done = expect_no_difference(hive_->verify()); break;
        case 2: done = hive_->rebuild("vector:" + std::string(item_collection)); break;
        default: done = expect_no_difference(hive_->repair());
      }
      if (!done) fail("maintenance: " + done.error().message);
    }
  }

  static Status expect_no_difference(Result<VerifyReport> report) {
    if (!report) return failure_of(report);
    if (report->ok) return {};
    std::string examples;
    for (const auto& projection : report->projections)
      for (const auto& example : projection.examples) examples += " " + example;
    return failure(ErrorCode::internal, "projections differ:" + examples);
  }

  void run(std::chrono::seconds time) {
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < writers; ++number) threads.emplace_back([=, this] { write_and_read(number); });
    for (unsigned number = 0; number < readers; ++number) threads.emplace_back([=, this] { read_others(number); });
    threads.emplace_back([this] { maintain(); });
    const auto end = std::chrono::steady_clock::now() + time;
    while (!over_ && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    over_ = true;
    for (auto& thread : threads) thread.join();
  }

  void report() {
    std::uint64_t commits = 0;
    for (const auto& holder : holders_) commits += holder->begun() + 1;
    std::cout << commits << " commits\n";
    for (const auto& [question, tally] : tallies_)
      std::cout << fmt::format("{}: {} answers, {} without the item, {} refused and asked again\n", question,
                               tally.answers, tally.missed, tally.refused);
  }

  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
  std::unique_ptr<Hive> hive_;
  std::string incarnation_;
  std::vector<std::unique_ptr<Holder>> holders_;
  std::atomic<bool> over_{false};
  std::uint64_t seed_ = stress_seed();
  std::mutex mutex_;
  std::map<std::string_view, Tally> tallies_;
};

TEST_F(ReadYourWrites, NobodySeesAnythingOlderThanAskedFor) {
  run(std::chrono::seconds(stress_setting("TRIUNE_STRESS_SECONDS", default_seconds)));
  report();
  for (const auto& holder : holders_)
    for (const auto& question : questions()) check(question, *holder, true);
  // On a server an item is in the middle of its change for the larger part of the time.
  const unsigned most_missed = on_postgres() ? 3 : 10;
  for (const auto& question : questions()) {
    EXPECT_GT(tallies_[question.name].answers, most_missed * tallies_[question.name].missed) << question.name;
    EXPECT_GT(tallies_[question.name].answers, writers) << question.name;
  }
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
}

}  // namespace
}  // namespace triune::testing
