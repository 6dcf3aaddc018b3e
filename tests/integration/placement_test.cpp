// Recorded decisions, the factory, the router that learns, and advice, on a hive.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "integration/hive_fixture.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Placements : public HiveTest {
 protected:
  const Placement* find_placement(const PlacementList& list, const std::string& kind, const std::string& name) {
    for (const auto& one : list.placements)
      if (one.kind == kind && one.name == name) return &one;
    return nullptr;
  }

  Placement recorded(const std::string& kind, const std::string& name) {
    const auto list = hive_->placements();
    EXPECT_TRUE(list) << list.error().message;
    const auto* const found = list ? find_placement(*list, kind, name) : nullptr;
    EXPECT_NE(found, nullptr) << kind << " " << name;
    return found == nullptr ? Placement{} : *found;
  }

  void people(int count) {
    ASSERT_TRUE(hive_->sql(in_dialect("CREATE TABLE people (id TEXT NOT NULL PRIMARY KEY, name TEXT) STRICT")));
    ASSERT_TRUE(
        hive_->sql(in_dialect("CREATE TABLE knows (a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) STRICT")));
    for (int i = 0; i < count; ++i) add_person(i);
  }

  void add_person(int i) {
    const std::vector<Value> person{"p" + std::to_string(i), "person " + std::to_string(i)};
    ASSERT_TRUE(hive_->sql("INSERT INTO people (id, name) VALUES (?1, ?2)", person));
  }

  /// Random ties, and the mapping of both tables.
  void ties(int people_count, int each) {
    std::mt19937_64 random(5);
    std::vector<Change> changes;
    for (int i = 0; i < people_count; ++i)
      for (int k = 0; k < each; ++k)
        changes.push_back(PutRow{"knows",
                                 {{"a", "p" + std::to_string(i)},
                                  {"b", "p" + std::to_string(random() % static_cast<std::uint64_t>(people_count))}}});
    const auto committed = hive_->commit({.changes = changes});
    ASSERT_TRUE(committed) << committed.error().message;
    ASSERT_TRUE(hive_->map_nodes({.table = "people", .label = "Person"}));
    ASSERT_TRUE(hive_->map_edges({.table = "knows",
                                  .type = "KNOWS",
                                  .from_column = "a",
                                  .from_label = "Person",
                                  .to_column = "b",
                                  .to_label = "Person"}));
    ASSERT_TRUE(hive_->wait(hive_->receipt()->token(), Deadline::after(std::chrono::seconds(60))));
  }
};

TEST_F(Placements, EveryDefinitionIsRecordedWithItsFiguresAndReasons) {
  people(60);
  ties(60, 12);
  ASSERT_TRUE(hive_->create_collection({.name = "memories", .dimension = 384}));
  ASSERT_TRUE(hive_->create_text_index({.name = "names", .table = "people", .columns = {"name"}}));
  const auto label = recorded("label", "Person");
  EXPECT_EQ(label.cause, "map_nodes");
  EXPECT_EQ(to_text(*find(label.figures, "nodes")), "60");
  const auto type = recorded("type", "KNOWS");
  EXPECT_EQ(type.engines, (std::vector<std::string>{"relational", "graph"}));
  EXPECT_EQ(type.primary, "graph") << "a dense random network";
  EXPECT_GT(std::get<double>(*find(type.figures, "complexity")), 0.7);
  EXPECT_THAT(type.reasons.at(0), HasSubstr("is above 0.7"));
  const auto vectors = recorded("vector", "memories");
  EXPECT_EQ(vectors.primary, "vector");
  EXPECT_EQ(to_text(*find(vectors.parameters, "dimension")), "384");
  EXPECT_EQ(to_text(*find(vectors.parameters, "metric")), "cosine");
  EXPECT_THAT(recorded("text", "names").reasons.at(0), HasSubstr("people"));
  EXPECT_GT(label.decided_at_ms, 1'700'000'000'000);
  EXPECT_FALSE(label.decided_by.empty());
}

TEST_F(Placements, TheSameDefinitionAgainRecordsNothing) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(hive_->create_collection({.name = "memories", .dimension = 384}));
  EXPECT_EQ(hive_->placements()->decisions, 1U);
  EXPECT_EQ(recorded("vector", "memories").revision, 1U);
}

TEST_F(Placements, ADefinitionThatFailsRecordsNothing) {
  EXPECT_FALSE(hive_->create_collection({.name = "memories", .dimension = 0}));
  EXPECT_FALSE(hive_->map_nodes({.table = "absent", .label = "Absent"}));
  EXPECT_THAT(hive_->placements()->placements, IsEmpty());
}

TEST_F(Placements, AReviewRecordsWhatTheFiguresChanged) {
  people(0);
  ties(0, 0);
  EXPECT_EQ(recorded("type", "KNOWS").primary, "relational");
  std::mt19937_64 random(7);
  std::vector<Change> changes;
  for (int i = 0; i < 60; ++i)
    changes.push_back(PutRow{"people", {{"id", "p" + std::to_string(i)}, {"name", std::string("x")}}});
  for (int i = 0; i < 700; ++i)
    changes.push_back(
        PutRow{"knows", {{"a", "p" + std::to_string(random() % 60)}, {"b", "p" + std::to_string(random() % 60)}}});
  ASSERT_TRUE(hive_->commit({.changes = changes}));
  const auto changed = hive_->review_placements();
  ASSERT_TRUE(changed) << changed.error().message;
  ASSERT_EQ(changed->size(), 1U);
  EXPECT_EQ(changed->at(0).name, "KNOWS");
  const auto explained = hive_->explain_placement("type:KNOWS");
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_EQ(explained->current.primary, "graph");
  EXPECT_EQ(explained->current.cause, "review");
  ASSERT_EQ(explained->history.size(), 2U);
  EXPECT_EQ(explained->history[0].primary, "relational");
  EXPECT_THAT(*hive_->review_placements(), IsEmpty()) << "nothing has changed since";
}

TEST_F(Placements, WhatChangesMadeIsDecidedByAReview) {
  commit({PutNode{{"Agent", "ada"}, {}}, PutNode{{"Agent", "bob"}, {}},
          PutEdge{{"KNOWS", {"Agent", "ada"}, {"Agent", "bob"}}, {}}});
  EXPECT_THAT(hive_->placements()->placements, IsEmpty());
  ASSERT_EQ(hive_->review_placements()->size(), 2U);
  EXPECT_EQ(recorded("label", "Agent").cause, "review");
}

TEST_F(Placements, AnUnknownNameSaysWhereToLook) {
  const auto explained = hive_->explain_placement("nothing");
  ASSERT_FALSE(explained);
  EXPECT_EQ(explained.error().code, ErrorCode::not_found);
  EXPECT_THAT(explained.error().message, HasSubstr("placement list"));
}

TEST_F(Placements, ANameOfSeveralIsAskedBack) {
  ASSERT_TRUE(hive_->create_collection({.name = "notes", .dimension = 64}));
  ASSERT_TRUE(hive_->sql("CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, body TEXT)"));
  ASSERT_TRUE(hive_->create_text_index({.name = "notes", .table = "notes", .columns = {"body"}}));
  const auto explained = hive_->explain_placement("notes");
  ASSERT_FALSE(explained);
  EXPECT_THAT(explained.error().message, HasSubstr("vector:notes"));
  EXPECT_EQ(hive_->explain_placement("vector:notes")->current.kind, "vector");
}

TEST_F(Placements, RoutesAreCountedAndKeptOverAReopen) {
  people(30);
  ties(30, 3);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(hive_->neighbors({.node = {"Person", "p1"}, .type = "KNOWS", .depth = 2}));
  ASSERT_TRUE(hive_->count_neighbors({.node = {"Person", "p1"}, .type = "KNOWS"}));
  ASSERT_TRUE(hive_->cypher("MATCH (a:Person) RETURN count(a)"));
  for (int turn = 0; turn < 2; ++turn) {
    const auto list = hive_->placements();
    ASSERT_TRUE(list);
    EXPECT_EQ(list->totals.calls, 7U);
    ASSERT_EQ(list->routes.size(), 3U);
    EXPECT_EQ(list->routes[0].engine, sql_engine());
    EXPECT_EQ(list->routes[0].calls, 5U);
    EXPECT_THAT(list->routes[0].shape, HasSubstr("KNOWS"));
    EXPECT_GT(list->routes[0].p50_us, 0);
    EXPECT_EQ(hive_->explain_placement("KNOWS")->routes.size(), 2U);
    EXPECT_EQ(hive_->status()->routes.calls, 7U);
    reopen();
  }
}

TEST_F(Placements, WhatWasLearnedMayBeDamagedOrGone) {
  people(10);
  ties(10, 2);
  ASSERT_TRUE(hive_->neighbors({.node = {"Person", "p1"}, .depth = 2}));
  hive_.reset();
  std::filesystem::path learned;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place_.files()))
    if (entry.path().filename() == "learned") learned = entry.path();
  ASSERT_FALSE(learned.empty());
  std::ofstream(learned, std::ios::app) << "damage";
  reopen();
  auto list = hive_->placements();
  EXPECT_EQ(list->totals.calls, 0U);
  EXPECT_THAT(list->totals.trouble, HasSubstr("learning begins anew"));
  ASSERT_TRUE(hive_->neighbors({.node = {"Person", "p1"}, .depth = 2}));
  reopen();
  list = hive_->placements();
  EXPECT_EQ(list->totals.calls, 1U) << "it was made anew";
  EXPECT_EQ(list->totals.trouble, "");
  hive_.reset();
  std::filesystem::remove(learned);
  reopen();
  EXPECT_EQ(hive_->placements()->totals.trouble, "") << "a file that is not there is nothing to tell of";
}

}  // namespace
}  // namespace triune::testing
