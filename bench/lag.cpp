// Projection lag and the wait for one's own writes, under a steady thousand commits a second.
#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "commit_work.h"
#include "scenarios.h"
#include "support/postgres_server.h"

namespace triune::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double commits_per_second = 1000;
constexpr std::size_t producers = 8;
constexpr std::chrono::milliseconds probe_interval{50};

Deadline patient() {
  return Deadline::after(std::chrono::minutes(2));
}

double milliseconds_since(Clock::time_point then) {
  return std::chrono::duration<double, std::milli>(Clock::now() - then).count();
}

/// Waits for each commit in the order of their ends and notes how long after its end every projection held it.
class LagWatch {
 public:
  explicit LagWatch(Hive& hive) : hive_(hive), thread_([this] { run(); }) {}
  ~LagWatch() { stop(); }
  LagWatch(const LagWatch&) = delete;
  LagWatch& operator=(const LagWatch&) = delete;
  void committed(const Receipt& receipt) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back({receipt.token(), Clock::now()});
    filled_.notify_one();
  }
  /// Waits for all and stops.
  Samples finish() {
    stop();
    if (failed_) std::rethrow_exception(failed_);
    return std::move(lags_);
  }

 private:
  struct Ended {
    Token token;
    Clock::time_point at;
  };
  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      finished_ = true;
      filled_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }
  void run() {
    try {
      for (;;) {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return finished_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        const auto ended = waiting_.front();
        waiting_.pop_front();
        lock.unlock();
        must(hive_.wait(ended.token, patient()));
        lags_.add(milliseconds_since(ended.at));
      }
    } catch (...) {
      failed_ = std::current_exception();
    }
  }

  Hive& hive_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Ended> waiting_;
  bool finished_ = false;
  Samples lags_;
  std::exception_ptr failed_;
  std::thread thread_;
};

/// Commits at the given pace, whatever each commit takes: who is late hurries.
struct Load {
  Hive& hive;
  const WorkItems& items;
  std::function<void(const Receipt&)> committed;
  double seconds;
  std::mutex mutex;
  Samples latencies;

  void run(std::size_t producer) {
    const auto start = Clock::now();
    const auto interval = std::chrono::duration<double>(producers / commits_per_second);
    const auto count = static_cast<std::uint64_t>(seconds * commits_per_second / producers);
    Samples mine;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::this_thread::sleep_until(start +
                                    std::chrono::duration_cast<Clock::duration>(interval * static_cast<double>(i)));
      const auto begin = Clock::now();
      committed(must(hive.commit(items.commit(1 + i * producers + producer))));
      mine.add(milliseconds_since(begin));
    }
    const std::scoped_lock lock(mutex);
    latencies.add(mine);
  }
};

/// Commits now and then and reads it back at once from both engines.
struct Probe {
  Hive& hive;
  const WorkItems& items;
  Samples graph;
  Samples vector;

  void run(const std::atomic<bool>& stop) {
    for (std::uint64_t number = 1'000'000'000; !stop; ++number) {
      const auto item = items.item(number);
      ReadOptions after;
      after.consistency = Consistency::at_least(must(hive.commit(items.commit(number))).token());
      auto begin = Clock::now();
      const auto rows =
          must(hive.cypher("MATCH (a:Agent)-[:WORKS_WITH]->(b:Agent) WHERE a.id = $from AND b.id = $to RETURN a.id",
                           {{"from", item.edges[0].first}, {"to", item.edges[0].second}}, after));
      graph.add(milliseconds_since(begin));
      if (rows.rows.empty()) throw std::runtime_error("an edge that was committed is not in the graph");
      after.consistency = Consistency::at_least(must(hive.commit(items.commit(++number))).token());
      begin = Clock::now();
      const auto found =
          must(hive.search({.collection = "memories", .query = *items.item(number).vector, .count = 1}, after));
      vector.add(milliseconds_since(begin));
      if (found.hits.empty() || found.hits[0].distance > 1e-3)
        throw std::runtime_error("a vector that was committed is not found");
      std::this_thread::sleep_for(probe_interval);
    }
  }
};

/// Where commits are made and, when other processes share the store, where one of them follows.
struct Nodes {
  Hive& hive;
  Hive* other = nullptr;
};

void add_lag(Bench& bench, std::string_view name, const Samples& lags, const Load& load, double elapsed) {
  const double rate = static_cast<double>(load.latencies.size()) / elapsed;
  bench.add(measured(std::string(name), "ms", lags.percentile(99))
                .at_most(250)
                .detail("measure", std::string("p99 of the time from a commit's end until every projection holds it"))
                .detail("p50_ms", lags.percentile(50))
                .detail("largest_ms", lags.largest())
                .detail("commits_per_second", rate)
                .detail("rate_reached", rate >= 0.98 * commits_per_second)
                .detail("commit_p50_ms", load.latencies.percentile(50))
                .detail("commit_p99_ms", load.latencies.percentile(99)));
}

/// Rows `prefix`lag, `prefix`read_own_writes and, with another node, `prefix`lag_other_node.
void measure_lag(Bench& bench, const Nodes& nodes, std::string_view prefix) {
  const WorkItems items;
  LagWatch lag(nodes.hive);
  std::optional<LagWatch> other_lag;
  if (nodes.other != nullptr) other_lag.emplace(*nodes.other);
  Load load{nodes.hive,
            items,
            [&](const Receipt& receipt) {
              lag.committed(receipt);
              if (other_lag) other_lag->committed(receipt);
            },
            bench.sized(4.0, 20.0, 60.0),
            {},
            {}};
  Probe probe{nodes.hive, items, {}, {}};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr failed;
  const auto guarded = [&](const std::function<void()>& work) {
    return [&, work] {
      try {
        work();
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failed = std::current_exception();
      }
    };
  };
  bench.say(fmt::format("  {} commits a second for {} s", commits_per_second, load.seconds));
  const Stopwatch watch;
  std::jthread prober(guarded([&] { probe.run(stop); }));
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < producers; ++i) workers.emplace_back(guarded([&load, i] { load.run(i); }));
  }
  const double elapsed = watch.seconds();
  stop = true;
  prober.join();
  const Samples lags = lag.finish();
  const Samples others = other_lag ? other_lag->finish() : Samples();
  if (failed) std::rethrow_exception(failed);
  add_lag(bench, fmt::format("{}lag", prefix), lags, load, elapsed);
  if (other_lag) add_lag(bench, fmt::format("{}lag_other_node", prefix), others, load, elapsed);
  bench.add(
      measured(fmt::format("{}read_own_writes", prefix), "ms",
               std::max(probe.graph.percentile(95), probe.vector.percentile(95)))
          .at_most(50)
          .detail("measure", std::string("p95 of a whole read at the token of a commit just made, the slower engine"))
          .detail("cypher_p50_ms", probe.graph.percentile(50))
          .detail("cypher_p95_ms", probe.graph.percentile(95))
          .detail("search_p50_ms", probe.vector.percentile(50))
          .detail("search_p95_ms", probe.vector.percentile(95))
          .detail("reads", static_cast<std::int64_t>(probe.graph.size() + probe.vector.size())));
}

}  // namespace

void bench_lag(Bench& bench) {
  const WorkFolder folder(bench.settings(), "lag");
  const auto hive = must(Hive::open(folder.path() / "hive"));
  prepare_hive(*hive);
  measure_lag(bench, {.hive = *hive}, "");
}

void bench_postgres_lag(Bench& bench) {
  const WorkFolder folder(bench.settings(), "postgres_lag");
  testing::PostgresServer server({.settings = {{"max_connections", "100"}}, .durable = true});
  const auto url = server.url(server.create_database());
  const auto hive = must(Hive::open(url, {.projections = folder.path() / "writer"}));
  prepare_hive(*hive);
  const auto other = must(Hive::open(url, {.projections = folder.path() / "reader"}));
  must(other->wait(must(hive->receipt()).token(), patient()));
  measure_lag(bench, {.hive = *hive, .other = other.get()}, "postgres_loaded_");
}

}  // namespace triune::bench
