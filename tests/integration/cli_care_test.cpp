// init, status, verify, repair, rebuild, sweep.
#include <fmt/format.h>

#include <fstream>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

using CliCare = CliTest;

TEST_F(CliCare, InitMakesAHiveOnceAndFindsItAgain) {
  const auto made = bare({"init", hive(), "--json"});
  ASSERT_EQ(made.exit_code, 0) << made;
  const auto found = bare({"init", hive(), "--json"});
  ASSERT_EQ(found.exit_code, 0) << found;
  EXPECT_EQ(made.document().at("incarnation"), found.document().at("incarnation"));
  EXPECT_TRUE(bare({"init", hive()}).out.starts_with("there is a hive in ")) << found;
  const HivePlace other(path("others"), "other");
  EXPECT_TRUE(bare({"init", other.location()}).out.starts_with("made a hive in "));
}

TEST_F(CliCare, StatusTellsThePositionAndEachProjection) {
  make_hive();
  const auto receipt = commit({R"({"op":"put_node","label":"A","id":"1"})", R"({"op":"put_node","label":"A","id":"2"})",
                               R"({"op":"put_edge","type":"T","from":["A","1"],"to":["A","2"]})"})
                           .document();
  const auto status = succeed({"status"}).document();
  EXPECT_EQ(status.at("lsn"), receipt.at("lsn"));
  EXPECT_EQ(status.at("incarnation"), receipt.at("incarnation"));
  EXPECT_EQ(status.at("nodes"), 2);
  EXPECT_EQ(status.at("edges"), 1);
  ASSERT_EQ(status.at("projections").size(), 1U) << status;
  const auto& graph = status.at("projections")[0];
  EXPECT_EQ(graph.at("name"), "graph");
  EXPECT_EQ(graph.at("organization"), "default");
  EXPECT_EQ(graph.at("state"), "current");
  EXPECT_EQ(graph.at("entities"), 3);
  EXPECT_EQ(graph.at("watermark"), status.at("lsn"));
  const auto people = triune({"status"});
  EXPECT_NE(people.out.find("2 nodes, 1 edge, 0 vectors, 0 blobs"), std::string::npos) << people;
  EXPECT_NE(people.out.find("graph"), std::string::npos) << people;
}

TEST_F(CliCare, VerifyFindsNothingInAHealthyHive) {
  make_hive();
  ASSERT_EQ(
      commit({R"({"op":"put_node","label":"A","id":"1"})", R"({"op":"put_blob","owner":"o","name":"n","text":"x"})"})
          .exit_code,
      0);
  const auto report = succeed({"verify"}).document();
  EXPECT_EQ(report.at("ok"), true);
  EXPECT_EQ(report.at("missing"), 0);
  EXPECT_EQ(report.at("extra"), 0);
  EXPECT_EQ(report.at("different"), 0);
  ASSERT_FALSE(report.at("differences").empty());
  for (const auto* member : {"projection", "organization", "checked", "missing", "extra", "different", "examples"})
    EXPECT_TRUE(report.at("differences")[0].contains(member)) << member;
  EXPECT_EQ(report.at("blobs").at("checked"), 1);
  EXPECT_NE(triune({"verify"}).out.find("no differences"), std::string::npos);
}

/// Writes over every file below a directory, keeping its size.
int overwrite_files(const std::filesystem::path& directory) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const auto size = entry.file_size();
    std::ofstream(entry.path(), std::ios::binary) << std::string(size, 'Z');
    ++count;
  }
  return count;
}

TEST_F(CliCare, VerifyFindsACorruptBlobAndSaysDrift) {
  make_hive();
  ASSERT_EQ(commit({R"({"op":"put_blob","owner":"o","name":"n","text":"some bytes to keep"})"}).exit_code, 0);
  if (on_postgres())
    place().other_program("UPDATE triune_blob_pieces SET bytes = '\\x5a'");
  else
    ASSERT_EQ(overwrite_files(place().files() / "blobs"), 1);
  const auto outcome = triune({"verify", "--json"});
  EXPECT_EQ(outcome.exit_code, 4) << outcome;
  EXPECT_EQ(outcome.document().at("ok"), false);
  EXPECT_EQ(outcome.document().at("blobs").at("corrupt"), 1);
  EXPECT_EQ(triune({"get", "blob", "o", "n"}).exit_code, 1);
  EXPECT_EQ(triune({"repair"}).exit_code, 4) << "a blob has no second copy to mend it from";
  EXPECT_EQ(triune({"verify"}).exit_code, 4);
}

class CliDrift : public CliTest {
 protected:
  void SetUp() override {
    make_hive();
    static_cast<void>(succeed({"collection", "create", "c", "--dimension", "2"}));
    std::vector<std::string> changes;
    for (const auto* const id : {"1", "2", "3", "4"}) {
      changes.push_back(
          fmt::format(R"({{"op":"put_node","label":"A","id":"{}","properties":{{"name":"n{}"}}}})", id, id));
      changes.push_back(fmt::format(R"({{"op":"put_vector","collection":"c","id":"v{}","vector":[{},1]}})", id, id));
    }
    changes.emplace_back(R"({"op":"put_edge","type":"T","from":["A","1"],"to":["A","2"]})");
    changes.emplace_back(R"({"op":"put_edge","type":"T","from":["A","3"],"to":["A","4"]})");
    ASSERT_EQ(commit(changes).exit_code, 0);
  }

  /// Writes to the rows so that no trigger tells the log: the projections cannot know.
  void write_behind_the_log(const std::string& statements) const {
    if (on_postgres()) {
      place().other_program("SET session_replication_role = replica; " + statements);
      return;
    }
    const auto done = finish(start_program("/usr/bin/sqlite3", {"-bail", "-cmd", ".dbconfig enable_trigger off",
                                                                (path("hive") / "hive.db").string(), statements}));
    ASSERT_EQ(done.exit_code, 0) << done;
  }

  /// Bytes in SQL.
  static std::string bytes(const std::string& hex) { return on_postgres() ? "'\\x" + hex + "'" : "x'" + hex + "'"; }

  /// "missing extra different" of one projection.
  static std::string counts(const Json& report, std::string_view projection) {
    for (const auto& one : report.at("differences"))
      if (one.at("projection") == projection)
        return fmt::format("{} {} {}", one.at("missing").get<int>(), one.at("extra").get<int>(),
                           one.at("different").get<int>());
    return "absent";
  }
};

TEST_F(CliDrift, IsFoundByVerifyAndMendedByRepair) {
  write_behind_the_log(
      "INSERT INTO triune_nodes (organization_id, label_id, id, properties) "
      "SELECT organization_id, label_id, '5', '{\"name\":\"n5\"}' FROM triune_nodes WHERE id = '1';"
      "UPDATE triune_nodes SET properties = '{\"name\":\"other\"}' WHERE id = '2';"
      "DELETE FROM triune_edges WHERE from_node = (SELECT node_id FROM triune_nodes WHERE id = '3');"
      "UPDATE triune_vector_values SET vector = " +
      bytes("0000803F0000803F") +
      " WHERE vector_key = (SELECT vector_key FROM triune_vectors WHERE id = 'v3');"
      "DELETE FROM triune_vector_values WHERE vector_key = (SELECT vector_key FROM triune_vectors WHERE id = 'v4');"
      "DELETE FROM triune_vectors WHERE id = 'v4';");
  EXPECT_EQ(succeed({"cypher", "MATCH (a:A) RETURN count(a) AS n"}).out, "{\"n\":4}\n");
  const auto found = triune({"verify", "--json"});
  EXPECT_EQ(found.exit_code, 4) << found;
  EXPECT_EQ(found.document().at("ok"), false);
  EXPECT_EQ(counts(found.document(), "graph"), "1 1 1") << found;
  EXPECT_EQ(counts(found.document(), "vector:c"), "0 1 1") << found;
  const auto people = triune({"verify"});
  EXPECT_EQ(people.exit_code, 4);
  EXPECT_NE(people.out.find("A/5"), std::string::npos) << people;
  EXPECT_NE(people.err.find("triune repair"), std::string::npos) << people;

  const auto mended = triune({"repair", "--json"});
  EXPECT_EQ(mended.exit_code, 0) << mended;
  EXPECT_EQ(counts(mended.document(), "graph"), "1 1 1") << "repair returns what it found";
  EXPECT_EQ(counts(mended.document(), "vector:c"), "0 1 1");
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
  EXPECT_EQ(succeed({"cypher", "MATCH (a:A) RETURN a.name AS n ORDER BY a.id"}).out,
            "{\"n\":\"n1\"}\n{\"n\":\"other\"}\n{\"n\":\"n3\"}\n{\"n\":\"n4\"}\n{\"n\":\"n5\"}\n");
  EXPECT_EQ(succeed({"cypher", "MATCH ()-[t:T]->() RETURN count(t) AS n"}).out, "{\"n\":1}\n");
  const auto nearest = succeed({"search", "--collection", "c", "--vector-json", "[1,1]", "-k", "9"}).document();
  EXPECT_EQ(nearest.at("hits").size(), 3U) << nearest;
  const auto again = succeed({"repair"}).document();
  EXPECT_EQ(again.at("ok"), true) << "nothing is left to mend";
}

TEST_F(CliCare, RuinedProjectionIsMadeAnewAndNothingIsLost) {
  make_hive();
  ASSERT_EQ(
      commit({R"({"op":"put_node","label":"A","id":"1"})", R"({"op":"put_node","label":"A","id":"2"})"}).exit_code, 0);
  ASSERT_GT(overwrite_files(place().files() / "projections"), 0);
  EXPECT_EQ(succeed({"sql", "SELECT 1 AS one"}).out, "{\"one\":1}\n");
  EXPECT_EQ(succeed({"cypher", "MATCH (a:A) RETURN count(a) AS n"}).out, "{\"n\":2}\n");
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
}

TEST_F(CliCare, RepairAndRebuildLeaveTheProjectionsCurrent) {
  make_hive();
  static_cast<void>(succeed({"collection", "create", "c", "--dimension", "2"}));
  ASSERT_EQ(commit({R"({"op":"put_node","label":"A","id":"1"})",
                    R"({"op":"put_vector","collection":"c","id":"v","vector":[1,2]})"})
                .exit_code,
            0);
  EXPECT_EQ(succeed({"repair"}).document().at("ok"), true);
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"rebuild", "graph"}, {"rebuild", "vector:c"}, {"rebuild"}}) {
    const auto status = succeed(arguments).document();
    EXPECT_EQ(status.at("projections").size(), 2U) << status;
    for (const auto& projection : status.at("projections")) EXPECT_EQ(projection.at("state"), "current") << projection;
  }
  EXPECT_EQ(triune({"rebuild", "vector:absent"}).exit_code, 3);
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
}

TEST_F(CliCare, SweepRemovesBlobsThatNobodyNames) {
  make_hive();
  ASSERT_EQ(commit({R"({"op":"put_blob","owner":"o","name":"kept","text":"one"})",
                    R"({"op":"put_blob","owner":"o","name":"gone","text":"another"})"})
                .exit_code,
            0);
  ASSERT_EQ(commit({R"({"op":"delete_blob","owner":"o","name":"gone"})"}).exit_code, 0);
  EXPECT_EQ(succeed({"sweep", "--grace", "3600"}).document().at("blobs_removed"), 0);
  EXPECT_EQ(succeed({"sweep", "--grace", "0"}).document().at("blobs_removed"), 1);
  EXPECT_EQ(triune({"get", "blob", "o", "kept"}).out, "one");
  EXPECT_EQ(succeed({"verify"}).document().at("ok"), true);
}

}  // namespace
}  // namespace triune::testing
