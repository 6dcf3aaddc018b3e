// A million vectors of 384 dimensions in bounded memory: the vector engine by itself, against usearch's index used
// directly with 16 and 8 bits a value. In a child process, so that what is resident is the engine's alone.
#define USEARCH_USE_NUMKONG 1
#include <fmt/format.h>
#include <numkong/capabilities.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <iostream>
#include <numeric>
#include <thread>
#include <usearch/index_dense.hpp>

#include "adapters/builtin.h"
#include "data.h"
#include "scenarios.h"

namespace triune::bench {
namespace {

namespace native = unum::usearch;

constexpr std::size_t nearest = 10;
constexpr std::uint64_t seed = 384'000;
constexpr std::size_t threads = 2;

double megabytes(std::string_view name) {
  return static_cast<double>(process_kilobytes(name)) / 1024;
}

using Keys = std::vector<std::uint64_t>;

// What a way of searching has shown.
struct Seen {
  std::vector<Keys> found;
  Samples milliseconds;
  double processor_seconds = 0;

  void ask(const VectorTable& queries, const std::function<Keys(std::span<const float>)>& search) {
    for (std::size_t at = 0; at < queries.size(); ++at) search(queries.at(at));  // what is asked first comes from disk
    const double before = bench::processor_seconds();
    for (std::size_t at = 0; at < queries.size(); ++at) {
      const Stopwatch watch;
      found.push_back(search(queries.at(at)));
      milliseconds.add(watch.milliseconds());
    }
    processor_seconds = bench::processor_seconds() - before;
  }
  [[nodiscard]] double recall(const std::vector<Keys>& truth) const {
    std::size_t hits = 0;
    for (std::size_t at = 0; at < truth.size(); ++at)
      for (const auto key : truth[at]) hits += std::ranges::count(found[at], key) > 0 ? 1 : 0;
    return static_cast<double>(hits) / static_cast<double>(truth.size() * nearest);
  }
  void put(Record& record, const std::string& name, const std::vector<Keys>& truth) const {
    record.push_back({name + "_recall", recall(truth)});
    record.push_back({name + "_p50_ms", milliseconds.median()});
    record.push_back({name + "_per_s", static_cast<double>(found.size()) / processor_seconds});
  }
};

VectorTable queries_of(std::size_t count) {
  ClusteredVectors vectors(vector_dimension, seed);
  VectorTable table{.dimension = vector_dimension, .values = {}};
  std::vector<float> vector;
  for (std::size_t at = 0; at < count; ++at) {
    vectors.next(vector);
    table.values.insert(table.values.end(), vector.begin(), vector.end());
  }
  return table;
}

// The vectors that follow the queries in the same sequence.
void visit_vectors(std::size_t queries, std::size_t count,
                   const std::function<void(std::uint64_t, const std::vector<float>&)>& visit) {
  ClusteredVectors vectors(vector_dimension, seed);
  std::vector<float> vector;
  for (std::size_t at = 0; at < queries; ++at) vectors.next(vector);
  for (std::size_t at = 0; at < count; ++at) {
    vectors.next(vector);
    visit(at, vector);
  }
}

Seen measure_ours(const std::filesystem::path& folder, std::size_t count, const VectorTable& queries, Record& record) {
  const auto open = [&] {
    auto store = must(adapters::builtin().vector.at("usearch")({.path = folder, .threads = threads}));
    must(store->open_collection({"points", vector_dimension, Metric::cosine}));
    return store;
  };
  auto store = open();
  const Stopwatch watch;
  const double before = processor_seconds();
  const contract::VectorSource source = [&](const std::function<Status(const contract::VectorEntry&)>& visitor) {
    Status status;
    visit_vectors(queries.size(), count, [&](std::uint64_t key, const std::vector<float>& vector) {
      if (status) status = visitor({key, vector, {}});
      if (key % 100'000 == 0) std::cerr << fmt::format("  {} vectors after {:.0f} s\n", key, watch.seconds());
    });
    return status;
  };
  must(store->bulk_load("points", count, source, {"bench", 1}));
  record.push_back({"build_s", watch.seconds()});
  record.push_back({"build_processor_s", processor_seconds() - before});
  must(store->save("points"));
  record.push_back({"build_peak_mb", megabytes("VmHWM")});
  store.reset();
  const Stopwatch opening;
  store = open();
  record.push_back({"open_ms", opening.milliseconds()});
  Seen seen;
  std::string strategy;
  seen.ask(queries, [&](std::span<const float> query) {
    const auto answer = must(store->search("points", query, {.count = nearest, .filter = {}}));
    strategy = answer.strategy;
    Keys keys;
    for (const auto& match : answer.matches) keys.push_back(match.key);
    return keys;
  });
  record.push_back({"strategy", strategy});
  record.push_back({"resident_mb", megabytes("VmRSS")});
  record.push_back({"file_mb", static_cast<double>(must(store->statistics("points")).file_bytes) / (1U << 20U)});
  std::cerr << fmt::format("  ours: peak {:.0f} MB, then {:.0f} MB resident, p50 {:.2f} ms\n", megabytes("VmHWM"),
                           megabytes("VmRSS"), seen.milliseconds.median());
  return seen;
}

Seen measure_raw(native::scalar_kind_t scalar, const std::string& name, const VectorTable& table,
                 const VectorTable& queries, Record& record) {
  auto made =
      native::index_dense_t::make(native::metric_punned_t(vector_dimension, native::metric_kind_t::cos_k, scalar));
  if (!made || !made.index.try_reserve(native::index_limits_t(table.size(), threads)))
    throw std::runtime_error("usearch: no memory");
  auto& index = made.index;
  const Stopwatch watch;
  const double before = processor_seconds();
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> workers;
    for (std::size_t thread = 0; thread < threads; ++thread)
      workers.emplace_back([&, thread] {
        for (std::size_t row = next++; row < table.size(); row = next++) {
          auto added = index.add(row, table.at(row).data(), thread);
          if (!added) added.error.release();
        }
      });
  }
  record.push_back({name + "_build_s", watch.seconds()});
  record.push_back({name + "_build_processor_s", processor_seconds() - before});
  record.push_back({name + "_memory_mb", static_cast<double>(index.memory_usage()) / (1U << 20U)});
  Seen seen;
  seen.ask(queries, [&](std::span<const float> query) {
    auto answer = index.search(query.data(), nearest, 0);
    if (!answer) throw std::runtime_error(answer.error.release());
    Keys keys(answer.size());
    keys.resize(answer.dump_to(keys.data()));
    return keys;
  });
  std::cerr << fmt::format("  usearch {}: p50 {:.2f} ms\n", name, seen.milliseconds.median());
  return seen;
}

}  // namespace

Record vector_scale_child(std::span<const std::string> arguments) {
  const std::filesystem::path folder = arguments[0];
  const auto count = static_cast<std::size_t>(std::stoull(arguments[1]));
  const auto queries = queries_of(static_cast<std::size_t>(std::stoull(arguments[2])));
  Record record;
  const Seen ours = measure_ours(folder, count, queries, record);

  VectorTable table{.dimension = vector_dimension, .values = {}};
  table.values.reserve(count * vector_dimension);
  visit_vectors(queries.size(), count, [&](std::uint64_t, const std::vector<float>& vector) {
    table.values.insert(table.values.end(), vector.begin(), vector.end());
  });
  std::vector<Keys> truth;
  {
    const ExactScan scan(table);
    std::vector<std::uint32_t> all(count);
    std::iota(all.begin(), all.end(), 0U);
    for (std::size_t at = 0; at < queries.size(); ++at) truth.push_back(scan.search(queries.at(at), nearest, all));
  }
  ours.put(record, "ours", truth);
  std::cerr << fmt::format("  ours: recall {:.4f}\n", ours.recall(truth));
  measure_raw(native::scalar_kind_t::i8_k, "i8", table, queries, record).put(record, "i8", truth);
  measure_raw(native::scalar_kind_t::f16_k, "f16", table, queries, record).put(record, "f16", truth);
  return record;
}

void bench_vector_scale(Bench& bench) {
  const auto count = bench.sized<std::size_t>(100'000, 1'000'000, 1'000'000);
  const WorkFolder folder(bench.settings(), "vector_scale");
  const auto seen = in_child(
      bench.settings(), "vector-scale",
      {folder.path().string(), std::to_string(count), std::to_string(bench.sized<std::size_t>(200, 300, 1'000))});
  const auto of = [&](std::string_view name) { return number(seen, name); };
  bench.add(measured("vector_scale_memory", "MB resident", of("resident_mb"))
                .against("raw usearch f16", of("f16_memory_mb"))
                .at_most(500)
                .detail("vectors", static_cast<std::int64_t>(count))
                .detail("peak_mb_while_loading", of("build_peak_mb"))
                .detail("raw_i8_mb", of("i8_memory_mb"))
                .detail("file_mb", of("file_mb"))
                .detail("open_ms", of("open_ms")));
  bench.add(measured("vector_scale_recall", "of 10", of("ours_recall"))
                .against("raw usearch f16", of("f16_recall"))
                .at_least(0.95)
                .detail("raw_i8", of("i8_recall")));
  bench.add(measured("vector_scale_search", "1/processor second", of("ours_per_s"))
                .against("raw usearch f16", of("f16_per_s"))
                .detail("raw_i8", of("i8_per_s"))
                .detail("ours_p50_ms", of("ours_p50_ms"))
                .detail("raw_f16_p50_ms", of("f16_p50_ms"))
                .detail("raw_i8_p50_ms", of("i8_p50_ms")));
  bench.add(measured("vector_scale_build", "processor seconds", of("build_processor_s"))
                .against("raw usearch f16", of("f16_build_processor_s"))
                .detail("raw_i8", of("i8_build_processor_s"))
                .detail("seconds", of("build_s")));
}

}  // namespace triune::bench
