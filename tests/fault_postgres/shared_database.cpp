#include "fault_postgres/shared_database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace triune::testing {

SharedDatabase::SharedDatabase(PostgresServer& server) : server_(server), name_(server.create_database()) {}

SharedDatabase::~SharedDatabase() {
  try {
    if (server_.running()) server_.drop_database(name_);
  } catch (const std::exception& gone) {
    ADD_FAILURE() << gone.what();
  }
}

std::unique_ptr<Hive> SharedDatabase::open(const std::string& node, const std::string& through) const {
  HiveOptions options;
  options.projections = directory(node);
  auto hive = Hive::open(through.empty() ? url() : through, options);
  EXPECT_TRUE(hive) << hive.error().message;
  return hive ? std::move(*hive) : nullptr;
}

std::unique_ptr<WriterProcess> SharedDatabase::start(const std::string& node, unsigned threads, std::uint64_t commits,
                                                     unsigned life) const {
  return std::make_unique<WriterProcess>(std::vector<std::string>{TRIUNE_NODE_WRITER, "commits", url(),
                                                                  directory(node).string(), node + std::to_string(life),
                                                                  std::to_string(threads), std::to_string(commits)});
}

void SharedDatabase::trace_effects() const {
  server_.execute("CREATE TABLE effects (effect bigint GENERATED ALWAYS AS IDENTITY, id text, revision bigint)", name_);
  server_.execute(
      "CREATE FUNCTION trace_effect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "INSERT INTO effects (id, revision) VALUES (new.id, new.revision); RETURN NULL; END $$",
      name_);
  server_.execute(
      "CREATE TRIGGER trace_effect AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION trace_effect()",
      name_);
}

std::uint64_t expect_acknowledged(Hive& hive, const WriterRun& run) {
  auto contents = read_contents(hive);
  EXPECT_TRUE(contents) << contents.error().message;
  if (!contents) return 0;
  std::uint64_t checked = 0;
  for (const auto& [thread, acknowledged] : run.threads) {
    ThreadWorkload workload(thread);
    const bool one_more = expect_acknowledged(hive, workload, acknowledged, (*contents)[thread]);
    checked += acknowledged.commits + (one_more ? 1 : 0);
  }
  return checked;
}

void expect_clean(const WriterRun& run) {
  for (const auto& error : run.errors) ADD_FAILURE() << error;
  for (const auto& failure : run.unclear) ADD_FAILURE() << failure;
}

void expect_whole_edges(Hive& hive) {
  const auto broken = hive.sql(
      "SELECT count(*) FROM triune_edges e WHERE NOT EXISTS (SELECT FROM triune_nodes n WHERE n.node_id = e.from_node) "
      "OR NOT EXISTS (SELECT FROM triune_nodes n WHERE n.node_id = e.to_node)");
  ASSERT_TRUE(broken) << broken.error().message;
  EXPECT_EQ(to_text(broken->rows[0][0]), "0");
}

void expect_single_effects(Hive& hive, const WriterRun& run) {
  // A thread's commits give each revision of a task once.
  const auto doubled =
      hive.sql("SELECT id, revision, count(*) FROM effects GROUP BY id, revision HAVING count(*) > 1 LIMIT 10");
  ASSERT_TRUE(doubled) << doubled.error().message;
  for (const auto& row : doubled->rows)
    ADD_FAILURE() << "task " << to_text(row[0]) << " was put " << to_text(row[2]) << " times";
  std::uint64_t least = run.commits();
  const auto effects = hive.sql("SELECT count(*) FROM effects");
  ASSERT_TRUE(effects) << effects.error().message;
  EXPECT_GE(std::get<std::int64_t>(effects->rows[0][0]), static_cast<std::int64_t>(least));
}

}  // namespace triune::testing
