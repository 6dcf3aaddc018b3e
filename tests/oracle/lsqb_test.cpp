// The queries of LSQB on its smallest data set: nine counts over joins of 3 to 8 relations. The graph engine answers
// them as they are written. SQL answers them too, in a form of its own: each statement takes one half from the rows
// of the canonical store and the other from the graph engine, so that neither can be wrong unnoticed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "oracle/loaded_hive.h"

namespace triune::testing {
namespace {

class Lsqb : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    statements_ = read_statements("lsqb/lsqb_queries.test");
    loaded_ = std::make_unique<LoadedHive>("lsqb-sf01", mentioned(read_tables("lsqb-sf01"), statements_));
  }
  static void TearDownTestSuite() { loaded_.reset(); }

  static inline std::vector<OracleStatement> statements_;
  static inline std::unique_ptr<LoadedHive> loaded_;
};

/// Both relations, from Post and from Comment, as one.
std::string either(const std::string& of_posts, const std::string& of_comments) {
  return fmt::format("(SELECT a, b FROM {} x UNION ALL SELECT a, b FROM {} y)", edges(of_posts), edges(of_comments));
}

const std::string& tags() {
  static const auto sql = either("Post_hasTag_Tag", "Comment_hasTag_Tag");
  return sql;
}

const std::string& replies() {
  static const auto sql = either("Comment_replyOf_Post", "Comment_replyOf_Comment");
  return sql;
}

/// Who knows whom, in both directions.
std::string acquaintances() {
  const auto knows = edges("Person_knows_Person");
  return fmt::format("(SELECT a, b FROM {0} x UNION ALL SELECT b, a FROM {0} y)", knows);
}

/// A CTE of what a Cypher query returns, with the number of the node whose id it returns. CROSS JOIN, here and below,
/// stands in an order that is known to be good; SQLite keeps to it.
std::string from_graph(const std::string& name, const std::string& label, const std::string& cypher) {
  return fmt::format("{} AS MATERIALIZED (SELECT n.node, c.* FROM cypher('{}') c CROSS JOIN {} n WHERE n.id = c.id)",
                     name, cypher, nodes(label));
}

std::string grouped(const std::string& name, const std::string& by, const std::string& relation) {
  return fmt::format("{0} AS MATERIALIZED (SELECT {1} AS node, count(*) AS n FROM {2} GROUP BY {1})", name, by,
                     relation);
}

/// Each forum's members, counted in the graph, for each tag of each comment on each of its posts.
std::string q1() {
  return fmt::format(
      "WITH {}, {} SELECT sum(m.n * t.n) FROM {} post JOIN {} reply ON reply.b = post.b JOIN members m ON m.node = "
      "post.a JOIN tags t ON t.node = reply.a",
      from_graph("members", "Forum",
                 "MATCH (f:Forum)-[:Forum_hasMember_Person]->(:Person)-[:Person_isLocatedIn_City]->(:City)-"
                 "[:City_isPartOf_Country]->(:Country) RETURN f.id AS id, count(*) AS n"),
      grouped("tags", "tag.a",
              fmt::format("{} tag JOIN {} type ON type.a = tag.b", edges("Comment_hasTag_Tag"),
                          edges("Tag_hasType_TagClass"))),
      edges("Forum_containerOf_Post"), edges("Comment_replyOf_Post"));
}

/// Acquaintances from the graph, comments and posts from rows.
std::string q2() {
  return fmt::format(
      "WITH {}, known AS MATERIALIZED (SELECT k.node AS a, n.node AS b FROM knows k CROSS JOIN {} n WHERE n.id "
      "= k.other) SELECT count(*) FROM {} reply CROSS JOIN {} c CROSS JOIN {} p CROSS JOIN known k WHERE c.a = reply.a "
      "AND p.a = reply.b AND k.a = c.b AND k.b = p.b",
      from_graph("knows", "Person",
                 "MATCH (a:Person)-[:Person_knows_Person]-(b:Person) RETURN a.id AS id, b.id AS other"),
      nodes("Person"), edges("Comment_replyOf_Post"), edges("Comment_hasCreator_Person"),
      edges("Post_hasCreator_Person"));
}

/// Triangles from rows, countries from the graph.
std::string q3() {
  return fmt::format(
      "WITH {}, known AS MATERIALIZED (SELECT k.a, k.b, l.country FROM {} k JOIN live l ON l.node = k.a JOIN live m ON "
      "m.node = k.b AND m.country = l.country) SELECT count(*) FROM known x JOIN known y ON y.a = x.b JOIN known z ON "
      "z.a = y.b AND z.b = x.a",
      from_graph("live", "Person",
                 "MATCH (p:Person)-[:Person_isLocatedIn_City]->(:City)-[:City_isPartOf_Country]->(c:Country) RETURN "
                 "p.id AS id, c.id AS country"),
      acquaintances());
}

/// Replies to each message, from the graph: of posts and of comments.
std::string replies_from_graph() {
  const auto of = [](const std::string& name, const std::string& label) {
    return from_graph(
        name, label,
        fmt::format("MATCH (m:{0})<-[:Comment_replyOf_{0}]-(:Comment) RETURN m.id AS id, count(*) AS n", label));
  };
  return fmt::format(
      "{}, {}, replied AS MATERIALIZED (SELECT node, n FROM to_posts UNION ALL SELECT node, n FROM "
      "to_comments)",
      of("to_posts", "Post"), of("to_comments", "Comment"));
}

std::string message_counts() {
  return fmt::format("{}, {}, {}", replies_from_graph(), grouped("tags", "a", tags() + " x"),
                     grouped("likes", "b", either("Person_likes_Post", "Person_likes_Comment") + " x"));
}

std::string q4() {
  return fmt::format(
      "WITH {} SELECT sum(t.n * l.n * r.n) FROM tags t JOIN likes l ON l.node = t.node JOIN replied r "
      "ON r.node = t.node",
      message_counts());
}

/// Tags from rows, tags of the comments from the graph.
std::string tag_pairs(std::string_view condition) {
  return fmt::format(
      "WITH {}, tagged AS MATERIALIZED (SELECT c.node AS comment, t.node AS tag FROM commented c CROSS JOIN {} t WHERE "
      "t.id = c.tag) SELECT count(*) FROM {} r CROSS JOIN tagged c CROSS JOIN {} t WHERE c.comment = r.a AND t.a = r.b "
      "AND c.tag <> t.b{}",
      from_graph("commented", "Comment",
                 "MATCH (c:Comment)-[:Comment_hasTag_Tag]->(t:Tag), (c)-[:Comment_replyOf_Post|:Comment_replyOf_"
                 "Comment]->() RETURN c.id AS id, t.id AS tag"),
      nodes("Tag"), replies(), tags(), condition);
}

std::string q5() {
  return tag_pairs("");
}

/// Persons two steps away, and the interests that the graph counts.
std::string two_steps(std::string_view condition) {
  return fmt::format(
      "WITH {}, known AS MATERIALIZED (SELECT a, b FROM {} x), pairs AS MATERIALIZED (SELECT x.a, y.b, count(*) AS n "
      "FROM known x JOIN known y ON y.a = x.b WHERE x.a <> y.b GROUP BY x.a, y.b) SELECT sum(p.n * i.n) FROM pairs p "
      "JOIN interests i ON i.node = p.b{}",
      from_graph("interests", "Person",
                 "MATCH (p:Person)-[:Person_hasInterest_Tag]->(:Tag) RETURN p.id AS id, count(*) AS n"),
      acquaintances(), condition);
}

std::string q6() {
  return two_steps("");
}

std::string q7() {
  return fmt::format(
      "WITH {} SELECT sum(t.n * coalesce(l.n, 1) * coalesce(r.n, 1)) FROM tags t LEFT JOIN likes l ON l.node = t.node "
      "LEFT JOIN replied r ON r.node = t.node",
      message_counts());
}

std::string q8() {
  return tag_pairs(
      fmt::format(" AND NOT EXISTS (SELECT 1 FROM {} o WHERE o.a = r.a AND o.b = t.b)", edges("Comment_hasTag_Tag")));
}

std::string q9() {
  return two_steps(" WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.a = p.a AND k.b = p.b)");
}

TEST_F(Lsqb, EveryQueryCountsInTheGraphEngineWhatIsExpected) {
  EXPECT_EQ(statements_.size(), 9U);
  for (const auto& statement : statements_) {
    EXPECT_EQ(loaded_->rows(federated(statement.text)), statement.rows) << statement.name;
  }
}

const std::map<std::string, std::string>& in_sql() {
  static const std::map<std::string, std::string> statements{{"q1", q1()}, {"q2", q2()}, {"q3", q3()},
                                                             {"q4", q4()}, {"q5", q5()}, {"q6", q6()},
                                                             {"q7", q7()}, {"q8", q8()}, {"q9", q9()}};
  return statements;
}

/// The same statement in whatever order the planner thinks best.
std::string in_any_order(const std::string& statement) {
  return std::regex_replace(statement, std::regex("CROSS JOIN"), on_postgres() ? "CROSS JOIN" : "JOIN");
}

/// The rows that all steps of a plan visited.
std::uint64_t visited(const PlanNode& plan) {
  std::uint64_t rows = plan.rows.value_or(0);
  for (const auto& input : plan.inputs) rows += visited(input);
  return rows;
}

TEST_F(Lsqb, EveryQueryCountsTheSameInRowsJoinedWithTheGraph) {
  for (const auto& statement : statements_) {
    EXPECT_EQ(loaded_->rows(in_any_order(in_sql().at(statement.name))), statement.rows) << statement.name;
  }
}

/// What the planner knows of a graph that was just loaded, and of what the graph engine returns, is enough for it.
TEST_F(Lsqb, ThePlannerFindsAnOrderAsGoodAsOneMadeByHand) {
  if (on_postgres()) GTEST_SKIP() << "no order can be given by hand there";
  for (const auto& [name, statement] : in_sql()) {
    if (statement.find("CROSS JOIN") == std::string::npos) continue;
    const ReadOptions patient{.deadline = Deadline::after(std::chrono::minutes(5))};
    const auto by_hand = loaded_->hive().explain(statement, {}, true, patient);
    ASSERT_TRUE(by_hand) << name << ": " << by_hand.error().message;
    const auto planned = loaded_->hive().explain(in_any_order(statement), {}, true, patient);
    ASSERT_TRUE(planned) << name << ": " << planned.error().message;
    RecordProperty(name, fmt::format("{} rows visited, by hand {}", visited(*planned), visited(*by_hand)));
    EXPECT_LE(visited(*planned), visited(*by_hand) * 3 / 2) << name << "\n" << to_text(*planned) << to_text(*by_hand);
  }
}

}  // namespace
}  // namespace triune::testing
