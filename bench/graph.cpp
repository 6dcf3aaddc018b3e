// Traversals through the hive's router, against the better of SQLite and Kuzu used directly.
#include <fmt/format.h>

#include <map>

#include "graph_peers.h"
#include "scenarios.h"
#include "triune/hive.h"

namespace triune::bench {
namespace {

constexpr std::uint32_t longest_path = 10;
constexpr std::uint64_t query_seed = 7;

/// One question, put to all three in turn.
struct Question {
  std::string name;
  std::function<std::int64_t(std::uint32_t from, std::uint32_t to)> ours;
  std::function<std::int64_t(std::uint32_t from, std::uint32_t to)> sqlite;
  std::function<std::int64_t(std::uint32_t from, std::uint32_t to)> kuzu;
  int rounds;
  int sqlite_rounds;  ///< Fewer where it takes seconds.
};

struct Answers {
  Samples ours;
  Samples sqlite;
  Samples kuzu;
};

class Comparison {
 public:
  Comparison(Bench& bench, const RandomGraph& graph) : bench_(bench), graph_(graph) {}

  void ask(const Question& question) {
    Answers answers;
    std::mt19937_64 random(query_seed);
    for (int round = 0; round < question.rounds; ++round) {
      bench_.update("graph queries", static_cast<std::uint64_t>(round), static_cast<std::uint64_t>(question.rounds));
      const auto from = static_cast<std::uint32_t>(random() % graph_.nodes);
      const auto to = static_cast<std::uint32_t>(random() % graph_.nodes);
      const auto expected = timed_call(question.ours, from, to, answers.ours);
      if (timed_call(question.kuzu, from, to, answers.kuzu) != expected) differ(question, "Kuzu", from, to);
      if (round < question.sqlite_rounds && timed_call(question.sqlite, from, to, answers.sqlite) != expected)
        differ(question, "SQLite", from, to);
    }
    report(question, answers);
  }

  std::string route;  ///< What the last question was answered by.

 private:
  static std::int64_t timed_call(const std::function<std::int64_t(std::uint32_t, std::uint32_t)>& call,
                                 std::uint32_t from, std::uint32_t to, Samples& samples) {
    const Stopwatch watch;
    const auto answer = call(from, to);
    samples.add(watch.milliseconds());
    return answer;
  }

  [[noreturn]] static void differ(const Question& question, std::string_view peer, std::uint32_t from,
                                  std::uint32_t to) {
    throw std::runtime_error(fmt::format("{} from {} to {}: our answer is not that of {}", question.name,
                                         RandomGraph::id(from), RandomGraph::id(to), peer));
  }

  void report(const Question& question, const Answers& answers) {
    const bool sqlite_better = answers.sqlite.median() <= answers.kuzu.median();
    bench_.add(measured("graph_" + question.name, "ms", answers.ours.median())
                   .against(sqlite_better ? "raw SQLite" : "raw Kuzu",
                            sqlite_better ? answers.sqlite.median() : answers.kuzu.median())
                   .ratio_at_most(1.2)
                   .detail("ours_p95_ms", answers.ours.percentile(95))
                   .detail("sqlite_ms", answers.sqlite.median())
                   .detail("kuzu_ms", answers.kuzu.median())
                   .detail("route", route));
  }

  Bench& bench_;
  const RandomGraph& graph_;
};

void make_hive(Bench& bench, const std::filesystem::path& folder, const RandomGraph& graph) {
  const auto hive = must(Hive::open(folder));
  must(hive->load_nodes("Person", nodes_of(graph), bench.progress()));
  must(hive->load_edges("KNOWS", "Person", "Person", edges_of(graph), bench.progress()));
  must(hive->wait(must(hive->receipt()).token(), Deadline::after(std::chrono::minutes(10))));
}

}  // namespace

void bench_graph(Bench& bench) {
  const RandomGraph graph{bench.sized(20'000U, 100'000U, 100'000U), 24};
  const auto folder = prepared(bench, "graph", [&](const std::filesystem::path& made) {
    make_hive(bench, made / "hive", graph);
    SqliteGraph::make(made / "graph.db", graph);
    KuzuGraph::make(made, graph);
  });
  const auto hive = must(Hive::open(folder / "hive"));
  SqliteGraph sqlite(folder / "graph.db");
  KuzuGraph kuzu(folder);
  must(hive->wait(must(hive->receipt()).token(), Deadline::after(std::chrono::minutes(10))));
  Comparison comparison(bench, graph);
  const auto person = [](std::uint32_t node) { return NodeReference{"Person", RandomGraph::id(node)}; };
  const auto routed = [&](const auto& answer) {
    comparison.route = fmt::format("{}: {}", answer.route.engine, answer.route.reason);
    return answer.value;
  };
  for (const std::uint32_t steps : {1U, 2U, 3U})
    comparison.ask({.name = fmt::format("{}_hop", steps),
                    .ours =
                        [&, steps](std::uint32_t from, std::uint32_t) {
                          return static_cast<std::int64_t>(routed(
                              must(hive->count_neighbors({.node = person(from), .type = "KNOWS", .depth = steps}))));
                        },
                    .sqlite = [&, steps](std::uint32_t from,
                                         std::uint32_t) { return sqlite.count_within(RandomGraph::id(from), steps); },
                    .kuzu = [&, steps](std::uint32_t from,
                                       std::uint32_t) { return kuzu.count_within(RandomGraph::id(from), steps); },
                    .rounds = steps == 1 ? 300 : bench.sized(20, 60, 200),
                    .sqlite_rounds = 1000});
  comparison.ask({.name = "shortest_path",
                  .ours =
                      [&](std::uint32_t from, std::uint32_t to) {
                        const auto path = routed(must(hive->shortest_path(
                            {.from = person(from), .to = person(to), .type = "KNOWS", .max_length = longest_path})));
                        return path.nodes.empty() ? 0 : static_cast<std::int64_t>(path.nodes.size()) - 1;
                      },
                  .sqlite =
                      [&](std::uint32_t from, std::uint32_t to) {
                        return sqlite.shortest_path(RandomGraph::id(from), RandomGraph::id(to), longest_path);
                      },
                  .kuzu =
                      [&](std::uint32_t from, std::uint32_t to) {
                        return kuzu.shortest_path(RandomGraph::id(from), RandomGraph::id(to), longest_path);
                      },
                  .rounds = bench.sized(20, 60, 200),
                  .sqlite_rounds = 5});
  comparison.ask({.name = "path_count",
                  .ours =
                      [&](std::uint32_t, std::uint32_t) {
                        return static_cast<std::int64_t>(
                            routed(must(hive->count_paths({.type = "KNOWS", .length = 2}))));
                      },
                  .sqlite = [&](std::uint32_t, std::uint32_t) { return sqlite.count_two_step_paths(); },
                  .kuzu = [&](std::uint32_t, std::uint32_t) { return kuzu.count_two_step_paths(); },
                  .rounds = bench.sized(10, 30, 60),
                  .sqlite_rounds = 2});
}

}  // namespace triune::bench
