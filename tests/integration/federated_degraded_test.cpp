// What federated statements answer while an engine is out, and how they say so (I4). The graph is one of layers, each
// node of one linked to all of the next: more edges than SQL walks by itself, so that the graph engine is asked.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int layer_size = 560;

std::string node_id(int layer, int number) {
  return fmt::format("{}{}", "abc"[layer], number);
}

void load_nodes(Hive& hive) {
  int at = -2;
  const auto loaded = hive.load_nodes("Place", [&](PutNode& node) -> Result<bool> {
    if (at == 3 * layer_size) return false;
    node.node.id = at == -2 ? "start" : at == -1 ? "target" : node_id(at / layer_size, at % layer_size);
    ++at;
    return true;
  });
  ASSERT_TRUE(loaded) << loaded.error().message;
}

void load_edges(Hive& hive) {
  std::vector<std::pair<std::string, std::string>> links;
  for (int i = 0; i < layer_size; ++i) {
    links.emplace_back("start", node_id(0, i));
    links.emplace_back(node_id(2, i), "target");
    for (int layer = 0; layer < 2; ++layer)
      for (int j = 0; j < layer_size; ++j) links.emplace_back(node_id(layer, i), node_id(layer + 1, j));
  }
  const auto loaded = hive.load_edges("LINK", "Place", "Place", [&](PutEdge& edge) -> Result<bool> {
    if (links.empty()) return false;
    edge.edge.from.id = links.back().first;
    edge.edge.to.id = links.back().second;
    links.pop_back();
    return true;
  });
  ASSERT_TRUE(loaded) << loaded.error().message;
}

/// Texts of places, each with a vector.
void put_texts(Hive& hive) {
  ASSERT_TRUE(hive.sql(in_dialect("CREATE TABLE texts (id TEXT PRIMARY KEY, kind TEXT)")));
  ASSERT_TRUE(
      hive.create_collection({.name = "memories", .dimension = 2, .metric = Metric::l2, .owner_table = "texts"}));
  Commit commit;
  for (int i = 0; i < 200; ++i) {
    const auto id = node_id(i % 3, i);
    commit.changes.emplace_back(PutRow{"texts", {{"id", id}, {"kind", i % 2 == 0 ? "even" : "odd"}}});
    commit.changes.emplace_back(PutVector{"memories", id, {static_cast<float>(i), static_cast<float>(i % 7)}, {}});
  }
  ASSERT_TRUE(hive.commit(commit));
}

const std::string_view by_graph =
    "SELECT label, id, distance FROM neighbors('Place/start', 'LINK', 'out', 3) ORDER BY distance, id";
// Of many shortest paths any is right: the layers are told.
const std::string_view by_path =
    "SELECT step, substr(id, 1, 1) FROM shortest_path('Place/start', 'Place/target', 'LINK', 10) ORDER BY step";
const std::string_view by_vector =
    "SELECT v.id, v.distance, t.kind FROM vector_search('memories', '[40, 3]', 20, 'kind = ''even''') v JOIN texts t "
    "ON t.id = v.id ORDER BY v.distance, v.id";
const std::string_view by_both =
    "SELECT v.id, v.distance, n.distance FROM vector_search('memories', '[7, 1]', 30) v JOIN neighbors('Place/start', "
    "'LINK', 'out', 3) n ON n.id = v.id ORDER BY v.distance, v.id";
const std::string_view by_cypher = "SELECT c.n FROM cypher('MATCH (p:Place) RETURN count(*) AS n') c";

bool any_degraded(const std::vector<Route>& routes) {
  return std::any_of(routes.begin(), routes.end(), [](const Route& route) { return route.degraded; });
}

bool any_degraded(const PlanNode& plan) {
  return plan.degraded ||
         std::any_of(plan.inputs.begin(), plan.inputs.end(), [](const PlanNode& input) { return any_degraded(input); });
}

class FederatedDegraded : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TemporaryDirectory>();
    place_ = std::make_unique<HivePlace>(directory_->path(), "hive");
    auto hive = Hive::open(place_->location(), place_->options());
    ASSERT_TRUE(hive) << hive.error().message;
    load_nodes(**hive);
    load_edges(**hive);
    put_texts(**hive);
    ASSERT_TRUE((*hive)->close());
  }
  static void TearDownTestSuite() {
    place_.reset();
    directory_.reset();
  }

  void SetUp() override { open(); }
  void TearDown() override {
    hive_.reset();
    base::set_file_fault({});
  }

  void open(HiveOptions options = {}) {
    hive_.reset();
    auto opened = Hive::open(place_->location(), place_->options(std::move(options)));
    ASSERT_TRUE(opened) << opened.error().message;
    hive_ = std::move(*opened);
  }

  /// Loses the projections whose folder begins so, and keeps them from being made anew until `mend`.
  void lose(const std::string& prefix) {
    ASSERT_TRUE(hive_->close());
    const auto root = (place_->files() / "projections" / "1").string() + "/" + prefix;
    for (const auto& entry : std::filesystem::directory_iterator(place_->files() / "projections" / "1"))
      if (entry.path().string().starts_with(root)) std::filesystem::remove_all(entry.path());
    base::set_file_fault([root](base::FileOperation operation, const std::filesystem::path& path) {
      const bool makes = operation == base::FileOperation::create_directory || operation == base::FileOperation::open;
      return makes && path.string().starts_with(root) ? EIO : 0;
    });
    open();
  }

  void mend() {
    base::set_file_fault({});
    const auto rebuilt = hive_->rebuild("");
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  }

  std::string rows_of(std::string_view sql) {
    const auto answer = hive_->sql(sql);
    if (!answer) return answer.error().message;
    std::string text;
    for (const auto& row : answer->rows)
      for (const auto& value : row) text += to_text(value) + (&value == &row.back() ? "\n" : " ");
    return text;
  }

  /// That the routes, the plan, its text and its JSON all say so, or none.
  void expect_degraded(std::string_view sql, bool degraded) {
    SCOPED_TRACE(sql);
    const auto answer = hive_->execute(sql);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(any_degraded(answer->routes), degraded) << answer->routes.at(0).reason;
    const auto plan = hive_->explain(sql, {}, true);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(any_degraded(*plan), degraded);
    for (const auto& told : {to_text(*plan), rows_of("EXPLAIN ANALYZE " + std::string(sql))})
      EXPECT_EQ(told.find("DEGRADED") != std::string::npos, degraded) << told;
    for (const auto& told : {to_json(*plan), rows_of("EXPLAIN (ANALYZE, FORMAT JSON) " + std::string(sql))})
      EXPECT_EQ(told.find(R"("degraded":true)") != std::string::npos, degraded) << told;
  }

  Error refused(std::string_view sql, std::chrono::milliseconds patience) {
    const auto answer = hive_->sql(sql, {}, {.deadline = Deadline::after(patience)});
    EXPECT_FALSE(answer) << sql;
    return answer ? Error{} : answer.error();
  }

  static inline std::unique_ptr<TemporaryDirectory> directory_;
  static inline std::unique_ptr<HivePlace> place_;
  std::unique_ptr<Hive> hive_;
};

TEST_F(FederatedDegraded, AHealthyHiveAnswersWithItsEngines) {
  for (const auto sql : {by_graph, by_path, by_vector, by_both, by_cypher}) expect_degraded(sql, false);
  EXPECT_EQ(hive_->execute(by_graph)->routes.at(0).engine, "kuzu");
  EXPECT_EQ(hive_->execute(by_path)->routes.at(0).engine, "kuzu");
  EXPECT_EQ(hive_->execute(by_vector)->routes.at(0).engine, "usearch");
  EXPECT_EQ(rows_of(by_path), "0 s\n1 a\n2 b\n3 c\n4 t\n");
  EXPECT_EQ(rows_of(by_cypher), fmt::format("{}\n", 3 * layer_size + 2));
}

TEST_F(FederatedDegraded, WithoutTheGraphEngineTheCanonicalStoreAnswersTheSame) {
  const auto neighbors = rows_of(by_graph);
  const auto path = rows_of(by_path);
  const auto both = rows_of(by_both);
  lose("graph");
  EXPECT_EQ(rows_of(by_graph), neighbors);
  EXPECT_EQ(rows_of(by_path), path);
  EXPECT_EQ(rows_of(by_both), both);
  for (const auto sql : {by_graph, by_path, by_both}) expect_degraded(sql, true);
  EXPECT_EQ(hive_->execute(by_graph)->routes.at(0).engine, sql_engine());
  expect_degraded(by_vector, false);
  mend();
  EXPECT_EQ(rows_of(by_graph), neighbors);
  for (const auto sql : {by_graph, by_path, by_vector, by_both, by_cypher}) expect_degraded(sql, false);
}

TEST_F(FederatedDegraded, WithoutTheVectorEngineTheCanonicalStoreAnswersTheSame) {
  const auto vectors = rows_of(by_vector);
  const auto both = rows_of(by_both);
  lose("vector");
  EXPECT_EQ(rows_of(by_vector), vectors);
  EXPECT_EQ(rows_of(by_both), both);
  for (const auto sql : {by_vector, by_both}) expect_degraded(sql, true);
  EXPECT_EQ(hive_->execute(by_vector)->routes.at(0).engine, sql_engine());
  for (const auto sql : {by_graph, by_path, by_cypher}) expect_degraded(sql, false);
  mend();
  EXPECT_EQ(rows_of(by_vector), vectors);
  for (const auto sql : {by_graph, by_path, by_vector, by_both, by_cypher}) expect_degraded(sql, false);
}

TEST_F(FederatedDegraded, AnAnswerOfTheCanonicalStoreHasTheSessionsOwnWrites) {
  lose("");
  ASSERT_TRUE(hive_->commit(
      {.changes = {PutNode{{"Place", "z"}, {}}, PutEdge{{"LINK", {"Place", "c1"}, {"Place", "z"}}, {}},
                   PutEdge{{"LINK", {"Place", "start"}, {"Place", "z"}}, {}},
                   PutRow{"texts", {{"id", "z"}, {"kind", "even"}}}, PutVector{"memories", "z", {40, 3}, {}}},
       .idempotency_key = {}}));
  EXPECT_THAT(rows_of(by_graph), HasSubstr("Place z 1\n"));
  EXPECT_THAT(rows_of(by_vector), HasSubstr("z 0.0 even\n"));
  expect_degraded(by_graph, true);
  expect_degraded(by_vector, true);
  ASSERT_TRUE(hive_->commit(
      {.changes = {DeleteNode{{"Place", "z"}}, DeleteRow{"texts", {{"id", "z"}}}, DeleteVector{"memories", "z"}},
       .idempotency_key = {}}));
  EXPECT_THAT(rows_of(by_graph), Not(HasSubstr("Place z")));
  EXPECT_THAT(rows_of(by_vector), Not(HasSubstr("z 0.0")));
  mend();
}

TEST_F(FederatedDegraded, CypherFailsByNameWithinItsDeadline) {
  lose("graph");
  const auto early = refused(by_cypher, std::chrono::milliseconds(300));
  EXPECT_TRUE(early.code == ErrorCode::deadline_exceeded || early.code == ErrorCode::unavailable) << early.message;
  EXPECT_THAT(early.message, HasSubstr("graph"));
  if (early.code == ErrorCode::deadline_exceeded) {
    EXPECT_THAT(early.message, HasSubstr("give the statement more time"));
  }
  // Until it has been given up.
  const auto waited = hive_->wait(hive_->receipt()->token(), Deadline::after(std::chrono::minutes(1)));
  ASSERT_FALSE(waited);
  const auto late = refused(by_cypher, std::chrono::seconds(30));
  EXPECT_EQ(late.code, ErrorCode::unavailable) << late.message;
  EXPECT_THAT(late.message, AllOf(HasSubstr("graph is quarantined"), HasSubstr("triune rebuild graph")));
  expect_degraded(by_graph, true);
  mend();
  expect_degraded(by_cypher, false);
}

/// A projection that works and is behind is waited for: nothing is degraded, and nothing old is returned (I5).
TEST_F(FederatedDegraded, AProjectionThatIsBehindIsWaitedFor) {
  open({.project_in_background = false});
  for (int i = 0; i < 3; ++i) {
    const auto id = fmt::format("late{}", i);
    ASSERT_TRUE(hive_->commit(
        {.changes = {PutNode{{"Place", id}, {}}, PutEdge{{"LINK", {"Place", "start"}, {"Place", id}}, {}},
                     PutRow{"texts", {{"id", id}, {"kind", "even"}}}, PutVector{"memories", id, {40, 3}, {}}},
         .idempotency_key = {}}));
    EXPECT_EQ(rows_of(by_cypher), fmt::format("{}\n", 3 * layer_size + 3));
    EXPECT_THAT(rows_of(by_graph), HasSubstr(id + " 1\n"));
    EXPECT_THAT(rows_of(by_vector), HasSubstr(id + " 0.0 even\n"));
    for (const auto sql : {by_graph, by_vector, by_both, by_cypher}) expect_degraded(sql, false);
    ASSERT_TRUE(hive_->commit(
        {.changes = {DeleteNode{{"Place", id}}, DeleteRow{"texts", {{"id", id}}}, DeleteVector{"memories", id}},
         .idempotency_key = {}}));
  }
  EXPECT_EQ(rows_of(by_cypher), fmt::format("{}\n", 3 * layer_size + 2));
}

}  // namespace
}  // namespace triune::testing
