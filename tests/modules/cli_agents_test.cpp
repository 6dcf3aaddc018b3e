// agents, config and memory on the command line.
#include <gmock/gmock.h>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;

class CliAgents : public CliTest {
 protected:
  void SetUp() override {
    make_hive();
    for (const auto* id : {"ada", "bob"})
      static_cast<void>(succeed({"agents", "register", "--id", id, "--type", "review", "--capability", "read=0.9"}));
  }
};

TEST_F(CliAgents, RegisteredAgentsAreListedAndBeat) {
  const auto listed = succeed({"agents", "list", "--capability", "read"}).document().at("agents");
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed.at(0).at("id"), "ada");
  EXPECT_EQ(listed.at(0).at("status"), "idle");
  static_cast<void>(succeed({"agents", "heartbeat", "ada", "--task", "t1"}));
  EXPECT_EQ(succeed({"agents", "list"}).document().at("agents").at(0).at("current_task"), "t1");
  EXPECT_EQ(succeed({"agents", "crashed"}).document().at("crashed").size(), 0U);
  EXPECT_EQ(triune({"agents", "heartbeat", "nobody", "--json"}).error().at("code"), "not_found");
  EXPECT_EQ(triune({"agents", "register", "--capability", "read=well", "--json"}).error().at("code"),
            "invalid_argument");
}

TEST_F(CliAgents, MessagesAreSentReceivedAndAcknowledged) {
  const auto id = succeed({"agents", "send", "ada", "look here", "--to", "bob", "--priority", "8"}).document().at("id");
  const auto box = succeed({"agents", "inbox", "bob", "--receive"}).document().at("messages");
  ASSERT_EQ(box.size(), 1U);
  EXPECT_EQ(box.at(0).at("content"), "look here");
  EXPECT_EQ(succeed({"agents", "inbox", "bob", "--receive"}).document().at("messages").size(), 0U);
  EXPECT_THAT(triune({"agents", "inbox", "bob"}).out, HasSubstr("look here"));
  static_cast<void>(succeed({"agents", "ack", "bob", id}));
  EXPECT_EQ(succeed({"agents", "inbox", "bob"}).document().at("messages").size(), 0U);
}

TEST_F(CliAgents, ConfigurationsHaveAHistory) {
  static_cast<void>(succeed({"config", "set", "system", "timeout", "30"}));
  EXPECT_EQ(succeed({"config", "set", "system", "timeout", "60"}).document().at("version"), 2);
  static_cast<void>(succeed({"config", "set", "system", "timeout", "5", "--agent", "ada"}));
  EXPECT_EQ(triune({"config", "get", "system", "timeout"}).out, "60\n");
  EXPECT_EQ(triune({"config", "get", "system", "timeout", "--agent", "ada"}).out, "5\n");
  EXPECT_EQ(triune({"config", "get", "system", "timeout", "--agent", "bob"}).out, "60\n");
  EXPECT_EQ(succeed({"config", "history", "system", "timeout"}).document().at("versions").size(), 2U);
}

TEST_F(CliAgents, WhoIsAwayIsNotFoundAndWorkIsJudged) {
  static_cast<void>(succeed({"agents", "absent", "ada", "--reason", "upgrade"}));
  const auto found = succeed({"agents", "find", "--capability", "read"}).document().at("agents");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.at(0).at("id"), "bob");
  EXPECT_EQ(found.at(0).at("proficiency"), 0.9);
  static_cast<void>(succeed({"agents", "present", "ada"}));
  EXPECT_EQ(succeed({"agents", "find"}).document().at("agents").size(), 2U);
  static_cast<void>(succeed({"agents", "feedback", "ada", "--rating", "4", "--type", "speed", "--by", "mira"}));
  EXPECT_EQ(succeed({"agents", "ratings", "ada"}).document().at("ratings").at(0).at("average"), 4.0);
  EXPECT_EQ(triune({"agents", "feedback", "ada", "--rating", "9", "--json"}).error().at("code"), "conflict");
  const auto id = succeed({"agents", "decide", "ada", "split the parser", "--confidence", "0.7", "--human"}).document();
  static_cast<void>(succeed({"agents", "resolve", id.at("id"), "succeeded", "--note", "quick"}));
  const auto decisions = succeed({"agents", "decisions", "--outcome", "succeeded"}).document().at("decisions");
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions.at(0).at("outcome_note"), "quick");
  EXPECT_EQ(triune({"agents", "context", "none", "--json"}).error().at("code"), "not_found");
}

TEST_F(CliAgents, MemoriesAreRecalledAndForgotten) {
  const auto id =
      succeed({"memory", "remember", "parsers reject empty input", "--agent", "ada", "--kind", "decision"}).document();
  const auto found = succeed({"memory", "recall", "empty input", "--kind", "decision"}).document();
  ASSERT_EQ(found.at("memories").size(), 1U);
  EXPECT_EQ(found.at("memories").at(0).at("id"), id.at("id"));
  EXPECT_EQ(found.at("memories").at(0).at("text_rank"), 1);
  EXPECT_EQ(found.at("memories").at(0).at("vector_rank"), 1);
  EXPECT_EQ(succeed({"memory", "recall", "empty input", "--agent", "bob"}).document().at("memories").size(), 0U);
  static_cast<void>(succeed({"memory", "forget", id.at("id")}));
  EXPECT_EQ(succeed({"memory", "recall", "empty input"}).document().at("memories").size(), 0U);
  static_cast<void>(succeed({"memory", "kv", "set", "ada", "depth", "3"}));
  EXPECT_EQ(triune({"memory", "kv", "get", "ada", "depth"}).out, "3\n");
  EXPECT_EQ(triune({"memory", "kv", "get", "ada", "none", "--json"}).error().at("code"), "not_found");
}

}  // namespace
}  // namespace triune::testing
