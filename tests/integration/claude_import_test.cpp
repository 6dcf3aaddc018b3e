// The example tree, whose contents these tests know: see examples/claude.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "integration/claude_import_fixture.h"
#include "model/json.h"

namespace triune::testing {
namespace {

const std::filesystem::path example = TRIUNE_EXAMPLE;

class ClaudeExample : public ClaudeImportTest {
 protected:
  void SetUp() override {
    ClaudeImportTest::SetUp();
    report_ = import(example);
  }

  /// `everything`, comparable across stores: the members of an object have no order.
  [[nodiscard]] std::set<std::string> everything_sorted() const {
    std::set<std::string> lines;
    std::istringstream all(everything());
    for (std::string line; std::getline(all, line);) {
      const auto json = line.find("|{");
      if (json != std::string::npos)
        if (auto parsed = model::parse_json_object(std::string_view(line).substr(json + 1))) {
          std::sort(parsed->begin(), parsed->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
          line = line.substr(0, json + 1) + to_json(*parsed);
        }
      lines.insert(line);
    }
    return lines;
  }

  intake::ClaudeImportReport report_;
};

TEST_F(ClaudeExample, ReportsWhatCameIn) {
  EXPECT_EQ(report_.files, 18U);
  EXPECT_EQ(report_.sessions, 4U);
  EXPECT_EQ(report_.messages, 35U);
  EXPECT_EQ(report_.tool_calls, 11U);
  EXPECT_EQ(report_.agents, 5U);
  EXPECT_EQ(report_.unknown_types, (std::map<std::string, std::uint64_t>{{"garden-mood", 1}}));
  ASSERT_EQ(report_.bad_lines.size(), 1U);
  EXPECT_TRUE(report_.bad_lines[0].file.ends_with("d81e5f97-46ab-4f3c-a2d0-5c7b9e13f860.jsonl"));
  EXPECT_EQ(report_.bad_lines[0].line, 5U);
  EXPECT_GT(report_.changed, 200U);
}

TEST_F(ClaudeExample, GivesTheStableViews) {
  EXPECT_EQ(sql("SELECT * FROM claude_sessions ORDER BY started_at, ended_at"),
            "c03f8a6e-72d9-4d1b-b5e4-83a9f6170d2c|/home/mira/work/"
            "seed-library|2025-06-11T09:00:07.037Z|2025-06-11T09:01:03.333Z|1.0.24\n"
            "d81e5f97-46ab-4f3c-a2d0-5c7b9e13f860|/home/mira/work/"
            "seed-library|2025-11-18T09:00:07.037Z|2025-11-18T09:00:42.222Z|2.0.42\n"
            "5b1d6c02-3f7e-4a51-9c1a-6f0e2d4b7a10|/home/mira/work/"
            "tide-clock|2026-03-02T09:00:07.037Z|2026-03-02T09:02:41.666Z|2.1.30\n"
            "9e47a1d3-0c28-4be6-8f35-1a7c5e9d2b44|/home/mira/work/"
            "tide-clock|2026-03-02T09:00:07.037Z|2026-03-05T09:00:49.259Z|2.1.41\n");
  EXPECT_EQ(sql("SELECT name, is_error, count(*) FROM claude_tool_calls GROUP BY 1, 2 ORDER BY 1, 2"),
            "Bash|0|1\nBash|1|1\nEdit|0|1\nGrep|0|2\nRead|0|2\nTask|0|2\nWrite|0|1\nmcp__inventory__list_lots|0|1\n");
  EXPECT_EQ(sql(on_postgres() ? "SELECT column_name FROM information_schema.columns "
                                "WHERE table_name = 'claude_messages' ORDER BY ordinal_position"
                              : "SELECT name FROM pragma_table_info('claude_messages')"),
            "id\nsession_id\nparent_id\nrole\nmodel\nat\nis_sidechain\ninput_tokens\noutput_tokens\ncache_read_tokens\n"
            "cache_creation_tokens\n");
  EXPECT_EQ(sql("SELECT title FROM claude_session_rows WHERE title IS NOT NULL ORDER BY 1"),
            "Catalogue of bean varieties\nHalf-hour zones in the tide clock\n");
}

// C3: four lines, one of them repeated by the resumed session.
TEST_F(ClaudeExample, AnApiMessageIsOneRowAndCountsOnce) {
  EXPECT_EQ(
      sql("SELECT session_id, parent_id, role, model, at, is_sidechain, input_tokens, output_tokens, "
          "cache_read_tokens, "
          "cache_creation_tokens FROM claude_messages WHERE id = 'msg_01TideA7Qm2Vx4LpRk9ZsWdE3'"),
      "5b1d6c02-3f7e-4a51-9c1a-6f0e2d4b7a10|5b1d6c02-1002-4c00-8a00-6f0e2d4b7a10|assistant|claude-sonnet-4-5-20250929|"
      "2026-03-02T09:00:21.111Z|0|2100|412|0|1800\n");
  EXPECT_EQ(sql("SELECT kind FROM claude_blocks WHERE message_id = 'msg_01TideA7Qm2Vx4LpRk9ZsWdE3' ORDER BY position"),
            "thinking\ntext\ntool_use\ntool_use\n");
  EXPECT_EQ(sql("SELECT sum(output_tokens) FROM claude_messages"), "1780\n");
  EXPECT_EQ(sql("SELECT count(*) FROM claude_messages WHERE role = 'user' AND (model IS NOT NULL OR input_tokens IS "
                "NOT NULL)"),
            "0\n");
  EXPECT_EQ(sql("SELECT count(*) FROM claude_messages WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM "
                "claude_messages)"),
            "0\n");
}

TEST_F(ClaudeExample, IsAGraph) {
  const auto count = [&](const std::string& pattern) {
    const auto rows = hive_->cypher("MATCH " + pattern + " RETURN count(*)");
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? std::get<std::int64_t>(rows->rows.at(0).at(0)) : -1;
  };
  EXPECT_EQ(count("(:Session)"), 4);
  EXPECT_EQ(count("(:Message)"), 35);
  EXPECT_EQ(count("(:Tool)"), 7);
  EXPECT_EQ(count("(:Agent)"), 5);
  EXPECT_EQ(count("(:Message)-[:REPLIES_TO]->(:Message)"), 29);
  EXPECT_EQ(count("(:Message)-[:PART_OF]->(:Session)"), 35);
  EXPECT_EQ(count("(:Agent)-[:PART_OF]->(:Session)"), 3);
  EXPECT_EQ(count("(:Message)-[:CALLS]->(:Tool {id: 'mcp__inventory__list_lots'})"), 1);
  EXPECT_EQ(count("(:Message)-[:TOUCHES]->(:File {id: '/home/mira/work/tide-clock/src/clock.py'})"), 2);
  EXPECT_EQ(count("(:Message)-[:SPAWNED]->(:Agent {id: 'a7c31f0e95b2d4486'})"), 1);  // by the id in the result
  EXPECT_EQ(count("(:Message)-[:SPAWNED]->(a:Agent) WHERE a.id STARTS WITH 'sidechain-'"), 1);  // by the prompt
  EXPECT_EQ(count("(:Session)-[:SPAWNED]->(:Agent {id: '5fe20b91'})"), 1);  // nobody is known to have called it
}

TEST_F(ClaudeExample, IsFoundByItsWords) {
  const auto found = [&](const std::string& query, const std::string& index) {
    const auto hits = hive_->text({.query = query, .collection = index, .count = 10});
    EXPECT_TRUE(hits) << hits.error().message;
    std::vector<std::string> ids;
    for (const auto& hit : hits ? *hits : std::vector<TextHit>()) ids.push_back(hit.id);
    return ids;
  };
  const auto messages = found("Adelaide \"hour late\"", "claude_messages");
  EXPECT_EQ(messages, std::vector<std::string>{"5b1d6c02-1002-4c00-8a00-6f0e2d4b7a10"});
  const auto files = found("Kathmandu", "claude_files");
  ASSERT_FALSE(files.empty());
  EXPECT_TRUE(
      std::any_of(files.begin(), files.end(), [](const auto& id) { return id.ends_with("memory/decisions.md"); }));
}

TEST_F(ClaudeExample, KeepsTheTreeOfSettingsAgentsAndMemory) {
  EXPECT_EQ(sql("SELECT key, value, scope, is_effective FROM claude_settings WHERE key = 'model' ORDER BY scope"),
            "model|opus|local|1\nmodel|sonnet|project|0\n");
  EXPECT_EQ(sql("SELECT value FROM claude_settings WHERE key = 'permissions.deny[0]'"), "Bash(rm:*)\n");
  EXPECT_EQ(sql("SELECT value FROM claude_settings WHERE key = 'steps[1].by'"), "mira\n");
  EXPECT_EQ(sql("SELECT id, kind, agent_type, status FROM claude_agents WHERE kind <> 'subagent' ORDER BY id"),
            "almanac-Mar-02|worker|backend|completed\nreviewer|definition|reviewer|\n");
  EXPECT_EQ(sql("SELECT agent_id, completed_at, status, tests_passing FROM claude_completions"),
            "almanac-Mar-02|2026-03-02T16:40:12.500Z|completed|1\n");
  EXPECT_EQ(sql("SELECT kind, count(*) FROM claude_files WHERE kind <> 'touched' GROUP BY 1 ORDER BY 1"),
            "agent|2\ncommand|1\ncompletions|1\nconfig|1\nmemory|3\nsettings|2\nskill|1\n");
  EXPECT_EQ(sql("SELECT text FROM claude_history ORDER BY at DESC LIMIT 1"), "/ship 1.4.0\n");
}

TEST_F(ClaudeExample, KeepsNoSecret) {
  EXPECT_EQ(sql("SELECT value FROM claude_settings WHERE key = 'env.HARBOUR_API_KEY'"), "[redacted]\n");
  EXPECT_EQ(everything().find("not-a-real-key"), std::string::npos);
}

TEST_F(ClaudeExample, KeepsAnImageAsABlob) {
  const auto owner = sql("SELECT owner FROM triune_blob_references WHERE name = 'media'");
  ASSERT_FALSE(owner.empty());
  const auto bytes = hive_->get_blob(owner.substr(0, owner.size() - 1), "media");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->at(1), std::byte{'P'});
}

TEST_F(ClaudeExample, AgainChangesNothing) {  // C1
  expect_nothing_new(example);
  for (const auto* const part : {".claude", "projects", "projects/-home-mira-work-seed-library"})
    expect_nothing_new(example / part);
}

// Rows, graph and blobs, whatever the store's order and its spacing of JSON.
TEST_F(ClaudeExample, IsTheSameInADirectoryAsOnAServer) {
  if (!on_postgres()) GTEST_SKIP() << "compares a server's hive with a directory's";
  const auto shared = everything_sorted();
  auto local = Hive::open(directory() / "local");
  ASSERT_TRUE(local) << local.error().message;
  hive_ = std::move(*local);
  const auto report = import(example);
  EXPECT_EQ(report.changed, report_.changed);
  EXPECT_EQ(report.records, report_.records);
  const auto own = everything_sorted();
  EXPECT_GT(own.size(), 200U);
  std::vector<std::string> different;
  std::set_symmetric_difference(own.begin(), own.end(), shared.begin(), shared.end(), std::back_inserter(different));
  EXPECT_EQ(different, std::vector<std::string>());
}

TEST_F(ClaudeExample, ACopyAddsNoMessage) {  // C1
  std::filesystem::create_directories(tree());
  std::filesystem::copy(example / "projects", tree() / "backup", std::filesystem::copy_options::recursive);
  const auto messages = sql("SELECT * FROM claude_messages ORDER BY id");
  const auto events = sql("SELECT count(*) FROM claude_events");
  const auto report = import(tree() / "backup");
  EXPECT_EQ(report.messages + report.tool_calls + report.sessions + report.agents + report.events, 0U);
  EXPECT_EQ(sql("SELECT * FROM claude_messages ORDER BY id"), messages);
  EXPECT_EQ(sql("SELECT count(*) FROM claude_events"), events);
}

TEST_F(ClaudeExample, VerifiesClean) {
  const auto receipt = hive_->receipt();
  ASSERT_TRUE(receipt);
  ASSERT_TRUE(hive_->wait(receipt->token(), Deadline::after(std::chrono::minutes(2))));
  const auto verified = hive_->verify();
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_TRUE(verified->ok);
}

}  // namespace
}  // namespace triune::testing
