// Ctrl-C, as a real signal to a real process in the middle of its work: a message, exit code 130, and nothing lost.
#include <fmt/format.h>
#include <signal.h>
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

  /// Runs the command and interrupts it once it is at work and, for one that writes, has committed something.
  Outcome interrupt(std::vector<std::string> arguments, std::uintmax_t written = 0) const {
    arguments.insert(arguments.begin(), {"--hive", hive()});
    const auto process = start(std::move(arguments));
    for (int i = 0; i < 6'000 && !(catches_interrupts(process) && (written == 0 || committed() > written)); ++i)
      ::usleep(5'000);
    ::usleep(20'000);
    EXPECT_EQ(::kill(process, SIGINT), 0);
    return finish(process);
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
  const int all = on_postgres() ? 60'000 : 300'000;  // A round trip takes longer than a call.
  const auto rows = many("id,name\n", all, [](int i) { return fmt::format("{},name {} of some length\n", i, i); });
  expect_interrupted(interrupt({"load", "rows", rows, "--table", "t"}, on_postgres() ? 4'000 : 500'000));
  const auto kept = count("t");
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, all);
  const auto again = succeed({"load", "rows", rows, "--table", "t"}).document();
  EXPECT_EQ(again.at("changed"), all - kept);
  EXPECT_EQ(count("t"), all);
}

TEST_F(CliInterrupt, OfAnImportGoesOnFromThere) {
  const int lines = on_postgres() ? 4'000 : 40'000;
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
  expect_interrupted(interrupt(import, on_postgres() ? 1'000 : 2'000'000));
  const auto kept = count("claude_messages");
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, lines);
  EXPECT_EQ(succeed(import).document().at("messages"), lines - kept);
  EXPECT_EQ(count("claude_messages"), lines);
  EXPECT_EQ(succeed(import).document().at("changed"), 0);
}

TEST_F(CliInterrupt, OfVerifyRepairAndRebuildLeavesEverythingAsItWas) {
  const auto nodes = many("id,name\n", 200'000, [](int i) { return fmt::format("{},name {}\n", i, i); });
  static_cast<void>(succeed({"load", "nodes", nodes, "--label", "A"}));
  for (const auto* const command : {"rebuild", "repair", "verify"}) expect_interrupted(interrupt({command}));
  const auto document = interrupt({"verify", "--json"});
  EXPECT_EQ(document.exit_code, 130) << document;
  EXPECT_EQ(document.error().at("code"), "cancelled");
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
  EXPECT_EQ(succeed({"cypher", "MATCH (a:A) RETURN count(a) AS n"}).out, "{\"n\":200000}\n");
}

}  // namespace
}  // namespace triune::testing
