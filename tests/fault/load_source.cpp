#include "fault/load_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/hash.h"
#include "base/try.h"
#include "fault/workload.h"
#include "intake/tables/load.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

std::string station(std::uint64_t number) {
  return fmt::format("station {}", number);
}

/// Calls `make` with 0 … count - 1.
template <class T>
Supplier<T> numbered(std::uint64_t count, std::function<void(std::uint64_t, T&)> make) {
  return [count, make = std::move(make), at = std::uint64_t{0}](T& entity) mutable -> Result<bool> {
    if (at == count) return false;
    make(at++, entity);
    return true;
  };
}

Status load_station_rows(Hive& hive, const std::filesystem::path& files, std::uint64_t count) {
  const auto path = files.string() + ".stations.csv";
  {
    std::ofstream file(path, std::ios::trunc);
    file << "id,platforms\n";
    for (std::uint64_t number = 0; number < count; ++number) file << station(number) << ',' << number % 12 << '\n';
  }
  TRIUNE_ASSIGN(const auto reader, intake::TableReader::open(path));
  TRIUNE_ASSIGN(const auto report, intake::load_rows(hive, *reader, {.table = "stations", .key = "id", .options = {}}));
  if (report.bad > 0) return failure(ErrorCode::internal, report.bad_rows.at(0).reason);
  return {};
}

}  // namespace

Status load_everything(Hive& hive, const std::filesystem::path& files, std::uint64_t count) {
  TRIUNE_TRY(load_station_rows(hive, files, count));
  TRIUNE_TRY(hive.create_collection({.name = std::string(workload_collection), .dimension = workload_dimension}));
  TRIUNE_TRY(hive.load_nodes("Station", numbered<PutNode>(count, [](std::uint64_t number, PutNode& node) {
                               node.node.id = station(number);
                               node.properties = {{"number", static_cast<std::int64_t>(number)}};
                             })));
  TRIUNE_TRY(hive.load_edges("LINE", "Station", "Station",
                             numbered<PutEdge>(count * 2, [count](std::uint64_t number, PutEdge& edge) {
                               edge.edge.from.id = station(number / 2);
                               edge.edge.to.id = station((number * 7 + 1) % count);
                               edge.properties = {{"minutes", static_cast<std::int64_t>(number % 50)}};
                             })));
  TRIUNE_TRY(hive.load_vectors(workload_collection,
                               numbered<PutVector>(count / 2, [](std::uint64_t number, PutVector& vector) {
                                 vector.id = station(number);
                                 vector.values = workload_vector(number);
                               })));
  return {};
}

Result<std::string> load_digest(Hive& hive) {
  ReadOptions options;
  options.max_rows = 10'000'000;
  std::uint64_t sum = 0;
  std::uint64_t entities = 0;
  for (const std::string_view sql :
       {"SELECT 'row', id, platforms FROM stations",
        "SELECT 'node', id, properties FROM triune_graph_nodes WHERE label = 'Station'",
        "SELECT 'edge', from_id, to_id, properties FROM triune_graph_edges WHERE type = 'LINE'",
        "SELECT 'vector', v.id, x.vector FROM triune_vectors v JOIN triune_vector_values x USING (vector_key) "
        "WHERE v.id LIKE 'station %'"}) {
    TRIUNE_ASSIGN(const RowSet found, hive.sql(sql, {}, options));
    for (const auto& row : found.rows) {
      std::uint64_t hash = 0;
      for (const auto& cell : row) hash = base::hash64(to_text(cell), hash);
      sum += hash;  // in any order
      ++entities;
    }
  }
  return fmt::format("{} entities, {:016x}", entities, sum);
}

namespace {

std::string digest_of_load(const std::string& location, const std::filesystem::path& files, HiveOptions options) {
  auto hive = Hive::open(location, std::move(options)).value();
  const auto loaded = load_everything(*hive, files, load_size);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return load_digest(*hive).value();
}

}  // namespace

const std::string& undisturbed_load(bool on_server) {
  const TemporaryDirectory directory;
  if (!on_server) {
    static const std::string digest = digest_of_load(directory.path() / "hive", directory.path() / "hive", {});
    return digest;
  }
  static const std::string digest = [&] {
    const HivePlace place(directory.path(), "hive");
    return digest_of_load(place.location(), place.directory(), place.options());
  }();
  return digest;
}

}  // namespace triune::testing
