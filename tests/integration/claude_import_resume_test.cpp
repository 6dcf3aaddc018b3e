// Files that grow, change and come again, and imports that are killed (C1, C2).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "integration/claude_import_fixture.h"

namespace triune::testing {
namespace {

constexpr const char* child_hive = "TRIUNE_TEST_IMPORT_HIVE";
constexpr const char* child_projections = "TRIUNE_TEST_IMPORT_PROJECTIONS";
constexpr const char* child_tree = "TRIUNE_TEST_IMPORT_TREE";

std::string number(std::string_view prefix, int n) {
  return fmt::format("{}{:04}", prefix, n);
}

std::string time_of(int n) {
  return fmt::format("2026-01-01T{:02}:{:02}:{:02}.000Z", n / 3600, n / 60 % 60, n % 60);
}

// A conversation with all that is merged across lines: messages of several lines, results, events in between, bad
// lines, large texts, agents.
std::string conversation(const std::string& session, int turns, std::mt19937& random) {
  std::string log;
  std::string last;
  const auto parts = [&](const std::string& uuid, int n) {
    LineParts made{
        .uuid = session + uuid, .parent = last, .session = session, .at = time_of(n), .version = "2.1.0", .extra = ""};
    last = made.uuid;
    return made;
  };
  for (int turn = 0; turn < turns; ++turn) {
    const std::string message = number("msg_" + session + "_long_enough_", turn);
    const std::string call = number("toolu_" + session + "_", turn);
    const std::string large(random() % 10 == 0 ? 40'000 : 20, static_cast<char>('a' + random() % 26));
    log += user_line(parts(number("u", turn), turn), "\"question " + large + "\"");
    log += event_line(parts(number("e", turn), turn), random() % 2 == 0 ? "system" : "progress");
    log += assistant_line(parts(number("t", turn), turn), message, text_block("answer " + large), 5);
    const std::string input = random() % 3 == 0 ? R"({"file_path":"/srv/f)" + std::to_string(random() % 5) + "\"}"
                                                : R"({"prompt":"p)" + std::to_string(turn) + "\"}";
    log += assistant_line(parts(number("a", turn), turn), message,
                          use_block(call, random() % 2 == 0 ? "Read" : "Task", input), 9);
    if (random() % 7 == 0) log += "{\"type\":\"user\", broken\n";
    log += user_line(parts(number("r", turn), turn), result_block(call, "done " + large));
  }
  return log;
}

class ClaudeImportResume : public ClaudeImportTest {
 protected:
  void SetUp() override {}

  // What one undisturbed import of the tree leaves.
  std::string expected() {
    open("expected");
    import(tree());
    std::string all = everything();
    close();
    return all;
  }

  // Imports in a process of its own, which ends at a failpoint or by the clock. Returns whether it was killed.
  bool import_and_kill(const std::string& failpoint, std::chrono::milliseconds after) {
    const HivePlace& killed = place("killed");
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv(child_hive, killed.location().c_str(), 1);
      ::setenv(child_projections, killed.options().projections.c_str(), 1);
      ::setenv(child_tree, tree().c_str(), 1);
      if (!failpoint.empty()) ::setenv("TRIUNE_FAILPOINT", failpoint.c_str(), 1);
      ::execl("/proc/self/exe", "claude_import_test", "--gtest_also_run_disabled_tests",
              "--gtest_filter=ClaudeImportChild.*", "--gtest_brief=1", nullptr);
      ::_exit(3);
    }
    int status = 0;
    const auto deadline = std::chrono::steady_clock::now() + after;
    while (::waitpid(child, &status, after.count() > 0 ? WNOHANG : 0) == 0) {
      if (std::chrono::steady_clock::now() >= deadline) ::kill(child, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    return WIFSIGNALED(status);
  }
};

// What `import_and_kill` runs: no test of its own.
TEST(ClaudeImportChild, DISABLED_Imports) {
  HiveOptions options;
  options.projections = std::getenv(child_projections);
  const auto hive = Hive::open(std::getenv(child_hive), std::move(options));
  ASSERT_TRUE(hive) << hive.error().message;
  const auto report =
      intake::import_claude(**hive, std::getenv(child_tree), {.batch_lines = 20, .batch_bytes = 200'000});
  ASSERT_TRUE(report) << report.error().message;
}

TEST_F(ClaudeImportResume, KilledAnywhereItEndsInTheSameState) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  write("p/one.jsonl", conversation("one", 60, random));
  write("p/two.jsonl", conversation("two", 60, random));
  write("p/.claude/settings.json", R"({"model":"m","env":{"A":"b"}})");
  int kills = 0;
  for (const auto* const point : {"commit.applied", "commit.durable", "commit.blobs_staged"})
    for (const int nth : {1, 2, 5}) kills += import_and_kill(fmt::format("{}:{}", point, nth), {}) ? 1 : 0;
  for (int round = 0; round < 6; ++round)
    kills += import_and_kill({}, std::chrono::milliseconds(60 + random() % 600)) ? 1 : 0;
  EXPECT_GE(kills, 6);
  const std::string whole = expected();
  open("killed");
  import(tree());
  EXPECT_EQ(everything(), whole);
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportResume, AGrowingLogEndsAsIfItHadBeenWhole) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string log = conversation("one", 40, random);
  write("p/one.jsonl", log);
  const std::string whole = expected();
  open("grown");
  write("p/one.jsonl", "");
  for (std::size_t at = 0; at < log.size();) {
    // The first line is whole: without one nobody knows what the file is.
    const std::size_t least = at == 0 ? log.find('\n') : 1;
    const std::size_t step = std::min<std::size_t>(log.size() - at, least + random() % 30'000);
    append("p/one.jsonl", std::string_view(log).substr(at, step));
    at += step;
    import(tree());
  }
  EXPECT_EQ(everything(), whole);
}

TEST_F(ClaudeImportResume, BatchesOfAnySizeEndInTheSameState) {
  std::mt19937 random(7);
  write("p/one.jsonl", conversation("one", 30, random));
  const std::string whole = expected();
  open("small");
  import(tree(), {.batch_lines = 1});
  EXPECT_EQ(everything(), whole);
}

TEST_F(ClaudeImportResume, AnUnfinishedLineIsTakenWhenItIsWhole) {
  open("hive");
  const std::string line = user_line({.uuid = "u2", .parent = "u1"}, R"("two")");
  write("p/s1.jsonl", user_line({.uuid = "u1"}, R"("one")") + line.substr(0, 60));
  const auto first = import(tree());
  EXPECT_EQ(first.messages, 1U);
  EXPECT_EQ(first.bad, 1U);
  EXPECT_EQ(sql("SELECT line, raw FROM claude_bad_lines"), "2|" + line.substr(0, 60) + "\n");
  expect_nothing_new(tree());
  append("p/s1.jsonl", line.substr(60, line.size() - 61));  // whole, but without its line end
  EXPECT_EQ(import(tree()).messages, 1U);
  EXPECT_EQ(sql("SELECT count(*) FROM claude_bad_lines"), "0\n");
  append("p/s1.jsonl", "\n" + user_line({.uuid = "u3", .parent = "u2"}, R"("three")"));
  EXPECT_EQ(import(tree()).messages, 1U);
  EXPECT_EQ(sql("SELECT id, parent_id FROM claude_messages ORDER BY id"), "u1|\nu2|u1\nu3|u2\n");
}

TEST_F(ClaudeImportResume, AFileThatWasRewrittenIsReadAgain) {
  open("hive");
  write("p/s1.jsonl", user_line({.uuid = "u1"}, R"("one")") + "broken\n" + user_line({.uuid = "u2"}, R"("two")"));
  EXPECT_EQ(import(tree()).bad, 1U);
  write("p/s1.jsonl", user_line({.uuid = "u0"}, R"("zero")") + user_line({.uuid = "u1"}, R"("one")"));
  EXPECT_EQ(import(tree()).messages, 1U);
  EXPECT_EQ(sql("SELECT id FROM claude_messages ORDER BY id"), "u0\nu1\nu2\n");
  EXPECT_EQ(sql("SELECT count(*) FROM claude_bad_lines"), "0\n");
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportResume, DocumentsFollowTheirFiles) {
  open("hive");
  write("p/.claude/settings.json", R"({"model":"a","permissions":{"allow":["x","y"]}})");
  write("p/.claude/agents/tester.md", "---\nname: tester\ndescription: tests\n---\nTest.\n");
  import(tree());
  write("p/.claude/settings.json", R"({"model":"b","permissions":{"allow":["y"]}})");
  write("p/.claude/agents/tester.md", "---\nname: tester\ndescription: tests more\n---\nTest.\n");
  import(tree());
  EXPECT_EQ(sql("SELECT key, value FROM claude_settings ORDER BY key"), "model|b\npermissions.allow[0]|y\n");
  EXPECT_EQ(sql("SELECT id, description FROM claude_agents"), "tester|tests more\n");
  write("p/.claude/settings.json", "{\n\"model\": \n");
  EXPECT_EQ(import(tree()).bad, 1U);
  EXPECT_EQ(sql("SELECT line FROM claude_bad_lines"), "1\n");
  expect_nothing_new(tree());
  write("p/.claude/settings.json", R"({"model":"c"})");
  import(tree());
  EXPECT_EQ(sql("SELECT key, value FROM claude_settings ORDER BY key"), "model|c\n");
  EXPECT_EQ(sql("SELECT count(*) FROM claude_bad_lines"), "0\n");
}

}  // namespace
}  // namespace triune::testing
