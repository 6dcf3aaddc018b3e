// Labels that modules and users share, and series that go down and up again with data.
#include <gmock/gmock.h>

#include "hive/implementation.h"
#include "integration/hive_fixture.h"
#include "migrate/migrate.h"
#include "triune/modules/agents.h"
#include "triune/modules/memory.h"
#include "triune/modules/tasks.h"

namespace triune {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SharedNodes : public testing::HiveTest {
 protected:
  std::string property(const NodeReference& node, std::string_view name) {
    const auto properties = hive_->get_node(node);
    EXPECT_TRUE(properties) << properties.error().message;
    if (properties)
      for (const auto& one : *properties)
        if (one.name == name) return to_text(one.value);
    return "(none)";
  }
};

TEST_F(SharedNodes, AnAgentJoinsTheNodeThatIsThereAlready) {
  commit({PutNode{{"Agent", "ada"}, {{"role", "reviewer"}, {"status", "new here"}}}, PutNode{{"Agent", "bob"}, {}},
          PutEdge{{"KNOWS", {"Agent", "ada"}, {"Agent", "bob"}}, {}}});
  const auto agents = Agents::open(*hive_).value();
  ASSERT_TRUE(agents->enroll({.id = "ada", .agent_type = "code_review"}));
  EXPECT_EQ(property({"Agent", "ada"}, "role"), "reviewer");
  EXPECT_EQ(property({"Agent", "ada"}, "status"), "idle");
  EXPECT_EQ(property({"Agent", "ada"}, "agent_type"), "code_review");
  EXPECT_EQ(cypher_scalar("MATCH (a:Agent {role: 'reviewer'})-[:KNOWS]->(b:Agent) RETURN a.status + ' ' + b.id"),
            "idle bob");
  ASSERT_TRUE(agents->set_status("ada", AgentStatus::sleeping));
  EXPECT_EQ(property({"Agent", "ada"}, "role"), "reviewer");
  EXPECT_EQ(property({"Agent", "ada"}, "status"), "sleeping");
  expect_verified();
}

TEST_F(SharedNodes, UsersWriteTheirPropertiesAndTheModuleKeepsItsOwn) {
  const auto agents = Agents::open(*hive_).value();
  ASSERT_TRUE(agents->enroll({.id = "ada"}));
  commit({PutNode{{"Agent", "ada"}, {{"role", "coder"}, {"status", "away"}}}});
  EXPECT_EQ(property({"Agent", "ada"}, "role"), "coder");
  EXPECT_EQ(property({"Agent", "ada"}, "status"), "idle");
  EXPECT_EQ(property({"Agent", "ada"}, "name"), "ada");
  std::vector<PutNode> rows{{{"Agent", "ada"}, {{"role", "lead"}}}, {{"Agent", "new"}, {{"role", "guest"}}}};
  const auto loaded = hive_->load_nodes("Agent", [&](PutNode& next) -> Result<bool> {
    if (rows.empty()) return false;
    next = std::move(rows.back());
    rows.pop_back();
    return true;
  });
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(property({"Agent", "ada"}, "role"), "lead");
  EXPECT_EQ(property({"Agent", "ada"}, "status"), "idle");
  EXPECT_EQ(property({"Agent", "new"}, "status"), "(none)");
  expect_verified();
}

TEST_F(SharedNodes, TheNodeOfAnAgentStaysAsLongAsTheAgent) {
  const auto agents = Agents::open(*hive_).value();
  ASSERT_TRUE(agents->enroll({.id = "ada"}));
  commit({PutNode{{"Agent", "bob"}, {}}});
  const auto error = refused({DeleteNode{{"Agent", "bob"}}, DeleteNode{{"Agent", "ada"}}});
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, HasSubstr("remove it there"));
  commit({DeleteNode{{"Agent", "bob"}}});
  ASSERT_TRUE(agents->remove("ada"));
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_graph_nodes WHERE label = 'Agent'"), "0");
  expect_verified();
}

TEST_F(SharedNodes, TasksToo) {
  commit({PutNode{{"Task", "t1"}, {{"title", "review the parser"}}}});
  const auto tasks = Tasks::open(*hive_).value();
  ASSERT_TRUE(tasks->create({.id = "t1", .name = "review"}));
  EXPECT_EQ(property({"Task", "t1"}, "title"), "review the parser");
  EXPECT_EQ(property({"Task", "t1"}, "name"), "review");
  EXPECT_FALSE(hive_->commit({.changes = {DeleteNode{{"Task", "t1"}}}, .idempotency_key = {}}));
}

TEST_F(SharedNodes, ATableMayBeMappedToTheLabelBefore) {
  ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE staff (id TEXT PRIMARY KEY, role TEXT) STRICT")));
  ASSERT_TRUE(hive_->map_nodes({"staff", "Agent", {"role"}}));
  ASSERT_TRUE(hive_->sql("INSERT INTO staff VALUES ('ada', 'reviewer'), ('bob', 'coder')"));
  const auto agents = Agents::open(*hive_).value();
  ASSERT_TRUE(agents->enroll({.id = "ada"}));
  ASSERT_TRUE(hive_->sql("UPDATE staff SET role = 'lead' WHERE id = 'ada'"));
  EXPECT_EQ(property({"Agent", "ada"}, "role"), "lead");
  EXPECT_EQ(property({"Agent", "ada"}, "status"), "idle");
  expect_verified();
}

TEST_F(SharedNodes, TheSeriesGoesDownAndUpWithData) {
  const auto go_down = [&] {
    auto& store = static_cast<hive::Implementation&>(*hive_).store();
    const migrate::Runner runner{.store = store, .transaction = {}, .run = {}};
    const auto reverted = migrate::revert(runner, "agents", 0, Deadline::after(std::chrono::minutes(1)));
    ASSERT_TRUE(reverted) << reverted.error().message;
  };
  {
    const auto agents = Agents::open(*hive_).value();
    const auto memory = Memory::open(*hive_).value();
    ASSERT_TRUE(agents->enroll({.id = "ada"}));
    ASSERT_TRUE(memory->remember({.id = "m1", .agent = "ada", .content = "parsers reject empty input"}));
    ASSERT_TRUE(memory->start_context({.id = "c1", .agent = "ada", .content = "a text"}));
  }
  commit({PutNode{{"Agent", "guest"}, {{"role", "visitor"}}}});
  go_down();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_stored_vectors"), "0");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_blob_references"), "0");
  EXPECT_EQ(scalar("SELECT id FROM triune_graph_nodes"), "guest");
  commit({PutNode{{"Agent", "guest"}, {{"role", "host"}}}});  // no trigger is left that looks for the tables
  const auto agents = Agents::open(*hive_).value();
  const auto memory = Memory::open(*hive_).value();
  EXPECT_THAT(agents->list().value(), IsEmpty());
  ASSERT_TRUE(agents->enroll({.id = "ada"}));
  ASSERT_TRUE(memory->remember({.id = "m2", .agent = "ada", .content = "lexers accept comments"}));
  const auto found = memory->recall({.text = "parsers reject empty input"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->memories.size(), 1U);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_audit_log WHERE table_name = 'triune_agents' AND record_id = 'ada'"),
            "2");
  EXPECT_EQ(cypher_scalar("MATCH (:Agent {id: 'ada'})-[:REMEMBERS]->(m:Memory) RETURN m.id"), "m2");
  expect_verified();
}

}  // namespace
}  // namespace triune
