// What an engine refuses is set aside by name, the rest flows on, and mending it is enough (I3, I4).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fault/crash_rig.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

/// More than the graph engine keeps in one property, written round the API, which would refuse it.
constexpr std::size_t poisonous_size = 200'000;

class Poison : public ::testing::Test {
 protected:
  void SetUp() override {
    open();
    const auto made = hive_->sql(in_dialect("CREATE TABLE pages (id TEXT PRIMARY KEY, body TEXT) STRICT"));
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(hive_->map_nodes({.table = "pages", .label = "Page"}));
    ASSERT_TRUE(
        hive_->sql(in_dialect("CREATE TABLE links (source TEXT, target TEXT, PRIMARY KEY (source, target)) STRICT")));
    ASSERT_TRUE(hive_->map_edges({.table = "links",
                                  .type = "LINKS",
                                  .from_column = "source",
                                  .from_label = "Page",
                                  .to_column = "target",
                                  .to_label = "Page",
                                  .properties = {}}));
    ASSERT_TRUE(hive_->create_collection({.name = "faces", .dimension = 2}));
    ASSERT_TRUE(hive_->commit({.changes = {PutVector{"faces", "a", {1, 0}, {}}, PutVector{"faces", "b", {0, 1}, {}}},
                               .idempotency_key = {}}));
    shell("INSERT INTO pages VALUES ('good', 'short')");
  }

  void open() {
    hive_.reset();
    hive_ = open_hive(place_);
    ASSERT_NE(hive_, nullptr);
  }

  void shell(const std::string& statements) { place_.other_program(statements); }

  /// As an SQL expression: an argument of a program is too short for the text itself.
  static std::string poisonous_text() {
    if (on_postgres()) return fmt::format("repeat('x', {})", poisonous_size);
    return fmt::format("replace(hex(zeroblob({})), '0', 'x')", poisonous_size / 2);
  }

  void write_poison() {
    shell(
        fmt::format("INSERT INTO pages VALUES ('bad', {}), ('other', 'short'); "
                    "INSERT INTO links VALUES ('good', 'bad'), ('bad', 'other'), ('good', 'other')",
                    poisonous_text()));
  }

  /// The projection's status once it holds the head of the log.
  ProjectionStatus settled(std::string_view name) {
    const auto head = hive_->receipt();
    EXPECT_TRUE(head) << head.error().message;
    const auto waited = hive_->wait(head->token(), Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(waited) << waited.error().message;
    const auto status = hive_->status();
    EXPECT_TRUE(status) << status.error().message;
    for (const auto& projection : status->projections)
      if (projection.name == name) return projection;
    ADD_FAILURE() << "no projection " << name;
    return {};
  }

  void expect_set_aside(std::string_view projection, std::uint64_t count) {
    const auto status = settled(projection);
    EXPECT_EQ(status.state, ProjectionState::current) << status.error;
    EXPECT_EQ(status.set_aside, count);
  }

  std::string graph(std::string_view statement) {
    const auto rows = hive_->cypher(statement);
    if (!rows) return rows.error().message;
    std::string text;
    for (const auto& row : rows->rows)
      for (const auto& cell : row) text += (text.empty() ? "" : " ") + to_text(cell);
    return text;
  }

  void expect_verified() {
    const auto report = hive_->verify();
    ASSERT_TRUE(report) << report.error().message;
    for (const auto& one : report->projections)
      for (const auto& example : one.examples) ADD_FAILURE() << one.projection << ": " << example;
    EXPECT_TRUE(report->ok);
  }

  /// A poisonous node and the two edges at it wait; everything else is there.
  void expect_only_poison_missing() {
    expect_set_aside("graph", 3);
    EXPECT_EQ(graph("MATCH (p:Page) RETURN p.id ORDER BY p.id"), "good other");
    EXPECT_EQ(graph("MATCH (a:Page)-[l:LINKS]->(b:Page) RETURN a.id, b.id"), "good other");
  }

  void expect_mended() {
    expect_set_aside("graph", 0);
    EXPECT_EQ(graph("MATCH (p:Page) RETURN p.id ORDER BY p.id"), "bad good other");
    EXPECT_EQ(graph("MATCH (a:Page)-[l:LINKS]->(b:Page) RETURN a.id, b.id ORDER BY a.id, b.id"),
              "bad other good bad good other");
    expect_verified();
    expect_equal_everywhere(*hive_);
  }

  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
  std::unique_ptr<Hive> hive_;
};

TEST_F(Poison, ANodeAndItsEdgesAreSetAsideAndTheRestFlows) {
  write_poison();
  expect_only_poison_missing();
  shell("INSERT INTO pages VALUES ('later', 'short')");
  expect_set_aside("graph", 3);
  EXPECT_EQ(graph("MATCH (p:Page) RETURN count(*)"), "3");
  EXPECT_EQ(
      hive_->sql("SELECT count(*) FROM triune_set_aside WHERE projection LIKE '%graph%' AND reason <> ''")->rows[0][0],
      Value(std::int64_t{3}));
  expect_verified();  // what is set aside is reported as such
}

TEST_F(Poison, MendingTheNodeBringsItAndItsEdges) {
  write_poison();
  expect_only_poison_missing();
  shell("UPDATE pages SET body = 'mended' WHERE id = 'bad'");
  expect_mended();
}

TEST_F(Poison, DeletingTheNodeClearsIt) {
  write_poison();
  expect_only_poison_missing();
  shell("DELETE FROM pages WHERE id = 'bad'");
  expect_set_aside("graph", 0);
  EXPECT_EQ(graph("MATCH (a:Page)-[l:LINKS]->(b:Page) RETURN a.id, b.id"), "good other");
  expect_verified();
}

TEST_F(Poison, ItIsStillSetAsideAfterReopenAndRebuild) {
  write_poison();
  expect_only_poison_missing();
  ASSERT_TRUE(hive_->close());
  open();
  expect_only_poison_missing();
  const auto rebuilt = hive_->rebuild("graph");
  ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  expect_only_poison_missing();
  expect_verified();
  shell("UPDATE pages SET body = 'mended' WHERE id = 'bad'");
  expect_mended();
}

TEST_F(Poison, AFirstBuildSetsItAside) {
  write_poison();
  expect_only_poison_missing();
  ASSERT_TRUE(hive_->close());
  std::filesystem::remove_all(place_.files() / "projections");
  open();
  expect_only_poison_missing();
  expect_verified();
}

TEST_F(Poison, RepairTriesItAgainAndKeepsTheRest) {
  write_poison();
  expect_only_poison_missing();
  const auto repaired = hive_->repair();
  ASSERT_TRUE(repaired) << repaired.error().message;
  expect_only_poison_missing();
  shell("UPDATE pages SET body = 'mended' WHERE id = 'bad'");
  expect_mended();
}

TEST_F(Poison, ANodeThatTurnsBadKeepsItsOldState) {
  shell("INSERT INTO pages VALUES ('bad', 'short'), ('other', 'short'); INSERT INTO links VALUES ('good', 'bad')");
  expect_set_aside("graph", 0);
  shell(fmt::format("UPDATE pages SET body = {} WHERE id = 'bad'", poisonous_text()));
  expect_set_aside("graph", 1);
  EXPECT_EQ(graph("MATCH (p:Page) WHERE p.id = 'bad' RETURN p.body"), "short");
  EXPECT_EQ(graph("MATCH (a:Page)-[l:LINKS]->(b:Page) RETURN b.id"), "bad");
  expect_verified();
  shell("UPDATE pages SET body = 'mended' WHERE id = 'bad'");
  expect_set_aside("graph", 0);
  expect_equal_everywhere(*hive_);
}

TEST_F(Poison, AVectorOfAnotherLengthIsSetAside) {
  const auto set = [&](std::string_view bytes) {
    shell(
        fmt::format("UPDATE triune_vector_values SET vector = {}{}' WHERE vector_key = "
                    "(SELECT vector_key FROM triune_vectors WHERE id = 'b')",
                    on_postgres() ? "'\\x" : "x'", bytes));
  };
  set("00000000");
  expect_set_aside("vector:faces", 1);
  const auto found = hive_->search({.collection = "faces", .query = std::vector<float>{0, 1}, .count = 5});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->hits.size(), 1U);
  EXPECT_EQ(found->hits[0].id, "a");
  expect_verified();
  ASSERT_TRUE(hive_->rebuild("vector:faces"));
  expect_set_aside("vector:faces", 1);
  set("0000C07F0000803F");  // a NaN
  expect_set_aside("vector:faces", 1);
  expect_verified();
  set("000000000000803F");
  expect_set_aside("vector:faces", 0);
  EXPECT_EQ(hive_->search({.collection = "faces", .query = std::vector<float>{0, 1}, .count = 5})->hits.size(), 2U);
  expect_verified();
}

TEST_F(Poison, PropertiesThatNoGraphHoldsAreReadAroundOrSetAside) {
  const auto put = [&](std::string_view id, std::string_view json) {
    shell(fmt::format(
        "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT 1, collection_id, '{}', "
        "'{}' FROM triune_collections WHERE kind = 'label' AND name = 'Note'",
        id, json));
  };
  ASSERT_TRUE(
      hive_->commit({.changes = {PutNode{{"Note", "first"}, {{"n", std::int64_t{1}}}}}, .idempotency_key = {}}));
  put("nested", R"({"n": 2, "deep": {"list": [1, {"x": null}]}})");
  put("twice", R"({"n": 3, "n": 4})");
  put("mixed", R"({"n": "five"})");
  put("no name", R"({"": 6})");
  put("an id", R"({"id": 7})");
  put("no object", R"([1, 2])");
  put("nul", R"({"n": "a\u0000b"})");
  put("half a pair", R"({"n": "\ud800"})");
  put("large", R"({"n": 99999999999999999999999})");
  put("last", R"({"n": 8})");
  const auto status = settled("graph");
  EXPECT_EQ(status.state, ProjectionState::current) << status.error;
  EXPECT_EQ(graph("MATCH (n:Note) WHERE n.id IN ['first', 'last'] RETURN count(*)"), "2");
  expect_verified();
  const auto rebuilt = hive_->rebuild("graph");
  ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  EXPECT_EQ(graph("MATCH (n:Note) WHERE n.id IN ['first', 'last'] RETURN count(*)"), "2");
  expect_verified();
}

}  // namespace
}  // namespace triune::testing
