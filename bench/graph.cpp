// Traversals through the hive's router, against the better of SQLite and Kuzu used directly.
#include <fmt/format.h>

#include <array>
#include <vector>

#include "graph_peers.h"
#include "scenarios.h"
#include "triune/hive.h"

namespace triune::bench {
namespace {

constexpr std::uint32_t longest_path = 10;
constexpr std::uint64_t query_seed = 7;

using Call = std::function<std::int64_t(std::uint32_t from, std::uint32_t to)>;

/// One question for all three.
struct Question {
  std::string name;
  Call ours;
  Call sqlite;
  Call kuzu;
  std::size_t rounds;
  std::size_t sqlite_rounds;  ///< Fewer where it takes seconds.
};

class Comparison {
 public:
  Comparison(Bench& bench, const RandomGraph& graph) : bench_(bench), graph_(graph) {}

  void ask(const Question& question) {
    std::array<Side, 3> sides{Side{"Triune", question.ours, question.rounds},
                              Side{"SQLite", question.sqlite, question.sqlite_rounds},
                              Side{"Kuzu", question.kuzu, question.rounds}};
    std::mt19937_64 random(query_seed);
    for (std::size_t round = 0; round < question.rounds; round += block) {
      bench_.update("graph queries", round, question.rounds);
      std::array<Pair, block> pairs;
      for (auto& pair : pairs)
        pair = {static_cast<std::uint32_t>(random() % graph_.nodes),
                static_cast<std::uint32_t>(random() % graph_.nodes)};
      // Each begins in turn, since what runs before a block leaves its traces in the processor's caches.
      for (std::size_t i = 0; i < sides.size(); ++i) sides[(i + round / block) % sides.size()].run(pairs, round);
      check_equal(question, sides, pairs);
    }
    report(question, sides[0].times, sides[1].times, sides[2].times);
  }

  std::string route;  ///< What the last question was answered by.

 private:
  static constexpr std::size_t block = 5;
  using Pair = std::pair<std::uint32_t, std::uint32_t>;

  struct Side {
    std::string_view name;
    const Call& call;
    std::size_t rounds;
    Samples times = {};
    std::vector<std::int64_t> answers = {};  ///< To the last block; none once the rounds are over.

    void run(const std::array<Pair, block>& pairs, std::size_t round) {
      answers.clear();
      if (round >= rounds) return;
      for (const auto& [from, to] : pairs) {
        const Stopwatch watch;
        answers.push_back(call(from, to));
        times.add(watch.milliseconds());
      }
    }
  };

  static void check_equal(const Question& question, const std::array<Side, 3>& sides,
                          const std::array<Pair, block>& pairs) {
    for (const auto& side : sides)
      for (std::size_t i = 0; i < side.answers.size(); ++i)
        if (side.answers[i] != sides[0].answers[i])
          throw std::runtime_error(fmt::format("{} from {} to {}: {} says {} and Triune {}", question.name,
                                               RandomGraph::id(pairs[i].first), RandomGraph::id(pairs[i].second),
                                               side.name, side.answers[i], sides[0].answers[i]));
  }

  void report(const Question& question, const Samples& ours, const Samples& sqlite, const Samples& kuzu) {
    const bool sqlite_better = sqlite.median() <= kuzu.median();
    bench_.add(measured("graph_" + question.name, "ms", ours.median())
                   .against(sqlite_better ? "raw SQLite" : "raw Kuzu", sqlite_better ? sqlite.median() : kuzu.median())
                   .ratio_at_most(1.2)
                   .detail("ours_p95_ms", ours.percentile(95))
                   .detail("sqlite_ms", sqlite.median())
                   .detail("kuzu_ms", kuzu.median())
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
                    .rounds = steps == 1 ? 300 : bench.sized<std::size_t>(30, 90, 300),

                    .sqlite_rounds = 300});
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
                  .rounds = bench.sized<std::size_t>(30, 90, 300),
                  .sqlite_rounds = 5});
  comparison.ask({.name = "path_count",
                  .ours =
                      [&](std::uint32_t, std::uint32_t) {
                        return static_cast<std::int64_t>(
                            routed(must(hive->count_paths({.type = "KNOWS", .length = 2}))));
                      },
                  .sqlite = [&](std::uint32_t, std::uint32_t) { return sqlite.count_two_step_paths(); },
                  .kuzu = [&](std::uint32_t, std::uint32_t) { return kuzu.count_two_step_paths(); },
                  .rounds = bench.sized<std::size_t>(15, 45, 90),
                  .sqlite_rounds = 5});
}

}  // namespace triune::bench
