// Other programs write to the same store while the hive is open: everything is captured and projected (I2). On SQLite
// they are Debian's shell, an older SQLite with foreign keys off, and Python; on PostgreSQL psql.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "fault/crash_rig.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

class ExternalWriter : public ::testing::Test {
 protected:
  void SetUp() override {
    open();
    sql("CREATE TABLE people (email TEXT PRIMARY KEY, name TEXT, age INTEGER, bio TEXT) STRICT");
    sql("CREATE TABLE follows (id INTEGER PRIMARY KEY, who TEXT, whom TEXT, since INTEGER) STRICT");
    ASSERT_TRUE(hive_->map_nodes({.table = "people", .label = "Person", .properties = {"name", "age"}}));
    ASSERT_TRUE(hive_->map_edges({.table = "follows",
                                  .type = "FOLLOWS",
                                  .from_column = "who",
                                  .from_label = "Person",
                                  .to_column = "whom",
                                  .to_label = "Person",
                                  .properties = {"since"}}));
    ASSERT_TRUE(hive_->create_text_index({.name = "bios", .table = "people", .columns = {"bio"}}));
    ASSERT_TRUE(hive_->create_collection({.name = "faces", .dimension = 2}));
    ASSERT_TRUE(hive_->commit(
        {.changes = {PutNode{{"City", "rome"}, {{"size", std::int64_t{3}}}}, PutNode{{"City", "oslo"}, {}},
                     PutEdge{{"ROAD", {"City", "rome"}, {"City", "oslo"}}, {}}, PutVector{"faces", "a", {1, 0}, {}},
                     PutVector{"faces", "b", {0, 1}, {}}},
         .idempotency_key = {}}));
  }

  void open() {
    hive_.reset();
    hive_ = open_hive(place_);
    ASSERT_NE(hive_, nullptr);
  }

  /// As people use it.
  void shell(const std::string& statements) {
    const auto before = hive_->receipt()->lsn;
    place_.other_program(in_dialect(statements));
    EXPECT_GT(hive_->receipt()->lsn, before) << "not in the log: " << statements;
  }

  /// A program that writes in transactions; SQLite's and PostgreSQL's way to say the same.
  void program(const std::string& python, const std::string& script) {
    if (on_postgres()) {
      const auto path = directory_.path() / "script.sql";
      std::ofstream(path) << script;
      const auto done =
          run_program({"psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", place_.location(), "-f", path.string()});
      ASSERT_EQ(done.exit_code, 0) << script << "\n" << done.text;
      return;
    }
    const auto database = (directory_.path() / "hive" / "hive.db").string();
    const auto done =
        run_program({"python3", "-c",
                     "import sqlite3, sys\ndatabase = sqlite3.connect(sys.argv[1], timeout=10)\n" + python, database});
    ASSERT_EQ(done.exit_code, 0) << python << "\n" << done.text;
  }

  void sql(const std::string& statement) {
    const auto done = hive_->sql(in_dialect(statement));
    ASSERT_TRUE(done) << done.error().message;
  }

  /// What the projections and the text index hold must be what the canonical store holds.
  void expect_equal() {
    expect_current(*hive_);
    expect_equal_everywhere(*hive_);
  }

  /// The answer of the graph engine at the head of the log, its rows joined.
  std::string graph(std::string_view statement) {
    const auto head = hive_->receipt();
    if (!head) return head.error().message;
    ReadOptions options;
    options.consistency = Consistency::at_least(head->token());
    const auto rows = hive_->cypher(statement, {}, options);
    if (!rows) return rows.error().message;
    std::string text;
    for (const auto& row : rows->rows)
      for (const auto& cell : row) text += (text.empty() ? "" : " ") + to_text(cell);
    return text;
  }

  std::size_t texts(std::string_view word) {
    const auto hits = hive_->text({.query = std::string(word), .collection = "bios"});
    EXPECT_TRUE(hits) << hits.error().message;
    return hits ? hits->size() : 0;
  }

  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
  std::unique_ptr<Hive> hive_;
};

TEST_F(ExternalWriter, TheShellWritesToATableOfNodes) {
  shell("INSERT INTO people VALUES ('ada@x', 'Ada', 36, 'writes engines'), ('bob@x', 'Bob', 40, 'reads poems')");
  EXPECT_EQ(graph("MATCH (p:Person) RETURN p.id, p.age ORDER BY p.id"), "ada@x 36 bob@x 40");
  EXPECT_EQ(texts("engines"), 1U);
  shell("UPDATE people SET age = 37, bio = 'builds bridges' WHERE email = 'ada@x'");
  EXPECT_EQ(graph("MATCH (p:Person) WHERE p.id = 'ada@x' RETURN p.age"), "37");
  EXPECT_EQ(texts("engines"), 0U);
  EXPECT_EQ(texts("bridges"), 1U);
  shell("UPDATE people SET email = 'ada@y' WHERE email = 'ada@x'");
  EXPECT_EQ(graph("MATCH (p:Person) RETURN p.id ORDER BY p.id"), "ada@y bob@x");
  shell(on_postgres() ? "INSERT INTO people VALUES ('bob@x', 'Robert', 41, 'reads maps') ON CONFLICT (email) DO UPDATE "
                        "SET name = excluded.name, age = excluded.age, bio = excluded.bio"
                      : "INSERT OR REPLACE INTO people VALUES ('bob@x', 'Robert', 41, 'reads maps')");
  EXPECT_EQ(graph("MATCH (p:Person) WHERE p.id = 'bob@x' RETURN p.name"), "Robert");
  EXPECT_EQ(texts("poems"), 0U);
  EXPECT_EQ(texts("maps"), 1U);
  shell("DELETE FROM people WHERE email = 'bob@x'");
  EXPECT_EQ(graph("MATCH (p:Person) RETURN p.id"), "ada@y");
  EXPECT_EQ(texts("maps"), 0U);
  expect_equal();
}

TEST_F(ExternalWriter, TheShellWritesToATableOfEdges) {
  shell("INSERT INTO people (email, name) VALUES ('a', 'A'), ('b', 'B'), ('c', 'C')");
  shell(
      "INSERT INTO follows (id, who, whom, since) VALUES (1, 'a', 'b', 1990), (2, 'b', 'c', 1991), (3, 'a', 'nobody', "
      "1)");
  const auto edges = "MATCH (x)-[f:FOLLOWS]->(y) RETURN x.id, y.id, f.since ORDER BY x.id, y.id";
  EXPECT_EQ(graph(edges), "a b 1990 b c 1991");
  shell("UPDATE follows SET since = 2000 WHERE id = 1");
  EXPECT_EQ(graph(edges), "a b 2000 b c 1991");
  shell("UPDATE follows SET whom = 'c' WHERE id = 1");
  EXPECT_EQ(graph(edges), "a c 2000 b c 1991");
  shell("INSERT INTO people (email, name) VALUES ('nobody', 'somebody')");
  EXPECT_EQ(graph(edges), "a c 2000 a nobody 1 b c 1991");
  shell("INSERT INTO follows (id, who, whom, since) VALUES (4, 'b', 'c', 1992)");
  shell("DELETE FROM follows WHERE id = 2");
  EXPECT_EQ(graph(edges), "a c 2000 a nobody 1 b c 1992");
  shell("DELETE FROM people WHERE email = 'c'");
  EXPECT_EQ(graph(edges), "a nobody 1");
  shell("DELETE FROM follows");
  EXPECT_EQ(graph(edges), "");
  expect_equal();
}

TEST_F(ExternalWriter, TheShellWritesNodesAndEdgesThemselves) {
  const std::string label = "(SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'City')";
  const std::string type = "(SELECT collection_id FROM triune_collections WHERE kind = 'type' AND name = 'ROAD')";
  const auto node = [&](const std::string& id) {
    return fmt::format("(SELECT node_id FROM triune_nodes WHERE label_id = {} AND id = '{}')", label, id);
  };
  const auto cities = "MATCH (c:City) RETURN c.id, c.size ORDER BY c.id";
  const auto roads = "MATCH (a:City)-[r:ROAD]->(b:City) RETURN a.id, b.id ORDER BY a.id, b.id";
  shell(
      fmt::format("INSERT INTO triune_nodes (organization_id, label_id, id, properties) "
                  "VALUES (1, {}, 'bern', '{{\"size\": 4}}')",
                  label));
  EXPECT_EQ(graph(cities), "bern 4 oslo  rome 3");
  shell(fmt::format("INSERT INTO triune_edges (organization_id, type_id, from_node, to_node) VALUES (1, {}, {}, {})",
                    type, node("bern"), node("rome")));
  EXPECT_EQ(graph(roads), "bern rome rome oslo");
  shell("UPDATE triune_nodes SET properties = '{\"size\": 5}' WHERE id = 'bern'");
  EXPECT_EQ(graph("MATCH (c:City) WHERE c.id = 'bern' RETURN c.size"), "5");
  shell(fmt::format("UPDATE triune_edges SET to_node = {} WHERE from_node = {}", node("oslo"), node("bern")));
  EXPECT_EQ(graph(roads), "bern oslo rome oslo");
  shell("DELETE FROM triune_nodes WHERE id = 'oslo'");
  EXPECT_EQ(graph(roads), "");
  EXPECT_EQ(graph(cities), "bern 5 rome 3");
  expect_equal();
}

TEST_F(ExternalWriter, AnEdgeWithoutItsEndsIsRefused) {
  const auto type = "(SELECT collection_id FROM triune_collections WHERE kind = 'type' AND name = 'ROAD')";
  const auto done = place_.try_other_program(fmt::format(
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node) VALUES (1, {}, 900, 901)", type));
  EXPECT_NE(done.exit_code, 0);
  EXPECT_EQ(graph("MATCH (a:City)-[r:ROAD]->(b:City) RETURN a.id, b.id"), "rome oslo");
  expect_equal();
}

TEST_F(ExternalWriter, TheShellWritesVectors) {
  shell(
      fmt::format("UPDATE triune_vector_values SET vector = {} WHERE vector_key = "
                  "(SELECT vector_key FROM triune_vectors WHERE id = 'b')",
                  on_postgres() ? R"('\x0000803f0000803f')" : "x'0000803F0000803F'"));
  expect_equal();
  const auto nearest = hive_->search({.collection = "faces", .query = std::vector<float>{1, 1}, .count = 1});
  ASSERT_TRUE(nearest) << nearest.error().message;
  ASSERT_EQ(nearest->hits.size(), 1U);
  EXPECT_EQ(nearest->hits[0].id, "b");
  shell("DELETE FROM triune_vectors WHERE id = 'b'");
  expect_equal();
  EXPECT_EQ(hive_->search({.collection = "faces", .query = std::vector<float>{1, 1}, .count = 5})->hits.size(), 1U);
}

TEST_F(ExternalWriter, WhatTheShellRollsBackLeavesNoTrace) {
  const auto before = hive_->receipt()->lsn;
  place_.other_program("BEGIN; INSERT INTO people (email) VALUES ('x'); ROLLBACK");
  EXPECT_EQ(hive_->receipt()->lsn, before);
  expect_equal();
}

TEST_F(ExternalWriter, AProgramWritesTransactions) {
  program(R"py(
with database:
    database.executemany('INSERT INTO people VALUES (?, ?, ?, ?)',
                         [(f'p{n}@x', f'P {n}', n, f'likes topic{n}') for n in range(500)])
    database.executemany('INSERT INTO follows (who, whom, since) VALUES (?, ?, ?)',
                         [(f'p{n}@x', f'p{(n * 7) % 500}@x', n) for n in range(500)])
with database:
    database.execute("DELETE FROM people WHERE age % 10 = 0")
    database.execute("UPDATE people SET age = age + 1000 WHERE age % 3 = 0")
    database.execute("UPDATE follows SET since = -since WHERE since % 2 = 0")
try:
    with database:
        database.execute("INSERT INTO people (email) VALUES ('never@x')")
        raise RuntimeError
except RuntimeError:
    pass
)py",
          R"sql(
BEGIN;
INSERT INTO people SELECT 'p' || n || '@x', 'P ' || n, n, 'likes topic' || n FROM generate_series(0, 499) n;
INSERT INTO follows SELECT n, 'p' || n || '@x', 'p' || n * 7 % 500 || '@x', n FROM generate_series(0, 499) n;
COMMIT;
BEGIN;
DELETE FROM people WHERE age % 10 = 0;
UPDATE people SET age = age + 1000 WHERE age % 3 = 0;
UPDATE follows SET since = -since WHERE since % 2 = 0;
COMMIT;
BEGIN;
INSERT INTO people (email) VALUES ('never@x');
ROLLBACK;
)sql");
  EXPECT_EQ(graph("MATCH (p:Person) RETURN count(*)"), "450");
  EXPECT_EQ(graph("MATCH (p:Person) WHERE p.age > 1000 RETURN count(*)"), "150");
  EXPECT_EQ(texts("topic7"), 1U);
  EXPECT_EQ(texts("topic10"), 0U);
  expect_equal();
}

TEST_F(ExternalWriter, SeveralProgramsAndTheHiveWriteAtOnce) {
  std::thread program_writes([this] {
    std::string script;
    for (int n = 0; n < 60; ++n)
      script += fmt::format("INSERT INTO people (email, age) VALUES ('program{0}', {0});\n", n);
    program(
        "for n in range(60):\n    with database:\n        database.execute('INSERT INTO people (email, age) VALUES (?, "
        "?)', (f'program{n}', n))\n",
        script);
  });
  std::thread shell_writes([this] {
    for (int n = 0; n < 15; ++n) shell(fmt::format("INSERT INTO people (email, age) VALUES ('shell{0}', {0})", n));
  });
  for (int n = 0; n < 100; ++n)
    ASSERT_TRUE(
        hive_->commit({.changes = {PutRow{"people", {{"email", fmt::format("hive{}", n)}, {"age", std::int64_t{n}}}},
                                   PutNode{{"City", fmt::format("city {}", n)}, {}}},
                       .idempotency_key = {}}));
  program_writes.join();
  shell_writes.join();
  EXPECT_EQ(graph("MATCH (p:Person) RETURN count(*)"), "175");
  expect_equal();
}

TEST_F(ExternalWriter, ATableMadeByAnotherProgramIsCapturedAfterReopen) {
  place_.other_program(
      in_dialect("CREATE TABLE machines (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO machines VALUES (1, 'a')"));
  open();
  shell("INSERT INTO machines VALUES (2, 'b')");
  shell("UPDATE machines SET name = 'c' WHERE id = 1");
  shell("DELETE FROM machines WHERE id = 2");
  ASSERT_TRUE(hive_->map_nodes({.table = "machines", .label = "Machine"}));
  EXPECT_EQ(graph("MATCH (m:Machine) RETURN m.id, m.name"), "1 c");
  shell("INSERT INTO machines VALUES (3, 'd')");
  EXPECT_EQ(graph("MATCH (m:Machine) RETURN m.id ORDER BY m.id"), "1 3");
  expect_equal();
}

TEST_F(ExternalWriter, WhatIsWrittenWhileTheHiveIsClosedIsProjectedWhenItOpens) {
  expect_current(*hive_);
  ASSERT_TRUE(hive_->close());
  place_.other_program(
      "INSERT INTO people (email, bio) VALUES ('late@x', 'was closed'); DELETE FROM triune_nodes WHERE id = 'rome'");
  open();
  EXPECT_EQ(graph("MATCH (p:Person) RETURN p.id"), "late@x");
  EXPECT_EQ(graph("MATCH (c:City) RETURN c.id"), "oslo");
  EXPECT_EQ(texts("closed"), 1U);
  expect_equal();
}

}  // namespace
}  // namespace triune::testing
