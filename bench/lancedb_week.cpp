// A week of small writes to LanceDB behind our contract: batches of a few vectors, with updates and deletes, saved as
// the hive saves, upkeep running beside. Files and versions stay bounded; at the end nothing is twice, nothing that was
// deleted is there, and what is near is found.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "adapters/builtin.h"
#include "data.h"
#include "scenarios.h"
#include "vector_run.h"

namespace triune::bench {
namespace {

constexpr std::size_t dimension = 64;
constexpr std::size_t days = 7;
constexpr std::size_t rows_in_batch = 12;
constexpr const char* collection = "week";

struct Counts {
  std::size_t files = 0;
  std::size_t versions = 0;
};

Counts counts_below(const std::filesystem::path& folder) {
  Counts counts;
  std::error_code code;  // upkeep removes files meanwhile
  for (auto at = std::filesystem::recursive_directory_iterator(folder, code);
       !code && at != std::filesystem::recursive_directory_iterator(); at.increment(code)) {
    std::error_code gone;
    if (!at->is_regular_file(gone)) continue;
    ++counts.files;
    if (at->path().extension() == ".manifest") ++counts.versions;
  }
  return counts;
}

class Week {
 public:
  Week(Bench& bench, std::size_t batches_a_day)
      : bench_(bench), batches_a_day_(batches_a_day), work_(bench.settings(), "week"), vectors_(dimension, 7) {
    contract::EngineOptions options;
    options.path = work_.path() / "vectors";
    store_ = must(adapters::builtin().vector.at("lancedb")(options));
    must(store_->open_collection({.collection = collection, .dimension = dimension, .metric = Metric::cosine}));
  }

  void run() {
    const double seconds = timed([&] {
      for (std::size_t day = 0; day < days; ++day)
        for (std::size_t batch = 0; batch < batches_a_day_; ++batch) {
          write();
          if (batch % 16 == 0) look(day * batches_a_day_ + batch);
        }
    });
    std::this_thread::sleep_for(std::chrono::seconds(3));  // upkeep's last turn
    must(store_->save(collection));
    const auto at_end = counts_below(work_.path());
    const auto problems = compare();
    const auto writes = static_cast<std::int64_t>(days * batches_a_day_);
    auto row = measured("lancedb_week_files", "files", static_cast<double>(most_.files))
                   .at_most(800)
                   .detail("batches", writes)
                   .detail("seconds", seconds)
                   .detail("most_versions", static_cast<std::int64_t>(most_.versions))
                   .detail("files_at_end", static_cast<std::int64_t>(at_end.files))
                   .detail("versions_at_end", static_cast<std::int64_t>(at_end.versions))
                   .detail("vectors", static_cast<std::int64_t>(truth_.size()))
                   .detail("wrong_vectors", static_cast<std::int64_t>(problems));
    row.goal += ", ≤ 128 versions, no wrong vector";
    row.met = *row.met && most_.versions <= 128 && problems == 0;
    bench_.add(row);
    bench_.add(measured("lancedb_week_recall", "of 10", recall()).at_least(0.95));
  }

 private:
  void write() {
    contract::VectorBatch batch{.puts = {}, .deletes = {}, .position = contract::Position{"bench", ++lsn_}};
    std::map<contract::VectorKey, bool> touched;
    for (std::size_t at = 0; at < rows_in_batch; ++at) {
      // A quarter are deletes and a quarter updates of what is there; keys come back.
      const auto kind = random_() % 4;
      const auto key = kind < 2 ? next_key_++ : random_() % next_key_;
      if (!touched.emplace(key, true).second) continue;
      if (kind == 3) {
        if (truth_.erase(key) > 0) batch.deletes.push_back(key);
        continue;
      }
      std::vector<float> values;
      vectors_.next(values);
      truth_[key] = values;
      batch.puts.push_back({key, std::move(values), {}});
    }
    must(store_->apply(collection, batch));
    must(store_->save(collection));
  }

  void look(std::size_t done) {
    bench_.update("a week of small writes", done, days * batches_a_day_);
    const auto now = counts_below(work_.path());
    most_.files = std::max(most_.files, now.files);
    most_.versions = std::max(most_.versions, now.versions);
  }

  /// Vectors that are twice, deleted and there, missing, or not what was put last.
  std::size_t compare() {
    std::map<contract::VectorKey, std::vector<float>> found;
    std::size_t wrong = 0;
    must(store_->scan(collection, [&](contract::VectorKey key, std::span<const float> values) -> Status {
      wrong += found.emplace(key, std::vector<float>(values.begin(), values.end())).second ? 0 : 1;
      return {};
    }));
    for (const auto& [key, values] : truth_) {
      const auto at = found.find(key);
      const bool is_right = at != found.end() && std::ranges::equal(values, at->second, [](float left, float right) {
                              return std::abs(left - right) <= 1e-4F * (1 + std::abs(left));
                            });
      wrong += is_right ? 0 : 1;
      if (at != found.end()) found.erase(at);
    }
    return wrong + found.size();
  }

  double recall() {
    VectorTable table{dimension, {}};
    Keys keys;
    for (const auto& [key, values] : truth_) {
      keys.push_back(key);
      table.values.insert(table.values.end(), values.begin(), values.end());
    }
    const ExactScan scan(table);
    std::vector<std::uint32_t> rows(table.size());
    for (std::uint32_t row = 0; row < rows.size(); ++row) rows[row] = row;
    double right = 0;
    constexpr std::size_t queries = 100;
    for (std::size_t query = 0; query < queries; ++query) {
      std::vector<float> values;
      vectors_.next(values);
      contract::VectorQueryOptions options;
      const auto answer = must(store_->search(collection, values, options));
      for (const auto row : scan.search(values, options.count, rows))
        right += std::ranges::any_of(answer.matches, [&](const auto& match) { return match.key == keys[row]; }) ? 1 : 0;
    }
    return right / (10 * queries);
  }

  Bench& bench_;
  std::size_t batches_a_day_;
  WorkFolder work_;
  ClusteredVectors vectors_;
  std::unique_ptr<contract::VectorStore> store_;
  std::mt19937_64 random_{2'611};
  std::map<contract::VectorKey, std::vector<float>> truth_;
  contract::VectorKey next_key_ = 1;
  std::uint64_t lsn_ = 0;
  Counts most_;
};

}  // namespace

void bench_lancedb_week(Bench& bench) {
  contract::EngineOptions options;
  options.path = bench.settings().cache / "unused";
  const auto opened = adapters::builtin().vector.at("lancedb")(options);
  if (!opened && opened.error().code == ErrorCode::unsupported)
    return bench.say("  skipped: " + opened.error().message);
  Week(bench, bench.sized<std::size_t>(20, 300, 1'500)).run();
}

}  // namespace triune::bench
