// A reading connection as a pool of contract/connection_pool.h lends it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "adapters/sqlite/connection.h"
#include "contract/connection_pool.h"

namespace triune::adapters::sqlite {

/// A file neither goes away nor answers slowly, so there is nothing to validate.
class Reader final : public contract::PooledConnection {
 public:
  /// How a connection is set up; to change it costs compiling every cached statement again.
  enum class Preparation : std::uint8_t { schema_untrusted = 0, schema_trusted = 1 };

  explicit Reader(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

  [[nodiscard]] bool usable() override { return usable_; }
  Status validate(Deadline /*deadline*/) override { return {}; }
  [[nodiscard]] std::uint32_t preparation() const override {
    return static_cast<std::uint32_t>(connection_->schema_trusted() ? Preparation::schema_trusted
                                                                    : Preparation::schema_untrusted);
  }
  /// The connection failed: it is closed instead of lent again.
  void discard() { usable_ = false; }
  [[nodiscard]] Connection& connection() const { return *connection_; }

 private:
  std::unique_ptr<Connection> connection_;
  bool usable_ = true;
};

/// A reader out of the pool; goes back on destruction.
class ReadLease {
 public:
  /// `lease` holds a `Reader`.
  explicit ReadLease(contract::ConnectionPool::Lease lease) : lease_(std::move(lease)) {}
  Connection& operator*() const { return reader().connection(); }
  Connection* operator->() const { return &reader().connection(); }
  void discard() { reader().discard(); }

 private:
  [[nodiscard]] Reader& reader() const { return static_cast<Reader&>(*lease_.get()); }
  contract::ConnectionPool::Lease lease_;
};

}  // namespace triune::adapters::sqlite
