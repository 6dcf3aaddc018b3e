// INSERT OR REPLACE and UPDATE OR REPLACE remove rows without firing delete triggers where recursive_triggers is off:
// what is derived from these rows must go with them all the same (I2).
#include <gmock/gmock.h>

#include "integration/foreign_program.h"

namespace triune {
namespace {

class ReplacedRows : public testing::ForeignProgramTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    run("CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT UNIQUE, bio TEXT) STRICT");
    run("CREATE TABLE follows (id INTEGER PRIMARY KEY, who TEXT, whom TEXT, weight REAL) STRICT");
    ASSERT_TRUE(hive_->map_nodes({.table = "people", .label = "Person", .properties = {"email"}}));
    ASSERT_TRUE(hive_->map_edges({.table = "follows",
                                  .type = "FOLLOWS",
                                  .from_column = "who",
                                  .from_label = "Person",
                                  .to_column = "whom",
                                  .to_label = "Person",
                                  .properties = {"weight"}}));
    ASSERT_TRUE(hive_->create_text_index({.name = "bios", .table = "people", .columns = {"bio"}}));
    run("INSERT INTO people VALUES ('a', 'a@x', 'amber'), ('b', 'b@x', 'birch'), ('c', 'c@x', 'cedar')");
    run("INSERT INTO follows VALUES (1, 'a', 'b', 1.0)");
  }

  /// Either of the two ways to write.
  void write(bool foreign, const std::string& sql) { foreign ? shell(sql) : run(sql); }

  std::string edges() { return graph("MATCH (x)-[f:FOLLOWS]->(y) RETURN x.id, y.id, f.weight ORDER BY x.id, y.id"); }
  std::string people() { return graph("MATCH (p:Person) RETURN p.id ORDER BY p.id"); }
};

class ReplacedRowsEitherWay : public ReplacedRows, public ::testing::WithParamInterface<bool> {};

TEST_P(ReplacedRowsEitherWay, AnEdgeOfAReplacedRowGoes) {
  write(GetParam(), "INSERT OR REPLACE INTO follows VALUES (1, 'b', 'c', 2.0)");
  EXPECT_EQ(edges(), "b c 2.0");
  write(GetParam(), "INSERT OR REPLACE INTO follows VALUES (1, 'b', 'c', 3.0)");
  EXPECT_EQ(edges(), "b c 3.0");
  write(GetParam(), "REPLACE INTO follows (who, whom, weight) VALUES ('c', 'a', 1.5)");
  EXPECT_EQ(edges(), "b c 3.0 c a 1.5");
  expect_verified();
}

TEST_P(ReplacedRowsEitherWay, AnEdgeStaysWhileAnotherRowHasItsEnds) {
  run("INSERT INTO follows VALUES (2, 'a', 'b', 7.0)");
  write(GetParam(), "INSERT OR REPLACE INTO follows VALUES (2, 'c', 'a', 9.0)");
  EXPECT_EQ(edges(), "a b 1.0 c a 9.0");
  write(GetParam(), "INSERT OR REPLACE INTO follows VALUES (1, 'c', 'b', 5.0)");
  EXPECT_EQ(edges(), "c a 9.0 c b 5.0");
  expect_verified();
}

TEST_P(ReplacedRowsEitherWay, AnUpdateThatReplacesTakesTheOtherRowsEdge) {
  run("INSERT INTO follows VALUES (2, 'b', 'c', 2.0)");
  write(GetParam(), "UPDATE OR REPLACE follows SET id = 2 WHERE id = 1");
  EXPECT_EQ(edges(), "a b 1.0");
  expect_verified();
}

TEST_P(ReplacedRowsEitherWay, ARowReplacedThroughAnotherUniqueColumnGoesEverywhere) {
  const auto before = lsn();
  write(GetParam(), "INSERT OR REPLACE INTO people VALUES ('z', 'b@x', 'zinnia')");
  EXPECT_EQ(people(), "a c z");
  EXPECT_EQ(texts("birch"), "");
  EXPECT_EQ(texts("zinnia"), "z");
  EXPECT_EQ(edges(), "");
  EXPECT_THAT(logged("people", before), ::testing::HasSubstr("delete b"));
  write(GetParam(), "UPDATE OR REPLACE people SET email = 'c@x' WHERE id = 'a'");
  EXPECT_EQ(people(), "a z");
  EXPECT_EQ(texts("cedar"), "");
  expect_verified();
}

TEST_P(ReplacedRowsEitherWay, ARowInTheWayThatStaysLosesNothing) {
  const auto before = lsn();
  write(GetParam(), "INSERT OR IGNORE INTO people VALUES ('z', 'b@x', 'zinnia')");
  write(GetParam(), "INSERT INTO people VALUES ('z', 'b@x', 'zinnia') ON CONFLICT (email) DO UPDATE SET bio = 'beech'");
  write(GetParam(), "INSERT OR IGNORE INTO follows VALUES (1, 'b', 'c', 2.0)");
  write(GetParam(), "INSERT INTO people VALUES ('y', 'y@x', 'yew')");
  write(GetParam(), "INSERT INTO follows VALUES (5, 'y', 'a', 5.0)");
  EXPECT_EQ(people(), "a b c y");
  EXPECT_EQ(edges(), "a b 1.0 y a 5.0");
  EXPECT_EQ(texts("beech"), "b");
  EXPECT_EQ(logged("people", before), "put b put y");
  expect_verified();
}

TEST_P(ReplacedRowsEitherWay, AStatementThatFailsLeavesNoTrace) {
  const auto before = lsn();
  EXPECT_FALSE(hive_->sql("INSERT INTO people VALUES ('y', 'y@x', 'yew'), ('z', 'b@x', 'zinnia')"));
  EXPECT_EQ(lsn(), before);
  EXPECT_EQ(all("SELECT count(*) FROM triune_replaced"), "0");
  write(GetParam(), "INSERT INTO people VALUES ('y', 'y@x', 'yew')");
  EXPECT_EQ(people(), "a b c y");
}

INSTANTIATE_TEST_SUITE_P(Writer, ReplacedRowsEitherWay, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "AnotherProgram" : "TheHive"; });

TEST_F(ReplacedRows, OfATableWithoutAPrimaryKey) {
  run("CREATE TABLE plain (code TEXT, color TEXT, UNIQUE (code COLLATE NOCASE, color))");
  run("INSERT INTO plain VALUES ('one', 'red'), ('two', 'red')");
  const auto before = lsn();
  shell("INSERT OR REPLACE INTO plain VALUES ('ONE', 'red')");
  EXPECT_THAT(logged("plain", before),
              ::testing::AllOf(::testing::HasSubstr("delete 1"), ::testing::HasSubstr("put 3")));
}

TEST_F(ReplacedRows, OfATableWithoutRowids) {
  run("CREATE TABLE pairs (a TEXT, b TEXT, tag TEXT UNIQUE, PRIMARY KEY (a, b)) WITHOUT ROWID");
  ASSERT_TRUE(hive_->map_edges({.table = "pairs",
                                .type = "PAIRED",
                                .from_column = "a",
                                .from_label = "Person",
                                .to_column = "b",
                                .to_label = "Person",
                                .properties = {"tag"}}));
  shell("INSERT INTO pairs VALUES ('a', 'b', 'x'), ('b', 'c', 'y')");
  const auto before = lsn();
  shell("REPLACE INTO pairs VALUES ('c', 'a', 'x')");
  EXPECT_EQ(graph("MATCH (x)-[p:PAIRED]->(y) RETURN x.id, y.id, p.tag ORDER BY x.id"), "b c y c a x");
  EXPECT_THAT(logged("pairs", before), ::testing::HasSubstr(R"(delete ["a","b"])"));
  expect_verified();
}

TEST_F(ReplacedRows, AUniqueIndexMadeLaterCountsToo) {
  run("CREATE UNIQUE INDEX one_bio ON people (bio)");
  shell("INSERT OR REPLACE INTO people VALUES ('z', 'z@x', 'birch')");
  EXPECT_EQ(people(), "a c z");
  EXPECT_EQ(texts("birch"), "z");
  shell("CREATE UNIQUE INDEX one_whom ON follows (whom)");
  reopen();
  run("INSERT INTO follows VALUES (8, 'a', 'z', 1.0)");
  shell("INSERT OR REPLACE INTO follows VALUES (9, 'c', 'z', 4.0)");
  EXPECT_EQ(edges(), "c z 4.0");
  expect_verified();
}

}  // namespace
}  // namespace triune
