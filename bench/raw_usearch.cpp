#define USEARCH_USE_NUMKONG 1
#include "raw_usearch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <numkong/capabilities.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <queue>
#include <stdexcept>
#include <thread>
#include <usearch/index_dense.hpp>

namespace triune::bench {
namespace {

namespace native = unum::usearch;

// usearch's errors abort the program when dropped unread, so each is taken out at once.
template <class NativeResult>
void check(NativeResult& result, std::string_view what) {
  if (result) return;
  throw std::runtime_error(fmt::format("usearch: {}: {}", what, result.error.release()));
}

template <class Answer>
std::vector<std::uint64_t> keys_of(Answer& answer) {
  check(answer, "search");
  std::vector<std::uint64_t> keys(answer.size());
  keys.resize(answer.dump_to(keys.data()));
  return keys;
}

void sync(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags);
  if (descriptor < 0 || ::fsync(descriptor) != 0) throw std::runtime_error("cannot sync " + path.string());
  ::close(descriptor);
}

}  // namespace

struct RawUsearch::Native {
  native::index_dense_t index;
};

RawUsearch::RawUsearch(std::size_t dimension, std::size_t capacity, std::size_t threads, bool of_length_one)
    : native_(std::make_unique<Native>()), threads_(threads) {
  const native::metric_punned_t metric(dimension,
                                       of_length_one ? native::metric_kind_t::ip_k : native::metric_kind_t::cos_k,
                                       native::scalar_kind_t::f32_k);
  auto made = native::index_dense_t::make(metric);
  check(made, "make an index");
  native_->index = std::move(made.index);
  if (!native_->index.try_reserve(native::index_limits_t(capacity, threads)))
    throw std::runtime_error("usearch: no memory");
}

RawUsearch::~RawUsearch() = default;

void RawUsearch::add(std::uint64_t key, std::span<const float> vector, std::size_t thread) {
  if (native_->index.size() == native_->index.capacity() &&
      !native_->index.try_reserve(native::index_limits_t(2 * native_->index.capacity(), threads_)))
    throw std::runtime_error("usearch: no memory");
  auto added = native_->index.add(key, vector.data(), thread);
  check(added, "add");
}

void RawUsearch::remove(std::uint64_t key) {
  auto removed = native_->index.remove(key);
  check(removed, "remove");
}

void RawUsearch::set_expansion(std::size_t candidates) {
  native_->index.change_expansion_search(candidates);
}

void RawUsearch::add_all(const VectorTable& table) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> workers;
  for (std::size_t thread = 0; thread < threads_; ++thread)
    workers.emplace_back([&, thread] {
      for (std::size_t row = next++; row < table.size(); row = next++) {
        auto added = native_->index.add(row, table.at(row).data(), thread);
        if (!added) added.error.release();
      }
    });
  workers.clear();
  if (native_->index.size() != table.size()) throw std::runtime_error("usearch: not every vector was added");
}

std::vector<std::uint64_t> RawUsearch::search(std::span<const float> query, std::size_t count) const {
  auto answer = native_->index.search(query.data(), count, 0);
  return keys_of(answer);
}

std::vector<std::uint64_t> RawUsearch::search(std::span<const float> query, std::size_t count,
                                              const std::vector<bool>& allowed) const {
  auto answer = native_->index.filtered_search(
      query.data(), count, [&](std::uint64_t key) noexcept { return static_cast<bool>(allowed[key]); }, 0);
  return keys_of(answer);
}

void RawUsearch::save_durably(const std::filesystem::path& path) const {
  auto temporary = path;
  temporary += ".new";
  save(temporary);
  sync(temporary, O_RDONLY);
  std::filesystem::rename(temporary, path);
  sync(path.parent_path(), O_RDONLY | O_DIRECTORY);
}

void RawUsearch::save(const std::filesystem::path& path) const {
  auto saved = native_->index.save(path.c_str());
  check(saved, "save");
}

void RawUsearch::load(const std::filesystem::path& path) {
  auto loaded = native_->index.load(path.c_str());
  check(loaded, "load");
  if (!native_->index.try_reserve(native::index_limits_t(native_->index.size(), threads_)))
    throw std::runtime_error("usearch: no memory");
}

ExactScan::ExactScan(const VectorTable& table) : normal_(table) {
  for (std::size_t row = 0; row < normal_.size(); ++row) {
    float* const first = normal_.values.data() + row * normal_.dimension;
    double sum = 0;
    for (std::size_t i = 0; i < normal_.dimension; ++i) sum += static_cast<double>(first[i]) * first[i];
    const auto scale = static_cast<float>(1 / std::sqrt(sum));
    for (std::size_t i = 0; i < normal_.dimension; ++i) first[i] *= scale;
  }
}

std::vector<std::uint64_t> ExactScan::search(std::span<const float> query, std::size_t count,
                                             std::span<const std::uint32_t> rows) const {
  // The kernel that usearch itself would take for these vectors.
  static const native::metric_punned_t inner_product(normal_.dimension, native::metric_kind_t::ip_k,
                                                     native::scalar_kind_t::f32_k);
  const auto bytes = [](const float* values) { return reinterpret_cast<const native::byte_t*>(values); };
  std::priority_queue<std::pair<float, std::uint32_t>> nearest;
  for (const auto row : rows) {
    const auto distance = static_cast<float>(inner_product(bytes(query.data()), bytes(normal_.at(row).data())));
    if (nearest.size() == count && distance >= nearest.top().first) continue;
    nearest.emplace(distance, row);
    if (nearest.size() > count) nearest.pop();
  }
  std::vector<std::uint64_t> found(nearest.size());
  for (auto place = found.rbegin(); place != found.rend(); ++place, nearest.pop()) *place = nearest.top().second;
  return found;
}

}  // namespace triune::bench
