// The peer usearch, and an exact scan with its kernels: vectors of 32-bit floats compared by cosine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace triune::bench {

/// Vectors in one piece of memory.
struct VectorTable {
  std::size_t dimension = 0;
  std::vector<float> values;

  [[nodiscard]] std::size_t size() const { return dimension == 0 ? 0 : values.size() / dimension; }
  [[nodiscard]] std::span<const float> at(std::size_t row) const {
    return std::span(values).subspan(row * dimension, dimension);
  }
};

/// usearch's index with its defaults.
class RawUsearch {
 public:
  /// `of_length_one`: the vectors are, so that their inner product, which is cheaper, ranks as the cosine.
  RawUsearch(std::size_t dimension, std::size_t capacity, std::size_t threads, bool of_length_one = false);
  ~RawUsearch();
  RawUsearch(const RawUsearch&) = delete;
  RawUsearch& operator=(const RawUsearch&) = delete;

  void add(std::uint64_t key, std::span<const float> vector, std::size_t thread = 0);
  void remove(std::uint64_t key);
  /// How many candidates a search keeps from now on.
  void set_expansion(std::size_t candidates);
  /// Adds all rows under their numbers with as many threads as it was made for.
  void add_all(const VectorTable& table);
  /// Keys of the nearest, nearest first.
  [[nodiscard]] std::vector<std::uint64_t> search(std::span<const float> query, std::size_t count) const;
  /// Only keys for which `allowed` is true.
  [[nodiscard]] std::vector<std::uint64_t> search(std::span<const float> query, std::size_t count,
                                                  const std::vector<bool>& allowed) const;
  /// Writes a snapshot beside `path`, syncs it and renames it over `path`.
  void save_durably(const std::filesystem::path& path) const;
  /// A snapshot that can be loaded again, not synced.
  void save(const std::filesystem::path& path) const;
  void load(const std::filesystem::path& path);

 private:
  struct Native;
  std::unique_ptr<Native> native_;
  std::size_t threads_;
};

/// Compares with every vector of a set, in float.
class ExactScan {
 public:
  explicit ExactScan(const VectorTable& table);
  /// Row numbers of the nearest among `rows`, nearest first.
  [[nodiscard]] std::vector<std::uint64_t> search(std::span<const float> query, std::size_t count,
                                                  std::span<const std::uint32_t> rows) const;

 private:
  VectorTable normal_;  // scaled to length 1
};

}  // namespace triune::bench
