// sql, cypher, search, text, neighbors, path: the same data asked in each way.
#include "integration/cli_process.h"

namespace triune::testing {
namespace {

class CliRead : public CliTest {
 protected:
  void SetUp() override {
    make_hive();
    static_cast<void>(
        succeed({"sql", in_dialect("CREATE TABLE files (id TEXT PRIMARY KEY, language TEXT, body TEXT) STRICT")}));
    static_cast<void>(succeed({"index", "text", "bodies", "--table", "files", "--columns", "body"}));
    static_cast<void>(
        succeed({"collection", "create", "code", "--dimension", "2", "--metric", "l2", "--owner-table", "files"}));
    const auto filled = commit({
        R"({"op":"put_row","table":"files","values":{"id":"a.c","language":"c","body":"the lock is taken here"}})",
        R"({"op":"put_row","table":"files","values":{"id":"b.c","language":"c","body":"a lock is freed"}})",
        R"({"op":"put_row","table":"files","values":{"id":"p.py","language":"python","body":"no such thing"}})",
        R"({"op":"put_vector","collection":"code","id":"a.c","vector":[0,0],"metadata":{"lines":10}})",
        R"({"op":"put_vector","collection":"code","id":"b.c","vector":[0,2],"metadata":{"lines":20}})",
        R"({"op":"put_vector","collection":"code","id":"p.py","vector":[1,0],"metadata":{"lines":30}})",
        R"({"op":"put_node","label":"Agent","id":"ada","properties":{"age":36}})",
        R"({"op":"put_node","label":"Agent","id":"bob","properties":{"age":40}})",
        R"({"op":"put_node","label":"Agent","id":"cyd"})",
        R"({"op":"put_edge","type":"KNOWS","from":["Agent","ada"],"to":["Agent","bob"]})",
        R"({"op":"put_edge","type":"KNOWS","from":["Agent","bob"],"to":["Agent","cyd"]})",
    });
    ASSERT_EQ(filled.exit_code, 0) << filled;
    token_ = filled.document().at("token");
  }

  std::string token_;
};

std::vector<std::string> ids(const Json& hits) {
  std::vector<std::string> found;
  for (const auto& hit : hits) found.push_back(hit.at("id"));
  return found;
}

using Ids = std::vector<std::string>;

TEST_F(CliRead, SqlRowsAreTypedObjectsOneALine) {
  const auto rows = succeed({"sql", "SELECT ?1 AS n, ?2 AS d, ?3 AS t, ?4 AS z, ?5 AS minus", "--param", "7", "--param",
                             "0.5", "--param", "x y", "--param", "null", "--param", "-3"});
  ASSERT_EQ(rows.lines().size(), 1U);
  EXPECT_EQ(rows.lines()[0], Json::parse(R"({"n":7,"d":0.5,"t":"x y","z":null,"minus":-3})"));
  EXPECT_EQ(succeed({"sql", "SELECT 1 AS a, 2 AS a, 3 AS a"}).out, "{\"a\":1,\"a_2\":2,\"a_3\":3}\n");
  EXPECT_EQ(succeed({"sql", "SELECT id FROM files WHERE false"}).out, "");
}

TEST_F(CliRead, SqlRowsAreATableForPeople) {
  const auto rows = triune({"sql", "SELECT id, length(body) AS size FROM files ORDER BY id"});
  EXPECT_EQ(rows.out, "id    size\n────  ────\na.c     22\nb.c     15\np.py    13\n") << rows;
  EXPECT_EQ(rows.err, "");
}

TEST_F(CliRead, StatementsComeFromAFileOrStandardInput) {
  const auto statement = file("query.sql", "SELECT count(*) AS n\nFROM files\n");
  EXPECT_EQ(succeed({"sql", "--file", statement}).out, "{\"n\":3}\n");
  EXPECT_EQ(succeed({"sql", "-"}, "SELECT 4 AS n").out, "{\"n\":4}\n");
  EXPECT_EQ(succeed({"cypher", "-"}, "MATCH (a:Agent) RETURN count(a) AS n").out, "{\"n\":3}\n");
}

TEST_F(CliRead, FailedStatementIsOneErrorOnStandardErrorAlone) {
  const auto outcome = triune({"sql", "SELEKT 1", "--json"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.error().at("code"), "invalid_argument");
  EXPECT_EQ(outcome.error().at("engine"), sql_engine());
  for (const auto* member : {"message", "native_code", "retry", "hint"})
    EXPECT_TRUE(outcome.error().contains(member)) << member;
  const auto people = triune({"sql", "SELEKT 1"});
  EXPECT_EQ(people.out, "");
  EXPECT_TRUE(people.err.starts_with("triune: " + std::string(sql_engine()) + ": ")) << people;
}

TEST_F(CliRead, LimitCutsRowsOffAndSaysSo) {
  const auto outcome = triune({"sql", "SELECT id FROM files", "--limit", "2", "--json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.lines().size(), 2U);
  EXPECT_NE(outcome.err.find("--limit"), std::string::npos) << outcome;
}

TEST_F(CliRead, CypherReadsWithParametersAndRefusesToWrite) {
  const auto rows = succeed({"cypher", "MATCH (a:Agent {id: $id}) WHERE a.age > $age RETURN a.id AS id, a.age AS age",
                             "--param", "id=ada", "--param", "age=30"});
  EXPECT_EQ(rows.out, "{\"id\":\"ada\",\"age\":36}\n") << rows;
  const auto write = triune({"cypher", "CREATE (:Agent {id: 'eve'})", "--json"});
  EXPECT_EQ(write.exit_code, 1) << write;
  EXPECT_EQ(write.error().at("code"), "permission_denied");
}

TEST_F(CliRead, SearchTakesAVectorFromAnIdAFileOrTheCommandLine) {
  const auto by_id = succeed({"search", "--collection", "code", "--id", "a.c", "-k", "2"}).document();
  EXPECT_EQ(ids(by_id.at("hits")), (Ids{"a.c", "p.py"}));
  EXPECT_EQ(by_id.at("hits")[1].at("distance"), 1.0);
  EXPECT_EQ(by_id.at("hits")[1].at("metadata"), Json::parse(R"({"lines":30})"));
  EXPECT_FALSE(by_id.at("strategy").get<std::string>().empty());
  const auto array = succeed({"search", "--collection", "code", "--vector-json", "[0, 2.25]", "-k", "1"}).document();
  EXPECT_EQ(ids(array.at("hits")), (Ids{"b.c"}));
  for (const auto* text : {"[0, 2.25]", "0 2.25\n", "0,2.25"}) {
    const auto from_file =
        succeed({"search", "--collection", "code", "--vector", file("vector", text), "--exact", "-k", "1"}).document();
    EXPECT_EQ(ids(from_file.at("hits")), (Ids{"b.c"})) << text;
  }
  EXPECT_EQ(ids(succeed({"search", "--collection", "code", "--vector", "-", "-k", "1"}, "1 0").document().at("hits")),
            (Ids{"p.py"}));
}

TEST_F(CliRead, SearchFiltersByMetadataAndOwnerRow) {
  const auto owner =
      succeed({"search", "--collection", "code", "--id", "p.py", "--where", "language = ?1", "--param", "c"});
  EXPECT_EQ(ids(owner.document().at("hits")), (Ids{"a.c", "b.c"})) << owner;
  const auto metadata = succeed({"search", "--collection", "code", "--id", "a.c", "--where", "lines >= 20"});
  EXPECT_EQ(ids(metadata.document().at("hits")), (Ids{"p.py", "b.c"})) << metadata;
}

TEST_F(CliRead, SearchRefusesAWrongDimensionAndMissesAnAbsentCollection) {
  const auto wrong = triune({"search", "--collection", "code", "--vector-json", "[1,2,3]", "--json"});
  EXPECT_EQ(wrong.exit_code, 1) << wrong;
  EXPECT_EQ(triune({"search", "--collection", "absent", "--id", "x"}).exit_code, 3);
  EXPECT_EQ(triune({"search", "--collection", "code", "--id", "absent"}).exit_code, 3);
}

TEST_F(CliRead, TextFindsWordsPhrasesAndNothing) {
  const auto found = succeed({"text", "lock"}).document().at("hits");
  ASSERT_EQ(found.size(), 2U) << found;
  EXPECT_EQ(found[0].at("collection"), "bodies");
  EXPECT_NE(found[0].at("snippet").get<std::string>().find("[lock]"), std::string::npos);
  EXPECT_EQ(ids(succeed({"text", "\"lock is taken\"", "--collection", "bodies"}).document().at("hits")), (Ids{"a.c"}));
  EXPECT_EQ(succeed({"text", "absentword"}).document().at("hits"), Json::array());
}

TEST_F(CliRead, NeighborsAreListedCountedAndExplained) {
  const auto near = succeed({"neighbors", "Agent", "ada", "--type", "KNOWS", "--depth", "2"}).document();
  EXPECT_EQ(near.at("count"), 2);
  EXPECT_EQ(near.at("neighbors"), Json::parse(R"([{"label":"Agent","id":"bob","distance":1},)"
                                              R"({"label":"Agent","id":"cyd","distance":2}])"));
  EXPECT_FALSE(near.at("route").at("engine").get<std::string>().empty());
  EXPECT_FALSE(near.at("route").at("reason").get<std::string>().empty());
  const auto in = succeed({"neighbors", "Agent", "cyd", "--direction", "in", "--count"}).document();
  EXPECT_EQ(in.at("count"), 1);
  const auto explained = triune({"neighbors", "Agent", "ada", "--explain"});
  EXPECT_NE(explained.out.find(": "), std::string::npos) << explained;
  EXPECT_NE(explained.out.find("Agent  bob"), std::string::npos) << explained;
}

TEST_F(CliRead, PathGoesFromEndToEndOrSaysThereIsNone) {
  const auto path = succeed({"path", "Agent", "ada", "Agent", "cyd", "--max", "5"}).document();
  EXPECT_EQ(path.at("found"), true);
  EXPECT_EQ(path.at("length"), 2);
  EXPECT_EQ(ids(path.at("nodes")), (Ids{"ada", "bob", "cyd"}));
  const auto none = succeed({"path", "Agent", "cyd", "Agent", "ada"}).document();
  EXPECT_EQ(none.at("found"), false);
  EXPECT_EQ(none.at("length"), nullptr);
  EXPECT_EQ(triune({"path", "Agent", "ada", "Agent", "bob"}).out, "Agent/ada → Agent/bob\n");
}

TEST_F(CliRead, ReceiptsTokenIsAConsistencyOfReads) {
  const std::vector<std::string> count = {"cypher", "MATCH (a:Agent) RETURN count(a) AS n", "--consistency"};
  auto known = count;
  known.push_back(token_);
  EXPECT_EQ(succeed(known).out, "{\"n\":3}\n");
  auto foreign = count;
  foreign.push_back("00000000-0000-7000-8000-000000000000:1");
  EXPECT_EQ(triune(foreign).exit_code, 4);
  auto future = count;
  future.insert(future.end(), {token_ + "000", "--deadline", "0.5"});
  const auto late = triune(future);
  EXPECT_EQ(late.exit_code, 5) << late;
}

}  // namespace
}  // namespace triune::testing
