// The peer faiss, Debian's 1.7.3: a graph, and lists of vectors around centroids.
#include "vector_run.h"

// Tools that only read this file may have no OpenMP, which faiss's headers name.
#if defined(TRIUNE_BENCH_FAISS) && __has_include(<omp.h>)
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFlat.h>
#include <omp.h>

#include <algorithm>

namespace triune::bench {
namespace {

constexpr int connectivity = 16;
constexpr int expansion_add = 128;
constexpr std::size_t rows_in_list = 1'024;

Keys keys_of(const std::vector<faiss::Index::idx_t>& labels) {
  Keys keys;
  for (const auto label : labels)
    if (label >= 0) keys.push_back(static_cast<std::uint64_t>(label));
  return keys;
}

class FaissHnsw final : public VectorContender {
 public:
  [[nodiscard]] std::string name() const override { return "faiss HNSW"; }
  [[nodiscard]] std::vector<std::size_t> efforts() const override { return usual_expansions(); }

  void build(const VectorTable& table) override {
    omp_set_num_threads(building_threads);
    index_ = std::make_unique<faiss::IndexHNSWFlat>(static_cast<int>(table.dimension), connectivity,
                                                    faiss::METRIC_INNER_PRODUCT);
    index_->hnsw.efConstruction = expansion_add;
    index_->add(static_cast<faiss::Index::idx_t>(table.size()), table.values.data());
  }

  VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count, std::size_t effort,
                const AdmittedRows* /*admitted*/) override {
    omp_set_num_threads(1);
    index_->hnsw.efSearch = static_cast<int>(effort);
    std::vector<float> distances(count);
    std::vector<faiss::Index::idx_t> labels(count);
    return run_each(queries, first, last, [&](std::span<const float> query) {
      index_->search(1, query.data(), static_cast<faiss::Index::idx_t>(count), distances.data(), labels.data());
      return keys_of(labels);
    });
  }

 private:
  std::unique_ptr<faiss::IndexHNSWFlat> index_;
};

class FaissIvf final : public VectorContender {
 public:
  [[nodiscard]] std::string name() const override { return "faiss IVF"; }
  [[nodiscard]] std::vector<std::size_t> efforts() const override { return {1, 2, 4, 8, 16, 32, 64, 128}; }
  [[nodiscard]] std::string effort_name() const override { return "nprobe"; }
  [[nodiscard]] bool can_filter() const override { return true; }

  void build(const VectorTable& table) override {
    omp_set_num_threads(building_threads);
    quantizer_ = std::make_unique<faiss::IndexFlatIP>(static_cast<faiss::Index::idx_t>(table.dimension));
    const auto lists = std::max<std::size_t>(1, table.size() / rows_in_list);
    index_ =
        std::make_unique<faiss::IndexIVFFlat>(quantizer_.get(), table.dimension, lists, faiss::METRIC_INNER_PRODUCT);
    const auto rows = static_cast<faiss::Index::idx_t>(table.size());
    index_->train(rows, table.values.data());
    index_->add(rows, table.values.data());
  }

  VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count, std::size_t effort,
                const AdmittedRows* admitted) override {
    omp_set_num_threads(1);
    std::vector<float> distances(count);
    std::vector<faiss::Index::idx_t> labels(count);
    std::vector<std::uint8_t> bits;
    std::unique_ptr<faiss::IDSelectorBitmap> selector;
    if (admitted != nullptr) {
      bits.resize(admitted->flags.size() / 8 + 1);
      for (const auto row : admitted->rows) bits[row / 8] |= static_cast<std::uint8_t>(1U << (row % 8));
      selector = std::make_unique<faiss::IDSelectorBitmap>(bits.size(), bits.data());
    }
    faiss::SearchParametersIVF parameters;
    parameters.nprobe = std::min(effort, index_->nlist);
    parameters.sel = selector.get();
    return run_each(queries, first, last, [&](std::span<const float> query) {
      index_->search(1, query.data(), static_cast<faiss::Index::idx_t>(count), distances.data(), labels.data(),
                     &parameters);
      return keys_of(labels);
    });
  }

 private:
  std::unique_ptr<faiss::IndexFlatIP> quantizer_;
  std::unique_ptr<faiss::IndexIVFFlat> index_;
};

}  // namespace

std::unique_ptr<VectorContender> faiss_hnsw_contender() {
  return std::make_unique<FaissHnsw>();
}

std::unique_ptr<VectorContender> faiss_ivf_contender() {
  return std::make_unique<FaissIvf>();
}

}  // namespace triune::bench
#else
std::unique_ptr<triune::bench::VectorContender> triune::bench::faiss_hnsw_contender() {
  return nullptr;
}
std::unique_ptr<triune::bench::VectorContender> triune::bench::faiss_ivf_contender() {
  return nullptr;
}
#endif
