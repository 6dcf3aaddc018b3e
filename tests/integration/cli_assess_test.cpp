// triune assess and triune classify, as the binary.
#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "integration/cli_process.h"
#include "integration/foreign_database.h"

namespace triune::testing {
namespace {

class CliAssess : public CliTest {
 protected:
  [[nodiscard]] std::string database() const { return path("app.db").string(); }
  void make(const std::string& sql) const { ForeignProgram(database()).run(sql); }
  void make_network() const {
    std::string sql = "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT);" + numbers(200) +
                      "INSERT INTO people SELECT i, 'p' || i FROM n;"
                      "CREATE TABLE knows(a INTEGER REFERENCES people(id), b INTEGER REFERENCES people(id)); BEGIN;";
    std::mt19937 random(3);
    for (int i = 0; i < 3000; ++i)
      sql += "INSERT INTO knows VALUES (" + std::to_string(1 + random() % 200) + "," +
             std::to_string(1 + random() % 200) + ");";
    make(sql + "COMMIT");
  }
  [[nodiscard]] std::string text_of(const std::string& name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

TEST_F(CliAssess, PrintsWhatToMend) {
  make_network();
  const auto outcome = bare({"assess", database()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome;
  EXPECT_NE(outcome.out.find(R"(CREATE INDEX "index_knows_a" ON "knows" ("a");)"), std::string::npos) << outcome;
  EXPECT_NE(outcome.out.find("a graph"), std::string::npos) << outcome;
  EXPECT_FALSE(std::filesystem::exists(path("hive"))) << "an assessment needs no hive";
}

TEST_F(CliAssess, TheDocumentHasItsMembers) {
  make_network();
  const auto document = bare({"assess", database(), "--json"}).document();
  EXPECT_EQ(document.at("file").at("engine"), "sqlite");
  EXPECT_EQ(document.at("tables").size(), 2U);
  const auto& key = document.at("tables").at(0).at("foreign_keys").at(0);
  EXPECT_EQ(key.at("indexed"), false);
  EXPECT_GT(key.at("gain").at("before_us"), 0);
  EXPECT_EQ(key.at("orphans"), 0);
  const auto& relationship = document.at("relationships").at(0);
  EXPECT_EQ(relationship.at("kind"), "join_table");
  EXPECT_GT(relationship.at("network").at("complexity"), 0.7);
  EXPECT_TRUE(relationship.at("network").at("multi_hop_share").is_null());
  for (const auto* member : {"vectors", "baseline", "problems", "seconds", "memory_bytes"})
    EXPECT_TRUE(document.contains(member)) << member;
}

TEST_F(CliAssess, ThePageStandsAloneAndEscapesNames) {
  make(R"(CREATE TABLE "<script>alert(1)</script>"(a INTEGER); INSERT INTO "<script>alert(1)</script>" VALUES ('x'))");
  make_network();
  ASSERT_EQ(bare({"assess", database(), "--html", path("report.html")}).exit_code, 0);
  const auto page = text_of("report.html");
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  for (const auto* outside : {"<script", "http://", "https://", "src=", "@import", "url("})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST_F(CliAssess, WhatIsNoDatabaseIsAClearError) {
  const auto code_of = [this](const std::string& file_name) {
    const auto outcome = bare({"assess", file_name, "--json"});
    return std::pair(outcome.exit_code, outcome.error().at("code").get<std::string>());
  };
  EXPECT_EQ(code_of(path("absent.db").string()), std::pair(3, std::string("not_found")));
  EXPECT_EQ(code_of(path(".").string()), std::pair(1, std::string("invalid_argument")));
  EXPECT_EQ(code_of(file("text.db", "this is no database, however its name ends")),
            std::pair(1, std::string("corruption")));
  EXPECT_EQ(code_of(file("noise.db", std::string(5000, '\x9c'))), std::pair(1, std::string("corruption")));
  const auto empty = bare({"assess", file("empty.db", ""), "--json"});
  ASSERT_EQ(empty.exit_code, 0) << empty;
  EXPECT_TRUE(empty.document().at("tables").empty());
  EXPECT_EQ(bare({"assess"}).exit_code, 2);
  make_network();
  EXPECT_EQ(bare({"assess", database(), "--table", "absent"}).exit_code, 3);
  EXPECT_EQ(bare({"assess", database(), "--deadline", "0.000001"}).exit_code, 5);
  EXPECT_EQ(bare({"assess", database(), "--html", "/dev/null/report.html"}).exit_code, 5);
}

TEST_F(CliAssess, ClassifiesTheTablesOfADatabase) {
  make_network();
  const auto all = bare({"classify", database(), "--json"}).document().at("decisions");
  std::map<std::string, std::string> primaries;
  for (const auto& decision : all) primaries[decision.at("name")] = decision.at("primary");
  EXPECT_EQ(primaries, (std::map<std::string, std::string>{{"knows", "graph"}, {"people", "relational"}}));
  const auto one = bare({"classify", database(), "--table", "knows", "--multi-hop-share", "1", "--json"}).document();
  EXPECT_EQ(one.at("decisions").size(), 1U);
  EXPECT_EQ(one.at("decisions").at(0).at("graph").at("types").at(0).at("type"), "KNOWS");
  EXPECT_FALSE(one.at("decisions").at(0).at("reasons").empty());
  // Who never walks needs no graph, be the network as it may.
  const auto never = bare({"classify", database(), "--table", "knows", "--multi-hop-share", "0", "--json"}).document();
  EXPECT_EQ(never.at("decisions").at(0).at("primary"), "relational");
}

TEST_F(CliAssess, ClassifiesASample) {
  std::mt19937 random(5);
  std::string edges = "source,target,weight\n";
  for (int i = 0; i < 4000; ++i)
    edges += "n" + std::to_string(random() % 200) + ",n" + std::to_string(random() % 200) + ",1\n";
  const auto graph =
      bare({"classify", "--sample", file("follows.csv", edges), "--json"}).document().at("decisions").at(0);
  EXPECT_EQ(graph.at("primary"), "graph");
  EXPECT_EQ(graph.at("graph").at("types").at(0).at("type"), "FOLLOWS");
  std::string lines;
  for (int i = 0; i < 50; ++i) {
    lines += "{\"id\":" + std::to_string(i) + ",\"embedding\":[0.5";
    for (int d = 1; d < 64; ++d) lines += ",0.25";
    lines += "]}\n";
  }
  const auto vector =
      bare({"classify", "--sample", file("code.jsonl", lines), "--json"}).document().at("decisions").at(0);
  EXPECT_EQ(vector.at("primary"), "vector");
  EXPECT_EQ(vector.at("vector").at("dimension"), 64);
  EXPECT_EQ(vector.at("vector").at("index"), "exact");
  const auto rows = bare({"classify", "--sample", file("rows.csv", "id,name\n1,a\n2,b\n"), "--json"}).document();
  EXPECT_EQ(rows.at("decisions").at(0).at("primary"), "relational");
  EXPECT_EQ(bare({"classify", "--sample", path("absent.csv")}).exit_code, 3);
}

TEST_F(CliAssess, ClassifiesCharacteristics) {
  const auto decision =
      bare({"classify", "--characteristics", R"({"hasVectors":true,"dimensionality":384})", "--json"}).document();
  EXPECT_EQ(decision.at("decisions").at(0).at("primary"), "vector");
  EXPECT_EQ(bare({"classify", "--characteristics", R"({"speed":1})", "--json"}).error().at("code"), "invalid_argument");
  EXPECT_EQ(bare({"classify"}).exit_code, 2);
  EXPECT_EQ(bare({"classify", "x.db", "--characteristics", "{}"}).exit_code, 2);
  EXPECT_EQ(bare({"classify", "x.db", "--multi-hop-share", "2"}).exit_code, 2);
}

TEST_F(CliAssess, ThereIsHelpWithAnExample) {
  for (const auto* command : {"assess", "classify"}) {
    const auto outcome = bare({"help", command});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find(std::string("triune ") + command), std::string::npos);
  }
}

}  // namespace
}  // namespace triune::testing
