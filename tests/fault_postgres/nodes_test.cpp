// Several processes on one database, each a node with projections of its own (I2, I3, I11).
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <atomic>
#include <iostream>
#include <map>
#include <thread>
#include <utility>

#include "fault_postgres/shared_database.h"
#include "stress/settings.h"
#include "triune/reembedding.h"

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

TEST_F(TwoNodes, ACollectionMovedByOneIsFollowedByTheOther) {
  ASSERT_TRUE(one_->create_collection({.name = "stars", .dimension = 2}));
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(one_->commit({.changes = {PutVector{"stars", "star " + std::to_string(i), {1, 0.01F * i}, {}}}}));
  const auto answered_by = [&](Hive& hive) {
    const auto found =
        hive.search({.collection = "stars", .query = std::vector<float>{1, 0.42F}, .count = 1}, at_least_here());
    EXPECT_TRUE(found) << found.error().message;
    EXPECT_TRUE(found && found->hits.at(0).id == "star 42");
    EXPECT_TRUE(found && !found->degraded);
    return found ? found->engine : "";
  };
  // A node that hears of the collection just now answers from the store until its first copy is made.
  const VectorSearch first{.collection = "stars", .query = std::vector<float>{1, 0.42F}, .count = 1};
  for (int i = 0; i < 600 && other_->search(first, at_least_here())->engine != "usearch"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(answered_by(*other_), "usearch");
  std::atomic<bool> over = false;
  std::thread reads([&] {
    while (!over && !HasFailure()) {
      answered_by(*one_);
      answered_by(*other_);
    }
  });
  for (const auto* const engine : {"memory", "usearch", "memory"}) {
    const auto moved = one_->move_vectors("stars", engine, Deadline::after(std::chrono::minutes(1)));
    ASSERT_TRUE(moved) << moved.error().message;
    ASSERT_TRUE(other_->commit({.changes = {PutVector{"stars", std::string("by ") + engine, {-1, 1}, {}}}}));
    for (int i = 0; i < 300 && answered_by(*other_) != engine; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(answered_by(*other_), engine);
  }
  over = true;
  reads.join();
  for (auto* const hive : {one_.get(), other_.get()}) {
    const auto report = hive->verify();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->ok);
  }
}

TEST_F(TwoNodes, WhatOneMovesTheOtherDoesNotMoveToo) {
  ASSERT_TRUE(one_->create_collection({.name = "stars", .dimension = 2}));
  std::size_t given = 0;
  ASSERT_TRUE(one_->load_vectors("stars", [&](PutVector& to) -> Result<bool> {
    if (given == 10'000) return false;
    to = {.collection = "stars", .id = std::to_string(given), .values = {1, static_cast<float>(given)}};
    ++given;
    return true;
  }));
  bool asked = false;
  const auto moved = one_->move_vectors(
      "stars", "memory", Deadline::after(std::chrono::minutes(2)), [&](std::string_view, std::uint64_t, std::uint64_t) {
        if (std::exchange(asked, true)) return;
        const auto second = other_->move_vectors("stars", "memory", Deadline::after(std::chrono::minutes(1)));
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, ErrorCode::conflict);
        EXPECT_NE(second.error().message.find("by another process"), std::string::npos) << second.error().message;
      });
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_TRUE(asked);
}

TEST_F(TwoNodes, VectorsMadeAnewByOneAreFoundByTheOther) {
  ASSERT_TRUE(one_->create_collection({.name = "notes", .dimension = 32, .embedder = "hashing"}));
  std::map<std::string, std::string> texts;
  const auto put = [&](Hive& hive, const std::string& id, const std::string& text) {
    auto receipt = hive.commit({.changes = {PutVector{.collection = "notes", .id = id, .text = text}}});
    if (receipt) texts[id] = text;
    return receipt ? Status() : Status(failure_of(receipt));
  };
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(put(*one_, fmt::format("n{}", i), fmt::format("text number {}", i)));
  Reembedding anew(*one_);
  ASSERT_TRUE(anew.begin({.collection = "notes", .dimension = 64}));
  std::atomic<bool> over = false;
  std::atomic<unsigned> written = 0;
  std::thread writes([&] {
    for (unsigned i = 0; !over && !HasFailure(); ++i) {
      const auto id = fmt::format("n{}", i % 250);
      const auto done = put(*other_, id, fmt::format("text of the other {}", i));
      // A node that still knows the older vectors is told to try again.
      EXPECT_TRUE(done || done.error().code == ErrorCode::conflict) << done.error().message;
      written += done ? 1 : 0;
    }
  });
  ASSERT_TRUE(anew.wait("notes", Deadline::after(std::chrono::minutes(1))));
  Status finished = failure(ErrorCode::conflict, "not yet");
  for (int i = 0; i < 100 && !finished; ++i) {
    finished = anew.finish("notes", Deadline::after(std::chrono::minutes(1)));
    if (!finished) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(finished) << finished.error().message;
  const auto before = written.load();
  for (int i = 0; i < 500 && written < before + 50; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  over = true;
  writes.join();
  EXPECT_GE(written, before + 50) << "the other goes on writing after the exchange";
  for (auto* const hive : {one_.get(), other_.get()}) {
    for (int i = 0; i < 600; ++i) {
      const auto status = hive->status();
      ASSERT_TRUE(status) << status.error().message;
      std::uint64_t pending = 0;
      for (const auto& one : status->embeddings) pending += one.pending;
      if (pending == 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    for (const auto& [id, text] : texts) {
      const auto vector = hive->get_vector("notes", id);
      ASSERT_TRUE(vector) << id << ": " << vector.error().message;
      EXPECT_EQ(vector->values.size(), 64U) << id;
      const Value key = id;
      const auto kept = hive->sql(
          "SELECT t.content FROM triune_vector_texts t JOIN triune_vectors v ON v.organization_id = t.organization_id "
          "AND v.vector_key = t.vector_key JOIN triune_collections c ON c.collection_id = v.collection_id WHERE "
          "c.name = 'notes' AND v.id = ?1",
          {&key, 1});
      ASSERT_TRUE(kept) << kept.error().message;
      ASSERT_EQ(kept->rows.size(), 1U) << id;
      EXPECT_EQ(to_text(kept->rows[0][0]), text) << id;
    }
    const auto found = hive->search({.collection = "notes", .query = EmbeddedText{texts.at("n7")}, .count = 1});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_NEAR(found->hits.at(0).distance, 0, 1e-5);
  }
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
