// Commits: atomic, idempotent, refused whole (I1, I10, I11).
#include <gmock/gmock.h>

#include <limits>

#include <thread>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::HasSubstr;
using HiveCommit = testing::HiveTest;

PutNode person(const std::string& id, Record properties = {}) {
  return {{"Person", id}, std::move(properties)};
}
PutEdge knows(const std::string& from, const std::string& to, Record properties = {}) {
  return {{"KNOWS", {"Person", from}, {"Person", to}}, std::move(properties)};
}

TEST_F(HiveCommit, OneCommitReachesRowsGraphVectorsAndBlobs) {
  ASSERT_TRUE(hive_->sql(
      testing::in_dialect("CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT NOT NULL, done INTEGER) STRICT")));
  ASSERT_TRUE(hive_->create_collection({.name = "memories", .dimension = 3}));
  const auto receipt = commit({PutRow{"tasks", {{"id", "t1"}, {"title", "write"}, {"done", false}}},
                               person("ada", {{"age", std::int64_t{36}}}), person("bob"),
                               knows("ada", "bob", {{"since", std::int64_t{1999}}}),
                               PutVector{"memories", "m1", {1, 0, 0}, {{"kind", "note"}}},
                               PutBlob{"task:t1", "log", Bytes(100'000, std::byte{7})}});
  EXPECT_EQ(receipt.changes, 6U);
  for (const auto& projection : receipt.projections) {
    EXPECT_EQ(projection.state, ProjectionState::current) << projection.name;
    EXPECT_GE(projection.watermark, receipt.lsn) << projection.name;
  }
  EXPECT_EQ(scalar("SELECT title FROM tasks WHERE id = 't1'"), "write");
  EXPECT_EQ(cypher_scalar("MATCH (a:Person)-[k:KNOWS]->(b:Person) RETURN k.since"), "1999");
  const auto found = hive_->search({.collection = "memories", .query = std::vector<float>{1, 0, 0}, .count = 5});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->hits.size(), 1U);
  EXPECT_EQ(found->hits[0].id, "m1");
  EXPECT_EQ(hive_->get_blob("task:t1", "log").value().size(), 100'000U);
  expect_verified();
}

TEST_F(HiveCommit, AFailingChangeUndoesAllOfThem) {
  const auto error = refused({person("ada"), knows("ada", "nobody")});
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, HasSubstr("change 2"));
  EXPECT_THAT(error.message, HasSubstr("nobody"));
  EXPECT_EQ(hive_->get_node({"Person", "ada"}).error().code, ErrorCode::not_found);
}

TEST_F(HiveCommit, WrongVectorsAreRefused) {
  ASSERT_TRUE(hive_->create_collection({.name = "memories", .dimension = 3}));
  EXPECT_EQ(refused({PutVector{"memories", "a", {1, 2}, {}}}).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused({PutVector{"memories", "a", {1, 2, std::numeric_limits<float>::quiet_NaN()}, {}}}).code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(refused({PutVector{"memories", "a", {1, 2, std::numeric_limits<float>::infinity()}, {}}}).code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(refused({PutVector{"nowhere", "a", {1, 2, 3}, {}}}).code, ErrorCode::not_found);
}

TEST_F(HiveCommit, OversizedAndMalformedInputIsRefused) {
  EXPECT_EQ(refused({person("ada", {{"text", std::string(300'000, 'x')}})}).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused({person("ada", {{"text", std::string("a\0b", 3)}})}).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused({person("ada", {{"text", std::string("\xff\xfe")}})}).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused({person("ada", {{"x", std::int64_t{1}}, {"x", std::int64_t{2}}})}).code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(refused({person("", {})}).code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused({PutRow{"triune_nodes", {{"id", "x"}}}}).code, ErrorCode::permission_denied);
  EXPECT_EQ(refused({PutRow{"nowhere", {{"id", "x"}}}}).code, ErrorCode::not_found);
}

TEST_F(HiveCommit, TheSameKeyHasOneEffectAndOneAnswer) {
  const Commit once{.changes = {person("ada", {{"n", std::int64_t{1}}})}, .idempotency_key = "key-1"};
  const auto first = hive_->commit(once).value();
  ASSERT_TRUE(hive_->commit({.changes = {person("ada", {{"n", std::int64_t{2}}})}, .idempotency_key = {}}));
  const auto again = hive_->commit(once).value();
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.lsn, first.lsn);
  EXPECT_EQ(again.changes, first.changes);
  EXPECT_EQ(std::get<std::int64_t>(*find(hive_->get_node({"Person", "ada"}).value(), "n")), 2);
  const auto other = hive_->commit({.changes = {person("eve")}, .idempotency_key = "key-1"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::conflict);
}

TEST_F(HiveCommit, WhatIsThereAlreadyIsNoChange) {
  ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT) STRICT")));
  ASSERT_TRUE(hive_->create_collection({.name = "memories", .dimension = 2}));
  const std::vector<Change> changes{
      PutRow{"tasks", {{"id", "t"}, {"title", "x"}}}, person("ada", {{"a", 1.5}}), person("bob"), knows("ada", "bob"),
      PutVector{"memories", "m", {1, 2}, {}},         PutBlob{"o", "n", Bytes(10)}};
  const auto first = commit(changes);
  EXPECT_EQ(first.changes, 6U);
  const auto second = commit(changes);
  EXPECT_EQ(second.changes, 0U);
  EXPECT_EQ(second.lsn, first.lsn);
}

TEST_F(HiveCommit, ARowKeepsTheColumnsThatAreNotNamed) {
  ASSERT_TRUE(
      hive_->sql(testing::in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT) STRICT")));
  commit({PutRow{"t", {{"id", std::int64_t{1}}, {"a", "one"}, {"b", "two"}}}});
  commit({PutRow{"t", {{"id", std::int64_t{1}}, {"b", "three"}}}});
  EXPECT_EQ(scalar("SELECT a || b FROM t"), "onethree");
}

TEST_F(HiveCommit, ADeletedNodeTakesItsEdgesAlong) {
  commit({person("ada"), person("bob"), knows("ada", "bob"), knows("bob", "ada")});
  commit({DeleteNode{{"Person", "ada"}}});
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_edges"), "0");
  EXPECT_EQ(cypher_scalar("MATCH ()-[k:KNOWS]->() RETURN count(*)"), "0");
  expect_verified();
}

TEST_F(HiveCommit, ANodeMadeAgainHasNoneOfItsOldEdges) {
  commit({person("ada"), person("bob"), knows("ada", "bob")});
  commit({DeleteNode{{"Person", "ada"}}, person("ada")});
  EXPECT_EQ(cypher_scalar("MATCH ()-[k:KNOWS]->() RETURN count(*)"), "0");
  expect_verified();
}

TEST_F(HiveCommit, PropertiesMayChangeTheirType) {
  commit({person("ada", {{"x", std::int64_t{1}}})});
  commit({person("bob", {{"x", 1.5}})});
  EXPECT_EQ(cypher_scalar("MATCH (p:Person) RETURN sum(p.x)"), "2.5");
  commit({person("eve", {{"x", "text"}})});
  EXPECT_EQ(cypher_scalar("MATCH (p:Person {id: 'ada'}) RETURN p.x"), "1");
  expect_verified();
}

TEST_F(HiveCommit, SurvivesCloseAndReopen) {
  const auto receipt = commit({person("ada"), person("bob"), knows("ada", "bob")});
  reopen();
  EXPECT_EQ(lsn(), receipt.lsn);
  EXPECT_EQ(cypher_scalar("MATCH (:Person {id: 'ada'})-[:KNOWS]->(b) RETURN b.id"), "bob");
}

TEST_F(HiveCommit, ASecondOpenerIsToldTheOwner) {
  if (testing::on_postgres()) GTEST_SKIP() << "a database is open to many";
  const auto second = Hive::open(directory_.path() / "hive");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
}

TEST_F(HiveCommit, ATransactionIsAllOrNothing) {
  ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT) STRICT")));
  {
    auto transaction = hive_->begin(Deadline::after(std::chrono::seconds(10))).value();
    ASSERT_TRUE(transaction->sql("INSERT INTO t VALUES (1, 'one')"));
    const std::vector<Change> changes{person("ada")};
    ASSERT_TRUE(transaction->apply(changes));
    ASSERT_TRUE(transaction->savepoint("here"));
    ASSERT_TRUE(transaction->sql("INSERT INTO t VALUES (2, 'two')"));
    ASSERT_TRUE(transaction->rollback_to("here"));
    const auto receipt = transaction->commit();
    ASSERT_TRUE(receipt) << receipt.error().message;
  }
  EXPECT_EQ(scalar("SELECT count(*) FROM t"), "1");
  {
    auto transaction = hive_->begin(Deadline::after(std::chrono::seconds(10))).value();
    ASSERT_TRUE(transaction->sql("DELETE FROM t"));
  }
  EXPECT_EQ(scalar("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(cypher_scalar("MATCH (p:Person) RETURN p.id"), "ada");
}

TEST_F(HiveCommit, UsersCannotWriteTriunesTables) {
  for (const auto* const statement :
       {"DELETE FROM triune_change_log", "UPDATE triune_nodes SET properties = '{}'", "DROP TABLE triune_edges",
        "DROP TRIGGER triune_nodes_insert", "INSERT INTO triune_hive VALUES ('a', 'b')"}) {
    const auto refused = hive_->sql(statement);
    ASSERT_FALSE(refused) << statement;
    EXPECT_EQ(refused.error().code, ErrorCode::permission_denied) << statement << ": " << refused.error().message;
  }
}

TEST_F(HiveCommit, CypherOnlyReads) {
  commit({person("ada")});
  const auto refused = hive_->cypher("CREATE (:Person {id: 'eve'})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
}

TEST_F(HiveCommit, ATokenOfAnotherHistoryIsAConflict) {
  commit({person("ada")});
  const auto rows =
      hive_->cypher("MATCH (p) RETURN count(*)", {}, {.consistency = Consistency::at_least({"another", 1})});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::conflict);
}

TEST_F(HiveCommit, AReadOfTheFutureEndsAtItsDeadline) {
  const auto receipt = commit({person("ada")});
  const auto rows = hive_->cypher("MATCH (p) RETURN count(*)", {},
                                  {.consistency = Consistency::at_least({receipt.incarnation, receipt.lsn + 1000}),
                                   .deadline = Deadline::after(std::chrono::milliseconds(200))});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::deadline_exceeded);
}

class KeptKeys : public testing::HiveTest {
 protected:
  void sweep() {
    const auto swept = hive_->sweep(std::chrono::seconds(0));
    ASSERT_TRUE(swept) << swept.error().message;
  }

  Result<Receipt> keyed(const std::string& key, const std::string& node) {
    return hive_->commit({.changes = {PutNode{{"K", node}, {}}}, .idempotency_key = key});
  }
};

TEST_F(KeptKeys, AreForgottenAfterTheirRetentionAndNotBefore) {
  reopen({.idempotency_retention = std::chrono::seconds(1)});
  ASSERT_TRUE(keyed("old", "a"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  ASSERT_TRUE(keyed("new", "b"));
  reopen({.idempotency_retention = std::chrono::days(1)});
  EXPECT_EQ(scalar("SELECT min(idempotency_key) || count(*) FROM triune_commits"), "new1");
  EXPECT_TRUE(keyed("new", "b").value().replayed);
  EXPECT_FALSE(keyed("old", "other").value().replayed) << "as if it had never been used";
  sweep();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_commits"), "2");
}

TEST_F(KeptKeys, GoInSmallStepsAndStayForEverWhenAsked) {
  reopen({.idempotency_retention = std::chrono::seconds(0)});
  // More than one step; from many threads, so that they share their way to the disk.
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([this, t] {
      for (int i = 0; i < 320; ++i)
        EXPECT_TRUE(hive_->commit({.changes = {}, .idempotency_key = std::to_string(t) + "/" + std::to_string(i)}));
    });
  for (auto& thread : threads) thread.join();
  sweep();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_commits"), "5120");
  reopen({.idempotency_retention = std::chrono::seconds(1)});
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  sweep();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_commits"), "0");
}

}  // namespace
}  // namespace triune
