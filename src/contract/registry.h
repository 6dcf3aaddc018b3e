// Which engines there are. Filled by adapters/builtin.cpp, one line for each engine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "contract/connection_pool.h"
#include "contract/foreign_database.h"
#include "contract/graph_store.h"
#include "contract/relational_store.h"
#include "contract/vector_store.h"
#include "triune/embedder.h"

namespace triune::contract {

/// How an engine is opened.
struct EngineOptions {
  std::filesystem::path path;      ///< File (relational) or directory (graph, vector); ignored by memory engines.
  std::uint64_t memory_bytes = 0;  ///< Bound of the engine's caches (vector: of what it holds before it is frozen on
                                   ///< disk); 0: its default.
  std::uint32_t threads = 2;
  std::uint32_t readers = 4;        ///< Relational: size of the read pool.
  std::uint32_t writers = 4;        ///< Relational: size of the write pool, where the engine has one.
  std::string url;                  ///< Relational: of a server, `postgresql://…`. May hold a password: never logged.
  bool transaction_pooler = false;  ///< Relational: no named prepared statements, no state between transactions.
  PoolSettings pool;                ///< Relational: bounds of the pools but their sizes.
  PoolFactory make_pool;            ///< Relational: required by engines that pool connections.
  std::uint64_t index_from = 0;  ///< Vector: size from which an index is kept besides the vectors; 0: the engine's own.
};

template <class Store>
using Factory = std::function<Result<std::unique_ptr<Store>>(const EngineOptions&)>;

/// Names to factories.
struct Registry {
  std::map<std::string, Factory<RelationalStore>> relational;
  std::map<std::string, Factory<GraphStore>> graph;
  std::map<std::string, Factory<VectorStore>> vector;
  /// Databases of other programs; of the options `path` and `memory_bytes` count.
  std::map<std::string, Factory<ForeignDatabase>> foreign;
  /// What makes vectors of texts; each is given what stands behind the colon of "NAME:MODEL".
  std::map<std::string, std::function<Result<std::shared_ptr<Embedder>>(std::string_view)>> embedder;
};

}  // namespace triune::contract
