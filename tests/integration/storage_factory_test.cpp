// Characteristics in, a ready store out.
#include <gmock/gmock.h>

#include "integration/hive_fixture.h"

namespace triune::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class StorageFactory : public HiveTest {
 protected:
  static DataCharacteristics notes() {
    return {.name = "notes",
            .rows = 20'000,
            .columns = {{.name = "title", .not_null = true, .searched = true},
                        {.name = "body", .prose = true},
                        {.name = "stars", .type = "integer"},
                        {.name = "score", .type = "real"},
                        {.name = "done", .type = "boolean"},
                        {.name = "raw", .type = "blob"}},
            .relationships = {{.type = "CITES", .to = {}, .complexity = 0.85, .edges = 90'000},
                              {.type = "FOLLOWS", .to = {}, .complexity = 0.2}},
            .vectors = {{.name = {}, .dimension = 4, .metric = Metric::l2},
                        {.name = "title", .dimension = 384, .metric = {}}}};
  }

  void expect_nothing_was_made() {
    EXPECT_FALSE(hive_->sql("SELECT * FROM notes"));
    EXPECT_THAT(hive_->placements()->placements, IsEmpty());
  }
};

TEST_F(StorageFactory, MakesAStoreThatAnswersRowsEdgesVectorsAndTexts) {
  const auto made = create_optimal_storage(*hive_, notes());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made->created);
  EXPECT_THAT(made->placement.engines, (std::vector<std::string>{"relational", "graph", "vector", "text"}));
  EXPECT_THAT(made->made, Contains(HasSubstr("edge type CITES")));
  EXPECT_THAT(made->made, Not(Contains(HasSubstr("edge type FOLLOWS")))) << "not complex enough for the graph";
  std::vector<Change> changes;
  for (const std::string id : {"a", "b", "c"}) {
    changes.push_back(PutRow{"notes", {{"id", id}, {"title", "title " + id}, {"body", "the body of " + id}}});
    changes.push_back(PutVector{"notes", id, {1, 2, 3, static_cast<float>(id[0])}, {}});
  }
  changes.push_back(PutRow{"notes_cites", {{"from_id", std::string("a")}, {"to_id", std::string("b")}}});
  changes.push_back(PutRow{"notes_cites", {{"from_id", std::string("b")}, {"to_id", std::string("c")}}});
  changes.push_back(PutRow{"notes_follows", {{"from_id", std::string("c")}, {"to_id", std::string("a")}}});
  commit(std::move(changes));
  EXPECT_EQ(scalar("SELECT count(*) FROM neighbors('notes/a', 'CITES', 'out', 2)"), "2");
  EXPECT_EQ(scalar("SELECT v.id FROM vector_search('notes', '[1, 2, 3, 98]', 1) v"), "b");
  EXPECT_EQ(scalar("SELECT count(*) FROM text_search('notes', 'body', 10) t"), "3");
  EXPECT_EQ(scalar("SELECT to_id FROM notes_follows WHERE from_id = 'c'"), "a");
  EXPECT_EQ(cypher_scalar("MATCH (n:notes)-[:CITES]->(m:notes) RETURN count(m)"), "2");
  ASSERT_TRUE(hive_->sql("DELETE FROM notes WHERE id = 'b'"));
  EXPECT_EQ(scalar("SELECT count(*) FROM notes_cites"), "0") << "edges go with their ends";
  expect_verified();
}

TEST_F(StorageFactory, EveryWayItNamesWorks) {
  const auto made = create_optimal_storage(*hive_, notes());
  ASSERT_TRUE(made) << made.error().message;
  for (const auto& way : made->how_to) {
    if (!way.starts_with("SELECT")) continue;
    const bool search = way.find("vector_search") != std::string::npos;
    const auto dimension = way.find("notes_title") == std::string::npos ? 4 : 384;
    std::string vector = "[1";
    for (int i = 1; i < dimension; ++i) vector += ",1";
    std::vector<Value> parameters;
    if (way.find("?1") != std::string::npos) parameters.push_back(search ? vector + "]" : std::string("word"));
    const auto answer = hive_->sql(way, parameters);
    // Of 'notes/ID' there is no node.
    if (!answer) {
      EXPECT_EQ(answer.error().code, ErrorCode::not_found) << way << ": " << answer.error().message;
    }
  }
}

TEST_F(StorageFactory, RecordsADecisionForTheStoreAndForEachPart) {
  ASSERT_TRUE(create_optimal_storage(*hive_, notes()));
  const auto list = hive_->placements();
  ASSERT_TRUE(list);
  std::vector<std::string> names;
  for (const auto& one : list->placements) {
    names.push_back(one.kind + ":" + one.name);
    EXPECT_EQ(one.cause, "create_optimal_storage") << names.back();
  }
  EXPECT_EQ(names, (std::vector<std::string>{"label:notes", "store:notes", "text:notes", "type:CITES", "vector:notes",
                                             "vector:notes_title"}));
}

TEST_F(StorageFactory, TheSameAgainChangesNothingAndAnotherIsAConflict) {
  ASSERT_TRUE(create_optimal_storage(*hive_, notes()));
  const auto decisions = hive_->placements()->decisions;
  auto expected_more = notes();
  expected_more.rows = 1;  // a figure, not a definition
  const auto again = create_optimal_storage(*hive_, expected_more);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(again->created);
  EXPECT_FALSE(again->made.empty());
  EXPECT_EQ(hive_->placements()->decisions, decisions);
  auto other = notes();
  other.vectors[0].dimension = 8;
  const auto conflict = create_optimal_storage(*hive_, other);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code, ErrorCode::conflict);
  EXPECT_THAT(conflict.error().message, HasSubstr("another name"));
}

TEST_F(StorageFactory, ATableThatIsThereAlreadyIsAConflict) {
  ASSERT_TRUE(hive_->sql("CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY)"));
  const auto made = create_optimal_storage(*hive_, notes());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::conflict);
  EXPECT_THAT(hive_->placements()->placements, IsEmpty());
}

TEST_F(StorageFactory, WhatFailsHalfwayLeavesNothing) {
  ASSERT_TRUE(hive_->sql("CREATE TABLE notes_follows (id TEXT NOT NULL PRIMARY KEY)"));
  EXPECT_FALSE(create_optimal_storage(*hive_, notes())) << "its last table cannot be made";
  expect_nothing_was_made();
}

TEST_F(StorageFactory, TiesLeadToTablesThatAreThere) {
  ASSERT_TRUE(hive_->sql(in_dialect("CREATE TABLE tags (tag INTEGER PRIMARY KEY, name TEXT) STRICT")));
  ASSERT_TRUE(hive_->sql("INSERT INTO tags (tag, name) VALUES (7, 'seven')"));
  DataCharacteristics data{.name = "posts", .relationships = {{.type = "TAGGED", .to = "tags", .complexity = 0.9}}};
  const auto made = create_optimal_storage(*hive_, data);
  ASSERT_TRUE(made) << made.error().message;
  commit({PutRow{"posts", {{"id", std::string("p")}}},
          PutRow{"posts_tagged", {{"from_id", std::string("p")}, {"to_id", std::int64_t{7}}}}});
  EXPECT_EQ(scalar("SELECT id FROM neighbors('posts/p', 'TAGGED')"), "7");
  data.name = "others";
  data.relationships[0].to = "absent";
  const auto absent = create_optimal_storage(*hive_, data);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
}

TEST_F(StorageFactory, BadInputSaysWhatAndWhereAndChangesNothing) {
  const auto refused = [&](const std::function<void(DataCharacteristics&)>& spoil, std::string_view where) {
    auto data = notes();
    spoil(data);
    const auto made = create_optimal_storage(*hive_, data);
    ASSERT_FALSE(made) << where;
    EXPECT_EQ(made.error().code, ErrorCode::invalid_argument) << made.error().message;
    EXPECT_THAT(made.error().message, HasSubstr(where));
  };
  refused([](auto& data) { data.name = ""; }, "name");
  refused([](auto& data) { data.name = "a\"; DROP TABLE people; --"; }, "name");
  refused([](auto& data) { data.name = "triune_nodes"; }, "name");
  refused([](auto& data) { data.name = std::string(49, 'a'); }, "name");
  refused([](auto& data) { data.columns[0].name = "x y"; }, "columns[0].name");
  refused([](auto& data) { data.columns[1].name = "TITLE"; }, "columns[1].name");
  refused([](auto& data) { data.columns[0].name = "ID"; }, "columns[0].name");
  refused([](auto& data) { data.columns[2].type = "varchar"; }, "columns[2].type");
  refused([](auto& data) { data.columns[2].prose = true; }, "columns[2].prose");
  refused([](auto& data) { data.relationships[1].type = "cites"; }, "relationships[1].type");
  refused([](auto& data) { data.relationships[0].complexity = 1.5; }, "relationships[0].complexity");
  refused([](auto& data) { data.vectors[0].dimension = 0; }, "vectors[0].dimension");
  refused([](auto& data) { data.vectors[1].name = ""; }, "vectors[1].name");
  refused([](auto& data) { data.write_share = -0.1; }, "write_share");
  expect_nothing_was_made();
}

}  // namespace
}  // namespace triune::testing
