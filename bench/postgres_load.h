// What the scenario `postgres_bulk` measures.
#pragma once

#include <filesystem>

#include "harness.h"

namespace triune::testing {
class PostgresServer;
}

namespace triune::bench {

/// Hive::load_nodes, load_edges and load_vectors.
void bench_loads(Bench& bench, testing::PostgresServer& server, const std::filesystem::path& folder);

/// `triune import claude`.
void bench_import(Bench& bench, testing::PostgresServer& server, const std::filesystem::path& folder);

}  // namespace triune::bench
