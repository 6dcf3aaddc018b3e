#include "commit_peers.h"

#include <fmt/format.h>

#include <fstream>

namespace triune::bench {
namespace {

constexpr std::uint64_t kuzu_pool_bytes = 256ULL << 20U;
constexpr std::size_t first_capacity = 4096;

constexpr std::string_view put_edge =
    "MATCH (a:Agent), (b:Agent) WHERE a.id = $from AND b.id = $to MERGE (a)-[:WORKS_WITH]->(b)";

// As in schema/sqlite/0001_hive.sql, without what keeps the log.
constexpr std::string_view bare_tables = R"sql(
CREATE TABLE nodes (
  node_id INTEGER PRIMARY KEY, organization_id INTEGER NOT NULL, label_id INTEGER NOT NULL, id TEXT NOT NULL,
  properties TEXT NOT NULL DEFAULT '{}', UNIQUE (organization_id, label_id, id)) STRICT;
CREATE TABLE edges (
  organization_id INTEGER NOT NULL, type_id INTEGER NOT NULL, from_node INTEGER NOT NULL, to_node INTEGER NOT NULL,
  properties TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (organization_id, type_id, from_node, to_node)) STRICT, WITHOUT ROWID;
CREATE INDEX edges_by_target ON edges (organization_id, type_id, to_node, from_node);
CREATE TABLE vectors (
  vector_key INTEGER PRIMARY KEY, organization_id INTEGER NOT NULL, collection_id INTEGER NOT NULL, id TEXT NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}', UNIQUE (organization_id, collection_id, id)) STRICT;
CREATE TABLE vector_values (vector_key INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
)sql";

constexpr std::string_view insert_task = "INSERT INTO tasks (id, title, state, priority) VALUES (?1, ?2, 'open', ?3)";
constexpr std::string_view insert_edge =
    "INSERT OR IGNORE INTO edges (organization_id, type_id, from_node, to_node) VALUES (1, 3, "
    "(SELECT node_id FROM nodes WHERE organization_id = 1 AND label_id = 2 AND id = ?1), "
    "(SELECT node_id FROM nodes WHERE organization_id = 1 AND label_id = 2 AND id = ?2))";
constexpr std::string_view insert_vector =
    "INSERT INTO vectors (organization_id, collection_id, id, metadata) VALUES (1, 4, ?1, '{\"kind\":\"note\"}')";
constexpr std::string_view insert_values =
    "INSERT INTO vector_values (vector_key, vector) VALUES (last_insert_rowid(), ?1)";

void bind_task(RawStatement& statement, const WorkItem& item) {
  statement.bind(1, item.task).bind(2, item.title).bind(3, item.priority);
}

}  // namespace

NaiveStores::NaiveStores(const std::filesystem::path& folder)
    : snapshot_(folder / "vectors.usearch"),
      sqlite_((std::filesystem::create_directories(folder), folder / "rows.db")),
      put_task_((sqlite_.run(commit_table_sql), sqlite_.prepare(insert_task))),
      kuzu_(folder / "graph", kuzu_pool_bytes),
      usearch_(vector_dimension, first_capacity, 1) {
  kuzu_.run("CREATE NODE TABLE Agent(id STRING PRIMARY KEY)");
  kuzu_.run("CREATE REL TABLE WORKS_WITH(FROM Agent TO Agent)");
  const auto agents = folder / "agents.csv";
  std::ofstream file(agents);
  for (std::uint32_t i = 0; i < commit_agents; ++i) file << RandomGraph::id(i) << '\n';
  file.close();
  kuzu_.run(fmt::format("COPY Agent FROM '{}' (header=false)", agents.string()));
}

void NaiveStores::commit(const WorkItem& item) {
  {
    const std::scoped_lock lock(sqlite_mutex_);
    bind_task(put_task_, item);
    put_task_.run();
  }
  {
    const std::scoped_lock lock(kuzu_mutex_);
    kuzu_.run("BEGIN TRANSACTION");
    for (const auto& [from, to] : item.edges) kuzu_.run(put_edge, {{"from", from}, {"to", to}});
    kuzu_.run("COMMIT");
  }
  const std::scoped_lock lock(usearch_mutex_);
  usearch_.add(next_key_++, *item.vector);
  usearch_.save_durably(snapshot_);
}

BareGroupCommit::BareGroupCommit(const std::filesystem::path& folder)
    : sqlite_((std::filesystem::create_directories(folder), folder / "bare.db")) {
  make_tables();
  for (const auto sql : {insert_task, insert_edge, insert_vector, insert_values})
    statements_.push_back(sqlite_.prepare(sql));
  thread_ = std::thread([this] { loop(); });
}

BareGroupCommit::~BareGroupCommit() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  filled_.notify_one();
  thread_.join();
}

void BareGroupCommit::make_tables() {
  sqlite_.run(commit_table_sql);
  sqlite_.run(bare_tables);
  sqlite_.run("BEGIN");
  auto insert = sqlite_.prepare("INSERT INTO nodes (organization_id, label_id, id) VALUES (1, 2, ?1)");
  for (std::uint32_t i = 0; i < commit_agents; ++i) {
    const auto id = RandomGraph::id(i);
    insert.bind(1, id).run();
  }
  sqlite_.run("COMMIT");
}

void BareGroupCommit::commit(const WorkItem& item) {
  Waiting waiting{&item, false, {}};
  std::unique_lock lock(mutex_);
  queue_.push_back(&waiting);
  filled_.notify_one();
  waiting.changed.wait(lock, [&] { return waiting.done; });
}

void BareGroupCommit::loop() {
  std::vector<Waiting*> group;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [&] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      group.swap(queue_);
    }
    write(group);
    const std::scoped_lock lock(mutex_);
    for (auto* const waiting : group) {
      waiting->done = true;
      waiting->changed.notify_one();
    }
    group.clear();
  }
}

void BareGroupCommit::write(std::vector<Waiting*>& group) {
  sqlite_.run("BEGIN IMMEDIATE");
  for (const auto* const waiting : group) insert(*waiting->item);
  sqlite_.run("COMMIT");
}

void BareGroupCommit::insert(const WorkItem& item) {
  bind_task(statements_[0], item);
  statements_[0].run();
  for (const auto& [from, to] : item.edges) statements_[1].bind(1, from).bind(2, to).run();
  statements_[2].bind(1, item.vector_id).run();
  statements_[3].bind_bytes(1, item.vector->data(), item.vector->size() * sizeof(float)).run();
}

}  // namespace triune::bench
