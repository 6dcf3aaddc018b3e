// load and import: files into the hive.
#include <fstream>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

class CliLoad : public CliTest {
 protected:
  void SetUp() override { make_hive(); }
};

TEST_F(CliLoad, RowsMakeTheirTableAndAgainChangeNothing) {
  const auto tasks = file("tasks.csv", "id,title,score\n1,\"Review, twice\",0.5\n2,Test,\n");
  const auto first = succeed({"load", "rows", tasks, "--table", "tasks", "--key", "id"}).document();
  EXPECT_EQ(first.at("rows"), 2);
  EXPECT_EQ(first.at("changed"), 2);
  EXPECT_EQ(first.at("bad"), 0);
  EXPECT_TRUE(first.at("receipt").contains("token"));
  EXPECT_EQ(succeed({"sql", "SELECT * FROM tasks ORDER BY id"}).lines(),
            (std::vector<Json>{Json::parse(R"({"id":1,"title":"Review, twice","score":0.5})"),
                               Json::parse(R"({"id":2,"title":"Test","score":null})")}));
  EXPECT_EQ(succeed({"load", "rows", tasks, "--table", "tasks"}).document().at("changed"), 0);
}

TEST_F(CliLoad, BadRowsAreNamedLeftOutAndMakeTheExitCodeOne) {
  const auto agents = file("agents.csv", "id,role\nada,reviewer\n,nobody\nbob,tester\n");
  const auto outcome = triune({"load", "nodes", agents, "--label", "Agent", "--json"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome;
  const auto report = outcome.document();
  EXPECT_EQ(report.at("rows"), 2);
  EXPECT_EQ(report.at("bad"), 1);
  EXPECT_EQ(report.at("bad_lines")[0].at("line"), 3);
  EXPECT_EQ(report.at("bad_lines")[0].at("file"), agents);
  EXPECT_FALSE(report.at("bad_lines")[0].at("reason").get<std::string>().empty());
  EXPECT_EQ(triune({"get", "node", "Agent", "bob"}).exit_code, 0);
}

TEST_F(CliLoad, StrictEndsAtTheFirstBadRow) {
  const auto agents = file("agents.csv", "id,role\n,nobody\nbob,tester\n");
  const auto outcome = triune({"load", "nodes", agents, "--label", "Agent", "--strict", "--json"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find('2'), std::string::npos) << outcome;
  EXPECT_EQ(triune({"get", "node", "Agent", "bob"}).exit_code, 3);
}

TEST_F(CliLoad, NodesEdgesAndVectorsMeetInOneHive) {
  static_cast<void>(succeed({"load", "nodes", "-", "--label", "Agent"}, "id,age\n007,30\n8,40\n"));
  const auto edges = file("knows.tsv", "007\t8\t0.5\n");
  const auto loaded = succeed({"load", "edges", edges, "--type", "KNOWS", "--from", "Agent", "--to", "Agent",
                               "--columns", "from,to,weight"})
                          .document();
  EXPECT_EQ(loaded.at("changed"), 1);
  EXPECT_EQ(succeed({"cypher", "MATCH (a)-[k:KNOWS]->(b) RETURN a.id AS a, k.weight AS w, b.age AS age"}).out,
            "{\"a\":\"007\",\"w\":0.5,\"age\":40}\n");
  const auto vectors = file("code.jsonl",
                            "{\"id\":\"a\",\"vector\":[1,0],\"lang\":\"c\"}\n"
                            "{\"id\":\"b\",\"vector\":[0,1],\"lang\":\"py\"}\n");
  EXPECT_EQ(succeed({"load", "vectors", vectors, "--collection", "code"}).document().at("changed"), 2);
  const auto found = succeed({"search", "--collection", "code", "--vector-json", "[0.1,1]", "-k", "1"}).document();
  EXPECT_EQ(found.at("hits")[0].at("id"), "b");
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
}

TEST_F(CliLoad, AnEdgeWithoutAnEndIsLeftOutAndNamed) {
  static_cast<void>(succeed({"load", "nodes", "-", "--label", "A"}, "id\n1\n2\n"));
  const auto edges = file("edges.csv", "from,to,w\n1,2,1\n1,9,2\n2,1,3\n");
  std::vector<std::string> load{"load", "edges", edges, "--type", "T", "--from", "A", "--to", "A", "--json"};
  const auto outcome = triune(load);
  EXPECT_EQ(outcome.exit_code, 1) << outcome;
  EXPECT_EQ(outcome.document().at("rows"), 2);
  EXPECT_EQ(
      outcome.document().at("bad_lines"),
      Json::array({{{"file", edges}, {"line", 3}, {"reason", "the node A 9 does not exist; load the nodes first"}}}));
  EXPECT_EQ(succeed({"sql", "SELECT count(*) AS n FROM triune_edges"}).out, "{\"n\":2}\n");
  load.emplace_back("--strict");
  const auto strict = triune(load);
  EXPECT_EQ(strict.exit_code, 1) << strict;
  EXPECT_EQ(strict.error().at("message"), edges + ":3: the to node A/9 does not exist; load the nodes first");
}

TEST_F(CliLoad, AMetricThatIsNotGivenIsTheCollections) {
  static_cast<void>(succeed({"collection", "create", "far", "--dimension", "2", "--metric", "l2"}));
  const auto vectors = file("v.csv", "id,vector\na,\"1,2\"\n");
  EXPECT_EQ(succeed({"load", "vectors", vectors, "--collection", "far"}).document().at("changed"), 1);
  EXPECT_EQ(triune({"load", "vectors", vectors, "--collection", "far", "--metric", "cosine"}).exit_code, 4);
  EXPECT_EQ(triune({"load", "vectors", vectors, "--collection", "far", "--metric", "l2"}).exit_code, 0);
}

TEST_F(CliLoad, AStatementThatWritesWaitsForProjectionsThatMove) {
  static_cast<void>(succeed({"load", "nodes", "-", "--label", "A"}, "id\n1\n"));
  const auto receipt =
      succeed({"sql", in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY)"), "--wait", "20"}).document();
  EXPECT_EQ(receipt.at("projections")[0].at("state"), "current") << receipt;
  EXPECT_EQ(bare({"init", hive()}).exit_code, 0);
}

TEST_F(CliLoad, AFileThatLacksTheColumnIsRefusedAtOnce) {
  const auto outcome = triune({"load", "nodes", file("n.csv", "name,role\na,b\nc,d\n"), "--label", "A"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome;
  EXPECT_NE(outcome.err.find("n.csv has no column id, only name, role"), std::string::npos) << outcome;
  const auto binary = triune({"load", "rows", file("b.csv", "a\xff\xfe,b\n1,2\n"), "--table", "t"});
  EXPECT_EQ(binary.exit_code, 1);
  EXPECT_NE(binary.err.find("is this a CSV file"), std::string::npos) << binary;
  const auto own = triune({"load", "rows", file("o.csv", "id\n1\n"), "--table", "Triune_nodes"});
  EXPECT_NE(own.err.find("belongs to Triune"), std::string::npos) << own;
}

TEST_F(CliLoad, DelimiterAndFormatAreChosen) {
  const auto rows = file("rows.txt", "id;name\n1;a,b\n");
  static_cast<void>(succeed({"load", "rows", rows, "--table", "t", "--delimiter", ";"}));
  EXPECT_EQ(succeed({"sql", "SELECT name FROM t"}).out, "{\"name\":\"a,b\"}\n");
  const auto lines = file("lines.txt", "{\"id\":2,\"name\":\"c\"}\n");
  static_cast<void>(succeed({"load", "rows", lines, "--table", "t", "--format", "jsonl"}));
  EXPECT_EQ(succeed({"sql", "SELECT name FROM t WHERE id = 2"}).out, "{\"name\":\"c\"}\n");
}

TEST_F(CliLoad, MissingFileIsNotFound) {
  EXPECT_EQ(triune({"load", "nodes", path("absent.csv").string(), "--label", "A"}).exit_code, 3);
  EXPECT_EQ(triune({"import", "claude", path("absent").string()}).exit_code, 3);
}

TEST_F(CliLoad, InterruptStopsCleanlyAndTheSameLoadGoesOn) {
  // Three batches and a half, each of which is committed by itself; the first is when the second is under way.
  constexpr int all = 35'000;
  constexpr int batch = 10'000;
  std::string text = "id,vector\n";
  for (int i = 0; i < all; ++i) text += std::to_string(i) + ",\"1," + std::to_string(i % 97) + "\"\n";
  const auto vectors = file("vectors.csv", text);
  const auto kept = [&] {
    return succeed({"sql", "SELECT count(*) AS n FROM triune_vectors"}).document().at("n").get<int>();
  };
  const auto outcome = interrupt_at("load.before_log:2",
                                    {"--hive", hive(), "load", "vectors", vectors, "--collection", "code", "--json"});
  EXPECT_EQ(outcome.exit_code, 130) << outcome;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("\"code\":\"cancelled\""), std::string::npos) << outcome;
  EXPECT_GE(kept(), batch);
  EXPECT_LT(kept(), all);
  EXPECT_EQ(succeed({"load", "vectors", vectors, "--collection", "code"}).document().at("rows"), all);
  EXPECT_EQ(kept(), all);
}

constexpr std::string_view session_log =
    R"({"type":"user","uuid":"11111111-1111-4111-8111-111111111111","parentUuid":null,"sessionId":"22222222-2222-4222-8222-222222222222","timestamp":"2026-01-02T03:04:05.000Z","version":"2.0.1","cwd":"/home/ada/project","isSidechain":false,"userType":"external","message":{"role":"user","content":"Where is the lock taken?"}}
this is no JSON
{"type":"assistant","uuid":"33333333-3333-4333-8333-333333333333","parentUuid":"11111111-1111-4111-8111-111111111111","sessionId":"22222222-2222-4222-8222-222222222222","timestamp":"2026-01-02T03:04:06.000Z","version":"2.0.1","cwd":"/home/ada/project","isSidechain":false,"userType":"external","requestId":"req_1","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4","content":[{"type":"text","text":"In directory_lock.cpp."}],"usage":{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}
)";

TEST_F(CliLoad, ImportOfClaudeTellsWhatCameInAndAgainNothing) {
  const auto folder = path("projects") / "-home-ada-project";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "22222222-2222-4222-8222-222222222222.jsonl") << session_log;
  const HivePlace other(path("others"), "fresh");
  const auto& fresh = other.location();
  const auto first = bare({"import", "claude", path("projects").string(), "--hive", fresh, "--json"});
  ASSERT_EQ(first.exit_code, 0) << first;
  const auto report = first.document();
  EXPECT_EQ(report.at("sessions"), 1);
  EXPECT_EQ(report.at("messages"), 2);
  EXPECT_EQ(report.at("bad"), 1);
  EXPECT_EQ(report.at("bad_lines")[0].at("line"), 2);
  EXPECT_GT(report.at("changed"), 0);
  const auto again = bare({"import", "claude", path("projects").string(), "--hive", fresh, "--json"});
  EXPECT_EQ(again.document().at("changed"), 0) << again;
  const auto people = bare({"import", "claude", path("projects").string(), "--hive", fresh});
  EXPECT_NE(people.out.find("new messages"), std::string::npos) << people;
  const auto found = bare({"text", "\"lock taken\"", "--hive", fresh, "--json"}).document().at("hits");
  ASSERT_FALSE(found.empty());
  const auto* const marked = on_postgres() ? "[lock] [taken]" : "[lock taken]";
  EXPECT_NE(found[0].at("snippet").get<std::string>().find(marked), std::string::npos) << found;
}

}  // namespace
}  // namespace triune::testing
