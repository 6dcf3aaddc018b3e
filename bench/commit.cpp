// Coordinated commits from 16 producers, against the naive sequence and against SQLite alone.
#include "commit_peers.h"
#include "scenarios.h"

namespace triune::bench {
namespace {

constexpr std::size_t producers = 16;

struct Side {
  std::function<void(std::uint64_t)> commit;
  Samples rates;
  Samples latencies;
  std::uint64_t next = 1;

  void round(double seconds) {
    const Stopwatch watch;
    const auto done = produce(producers, seconds, next, commit, latencies);
    rates.add(static_cast<double>(done) / watch.seconds());
    next += done;
  }
};

void report(Bench& bench, const Side& ours, const Side& naive, const Side& bare, const Samples& catch_up) {
  bench.add(measured("commit", "commits/s", ours.rates.median())
                .against("three engine writes", naive.rates.median())
                .ratio_at_least(20)
                .detail("ours_p50_ms", ours.latencies.percentile(50))
                .detail("ours_p99_ms", ours.latencies.percentile(99))
                .detail("peer_p50_ms", naive.latencies.percentile(50))
                .detail("peer_p99_ms", naive.latencies.percentile(99)));
  bench.add(measured("commit_bare", "commits/s", ours.rates.median())
                .against("bare SQLite group commit", bare.rates.median())
                .ratio_at_least(0.5)
                .detail("producers", std::int64_t{producers})
                .detail("peer_p50_ms", bare.latencies.percentile(50))
                .detail("peer_p99_ms", bare.latencies.percentile(99))
                .detail("projections_caught_up_s", catch_up.median()));
}

}  // namespace

void bench_commit(Bench& bench) {
  const WorkFolder folder(bench.settings(), "commit");
  const WorkItems items;
  const auto hive = must(Hive::open(folder.path() / "hive"));
  prepare_hive(*hive);
  NaiveStores naive_stores(folder.path() / "naive");
  BareGroupCommit bare_store(folder.path() / "bare");
  Side ours{[&](std::uint64_t number) { must(hive->commit(items.commit(number))); }};
  Side naive{[&](std::uint64_t number) { naive_stores.commit(items.item(number)); }};
  Side bare{[&](std::uint64_t number) { bare_store.commit(items.item(number)); }};
  Samples catch_up;
  const int rounds = bench.sized(3, 7, 15);
  const double seconds = bench.sized(1.0, 2.0, 4.0);
  for (int round = 0; round < rounds; ++round) {
    bench.update("commits, ours and peers in turn", static_cast<std::uint64_t>(round),
                 static_cast<std::uint64_t>(rounds));
    ours.round(seconds);
    // The peers' turns must not pay for our projections.
    catch_up.add(
        timed([&] { must(hive->wait(must(hive->receipt()).token(), Deadline::after(std::chrono::minutes(5)))); }));
    bare.round(seconds);
    naive.round(seconds);
  }
  report(bench, ours, naive, bare, catch_up);
}

}  // namespace triune::bench
