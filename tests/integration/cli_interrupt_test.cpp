// Ctrl-C, as a real signal to a real process in the middle of its work: a message, exit code 130, and nothing lost.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

class CliInterrupt : public CliTest {
 protected:
  void SetUp() override { make_hive(); }

  /// Whether the process has a handler for SIGINT.
  static bool catches_interrupts(pid_t process) {
    std::ifstream status(fmt::format("/proc/{}/status", process));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) & (1ULL << (SIGINT - 1))) != 0;
    return false;
  }

  /// Runs the command and interrupts it once it is at work.
  Outcome interrupt_once(const std::vector<std::string>& arguments) const {
    const auto process = start(arguments);
    for (int i = 0; i < 60'000 && !catches_interrupts(process) && !has_ended(process); ++i) ::usleep(1'000);
    EXPECT_EQ(::kill(process, SIGINT), 0);
    return finish(process);
  }

  /// The same for a command that stops at no failpoint: on a busy machine it may be done before the signal comes, and
  /// is run again. One that ignores the signal is done each time.
  Outcome interrupt(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--hive", hive()});
    auto outcome = interrupt_once(arguments);
    for (int again = 0; again < 10 && outcome.exit_code == 0; ++again) outcome = interrupt_once(arguments);
    return outcome;
  }

  /// Whether it only waits to be asked how it ended.
  static bool has_ended(pid_t process) {
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == process;
  }

  static void expect_interrupted(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 130) << outcome;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find("triune: interrupted; "), std::string::npos) << outcome;
  }

  std::string many(std::string_view header, int count, const std::function<std::string(int)>& row) const {
    std::string text(header);
    for (int i = 0; i < count; ++i) text += row(i);
    return file("many.csv", text);
  }

  std::int64_t count(std::string_view from) const {
    return succeed({"sql", fmt::format("SELECT count(*) AS n FROM {}", from)}).lines().at(0).at("n");
  }
};

TEST_F(CliInterrupt, OfALoadOfRowsKeepsWhatWasCommitted) {
  constexpr int all = 30'000;
  constexpr int batch = 5'000;
  const auto rows = many("id,name\n", all, [](int i) { return fmt::format("{},name {} of some length\n", i, i); });
  expect_interrupted(interrupt_at("commit.durable:3", {"--hive", hive(), "load", "rows", rows, "--table", "t"}));
  const auto kept = count("t");
  EXPECT_GE(kept, 3 * batch);
  EXPECT_LT(kept, all);
  const auto again = succeed({"load", "rows", rows, "--table", "t"}).document();
  EXPECT_EQ(again.at("changed"), all - kept);
  EXPECT_EQ(count("t"), all);
}

TEST_F(CliInterrupt, OfAnImportGoesOnFromThere) {
  constexpr int lines = 2'500;
  std::string text;
  for (int i = 0; i < lines; ++i)
    text += fmt::format(
        R"({{"type":"user","uuid":"u{}","parentUuid":null,"sessionId":"s","timestamp":"2026-01-02T03:04:05.000Z",)"
        R"("version":"2.0.1","cwd":"/p","isSidechain":false,"message":{{"role":"user","content":"message {}"}}}})"
        "\n",
        i, i);
  const auto folder = path("projects") / "-p";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "s.jsonl") << text;
  const std::vector<std::string> import{"import", "claude", path("projects").string()};
  expect_interrupted(
      interrupt_at("commit.durable:2", {"--hive", hive(), "import", "claude", path("projects").string()}));
  const auto kept = count("claude_messages");
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, lines);
  EXPECT_EQ(succeed(import).document().at("messages"), lines - kept);
  EXPECT_EQ(count("claude_messages"), lines);
  EXPECT_EQ(succeed(import).document().at("changed"), 0);
}

TEST_F(CliInterrupt, OfVerifyRepairAndRebuildLeavesEverythingAsItWas) {
  const auto nodes = many("id,name\n", 60'000, [](int i) { return fmt::format("{},name {}\n", i, i); });
  static_cast<void>(succeed({"load", "nodes", nodes, "--label", "A"}));
  for (const auto* const command : {"rebuild", "repair", "verify"}) expect_interrupted(interrupt({command}));
  const auto document = interrupt({"verify", "--json"});
  EXPECT_EQ(document.exit_code, 130) << document;
  EXPECT_EQ(document.error().at("code"), "cancelled");
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
  EXPECT_EQ(succeed({"cypher", "MATCH (a:A) RETURN count(a) AS n"}).out, "{\"n\":60000}\n");
}

}  // namespace
}  // namespace triune::testing
