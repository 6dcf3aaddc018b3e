// What the planner makes of triggers where few nodes have most of the edges.
#include <gtest/gtest.h>

#include <string>

#include "support/postgres_server.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

TEST(ANodeThatGoes, TakesItsEdgesAlongWithoutReadingThoseOfOthers) {
  PostgresServer& server = shared_postgres_server();
  const auto database = server.create_database();
  const TemporaryDirectory directory;
  {
    auto hive = Hive::open(server.url(database), {.projections = directory.path()});
    ASSERT_TRUE(hive) << hive.error().message;
    ASSERT_TRUE((*hive)->close());
  }
  server.execute(
      "INSERT INTO triune_collections (organization_id, kind, name) VALUES (1, 'label', 'Item'), (1, 'type', 'HAS');"
      "INSERT INTO triune_nodes (organization_id, label_id, id) SELECT 1, c.collection_id, 'n' || g FROM "
      "generate_series(1, 20000) g, triune_collections c WHERE c.name = 'Item';"
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node) SELECT 1, t.collection_id, hub.node_id, "
      "n.node_id FROM triune_collections t, triune_nodes hub, triune_nodes n WHERE t.name = 'HAS' AND hub.id = 'n1' "
      "AND "
      "n.id <> 'n1'",
      database);
  server.execute("ANALYZE", database);
  const std::string gone = "BEGIN; DELETE FROM triune_nodes WHERE id = 'n77'; ";
  EXPECT_EQ(server.execute(gone + "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'triune_edges'",
                           database),
            "0");
  EXPECT_EQ(server.execute(gone + "SELECT count(*) FROM triune_edges", database), "19998");
  server.drop_database(database);
}

}  // namespace
}  // namespace triune::testing
