// tasks, queue and workflow on the command line.
#include <gmock/gmock.h>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;

class CliTasks : public CliTest {
 protected:
  void SetUp() override { make_hive(); }

  std::string id_of(std::vector<std::string> arguments) { return succeed(std::move(arguments)).document().at("id"); }
};

TEST_F(CliTasks, TasksAreMadeOrderedAndFollowed) {
  id_of({"tasks", "define", "review", "--type", "code_review", "--retries", "1"});
  EXPECT_EQ(id_of({"tasks", "create", "build", "--id", "b", "--priority", "high", "--input", R"({"x": 1})"}), "b");
  id_of({"tasks", "create", "look at it", "--id", "r", "--definition", "review", "--actor", "ada"});
  ASSERT_EQ(triune({"tasks", "depend", "r", "b"}).exit_code, 0);
  EXPECT_EQ(succeed({"tasks", "ready"}).document().at("tasks").size(), 1U);
  const auto cycle = triune({"tasks", "depend", "b", "r", "--json"});
  EXPECT_EQ(cycle.exit_code, 4);
  EXPECT_THAT(cycle.error().at("message").get<std::string>(), HasSubstr("cycle"));
  for (const auto* const status : {"in_progress", "done"})
    ASSERT_EQ(triune({"tasks", "update", "b", "--status", status, "--output", "[2]"}).exit_code, 0) << status;
  const auto review = succeed({"tasks", "get", "r"}).document();
  EXPECT_EQ(review.at("task_type"), "code_review");
  EXPECT_EQ(review.at("created_by"), "ada");
  EXPECT_TRUE(review.at("dependencies").at(0).at("satisfied"));
  EXPECT_EQ(succeed({"tasks", "get", "b"}).document().at("output"), Json::parse("[2]"));
  id_of({"tasks", "comment", "r", "looks good"});
  ASSERT_EQ(triune({"tasks", "undepend", "r", "b"}).exit_code, 0);
  EXPECT_EQ(succeed({"tasks", "list", "--status", "completed"}).document().at("tasks").size(), 1U);
  EXPECT_EQ(succeed({"tasks", "summary"}).document().at("days").size(), 2U);
  ASSERT_EQ(triune({"tasks", "remove", "r"}).exit_code, 0);
  EXPECT_EQ(triune({"tasks", "get", "r"}).exit_code, 3);
  EXPECT_THAT(triune({"tasks", "list"}).out, HasSubstr("completed"));
  EXPECT_EQ(triune({"tasks", "create", "x", "--status", "sideways"}).exit_code, 1);
  EXPECT_EQ(triune({"tasks", "create"}).exit_code, 2);
}

TEST_F(CliTasks, AQueueGivesOutItsItemsAndTakesThemBack) {
  ASSERT_EQ(triune({"queue", "create", "work", "--attempts", "1"}).exit_code, 0);
  EXPECT_EQ(succeed({"queue", "list"}).document().at("queues").at(0).at("max_attempts"), 1);
  id_of({"queue", "put", "work", "--id", "one", "--payload", R"({"file": "a.c"})"});
  id_of({"queue", "put", "work", "--id", "two", "--priority", "low", "--in", "1"});
  const auto item = succeed({"queue", "claim", "work", "ada"}).document().at("items").at(0);
  EXPECT_EQ(item.at("id"), "one");
  EXPECT_EQ(item.at("payload").at("file"), "a.c");
  const auto claim = item.at("claim").dump();
  ASSERT_EQ(triune({"queue", "extend", "one", claim, "--lease", "99999"}).exit_code, 0);
  EXPECT_EQ(triune({"queue", "complete", "one", "77"}).exit_code, 4);
  ASSERT_EQ(triune({"queue", "complete", "one", claim, "--result", R"({"ok": true})"}).exit_code, 0);
  const auto two = succeed({"queue", "claim", "work", "ada"}).document().at("items").at(0);
  ASSERT_EQ(triune({"queue", "release", "two", two.at("claim").dump()}).exit_code, 0);
  const auto again = succeed({"queue", "claim", "work", "bob"}).document().at("items").at(0).at("claim").dump();
  ASSERT_EQ(triune({"queue", "fail", "two", again, "--error", "no way", "--final"}).exit_code, 0);
  EXPECT_EQ(succeed({"queue", "dead", "work"}).document().at("items").at(0).at("last_error"), "no way");
  ASSERT_EQ(triune({"queue", "revive", "two"}).exit_code, 0);
  const auto stats = succeed({"queue", "stats", "work"}).document();
  EXPECT_EQ(stats.at("completed"), 1);
  EXPECT_EQ(stats.at("dead"), 0);
  EXPECT_EQ(triune({"queue", "stats", "absent"}).exit_code, 3);
}

TEST_F(CliTasks, AWorkflowRunsFromTheCommandLine) {
  ASSERT_EQ(triune({"queue", "create", "work"}).exit_code, 0);
  const auto document = R"({"queue": "work", "steps": [{"name": "a", "type": "task", "payload": "${input.n}"}]})";
  id_of({"workflow", "define", "flow", "--file", file("flow.json", document)});
  EXPECT_EQ(succeed({"workflow", "list"}).document().at("workflows").at(0).at("name"), "flow");
  EXPECT_EQ(id_of({"workflow", "start", "flow", "--id", "e", "--input", R"({"n": 7})"}), "e");
  ASSERT_EQ(triune({"workflow", "pause", "e"}).exit_code, 0);
  EXPECT_TRUE(succeed({"workflow", "status", "e"}).document().at("paused"));
  EXPECT_TRUE(succeed({"queue", "claim", "work", "ada"}).document().at("items").empty());
  ASSERT_EQ(triune({"workflow", "resume", "e"}).exit_code, 0);
  const auto item = succeed({"queue", "claim", "work", "ada"}).document().at("items").at(0);
  EXPECT_EQ(item.at("payload").at("input"), 7);
  ASSERT_EQ(triune({"queue", "complete", item.at("id").get<std::string>(), item.at("claim").dump(), "--result",
                    R"({"x": 1})"})
                .exit_code,
            0);
  EXPECT_EQ(succeed({"workflow", "advance"}).document().at("ended"), 1);
  const auto ended = succeed({"workflow", "status", "e"}).document();
  EXPECT_EQ(ended.at("status"), "completed");
  EXPECT_EQ(ended.at("output").at("a").at("x"), 1);
  EXPECT_EQ(ended.at("steps").size(), 2U);
  EXPECT_THAT(triune({"workflow", "status", "e"}).out, HasSubstr("completed"));
  EXPECT_EQ(triune({"workflow", "cancel", "e"}).exit_code, 4);
  id_of({"workflow", "start", "flow", "--id", "f"});
  ASSERT_EQ(triune({"workflow", "cancel", "f", "--reason", "not wanted"}).exit_code, 0);
  EXPECT_EQ(succeed({"workflow", "executions", "flow", "--status", "cancelled"})
                .document()
                .at("executions")
                .at(0)
                .at("error"),
            "not wanted");
  id_of({"workflow", "schedule", "flow", "--id", "s", "--cron", "30 2 * * 1-5"});
  EXPECT_EQ(succeed({"workflow", "schedule"}).document().at("schedules").at(0).at("cron"), "30 2 * * 1-5");
  ASSERT_EQ(triune({"workflow", "schedule", "--id", "s", "--remove"}).exit_code, 0);
  EXPECT_TRUE(succeed({"workflow", "schedule"}).document().at("schedules").empty());
  const auto wrong =
      triune({"workflow", "define", "bad", R"({"queue": "q", "steps": [{"name": "a", "type": "x"}]})", "--json"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.error().at("message").get<std::string>(), HasSubstr("steps[0].type"));
  EXPECT_EQ(triune({"workflow", "define", "bad"}).exit_code, 2);
  EXPECT_EQ(triune({"workflow", "start", "absent"}).exit_code, 3);
}

}  // namespace
}  // namespace triune::testing
