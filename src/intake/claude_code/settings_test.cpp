#include <gtest/gtest.h>

#include <map>
#include <string>

#include "intake/claude_code/front_matter.h"
#include "intake/claude_code/settings_text.h"

namespace triune::intake::claude {
namespace {

std::map<std::string, std::string> by_key(const Result<std::vector<Setting>>& settings) {
  std::map<std::string, std::string> map;
  EXPECT_TRUE(settings.has_value()) << (settings.has_value() ? "" : settings.error().message);
  if (!settings.has_value()) return map;
  for (const auto& setting : *settings) map[setting.key] = setting.type + ":" + setting.value;
  return map;
}

TEST(Settings, OfJsonAreFlattened) {
  const auto map = by_key(
      flatten_json(R"x({"model":"m","permissions":{"allow":["Bash(ls:*)","Read"]},"n":1.5,"on":true,"no":null})x"));
  EXPECT_EQ(map, (std::map<std::string, std::string>{{"model", "string:m"},
                                                     {"permissions.allow[0]", "string:Bash(ls:*)"},
                                                     {"permissions.allow[1]", "string:Read"},
                                                     {"n", "number:1.5"},
                                                     {"on", "boolean:true"},
                                                     {"no", "null:"}}));
  EXPECT_FALSE(flatten_json("{").has_value());
}

TEST(Settings, OfYamlAreFlattened) {
  const auto map =
      by_key(flatten_yaml("# a comment\n"
                          "limit: 120000\n"
                          "share: 0.8  # trailing\n"
                          "agents:\n"
                          "  backend:\n"
                          "    worktree: ../wt#1\n"
                          "    skills: [api, \"a, b\", 'it''s']\n"
                          "  idle: {name: x, on: false}\n"
                          "steps:\n"
                          "- first: 1\n"
                          "  second: two\n"
                          "- plain: text: more\n"
                          "- \"quoted: not a key\"\n"
                          "-\n"
                          "  - deep\n"
                          "text: |\n"
                          "  one\n"
                          "    two # kept\n"
                          "\n"
                          "folded: >\n"
                          "  a\n"
                          "  b\n"
                          "empty:\n"
                          "last: ~\n"));
  EXPECT_EQ(map, (std::map<std::string, std::string>{{"limit", "number:120000"},
                                                     {"share", "number:0.8"},
                                                     {"agents.backend.worktree", "string:../wt#1"},
                                                     {"agents.backend.skills[0]", "string:api"},
                                                     {"agents.backend.skills[1]", "string:a, b"},
                                                     {"agents.backend.skills[2]", "string:it's"},
                                                     {"agents.idle.name", "string:x"},
                                                     {"agents.idle.on", "boolean:false"},
                                                     {"steps[0].first", "number:1"},
                                                     {"steps[0].second", "string:two"},
                                                     {"steps[1].plain", "string:text: more"},
                                                     {"steps[2]", "string:quoted: not a key"},
                                                     {"steps[3][0]", "string:deep"},
                                                     {"text", "string:one\n  two # kept"},
                                                     {"folded", "string:a b"},
                                                     {"empty", "null:"},
                                                     {"last", "null:"}}));
}

TEST(Settings, OfWrongYamlNameTheLine) {
  const auto settings = flatten_yaml("a: 1\nno colon here\n");
  ASSERT_FALSE(settings.has_value());
  EXPECT_TRUE(settings.error().message.starts_with("line 2: ")) << settings.error().message;
  EXPECT_FALSE(flatten_yaml("a: 1\n   b: 2\n").has_value());
  std::string deep;
  for (int level = 0; level < 200; ++level) deep += std::string(static_cast<std::size_t>(level), ' ') + "k:\n";
  EXPECT_FALSE(flatten_yaml(deep).has_value());
  EXPECT_FALSE(flatten_yaml("a: " + std::string(500, '[') + std::string(500, ']')).has_value());
}

TEST(FrontMatter, IsReadLeniently) {
  const auto document = read_front_matter(
      "---\nname: reviewer\ndescription: Reviews: finds \"bugs\"\ntools:\n  - Read\n  - Grep\n---\n# Title\nBody\n");
  EXPECT_EQ(document.get("name"), "reviewer");
  EXPECT_EQ(document.get("description"), "Reviews: finds \"bugs\"");
  EXPECT_EQ(document.get("tools"), "Read, Grep");
  EXPECT_EQ(document.body, "# Title\nBody\n");
  EXPECT_EQ(title_of(document), "Reviews: finds \"bugs\"");
}

TEST(FrontMatter, MayBeMissingOrNeverClosed) {
  EXPECT_EQ(title_of(read_front_matter("Intro\n# The title\n")), "The title");
  const auto open = read_front_matter("---\nname: x\nno end\n");
  EXPECT_TRUE(open.members.empty());
  EXPECT_EQ(open.body, "---\nname: x\nno end\n");
}

}  // namespace
}  // namespace triune::intake::claude
