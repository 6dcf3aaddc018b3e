#include "intake/claude_code/discover.h"

#include <gtest/gtest.h>

#include <map>

#include "intake/test_files.h"

namespace triune::intake::claude {
namespace {

constexpr std::string_view session = "0d9f3c52-8a34-4c57-9f53-0f6f5b1d2a01";

std::string log_line(std::string_view at) {
  return R"({"type":"user","uuid":"u","sessionId":"s","timestamp":")" + std::string(at) +
         R"(","message":{"role":"user","content":"x"}})" + "\n";
}

std::map<std::string, std::string> kinds(const TestFolder& folder, const std::filesystem::path& path) {
  std::map<std::string, std::string> map;
  const auto found = discover(path);
  EXPECT_TRUE(found.has_value());
  if (!found.has_value()) return map;
  for (const auto& input : found->inputs) {
    const auto name = input.path.lexically_relative(std::filesystem::canonical(folder.path())).string();
    map[name] = input.kind == InputKind::session_log   ? "log"
                : input.kind == InputKind::history     ? "history"
                : input.kind == InputKind::tool_result ? "result"
                : input.kind == InputKind::agent_notes
                    ? "notes"
                    : input.document_kind + (input.scope.empty() ? "" : "/" + input.scope);
  }
  return map;
}

class DiscoverTree : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string project = ".claude/projects/-home-ada-shop/";
    put(project + std::string(session) + ".jsonl", log_line("2026-01-01T00:00:00Z"));
    put(project + "agent-1f.jsonl", "");
    put(project + std::string(session) + "/subagents/agent-a2.jsonl", log_line("2026-01-01T00:00:01Z"));
    put(project + std::string(session) + "/subagents/agent-a2.meta.json", "{}");
    put(project + std::string(session) + "/tool-results/toolu_1.txt", "big");
    put(project + "memory/MEMORY.md", "# m");
    put(".claude/history.jsonl", "{\"display\":\"x\"}\n");
    put(".claude/settings.json", "{}");
    put(".claude/settings.local.json", "{}");
    put(".claude/.credentials.json", "{}");
    put(".claude/CLAUDE.md", "# c");
    put(".claude/agents/reviewer.md", "x");
    put(".claude/commands/git/ship.md", "x");
    put(".claude/skills/pdf/SKILL.md", "x");
    put(".claude/skills/pdf/run.py", "x");
    put(".claude/todos/1.json", "[]");
    put(".claude/plugins/p/agents/a.md", "x");
    put("data/rows.jsonl", "{\"a\":1}\n{\"type\":\"thing\"}\n");
    put("node_modules/x/y.jsonl", log_line("2026-01-01T00:00:00Z"));
  }
  void put(const std::string& name, std::string_view content) const { static_cast<void>(folder_.write(name, content)); }

  TestFolder folder_;
};

TEST_F(DiscoverTree, FindsEverythingByPlaceAndName) {
  const std::string project = ".claude/projects/-home-ada-shop/";
  EXPECT_EQ(
      kinds(folder_, folder_.path()),
      (std::map<std::string, std::string>{{project + std::string(session) + ".jsonl", "log"},
                                          {project + "agent-1f.jsonl", "log"},
                                          {project + std::string(session) + "/subagents/agent-a2.jsonl", "log"},
                                          {project + std::string(session) + "/subagents/agent-a2.meta.json", "notes"},
                                          {project + std::string(session) + "/tool-results/toolu_1.txt", "result"},
                                          {project + "memory/MEMORY.md", "memory"},
                                          {".claude/history.jsonl", "history"},
                                          {".claude/settings.json", "settings/user"},
                                          {".claude/settings.local.json", "settings/local"},
                                          {".claude/CLAUDE.md", "memory/user"},
                                          {".claude/agents/reviewer.md", "agent/user"},
                                          {".claude/commands/git/ship.md", "command/user"},
                                          {".claude/skills/pdf/SKILL.md", "skill/user"}}));
}

TEST_F(DiscoverTree, TakesAnyOfTheFoldersAndOneFile) {
  EXPECT_EQ(kinds(folder_, folder_.path() / ".claude").size(), 13U);
  EXPECT_EQ(kinds(folder_, folder_.path() / ".claude/projects").size(), 6U);
  EXPECT_EQ(kinds(folder_, folder_.path() / ".claude/projects/-home-ada-shop").size(), 6U);
  const auto log = folder_.path() / ".claude/projects/-home-ada-shop" / (std::string(session) + ".jsonl");
  EXPECT_EQ(kinds(folder_, log).size(), 1U);
  const auto copy = folder_.path() / "backup";
  std::filesystem::copy(folder_.path() / ".claude", copy, std::filesystem::copy_options::recursive);
  EXPECT_EQ(kinds(folder_, copy).size(), 13U);
}

TEST_F(DiscoverTree, EndsAtLinksThatLeadBack) {
  std::filesystem::create_directory_symlink(folder_.path(), folder_.path() / ".claude/agents/loop");
  std::filesystem::create_directory_symlink(folder_.path() / ".claude/skills",
                                            folder_.path() / ".claude/commands/twice");
  EXPECT_EQ(kinds(folder_, folder_.path()).size(), 13U);
}

TEST(Discover, ImportsOlderLogsFirst) {
  const TestFolder folder;
  static_cast<void>(folder.write("p/a.jsonl", log_line("2026-03-01T00:00:00Z")));
  static_cast<void>(folder.write("p/b.jsonl", log_line("2026-02-01T00:00:00Z") + log_line("2026-02-03T00:00:00Z")));
  static_cast<void>(folder.write("p/c.jsonl", log_line("2026-02-01T00:00:00Z") + log_line("2026-02-02T00:00:00Z")));
  const auto found = discover(folder.path());
  ASSERT_TRUE(found.has_value());
  std::string order;
  for (const auto& input : found->inputs) order += input.path.stem().string();
  EXPECT_EQ(order, "cba");
}

TEST(Discover, SaysWhenThereIsNothing) {
  const TestFolder folder;
  EXPECT_EQ(discover(folder.path() / "none").error().code, ErrorCode::not_found);
  EXPECT_EQ(discover(folder.path()).error().code, ErrorCode::not_found);
  EXPECT_EQ(discover(folder.write("a.txt", "x")).error().code, ErrorCode::not_found);
  EXPECT_TRUE(discover(folder.write("named.jsonl", "broken\n")).has_value());
}

}  // namespace
}  // namespace triune::intake::claude
