// Agents: heartbeats and crashes, messages, who works with whom, configurations.
#include "triune/modules/agents.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "integration/hive_fixture.h"
#include "triune/modules/tasks.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t much_later_ms = 1'000'000;

class AgentsTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    auto opened = Agents::open(*hive_);
    ASSERT_TRUE(opened) << opened.error().message;
    agents_ = std::move(*opened);
  }

  void TearDown() override { agents_.reset(); }

  void enroll(const std::string& id) {
    const auto made = agents_->enroll({.id = id, .name = "agent " + id});
    EXPECT_TRUE(made) << made.error().message;
  }

  std::string send(const std::string& from, const std::string& to, const std::string& content,
                   std::int64_t priority = 5) {
    const auto sent = agents_->send({.from = from, .to = to, .content = content, .priority = priority});
    EXPECT_TRUE(sent) << sent.error().message;
    return sent ? *sent : "";
  }

  std::vector<std::string> inbox(const std::string& agent) {
    std::vector<std::string> contents;
    const auto found = agents_->inbox(agent, 10'000);
    EXPECT_TRUE(found) << found.error().message;
    if (found)
      for (const auto& message : *found) contents.push_back(message.content);
    return contents;
  }

  std::int64_t later() { return agents_->get("ada")->last_heartbeat_at_ms + much_later_ms; }

  std::unique_ptr<Agents> agents_;
};

TEST_F(AgentsTest, AnAgentIsOfAnyTypeAndKeepsWhatItWasGiven) {
  const auto id = agents_->enroll({.name = "Ada",
                                   .agent_type = "integration-specialist",
                                   .model = "m1",
                                   .worktree = "trees/ada",
                                   .process_id = 77,
                                   .cost_cents_per_task = 1.5,
                                   .configuration = Json{R"({"depth":3})"},
                                   .capabilities = {{.name = "review", .proficiency = 0.9}, {.name = "write"}}});
  ASSERT_TRUE(id) << id.error().message;
  const auto agent = agents_->get(*id);
  ASSERT_TRUE(agent) << agent.error().message;
  EXPECT_EQ(agent->agent_type, "integration-specialist");
  EXPECT_EQ(agent->process_id, 77);
  EXPECT_EQ(agent->status, AgentStatus::idle);
  EXPECT_EQ(agent->heartbeat_deadline_ms.value() - agent->last_heartbeat_at_ms, 90'000);
  EXPECT_EQ(agents_->capabilities(*id)->at(0).name, "review");
  EXPECT_EQ(agents_->list({.capability = "write"})->size(), 1U);
  EXPECT_EQ(agents_->list({.agent_type = "pm"})->size(), 0U);
  EXPECT_EQ(agents_->enroll({.id = "other", .name = "Ada"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(agents_->get("nobody").error().code, ErrorCode::not_found);
  EXPECT_FALSE(agents_->put_capabilities(*id, std::vector<AgentCapability>{{.name = "x", .proficiency = 7}}));
}

TEST_F(AgentsTest, UsesOfCapabilitiesAreCountedAndKeptWhenTheyArePutAgain) {
  enroll("ada");
  const std::vector<AgentCapability> review{{.name = "review", .proficiency = 0.4}};
  ASSERT_TRUE(agents_->put_capabilities("ada", review));
  ASSERT_TRUE(agents_->count_use("ada", "review", true));
  ASSERT_TRUE(agents_->count_use("ada", "review", false));
  ASSERT_TRUE(agents_->put_capabilities("ada", review));
  const auto known = agents_->capabilities("ada");
  EXPECT_EQ(known->at(0).uses, 2);
  EXPECT_EQ(known->at(0).successes, 1);
  EXPECT_EQ(agents_->count_use("ada", "sing", true).error().code, ErrorCode::not_found);
}

TEST_F(AgentsTest, WhoMissesItsHeartbeatsIsCrashedOnce) {
  enroll("ada");
  enroll("bob");
  ASSERT_TRUE(agents_->enroll({.id = "unwatched", .heartbeat_interval_ms = 0}));
  ASSERT_TRUE(agents_->set_status("bob", AgentStatus::sleeping));
  EXPECT_THAT(*agents_->detect_crashes(), IsEmpty());
  const auto at = later();
  std::atomic<int> found{0};
  {
    std::vector<std::jthread> detectors;
    for (int i = 0; i < 4; ++i)
      detectors.emplace_back([&] {
        const auto crashed = agents_->detect_crashes(at);
        ASSERT_TRUE(crashed) << crashed.error().message;
        found += static_cast<int>(crashed->size());
      });
  }
  EXPECT_EQ(found, 1);
  EXPECT_EQ(agents_->get("ada")->status, AgentStatus::crashed);
  EXPECT_EQ(agents_->get("ada")->crashes, 1);
  EXPECT_EQ(agents_->get("bob")->status, AgentStatus::sleeping);
  const auto late = agents_->heartbeat("ada");
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
  EXPECT_THAT(late.error().message, HasSubstr("enroll it again"));
  ASSERT_TRUE(agents_->heartbeat("bob"));
  EXPECT_EQ(agents_->get("bob")->status, AgentStatus::idle);
  EXPECT_THAT(*agents_->detect_crashes(at), ElementsAre("bob"));
  enroll("ada");
  EXPECT_EQ(agents_->get("ada")->status, AgentStatus::idle);
  EXPECT_EQ(agents_->get("ada")->crashes, 1);
  ASSERT_TRUE(agents_->heartbeat("ada", {.current_task = "t1", .context_usage = 12.5}));
  EXPECT_EQ(agents_->get("ada")->current_task, "t1");
  EXPECT_EQ(agents_->get("ada")->context_usage, 12.5);
}

TEST_F(AgentsTest, ACrashLeavesNoOrphans) {
  enroll("ada");
  auto tasks = Tasks::open(*hive_);
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_TRUE((*tasks)->create({.id = "t1", .name = "t1", .assigned_to = "ada"}));
  ASSERT_TRUE((*tasks)->update("t1", {.status = TaskStatus::in_progress}));
  ASSERT_TRUE((*tasks)->create({.id = "t2", .name = "t2", .assigned_to = "bob"}));
  // Claimed by it, as the queue does; one was tried as often as it may be.
  place_.other_program(
      "INSERT INTO triune_queues (organization_id, name, max_attempts) VALUES (1, 'q', 2);"
      "INSERT INTO triune_queue_items (organization_id, id, queue, state, due_at_ms, attempts, claim, worker, "
      "claimed_at_ms, lease_until_ms, created_at_ms) VALUES (1, 'i1', 'q', 'claimed', 1, 1, 1, 'ada', 1, 9, 1), "
      "(1, 'i2', 'q', 'claimed', 1, 2, 1, 'ada', 1, 9, 1), (1, 'i3', 'q', 'claimed', 1, 1, 1, 'bob', 1, 9, 1);");
  EXPECT_THAT(*agents_->detect_crashes(later()), ElementsAre("ada"));
  EXPECT_EQ((*tasks)->get("t1")->status, TaskStatus::pending);
  EXPECT_EQ((*tasks)->get("t1")->assigned_to, "");
  EXPECT_EQ((*tasks)->get("t2")->assigned_to, "bob");
  const auto rows = hive_->sql("SELECT id, state, worker, last_error FROM triune_queue_items ORDER BY id");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(to_text(rows->rows[0][1]), "waiting");
  EXPECT_EQ(to_text(rows->rows[1][1]), "dead");
  EXPECT_EQ(to_text(rows->rows[2][1]), "claimed");
  EXPECT_EQ(to_text(rows->rows[0][2]), "");
  EXPECT_THAT(to_text(rows->rows[0][3]), HasSubstr("ada is crashed"));
}

TEST_F(AgentsTest, MessagesReachOneOrAllAndEachAcknowledgesForItself) {
  for (const auto* id : {"ada", "bob", "cy", "old"}) enroll(id);
  ASSERT_TRUE(agents_->set_status("old", AgentStatus::retired));
  send("ada", "bob", "later", 1);
  const auto urgent = send("ada", "bob", "now", 9);
  const auto all = send("ada", "", "everyone");
  EXPECT_THAT(inbox("bob"), ElementsAre("now", "everyone", "later"));
  EXPECT_THAT(inbox("cy"), ElementsAre("everyone"));
  EXPECT_THAT(inbox("ada"), IsEmpty());
  EXPECT_THAT(inbox("old"), IsEmpty());
  EXPECT_EQ(agents_->receive("bob")->size(), 3U);
  EXPECT_EQ(agents_->receive("bob")->size(), 0U);
  ASSERT_TRUE(agents_->acknowledge("bob", urgent));
  ASSERT_TRUE(agents_->acknowledge("bob", urgent));
  ASSERT_TRUE(agents_->acknowledge("bob", all));
  EXPECT_THAT(inbox("bob"), ElementsAre("later"));
  const auto deliveries = agents_->deliveries(all);
  ASSERT_EQ(deliveries->size(), 2U);
  EXPECT_TRUE(deliveries->at(0).acknowledged_at_ms);
  EXPECT_FALSE(deliveries->at(1).delivered_at_ms);
  EXPECT_EQ(agents_->acknowledge("cy", urgent).error().code, ErrorCode::not_found);
  EXPECT_EQ(agents_->send({.from = "ada", .to = "nobody", .content = "x"}).error().code, ErrorCode::not_found);
  EXPECT_FALSE(agents_->send({.from = "ada", .to = "bob", .content = ""}));
  EXPECT_EQ(agents_->send({.id = all, .from = "ada", .to = "bob", .content = "x"}).error().code, ErrorCode::conflict);
}

TEST_F(AgentsTest, RepliesMakeAThread) {
  enroll("ada");
  enroll("bob");
  const auto question = send("ada", "bob", "why?");
  const auto answer = agents_->send({.from = "bob", .to = "ada", .content = "because", .reply_to = question});
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(agents_->send({.from = "ada", .to = "bob", .content = "I see", .reply_to = *answer}));
  const auto thread = agents_->thread(question);
  ASSERT_TRUE(thread) << thread.error().message;
  std::vector<std::string> contents;
  for (const auto& message : *thread) contents.push_back(message.content);
  EXPECT_THAT(contents, ElementsAre("why?", "because", "I see"));
  EXPECT_EQ(agents_->send({.from = "ada", .to = "bob", .content = "x", .reply_to = "none"}).error().code,
            ErrorCode::not_found);
}

TEST_F(AgentsTest, WhoWorksWithWhomFollowsFromMessagesAndSharedTasks) {
  for (const auto* id : {"ada", "bob", "cy"}) enroll(id);
  send("ada", "bob", "1");
  send("bob", "ada", "2");
  send("cy", "", "to all");
  auto tasks = Tasks::open(*hive_);
  ASSERT_TRUE(tasks);
  ASSERT_TRUE((*tasks)->create({.id = "whole", .name = "whole"}));
  ASSERT_TRUE((*tasks)->create({.id = "p1", .name = "p1", .parent = "whole", .assigned_to = "ada"}));
  ASSERT_TRUE((*tasks)->create({.id = "p2", .name = "p2", .parent = "whole"}));
  ASSERT_TRUE((*tasks)->update("p2", {.assigned_to = "cy"}));
  ASSERT_TRUE((*tasks)->create({.id = "p3", .name = "p3", .parent = "whole", .assigned_to = "ada"}));
  const auto found = agents_->collaborators("ada");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).agent, "bob");
  EXPECT_EQ(found->at(0).messages, 2);
  EXPECT_EQ(found->at(0).shared_tasks, 0);
  EXPECT_EQ(found->at(1).agent, "cy");
  EXPECT_EQ(found->at(1).shared_tasks, 1);
  EXPECT_EQ(cypher_scalar("MATCH (:Agent {id: 'ada'})-[c:COLLABORATES_WITH]->(b:Agent {id: 'bob'}) RETURN c.messages"),
            "2");
  EXPECT_EQ(cypher_scalar("MATCH (:Agent)-[s:SENT]->(:Agent) RETURN count(s)"), "4");
  ASSERT_TRUE(agents_->remove("bob"));
  EXPECT_EQ(cypher_scalar("MATCH (:Agent)-[c:COLLABORATES_WITH]->(:Agent) RETURN count(c)"), "1");
  EXPECT_EQ(agents_->collaborators("ada")->size(), 1U);
  expect_verified();
}

TEST_F(AgentsTest, ThereIsOneGlobalValueOfAConfigurationAndItsHistoryIsWhole) {
  enroll("ada");
  EXPECT_EQ(agents_->configure("", "system", "timeout", Json{"30"}, {.id = "root"}).value(), 1);
  EXPECT_EQ(agents_->configure("", "system", "timeout", Json{"60"}).value(), 2);
  EXPECT_EQ(agents_->configure("", "system", "timeout", Json{" 60 "}).value(), 2);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_configurations"), "1");
  EXPECT_EQ(agents_->configuration("ada", "system", "timeout")->value->text, "60");
  EXPECT_EQ(agents_->configure("ada", "system", "timeout", Json{"5"}).value(), 1);
  EXPECT_EQ(agents_->configuration("ada", "system", "timeout")->value->text, "5");
  EXPECT_EQ(agents_->configurations("ada")->size(), 1U);
  ASSERT_TRUE(agents_->unset("", "system", "timeout", {.id = "root"}));
  EXPECT_EQ(agents_->configuration("", "system", "timeout").error().code, ErrorCode::not_found);
  EXPECT_EQ(agents_->configure("", "system", "timeout", Json{"90"}).value(), 4);
  const auto history = agents_->configuration_history("", "system", "timeout");
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_EQ(history->size(), 4U);
  EXPECT_EQ(history->at(0).value->text, "90");
  EXPECT_FALSE(history->at(1).value);
  EXPECT_EQ(history->at(1).changed_by, "root");
  EXPECT_EQ(history->at(3).value->text, "30");
  EXPECT_EQ(history->at(3).changed_by, "root");
  EXPECT_EQ(agents_->configure("", "a", "b", Json{"{"}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(agents_->configure("nobody", "a", "b", Json{"1"}).error().code, ErrorCode::not_found);
  // Another program's change is kept too, and what is kept is never changed.
  place_.other_program("UPDATE triune_configurations SET value = '91' WHERE agent_id = '';");
  EXPECT_EQ(agents_->configuration_history("", "system", "timeout")->size(), 5U);
  EXPECT_FALSE(hive_->sql("UPDATE triune_configuration_versions SET value = '1'"));
}

TEST_F(AgentsTest, AWordOfAnotherSystemHasACanonicalStatus) {
  for (const auto* word : {"active", "idle", "crashed", "sleeping", "inactive", "maintenance", "deprecated", "healthy",
                           "degraded", "unhealthy", "offline", "starting", "stopping", "busy", "Error"})
    EXPECT_TRUE(canonical_agent_status(word)) << word;
  EXPECT_FALSE(canonical_agent_status("nonsense"));
}

TEST_F(AgentsTest, TheSummaryCountsWhatAnAgentHas) {
  enroll("a1");
  enroll("a10");
  auto tasks = Tasks::open(*hive_);
  ASSERT_TRUE((*tasks)->create({.id = "t", .name = "t", .assigned_to = "a10"}));
  ASSERT_TRUE((*tasks)->update("t", {.status = TaskStatus::in_progress}));
  send("a1", "a10", "hello");
  const auto summary = agents_->summary();
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->size(), 2U);
  EXPECT_EQ(summary->at(0).id, "a1");
  EXPECT_EQ(summary->at(0).tasks_in_progress, 0);
  EXPECT_EQ(summary->at(1).tasks_in_progress, 1);
  EXPECT_EQ(summary->at(1).open_messages, 1);
}

TEST_F(AgentsTest, RandomTrafficIsAsAPlainModelHasIt) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  std::map<std::string, std::set<std::string>> open;
  std::set<std::string> crashed;
  std::map<std::pair<std::string, std::string>, std::int64_t> talked;
  for (const auto& name : names) enroll(name);
  int number = 0;
  for (int round = 0; round < 150; ++round) {
    const auto& from = names[random() % names.size()];
    const auto& to = names[random() % names.size()];
    switch (random() % 6) {
      case 0:
      case 1: {
        const auto id = "m" + std::to_string(number++);
        ASSERT_TRUE(agents_->send({.id = id, .from = from, .to = to, .content = id}));
        open[to].insert(id);
        if (from != to) ++talked[std::minmax(from, to)];
        break;
      }
      case 2: {
        const auto id = "m" + std::to_string(number++);
        ASSERT_TRUE(agents_->send({.id = id, .from = from, .content = id}));
        for (const auto& name : names)
          if (name != from) open[name].insert(id);
        break;
      }
      case 3:
        if (open[to].empty()) break;
        ASSERT_TRUE(agents_->acknowledge(to, *open[to].begin()));
        open[to].erase(open[to].begin());
        break;
      case 4:
        ASSERT_TRUE(agents_->set_status(from, AgentStatus::crashed));
        crashed.insert(from);
        break;
      default:
        EXPECT_EQ(agents_->heartbeat(from).has_value(), !crashed.contains(from));
        if (crashed.erase(from) > 0) enroll(from);
    }
  }
  for (const auto& name : names) {
    const auto box = inbox(name);
    EXPECT_EQ(std::set<std::string>(box.begin(), box.end()), open[name]) << name;
    EXPECT_EQ(agents_->get(name)->status == AgentStatus::crashed, crashed.contains(name));
    std::int64_t messages = 0;
    std::int64_t expected = 0;
    const auto others = agents_->collaborators(name);
    ASSERT_TRUE(others) << others.error().message;
    for (const auto& other : *others) messages += other.messages;
    for (const auto& [pair, count] : talked)
      if (pair.first == name || pair.second == name) expected += count;
    EXPECT_EQ(messages, expected) << name;
  }
  expect_verified();
}

}  // namespace
}  // namespace triune
