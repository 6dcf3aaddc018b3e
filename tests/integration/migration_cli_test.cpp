// The commands around a migration, as people and programs call them.
#include <nlohmann/json.hpp>

#include "integration/migration_fixture.h"
#include "support/child_process.h"

namespace triune::testing {
namespace {

class MigrationCli : public MigrationTest {
 protected:
  void SetUp() override {
    make("CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, boss_id INTEGER REFERENCES people(id)); " +
         numbers(300) + "INSERT INTO people SELECT i, 'p' || i, 1 + i / 2 FROM n");
  }

  [[nodiscard]] Output triune(std::vector<std::string> words) const {
    words.insert(words.begin(), TRIUNE_BINARY);
    words.insert(words.end(), {"--hive", location()});
    if (on_postgres()) words.insert(words.end(), {"--projections", place()});
    return run_program(words);
  }
  [[nodiscard]] nlohmann::json document(const std::vector<std::string>& words) const {
    const auto output = triune(words);
    EXPECT_EQ(output.exit_code, 0) << output.text;
    return nlohmann::json::parse(output.text);
  }
  [[nodiscard]] std::string plan() const { return directory_.path() / "plan.json"; }
};

TEST_F(MigrationCli, PlansAppliesComparesAndTakesBack) {
  const auto page = (directory_.path() / "report.html").string();
  EXPECT_EQ(triune({"migrate", "plan", source(), "--out", plan(), "--no-measure"}).exit_code, 0);
  EXPECT_EQ(triune({"migrate", "apply", "--plan", plan()}).exit_code, 1);
  const auto applied =
      document({"migrate", "apply", "--plan", plan(), "--approved-by", "ada", "--report", page, "--json"});
  EXPECT_EQ(applied.at("state"), "finished");
  EXPECT_EQ(applied.at("rows"), 300);
  EXPECT_TRUE(applied.at("verification").at("same"));
  EXPECT_FALSE(applied.at("speed").empty());
  for (const auto& speed : applied.at("speed")) EXPECT_TRUE(speed.at("same_answers")) << speed;
  EXPECT_GT(std::filesystem::file_size(page), 1'000U);
  EXPECT_TRUE(document({"migrate", "verify", "--json"}).at("same"));
  const auto status = document({"migrate", "status", "--json"}).at("migrations").at(0);
  EXPECT_EQ(status.at("approved_by"), "ada");
  EXPECT_EQ(status.at("audit").back().at("event"), "finished");
  EXPECT_EQ(triune({"sql", "UPDATE people SET name = 'x' WHERE id = 9"}).exit_code, 0);
  const auto compared = triune({"migrate", "verify"});
  EXPECT_EQ(compared.exit_code, 4);
  EXPECT_NE(compared.text.find("people changed row id 9: name"), std::string::npos) << compared.text;
  EXPECT_EQ(triune({"migrate", "rollback", "--approved-by", "ada"}).exit_code, 4);
  const auto back = document({"migrate", "rollback", "--approved-by", "ada", "--discard-changes", "--json"});
  EXPECT_EQ(back.at("tables").at(0), "people");
  EXPECT_EQ(triune({"migrate", "rollback", "--approved-by", "ada"}).exit_code, 3);
}

TEST_F(MigrationCli, PlansOneTableAndLeavesTheOthersBehind) {
  make("CREATE TABLE other(x); INSERT INTO other VALUES (1)");
  const auto planned = document({"migrate", "plan", source(), "--table", "other", "--no-measure", "--json"});
  for (const auto& table : planned.at("tables")) EXPECT_EQ(table.at("copy"), table.at("name") == "other");
  EXPECT_EQ(triune({"migrate", "plan", source(), "--table", "others"}).exit_code, 3);
}

}  // namespace
}  // namespace triune::testing
