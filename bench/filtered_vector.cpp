// Searches among the vectors that a predicate admits, against the better of two ways used directly: an exact scan of
// the set, and usearch's index with the set as predicate.
//
// The peers are handed the set; ours finds it first by SQL. That part is reported apart and not in the comparison. Both
// sides end with ids and metadata of the hits.
#include <fmt/format.h>

#include "vector_set.h"

namespace triune::bench {
namespace {

struct Outcome {
  Samples ours;  // without the predicate's evaluation
  Samples filter;
  Samples scan;
  Samples index;
  double recall = 0;
  std::size_t wrong_counts = 0;
  std::string strategy;
};

class FilteredSearches {
 public:
  FilteredSearches(Bench& bench, VectorSet& set, std::int64_t bucket_limit)
      : bench_(bench),
        set_(set),
        limit_(bucket_limit),
        rows_(set.rows_below(bucket_limit)),
        allowed_(set.all().size()) {
    for (const auto row : rows_) allowed_[row] = true;
  }

  void run(const VectorTable& queries) {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      bench_.update("filtered searches", i, queries.size());
      one({queries.at(i).begin(), queries.at(i).end()});
    }
    report(static_cast<double>(queries.size()));
  }

 private:
  void one(const std::vector<float>& query) {
    Stopwatch watch;
    const auto found = must(set_.hive().search({.collection = "points",
                                                .query = query,
                                                .count = nearest_count,
                                                .where = "bucket < ?1",
                                                .parameters = {limit_}}));
    const double filter = std::chrono::duration<double, std::milli>(found.filter_time).count();
    out_.ours.add(watch.milliseconds() - filter);
    out_.filter.add(filter);
    watch = {};
    const auto scanned = set_.scan().search(query, nearest_count, rows_);
    set_.read_hits(scanned);
    out_.scan.add(watch.milliseconds());
    watch = {};
    set_.read_hits(set_.index().search(query, nearest_count, allowed_));
    out_.index.add(watch.milliseconds());
    out_.recall += set_.recall(found.hits, scanned);
    if (found.hits.size() != std::min(nearest_count, rows_.size())) ++out_.wrong_counts;
    out_.strategy = found.strategy;
  }

  void report(double queries) {
    const bool scan_better = out_.scan.median() <= out_.index.median();
    const double recall = out_.recall / queries;
    auto row = measured(fmt::format("filtered_vector_{}%", static_cast<double>(limit_) / 10), "ms", out_.ours.median())
                   .against(scan_better ? "raw exact scan of the set" : "raw usearch with predicate",
                            scan_better ? out_.scan.median() : out_.index.median())
                   .ratio_at_most(1.3)
                   .detail("filter_ms", out_.filter.median())
                   .detail("ours_p95_ms", out_.ours.percentile(95))
                   .detail("scan_ms", out_.scan.median())
                   .detail("index_ms", out_.index.median())
                   .detail("recall", recall)
                   .detail("wrong_counts", static_cast<std::int64_t>(out_.wrong_counts))
                   .detail("strategy", out_.strategy);
    row.goal += ", recall ≥ 0.95, exactly k";
    row.met = *row.met && recall >= 0.95 && out_.wrong_counts == 0;
    bench_.add(row);
  }

  Bench& bench_;
  VectorSet& set_;
  std::int64_t limit_;
  std::vector<std::uint32_t> rows_;
  std::vector<bool> allowed_;
  Outcome out_;
};

}  // namespace

void bench_filtered_vector(Bench& bench) {
  VectorSet set(bench);
  const auto queries = set.queries(bench.sized<std::size_t>(20, 60, 200));
  for (const std::int64_t limit : {500, 100, 10, 1}) FilteredSearches(bench, set, limit).run(queries);
}

}  // namespace triune::bench
