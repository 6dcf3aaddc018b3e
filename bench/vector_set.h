// 100,000 vectors in a hive, and the same ones for the peers: usearch's index, and an exact scan.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "data.h"
#include "raw_sqlite.h"
#include "raw_usearch.h"
#include "scenarios.h"
#include "triune/hive.h"

namespace triune::bench {

inline constexpr std::size_t nearest_count = 10;

class VectorSet {
 public:
  /// Loads or finds the prepared hive and index. Vector `row` has the id "v<row>" and metadata {"bucket": row's}.
  explicit VectorSet(Bench& bench);

  [[nodiscard]] Hive& hive() { return *hive_; }
  [[nodiscard]] const RawUsearch& index() const { return *index_; }
  [[nodiscard]] const ExactScan& scan() const { return *scan_; }
  [[nodiscard]] std::span<const std::uint32_t> all() const { return all_; }
  /// Buckets are 0 to 999, each with about a thousandth of the vectors, chosen without regard to where they lie.
  [[nodiscard]] static std::int64_t bucket(std::uint32_t row);
  [[nodiscard]] std::vector<std::uint32_t> rows_below(std::int64_t bucket) const;
  /// Vectors of the same distribution that are not stored.
  [[nodiscard]] VectorTable queries(std::size_t count) const;
  /// Reads id and metadata of rows, which a search through the hive returns too.
  void read_hits(std::span<const std::uint64_t> rows);
  /// How many of `truth` are in `found`, of 1.
  [[nodiscard]] static double recall(std::span<const std::uint64_t> found, std::span<const std::uint64_t> truth);
  [[nodiscard]] double recall(const std::vector<VectorHit>& hits, std::span<const std::uint64_t> truth) const;
  /// What loading took when the data were prepared; 0 when they were found.
  [[nodiscard]] double load_seconds() const { return load_seconds_; }
  [[nodiscard]] double peer_build_seconds() const { return peer_build_seconds_; }

 private:
  void make_hive(Bench& bench, const std::filesystem::path& folder, const VectorTable& table);
  void make_peer(const std::filesystem::path& folder, const VectorTable& table) const;

  std::size_t count_;
  std::unique_ptr<Hive> hive_;
  std::unique_ptr<RawUsearch> index_;
  std::unique_ptr<ExactScan> scan_;
  std::unique_ptr<RawSqlite> sqlite_;
  std::unique_ptr<RawStatement> read_hit_;
  std::vector<std::uint32_t> all_;
  double load_seconds_ = 0;
  double peer_build_seconds_ = 0;
};

}  // namespace triune::bench
