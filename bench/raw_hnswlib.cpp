// The peer hnswlib: Debian's header, compiled with the SIMD of the machine that it runs on, as its users do.
#include "vector_run.h"

#if __has_include(<hnswlib/hnswlib.h>)
#include <hnswlib/hnswlib.h>

namespace triune::bench {
namespace {

constexpr std::size_t connectivity = 16;
constexpr std::size_t expansion_add = 128;

class Hnswlib final : public VectorContender {
 public:
  [[nodiscard]] std::string name() const override { return "hnswlib"; }
  [[nodiscard]] std::vector<std::size_t> efforts() const override { return usual_expansions(); }
  [[nodiscard]] bool can_change() const override { return true; }

  void build(const VectorTable& table) override {
    space_ = std::make_unique<hnswlib::InnerProductSpace>(table.dimension);
    index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), table.size(), connectivity, expansion_add);
    index_->addPoint(table.at(0).data(), 0);
    in_threads(table.size() - 1,
               [&](std::size_t row, std::size_t) { index_->addPoint(table.at(row + 1).data(), row + 1); });
  }

  VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count, std::size_t effort,
                const AdmittedRows* /*admitted*/) override {
    index_->setEf(effort);
    return run_each(queries, first, last, [&](std::span<const float> query) {
      auto nearest = index_->searchKnn(query.data(), count);
      Keys keys(nearest.size());
      for (auto place = keys.rbegin(); place != keys.rend(); ++place, nearest.pop()) *place = nearest.top().second;
      return keys;
    });
  }

  void churn(const VectorTable& table, const Keys& rows) override {
    for (const auto row : rows) index_->markDelete(row);
    for (const auto row : rows) index_->addPoint(table.at(row).data(), row);
  }

 private:
  std::unique_ptr<hnswlib::InnerProductSpace> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};

}  // namespace

std::unique_ptr<VectorContender> hnswlib_contender() {
  return std::make_unique<Hnswlib>();
}

}  // namespace triune::bench
#else
std::unique_ptr<triune::bench::VectorContender> triune::bench::hnswlib_contender() {
  return nullptr;
}
#endif
