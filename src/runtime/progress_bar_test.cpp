#include "runtime/progress_bar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace triune::runtime {
namespace {

using Seconds = std::chrono::duration<double>;

TEST(ProgressLine, ShowsShareRateAndTimeLeft) {
  const auto text = to_text({.stage = "loading nodes", .done = 1'234'567, .total = 2'469'134, .elapsed = Seconds(10)});
  EXPECT_EQ(text, "loading nodes  [############------------]  50 %  1,234,567/2,469,134  123,456/s  10 s left");
}

TEST(ProgressLine, WithoutATotalShowsTheTimeTaken) {
  EXPECT_EQ(to_text({.stage = "reading", .done = 1000, .total = 0, .elapsed = Seconds(75)}),
            "reading  1,000  13/s  1 min 15 s");
}

TEST(ProgressLine, SlowWorkHasAFraction) {
  EXPECT_EQ(to_text({.stage = "files", .done = 1, .total = 4, .elapsed = Seconds(2)}),
            "files  [######------------------]  25 %  1/4  0.5/s  6 s left");
}

TEST(ProgressLine, DoneShowsTheTimeTakenAndMoreThanAllIsAll) {
  EXPECT_EQ(to_text({.stage = "x", .done = 12, .total = 10, .elapsed = Seconds(4000)}),
            "x  [########################] 100 %  12/10  0.0/s  1 h 6 min");
}

TEST(ProgressLine, NothingDoneHasNoTimeLeft) {
  EXPECT_EQ(to_text({.stage = "x", .done = 0, .total = 10, .elapsed = Seconds(4)}),
            "x  [------------------------]   0 %  0/10");
}

class ProgressBarTest : public ::testing::Test {
 protected:
  ProgressBar::Surroundings surroundings(std::size_t columns) {
    return {.seconds = [this] { return now_; },
            .write = [this](std::string_view text) { written_ += text; },
            .terminal_columns = columns};
  }

  /// Work of `seconds` with an update every tenth of one.
  void work(ProgressBar& bar, std::string_view stage, int seconds) {
    const auto steps = static_cast<std::uint64_t>(seconds) * 10;
    for (std::uint64_t step = 1; step <= steps; ++step) {
      now_ += 0.1;
      bar.update(stage, step, steps);
    }
  }

  [[nodiscard]] auto lines() const { return std::ranges::count(written_, '\n'); }

  double now_ = 1000;
  std::string written_;
};

TEST_F(ProgressBarTest, WorkWithinASecondShowsNothing) {
  {
    ProgressBar bar(ProgressBar::Mode::automatic, surroundings(80));
    for (int i = 0; i < 9; ++i) {
      now_ += 0.1;
      bar.update("quick", static_cast<std::uint64_t>(i), 9);
    }
  }
  EXPECT_EQ(written_, "");
}

TEST_F(ProgressBarTest, QuietShowsNothing) {
  {
    ProgressBar bar(ProgressBar::Mode::quiet, surroundings(80));
    work(bar, "long", 60);
  }
  EXPECT_EQ(written_, "");
}

TEST_F(ProgressBarTest, LogGetsALineEveryFewSecondsAndALastOne) {
  {
    ProgressBar bar(ProgressBar::Mode::automatic, surroundings(0));
    work(bar, "long", 21);
  }
  EXPECT_GE(lines(), 5);
  EXPECT_LE(lines(), 6);
  EXPECT_NE(written_.find("100 %"), std::string::npos);
  EXPECT_EQ(written_.find('\r'), std::string::npos);
}

TEST_F(ProgressBarTest, TerminalRedrawsOneLineThatFitsAndKeepsTheLast) {
  {
    ProgressBar bar(ProgressBar::Mode::automatic, surroundings(40));
    work(bar, "a stage with a rather long name", 5);
  }
  EXPECT_EQ(lines(), 1);
  EXPECT_TRUE(written_.ends_with("\n"));
  EXPECT_GT(std::ranges::count(written_, '\r'), 20);
  for (std::size_t at = written_.find('\r'); at != std::string::npos; at = written_.find('\r', at + 1))
    EXPECT_LT(written_.find("\x1b[K", at) - at, 41U);
}

TEST_F(ProgressBarTest, AnotherStageStartsAnew) {
  {
    ProgressBar bar(ProgressBar::Mode::automatic, surroundings(120));
    work(bar, "first", 3);
    work(bar, "second", 3);
    work(bar, "third", 1);
  }
  EXPECT_EQ(lines(), 2) << "the third is too short to be shown";
  EXPECT_NE(written_.find("second  [########################] 100 %  30/30  10/s"), std::string::npos) << written_;
}

}  // namespace
}  // namespace triune::runtime
