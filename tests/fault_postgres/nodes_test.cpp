// Several processes on one database, each a node with projections of its own (I2, I3, I11).
#include <gtest/gtest.h>

#include <iostream>

#include "fault_postgres/shared_database.h"
#include "stress/settings.h"

namespace triune::testing {
namespace {

std::uint64_t commits_each() {
  return stress_size("TRIUNE_STRESS_COMMITS", 40, 400);
}

TEST(Nodes, ProcessesThatCommitAtOnceConverge) {
  constexpr unsigned threads = 3;
  const SharedDatabase database(shared_postgres_server());
  std::vector<std::unique_ptr<WriterProcess>> nodes;
  for (const char* name : {"north", "south", "west"}) nodes.push_back(database.start(name, threads, commits_each()));
  for (auto& node : nodes) EXPECT_TRUE(node->wait_until_finished());
  // Only now is the head of the log the same for all.
  for (auto& node : nodes) node->settle();
  std::uint64_t commits = 0;
  std::uint64_t refused = 0;
  for (auto& node : nodes) {
    const auto ending = node->finish().ending;
    EXPECT_EQ(ending.exit_code, 0) << "signal " << ending.signal;
    expect_clean(node->run());
    EXPECT_EQ(node->run().commits(), threads * commits_each());
    EXPECT_FALSE(node->run().graph.empty());
    EXPECT_EQ(node->run().graph, nodes.front()->run().graph);
    EXPECT_EQ(node->run().vectors, nodes.front()->run().vectors);
    refused += node->run().refused;
  }
  const auto hive = database.open("judge");
  ASSERT_NE(hive, nullptr);
  for (const auto& node : nodes) commits += expect_acknowledged(*hive, node->run());
  expect_whole_edges(*hive);
  expect_current(*hive);
  expect_equal_everywhere(*hive);
  // A node that comes late makes its projections from the database and has the same.
  EXPECT_EQ(graph_digest(*hive).value(), nodes.front()->run().graph);
  EXPECT_EQ(vector_digest(*hive).value(), nodes.front()->run().vectors);
  std::cout << nodes.size() << " nodes, " << commits << " commits found whole, " << refused
            << " edges refused because an end was gone; projections " << nodes.front()->run().graph << "\n";
}

class TwoNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    one_ = database_.open("one");
    other_ = database_.open("other");
    ASSERT_NE(one_, nullptr);
    ASSERT_NE(other_, nullptr);
  }

  ReadOptions at_least_here() {
    ReadOptions options;
    options.consistency = Consistency::at_least(one_->receipt().value().token());
    return options;
  }

  SharedDatabase database_{shared_postgres_server()};
  std::unique_ptr<Hive> one_;
  std::unique_ptr<Hive> other_;
};

TEST_F(TwoNodes, ALabelMadeOnOneIsThereOnTheOther) {
  ASSERT_TRUE(one_->commit(
      {.changes = {PutNode{{"Ship", "argo"}, {{"oars", std::int64_t{50}}}}, PutNode{{"Port", "iolcus"}, {}},
                   PutEdge{{"SAILS_FROM", {"Ship", "argo"}, {"Port", "iolcus"}}, {}}}}));
  const auto node = other_->get_node({"Ship", "argo"});
  ASSERT_TRUE(node) << node.error().message;
  const auto found = other_->cypher("MATCH (s:Ship)-[:SAILS_FROM]->(p:Port) RETURN s.oars, p.id", {}, at_least_here());
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(to_text(found->rows[0][1]), "iolcus");
  // And used there: a property more on the same label, an edge between what came from here.
  const auto more = other_->commit({.changes = {PutNode{{"Ship", "argo"}, {{"oars", std::int64_t{50}}, {"mast", true}}},
                                                PutEdge{{"RETURNS_TO", {"Ship", "argo"}, {"Port", "iolcus"}}, {}}}});
  ASSERT_TRUE(more) << more.error().message;
  const auto back = one_->cypher("MATCH (s:Ship)-[:RETURNS_TO]->() RETURN s.mast", {}, at_least_here());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->rows.size(), 1U);
}

TEST_F(TwoNodes, ACollectionMadeOnOneIsSearchedOnTheOther) {
  ASSERT_TRUE(one_->create_collection({.name = "stars", .dimension = 3}));
  ASSERT_TRUE(one_->commit(
      {.changes = {PutVector{"stars", "vega", {1, 0, 0}, {}}, PutVector{"stars", "deneb", {0, 1, 0}, {}}}}));
  const auto point = other_->get_vector("stars", "vega");
  ASSERT_TRUE(point) << point.error().message;
  const auto found =
      other_->search({.collection = "stars", .query = std::vector<float>{1, 0.1F, 0}, .count = 1}, at_least_here());
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->hits.size(), 1U);
  EXPECT_EQ(found->hits[0].id, "vega");
  const auto put = other_->commit({.changes = {PutVector{"stars", "altair", {0, 0, 1}, {}}}});
  ASSERT_TRUE(put) << put.error().message;
  const auto back =
      one_->search({.collection = "stars", .query = std::vector<float>{0, 0, 1}, .count = 1}, at_least_here());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->hits.at(0).id, "altair");
}

TEST_F(TwoNodes, AMappingAndATextIndexMadeOnOneWorkOnTheOther) {
  ASSERT_TRUE(one_->sql("CREATE TABLE people (id text PRIMARY KEY, story text, friend text)"));
  ASSERT_TRUE(one_->map_nodes({.table = "people", .label = "Person", .properties = {"story"}}));
  ASSERT_TRUE(one_->map_edges({.table = "people",
                               .type = "LIKES",
                               .from_column = "id",
                               .from_label = "Person",
                               .to_column = "friend",
                               .to_label = "Person"}));
  ASSERT_TRUE(one_->create_text_index({.name = "stories", .table = "people", .columns = {"story"}}));
  const auto put =
      other_->commit({.changes = {PutRow{"people", {{"id", "ida"}, {"story", "a tale of whales"}}},
                                  PutRow{"people", {{"id", "bo"}, {"story", "of the sea"}, {"friend", "ida"}}}}});
  ASSERT_TRUE(put) << put.error().message;
  const auto row = one_->get_row("people", {{"id", "bo"}});
  EXPECT_TRUE(row) << row.error().message;
  for (auto* const hive : {one_.get(), other_.get()}) {
    const auto options = at_least_here();
    const auto graph = hive->cypher("MATCH (a:Person)-[:LIKES]->(b:Person) RETURN a.id, b.id", {}, options);
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ(graph->rows.size(), 1U);
    const auto text = hive->text({.query = "whales", .collection = "stories"});
    ASSERT_TRUE(text) << text.error().message;
    ASSERT_EQ(text->size(), 1U);
    EXPECT_EQ(text->front().id, "ida");
  }
}

TEST_F(TwoNodes, TheSameCommitSentToBothAtOnceHasOneEffect) {
  ASSERT_TRUE(prepare_workload(*one_));
  database_.trace_effects();
  ThreadWorkload workload("twice");
  WriterRun run;
  for (int round = 0; round < 30; ++round) {
    const auto commit = workload.next();
    Result<Receipt> answers[2];
    std::thread here([&] { answers[0] = one_->commit(commit); });
    std::thread there([&] { answers[1] = other_->commit(commit); });
    here.join();
    there.join();
    for (const auto& answer : answers) ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answers[0]->lsn, answers[1]->lsn);
    EXPECT_NE(answers[0]->replayed, answers[1]->replayed);
    run.threads["twice"] = {.commits = workload.number(), .lsn = answers[0]->lsn};
  }
  EXPECT_EQ(expect_acknowledged(*one_, run), 30U);
  expect_single_effects(*one_, run);
}

}  // namespace
}  // namespace triune::testing
