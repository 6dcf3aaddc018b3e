#include "vector_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace triune::bench {
namespace {

constexpr std::size_t threads = 2;
constexpr std::int64_t bucket_count = 1000;

std::string metadata_text(std::uint32_t row) {
  return fmt::format("{{\"bucket\":{}}}", VectorSet::bucket(row));
}

}  // namespace

VectorSet::VectorSet(Bench& bench) : count_(bench.sized<std::size_t>(20'000, 100'000, 100'000)), all_(count_) {
  std::iota(all_.begin(), all_.end(), 0U);
  const auto table = clustered_table(count_, vector_dimension);
  const auto folder = prepared(bench, "vectors", [&](const std::filesystem::path& made) {
    load_seconds_ = timed([&] { make_hive(bench, made / "hive", table); });
    peer_build_seconds_ = timed([&] { make_peer(made, table); });
  });
  for (const auto* const file : {"hive/hive.db", "hits.db"}) read_into_page_cache(folder / file);
  hive_ = must(Hive::open(folder / "hive"));
  must(hive_->wait(must(hive_->receipt()).token(), Deadline::after(std::chrono::minutes(10))));
  index_ = std::make_unique<RawUsearch>(vector_dimension, count_, threads);
  index_->load(folder / "points.usearch");
  scan_ = std::make_unique<ExactScan>(table);
  sqlite_ = std::make_unique<RawSqlite>(folder / "hits.db");
  read_hit_ = std::make_unique<RawStatement>(sqlite_->prepare("SELECT id, metadata FROM hits WHERE vector_key = ?1"));
}

void VectorSet::make_hive(Bench& bench, const std::filesystem::path& folder, const VectorTable& table) {
  const auto hive = must(Hive::open(folder));
  must(hive->create_collection({.name = "points", .dimension = vector_dimension, .owner_table = {}}));
  const auto next = [&, row = std::uint32_t{0}](PutVector& put) mutable -> Result<bool> {
    if (row == table.size()) return false;
    put.id = fmt::format("v{}", row);
    put.values.assign(table.at(row).begin(), table.at(row).end());
    put.metadata = {{"bucket", bucket(row)}};
    ++row;
    return true;
  };
  must(hive->load_vectors("points", next, bench.progress()));
  must(hive->wait(must(hive->receipt()).token(), Deadline::after(std::chrono::minutes(30))));
}

void VectorSet::make_peer(const std::filesystem::path& folder, const VectorTable& table) const {
  RawUsearch index(vector_dimension, count_, threads);
  index.add_all(table);
  index.save(folder / "points.usearch");
  RawSqlite sqlite(folder / "hits.db");
  sqlite.run("CREATE TABLE hits (vector_key INTEGER PRIMARY KEY, id TEXT NOT NULL, metadata TEXT NOT NULL) STRICT");
  sqlite.run("BEGIN");
  auto insert = sqlite.prepare("INSERT INTO hits (vector_key, id, metadata) VALUES (?1, ?2, ?3)");
  for (const auto row : all_) {
    const auto id = fmt::format("v{}", row);
    const auto metadata = metadata_text(row);
    insert.bind(1, std::int64_t{row}).bind(2, id).bind(3, metadata).run();
  }
  sqlite.run("COMMIT");
}

std::int64_t VectorSet::bucket(std::uint32_t row) {
  return static_cast<std::int64_t>((row * 0x9E3779B97F4A7C15ULL) >> 33U) % bucket_count;
}

std::vector<std::uint32_t> VectorSet::rows_below(std::int64_t bucket_limit) const {
  std::vector<std::uint32_t> rows;
  std::copy_if(all_.begin(), all_.end(), std::back_inserter(rows),
               [&](auto row) { return bucket(row) < bucket_limit; });
  return rows;
}

VectorTable VectorSet::queries(std::size_t count) const {
  return clustered_table(count, vector_dimension, count_);
}

void VectorSet::read_hits(std::span<const std::uint64_t> rows) {
  for (const auto row : rows) {
    read_hit_->bind(1, static_cast<std::int64_t>(row));
    if (!read_hit_->step()) throw std::runtime_error("a vector is not in the peer's table");
    std::string id(read_hit_->text(0));
    std::string metadata(read_hit_->text(1));
    read_hit_->reset();
  }
}

double VectorSet::recall(std::span<const std::uint64_t> found, std::span<const std::uint64_t> truth) {
  if (truth.empty()) return found.empty() ? 1 : 0;
  const auto right = std::count_if(truth.begin(), truth.end(), [&](std::uint64_t row) {
    return std::find(found.begin(), found.end(), row) != found.end();
  });
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

double VectorSet::recall(const std::vector<VectorHit>& hits, std::span<const std::uint64_t> truth) const {
  std::vector<std::uint64_t> rows;
  for (const auto& hit : hits) rows.push_back(std::stoull(hit.id.substr(1)));
  return recall(rows, truth);
}

}  // namespace triune::bench
