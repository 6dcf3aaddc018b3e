// What the planner of the canonical store is told after much was written, and what it expects of calls.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int people = 3'000;
constexpr int friends = 6;

class FederatedStatistics : public testing::HiveTest {
 protected:
  static std::string id(int number) { return fmt::format("p{}", number); }

  void load_people(int count) {
    int at = 0;
    const auto loaded = hive_->load_nodes("Person", [&](PutNode& node) -> Result<bool> {
      if (at == count) return false;
      node.node.id = id(at++);
      return true;
    });
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  /// Each knows the next ones.
  void load_edges(const std::string& type, int count, int each) {
    int at = 0;
    const auto loaded = hive_->load_edges(type, "Person", "Person", [&](PutEdge& edge) -> Result<bool> {
      if (at == count * each) return false;
      edge.edge.from.id = id(at / each);
      edge.edge.to.id = id((at / each + at % each + 1) % count);
      ++at;
      return true;
    });
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  PlanNode plan_of(std::string_view sql, bool analyze = false) {
    auto plan = hive_->explain(sql, {}, analyze);
    EXPECT_TRUE(plan) << plan.error().message;
    return plan ? *plan : PlanNode{};
  }

  /// The first step with these words in its operation.
  static const PlanNode* step_of(const PlanNode& plan, std::string_view words) {
    if (plan.operation.find(words) != std::string::npos) return &plan;
    for (const auto& input : plan.inputs)
      if (const auto* const found = step_of(input, words)) return found;
    return nullptr;
  }

  /// How many rows the planner takes the edges for.
  double expected_edges() {
    const auto plan = plan_of("SELECT count(*) FROM triune_edges WHERE organization_id = 1 AND type_id > 0", true);
    const auto* const step = step_of(plan, testing::on_postgres() ? "Scan" : "triune_edges");
    return step != nullptr ? step->estimated_rows.value_or(-1) : -1;
  }
};

TEST_F(FederatedStatistics, ALoadTellsThePlannerHowRowsAreSpread) {
  load_people(people);
  // The connections that read have the schema, and with it the statistics, of now.
  expected_edges();
  load_edges("KNOWS", people, friends);
  load_edges("LIKES", people, 2);
  if (testing::on_postgres()) {
    EXPECT_EQ(scalar("SELECT CAST(reltuples AS bigint) FROM pg_class WHERE relname = 'triune_nodes'"),
              std::to_string(people));
    EXPECT_NE(scalar("SELECT count(*) FROM pg_stats WHERE tablename = 'triune_edges' AND attname = 'type_id' AND "
                     "n_distinct = 2"),
              "0");
  } else {
    EXPECT_EQ(scalar("SELECT stat FROM sqlite_stat1 WHERE tbl = 'triune_nodes'"), "3000 3000 3000 1");
    // 24,000 edges of two types; a node has 6 of one and 2 of the other, the same towards it.
    EXPECT_EQ(scalar("SELECT stat FROM sqlite_stat1 WHERE idx = 'triune_edges'"), "24000 24000 12000 4 1");
    EXPECT_EQ(scalar("SELECT stat FROM sqlite_stat1 WHERE idx = 'triune_edges_by_target'"), "24000 24000 12000 4 1");
  }
  EXPECT_GT(expected_edges(), 5'000) << "connections that were open know it too";
  expect_verified();
}

TEST_F(FederatedStatistics, ExplainTellsWhatIsExpectedOfACallAndWhy) {
  if (testing::on_postgres()) GTEST_SKIP() << "there the answer is known before the server plans";
  load_people(people);
  load_edges("KNOWS", people, friends);
  const auto plan = plan_of(
      "SELECT * FROM cypher('MATCH (a:Person)-[:KNOWS]->(b:Person) RETURN a.id AS id, b.id AS other') c JOIN "
      "neighbors('Person/p1', 'KNOWS', 'out', 2) n ON n.id = c.id");
  const auto* const cypher = step_of(plan, "(cypher)");
  ASSERT_NE(cypher, nullptr) << to_text(plan);
  EXPECT_EQ(cypher->estimated_rows, people * friends) << to_text(plan);
  EXPECT_EQ(cypher->reason, "expects 3000 Person, 6 KNOWS each");
  const auto* const neighbors = step_of(plan, "(neighbors)");
  ASSERT_NE(neighbors, nullptr) << to_text(plan);
  EXPECT_EQ(neighbors->estimated_rows, friends + friends * friends) << to_text(plan);
  EXPECT_EQ(neighbors->reason, "expects 6 KNOWS a node, 2 steps");
  const auto measured = plan_of("SELECT * FROM neighbors('Person/p1', 'KNOWS', 'out', 1)", true);
  EXPECT_THAT(to_text(measured), AllOf(HasSubstr("about 6 rows"), HasSubstr("actual 6 rows")));
}

/// On PostgreSQL the server learns with the statement how many rows each answer has.
TEST_F(FederatedStatistics, PostgresKnowsHowLargeAnAnswerIs) {
  if (!testing::on_postgres()) GTEST_SKIP() << "SQLite asks while it plans";
  load_people(people);
  load_edges("KNOWS", people, friends);
  const auto expected = [&](std::string_view sql) {
    const auto plan = plan_of(sql);
    return plan.inputs.empty() ? -1 : plan.inputs[0].estimated_rows.value_or(-1);
  };
  const auto many = expected("SELECT c.id FROM cypher('MATCH (a:Person) RETURN a.id AS id') c");
  EXPECT_GE(many, people / 2);
  EXPECT_LE(many, people);
  EXPECT_EQ(expected("SELECT n.id FROM neighbors('Person/p1', 'KNOWS') n"), 8);
}

TEST_F(FederatedStatistics, AHiveThatClosesAfterManyChangesLeavesStatistics) {
  if (testing::on_postgres()) GTEST_SKIP() << "the server analyzes by itself";
  ASSERT_TRUE(hive_->sql("CREATE TABLE notes (id TEXT PRIMARY KEY, kind TEXT)"));
  ASSERT_TRUE(hive_->sql("CREATE INDEX notes_by_kind ON notes (kind)"));
  ASSERT_TRUE(
      hive_->sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) "
                 "INSERT INTO notes SELECT 'n' || i, 'k' || (i % 3) FROM n"));
  ASSERT_TRUE(hive_->close());
  reopen();
  EXPECT_NE(scalar("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'notes' AND idx = 'notes_by_kind'"), "0");
  ASSERT_TRUE(hive_->sql("INSERT INTO notes VALUES ('later', 'k')")) << "capture goes on";
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_change_log WHERE key = 'later'"), "1");
}

}  // namespace
}  // namespace triune
