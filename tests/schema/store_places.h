// An empty store of each dialect, without a hive.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/builtin.h"
#include "contract/relational_store.h"
#include "support/pool_factory.h"
#include "support/postgres_server.h"
#include "support/temporary_directory.h"

namespace triune::testing {

class StorePlace {
 public:
  explicit StorePlace(contract::Dialect dialect) : dialect_(dialect) {
    if (dialect_ == contract::Dialect::postgres) database_ = shared_postgres_server().create_database();
    store_ = connect();
  }
  StorePlace(const StorePlace&) = delete;
  StorePlace& operator=(const StorePlace&) = delete;
  ~StorePlace() {
    store_.reset();
    if (!database_.empty()) shared_postgres_server().drop_database(database_);
  }

  /// Another store on the same place.
  [[nodiscard]] std::unique_ptr<contract::RelationalStore> connect() const {
    const bool postgres = dialect_ == contract::Dialect::postgres;
    contract::EngineOptions options{.path = directory_.path() / "store.db", .make_pool = pool_factory()};
    if (postgres) options.url = shared_postgres_server().url(database_);
    auto opened = adapters::builtin().relational.at(postgres ? "postgres" : "sqlite")(options);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  [[nodiscard]] contract::RelationalStore& store() const { return *store_; }

 private:
  contract::Dialect dialect_;
  TemporaryDirectory directory_;
  std::string database_;
  std::unique_ptr<contract::RelationalStore> store_;
};

}  // namespace triune::testing
