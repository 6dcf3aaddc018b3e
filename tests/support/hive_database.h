// An empty PostgreSQL database with the hive's schema, and the store on it, for one test.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/builtin.h"
#include "contract/relational_store.h"
#include "migrate/migrate.h"
#include "support/pool_factory.h"
#include "support/postgres_server.h"

namespace triune::testing {

/// Dropped with everything in it at the end. Throws when something fails.
class HiveDatabase {
 public:
  explicit HiveDatabase(PostgresServer& server = shared_postgres_server())
      : server_(server), name_(server.create_database()) {
    store_ = connect();
    const auto deadline = Deadline::after(std::chrono::minutes(1));
    const auto migrated = migrate::apply(*store_, "hive", migrate::migrations(contract::Dialect::postgres), deadline);
    if (!migrated) throw std::runtime_error(migrated.error().message);
  }
  HiveDatabase(const HiveDatabase&) = delete;
  HiveDatabase& operator=(const HiveDatabase&) = delete;
  ~HiveDatabase() {
    store_.reset();
    server_.drop_database(name_);
  }

  /// Another store on it, as another process has.
  [[nodiscard]] std::unique_ptr<contract::RelationalStore> connect() const { return connect(name_); }
  /// A store on another database of the server.
  [[nodiscard]] std::unique_ptr<contract::RelationalStore> connect(const std::string& database) const {
    auto opened = adapters::builtin().relational.at("postgres")(
        {.path = {}, .writers = 6, .url = server_.url(database), .make_pool = pool_factory()});
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  [[nodiscard]] contract::RelationalStore& store() const { return *store_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] PostgresServer& server() const { return server_; }
  /// One statement outside of any transaction; the first cell of its result, if any.
  std::string execute(const std::string& sql) const { return server_.execute(sql, name_); }

 private:
  PostgresServer& server_;
  std::string name_;
  std::unique_ptr<contract::RelationalStore> store_;
};

}  // namespace triune::testing
