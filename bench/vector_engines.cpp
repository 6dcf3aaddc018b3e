// Our vector engines behind their contract, and the raw ones, on the same vectors: building, memory, recall against
// queries a second, filters, deleting and adding again.
//
// Engines are built one after the other, so that each one's memory is seen, and then searched in turn, each effort of
// each engine in every round, on one thread.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <map>

#include "measured_vectors.h"
#include "scenarios.h"

namespace triune::bench {
namespace {

constexpr double wanted_recall = 0.95;
constexpr std::size_t thorough_effort = 512;
constexpr std::size_t warming = 10;  ///< Queries before those that count.

double recall_of(std::span<const Keys> found, std::span<const Keys> truth) {
  double right = 0;
  double all = 0;
  for (std::size_t query = 0; query < found.size(); ++query) {
    all += static_cast<double>(truth[query].size());
    for (const auto key : truth[query])
      right += std::find(found[query].begin(), found[query].end(), key) != found[query].end() ? 1 : 0;
  }
  return all == 0 ? 1 : right / all;
}

/// What one engine reaches with one effort.
struct Point {
  std::size_t effort = 0;
  double recall = 0;
  double rate = 0;  ///< Queries a second.
};

class Entrant {
 public:
  explicit Entrant(std::unique_ptr<VectorContender> contender) : contender_(std::move(contender)) {
    for (const auto effort : contender_->efforts()) curve_.push_back({.effort = effort});
    rates_.resize(curve_.size());
    found_.resize(curve_.size());
  }

  [[nodiscard]] VectorContender& engine() { return *contender_; }
  [[nodiscard]] std::span<const Point> curve() const { return curve_; }
  [[nodiscard]] double build_seconds() const { return build_seconds_; }
  [[nodiscard]] double megabytes() const { return megabytes_; }

  void build(const VectorTable& table) {
    ::malloc_trim(0);
    const auto before = process_kilobytes("RssAnon") + contender_->other_kilobytes();
    build_seconds_ = timed([&] { contender_->build(table); });
    ::malloc_trim(0);
    const auto after = process_kilobytes("RssAnon") + contender_->other_kilobytes();
    megabytes_ = (static_cast<double>(after) - static_cast<double>(before)) / 1024;
  }

  void run_round(const VectorTable& queries, std::size_t first, std::size_t last) {
    for (std::size_t at = 0; at < curve_.size(); ++at) {
      auto run = contender_->run(queries, first, last, measured_count, curve_[at].effort, nullptr);
      rates_[at].add(static_cast<double>(last - first) / run.seconds);
      found_[at].insert(found_[at].end(), run.found.begin(), run.found.end());
    }
  }

  void finish(std::span<const Keys> truth) {
    for (std::size_t at = 0; at < curve_.size(); ++at) {
      curve_[at].recall = recall_of(found_[at], truth);
      curve_[at].rate = rates_[at].median();
    }
  }

  /// Queries a second at a recall of `recall` or better, between two points of the curve; 0 when it is not reached.
  [[nodiscard]] double rate_at(double recall) const {
    double best = 0;
    for (std::size_t at = 0; at < curve_.size(); ++at) {
      const auto& here = curve_[at];
      if (here.recall >= recall) best = std::max(best, here.rate);
      if (at == 0 || here.recall < recall || curve_[at - 1].recall >= recall) continue;
      const auto& before = curve_[at - 1];
      const double part = (recall - before.recall) / (here.recall - before.recall);
      best = std::max(best, before.rate + part * (here.rate - before.rate));
    }
    return best;
  }

  /// Where in the curve a recall is reached first; the last one when it is not.
  [[nodiscard]] std::size_t place_of(double recall) const {
    const auto at =
        std::find_if(curve_.begin(), curve_.end(), [&](const Point& point) { return point.recall >= recall; });
    return at == curve_.end() ? curve_.size() - 1 : static_cast<std::size_t>(at - curve_.begin());
  }

  [[nodiscard]] Json curve_json() const {
    std::string text;
    for (const auto& point : curve_)
      text += fmt::format("{}[{}, {:.4f}, {:.1f}]", text.empty() ? "" : ", ", point.effort, point.recall, point.rate);
    return {"[" + text + "]"};
  }

 private:
  std::unique_ptr<VectorContender> contender_;
  std::vector<Point> curve_;
  std::vector<Samples> rates_;
  std::vector<std::vector<Keys>> found_;
  double build_seconds_ = 0;
  double megabytes_ = 0;
};

class EngineComparison {
 public:
  EngineComparison(Bench& bench, MeasuredVectors vectors)
      : bench_(bench), vectors_(std::move(vectors)), work_(bench.settings(), "vectors-" + vectors_.name) {
    std::vector<std::string> missing;
    const bool with_slow = bench.sized(false, vectors_.stored.dimension <= 128, true);
    for (auto& contender : vector_contenders(work_.path(), with_slow, missing))
      entrants_.emplace_back(std::move(contender));
    for (const auto& how : missing) bench_.say("  left out: " + how);
  }

  void run() {
    bench_.say(fmt::format("  {}: {} × {}", vectors_.name, vectors_.stored.size(), vectors_.stored.dimension));
    for (std::size_t at = 0; at < entrants_.size(); ++at) {
      bench_.update("building " + entrants_[at].engine().name(), at, entrants_.size());
      entrants_[at].build(vectors_.stored);
    }
    measure_curves();
    for (auto& entrant : entrants_) report_curve(entrant);
    for (auto& entrant : entrants_)
      if (entrant.engine().is_ours()) report_against_raw(entrant);
    for (const std::int64_t limit : {500, 100, 10, 1}) compare_filtered(limit);
    for (auto& entrant : entrants_)
      if (entrant.engine().can_change()) measure_churn(entrant);
  }

 private:
  void measure_curves() {
    const auto rounds = bench_.sized<std::size_t>(2, 5, 5);
    const auto size = bench_.sized<std::size_t>(50, 80, 200);
    for (std::size_t round = 0; round < rounds; ++round)
      for (std::size_t at = 0; at < entrants_.size(); ++at) {
        bench_.update("searching", round * entrants_.size() + at, rounds * entrants_.size());
        read_into_page_cache(work_.path());
        entrants_[at].run_round(vectors_.queries, round * size, (round + 1) * size);
      }
    const auto truth = vectors_.truth(nullptr);
    for (auto& entrant : entrants_) entrant.finish(std::span(truth).first(rounds * size));
  }

  void report_curve(Entrant& entrant) {
    bench_.add(
        measured(fmt::format("{}: {}", vectors_.name, entrant.engine().name()), "q/s", entrant.rate_at(wanted_recall))
            .detail("at_recall", wanted_recall)
            .detail("build_s", entrant.build_seconds())
            .detail("memory_mb", entrant.megabytes())
            .detail("vectors", static_cast<std::int64_t>(vectors_.stored.size()))
            .detail("effort", entrant.engine().effort_name())
            .detail("effort_recall_rate", entrant.curve_json()));
  }

  /// The raw engine that is fastest at a recall; of LanceDB's only where `lancedb_alone`.
  const Entrant& best_raw(double recall, bool lancedb_alone) {
    Entrant* best = nullptr;
    for (auto& entrant : entrants_) {
      if (entrant.engine().is_ours() || (lancedb_alone && !entrant.engine().name().starts_with("LanceDB"))) continue;
      if (best == nullptr || entrant.rate_at(recall) > best->rate_at(recall)) best = &entrant;
    }
    if (best == nullptr) throw std::runtime_error("there is no raw engine to compare with");
    return *best;
  }

  void report_against_raw(Entrant& ours) {
    const bool is_lancedb = ours.engine().name() == "ours (lancedb)";
    const auto add = [&](const std::string& where, double recall) {
      auto& best = const_cast<Entrant&>(best_raw(recall, is_lancedb));
      bench_.add(measured(fmt::format("{}_{}_{}", vectors_.name, is_lancedb ? "lancedb" : "usearch", where), "q/s",
                          ours.rate_at(recall))
                     .against(best.engine().name(), best.rate_at(recall))
                     .ratio_at_least(0.9)
                     .detail("at_recall", recall));
    };
    add("at_0.95", wanted_recall);
    add("at_its_recall", ours.curve()[ours.place_of(wanted_recall)].recall);
  }

  struct Filtered {
    Entrant* entrant = nullptr;
    double recall = 0;
    double rate = 0;
  };

  /// Begins with the effort that is enough without a filter, and tries greater ones where the recall is not reached.
  /// What an engine keeps of a filter, or reads at the first use of an index, is not in the time.
  Filtered filtered(Entrant& entrant, const AdmittedRows& admitted, std::span<const Keys> truth) {
    Filtered best{.entrant = &entrant};
    const auto usual = entrant.curve()[entrant.place_of(wanted_recall)].effort;
    (void)entrant.engine().run(vectors_.queries, vectors_.queries.size() - warming, vectors_.queries.size(),
                               measured_count, usual, &admitted);
    for (auto at = entrant.place_of(wanted_recall); at < entrant.curve().size(); ++at) {
      const auto run = entrant.engine().run(vectors_.queries, 0, truth.size(), measured_count,
                                            entrant.curve()[at].effort, &admitted);
      best.recall = recall_of(run.found, truth);
      best.rate = static_cast<double>(truth.size()) / run.seconds;
      if (best.recall >= wanted_recall) break;
    }
    return best;
  }

  void compare_filtered(std::int64_t limit) {
    const auto admitted = vectors_.admitted(limit);
    const auto all = vectors_.truth(&admitted);
    const auto truth = std::span(all).first(bench_.sized<std::size_t>(20, 100, 200));
    std::vector<Filtered> results;
    for (auto& entrant : entrants_)
      if (entrant.engine().can_filter()) {
        bench_.update("filtered searches", results.size(), entrants_.size());
        read_into_page_cache(work_.path());
        results.push_back(filtered(entrant, admitted, truth));
      }
    for (const auto& ours : results)
      if (ours.entrant->engine().is_ours()) report_filtered(ours, results, limit);
  }

  void report_filtered(const Filtered& ours, std::span<const Filtered> results, std::int64_t limit) {
    const bool is_lancedb = ours.entrant->engine().name() == "ours (lancedb)";
    const Filtered* best = nullptr;
    std::string others;
    for (const auto& each : results) {
      const auto name = each.entrant->engine().name();
      others += fmt::format("{}[{}, {:.3f}, {:.1f}]", others.empty() ? "" : ", ", to_json(Value(name)), each.recall,
                            each.rate);
      if (each.entrant->engine().is_ours() || each.recall < wanted_recall) continue;
      if (is_lancedb && !name.starts_with("LanceDB")) continue;
      if (best == nullptr || each.rate > best->rate) best = &each;
    }
    auto row = measured(fmt::format("{}_{}_filtered_{}%", vectors_.name, is_lancedb ? "lancedb" : "usearch",
                                    static_cast<double>(limit) / 10),
                        "q/s", ours.rate);
    if (best != nullptr) row.against(best->entrant->engine().name(), best->rate).ratio_at_least(0.9);
    row.goal += ", recall ≥ 0.95";
    row.met = row.met.value_or(true) && ours.recall >= wanted_recall;
    bench_.add(row.detail("recall", ours.recall).detail("engine_recall_rate", Json{"[" + others + "]"}));
  }

  /// A third is deleted and added again. Then every vector must be found by itself.
  void measure_churn(Entrant& entrant) {
    Keys rows;
    for (std::uint32_t row = 0; row < vectors_.stored.size(); row += 3) rows.push_back(row);
    bench_.say(fmt::format("  {} × deleted and added again: {}", rows.size(), entrant.engine().name()));
    const double seconds = timed([&] { entrant.engine().churn(vectors_.stored, rows); });
    const auto place = entrant.place_of(wanted_recall);
    const auto all = vectors_.truth(nullptr);
    const auto truth = std::span(all).first(bench_.sized<std::size_t>(50, 200, 400));
    read_into_page_cache(work_.path());
    const auto run =
        entrant.engine().run(vectors_.queries, 0, truth.size(), measured_count, entrant.curve()[place].effort, nullptr);
    const double recall = recall_of(run.found, truth);
    const double before = entrant.curve()[place].recall;
    auto row = measured(fmt::format("{}_churn: {}", vectors_.name, entrant.engine().name()), "recall", recall)
                   .against("itself before", before)
                   .detail("churn_s", seconds)
                   .detail("q_s", static_cast<double>(truth.size()) / run.seconds)
                   .detail("changed", static_cast<std::int64_t>(rows.size()));
    const auto lost = unreachable(entrant);
    row.detail("unreachable", static_cast<std::int64_t>(lost));
    if (entrant.engine().is_ours()) {
      row.ratio_at_least(0.99);
      row.goal += ", none unreachable";
      row.met = *row.met && lost == 0;
    }
    bench_.add(row);
  }

  /// Of a sample, changed and not, how many are not found by a thorough search for themselves.
  std::size_t unreachable(Entrant& entrant) {
    const auto sample = bench_.sized<std::size_t>(300, 1'500, 3'000);
    VectorTable probes{vectors_.stored.dimension, {}};
    Keys expected;
    for (std::size_t at = 0; at < sample; ++at) {
      const auto row = at * vectors_.stored.size() / sample;
      expected.push_back(row);
      probes.values.insert(probes.values.end(), vectors_.stored.at(row).begin(), vectors_.stored.at(row).end());
    }
    const auto efforts = entrant.engine().efforts();
    const auto thorough =
        std::find_if(efforts.begin(), efforts.end(), [](auto each) { return each >= thorough_effort; });
    const auto effort = thorough == efforts.end() ? efforts.back() : *thorough;
    const auto run = entrant.engine().run(probes, 0, sample, measured_count, effort, nullptr);
    std::size_t lost = 0;
    for (std::size_t at = 0; at < sample; ++at) {
      const auto& found = run.found[at];
      const bool is_there = std::find(found.begin(), found.end(), expected[at]) != found.end();
      const bool has_twin = !found.empty() && std::ranges::equal(vectors_.stored.at(found[0]), probes.at(at));
      lost += is_there || has_twin ? 0 : 1;
    }
    return lost;
  }

  Bench& bench_;
  MeasuredVectors vectors_;
  WorkFolder work_;
  std::vector<Entrant> entrants_;
};

void compare(Bench& bench, std::optional<MeasuredVectors> vectors, const std::string& how) {
  if (!vectors) return bench.say("  skipped: " + how);
  EngineComparison(bench, std::move(*vectors)).run();
}

}  // namespace

void bench_vector_glove(Bench& bench) {
  std::string how;
  auto vectors = glove_vectors(bench, how);
  compare(bench, std::move(vectors), how);
}

void bench_vector_mnist(Bench& bench) {
  std::string how;
  auto vectors = mnist_vectors(bench, how);
  compare(bench, std::move(vectors), how);
}

void bench_vector_clusters(Bench& bench) {
  compare(bench, cluster_vectors(bench), {});
}

}  // namespace triune::bench
