// Where modules are measured: a hive in a directory, or on a durable PostgreSQL of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "harness.h"
#include "triune/hive.h"

namespace triune::testing {
class PostgresServer;
}

namespace triune::bench {

enum class Store : std::uint8_t { sqlite, postgres };

/// "queue_cycles", and on PostgreSQL "queue_cycles_postgres".
std::string row_name(std::string_view name, Store store);

/// One place; the hive in it may be closed and opened again. Whoever keeps something opened in it lets go of it first.
class ModulePlace {
 public:
  /// `folder` is the hive's directory, or where projections are. `projects`: in the background.
  ModulePlace(Store store, std::filesystem::path folder, bool projects = false);
  ~ModulePlace();
  ModulePlace(const ModulePlace&) = delete;
  ModulePlace& operator=(const ModulePlace&) = delete;

  [[nodiscard]] Store store() const { return store_; }
  [[nodiscard]] Hive& hive() { return *hive_; }
  /// The file or the database, beside the hive.
  [[nodiscard]] std::string raw() const;
  void open();
  void close();
  /// Statements round the hive, while it is closed: on PostgreSQL no trigger runs, on SQLite those of `tables` are
  /// taken away for that time. What modules derive from the tables is derived again when they are opened.
  void load(const std::vector<std::string>& tables, const std::vector<std::string>& statements) const;

 private:
  Store store_;
  std::filesystem::path folder_;
  bool projects_;
  std::unique_ptr<testing::PostgresServer> server_;
  std::string url_;
  std::unique_ptr<Hive> hive_;
};

/// So many threads do `work` with their numbers; seconds until the last is done.
double in_threads(int count, const std::function<void(int)>& work);

}  // namespace triune::bench
