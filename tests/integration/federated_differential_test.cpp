// Random federated statements over random data, against plain loops over the same data.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

constexpr int people = 120;
constexpr int dimension = 6;

struct Person {
  std::string id;
  std::int64_t age = 0;
  std::string city;
  std::string kind;  ///< Of the vector's metadata.
  std::vector<float> vector;
};

/// The data as plain structures, and what each function means in plain loops.
struct Model {
  std::vector<Person> all;
  std::map<std::string, std::set<std::string>> knows;

  [[nodiscard]] std::map<std::string, int> reach(const std::string& from, int depth) const {
    std::map<std::string, int> steps{{from, 0}};
    std::deque<std::string> queue{from};
    while (!queue.empty()) {
      const auto at = queue.front();
      queue.pop_front();
      if (steps[at] == depth) continue;
      const auto next = knows.find(at);
      if (next == knows.end()) continue;
      for (const auto& to : next->second)
        if (steps.emplace(to, steps[at] + 1).second) queue.push_back(to);
    }
    steps.erase(from);
    return steps;
  }

  [[nodiscard]] std::vector<std::string> nearest(const std::vector<float>& query, std::size_t count,
                                                 const std::function<bool(const Person&)>& passes) const {
    std::vector<std::pair<double, std::string>> ranked;
    for (const auto& person : all) {
      if (!passes(person)) continue;
      double distance = 0;
      for (int i = 0; i < dimension; ++i) {
        const double difference = static_cast<double>(person.vector[i]) - query[i];
        distance += difference * difference;
      }
      ranked.emplace_back(distance, person.id);
    }
    std::sort(ranked.begin(), ranked.end());
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < std::min(count, ranked.size()); ++i) ids.push_back(ranked[i].second);
    return ids;
  }
};

class FederatedDifferential : public testing::HiveTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    const auto* const given = std::getenv("TRIUNE_TEST_SEED");
    const auto seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
    RecordProperty("seed", static_cast<int>(seed));
    std::cout << "seed " << seed << '\n';
    random_.seed(seed);
    make();
  }

  std::int64_t number(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  const Person& anyone() { return model_.all[static_cast<std::size_t>(number(0, people - 1))]; }
  std::vector<float> any_vector() {
    std::vector<float> vector;
    for (int i = 0; i < dimension; ++i) vector.push_back(static_cast<float>(number(-1000, 1000)) / 64);
    return vector;
  }
  static std::string json(const std::vector<float>& vector) {
    std::string text;
    for (const auto value : vector) text += fmt::format("{}{}", text.empty() ? "[" : ",", value);
    return text + "]";
  }

  void make() {
    ASSERT_TRUE(hive_->sql("CREATE TABLE people (id TEXT PRIMARY KEY, age INTEGER, city TEXT)"));
    ASSERT_TRUE(hive_->map_nodes({.table = "people", .label = "Person", .properties = {"age", "city"}}));
    ASSERT_TRUE(hive_->create_collection(
        {.name = "faces", .dimension = dimension, .metric = Metric::l2, .owner_table = "people"}));
    std::vector<Change> changes;
    for (int i = 0; i < people; ++i) {
      const Person person{.id = fmt::format("p{:03}", i),
                          .age = number(10, 60),
                          .city = std::string(1, static_cast<char>('A' + number(0, 4))),
                          .kind = number(0, 1) == 0 ? "x" : "y",
                          .vector = any_vector()};
      changes.emplace_back(PutRow{"people", {{"id", person.id}, {"age", person.age}, {"city", person.city}}});
      changes.emplace_back(PutVector{"faces", person.id, person.vector, {{"kind", person.kind}}});
      model_.all.push_back(person);
    }
    for (int i = 0; i < 3 * people; ++i) {
      const auto& from = anyone().id;
      const auto& to = anyone().id;
      if (from != to && model_.knows[from].insert(to).second)
        changes.emplace_back(PutEdge{{"KNOWS", {"Person", from}, {"Person", to}}, {}});
    }
    commit(std::move(changes));
  }

  /// The first column, in order.
  std::vector<std::string> ids(const std::string& sql, const std::vector<Value>& parameters = {}) {
    const auto rows = hive_->sql(sql, parameters);
    EXPECT_TRUE(rows) << sql << ": " << rows.error().message;
    std::vector<std::string> result;
    if (rows)
      for (const auto& row : rows->rows) result.push_back(to_text(row[0]));
    return result;
  }
  [[nodiscard]] const Person& person(const std::string& id) const {
    return *std::find_if(model_.all.begin(), model_.all.end(), [&](const auto& one) { return one.id == id; });
  }

  std::mt19937 random_;
  Model model_;
};

TEST_F(FederatedDifferential, FilteredSearchesJoinedWithRows) {
  for (int round = 0; round < 400; ++round) {
    const auto query = any_vector();
    const auto count = static_cast<std::size_t>(number(1, 30));
    const auto age = number(10, 60);
    const auto limit = number(10, 60);
    const auto* const kind = number(0, 1) == 0 ? "x" : "y";
    const auto expected = [&] {
      std::vector<std::string> found;
      for (const auto& id :
           model_.nearest(query, count, [&](const Person& one) { return one.kind == kind && one.age >= age; }))
        if (person(id).age <= limit) found.push_back(id);
      return found;
    }();
    const auto sql = fmt::format(
        "SELECT v.id FROM vector_search('faces', ?1, {}, 'kind = ''{}'' AND age >= {}') v JOIN people p ON p.id = v.id "
        "WHERE p.age <= ?2 ORDER BY v.distance, v.id",
        count, kind, age);
    ASSERT_EQ(ids(sql, {json(query), limit}), expected) << sql << " " << json(query) << " " << limit;
  }
}

TEST_F(FederatedDifferential, SearchesAmongWhatTheGraphReaches) {
  for (int round = 0; round < 300; ++round) {
    const auto query = any_vector();
    const auto count = static_cast<std::size_t>(number(1, 10));
    const auto& start = anyone();
    const auto depth = static_cast<int>(number(1, 3));
    const auto reached = model_.reach(start.id, depth);
    const auto age = number(20, 50);
    const auto expected =
        model_.nearest(query, count, [&](const Person& one) { return reached.contains(one.id) && one.age > age; });
    const auto by_neighbors = fmt::format(
        "SELECT id FROM vector_search('faces', '{}', {}, 'age > {} AND id IN (SELECT id FROM neighbors(''Person/{}'', "
        "''KNOWS'', ''out'', {}))') ORDER BY distance, id",
        json(query), count, age, start.id, depth);
    ASSERT_EQ(ids(by_neighbors), expected) << by_neighbors;
    const auto by_cypher = fmt::format(
        "SELECT id FROM vector_search('faces', '{}', {}, 'age > {} AND id IN cypher(''MATCH (a:Person)-[:KNOWS*1..{}]->"
        "(b:Person) WHERE a.id = \"{}\" AND b.id <> a.id RETURN DISTINCT b.id'')') ORDER BY distance, id",
        json(query), count, age, depth, start.id);
    ASSERT_EQ(ids(by_cypher), expected) << by_cypher;
  }
}

TEST_F(FederatedDifferential, TraversalsJoinedGroupedAndExcluded) {
  for (int round = 0; round < 300; ++round) {
    const auto& start = anyone();
    const auto depth = static_cast<int>(number(1, 3));
    const auto reached = model_.reach(start.id, depth);
    std::map<std::string, std::int64_t> by_city;
    for (const auto& [id, steps] : reached) by_city[person(id).city] += steps;
    std::vector<std::string> expected;
    for (const auto& [city, steps] : by_city) expected.push_back(fmt::format("{} {}", city, steps));
    const auto grouped = fmt::format(
        "SELECT p.city || ' ' || CAST(sum(n.distance) AS text) FROM neighbors('Person/{}', 'KNOWS', 'out', {}) n "
        "JOIN people p ON p.id = n.id GROUP BY p.city ORDER BY p.city",
        start.id, depth);
    ASSERT_EQ(ids(grouped), expected) << grouped;
    expected.clear();
    for (const auto& one : model_.all)
      if (!reached.contains(one.id) && one.city == start.city) expected.push_back(one.id);
    const auto excluded = fmt::format(
        "SELECT p.id FROM people p WHERE p.city = ?1 AND NOT EXISTS (SELECT 1 FROM neighbors('Person/{}', 'KNOWS', "
        "'out', {}) n WHERE n.id = p.id) ORDER BY p.id",
        start.id, depth);
    ASSERT_EQ(ids(excluded, {start.city}), expected) << excluded;
  }
}

TEST_F(FederatedDifferential, ShortestPathsAreAsShort) {
  for (int round = 0; round < 300; ++round) {
    const auto& from = anyone();
    const auto& to = anyone();
    if (from.id == to.id) continue;
    const auto reached = model_.reach(from.id, 10);
    const auto found = reached.find(to.id);
    const auto expected = found == reached.end() ? "none" : std::to_string(found->second);
    const auto sql = fmt::format(
        "SELECT coalesce(CAST(max(step) AS text), 'none') FROM shortest_path('Person/{}', 'Person/{}', 'KNOWS', 10)",
        from.id, to.id);
    ASSERT_EQ(ids(sql), std::vector<std::string>{expected}) << sql;
  }
}

/// What SQL calls a JSON object made of names and values.
std::string_view json_object() {
  return testing::on_postgres() ? "json_build_object" : "json_object";
}

TEST_F(FederatedDifferential, ParametersFromOuterRows) {
  for (int round = 0; round < 150; ++round) {
    const auto age = number(10, 60);
    std::vector<std::string> expected;
    for (const auto& one : model_.all) {
      if (one.age != age) continue;
      std::size_t older = 0;
      for (const auto& [id, steps] : model_.reach(one.id, 1)) older += person(id).age > age ? 1 : 0;
      expected.push_back(fmt::format("{} {}", one.id, older));
    }
    const auto sql = fmt::format(
        "SELECT p.id || ' ' || c.n FROM people p CROSS JOIN cypher('MATCH (a:Person)-[:KNOWS]->(b:Person) WHERE a.id = "
        "$id AND b.age > $age RETURN count(b) AS n', {}('id', p.id, 'age', p.age)) c WHERE p.age = ?1 ORDER BY p.id",
        json_object());
    ASSERT_EQ(ids(sql, {age}), expected) << age;
    std::vector<std::string> nearest;
    for (const auto& one : model_.all)
      if (one.age == age) nearest.push_back(model_.nearest(one.vector, 2, [](const Person&) { return true; }).back());
    ASSERT_EQ(ids("SELECT v.id FROM people p CROSS JOIN vector_search('faces', p.id, 2) v WHERE p.age = ?1 AND v.id <> "
                  "p.id ORDER BY p.id",
                  {age}),
              nearest)
        << age;
  }
}

/// Pairs of a person of the age, and whom the person reaches within `depth` steps.
TEST_F(FederatedDifferential, ArgumentsOfTraversalsFromOuterRows) {
  for (int round = 0; round < 100; ++round) {
    const auto age = number(10, 60);
    const auto depth = static_cast<int>(number(1, 2));
    const auto least = number(10, 60);
    std::vector<std::string> pairs;
    std::vector<std::string> lonely;
    std::vector<std::string> counts;
    std::vector<std::string> twice;
    for (const auto& one : model_.all) {
      if (one.age != age) continue;
      const auto reached = model_.reach(one.id, depth);
      std::size_t older = 0;
      for (const auto& [id, steps] : reached) {
        pairs.push_back(fmt::format("{} {} {}", one.id, id, steps));
        older += person(id).age >= least ? 1 : 0;
        for (const auto& [further, more] : model_.reach(id, 1))
          if (steps == 1) twice.push_back(fmt::format("{} {} {}", one.id, id, further));
      }
      counts.push_back(fmt::format("{} {}", one.id, older));
      if (older == 0) lonely.push_back(one.id);
    }
    std::sort(pairs.begin(), pairs.end());
    std::sort(twice.begin(), twice.end());
    const std::vector<Value> of_age{age};
    const std::vector<Value> both{age, least};
    const auto call = fmt::format("neighbors('Person/' || p.id, 'KNOWS', 'out', {})", depth);
    const auto listed = fmt::format(
        "SELECT p.id || ' ' || n.id || ' ' || n.distance FROM people p, {} n WHERE p.age = ?1 ORDER BY p.id, n.id",
        call);
    ASSERT_EQ(ids(listed, of_age), pairs) << listed << age;
    const auto derived = fmt::format(
        "WITH chosen AS (SELECT id FROM people WHERE age = ?1) SELECT p.id || ' ' || n.id || ' ' || n.distance FROM "
        "(SELECT id FROM chosen) p CROSS JOIN {} n ORDER BY p.id, n.id",
        call);
    ASSERT_EQ(ids(derived, of_age), pairs) << derived << age;
    const auto counted = fmt::format(
        "SELECT p.id || ' ' || (SELECT count(*) FROM {} n JOIN people q ON q.id = n.id WHERE q.age >= ?2) FROM people "
        "p "
        "WHERE p.age = ?1 ORDER BY p.id",
        call);
    ASSERT_EQ(ids(counted, both), counts) << counted << age;
    const auto without = fmt::format(
        "SELECT p.id FROM people p WHERE p.age = ?1 AND NOT EXISTS (SELECT 1 FROM people q WHERE q.age >= ?2 AND q.id "
        "IN "
        "(SELECT id FROM {})) ORDER BY p.id",
        call);
    ASSERT_EQ(ids(without, both), lonely) << without << age;
    const std::string chained =
        "SELECT p.id || ' ' || n.id || ' ' || m.id FROM people p, neighbors('Person/' || p.id, 'KNOWS') n, "
        "neighbors('Person/' || n.id, 'KNOWS') m WHERE p.age = ?1 ORDER BY p.id, n.id, m.id";
    if (depth == 1) {
      ASSERT_EQ(ids(chained, of_age), twice) << chained << age;
    }
  }
}

}  // namespace
}  // namespace triune
