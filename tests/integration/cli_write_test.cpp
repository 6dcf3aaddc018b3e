// commit, the definitions, get: what is written comes back.
#include <fmt/format.h>

#include <fstream>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

class CliWrite : public CliTest {
 protected:
  void SetUp() override { make_hive(); }
};

void expect_receipt(const Json& receipt) {
  for (const auto* member : {"incarnation", "lsn", "token", "changes", "replayed", "projections"})
    EXPECT_TRUE(receipt.contains(member)) << member << " in " << receipt;
  EXPECT_EQ(receipt.at("token"), receipt.at("incarnation").get<std::string>() + ":" +
                                     std::to_string(receipt.at("lsn").get<std::uint64_t>()));
}

TEST_F(CliWrite, CommitPrintsAReceiptWithCurrentProjections) {
  const auto outcome = commit({R"({"op":"put_node","label":"Agent","id":"ada","properties":{"role":"reviewer"}})",
                               R"({"op":"put_node","label":"Agent","id":"bob"})",
                               R"({"op":"put_edge","type":"KNOWS","from":["Agent","ada"],"to":["Agent","bob"]})"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome;
  const auto receipt = outcome.document();
  expect_receipt(receipt);
  EXPECT_EQ(receipt.at("changes"), 3);
  EXPECT_EQ(receipt.at("replayed"), false);
  ASSERT_FALSE(receipt.at("projections").empty()) << receipt;
  for (const auto& projection : receipt.at("projections")) {
    EXPECT_EQ(projection.at("state"), "current") << projection;
    EXPECT_GE(projection.at("watermark"), receipt.at("lsn")) << projection;
    EXPECT_EQ(projection.at("organization"), "default");
  }
}

TEST_F(CliWrite, SameKeyHappensOnceAndWithOtherChangesConflicts) {
  const std::string change = R"({"op":"put_node","label":"A","id":"1"})";
  const auto first = commit({change}, {"--key", "k1"});
  const auto second = commit({change}, {"--key", "k1"});
  ASSERT_EQ(second.exit_code, 0) << second;
  EXPECT_EQ(second.document().at("replayed"), true);
  EXPECT_EQ(second.document().at("lsn"), first.document().at("lsn"));
  const auto other = commit({R"({"op":"put_node","label":"A","id":"2"})"}, {"--key", "k1"});
  EXPECT_EQ(other.exit_code, 4) << other;
  EXPECT_EQ(other.error().at("code"), "conflict");
  EXPECT_EQ(triune({"get", "node", "A", "2"}).exit_code, 3);
}

TEST_F(CliWrite, BadLineIsNamedAndNothingIsCommitted) {
  const auto changes = file("changes.jsonl",
                            "{\"op\":\"put_node\",\"label\":\"A\",\"id\":\"1\"}\n"
                            "\n"
                            "{\"op\":\"put_node\",\"lable\":\"A\",\"id\":\"2\"}\n");
  const auto outcome = triune({"commit", changes, "--json"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.error().at("code"), "invalid_argument");
  EXPECT_NE(outcome.error().at("message").get<std::string>().find("changes.jsonl:3: unknown field"), std::string::npos)
      << outcome;
  EXPECT_EQ(triune({"get", "node", "A", "1"}).exit_code, 3);
}

TEST_F(CliWrite, RefusedCommitChangesNothing) {
  const auto before = succeed({"status"}).document();
  const auto outcome = commit({R"({"op":"put_node","label":"A","id":"1"})",
                               R"({"op":"put_edge","type":"T","from":["A","1"],"to":["A","absent"]})"});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("absent"), std::string::npos) << outcome;
  const auto after = succeed({"status"}).document();
  EXPECT_EQ(after.at("lsn"), before.at("lsn"));
  EXPECT_EQ(after.at("nodes"), before.at("nodes"));
}

TEST_F(CliWrite, MissingFileIsNotFound) {
  EXPECT_EQ(triune({"commit", path("absent.jsonl").string()}).exit_code, 3);
}

TEST_F(CliWrite, EveryKindOfEntityComesBackAndGoes) {
  static_cast<void>(
      succeed({"sql", in_dialect("CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, score REAL) STRICT")}));
  static_cast<void>(succeed({"collection", "create", "code", "--dimension", "2", "--metric", "l2"}));
  const auto made = commit({
      R"({"op":"put_row","table":"tasks","values":{"id":7,"title":"Häuser","score":0.5}})",
      R"({"op":"put_node","label":"Agent","id":"ada","properties":{"n":1}})",
      R"({"op":"put_node","label":"Agent","id":"bob"})",
      R"({"op":"put_edge","type":"KNOWS","from":["Agent","ada"],"to":["Agent","bob"],"properties":{"since":2026}})",
      R"({"op":"put_vector","collection":"code","id":"v","vector":[0.5,-2],"metadata":{"lang":"c"}})",
      R"({"op":"put_blob","owner":"o","name":"log","text":"some text"})",
  });
  ASSERT_EQ(made.exit_code, 0) << made;
  EXPECT_EQ(succeed({"get", "row", "tasks", "id=7"}).document(),
            Json::parse(R"({"id":7,"title":"Häuser","score":0.5})"));
  EXPECT_EQ(succeed({"get", "node", "Agent", "ada"}).document(),
            Json::parse(R"({"label":"Agent","id":"ada","properties":{"n":1}})"));
  EXPECT_EQ(succeed({"get", "edge", "KNOWS", "Agent", "ada", "Agent", "bob"}).document().at("properties"),
            Json::parse(R"({"since":2026})"));
  const auto vector = succeed({"get", "vector", "code", "v"}).document();
  EXPECT_EQ(vector.at("vector"), Json::parse("[0.5,-2]"));
  EXPECT_EQ(vector.at("metadata"), Json::parse(R"({"lang":"c"})"));
  EXPECT_EQ(triune({"get", "blob", "o", "log"}).out, "some text");
  EXPECT_EQ(succeed({"get", "blob", "o", "log"}).document().at("base64"), "c29tZSB0ZXh0");
  const auto copy = path("copy").string();
  static_cast<void>(succeed({"get", "blob", "o", "log", "--output", copy}));
  std::ifstream stream(copy);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "some text");

  const auto gone = commit({
      R"({"op":"delete_row","table":"tasks","key":{"id":7}})",
      R"({"op":"delete_edge","type":"KNOWS","from":["Agent","ada"],"to":["Agent","bob"]})",
      R"({"op":"delete_node","label":"Agent","id":"ada"})",
      R"({"op":"delete_vector","collection":"code","id":"v"})",
      R"({"op":"delete_blob","owner":"o","name":"log"})",
  });
  ASSERT_EQ(gone.exit_code, 0) << gone;
  EXPECT_EQ(triune({"get", "row", "tasks", "id=7"}).exit_code, 3);
  EXPECT_EQ(triune({"get", "node", "Agent", "ada"}).exit_code, 3);
  EXPECT_EQ(triune({"get", "edge", "KNOWS", "Agent", "ada", "Agent", "bob"}).exit_code, 3);
  EXPECT_EQ(triune({"get", "vector", "code", "v"}).exit_code, 3);
  const auto absent = triune({"get", "blob", "o", "log", "--json"});
  EXPECT_EQ(absent.exit_code, 3);
  EXPECT_EQ(absent.error().at("code"), "not_found");
}

TEST_F(CliWrite, SqlWritesPrintTheirReceipt) {
  const auto made = succeed({"sql", in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT) STRICT")});
  expect_receipt(made.document());
  const auto inserted = succeed({"sql", "INSERT INTO t VALUES (?1, ?2)", "--param", "1", "--param", "\"7\""});
  EXPECT_GT(inserted.document().at("lsn"), made.document().at("lsn"));
  EXPECT_EQ(
      succeed({"sql", fmt::format("SELECT id, name, {}(name) AS kind FROM t", on_postgres() ? "pg_typeof" : "typeof")})
          .out,
      "{\"id\":1,\"name\":\"7\",\"kind\":\"text\"}\n");
}

TEST_F(CliWrite, MappedTablesAppearInTheGraph) {
  static_cast<void>(
      succeed({"sql", in_dialect("CREATE TABLE agents (id TEXT PRIMARY KEY, name TEXT, age INTEGER) STRICT")}));
  static_cast<void>(
      succeed({"sql", in_dialect("CREATE TABLE follows (id INTEGER PRIMARY KEY, a TEXT, b TEXT, w REAL) STRICT")}));
  static_cast<void>(succeed({"sql", "INSERT INTO agents VALUES ('x', 'Xu', 30), ('y', 'Yi', 40)"}));
  static_cast<void>(succeed({"sql", "INSERT INTO follows VALUES (1, 'x', 'y', 0.5)"}));
  const auto nodes =
      succeed({"map", "nodes", "--table", "agents", "--label", "Agent", "--properties", "name,age"}).document();
  EXPECT_EQ(nodes.at("kind"), "node mapping");
  expect_receipt(nodes.at("receipt"));
  static_cast<void>(succeed({"map", "edges", "--table", "follows", "--type", "FOLLOWS", "--from", "a:Agent", "--to",
                             "b:Agent", "--properties", "w"}));
  const auto rows =
      succeed({"cypher", "MATCH (a:Agent)-[f:FOLLOWS]->(b:Agent) RETURN a.name AS a, f.w AS w, b.age AS age"});
  EXPECT_EQ(rows.out, "{\"a\":\"Xu\",\"w\":0.5,\"age\":40}\n") << rows;
}

TEST_F(CliWrite, DefinitionsAreIdempotentAndOtherOnesConflict) {
  const std::vector<std::string> collection = {"collection", "create", "c", "--dimension", "3"};
  static_cast<void>(succeed(collection));
  static_cast<void>(succeed(collection));
  const auto other = triune({"collection", "create", "c", "--dimension", "4", "--json"});
  EXPECT_EQ(other.exit_code, 4) << other;
  EXPECT_EQ(other.error().at("code"), "conflict");
}

TEST_F(CliWrite, OrganizationsDoNotMeet) {
  ASSERT_EQ(commit({R"({"op":"put_node","label":"A","id":"1"})"}, {"--org", "north"}).exit_code, 0);
  EXPECT_EQ(triune({"get", "node", "A", "1", "--org", "north"}).exit_code, 0);
  EXPECT_EQ(triune({"--org", "south", "get", "node", "A", "1"}).exit_code, 3);
  EXPECT_EQ(triune({"get", "node", "A", "1"}).exit_code, 3);
}

TEST_F(CliWrite, PeopleReadWhatHappened) {
  const auto outcome = triune({"commit", "-"}, "{\"op\":\"put_node\",\"label\":\"A\",\"id\":\"1\"}\n");
  ASSERT_EQ(outcome.exit_code, 0) << outcome;
  EXPECT_NE(outcome.out.find(": 1 change; projections current\ntoken "), std::string::npos) << outcome;
  const auto unhurried = triune({"commit", "-", "--no-wait"}, "{\"op\":\"put_node\",\"label\":\"A\",\"id\":\"2\"}\n");
  EXPECT_EQ(unhurried.exit_code, 0) << unhurried;
}

TEST_F(CliTest, SqlThatWritesAnswersWithItsReceipt) {
  make_hive();
  const auto made = succeed({"sql", in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")}).document();
  EXPECT_EQ(made.at("changes"), 0);
  const auto two = succeed({"sql", "INSERT INTO t (id, a) VALUES (1, 'x'), (2, 'y')"}).document();
  EXPECT_EQ(two.at("changes"), 2);
  // A server's positions are its transactions, a directory's are changes.
  const auto after = [](const Json& at, int changes) { return at.at("lsn").get<int>() + changes; };
  if (!on_postgres()) {
    EXPECT_EQ(two.at("lsn"), after(made, 2));
  }
  EXPECT_GT(two.at("lsn"), made.at("lsn"));
  const auto returned = succeed({"sql", "UPDATE t SET a = 'z' WHERE id = 1 RETURNING id, a"});
  EXPECT_EQ(returned.out, "{\"id\":1,\"a\":\"z\"}\n");
  EXPECT_GE(Json::parse(returned.err).at("lsn"), after(two, 1));
  EXPECT_EQ(succeed({"sql", "DELETE FROM t WHERE id = 99"}).document().at("changes"), 0);
  EXPECT_EQ(succeed({"sql", "SELECT 1 AS one"}).err, "");
}

}  // namespace
}  // namespace triune::testing
