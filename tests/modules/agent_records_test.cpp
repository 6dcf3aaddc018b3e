// When agents are away, what is said of their work, what they decided, and how their contexts fill.
#include "triune/modules/agent_records.h"

#include <gmock/gmock.h>

#include "integration/hive_fixture.h"
#include "triune/modules/memory.h"
#include "triune/modules/tasks.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t hour = 3'600'000;

class AgentRecordsTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    agents_ = Agents::open(*hive_).value();
    records_ = AgentRecords::open(*hive_).value();
    for (const auto* const id : {"ada", "bob"}) ASSERT_TRUE(agents_->enroll({.id = id}));
  }
  void TearDown() override {
    records_.reset();
    agents_.reset();
  }
  std::vector<std::string> found(const AgentSearch& search = {}) {
    const auto agents = records_->find_agents(search);
    EXPECT_TRUE(agents) << agents.error().message;
    std::vector<std::string> ids;
    if (agents)
      for (const auto& one : *agents) ids.push_back(one.id);
    return ids;
  }

  std::unique_ptr<Agents> agents_;
  std::unique_ptr<AgentRecords> records_;
};

TEST_F(AgentRecordsTest, WhoIsAwayIsNotFound) {
  ASSERT_TRUE(records_->set_absent({.agent = "ada", .reason = "upgrade"}));
  EXPECT_THAT(found(), ElementsAre("bob"));
  ASSERT_TRUE(records_->set_present("ada"));
  EXPECT_THAT(found(), ElementsAre("ada", "bob"));
  ASSERT_THAT(records_->absences("ada").value(), SizeIs(1));
  EXPECT_TRUE(records_->absences("ada")->front().until_ms);
  // One to come is no absence yet; its end is behind its beginning.
  constexpr std::int64_t far = 4'000'000'000'000;
  ASSERT_TRUE(records_->set_absent({.agent = "bob", .from_ms = far, .until_ms = far + 1}));
  EXPECT_THAT(found(), ElementsAre("ada", "bob"));
  EXPECT_EQ(records_->set_absent({.agent = "bob", .from_ms = far, .until_ms = far}).error().code, ErrorCode::conflict);
  EXPECT_EQ(records_->set_absent({.agent = "nobody"}).error().code, ErrorCode::not_found);
}

TEST_F(AgentRecordsTest, TheViewSaysWhoIsAvailable) {
  ASSERT_TRUE(records_->set_absent({.agent = "ada", .from_ms = 1, .until_ms = 4'000'000'000'000}));
  ASSERT_TRUE(agents_->enroll({.id = "eve", .status = AgentStatus::offline}));
  EXPECT_EQ(scalar("SELECT id FROM triune_available_agents"), "bob");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_available_agents"), "1");
}

TEST_F(AgentRecordsTest, TheBestIsFoundFirstAndTheBusyNot) {
  const AgentCapability well{.name = "review", .proficiency = 0.9};
  const AgentCapability badly{.name = "review", .proficiency = 0.4};
  ASSERT_TRUE(agents_->put_capabilities("ada", std::span(&badly, 1)));
  ASSERT_TRUE(agents_->put_capabilities("bob", std::span(&well, 1)));
  EXPECT_THAT(found({.capability = "review"}), ElementsAre("bob", "ada"));
  EXPECT_THAT(found({.capability = "review", .min_proficiency = 0.5}), ElementsAre("bob"));
  EXPECT_THAT(found({.capability = "cook"}), IsEmpty());
  ASSERT_TRUE(agents_->enroll({.id = "bob", .max_concurrent_tasks = 1}));
  const auto tasks = Tasks::open(*hive_).value();
  ASSERT_TRUE(tasks->create({.name = "one", .status = TaskStatus::assigned, .assigned_to = "bob"}));
  EXPECT_THAT(found({.capability = "review"}), ElementsAre("ada"));
}

TEST_F(AgentRecordsTest, FeedbackIsOneToFive) {
  ASSERT_TRUE(records_->give_feedback({.agent = "ada", .type = FeedbackType::speed, .rating = 5, .given_by = "mira"}));
  ASSERT_TRUE(records_->give_feedback({.agent = "ada", .type = FeedbackType::speed, .rating = 2}));
  ASSERT_TRUE(records_->give_feedback({.agent = "ada", .rating = 3, .comment = "fair"}));
  for (const std::int64_t rating : {0, 6}) {
    const auto refused = records_->give_feedback({.agent = "ada", .rating = rating});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("1 to 5"));
  }
  const auto ratings = records_->ratings("ada").value();
  ASSERT_THAT(ratings, SizeIs(2));
  EXPECT_EQ(ratings[1].type, FeedbackType::speed);
  EXPECT_EQ(ratings[1].ratings, 2);
  EXPECT_DOUBLE_EQ(ratings[1].average, 3.5);
  EXPECT_THAT(records_->feedback("ada").value(), SizeIs(3));
  EXPECT_DOUBLE_EQ(records_->find_agents({.limit = 1})->front().average_rating.value(), 10.0 / 3);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_audit_log WHERE table_name = 'triune_agent_feedback'"), "3");
  ASSERT_TRUE(agents_->remove("ada"));
  EXPECT_THAT(records_->feedback("ada").value(), IsEmpty());
}

TEST_F(AgentRecordsTest, DecisionsAreJudgedByHowTheyWent) {
  const auto sure = records_->decide({.agent = "ada",
                                      .title = "split the parser",
                                      .chosen = "two",
                                      .options = Json{R"(["one", "two"])"},
                                      .confidence = 0.9,
                                      .review_confidence = 0.6,
                                      .human_involved = true});
  ASSERT_TRUE(sure) << sure.error().message;
  const auto unsure = records_->decide({.agent = "ada", .title = "drop the cache", .confidence = 0.5}).value();
  ASSERT_TRUE(records_->decide({.agent = "bob", .title = "wait", .confidence = 0.2}));
  ASSERT_TRUE(records_->resolve(*sure, DecisionOutcome::succeeded, "twice as fast"));
  ASSERT_TRUE(records_->resolve(unsure, DecisionOutcome::failed));
  const auto judged = records_->decision_outcomes("ada").value();
  EXPECT_EQ(judged.decisions, 2);
  EXPECT_EQ(judged.with_humans, 1);
  EXPECT_NEAR(judged.brier_score.value(), (0.1 * 0.1 + 0.5 * 0.5) / 2, 1e-9);
  EXPECT_THAT(records_->decisions({.outcome = DecisionOutcome::open}).value(),
              ElementsAre(Field(&AgentDecision::title, "wait")));
  EXPECT_THAT(records_->decisions({.human_involved = true}).value(), ElementsAre(Field(&AgentDecision::id, *sure)));
  EXPECT_EQ(records_->decisions({.agent = "ada", .outcome = DecisionOutcome::succeeded})->front().outcome_note,
            "twice as fast");
  EXPECT_EQ(cypher_scalar("MATCH (:Agent {id: 'ada'})-[:DECIDED]->(d:Decision {outcome: 'failed'}) RETURN d.title"),
            "drop the cache");
  ASSERT_TRUE(records_->resolve(unsure, DecisionOutcome::open));
  EXPECT_FALSE(records_->decisions({.agent = "ada", .outcome = DecisionOutcome::open})->front().resolved_at_ms);
  EXPECT_EQ(records_->decide({.agent = "ada", .title = "x", .confidence = 1.5}).error().code, ErrorCode::conflict);
  EXPECT_EQ(records_->resolve("none", DecisionOutcome::failed).error().code, ErrorCode::not_found);
  ASSERT_TRUE(agents_->remove("ada"));
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_graph_nodes WHERE label = 'Decision'"), "1");
  expect_verified();
}

TEST_F(AgentRecordsTest, AContextKeepsItsHistory) {
  const auto memory = Memory::open(*hive_).value();
  ASSERT_TRUE(memory->start_context({.id = "c", .agent = "ada", .max_tokens = 1'000, .tokens = 100}));
  for (const std::int64_t tokens : {200, 200, 300}) ASSERT_TRUE(memory->update_context("c", {.tokens = tokens}));
  const auto history = records_->context_history("c").value();
  ASSERT_THAT(history, SizeIs(3));
  EXPECT_EQ(history[0].tokens, 100);
  EXPECT_DOUBLE_EQ(history[2].usage_percent, 30);
  std::string updates = "BEGIN;";
  for (int i = 0; i < 1'100; ++i)
    updates += "UPDATE triune_context_sessions SET token_count = " + std::to_string(400 + i % 2) + " WHERE id = 'c';";
  place_.other_program(updates + "COMMIT;");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_context_history"), "1000");
  EXPECT_EQ(records_->context_history("none").error().code, ErrorCode::not_found);
}

TEST_F(AgentRecordsTest, AForecastSaysWhenAContextIsFull) {
  const auto memory = Memory::open(*hive_).value();
  ASSERT_TRUE(memory->start_context({.id = "c", .agent = "ada", .max_tokens = 1'000}));
  const auto empty = records_->context_forecast("c").value();
  EXPECT_EQ(empty.points, 0);
  EXPECT_EQ(empty.percent_per_hour, 0);
  // Ten per cent an hour since it was consolidated; what was before does not count.
  place_.other_program(
      "INSERT INTO triune_context_history (organization_id, session_id, number, at_ms, token_count, usage_percent) "
      "SELECT s.organization_id, 'c', v.n, v.h * " +
      std::to_string(hour) +
      ", v.t, v.t / 10.0 FROM triune_context_sessions s CROSS JOIN (SELECT 1 AS n, 0 AS h, 900 AS t UNION ALL SELECT "
      "2, 1, "
      "100 UNION ALL SELECT 3, 2, 200 UNION ALL SELECT 4, 3, 300) v;");
  const auto forecast = records_->context_forecast("c").value();
  EXPECT_EQ(forecast.points, 3);
  EXPECT_DOUBLE_EQ(forecast.usage_percent, 30);
  EXPECT_NEAR(forecast.percent_per_hour, 10, 1e-9);
  ASSERT_TRUE(forecast.light_at_ms && forecast.emergency_at_ms);
  EXPECT_NEAR(static_cast<double>(*forecast.light_at_ms), 7.5 * hour, 2);
  EXPECT_NEAR(static_cast<double>(*forecast.emergency_at_ms), 9.5 * hour, 2);
}

}  // namespace
}  // namespace triune
