#include "base/failpoint.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace triune::base {
namespace {

constexpr const char* child_variable = "TRIUNE_TEST_FAILPOINT_CHILD";

/// In a process started by `passes_of`: reaches the failpoint three times and exits, before any test begins.
const bool is_parent = [] {
  if (std::getenv(child_variable) == nullptr) return true;
  for (int i = 0; i < 3; ++i) failpoint("here");
  ::_exit(3);
}();

/// How a process ends that has TRIUNE_FAILPOINT=`setting` and reaches "here" three times: 3, or -1 for a death by
/// SIGKILL, or 13 when it was stopped in between and went on. A fresh process each time, because it reads the setting
/// once.
int passes_of(const std::string& setting) {
  const auto child = ::fork();
  if (child == 0) {
    ::setenv("TRIUNE_FAILPOINT", setting.c_str(), 1);
    ::setenv(child_variable, "1", 1);
    ::execl("/proc/self/exe", "failpoint_test", nullptr);
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  if (WIFSTOPPED(status)) {
    ::kill(child, SIGCONT);
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? 10 + WEXITSTATUS(status) : -3;
  }
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGKILL ? -1 : -2;
  return WEXITSTATUS(status);
}

TEST(Failpoint, KillsAtTheNthTimeItIsReached) {
  ASSERT_TRUE(is_parent);
  EXPECT_EQ(passes_of("here:1"), -1);
  EXPECT_EQ(passes_of("here:3"), -1);
  EXPECT_EQ(passes_of("here:4"), 3);
}

TEST(Failpoint, WithoutANumberKillsTheFirstTime) {
  EXPECT_EQ(passes_of("here"), -1);
}

TEST(Failpoint, StopsWhereItIsToWait) {
  EXPECT_EQ(passes_of("here:1:stop"), 13);
  EXPECT_EQ(passes_of("here:3:stop"), 13);
  EXPECT_EQ(passes_of("here:4:stop"), 3);
}

TEST(Failpoint, LeavesOthersAlone) {
  EXPECT_EQ(passes_of("elsewhere:1"), 3);
  EXPECT_EQ(passes_of(""), 3);
}

}  // namespace
}  // namespace triune::base
