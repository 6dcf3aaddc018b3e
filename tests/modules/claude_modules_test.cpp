// What an import of Claude Code's files leaves in the modules: agents, contexts, memories, events.
#include <gmock/gmock.h>

#include "integration/claude_import_fixture.h"
#include "triune/modules/agents.h"
#include "triune/modules/events.h"
#include "triune/modules/memory.h"

namespace triune::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::filesystem::path example = TRIUNE_EXAMPLE;
constexpr std::string_view tide_session = "5b1d6c02-3f7e-4a51-9c1a-6f0e2d4b7a10";

class ClaudeModules : public ClaudeImportTest {
 protected:
  std::string property(const NodeReference& node, std::string_view name) {
    const auto properties = hive_->get_node(node);
    EXPECT_TRUE(properties) << properties.error().message;
    if (properties)
      for (const auto& one : *properties)
        if (one.name == name) return to_text(one.value);
    return "(none)";
  }
  std::string cypher(const std::string& query) {
    const auto rows = hive_->cypher(query);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows && !rows->rows.empty() ? to_text(rows->rows[0][0]) : "";
  }
};

TEST_F(ClaudeModules, FillsAgents) {
  const auto report = import(example);
  EXPECT_GE(report.mapped.at("agents"), 5U);
  const auto agents = Agents::open(*hive_).value();
  EXPECT_THAT(agents->list().value(), SizeIs(5));
  const auto worker = agents->get("almanac-Mar-02").value();
  EXPECT_EQ(worker.agent_type, "backend");
  EXPECT_EQ(worker.status, AgentStatus::offline);
  EXPECT_FALSE(worker.heartbeat_deadline_ms);
  EXPECT_THAT(worker.configuration.text, HasSubstr("claude-code"));
  // The node has what it had before there was a module.
  EXPECT_EQ(property({"Agent", "almanac-Mar-02"}, "kind"), "worker");
  EXPECT_EQ(property({"Agent", "almanac-Mar-02"}, "outcome"), "completed");
  EXPECT_EQ(property({"Agent", "almanac-Mar-02"}, "agent_type"), "backend");
  EXPECT_EQ(property({"Agent", "almanac-Mar-02"}, "ended_at"), "2026-03-02T16:40:12.500Z");
  EXPECT_EQ(cypher("MATCH (a:Agent {kind: 'subagent'})-[:PART_OF]->(:Session) RETURN count(*)"), "3");
  EXPECT_EQ(cypher("MATCH (a:Agent) RETURN count(*)"), "5");
}

TEST_F(ClaudeModules, FillsContextsWithWhatTheLastAnswerHeld) {
  const auto report = import(example);
  EXPECT_GE(report.mapped.at("contexts"), 4U);
  const auto memory = Memory::open(*hive_).value();
  const auto context = memory->context(tide_session).value();
  EXPECT_EQ(context.agent, "");
  EXPECT_EQ(context.max_tokens, 200'000);
  EXPECT_FALSE(context.active);
  EXPECT_EQ(context.name, "Half-hour zones in the tide clock");
  EXPECT_EQ(std::to_string(context.tokens) + "\n",
            sql("SELECT coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0) + "
                "coalesce(cache_creation_tokens, 0) FROM claude_message_rows WHERE session_id = '" +
                std::string(tide_session) +
                "' AND role = 'assistant' AND agent_id IS NULL AND input_tokens IS NOT NULL ORDER BY at DESC LIMIT 1"));
  EXPECT_THAT(memory->contexts("", true).value(), SizeIs(Ge(4U)));
  EXPECT_THAT(memory->contexts("a7c31f0e95b2d4486", true).value(), SizeIs(1));
}

TEST_F(ClaudeModules, RemembersDocumentsAndSummaries) {
  write("projects/-srv/s1.jsonl", user_line({.uuid = "u1"}, "\"hello\"") +
                                      user_line({.uuid = "u2", .parent = "u1", .extra = R"(,"isCompactSummary":true)"},
                                                "\"So far: the harbour lamps blink every seven seconds.\""));
  import(example);
  import(tree());
  const auto memory = Memory::open(*hive_).value();
  const auto found = memory->recall({.text = "harbour lamps blink", .session = "s1", .kinds = {"summary"}}).value();
  ASSERT_THAT(found.memories, SizeIs(1));
  EXPECT_EQ(found.memories[0].memory.level, MemoryLevel::consolidated);
  EXPECT_THAT(found.memories[0].memory.source, HasSubstr("u2"));
  EXPECT_EQ(memory->context("s1")->consolidations, 1);
  const auto decisions = memory->recall({.text = "Kathmandu", .kinds = {"memory"}}).value();
  ASSERT_THAT(decisions.memories, SizeIs(Ge(1U)));
  EXPECT_THAT(decisions.memories[0].memory.source, HasSubstr("memory/decisions.md"));
  EXPECT_THAT(memory->snapshots("claude-code/memory").value(), SizeIs(1));
}

TEST_F(ClaudeModules, TellsRecordsAsEvents) {
  write("s1.jsonl",
        user_line({.uuid = "u1"}, "\"hello\"") +
            event_line({.uuid = "e1",
                        .parent = "u1",
                        .at = "2026-01-01T00:00:01.000Z",
                        .extra = R"(,"subtype":"api_error","level":"error","error":{"message":"overloaded"})"},
                       "system") +
            event_line({.uuid = "e2", .parent = "e1", .at = "2026-01-01T00:00:02.000Z"}, "progress") +
            event_line({.uuid = "e3", .at = "2199-01-01T00:00:00.000Z"}, "system") +
            event_line({.uuid = "e4", .at = ""}, "file-history-snapshot"));
  const auto report = import(tree());
  EXPECT_EQ(report.mapped.at("events"), 2U);
  EXPECT_EQ(report.not_mapped.at("records of a time ahead are no events"), 1U);
  EXPECT_EQ(report.not_mapped.at("records without a time are no events"), 1U);
  EXPECT_EQ(sql("SELECT count(*) FROM claude_events"), "4\n");
  const auto events = Events::open(*hive_).value();
  const auto errors = events->query({.source = "claude-code", .min_severity = EventSeverity::error}).value();
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].title, "overloaded");
  EXPECT_EQ(errors[0].subtype, "api_error");
  EXPECT_EQ(errors[0].correlation_id, "s1");
  EXPECT_EQ(errors[0].occurred_at_ms, 1'767'225'601'000);
  const auto chain = events->chain(errors[0].id).value();
  ASSERT_THAT(chain.effects, SizeIs(1));
  EXPECT_EQ(chain.effects[0].external_id, "e2");
  EXPECT_EQ(chain.effects[0].severity, EventSeverity::debug);
  EXPECT_EQ(cypher("MATCH (:Event {event_type: 'system'})-[:CAUSED]->(e:Event) RETURN e.event_type"), "progress");
  expect_nothing_new(tree());
}

TEST_F(ClaudeModules, AgainChangesNoModule) {
  import(example);
  const auto before = everything();
  const auto entries = sql("SELECT count(*) FROM triune_audit_log");
  const auto counts = sql("SELECT sum(events), sum(duplicates) FROM triune_event_counts");
  const auto report = import(example);
  EXPECT_TRUE(report.mapped.empty());
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(sql("SELECT count(*) FROM triune_audit_log"), entries);
  EXPECT_EQ(sql("SELECT sum(events), sum(duplicates) FROM triune_event_counts"), counts);
}

TEST_F(ClaudeModules, NodesOfUsersAreJoined) {
  ASSERT_TRUE(hive_->commit(
      {.changes = {PutNode{{"Agent", "reviewer"}, {{"role", "reads"}}}, PutNode{{"Agent", "bob"}, {{"role", "writes"}}},
                   PutEdge{{"KNOWS", {"Agent", "bob"}, {"Agent", "reviewer"}}, {}}},
       .idempotency_key = {}}));
  import(example);
  EXPECT_EQ(property({"Agent", "reviewer"}, "role"), "reads");
  EXPECT_EQ(property({"Agent", "reviewer"}, "kind"), "definition");
  EXPECT_EQ(property({"Agent", "bob"}, "role"), "writes");
  EXPECT_EQ(cypher("MATCH (:Agent {id: 'bob'})-[:KNOWS]->(a:Agent) RETURN a.agent_type"), "reviewer");
  EXPECT_EQ(cypher("MATCH (a:Agent) RETURN count(*)"), "6");
}

TEST_F(ClaudeModules, AnAgentThatSomebodyEnrolledStaysTheirs) {
  const auto agents = Agents::open(*hive_).value();
  ASSERT_TRUE(agents->enroll({.id = "reviewer", .name = "The Reviewer", .agent_type = "code_review"}));
  ASSERT_TRUE(agents->enroll({.id = "other", .name = "almanac-Mar-02"}));
  import(example);
  EXPECT_EQ(agents->get("reviewer")->name, "The Reviewer");
  EXPECT_EQ(agents->get("reviewer")->status, AgentStatus::idle);
  EXPECT_EQ(property({"Agent", "reviewer"}, "kind"), "definition");
  EXPECT_EQ(agents->get("almanac-Mar-02")->name, "almanac-Mar-02 (imported)");
}

// A hive as the first version left it: its own table mapped to the label, and nothing in the modules.
TEST_F(ClaudeModules, AnEarlierImportIsMovedOver) {
  const auto text = [](const std::string& names) {
    std::string columns;
    std::istringstream in(names);
    for (std::string name; in >> name;)
      columns += (columns.empty() ? "" : ", ") + name + (columns.empty() ? " TEXT NOT NULL PRIMARY KEY" : " TEXT");
    return columns;
  };
  const auto run = [&](const std::string& statement) {
    const auto done = hive_->sql(in_dialect(statement));
    ASSERT_TRUE(done) << done.error().message;
  };
  run("CREATE TABLE claude_agent_rows (" +
      text("id kind name agent_type description model tools status session_id started_at ended_at spawn_call_id "
           "spawn_message_id spawn_session_id prompt") +
      ", prompt_bytes INTEGER, prompt_hash TEXT, total_tokens INTEGER, tool_uses INTEGER, duration_ms INTEGER, file "
      "TEXT, details TEXT, details_bytes INTEGER) STRICT");
  run("CREATE TABLE claude_session_rows (" + text("id project") +
      ", project_rank INTEGER, started_at TEXT, ended_at TEXT, cli_version TEXT, cli_version_at TEXT, cli_versions "
      "TEXT, git_branch TEXT, git_branch_at TEXT, title TEXT, title_rank INTEGER, slug TEXT) STRICT");
  run("CREATE TABLE claude_event_rows (" + text("id session_id type subtype at parent_uuid agent_id file") +
      ", line INTEGER, details TEXT, details_bytes INTEGER) STRICT");
  ASSERT_TRUE(hive_->map_nodes(
      {"claude_agent_rows", "Agent", {"kind", "name", "agent_type", "status", "started_at", "ended_at"}}));
  ASSERT_TRUE(hive_->map_nodes(
      {"claude_session_rows", "Session", {"project", "started_at", "ended_at", "cli_version", "title"}}));
  run("INSERT INTO claude_session_rows (id, project, started_at) VALUES ('old', '/srv', '2025-01-01T00:00:00.000Z')");
  run("INSERT INTO claude_agent_rows (id, kind, status, session_id, started_at) VALUES ('helper', 'subagent', "
      "'completed', 'old', '2025-01-01T00:00:01.000Z')");
  run("INSERT INTO claude_event_rows (id, session_id, type, at, file, line, details, details_bytes) VALUES ('ev1', "
      "'old', 'system', '2025-01-01T00:00:02.000Z', '/x', 1, '{}', 2)");
  run("INSERT INTO claude_event_rows (id, session_id, type, at, parent_uuid, file, line, details, details_bytes) "
      "VALUES "
      "('a0', 'old', 'system', '2025-01-01T00:00:03.000Z', 'ev1', '/x', 2, '{}', 2)");
  ASSERT_TRUE(hive_->commit(
      {.changes = {PutEdge{{"PART_OF", {"Agent", "helper"}, {"Session", "old"}}, {}}}, .idempotency_key = {}}));
  write("s1.jsonl", user_line({.uuid = "u1"}, "\"hello\""));
  const auto report = import(tree());
  EXPECT_EQ(report.mapped.at("agents"), 1U);
  EXPECT_EQ(report.mapped.at("events"), 2U);
  EXPECT_EQ(report.mapped.at("contexts"), 2U);
  EXPECT_EQ(sql("SELECT count(*) FROM triune_definitions WHERE kind = 'node_mapping' AND name = 'Agent'"), "0\n");
  EXPECT_EQ(sql("SELECT status FROM triune_agents WHERE id = 'helper'"), "offline\n");
  EXPECT_EQ(property({"Agent", "helper"}, "outcome"), "completed");
  EXPECT_EQ(cypher("MATCH (:Agent {kind: 'subagent'})-[:PART_OF]->(s:Session) RETURN s.id"), "old");
  EXPECT_EQ(sql("SELECT external_id FROM triune_event_list WHERE cause_id IS NOT NULL"), "a0\n");
  EXPECT_EQ(sql("SELECT kind FROM claude_agents WHERE id = 'helper'"), "subagent\n");
  expect_nothing_new(tree());
}

}  // namespace
}  // namespace triune::testing
