// One statement over rows, graph and vectors, against the same join done in an application over the same engines: asked
// one after the other, and put together by the application in two ways, of which the quicker one counts.
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "data.h"
#include "scenarios.h"

namespace triune::bench {
namespace {

constexpr std::uint32_t degree = 24;
constexpr std::size_t wanted = 10;
constexpr std::uint32_t persons_per_face = 5;
constexpr std::int64_t cities = 5;

struct Question {
  std::string start;
  std::string city;
  std::vector<float> vector;
};

using Ids = std::vector<std::string>;

class People {
 public:
  explicit People(Bench& bench)
      : folder_(bench.settings(), "federated"),
        count_(bench.sized(10'000U, 100'000U, 100'000U)),
        hive_(must(Hive::open((folder_.path() / "hive").string()))) {
    must(hive_->sql("CREATE TABLE people (id TEXT PRIMARY KEY, city TEXT, age INTEGER)"));
    must(hive_->create_collection(
        {.name = "faces", .dimension = vector_dimension, .metric = Metric::cosine, .owner_table = "people"}));
    const RandomGraph graph{count_, degree};
    must(hive_->load_nodes("Person", nodes_of(graph), bench.progress()));
    must(hive_->load_edges("KNOWS", "Person", "Person", edges_of(graph), bench.progress()));
    load_rows();
    ClusteredVectors vectors(vector_dimension, 7);
    std::uint32_t next = 0;
    must(hive_->load_vectors(
        "faces",
        [&](PutVector& vector) -> Result<bool> {
          if (next >= count_) return false;
          vector.collection = "faces";
          vector.id = RandomGraph::id(next);
          next += persons_per_face;
          vectors.next(vector.values);
          return true;
        },
        bench.progress()));
    must(hive_->wait(must(hive_->receipt()).token(), Deadline::after(std::chrono::minutes(20))));
  }

  Question question(std::mt19937_64& random) {
    ClusteredVectors vectors(vector_dimension, 7);
    Question question{.start = RandomGraph::id(static_cast<std::uint32_t>(random() % count_)),
                      .city = fmt::format("c{}", random() % cities),
                      .vector = {}};
    for (auto skip = random() % 50; skip > 0; --skip) vectors.next(question.vector);
    vectors.next(question.vector);
    return question;
  }

  Ids in_one_statement(const Question& question) {
    const auto rows = must(hive_->sql(
        fmt::format(
            "SELECT p.id, p.age, v.distance FROM vector_search('faces', ?1, {}, 'city = ''{}'' AND id IN (SELECT "
            "id FROM neighbors(''Person/{}'', ''KNOWS'', ''out'', 2))') v JOIN people p ON p.id = v.id ORDER BY "
            "v.distance, p.id",
            wanted, question.city, question.start),
        std::vector<Value>{bytes_of(question.vector)}));
    return first_column(rows);
  }

  /// The graph's answer goes to the vector engine as a filter.
  Ids handing_on(const Question& question) {
    const auto reached = ids_as_json(reached_from(question));
    const auto hits = must(hive_->search({.collection = "faces",
                                          .query = question.vector,
                                          .count = wanted,
                                          .where = "city = ?1 AND id IN (SELECT value FROM json_each(?2))",
                                          .parameters = {question.city, reached}}));
    Ids ids;
    for (const auto& hit : hits.hits)
      ids.push_back(to_text(
          must(hive_->sql("SELECT id, age FROM people WHERE id = ?1", std::vector<Value>{hit.id})).rows.at(0)[0]));
    return ids;
  }

  /// More and more of the nearest are asked for until enough of them pass.
  Ids asking_for_more(const Question& question) {
    const auto reached_rows = reached_from(question);
    const std::set<std::string> reached(reached_rows.begin(), reached_rows.end());
    for (std::size_t count = 4 * wanted;; count *= 4) {
      count = std::min<std::size_t>(count, 10'000);
      const auto found = must(hive_->search({.collection = "faces", .query = question.vector, .count = count}));
      Ids ids;
      for (const auto& hit : found.hits) {
        if (ids.size() == wanted || !reached.contains(hit.id)) continue;
        const auto row = must(hive_->sql("SELECT city FROM people WHERE id = ?1", std::vector<Value>{hit.id}));
        if (to_text(row.rows.at(0)[0]) == question.city) ids.push_back(hit.id);
      }
      if (ids.size() == wanted || found.hits.size() < count || count == 10'000) return ids;
    }
  }

 private:
  void load_rows() {
    std::vector<Change> changes;
    for (std::uint32_t i = 0; i < count_; ++i) {
      changes.emplace_back(PutRow{"people",
                                  {{"id", RandomGraph::id(i)},
                                   {"city", fmt::format("c{}", std::int64_t{i} * 2654435761 % cities)},
                                   {"age", static_cast<std::int64_t>(i % 80)}}});
      if (changes.size() == 10'000 || i + 1 == count_)
        must(hive_->commit({.changes = std::exchange(changes, {}), .idempotency_key = {}}));
    }
  }
  Ids reached_from(const Question& question) {
    return first_column(must(hive_->cypher(
        "MATCH (a:Person)-[:KNOWS*1..2]->(b:Person) WHERE a.id = $id RETURN DISTINCT b.id", {{"id", question.start}})));
  }
  static Ids first_column(const RowSet& rows) {
    Ids ids;
    for (const auto& row : rows.rows) ids.push_back(to_text(row.at(0)));
    return ids;
  }
  static std::string ids_as_json(const Ids& ids) {
    std::string json;
    for (const auto& id : ids) json += (json.empty() ? "[" : ",") + to_json(Value(id));
    return json.empty() ? "[]" : json + "]";
  }
  static Bytes bytes_of(const std::vector<float>& vector) {
    const auto bytes = std::as_bytes(std::span(vector));
    return {bytes.begin(), bytes.end()};
  }

  WorkFolder folder_;
  std::uint32_t count_;
  std::unique_ptr<Hive> hive_;
};

}  // namespace

void bench_federated(Bench& bench) {
  People people(bench);
  std::mt19937_64 random(11);
  Samples ours;
  Samples handing_on;
  Samples asking_for_more;
  std::int64_t different = 0;
  const int rounds = bench.sized(20, 60, 200);
  for (int round = 0; round < rounds; ++round) {
    bench.update("federated queries", round, rounds);
    const auto question = people.question(random);
    Stopwatch watch;
    auto found = people.in_one_statement(question);
    ours.add(watch.milliseconds());
    watch = {};
    auto same = people.handing_on(question);
    handing_on.add(watch.milliseconds());
    watch = {};
    people.asking_for_more(question);
    asking_for_more.add(watch.milliseconds());
    std::sort(found.begin(), found.end());
    std::sort(same.begin(), same.end());
    different += found == same ? 0 : 1;
  }
  const double better = std::min(handing_on.median(), asking_for_more.median());
  bench.add(measured("federated", "queries/s", 1e3 / ours.median())
                .against("the same join in an application, the better of two ways", 1e3 / better)
                .ratio_at_least(3)
                .detail("ours_p95_ms", ours.percentile(95))
                .detail("handing_on_median_ms", handing_on.median())
                .detail("asking_for_more_median_ms", asking_for_more.median())
                .detail("different_answers", different));
}

}  // namespace triune::bench
