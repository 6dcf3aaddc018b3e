// Plans as files: what is read back, and what is refused.
#include "integration/migration_fixture.h"

namespace triune::testing {
namespace {

using MigrationPlan = MigrationTest;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + text);
  return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text) {
  const auto plan = legacy::parse_plan(text);
  return plan ? "" : plan.error().message;
}

class Edited : public MigrationPlan {
 protected:
  void SetUp() override {
    make("CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, boss_id INTEGER REFERENCES people(id)); " +
         numbers(200) +
         "INSERT INTO people SELECT i, 'p' || i, i / 2 + 1 FROM n; CREATE VIEW v AS SELECT name FROM people");
    text_ = legacy::plan_text(planned());
  }
  std::string refusal(const std::string& from, const std::string& to) {
    const auto plan = legacy::parse_plan(replaced(text_, from, to));
    if (!plan) return plan.error().message;
    const auto error = refused(*plan);
    EXPECT_EQ(objects_called("people"), "0\n");
    return error.message;
  }
  std::string text_;
};

TEST_F(Edited, IsTheSameWhenReadBack) {
  const auto plan = legacy::parse_plan(text_);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(legacy::plan_text(*plan), text_);
  EXPECT_EQ(legacy::plan_hash(*plan), legacy::plan_hash(planned()));
}

TEST_F(Edited, SaysWhereAMemberIsUnknownMissingOrOfAnotherType) {
  EXPECT_NE(error_of("{").find("this is no JSON"), std::string::npos);
  EXPECT_NE(error_of(replaced(text_, "\"copy\": true", "\"copied\": true")).find("/tables/0"), std::string::npos);
  EXPECT_NE(
      error_of(replaced(text_, "\"copy\": true", "\"copy\": \"yes\"")).find("/tables/0/copy: must be true or false"),
      std::string::npos);
  EXPECT_NE(error_of(replaced(text_, "\"copy\": true,", "\"copy\": true, \"colour\": 1,"))
                .find("/tables/0/colour: is unknown"),
            std::string::npos);
  EXPECT_NE(error_of(replaced(text_, "\"triune_migration_plan\": 1", "\"triune_migration_plan\": 9")).find("version 1"),
            std::string::npos);
  EXPECT_NE(error_of(replaced(text_, "\"copy\": true,", "\"copy\": true, \"copy\": true,")).find("twice"),
            std::string::npos);
}

TEST_F(Edited, SaysWhichTableOrColumnTheSourceLacks) {
  EXPECT_NE(refusal("\"name\": \"people\"", "\"name\": \"persons\"").find("/tables/0/name"), std::string::npos);
  EXPECT_NE(refusal("\"to_column\": \"boss_id\"", "\"to_column\": \"boss\"").find("/edges/0/to_column"),
            std::string::npos);
  EXPECT_NE(refusal("\"to_label\": \"people\"", "\"to_label\": \"bosses\"").find("/edges/0/to_label"),
            std::string::npos);
  EXPECT_NE(refusal("\"kind\": \"columns\"", "\"kind\": \"column\"").find("/edges/0/kind"), std::string::npos);
  if (on_postgres()) return;  // views are statements there
  EXPECT_NE(refusal("\"name\": \"v\"", "\"name\": \"w\"").find("/views/0/name"), std::string::npos);
}

TEST_F(Edited, MayTurnThingsOffAndNameThemAnew) {
  auto plan = legacy::parse_plan(replaced(text_, "\"label\": \"people\"", "\"label\": \"Person\""));
  ASSERT_TRUE(plan);
  plan->edges.at(0).type = "REPORTS_TO";
  plan->edges.at(0).from_label = plan->edges.at(0).to_label = "Person";
  for (auto& view : plan->views) view.apply = false;
  for (auto& statement : plan->statements) statement.apply = statement.apply && statement.name != "view v";
  EXPECT_EQ(applied(*plan).state, "finished");
  EXPECT_EQ(objects_called("v"), "0\n");
  EXPECT_EQ(hive().neighbors({.node = {"Person", "200"}, .type = "REPORTS_TO"})->value.size(), 1U);
}

TEST_F(Edited, LeavesATableBehindWhenToldSo) {
  make("CREATE TABLE other(x); INSERT INTO other VALUES (1)");
  auto plan = planned();
  for (auto& table : plan.tables) table.copy = table.name != "other";
  EXPECT_EQ(applied(plan).state, "finished");
  EXPECT_EQ(objects_called("other"), "0\n");
}

}  // namespace
}  // namespace triune::testing
