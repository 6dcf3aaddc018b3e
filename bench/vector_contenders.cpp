#include "vector_contenders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "adapters/builtin.h"
#include "vector_run.h"

namespace triune::bench {
namespace {

class Usearch final : public VectorContender {
 public:
  [[nodiscard]] std::string name() const override { return "usearch f32"; }
  [[nodiscard]] std::vector<std::size_t> efforts() const override { return usual_expansions(); }
  [[nodiscard]] bool can_filter() const override { return true; }
  [[nodiscard]] bool can_change() const override { return true; }

  void build(const VectorTable& table) override {
    index_ = std::make_unique<RawUsearch>(table.dimension, table.size(), building_threads, true);
    index_->add_all(table);
  }

  VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count, std::size_t effort,
                const AdmittedRows* admitted) override {
    index_->set_expansion(effort);
    return run_each(queries, first, last, [&](std::span<const float> query) {
      return admitted == nullptr ? index_->search(query, count) : index_->search(query, count, admitted->flags);
    });
  }

  void churn(const VectorTable& table, const Keys& rows) override {
    for (const auto row : rows) index_->remove(row);
    for (const auto row : rows) index_->add(row, table.at(row));
  }

 private:
  std::unique_ptr<RawUsearch> index_;
};

/// As much as raw_lancedb.py allows itself.
constexpr std::uint64_t lancedb_cache_bytes = 4ULL << 30U;

/// The engine as the hive has it.
class Ours final : public VectorContender {
 public:
  Ours(const std::filesystem::path& folder, std::string engine) : engine_(std::move(engine)) {
    contract::EngineOptions options;
    options.path = folder / engine_;
    if (engine_ == "lancedb") options.memory_bytes = lancedb_cache_bytes;
    store_ = must(adapters::builtin().vector.at(engine_)(options));
  }

  [[nodiscard]] std::string name() const override { return "ours (" + engine_ + ")"; }
  [[nodiscard]] bool is_ours() const override { return true; }
  [[nodiscard]] std::string effort_name() const override { return "effort"; }
  [[nodiscard]] bool can_filter() const override { return true; }
  [[nodiscard]] bool can_change() const override { return true; }
  [[nodiscard]] std::vector<std::size_t> efforts() const override { return usual_expansions(); }

  void build(const VectorTable& table) override {
    must(store_->open_collection({.collection = collection,
                                  .dimension = static_cast<std::uint32_t>(table.dimension),
                                  .metric = Metric::cosine}));
    const auto source = [&](const std::function<Status(const contract::VectorEntry&)>& visit) -> Status {
      contract::VectorEntry entry;
      for (std::size_t row = 0; row < table.size(); ++row) {
        entry.key = row;
        entry.values.assign(table.at(row).begin(), table.at(row).end());
        if (auto status = visit(entry); !status) return status;
      }
      return {};
    };
    must(store_->bulk_load(collection, table.size(), source, {"bench", 1}));
    settle();
  }

  VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count, std::size_t effort,
                const AdmittedRows* admitted) override {
    contract::VectorQueryOptions options;
    options.count = count;
    options.effort = static_cast<std::uint32_t>(effort);
    if (admitted != nullptr) options.filter.keys = admitted->rows;
    return run_each(queries, first, last, [&](std::span<const float> query) {
      options.deadline = Deadline::after(std::chrono::minutes(2));
      const auto answer = must(store_->search(collection, query, options));
      Keys keys;
      for (const auto& match : answer.matches)
        if (keys.size() < count) keys.push_back(match.key);
      return keys;
    });
  }

  void churn(const VectorTable& table, const Keys& rows) override {
    for (std::size_t at = 0; at < rows.size(); at += batch_size) {
      const auto last = std::min(rows.size(), at + batch_size);
      contract::VectorBatch batch;
      batch.deletes.assign(rows.begin() + static_cast<std::ptrdiff_t>(at),
                           rows.begin() + static_cast<std::ptrdiff_t>(last));
      must(store_->apply(collection, batch));
    }
    for (std::size_t at = 0; at < rows.size(); at += batch_size) {
      contract::VectorBatch batch;
      for (std::size_t each = at; each < std::min(rows.size(), at + batch_size); ++each)
        batch.puts.push_back({rows[each], {table.at(rows[each]).begin(), table.at(rows[each]).end()}, {}});
      must(store_->apply(collection, batch));
    }
    must(store_->save(collection));
    settle();
  }

  [[nodiscard]] std::uint64_t other_kilobytes() const override {
    return engine_ == "lancedb" ? children_kilobytes() : 0;
  }

 private:
  static constexpr const char* collection = "bench";
  static constexpr std::size_t batch_size = 1'000;

  /// Until the engine's own upkeep has taken what it will into its index, which takes processor time.
  void settle() {
    const auto deadline = Deadline::after(std::chrono::minutes(15));
    std::uint64_t before = 0;
    double used = processor_seconds();
    for (int quiet = 0; quiet < 4 && !deadline.expired();) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      const auto unindexed = must(store_->statistics(collection)).unindexed;
      const double now = processor_seconds();
      quiet = unindexed == before && now - used < 0.1 ? quiet + 1 : 0;
      before = unindexed;
      used = now;
    }
  }

  std::string engine_;
  std::unique_ptr<contract::VectorStore> store_;
};

}  // namespace

void VectorContender::churn(const VectorTable& /*table*/, const Keys& /*rows*/) {
  throw std::logic_error(name() + " cannot delete");
}

std::unique_ptr<VectorContender> usearch_contender() {
  return std::make_unique<Usearch>();
}

std::unique_ptr<VectorContender> our_contender(const std::filesystem::path& folder, const std::string& engine) {
  return std::make_unique<Ours>(folder, engine);
}

std::vector<std::unique_ptr<VectorContender>> vector_contenders(const std::filesystem::path& folder, bool with_slow,
                                                                std::vector<std::string>& missing) {
  std::vector<std::unique_ptr<VectorContender>> all;
  const char* const given = std::getenv("TRIUNE_BENCH_WITHOUT");
  const std::string unwanted = fmt::format(",{},", given == nullptr ? "" : given);
  const auto add = [&](std::unique_ptr<VectorContender> contender, const std::string& how) {
    if (contender && unwanted.find("," + contender->name() + ",") != std::string::npos) return;
    if (contender)
      all.push_back(std::move(contender));
    else if (std::find(missing.begin(), missing.end(), how) == missing.end())
      missing.push_back(how);
  };
  const std::string debian = "hnswlib and faiss: `./dev bench` installs libhnswlib-dev and libfaiss-dev";
  const std::string lancedb = "LanceDB: `./dev build --with lancedb`";
  add(our_contender(folder, "usearch"), "");
  add(usearch_contender(), "");
  add(hnswlib_contender(), debian);
  add(faiss_hnsw_contender(), debian);
  add(faiss_ivf_contender(), debian);
  auto raw = lancedb_contender(folder / "ivf_sq", "ivf_sq");
  if (raw) add(our_contender(folder, "lancedb"), "");
  add(std::move(raw), lancedb);
  add(lancedb_contender(folder / "hnsw_sq", "hnsw_sq"), lancedb);
  if (with_slow) add(lancedb_contender(folder / "ivf_pq", "ivf_pq"), lancedb);
  return all;
}

namespace {

struct ProcessStatus {
  std::uint64_t parent = 0;
  std::uint64_t resident = 0;
};

ProcessStatus status_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/status");
  ProcessStatus status;
  for (std::string word; file >> word;) {
    if (word == "PPid:") file >> status.parent;
    if (word == "VmRSS:") file >> status.resident;
  }
  return status;
}

}  // namespace

std::uint64_t kilobytes_of(int process) {
  return status_of(std::to_string(process)).resident;
}

std::uint64_t children_kilobytes() {
  std::uint64_t all = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto status = status_of(name);
    if (status.parent == static_cast<std::uint64_t>(::getpid())) all += status.resident;
  }
  return all;
}

}  // namespace triune::bench
