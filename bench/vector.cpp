// Nearest neighbours among 100,000 vectors through the hive, against usearch's index used directly.
#include <numeric>
#include <unordered_set>

#include "vector_set.h"

namespace triune::bench {

void bench_vector(Bench& bench) {
  VectorSet set(bench);
  const auto queries = set.queries(bench.sized<std::size_t>(100, 500, 2000));
  Samples ours;
  Samples peer;
  double our_recall = 0;
  double peer_recall = 0;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    bench.update("vector searches", i, queries.size());
    const std::vector<float> query(queries.at(i).begin(), queries.at(i).end());
    const VectorSearch search{.collection = "points", .query = query, .count = nearest_count};
    Stopwatch watch;
    const auto found = must(set.hive().search(search));
    ours.add(watch.milliseconds());
    watch = {};
    const auto raw = set.index().search(query, nearest_count);
    peer.add(watch.milliseconds());
    const auto truth = set.scan().search(query, nearest_count, set.all());
    our_recall += set.recall(found.hits, truth);
    peer_recall += VectorSet::recall(raw, truth);
  }
  const auto count = static_cast<double>(queries.size());
  bench.add(measured("vector_recall", "of 10", our_recall / count)
                .against("raw usearch f32", peer_recall / count)
                .at_least(0.95)
                .detail("vectors", static_cast<std::int64_t>(set.all().size())));
  bench.add(measured("vector_search", "ms", ours.percentile(95))
                .against("raw usearch f32", peer.percentile(95))
                .at_most(5)
                .detail("measure", std::string("p95"))
                .detail("ours_p50_ms", ours.percentile(50))
                .detail("peer_p50_ms", peer.percentile(50))
                .detail("load_s", set.load_seconds())
                .detail("peer_build_s", set.peer_build_seconds()));
}

}  // namespace triune::bench
