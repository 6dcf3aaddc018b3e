#include "intake/legacy_sqlite/speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <set>

#include "base/try.h"
#include "contract/vector_rules.h"
#include "intake/legacy_sqlite/row_layout.h"
#include "intake/legacy_sqlite/vector_cells.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using Clock = std::chrono::steady_clock;
using model::quote_identifier;

constexpr std::size_t most_samples = 15;
constexpr std::size_t fewest_samples = 3;
constexpr auto longest_question = std::chrono::seconds(3);
constexpr std::size_t most_tables = 3;
constexpr std::size_t most_edges = 8;
constexpr std::size_t most_collections = 3;
constexpr std::size_t nearest = 10;
constexpr std::size_t most_rows = 1'000'000;

/// What a side answered: the ids, in their order, or a count.
using Answer = std::vector<std::string>;
/// Answers for sample number `i`.
using Side = std::function<Result<Answer>(std::size_t i)>;

double median(std::vector<double>& times) {
  if (times.empty()) return 0;
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

Answer sorted(Answer answer) {
  std::sort(answer.begin(), answer.end());
  return answer;
}

/// Asks both sides in turn, so that neither profits from a quieter moment.
Result<SpeedReport> measure(SpeedReport report, std::size_t samples, const Side& before, const Side& after,
                            const std::function<bool(const Answer&, const Answer&)>& same) {
  std::vector<double> times_before;
  std::vector<double> times_after;
  const auto begin = Clock::now();
  const auto timed = [](const Side& side, std::size_t i, std::vector<double>& times) -> Result<Answer> {
    const auto start = Clock::now();
    TRIUNE_ASSIGN(auto answer, side(i));
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    return answer;
  };
  // The first of each is warm-up.
  TRIUNE_TRY(before(0));
  TRIUNE_TRY(after(0));
  for (std::size_t i = 0; i < samples; ++i) {
    TRIUNE_ASSIGN(const auto old_answer, timed(before, i, times_before));
    TRIUNE_ASSIGN(const auto new_answer, timed(after, i, times_after));
    report.same_answers = report.same_answers && same(old_answer, new_answer);
    ++report.samples;
    if (i + 1 >= fewest_samples && Clock::now() - begin > longest_question) break;
  }
  report.before_us = median(times_before);
  report.after_us = median(times_after);
  return report;
}

bool equal_sets(const Answer& left, const Answer& right) {
  return sorted(left) == sorted(right);
}

Answer answer_of(const RowSet& rows) {
  Answer answer;
  for (const auto& row : rows.rows) answer.push_back(to_text(row[0]));
  return answer;
}

class Speed {
 public:
  explicit Speed(const Work& work) : work_(work) {}

  Result<std::vector<SpeedReport>> all() {
    TRIUNE_TRY(measure_tables());
    TRIUNE_TRY(measure_indexes());
    const auto applies = [](const auto& one) { return one.apply; };
    if (std::any_of(work_.plan.edges.begin(), work_.plan.edges.end(), applies)) settle("graph");
    std::size_t edges = 0;
    for (const auto& edge : work_.plan.edges)
      if (edge.apply && edges++ < most_edges) TRIUNE_TRY(measure_edges(edge));
    std::size_t collections = 0;
    for (const auto& vector : work_.plan.vectors) {
      if (!vector.apply || ++collections > most_collections) continue;
      settle("vector:" + vector.collection);
      TRIUNE_TRY(measure_vectors(vector));
    }
    return std::move(reports_);
  }

 private:
  /// A projection that is still behind would be measured waiting; one that stays behind is measured as it is.
  void settle(const std::string& projection) {
    work_.report("waiting for " + projection, 0, 0);
    if (work_.quiet != nullptr)
      static_cast<void>(work_.quiet->only(projection, Deadline::after(std::chrono::minutes(5))));
  }

  /// Values of a column, spread over the table.
  Result<std::vector<Value>> samples_of(const std::string& table, const std::string& column) {
    const auto name = quote_identifier(column);
    TRIUNE_ASSIGN(const auto found,
                  work_.source.database().query(
                      fmt::format("SELECT DISTINCT {0} FROM (SELECT {0} FROM \"main\".{1} WHERE {0} IS NOT NULL "
                                  "LIMIT 20000) ORDER BY 1",
                                  name, quote_identifier(table)),
                      {}, most_rows, patient_deadline()));
    std::vector<Value> values;
    const std::size_t step = std::max<std::size_t>(1, found.rows.size() / most_samples);
    for (std::size_t i = step / 2; i < found.rows.size() && values.size() < most_samples; i += step)
      values.push_back(found.rows[i][0]);
    return values;
  }

  Side in_source(std::string sql, const std::vector<Value>& values) {
    return [this, sql = std::move(sql), &values](std::size_t i) -> Result<Answer> {
      TRIUNE_ASSIGN(const auto rows,
                    work_.source.database().query(sql, {&values[i], 1}, most_rows, patient_deadline()));
      return answer_of(rows);
    };
  }

  Side in_hive(std::string sql, const std::vector<Value>& values) {
    return [this, sql = std::move(sql), &values](std::size_t i) -> Result<Answer> {
      TRIUNE_ASSIGN(const auto rows, work_.hive.sql(sql, {&values[i], 1}));
      return answer_of(rows);
    };
  }

  Side by_neighbors(const EdgePlan& edge, bool backwards, std::uint32_t depth, const std::vector<Value>& values) {
    return [this, &edge, backwards, depth, &values](std::size_t i) -> Result<Answer> {
      const NeighborsQuery query{
          .node = {.label = backwards ? edge.to_label : edge.from_label, .id = to_text(values[i])},
          .type = edge.type,
          .direction = backwards ? Direction::in : Direction::out,
          .depth = depth};
      TRIUNE_ASSIGN(const auto found, work_.hive.neighbors(query, {.deadline = patient_deadline()}));
      engine_ = found.route.engine;
      Answer answer;
      for (const auto& neighbor : found.value) answer.push_back(neighbor.node.id);
      return answer;
    };
  }

  Status same_sql(const std::string& question, const std::string& table, const std::string& column,
                  const std::string& what, double promised_gain) {
    TRIUNE_TRY(work_.go_on());
    TRIUNE_ASSIGN(const auto values, samples_of(table, column));
    if (values.empty()) return {};
    const auto sql =
        fmt::format("SELECT {} FROM {} WHERE {} = ?1", what, quote_identifier(table), quote_identifier(column));
    TRIUNE_ASSIGN(auto report, measure({.kind = "relational",
                                        .question = question,
                                        .before = "SQL",
                                        .after = "the same SQL",
                                        .promised = promised_gain},
                                       values.size(), in_source(sql, values), in_hive(sql, values), equal_sets));
    reports_.push_back(std::move(report));
    return {};
  }

  /// Lookups by key in the largest tables.
  Status measure_tables() {
    std::vector<const TablePlan*> tables;
    for (const auto& table : work_.plan.tables)
      if (table.copy && table.rows > 0) tables.push_back(&table);
    std::sort(tables.begin(), tables.end(),
              [](const auto* left, const auto* right) { return left->bytes > right->bytes; });
    std::size_t done = 0;
    for (const auto* table : tables) {
      const auto* report = work_.source.table(table->name);
      const auto key = report == nullptr ? std::string() : identity_column(*report);
      if (key.empty() || done++ == most_tables) continue;
      TRIUNE_TRY(same_sql(fmt::format("a row of {} by {}", table->name, key), table->name, key, "*", 0));
    }
    return {};
  }

  /// Where the old file lacked an index and the plan made it.
  Status measure_indexes() {
    for (const auto& index : work_.plan.indexes)
      if (index.apply && index.columns.size() == 1)
        TRIUNE_TRY(same_sql(fmt::format("rows of {} by {}", index.table, index.columns[0]), index.table,
                            index.columns[0], "count(*)", index.measured_gain >= 2 ? 2 : 0));
    return {};
  }

  Status measure_edges(const EdgePlan& edge) {
    TRIUNE_TRY(work_.go_on());
    if (edge.kind != "columns") return measure_list(edge);
    const auto* table = work_.source.table(edge.table);
    if (table == nullptr) return {};
    // From the end that names a row, an edge is a column of that row: the other end is the question.
    const bool backwards = placement::same_name(edge.from_column, identity_column(*table));
    const auto& start = backwards ? edge.to_column : edge.from_column;
    const auto& end = backwards ? edge.from_column : edge.to_column;
    TRIUNE_ASSIGN(const auto values, samples_of(edge.table, start));
    if (values.empty()) return {};
    const bool same_label = edge.from_label == edge.to_label;
    const auto a = quote_identifier(start);
    const auto b = quote_identifier(end);
    const auto rows = quote_identifier(edge.table);
    auto sql = fmt::format("SELECT {1} FROM {2} WHERE {0} = ?1 AND {1} IS NOT NULL AND {1} <> ?1", a, b, rows);
    if (same_label)
      sql += fmt::format(
          " UNION SELECT y.{1} FROM {2} x JOIN {2} y ON y.{0} = x.{1} WHERE x.{0} = ?1 "
          "AND y.{1} IS NOT NULL AND y.{1} <> ?1",
          a, b, rows);
    else
      sql = "SELECT DISTINCT" + sql.substr(std::string_view("SELECT").size());
    return add_relationship(edge, fmt::format("{} along {}", same_label ? "within two hops" : "one hop", edge.type),
                            sql, backwards, same_label ? 2 : 1, values);
  }

  /// Which rows have a key in their list: the old file must look at every list.
  Status measure_list(const EdgePlan& edge) {
    const auto* node = node_plan(work_.plan, edge.to_label);
    const auto* target = node == nullptr ? nullptr : work_.source.table(node->table);
    if (target == nullptr) return {};
    TRIUNE_ASSIGN(const auto values, samples_of(target->name, identity_column(*target)));
    if (values.empty()) return {};
    const auto sql = fmt::format(
        "SELECT DISTINCT t.{0} FROM {1} t, {2} WHERE trim(e.value) = CAST(?1 AS TEXT) "
        "AND t.{0} IS NOT NULL",
        quote_identifier(edge.from_column), quote_identifier(edge.table), elements_of(edge));
    return add_relationship(edge, fmt::format("who has an element, by {}", edge.type), sql, true, 1, values);
  }

  Status add_relationship(const EdgePlan& edge, const std::string& question, const std::string& sql, bool backwards,
                          std::uint32_t depth, const std::vector<Value>& values) {
    work_.report("timing " + question, 0, 0);
    // A node is not its own neighbour.
    const auto same = [](const Answer& before, const Answer& after) { return equal_sets(before, after); };
    TRIUNE_ASSIGN(auto report,
                  measure({.kind = "relationship",
                           .question = question,
                           .before = "SQL",
                           .after = {},
                           .promised = edge.promised_gain},
                          values.size(), in_source(sql, values), by_neighbors(edge, backwards, depth, values), same));
    report.after = fmt::format("neighbors, by {}", engine_);
    reports_.push_back(std::move(report));
    return {};
  }

  struct Near {
    double distance = 0;
    std::string id;
    bool operator<(const Near& other) const { return distance < other.distance; }
  };

  /// As a program without a vector engine does it: read every vector and keep the nearest.
  Result<Answer> compare_every_vector(const VectorPlan& plan, Metric metric, const std::vector<float>& query) {
    TRIUNE_ASSIGN(auto cells, VectorCells::open(work_.source, plan));
    std::multiset<Near> best;
    std::string id;
    std::vector<float> values;
    while (true) {
      TRIUNE_ASSIGN(const bool more, cells.next(id, values));
      if (!more) break;
      best.insert({contract::exact_distance(metric, query, values), id});
      if (best.size() > nearest) best.erase(std::prev(best.end()));
    }
    Answer answer;
    for (const auto& one : best) answer.push_back(one.id);
    return answer;
  }

  Status measure_vectors(const VectorPlan& plan) {
    TRIUNE_TRY(work_.go_on());
    work_.report("timing nearest in " + plan.collection, 0, 0);
    TRIUNE_ASSIGN(const Metric metric, parse_metric(plan.metric));
    TRIUNE_ASSIGN(auto cells, VectorCells::open(work_.source, plan));
    std::vector<std::vector<float>> queries;
    std::string id;
    std::vector<float> values;
    while (queries.size() < most_samples) {
      TRIUNE_ASSIGN(const bool more, cells.next(id, values));
      if (!more) break;
      queries.push_back(values);
    }
    if (queries.empty()) return {};
    const Side before = [&](std::size_t i) { return compare_every_vector(plan, metric, queries[i]); };
    const Side after = [&](std::size_t i) -> Result<Answer> {
      TRIUNE_ASSIGN(const auto found,
                    work_.hive.search({.collection = plan.collection, .query = queries[i], .count = nearest},
                                      {.deadline = patient_deadline()}));
      Answer answer;
      for (const auto& hit : found.hits) answer.push_back(hit.id);
      return answer;
    };
    TRIUNE_ASSIGN(auto report, measure({.kind = "vector",
                                        .question = fmt::format("the {} nearest in {}", nearest, plan.collection),
                                        .before = "reading every vector",
                                        .after = "vector search"},
                                       queries.size(), before, after, nearly_same));
    reports_.push_back(std::move(report));
    return {};
  }

  /// An index may miss one of ten.
  static bool nearly_same(const Answer& left, const Answer& right) {
    const auto missed = std::count_if(left.begin(), left.end(), [&](const std::string& each) {
      return std::find(right.begin(), right.end(), each) == right.end();
    });
    return left.size() == right.size() && missed <= 1;
  }

  const Work& work_;
  std::string engine_;
  std::vector<SpeedReport> reports_;
};

}  // namespace

Result<std::vector<SpeedReport>> measure_speed(const Work& work) {
  return Speed(work).all();
}

}  // namespace triune::intake::legacy
