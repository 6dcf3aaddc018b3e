// A hive of a gigabyte, opened by a process that has just started.
#include <fmt/format.h>

#include "data.h"
#include "scenarios.h"
#include "triune/hive.h"

namespace triune::bench {
namespace {

std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

}  // namespace

Record open_hive_child(std::span<const std::string> arguments) {
  Record report;
  const Stopwatch watch;
  const auto note = [&](const std::string& what) {
    report.push_back({what + "_ms", watch.milliseconds()});
    report.push_back({what + "_peak_kb", static_cast<std::int64_t>(process_kilobytes("VmHWM"))});
  };
  const auto hive = must(Hive::open(arguments[0]));
  note("opened");
  must(hive->get_node({"Person", "p77"}));
  note("first_read");
  must(hive->count_neighbors({.node = {"Person", "p77"}, .type = "KNOWS", .depth = 2}));
  note("first_traversal");
  std::vector<float> query;
  ClusteredVectors(vector_dimension, 1).next(query);
  must(hive->search({.collection = "memories", .query = query}));
  note("first_search");
  must(hive->cypher("MATCH (a:Person)-[:KNOWS]->(b:Person) WHERE a.id = 'p77' RETURN b.id"));
  note("first_cypher");
  must(hive->close());
  note("closed");
  return report;
}

void bench_open(Bench& bench) {
  const auto hive = large_hive(bench) / "hive";
  Samples reads;
  Samples peaks;
  Record last;
  const int rounds = bench.sized(5, 15, 30);
  for (int round = 0; round < rounds; ++round) {
    bench.update("opening in fresh processes", static_cast<std::uint64_t>(round), static_cast<std::uint64_t>(rounds));
    last = in_child(bench.settings(), "open-hive", {hive.string()});
    // The first one brings the files into the page cache.
    if (round > 0) reads.add(number(last, "first_read_ms"));
    peaks.add(number(last, "closed_peak_kb") / 1024);
  }
  auto row = measured("open", "ms", reads.largest())
                 .at_most(200)
                 .detail("measure", std::string("from the start of the process to the first read, the slowest"))
                 .detail("median_ms", reads.median())
                 .detail("hive_mb", static_cast<double>(bytes_in(hive)) / (1 << 20));
  for (const auto& field : last) row.details.push_back(field);
  bench.add(row);
  bench.add(
      measured("open_memory", "MB", peaks.largest())
          .at_most(500)
          .detail("measure",
                  std::string("peak resident memory after a read, a traversal, a vector search and a Cypher query")));
}

}  // namespace triune::bench
