// How a statement is prepared, and how its calls are answered and counted.
#include "federation/query.h"

#include <gmock/gmock.h>

#include "adapters/builtin.h"
#include "federation/arguments.h"
#include "federation/bind_calls.h"
#include "federation/rank_fusion.h"
#include "runtime/connection_pool.h"
#include "support/temporary_directory.h"

namespace triune::federation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Answers with one row that repeats what was asked.
class EchoEngines final : public Engines {
 public:
  Result<Answer> cypher(std::string_view query, const Record& /*parameters*/) override {
    ++calls;
    return Answer{.rows = {{std::string(query)}}, .route = {.engine = "echo", .reason = "asked"}};
  }
  Result<Answer> vector_search(contract::RelationalSession&, const VectorCall& call) override {
    where = call.where;
    return answer(call.collection, "");
  }
  Result<Answer> text_search(contract::RelationalSession&, const TextSearch& search) override {
    where = search.where;
    return answer(search.query, "");
  }
  Result<std::string> text_index_of(contract::RelationalSession&, std::string_view) override { return "texts"; }
  Result<Answer> neighbors(contract::RelationalSession&, const NeighborsQuery& query) override {
    return Answer{.rows = {{query.node.id, "", std::int64_t{1}}}, .route = answer("", "")->route};
  }
  Result<Answer> shortest_path(contract::RelationalSession&, const PathQuery& query) override {
    return answer(query.to.id, "");
  }
  std::optional<NodeFigures> node_figures(std::string_view label) override {
    return label == "Unknown" ? std::nullopt : std::optional(NodeFigures{1000});
  }
  std::optional<EdgeFigures> edge_figures(std::string_view type) override {
    return type == "UNKNOWN" ? std::nullopt : std::optional(EdgeFigures{.edges = 8000, .out = 8, .in = 4});
  }
  int calls = 0;
  std::string where;

 private:
  Result<Answer> answer(std::string one, std::string other) {
    ++calls;
    return Answer{.rows = {{std::move(one), std::move(other)}}, .route = {.engine = "echo", .reason = "asked"}};
  }
};

class QueryTest : public ::testing::Test {
 protected:
  std::unique_ptr<Query> make(std::string_view sql, const std::vector<Value>& parameters = {}) {
    auto query = Query::make(sql, parameters, engines_);
    EXPECT_TRUE(query) << query.error().message;
    return std::move(*query);
  }
  std::string refused(std::string_view sql) {
    const auto query = Query::make(sql, {}, engines_);
    EXPECT_FALSE(query);
    return query ? std::string() : query.error().message;
  }
  static std::size_t number_of(const Query& query, std::string_view name) {
    for (std::size_t i = 0; i < query.functions().size(); ++i)
      if (query.functions()[i].name == name) return i;
    ADD_FAILURE() << "no function " << name;
    return 0;
  }
  contract::RelationalSession& session() {
    if (!session_) session_ = std::move(*store_->read(contract::ReadScope::user, Deadline::never()));
    return *session_;
  }
  EchoEngines engines_;
  testing::TemporaryDirectory directory_;
  std::unique_ptr<contract::RelationalStore> store_ = std::move(*adapters::builtin().relational.at("sqlite")(
      {.path = directory_.path() / "rows.db", .make_pool = runtime::make_connection_pool}));
  std::unique_ptr<contract::RelationalSession> session_;
};

TEST_F(QueryTest, GivesEachUseOfCypherATableOfItsOwn) {
  const auto query =
      make("SELECT * FROM cypher('RETURN 1 AS a') JOIN cypher(?1, '{}') AS b WHERE 1 IN cypher('RETURN 1 AS a')",
           {Value("RETURN 2 AS x, 3 AS y")});
  EXPECT_EQ(query->sql(),
            "SELECT * FROM \"triune_cypher_1\"('RETURN 1 AS a') AS cypher JOIN \"triune_cypher_2\"(?1, '{}') AS b "
            "WHERE 1 IN \"triune_cypher_1\"('RETURN 1 AS a')");
  EXPECT_THAT(query->functions()[number_of(*query, "triune_cypher_2")].columns, ElementsAre("x", "y"));
}

TEST_F(QueryTest, RefusesACypherQueryThatOnlyARowCouldTell) {
  EXPECT_THAT(refused("SELECT * FROM t, cypher(t.query)"), HasSubstr("must be a text or a parameter"));
  EXPECT_THAT(refused("SELECT * FROM cypher()"), HasSubstr("must be a text or a parameter"));
}

TEST_F(QueryTest, PreparesWhatAPredicateCalls) {
  const auto query = make("SELECT * FROM vector_search('m', '[1]', 2, 'id IN cypher(''RETURN 1 AS a'')')");
  const std::vector<Value> arguments{"m", "[1]", std::int64_t{2}, "id IN cypher('RETURN 1 AS a')"};
  ASSERT_TRUE(query->call(number_of(*query, "vector_search"), 1, session(), arguments));
  EXPECT_EQ(engines_.where, "id IN \"triune_cypher_1\"('RETURN 1 AS a')");
}

TEST_F(QueryTest, AsksOnceForEqualArgumentsAndCountsEveryCall) {
  const auto query = make("SELECT * FROM neighbors('A/1')");
  const auto neighbors = number_of(*query, "neighbors");
  const std::vector<Value> one{"A/1", Null{}, Null{}, Null{}};
  const std::vector<Value> other{"A/2", Null{}, Null{}, Null{}};
  for (const auto& arguments : {one, other, one, one}) {
    auto rows = query->call(neighbors, 7, session(), arguments);
    ASSERT_TRUE(rows);
    std::vector<Value> row;
    EXPECT_TRUE(*(*rows)->next(row));
    EXPECT_FALSE(*(*rows)->next(row));
  }
  EXPECT_EQ(engines_.calls, 2);
  const auto& costs = query->costs().at(7);
  EXPECT_EQ(costs.calls, 2U);
  EXPECT_EQ(costs.repeated, 2U);
  EXPECT_EQ(costs.rows, 4U);
  EXPECT_EQ(costs.route.engine, "echo");
}

TEST_F(QueryTest, BindsAnswersForAStoreThatCannotCall) {
  const std::string_view sql = "SELECT * FROM neighbors('A/' || ?2) n WHERE n.id = ?1 AND 1 IN cypher('RETURN 1 AS a')";
  const std::vector<Value> parameters{"x", "7"};
  const auto query = Query::make(sql, parameters, engines_, Query::Joins::bound);
  ASSERT_TRUE(query);
  const auto bound = bind_calls(sql, parameters, **query, session());
  ASSERT_TRUE(bound) << bound.error().message;
  EXPECT_THAT(bound->sql, HasSubstr("jsonb_to_recordset(CAST(?1 AS jsonb)) AS t(\"label\" text"));
  EXPECT_THAT(bound->sql, HasSubstr("n.id = ?2"));
  EXPECT_THAT(bound->sql, HasSubstr("1 IN (SELECT * FROM jsonb_to_recordset(CAST(?3 AS jsonb)"));
  ASSERT_EQ(bound->parameters.size(), 3U);
  EXPECT_EQ(bound->parameters[1], Value("x"));
  EXPECT_THAT(std::get<Json>(bound->parameters[0]).text, HasSubstr("\"label\":\"7\""));
  EXPECT_EQ(shift_parameters("a = ?1 AND b = '?2' OR c = ?12", 3), "a = ?4 AND b = '?2' OR c = ?15");
}

TEST(Arguments, AreCheckedByName) {
  EXPECT_THAT(vector_call(std::vector<Value>{"m", Null{}, std::int64_t{1}, Null{}}).error().message,
              HasSubstr("the query"));
  EXPECT_THAT(vector_call(std::vector<Value>{"m", "[1,x]", std::int64_t{1}, Null{}}).error().message,
              HasSubstr("JSON"));
  EXPECT_THAT(vector_call(std::vector<Value>{"m", "[1]", std::int64_t{0}, Null{}}).error().message,
              HasSubstr("1 to 10000"));
  EXPECT_THAT(vector_call(std::vector<Value>{"m", "[1]", "many", Null{}}).error().message, HasSubstr("whole number"));
  EXPECT_THAT(vector_call(std::vector<Value>{"m", Bytes(3), std::int64_t{1}, Null{}}).error().message,
              HasSubstr("3 bytes"));
  EXPECT_THAT(neighbors_call(std::vector<Value>{"ada"}).error().message, HasSubstr("Label/id"));
  EXPECT_THAT(neighbors_call(std::vector<Value>{"A/1", "", "up"}).error().message, HasSubstr("'up'"));
  EXPECT_EQ(neighbors_call(std::vector<Value>{"A/b/c", Null{}, "both", std::int64_t{2}})->node.id, "b/c");
  EXPECT_THAT(cypher_parameters("[1]").error().message, HasSubstr("JSON object"));
}

TEST(RankFusion, SumsReciprocalRanksAndKeepsBoth) {
  const Answer texts{.rows = {{"a"}, {"b"}}, .route = {}};
  const Answer vectors{.rows = {{"b"}, {"c"}}, .route = {}};
  const auto fused = fuse(texts, vectors, 10);
  ASSERT_EQ(fused.rows.size(), 3U);
  EXPECT_EQ(fused.rows[0], (std::vector<Value>{"b", 1 / 61.0 + 1 / 62.0, std::int64_t{2}, std::int64_t{1}}));
  EXPECT_EQ(fused.rows[1], (std::vector<Value>{"a", 1 / 61.0, std::int64_t{1}, Null{}}));
  EXPECT_EQ(fused.rows[2], (std::vector<Value>{"c", 1 / 62.0, Null{}, std::int64_t{2}}));
  EXPECT_EQ(fuse(texts, vectors, 1).rows.size(), 1U);
}

}  // namespace
}  // namespace triune::federation
