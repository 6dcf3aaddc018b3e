// Hints between processes, on a real server.
#include "adapters/postgres/change_signal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "adapters/postgres/test_store.h"

namespace triune::adapters::postgres {
namespace {

class Ear {
 public:
  explicit Ear(const std::string& url, const std::string& channel = "a \"channel\"")
      : signal_({url, false}, channel, [this] { ++heard_; }) {
    expect(1);  // what it hears when it begins to listen
  }
  void expect(int least) {
    for (int i = 0; i < 2000 && heard_ < least; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_GE(heard_, least);
  }
  int heard() const { return heard_; }
  Signal& signal() { return signal_; }

 private:
  std::atomic<int> heard_{0};
  Signal signal_;
};

class Signals : public ::testing::Test {
 protected:
  void SetUp() override { url_ = create_test_database(); }
  void TearDown() override { drop_test_database(url_); }
  std::string url_;
};

TEST_F(Signals, ReachTheOthersOfTheSameChannelAndNotTheSender) {
  Ear sender(url_);
  Ear other(url_);
  Ear elsewhere(url_, "another channel");
  sender.signal().send();
  other.expect(2);
  EXPECT_EQ(sender.heard(), 1);
  EXPECT_EQ(elsewhere.heard(), 1);
}

TEST_F(Signals, ManyInARowBecomeFew) {
  Ear sender(url_);
  Ear other(url_);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  int sent = 0;
  for (; std::chrono::steady_clock::now() < until; ++sent) sender.signal().send();
  other.expect(2);
  EXPECT_GT(sent, 1000);
  EXPECT_LT(other.heard(), 100);
}

TEST_F(Signals, GoOnAfterTheServerEndedTheConnections) {
  Ear sender(url_);
  Ear other(url_);
  on_server("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
  sender.expect(2);
  other.expect(2);
  sender.signal().send();
  other.expect(3);
}

TEST_F(Signals, EndAtOnceWithoutAServer) {
  Signal signal({"postgresql://nobody@127.0.0.1:1/nothing", false}, "channel", [] { ADD_FAILURE(); });
  signal.send();
}

}  // namespace
}  // namespace triune::adapters::postgres
