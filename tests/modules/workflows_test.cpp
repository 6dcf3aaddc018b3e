// Workflows: every kind of step, what is refused, and what is kept of failures, time and people.
#include <gmock/gmock.h>

#include "modules/workflow_fixture.h"

namespace triune::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

nlohmann::json parsed(std::string_view text) {
  return nlohmann::json::parse(text);
}

TEST_F(WorkflowTest, ASequenceHandsOutputsOn) {
  define(parsed(R"({"queue": "work", "steps": [
    {"name": "build", "type": "task", "payload": {"branch": "${input.branch}", "n": [1, "${input.list.1}"]}},
    {"name": "test", "type": "task", "payload": {"of": "${steps.build}", "say": "on ${steps.build.branch} $${x}"}}]})"));
  const auto id = start(parsed(R"({"branch": "main", "list": [7, 8]})"));
  EXPECT_EQ(queues_->statistics("work")->ready, 1);
  const auto ended = run(id, echo);
  EXPECT_EQ(ended.status, "completed") << ended.error;
  EXPECT_EQ(ended.progress, 100);
  EXPECT_THAT(keys(), ElementsAre("build", "test"));
  EXPECT_EQ(parsed(ended.output.text), parsed(R"({"build": {"branch": "main", "n": [1, 8]},
                       "test": {"of": {"branch": "main", "n": [1, 8]}, "say": "on main ${x}"}})"));
  EXPECT_EQ(done_.at(0).at("execution"), id);
  EXPECT_EQ(done_.at(0).at("workflow"), "flow");
}

TEST_F(WorkflowTest, ParallelStepsAreInTheQueueTogether) {
  define(parsed(R"({"queue": "work", "type": "parallel", "steps": [
    {"name": "a", "type": "task"}, {"name": "b", "type": "task"}, {"name": "c", "type": "task"}]})"));
  const auto id = start();
  EXPECT_EQ(queues_->statistics("work")->ready, 3);
  const auto claimed = queues_->claim("work", "w", 1).value();
  finish(claimed.at(0), parsed("1"));
  advance();
  EXPECT_EQ(state(id).status, "running");
  EXPECT_NEAR(state(id).progress, 33.3, 0.1);
  EXPECT_EQ(run(id, echo).status, "completed");
}

TEST_F(WorkflowTest, AConditionChoosesByEarlierOutputs) {
  define(parsed(R"({"queue": "work", "steps": [
    {"name": "check", "type": "task", "payload": "${input.n}"},
    {"name": "pick", "type": "conditional",
     "condition": {"all": [{"path": "steps.check", "is": ">", "value": 3},
                           {"not": {"path": "input.tags", "is": "contains", "value": "slow"}},
                           {"any": [{"path": "input.x", "is": "exists"}, {"path": "input.n", "is": "in", "value": [4, 5]}]}]},
     "then": {"name": "big", "type": "task", "payload": "big"},
     "else": {"name": "small", "type": "task", "payload": "small"}},
    {"name": "maybe", "type": "conditional", "condition": {"path": "input.never", "is": "exists"},
     "then": {"name": "never", "type": "task"}}]})"));
  EXPECT_EQ(parsed(run(start(parsed(R"({"n": 5})")), echo).output.text).at("pick"), "big");
  EXPECT_EQ(parsed(run(start(parsed(R"({"n": 2})")), echo).output.text).at("pick"), "small");
  EXPECT_EQ(parsed(run(start(parsed(R"({"n": 5, "tags": ["slow"]})")), echo).output.text).at("pick"), "small");
  // Values of unlike types have no order.
  const auto odd = run(start(parsed(R"({"n": "5"})")), echo);
  EXPECT_EQ(parsed(odd.output.text).at("pick"), "small");
  EXPECT_TRUE(parsed(odd.output.text).at("maybe").is_null());
}

TEST_F(WorkflowTest, ADagBeginsAStepWhenWhatItNeedsIsDone) {
  define(parsed(R"({"queue": "work", "type": "dag", "steps": [
    {"name": "d", "type": "task", "depends_on": ["b", "c"], "payload": ["${steps.a}", "${steps.b}"]},
    {"name": "b", "type": "task", "depends_on": ["a"], "payload": "B"},
    {"name": "c", "type": "task", "depends_on": ["a"]},
    {"name": "a", "type": "task", "payload": "A"}]})"));
  const auto id = start();
  EXPECT_EQ(round(echo), 1U);
  EXPECT_EQ(round(echo), 2U);
  EXPECT_EQ(round(echo), 1U);
  EXPECT_EQ(keys().back(), "d");
  EXPECT_EQ(parsed(state(id).output.text).at("d"), parsed(R"(["A", "B"])"));
}

TEST_F(WorkflowTest, LoopsGoOverListsSoManyTimesOrWhileAConditionHolds) {
  define(parsed(R"({"queue": "work", "steps": [
    {"name": "each", "type": "loop", "over": "input.names", "most": 10, "step":
      {"name": "inner", "type": "loop", "times": 2, "step":
        {"name": "greet", "type": "task", "payload": "${loops.each.item}${loops.each.index}${loops.inner.index}"}}},
    {"name": "grow", "type": "loop", "most": 5,
     "while": {"not": {"path": "loops.grow.last", "is": ">=", "value": 2}}, "step":
      {"name": "count", "type": "task", "payload": "${loops.grow.index}"}}]})"));
  const auto ended = run(start(parsed(R"({"names": ["x", "y"]})")), echo);
  EXPECT_EQ(ended.status, "completed") << ended.error;
  EXPECT_EQ(parsed(ended.output.text), parsed(R"({"each": [["x00", "x01"], ["y10", "y11"]], "grow": [0, 1, 2]})"));
  EXPECT_THAT(keys(), ::testing::Contains("greet[1][0]"));
  const auto many = run(start(parsed(R"({"names": [1,2,3,4,5,6,7,8,9,10,11]})")), echo);
  EXPECT_EQ(many.status, "failed");
  EXPECT_THAT(many.error, HasSubstr("has 11 items; at most 10"));
  EXPECT_THAT(run(start(parsed(R"({"names": 5})")), echo).error, HasSubstr("no list"));
}

TEST_F(WorkflowTest, AWhileLoopThatReachesItsBoundFails) {
  define(parsed(R"({"queue": "work", "type": "loop", "most": 3, "while": {"path": "input.on", "is": "=", "value": true},
    "step": {"name": "turn", "type": "task"}})"));
  const auto ended = run(start(parsed(R"({"on": true})")), echo);
  EXPECT_EQ(ended.status, "failed");
  EXPECT_THAT(ended.error, HasSubstr("still holds after 3"));
  EXPECT_EQ(done_.size(), 3U);
  EXPECT_EQ(parsed(run(start(parsed(R"({"on": false})")), echo).output.text), parsed("[]"));
}

TEST_F(WorkflowTest, DefinitionsThatCannotWorkAreRefusedWithTheirPlace) {
  const auto says = [&](std::string_view document, const std::string& place) {
    const auto error = refused(parsed(document));
    EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.message;
    EXPECT_THAT(error.message, HasSubstr(place));
  };
  says(R"({"steps": [{"name": "a", "type": "task"}]})", "steps[0].queue");
  says(R"({"queue": "q", "steps": []})", "steps: is a list");
  says(R"({"queue": "q", "steps": [{"name": "a", "type": "tsk"}]})", "steps[0].type");
  says(R"({"queue": "q", "steps": [{"name": "a b", "type": "task"}]})", "steps[0].name");
  says(R"({"queue": "q", "steps": [{"name": "a", "type": "task", "retry": 3}]})", "no member 'retry'");
  says(R"({"queue": "q", "steps": [{"name": "a", "type": "task"}, {"name": "a", "type": "task"}]})", "steps[1].name");
  says(R"({"queue": "q", "steps": [{"name": "a", "type": "task", "payload": {"x": ["${steps.b}"]}}]})",
       "steps[0].payload.x[0]: there is no step 'b'");
  says(
      R"({"queue": "q", "steps": [{"name": "a", "type": "task", "payload": "${steps.b}"}, {"name": "b", "type": "task"}]})",
      "'b' is not sure to be done before");
  says(R"({"queue": "q", "type": "dag", "steps": [
       {"name": "a", "type": "task", "depends_on": ["c"]}, {"name": "b", "type": "task", "depends_on": ["a"]},
       {"name": "c", "type": "task", "depends_on": ["b"]}]})",
       "a cycle: a needs c needs b needs a");
  says(R"({"queue": "q", "type": "dag", "steps": [{"name": "a", "type": "task", "depends_on": ["z"]}]})",
       "steps[0].depends_on: there is no step \"z\"");
  says(R"({"queue": "q", "steps": [{"name": "a", "type": "task", "depends_on": []}]})", "only steps of a dag");
  says(
      R"({"queue": "q", "steps": [{"name": "l", "type": "loop", "over": "input.x", "step": {"name": "a", "type": "task"}}]})",
      "steps[0].most");
  says(
      R"({"queue": "q", "steps": [{"name": "l", "type": "loop", "times": 99999, "step": {"name": "a", "type": "task"}}]})",
      "steps[0].times");
  says(
      R"({"queue": "q", "type": "loop", "times": 2, "step": {"name": "a", "type": "task", "payload": "${loops.b.item}"}})",
      "step.payload: this step is in no loop 'b'");
  says(R"({"queue": "q", "steps": [{"name": "l", "type": "loop", "times": 2, "step": {"name": "a", "type": "task"}},
       {"name": "b", "type": "task", "payload": "${steps.a}"}]})",
       "in a loop, whose list of outputs");
  says(R"({"queue": "q", "type": "conditional", "condition": {"path": "input.x", "is": "~", "value": 1},
       "then": {"name": "a", "type": "task"}})",
       "condition.is");
  says(R"({"queue": "q", "type": "conditional", "condition": {"path": "system.x", "is": "exists"},
       "then": {"name": "a", "type": "task"}})",
       "condition.path: 'system.x' begins with none of");
  says(R"({"queue": "q", "steps": [{"name": "a", "type": "task", "payload": "${input.x"}]})", "without its }");
  std::string deep = R"({"name": "leaf", "type": "task"})";
  for (int i = 0; i < 40; ++i)
    deep = R"({"name": "s)" + std::to_string(i) + R"(", "type": "parallel", "steps": [)" + deep + "]}";
  says(R"({"queue": "q", "steps": [)" + deep + "]}", "nested at most 32 deep");
}

TEST_F(WorkflowTest, AFailureCompensatesWhatWasDoneTheLastFirst) {
  define(parsed(R"({"queue": "work", "steps": [
    {"name": "reserve", "type": "task", "payload": 1, "compensation": {"payload": {"cancel": "${steps.reserve}"}}},
    {"name": "each", "type": "loop", "times": 2, "step":
      {"name": "pay", "type": "task", "compensation": {"payload": "${loops.each.index}"}}},
    {"name": "plain", "type": "task"},
    {"name": "send", "type": "task", "payload": "fails", "compensation": {}}]})"));
  const auto ended = run(
      start(), [](const Document& payload) { return payload.at("input") == "fails" ? std::nullopt : echo(payload); });
  EXPECT_EQ(ended.status, "failed");
  EXPECT_EQ(ended.compensation, "completed");
  EXPECT_EQ(ended.error, "step send: it broke");
  EXPECT_THAT(keys(), ElementsAre("reserve", "pay[0]", "pay[1]", "plain", "send", "pay[1]/undo", "pay[0]/undo",
                                  "reserve/undo"));
  EXPECT_EQ(done_.back().at("input"), parsed(R"({"cancel": 1})"));
  EXPECT_EQ(done_.at(5).at("input"), 1);
}

TEST_F(WorkflowTest, ACompensationThatFailsIsToldAndTheOthersGoOn) {
  define(parsed(R"({"queue": "work", "steps": [
    {"name": "a", "type": "task", "compensation": {}}, {"name": "b", "type": "task", "compensation": {"payload": "fails", "retries": 1}},
    {"name": "c", "type": "task", "payload": "fails"}]})"));
  const auto ended = run(
      start(), [](const Document& payload) { return payload.at("input") == "fails" ? std::nullopt : echo(payload); });
  EXPECT_EQ(ended.status, "failed");
  EXPECT_EQ(ended.compensation, "failed");
  EXPECT_THAT(keys(), ElementsAre("a", "b", "c", "b/undo", "b/undo", "a/undo"));
}

TEST_F(WorkflowTest, AFailedStepIsTriedAgainOrPassedOver) {
  define(parsed(R"({"queue": "work", "steps": [
    {"name": "shaky", "type": "task", "payload": "shaky", "retries": 2},
    {"name": "optional", "type": "task", "payload": "fails", "on_failure": "continue"},
    {"name": "last", "type": "task", "payload": ["${steps.optional}"]}]})"));
  const auto ended = run(start(), [](const Document& payload) -> std::optional<Document> {
    if (payload.at("input") == "fails" || (payload.at("input") == "shaky" && payload.at("attempt") < 3)) return {};
    return echo(payload);
  });
  EXPECT_EQ(ended.status, "completed") << ended.error;
  EXPECT_THAT(keys(), ElementsAre("shaky", "shaky", "shaky", "optional", "last"));
  EXPECT_EQ(parsed(ended.output.text).at("last"), parsed("[null]"));
}

TEST_F(WorkflowTest, OneFailedOfParallelStepsTakesTheOthersBack) {
  define(parsed(R"({"queue": "work", "type": "parallel", "steps": [
    {"name": "good", "type": "task", "compensation": {}}, {"name": "bad", "type": "task"}, {"name": "slow", "type": "task"}]})"));
  const auto id = start();
  const auto claimed = queues_->claim("work", "w", 3).value();
  for (const auto& item : claimed) {
    const auto step = parsed(item.payload.text).at("step");
    if (step == "good") finish(item, parsed("1"));
    if (step == "bad") finish(item, {});
  }
  advance();
  EXPECT_EQ(queues_->statistics("work")->cancelled, 1);
  EXPECT_EQ(run(id, echo).status, "failed");
  EXPECT_EQ(keys().back(), "good/undo");
}

TEST_F(WorkflowTest, StepsAndExecutionsThatTakeTooLongFail) {
  define(parsed(R"({"queue": "work", "steps": [{"name": "slow", "type": "task", "timeout_ms": 30, "retries": 1}]})"));
  const auto id = start();
  const auto lost = queues_->claim("work", "w", 1).value().at(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  advance();
  EXPECT_EQ(state(id).status, "running");
  EXPECT_EQ(queues_->get(lost.id)->state, "cancelled");
  const auto steps = workflows_->steps(id).value();
  EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [](const WorkflowStep& step) { return step.attempt == 2; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  advance();
  EXPECT_EQ(state(id).status, "failed");
  EXPECT_THAT(state(id).error, HasSubstr("did not end within 30 ms"));
  define(parsed(R"({"queue": "work", "timeout_ms": 30, "steps": [{"name": "slow", "type": "task"}]})"), "whole");
  const auto whole = start({}, "whole");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  advance();
  EXPECT_THAT(state(whole).error, HasSubstr("in its time"));
  EXPECT_EQ(queues_->statistics("work")->ready, 0);
}

TEST_F(WorkflowTest, APausedExecutionWaitsAndItsTimeToo) {
  define(parsed(
      R"({"queue": "work", "timeout_ms": 1500, "steps": [{"name": "a", "type": "task"}, {"name": "b", "type": "task"}]})"));
  const auto id = start();
  ASSERT_TRUE(workflows_->pause(id));
  ASSERT_TRUE(workflows_->pause(id));
  EXPECT_TRUE(state(id).paused);
  EXPECT_EQ(round(echo), 0U);
  std::this_thread::sleep_for(std::chrono::milliseconds(1600));
  advance();
  EXPECT_EQ(state(id).status, "running");
  ASSERT_TRUE(workflows_->resume(id));
  EXPECT_EQ(round(echo), 1U) << state(id).error;
  // What a worker holds when the pause comes ends, and the next step waits.
  const auto held = queues_->claim("work", "w", 1).value().at(0);
  ASSERT_TRUE(workflows_->pause(id));
  finish(held, parsed("1"));
  advance();
  EXPECT_EQ(state(id).status, "running");
  ASSERT_TRUE(workflows_->resume(id));
  advance();
  EXPECT_EQ(state(id).status, "completed") << state(id).error;
  EXPECT_EQ(workflows_->pause(id).error().code, ErrorCode::conflict);
  EXPECT_EQ(workflows_->pause("absent").error().code, ErrorCode::not_found);
}

TEST_F(WorkflowTest, ACancelledExecutionIsCompensated) {
  define(parsed(
      R"({"queue": "work", "steps": [{"name": "a", "type": "task", "compensation": {}}, {"name": "b", "type": "task"}]})"));
  const auto id = start();
  round(echo);
  ASSERT_TRUE(workflows_->pause(id));
  ASSERT_TRUE(workflows_->cancel(id, "not wanted"));
  EXPECT_EQ(state(id).status, "compensating");
  const auto ended = run(id, echo);
  EXPECT_EQ(ended.status, "cancelled");
  EXPECT_EQ(ended.error, "not wanted");
  EXPECT_THAT(keys(), ElementsAre("a", "a/undo"));
  EXPECT_TRUE(workflows_->cancel(id));
}

TEST_F(WorkflowTest, AnExecutionGoesOnWithItsVersionAndStartsOnce) {
  const auto id = define(
      parsed(R"({"queue": "work", "steps": [{"name": "old", "type": "task"}, {"name": "old2", "type": "task"}]})"));
  ASSERT_TRUE(workflows_->start({.id = "one", .workflow = "flow"}));
  ASSERT_TRUE(workflows_->start({.id = "one", .workflow = id}));
  EXPECT_EQ(define(parsed(R"({"queue": "work", "steps": [{"name": "new", "type": "task"}]})")), id);
  define(parsed(R"({"queue": "work", "steps": [{"name": "new", "type": "task"}]})"));
  EXPECT_EQ(workflows_->get("flow")->version, 2);
  EXPECT_EQ(run("one", echo).version, 1);
  EXPECT_THAT(keys(), ElementsAre("old", "old2"));
  define(parsed(R"({"queue": "work", "steps": [{"name": "x", "type": "task"}]})"), "other");
  EXPECT_EQ(workflows_->start({.id = "one", .workflow = "other"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(workflows_->start({.workflow = "absent"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(workflows_->start({.id = "a:b", .workflow = "flow"}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(cypher_scalar("MATCH (e:WorkflowExecution {id: 'one'})-[:PART_OF]->(w:Workflow) RETURN w.name"), "flow");
  EXPECT_EQ(scalar("SELECT executions FROM triune_workflow_execution_summary WHERE workflow = 'flow'"), "1");
}

TEST_F(WorkflowTest, NobodyElsePutsInWhatLooksLikeAStep) {
  const NewQueueItem item{.id = "wf:one:a:1"};
  EXPECT_EQ(queues_->put("work", std::span(&item, 1)).error().code, ErrorCode::invalid_argument);
}

TEST_F(WorkflowTest, AMissingQueueFailsTheStepByName) {
  define(parsed(R"({"queue": "absent", "steps": [{"name": "a", "type": "task"}]})"));
  const auto id = start();
  EXPECT_EQ(state(id).status, "failed");
  EXPECT_THAT(state(id).error, HasSubstr("there is no queue absent"));
}

TEST_F(WorkflowTest, ADueTimeStartsOneExecutionWhoeverNoticesAndMissedOnesAreMadeUpForOnce) {
  define(parsed(
      R"({"queue": "work", "steps": [{"name": "a", "type": "task", "payload": "${trigger.scheduled_for_ms}"}]})"));
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  ASSERT_TRUE(workflows_->schedule({.id = "s", .workflow = "flow", .every_ms = 60'000, .next_at_ms = now - 600'001}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int times = 0; times < 3; ++times) EXPECT_TRUE(workflows_->advance());
    });
  for (auto& thread : threads) thread.join();
  const auto found = workflows_->executions().value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].scheduled_for_ms, now - 600'001);
  EXPECT_EQ(found[0].trigger_source, "scheduled");
  const auto schedule = workflows_->schedules()->at(0);
  EXPECT_EQ(schedule.last_at_ms, now - 600'001);
  EXPECT_EQ((schedule.next_at_ms - (now - 600'001)) % 60'000, 0);
  EXPECT_GT(schedule.next_at_ms, now);
  EXPECT_EQ(parsed(run(found[0].id, echo).output.text).at("a"), now - 600'001);
  ASSERT_TRUE(workflows_->unschedule("s"));
  EXPECT_TRUE(workflows_->schedules()->empty());
}

TEST_F(WorkflowTest, CronExpressionsAreReadInUtc) {
  define(parsed(R"({"queue": "work", "steps": [{"name": "a", "type": "task"}]})"));
  const auto after = [&](const std::string& cron) {
    EXPECT_TRUE(workflows_->schedule({.id = "s", .workflow = "flow", .cron = cron}));
    return std::chrono::sys_time<std::chrono::milliseconds>(
        std::chrono::milliseconds(workflows_->schedules()->at(0).next_at_ms));
  };
  const auto leap = after("30 12 29 2 *");
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(leap)};
  EXPECT_EQ(date.month(), std::chrono::February);
  EXPECT_EQ(date.day(), std::chrono::day(29));
  EXPECT_EQ(leap - std::chrono::floor<std::chrono::days>(leap), std::chrono::minutes(12 * 60 + 30));
  const auto sunday = after("0 0 * * 7");
  EXPECT_EQ(std::chrono::weekday(std::chrono::floor<std::chrono::days>(sunday)), std::chrono::Sunday);
  const auto quarter = after("*/15 8-9,20 1,15 * 1");
  EXPECT_EQ(quarter.time_since_epoch().count() % 900'000, 0);
  for (const auto* const wrong : {"", "* * * *", "60 * * * *", "*/0 * * * *", "a * * * *", "5-1 * * * *", "0 0 30 2 *"})
    EXPECT_EQ(workflows_->schedule({.workflow = "flow", .cron = wrong}).error().code, ErrorCode::invalid_argument)
        << wrong;
  EXPECT_FALSE(workflows_->schedule({.workflow = "flow", .every_ms = 5, .cron = ""}));
}

TEST_F(WorkflowTest, WhatEndedStaysEndedWhoeverWrites) {
  define(parsed(R"({"queue": "work", "steps": [{"name": "a", "type": "task"}]})"));
  ASSERT_TRUE(workflows_->start({.id = "e", .workflow = "flow"}));
  run("e", echo);
  EXPECT_FALSE(hive_->begin(Deadline::never()).value()->sql("DELETE FROM triune_workflow_steps"));
  workflows_.reset();
  queues_.reset();
  hive_.reset();
  EXPECT_NE(place_.try_other_program("UPDATE triune_workflow_executions SET status = 'running', ended_at_ms = NULL;")
                .exit_code,
            0);
  EXPECT_NE(
      place_.try_other_program("UPDATE triune_workflow_steps SET status = 'running', ended_at_ms = NULL;").exit_code,
      0);
}

}  // namespace
}  // namespace triune::testing
