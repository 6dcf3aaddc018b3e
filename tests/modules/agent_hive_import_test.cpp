// Importing an agent hive's tree, and databases of hive-mind programs: complete, told, and the same twice.
#include "intake/agent_hive/import.h"

#include <gmock/gmock.h>

#include <fstream>

#include "intake/sqlite_hive/import.h"
#include "integration/foreign_database.h"
#include "integration/hive_fixture.h"
#include "triune/modules/agents.h"
#include "triune/modules/events.h"
#include "triune/modules/memory.h"
#include "triune/modules/tasks.h"

namespace triune {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

class AgentHiveImport : public testing::HiveTest {
 protected:
  void write(const std::string& file, const std::string& text) {
    const auto path = directory_.path() / "tree" / ".claude" / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  void write_tree() {
    write("agents/web-1.json",
          R"({"agent_id": "web-1", "agent_type": "web", "priority": "1.2", "task": "Repair the dashboard",
      "worktree_path": "trees/web-1", "status": "completed", "spawn_time": "2025-07-16T02:08:47.1394"})");
    write("agents/broken.json", "{\"agent_type\": 1");
    write("agent_completions.jsonl",
          "{\"agent_id\": \"web-1\", \"completion_time\": \"2025-07-16T08:07:11.95\", \"overall_status\": "
          "\"completed\"}\n"
          "{\"agent_id\": \"other-2\", \"completion_time\": \"2025-07-16T09:00:00\", \"overall_status\": "
          "\"with_issues\"}\n"
          "not json\n");
    write("memory/LATEST.json", R"({"consolidation_level": "critical", "state": {"b": 1, "a": [2]}})");
    write("memory/notes.md", "# Deep consolidation\nThe parser rejects empty input.\n");
    write("config/config.yaml", "system:\n  log_level: INFO\n  limit: 4\napi:\n  token: \"abc123\"\n");
    write("personas/tester.yaml", "name: tester\n");
    write("logs/fleet.log",
          "2025-07-15 14:04:56 INFO     fleet.scaling     Scaled up\n"
          "2025-07-15 14:04:57 ERROR    fleet.scaling     It broke\n"
          "Traceback (most recent call last):\n"
          "  File \"x.py\", line 1\n"
          "2025-07-15 14:04:58 INFO     fleet.scaling     Scaled up\n"
          "2025-07-15 14:04:58 INFO     fleet.scaling     Scaled up\n");
    write("logs/strange.log", "no entry at all\n");
    write("binary.dat", std::string("\x01\x02", 2));
  }

  intake::AgentHiveReport import() {
    auto report = intake::import_agent_hive(*hive_, directory_.path() / "tree");
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : intake::AgentHiveReport{};
  }

  std::int64_t count(const std::string& table) { return std::stoll(scalar("SELECT count(*) FROM " + table)); }
};

TEST_F(AgentHiveImport, FillsAgentsTasksEventsSnapshotsMemoriesAndConfigurations) {
  write_tree();
  auto report = import();
  EXPECT_EQ(report.mapped["events"], 6U);
  const auto agents = Agents::open(*hive_).value();
  EXPECT_EQ(agents->get("web-1")->agent_type, "web");
  EXPECT_EQ(agents->get("web-1")->worktree, "trees/web-1");
  EXPECT_THAT(agents->get("web-1")->configuration.text, HasSubstr("1.2"));
  EXPECT_TRUE(agents->get("other-2"));
  EXPECT_EQ(agents->configuration({}, "config/config.yaml", "system.limit")->value->text, "4");
  EXPECT_EQ(agents->configuration({}, "config/config.yaml", "api.token")->value->text, "\"[redacted]\"");
  const auto tasks = Tasks::open(*hive_).value();
  EXPECT_EQ(tasks->get("agent-hive/web-1")->status, TaskStatus::completed);
  EXPECT_EQ(tasks->get("agent-hive/web-1")->assigned_to, "web-1");
  const auto events = Events::open(*hive_).value();
  const auto errors = events->query({.type = "log.fleet.scaling", .min_severity = EventSeverity::error}).value();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].occurred_at_ms, 1'752'588'297'000);
  EXPECT_THAT(errors[0].data.text, HasSubstr("line 1"));
  const auto memory = Memory::open(*hive_).value();
  EXPECT_EQ(memory->snapshots("agent-hive/memory")->at(0).level, MemoryLevel::critical);
  EXPECT_THAT(memory->recall({.text = "what rejects empty input?"})->memories.at(0).memory.source,
              HasSubstr("notes.md"));
}

TEST_F(AgentHiveImport, TellsWhatItDidNotTake) {
  write_tree();
  const auto report = import();
  using intake::NotTaken;
  EXPECT_THAT(report.not_taken, Contains(Field(&NotTaken::file, "agents/broken.json")));
  EXPECT_THAT(report.not_taken, Contains(Field(&NotTaken::file, "binary.dat")));
  EXPECT_THAT(report.not_taken, Contains(Field(&NotTaken::file, "logs/strange.log")));
  EXPECT_THAT(report.not_taken, Contains(::testing::AllOf(Field(&NotTaken::file, "agent_completions.jsonl"),
                                                          Field(&NotTaken::line, 3U))));
}

TEST_F(AgentHiveImport, TheSameTreeAgainChangesNothing) {
  write_tree();
  import();
  std::map<std::string, std::int64_t> before;
  for (const auto* table : {"triune_agents", "triune_tasks", "triune_events", "triune_memories", "triune_audit_log"})
    before[table] = count(table);
  const auto again = import();
  EXPECT_EQ(again.files_unchanged, again.files);
  // As if the first had been killed before it noted a file.
  const auto memory = Memory::open(*hive_).value();
  ASSERT_TRUE(memory->erase("import/agent-hive", "logs/fleet.log"));
  ASSERT_TRUE(memory->erase("import/agent-hive", "agents/web-1.json"));
  const auto third = import();
  EXPECT_EQ(third.duplicate_events, 4U);
  for (const auto* table : {"triune_agents", "triune_tasks", "triune_events", "triune_memories"})
    EXPECT_EQ(count(table), before[table]) << table;
}

TEST_F(AgentHiveImport, RefusesWhatIsNoAgentHive) {
  EXPECT_EQ(intake::import_agent_hive(*hive_, directory_.path() / "absent").error().code, ErrorCode::not_found);
  std::filesystem::create_directories(directory_.path() / "empty");
  EXPECT_EQ(intake::import_agent_hive(*hive_, directory_.path() / "empty").error().code, ErrorCode::invalid_argument);
}

TEST_F(AgentHiveImport, ReadsTheStateDatabaseOfAnOrchestrator) {
  write("agents/a.json", R"({"agent_id": "a"})");
  {
    const testing::ForeignProgram state(directory_.path() / "tree" / ".claude" / "state.db");
    state.run(
        "CREATE TABLE checkpoints (id TEXT, git_tag TEXT, metrics TEXT, timestamp REAL);"
        "INSERT INTO checkpoints VALUES ('c1', 'v1', '{\"quality\": 0.9}', 1752588296.5);"
        "CREATE TABLE tasks (id TEXT, agent TEXT, status TEXT, confidence REAL);"
        "INSERT INTO tasks VALUES ('t1', 'a', 'in_progress', 0.8), ('t2', NULL, 'waiting_dependency', 0.5), "
        "('t3', 'b', 'nonsense', 1);"
        "CREATE TABLE performance (agent TEXT, task_id TEXT, duration REAL, success INTEGER);"
        "INSERT INTO performance VALUES ('a', 't1', 12.5, 1)");
  }
  const auto report = import();
  const auto tasks = Tasks::open(*hive_).value();
  EXPECT_EQ(tasks->get("agent-hive/state/t1")->status, TaskStatus::in_progress);
  EXPECT_EQ(tasks->get("agent-hive/state/t2")->status, TaskStatus::blocked);
  EXPECT_THAT(report.not_taken, Contains(Field(&intake::NotTaken::reason, HasSubstr("t3"))));
  const auto events = Events::open(*hive_).value();
  EXPECT_EQ(events->query({.type = "checkpoint"})->at(0).occurred_at_ms, 1'752'588'296'500);
  EXPECT_EQ(events->query({.type = "performance"})->size(), 1U);
}

TEST_F(AgentHiveImport, ReadsDatabasesOfHiveMindPrograms) {
  const auto path = directory_.path() / "hive-mind.db";
  {
    const testing::ForeignProgram mind(path);
    mind.run(
        "CREATE TABLE swarms (id TEXT, name TEXT, topology TEXT);"
        "INSERT INTO swarms VALUES ('s1', 'builders', 'mesh');"
        "CREATE TABLE agents (id TEXT, swarm_id TEXT, name TEXT, type TEXT, status TEXT, capabilities TEXT);"
        "INSERT INTO agents VALUES ('a1', 's1', 'Coder', 'coder', 'busy', '[\"cpp\", \"sql\"]'), "
        "('a10', 's1', 'Tester', 'tester', 'idle', NULL);"
        "CREATE TABLE tasks (id TEXT, description TEXT, priority TEXT, status TEXT, assigned_agents TEXT, dependencies "
        "TEXT);"
        "INSERT INTO tasks VALUES ('t1', 'write', 'high', 'executing', '[\"a1\"]', '[]'), "
        "('t2', 'test', '9', 'queued', NULL, '[\"t1\"]'), ('t3', 'odd', '1', 'what', NULL, NULL);"
        "CREATE TABLE communications (id INTEGER, from_agent_id TEXT, to_agent_id TEXT, type TEXT, content TEXT, "
        "timestamp TEXT);"
        "INSERT INTO communications VALUES (1, 'a1', 'a10', 'direct', 'please test', '2025-07-15 10:00:00');"
        "CREATE TABLE memory (key TEXT, namespace TEXT, value TEXT, expires_at TEXT);"
        "INSERT INTO memory VALUES ('goal', 'plan', '{\"ship\": true}', NULL), ('old', 'plan', '1', '2020-01-01');"
        "CREATE TABLE unrelated (x INTEGER)");
  }
  for (int round = 0; round < 2; ++round) {
    auto report = intake::import_sqlite_hive(*hive_, path);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->mapped["agents"].second, 2U);
    EXPECT_EQ(report->mapped["tasks"].second, 2U);
    EXPECT_THAT(report->not_taken, Contains(Field(&intake::RowNotTaken::table, "unrelated")));
    EXPECT_THAT(report->not_taken, Contains(Field(&intake::RowNotTaken::row, "t3")));
    EXPECT_THAT(report->not_taken, Contains(Field(&intake::RowNotTaken::row, "old")));
  }
  const auto agents = Agents::open(*hive_).value();
  EXPECT_EQ(agents->capabilities("a1")->size(), 2U);
  const auto tasks = Tasks::open(*hive_).value();
  EXPECT_EQ(tasks->get("t1")->status, TaskStatus::in_progress);
  EXPECT_EQ(tasks->get("t1")->assigned_to, "a1");
  EXPECT_EQ(tasks->get("t2")->unmet_dependencies, 1);
  EXPECT_EQ(tasks->get("t2")->priority, TaskPriority::critical);
  const auto events = Events::open(*hive_).value();
  EXPECT_EQ(events->query({.type = "communications.direct"})->size(), 1U);
  const auto memory = Memory::open(*hive_).value();
  EXPECT_THAT(memory->value("memory/plan", "goal")->value.text, HasSubstr("ship"));
}

}  // namespace
}  // namespace triune
