// Tasks: statuses, dependencies without cycles, what is ready, parts of a whole.
#include "triune/modules/tasks.h"

#include <gmock/gmock.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class TasksTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    auto opened = Tasks::open(*hive_);
    ASSERT_TRUE(opened) << opened.error().message;
    tasks_ = std::move(*opened);
  }

  void TearDown() override { tasks_.reset(); }

  std::string make(const std::string& id, const std::string& parent = {}) {
    auto made = tasks_->create({.id = id, .name = "task " + id, .parent = parent});
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : "";
  }

  void become(const std::string& id, TaskStatus status) {
    const auto changed = tasks_->update(id, {.status = status});
    EXPECT_TRUE(changed) << changed.error().message;
  }

  void complete(const std::string& id) {
    become(id, TaskStatus::in_progress);
    become(id, TaskStatus::completed);
  }

  std::set<std::string> ready() {
    std::set<std::string> ids;
    const auto found = tasks_->ready(10'000);
    EXPECT_TRUE(found) << found.error().message;
    if (found)
      for (const auto& task : *found) ids.insert(task.id);
    return ids;
  }

  std::unique_ptr<Tasks> tasks_;
};

TEST_F(TasksTest, ATaskIsReadyWhenItsHardDependenciesAreMet) {
  for (const auto* id : {"build", "test", "ship", "tell"}) make(id);
  ASSERT_TRUE(tasks_->depend({.source = "test", .target = "build"}));
  ASSERT_TRUE(tasks_->depend({.source = "ship", .target = "test"}));
  ASSERT_TRUE(tasks_->depend({.source = "tell", .target = "test", .hard = false}));
  EXPECT_THAT(ready(), UnorderedElementsAre("build", "tell"));
  complete("build");
  EXPECT_THAT(ready(), UnorderedElementsAre("test", "tell"));
  become("test", TaskStatus::in_progress);
  become("test", TaskStatus::failed);
  EXPECT_THAT(ready(), UnorderedElementsAre("tell"));
  become("test", TaskStatus::pending);
  complete("test");
  EXPECT_THAT(ready(), UnorderedElementsAre("ship", "tell"));
}

TEST_F(TasksTest, AConditionSaysWhatOfTheTargetSatisfies) {
  for (const auto* id : {"try", "cleanup", "report"}) make(id);
  ASSERT_TRUE(tasks_->depend({.source = "cleanup", .target = "try", .condition = "failure"}));
  ASSERT_TRUE(tasks_->depend({.source = "report", .target = "try", .condition = "completion"}));
  EXPECT_THAT(ready(), UnorderedElementsAre("try"));
  become("try", TaskStatus::in_progress);
  become("try", TaskStatus::failed);
  EXPECT_THAT(ready(), UnorderedElementsAre("cleanup", "report"));
}

TEST_F(TasksTest, ADependencyOnWhatIsDoneAlreadyIsSatisfiedAtOnce) {
  make("a");
  make("b");
  complete("a");
  become("a", TaskStatus::archived);
  make("c");
  complete("c");
  ASSERT_TRUE(tasks_->depend({.source = "b", .target = "c"}));
  EXPECT_THAT(ready(), UnorderedElementsAre("b"));
}

TEST_F(TasksTest, RefusesCyclesHoweverLongOnInsertAndOnUpdate) {
  constexpr int length = 300;
  std::vector<NewTask> chain;
  std::vector<TaskDependency> links;
  for (int i = 0; i < length; ++i) {
    chain.push_back({.id = "t" + std::to_string(i), .name = "t"});
    if (i > 0) links.push_back({.source = "t" + std::to_string(i), .target = "t" + std::to_string(i - 1)});
  }
  ASSERT_TRUE(tasks_->create_many(chain));
  ASSERT_TRUE(tasks_->depend_many(links));
  const auto closing = tasks_->depend({.source = "t0", .target = "t299"});
  EXPECT_EQ(closing.error().code, ErrorCode::conflict);
  EXPECT_THAT(closing.error().message, HasSubstr("cycle"));
  EXPECT_EQ(tasks_->depend({.source = "t0", .target = "t0"}).error().code, ErrorCode::conflict);
  // What orders nothing may go round.
  EXPECT_TRUE(tasks_->depend({.source = "t0", .target = "t299", .type = "related_to"}));
  // By another program, and by an update.
  const auto updated = hive_->begin(Deadline::never())
                           .value()
                           ->sql(
                               "UPDATE triune_task_dependencies SET dependency_type = 'depends_on' WHERE "
                               "dependency_type = 'related_to'");
  EXPECT_FALSE(updated);
  EXPECT_EQ(tasks_->get("t0")->unmet_dependencies, 0);
}

TEST_F(TasksTest, RandomDependenciesAreTakenExactlyWhenTheyCloseNoCycle) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr int count = 25;
  std::vector<NewTask> all;
  for (int i = 0; i < count; ++i) all.push_back({.id = std::to_string(i), .name = "t"});
  ASSERT_TRUE(tasks_->create_many(all));
  std::map<int, std::set<int>> targets;
  const auto reaches = [&](int from, int to) {
    std::set<int> seen{from};
    std::vector<int> next{from};
    while (!next.empty()) {
      const int at = next.back();
      next.pop_back();
      if (at == to) return true;
      for (const int target : targets[at])
        if (seen.insert(target).second) next.push_back(target);
    }
    return false;
  };
  for (int round = 0; round < 200; ++round) {
    const int source = static_cast<int>(random() % count);
    const int target = static_cast<int>(random() % count);
    if (random() % 5 == 0) {
      ASSERT_TRUE(tasks_->undepend(std::to_string(source), std::to_string(target)));
      targets[source].erase(target);
      continue;
    }
    const auto made = tasks_->depend({.source = std::to_string(source), .target = std::to_string(target)});
    EXPECT_EQ(made.has_value(), !reaches(target, source)) << source << " on " << target;
    if (made) targets[source].insert(target);
  }
  std::set<std::string> free;
  for (int i = 0; i < count; ++i)
    if (targets[i].empty()) free.insert(std::to_string(i));
  EXPECT_EQ(ready(), free);
}

TEST_F(TasksTest, AParentShowsHowManyOfItsPartsAreCompleted) {
  make("whole");
  for (const auto* id : {"a", "b", "c", "d"}) make(id, "whole");
  make("other");
  complete("a");
  EXPECT_DOUBLE_EQ(tasks_->get("whole")->progress, 25);
  complete("b");
  become("b", TaskStatus::archived);
  EXPECT_DOUBLE_EQ(tasks_->get("whole")->progress, 50);
  ASSERT_TRUE(tasks_->update("c", {.parent = "other"}));
  EXPECT_NEAR(tasks_->get("whole")->progress, 200.0 / 3, 1e-9);
  EXPECT_EQ(tasks_->get("other")->children, 1);
  ASSERT_TRUE(tasks_->remove("d"));
  EXPECT_DOUBLE_EQ(tasks_->get("whole")->progress, 100);
  EXPECT_EQ(tasks_->remove("whole").error().code, ErrorCode::conflict);
  EXPECT_EQ(tasks_->update("whole", {.parent = "a"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(tasks_->descendants("whole")->size(), 2U);
}

TEST_F(TasksTest, RefusesStatusesThatMayNotFollow) {
  make("a");
  const auto refused = tasks_->update("a", {.status = TaskStatus::completed});
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("pending"));
  complete("a");
  EXPECT_FALSE(tasks_->update("a", {.status = TaskStatus::pending}));
  EXPECT_EQ(tasks_->get("a")->status, TaskStatus::completed);
  EXPECT_DOUBLE_EQ(tasks_->get("a")->progress, 100);
}

TEST_F(TasksTest, EveryForeignStatusHasACanonicalOne) {
  for (const auto* word : {"draft",
                           "pending",
                           "assigned",
                           "in_progress",
                           "blocked",
                           "review",
                           "completed",
                           "failed",
                           "cancelled",
                           "archived",
                           "running",
                           "retrying",
                           "paused",
                           "backlog",
                           "todo",
                           "in_review",
                           "testing",
                           "done",
                           "waiting_dependency",
                           "queued",
                           "executing",
                           "analysis",
                           "development",
                           "deployment",
                           "In-Progress",
                           "DONE"})
    EXPECT_TRUE(canonical_task_status(word)) << word;
  EXPECT_EQ(canonical_task_status("todo").value(), TaskStatus::pending);
  EXPECT_FALSE(canonical_task_status("nonsense"));
}

TEST_F(TasksTest, TheTransitionsOfTheStoreAreThoseOfTheProgram) {
  const auto rows = hive_->sql("SELECT from_status, to_status FROM triune_task_transitions");
  ASSERT_TRUE(rows) << rows.error().message;
  std::set<std::pair<std::string, std::string>> stored;
  for (const auto& row : rows->rows) stored.insert({to_text(row[0]), to_text(row[1])});
  for (int from = 0; from < 10; ++from)
    for (int to = 0; to < 10; ++to) {
      const auto now = static_cast<TaskStatus>(from);
      const auto next = static_cast<TaskStatus>(to);
      if (from == to) continue;
      EXPECT_EQ(may_follow(now, next), stored.contains({std::string(to_string(now)), std::string(to_string(next))}))
          << to_string(now) << " to " << to_string(next);
    }
}

TEST_F(TasksTest, TheGraphFollows) {
  make("whole");
  make("part", "whole");
  make("other");
  ASSERT_TRUE(tasks_->depend({.source = "other", .target = "part"}));
  ASSERT_TRUE(tasks_->update("part", {.assigned_to = "ada"}));
  EXPECT_EQ(cypher_scalar("MATCH (t:Task)-[:SUBTASK_OF]->(w:Task) RETURN t.id + '>' + w.id"), "part>whole");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task)-[:DEPENDS_ON]->(w:Task) RETURN t.id + '>' + w.id"), "other>part");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task)-[:ASSIGNED_TO]->(a:Agent) RETURN t.id + '>' + a.id"), "part>ada");
  ASSERT_TRUE(tasks_->update("part", {.assigned_to = "bob"}));
  EXPECT_EQ(cypher_scalar("MATCH (t:Task)-[:ASSIGNED_TO]->(a:Agent) RETURN a.id"), "bob");
  ASSERT_TRUE(tasks_->undepend("other", "part"));
  EXPECT_EQ(cypher_scalar("MATCH (:Task)-[e:DEPENDS_ON]->(:Task) RETURN count(e)"), "0");
  complete("part");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task {id: 'part'}) RETURN t.status"), "completed");
  expect_verified();
}

TEST_F(TasksTest, EveryChangeIsAuditedWithWhoAndWhy) {
  const Actor ada{.id = "ada", .type = ActorType::user, .reason = "planning", .request_id = "r1"};
  ASSERT_TRUE(tasks_->create({.id = "a", .name = "first"}, ada));
  ASSERT_TRUE(tasks_->update("a", {.name = "second"}, ada));
  ASSERT_TRUE(tasks_->remove("a"));
  const auto rows = hive_->sql(
      "SELECT operation, actor, actor_type, reason, request_id, before, after FROM triune_audit_log "
      "WHERE table_name = 'triune_tasks' AND record_id = 'a' ORDER BY entry");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows.size(), 3U);
  std::vector<std::string> told;
  for (int cell = 0; cell < 5; ++cell) told.push_back(to_text(rows->rows[1][static_cast<std::size_t>(cell)]));
  EXPECT_THAT(told, ElementsAre("update", "ada", "user", "planning", "r1"));
  EXPECT_THAT(to_text(rows->rows[1][5]), HasSubstr("first"));
  EXPECT_THAT(to_text(rows->rows[1][6]), HasSubstr("second"));
  EXPECT_THAT(to_text(rows->rows[1][6]), ::testing::Not(HasSubstr("priority")));
  EXPECT_EQ(to_text(rows->rows[2][1]), "");
  for (const auto* statement : {"DELETE FROM triune_audit_log", "UPDATE triune_audit_log SET actor = 'x'",
                                "DROP TRIGGER triune_audit_triune_tasks_update", "DROP TABLE triune_audit_log"})
    EXPECT_FALSE(hive_->sql(statement)) << statement;
}

TEST_F(TasksTest, CommentsExecutionsTimesAndResourcesBelongToATask) {
  make("a");
  ASSERT_TRUE(tasks_->comment("a", {.author = "ada", .content = "looks good"}));
  EXPECT_EQ(
      tasks_->record_execution("a", {.worker = "w", .outcome = "failed", .started_at_ms = 1, .ended_at_ms = 5}).value(),
      1);
  EXPECT_EQ(tasks_->record_execution("a", {.worker = "w", .outcome = "completed", .started_at_ms = 6, .ended_at_ms = 9})
                .value(),
            2);
  EXPECT_TRUE(tasks_->log_time("a", "ada", 10, 20, "reading"));
  EXPECT_FALSE(tasks_->log_time("a", "ada", 20, 20));
  EXPECT_TRUE(tasks_->note_resources("a", {.memory_mb = 12.5, .tokens = 1'000}));
  EXPECT_EQ(tasks_->comments("a")->at(0).content, "looks good");
  EXPECT_EQ(tasks_->executions("a")->at(1).outcome, "completed");
  EXPECT_EQ(tasks_->comment("nothing", {.content = "x"}).error().code, ErrorCode::not_found);
}

TEST_F(TasksTest, SummariesAreCountedAsTasksChange) {
  for (const auto* id : {"a", "b", "c"}) make(id);
  complete("a");
  std::map<TaskStatus, std::int64_t> counts;
  const auto days = tasks_->summary();
  ASSERT_TRUE(days) << days.error().message;
  for (const auto& day : *days) counts[day.status] += day.tasks;
  EXPECT_EQ(counts[TaskStatus::pending], 2);
  EXPECT_EQ(counts[TaskStatus::completed], 1);
  EXPECT_FALSE(counts.contains(TaskStatus::in_progress));
}

TEST_F(TasksTest, TheLoadsOfAgentsAreWhatTheirTasksAre) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::array<std::string, 3> agents{"ada", "bob", ""};
  constexpr std::array statuses{TaskStatus::pending, TaskStatus::assigned, TaskStatus::in_progress,
                                TaskStatus::blocked, TaskStatus::review,   TaskStatus::completed,
                                TaskStatus::failed,  TaskStatus::cancelled};
  for (int i = 0; i < 150; ++i) {
    const auto id = "t" + std::to_string(random() % 12);
    const auto& agent = agents[random() % agents.size()];
    // Some of these are refused: what they would have changed must not be counted.
    switch (random() % 5) {
      case 0: static_cast<void>(tasks_->create({.id = id, .name = "work", .assigned_to = agent})); break;
      case 1: static_cast<void>(tasks_->remove(id)); break;
      case 2: static_cast<void>(tasks_->update(id, {.assigned_to = agent})); break;
      case 3:
        static_cast<void>(tasks_->update(id, {.status = statuses[random() % statuses.size()], .assigned_to = agent}));
        break;
      default: static_cast<void>(tasks_->update(id, {.status = statuses[random() % statuses.size()]}));
    }
  }
  const auto rows_of = [&](const std::string& sql) {
    const auto rows = hive_->sql(sql);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? rows->rows : std::vector<std::vector<Value>>();
  };
  EXPECT_EQ(rows_of("SELECT agent, status, CAST(sum(tasks) AS bigint) FROM triune_task_loads GROUP BY agent, status "
                    "HAVING sum(tasks) <> 0 ORDER BY agent, status"),
            rows_of("SELECT assigned_to, status, count(*) FROM triune_tasks WHERE assigned_to IS NOT NULL GROUP BY "
                    "assigned_to, status ORDER BY assigned_to, status"));
  EXPECT_EQ(rows_of("SELECT agent, in_progress + assigned + blocked + review FROM triune_agent_load ORDER BY agent"),
            rows_of("SELECT assigned_to, count(*) FROM triune_tasks WHERE assigned_to IS NOT NULL AND status IN "
                    "('in_progress', 'assigned', 'blocked', 'review') GROUP BY assigned_to ORDER BY assigned_to"));
}

TEST_F(TasksTest, DefinitionsGiveWhatATaskLeavesOpen) {
  ASSERT_TRUE(tasks_->define({.name = "review", .task_type = "code_review", .max_retries = 7}));
  const auto id = tasks_->create({.name = "look", .definition = "review"});
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(tasks_->get(*id)->task_type, "code_review");
  EXPECT_EQ(tasks_->get(*id)->max_retries, 7);
  EXPECT_EQ(tasks_->define({.name = "review"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(tasks_->create({.name = "look", .definition = "absent"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(tasks_->create({.name = " "}).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace triune
