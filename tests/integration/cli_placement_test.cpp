// placement and advise on the command line.
#include <gmock/gmock.h>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;

class CliPlacement : public CliTest {
 protected:
  void SetUp() override { make_hive(); }

  static constexpr const char* notes =
      R"({"name":"notes","rows":500,"columns":[{"name":"body","prose":true},{"name":"author","searched":true}],)"
      R"("relationships":[{"type":"CITES","complexity":0.9}],"vectors":[{"dimension":64}]})";
};

TEST_F(CliPlacement, CreateMakesAStoreAndListAndExplainShowWhy) {
  const auto made = succeed({"placement", "create", "--characteristics", notes}).document();
  EXPECT_EQ(made.at("name"), "notes");
  EXPECT_TRUE(made.at("created"));
  EXPECT_EQ(made.at("placement").at("engines").size(), 4U);
  EXPECT_FALSE(made.at("how_to").empty());
  EXPECT_FALSE(succeed({"placement", "create", "--file", file("notes.json", notes)}).document().at("created"));
  const auto list = succeed({"placement", "list"}).document();
  ASSERT_EQ(list.at("placements").size(), 5U);
  EXPECT_EQ(list.at("decisions"), 5);
  for (const auto* const member : {"kind", "name", "revision", "decided_at_ms", "cause", "decided_by", "engines",
                                   "primary", "confidence", "reasons", "parameters", "figures"})
    EXPECT_TRUE(list.at("placements").at(0).contains(member)) << member;
  const auto explained = succeed({"placement", "explain", "type:CITES"}).document();
  EXPECT_EQ(explained.at("current").at("primary"), "graph");
  EXPECT_EQ(explained.at("history").size(), 1U);
  const auto text = triune({"placement", "explain", "type:CITES"});
  EXPECT_THAT(text.out, HasSubstr("network complexity 0.90 is above 0.7"));
  EXPECT_THAT(triune({"placement", "list"}).out, HasSubstr("create_optimal_storage"));
}

TEST_F(CliPlacement, RoutesOfEarlierCommandsAreCounted) {
  ASSERT_EQ(
      commit({R"({"op":"put_node","label":"Agent","id":"ada"})", R"({"op":"put_node","label":"Agent","id":"bob"})",
              R"({"op":"put_edge","type":"KNOWS","from":["Agent","ada"],"to":["Agent","bob"]})"})
          .exit_code,
      0);
  for (int i = 0; i < 3; ++i) static_cast<void>(succeed({"neighbors", "Agent", "ada", "--type", "KNOWS"}));
  const auto list = succeed({"placement", "list"}).document();
  EXPECT_EQ(list.at("totals").at("calls"), 3);
  ASSERT_EQ(list.at("routes").size(), 1U);
  EXPECT_EQ(list.at("routes").at(0).at("calls"), 3);
  EXPECT_EQ(list.at("routes").at(0).at("engine"), sql_engine());
  EXPECT_EQ(succeed({"status"}).document().at("routes").at("calls"), 3);
  EXPECT_EQ(succeed({"placement", "review"}).document().at("changed").size(), 2U)
      << "label and type have no decision yet";
  EXPECT_EQ(succeed({"placement", "explain", "KNOWS"}).document().at("routes").size(), 1U);
}

TEST_F(CliPlacement, AdviseRestsOnTheReadsOfEarlierCommands) {
  ASSERT_EQ(triune({"sql", "CREATE TABLE jobs (id INTEGER PRIMARY KEY, owner INTEGER, note TEXT)"}).exit_code, 0);
  const auto numbers = on_postgres()
                           ? "SELECT g, g % 700, 'a note that is here to fill the row' FROM generate_series(1, 30000) g"
                           : "WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 30000) "
                             "SELECT v, v % 700, 'a note that is here to fill the row' FROM n";
  ASSERT_EQ(triune({"sql", std::string("INSERT INTO jobs (id, owner, note) ") + numbers}).exit_code, 0);
  for (const auto* const owner : {"3", "4"})
    ASSERT_EQ(triune({"sql", std::string("SELECT note FROM jobs WHERE owner = ") + owner}).exit_code, 0);
  const auto report = succeed({"advise"}).document();
  EXPECT_EQ(report.at("statements"), 2);
  ASSERT_EQ(report.at("advice").size(), 1U);
  const auto& advice = report.at("advice").at(0);
  EXPECT_EQ(advice.at("kind"), "add_index");
  EXPECT_EQ(advice.at("shape"), "SELECT note FROM jobs WHERE owner = ?");
  EXPECT_TRUE(advice.at("measured"));
  EXPECT_GT(advice.at("before_us").get<double>(), advice.at("after_us").get<double>());
  const auto text = triune({"advise"});
  EXPECT_THAT(text.out, HasSubstr("CREATE INDEX \"jobs_owner\" ON \"jobs\" (\"owner\")"));
  EXPECT_THAT(text.out, HasSubstr("measured on a copy of 30,000 rows"));
}

TEST_F(CliPlacement, WrongInputIsExplained) {
  const auto unknown = triune({"placement", "explain", "nothing", "--json"});
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_EQ(unknown.error().at("code"), "not_found");
  EXPECT_NE(triune({"placement", "create"}).exit_code, 0);
  for (const auto* const json :
       {R"({"name":"a b"})", R"({"name":"x","vectors":[{"dimension":"many"}]})", R"({"size":1})",
        R"({"name":"x","columns":[{"nmae":"y"}]})", R"({"name":"x","columns":7})"}) {
    const auto refused = triune({"placement", "create", "--json", "--characteristics", json});
    EXPECT_EQ(refused.error().at("code"), "invalid_argument") << json;
    EXPECT_THAT(refused.error().at("message").get<std::string>(), HasSubstr("characteristics:")) << json;
  }
  EXPECT_TRUE(succeed({"placement", "list"}).document().at("placements").empty());
}

}  // namespace
}  // namespace triune::testing
