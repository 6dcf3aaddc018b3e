// One connection to a server, as a pool keeps it.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>

#include "adapters/postgres/pipeline.h"
#include "adapters/postgres/statement.h"
#include "contract/connection_pool.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::postgres {

struct ConnectionOptions {
  std::string url;                  ///< May hold a password; never in a message.
  bool transaction_pooler = false;  ///< No named statements, nothing kept between transactions.
};

/// In the use of one thread at a time. Behind a transaction pooler nothing is set on it that would be lost: what a
/// transaction needs it sets for itself.
class Connection final : public contract::PooledConnection {
 public:
  /// Connects. Several hosts are tried in turn, each with its share of the time. Errors: `unavailable`,
  /// `permission_denied`, `not_found` (no such database), `invalid_argument` (the URL), `unsupported` (the server is
  /// too old), `deadline_exceeded`.
  static Result<std::unique_ptr<contract::PooledConnection>> open(const ConnectionOptions& options, Deadline deadline);

  [[nodiscard]] bool usable() override;
  Status validate(Deadline deadline) override;
  [[nodiscard]] std::uint32_t preparation() const override { return 0; }

  [[nodiscard]] PGconn* handle() const { return handle_.get(); }
  [[nodiscard]] Pipeline& pipeline() { return pipeline_; }
  [[nodiscard]] StatementCache& statements() { return statements_; }
  [[nodiscard]] bool pooled() const { return pooled_; }
  /// It must not be lent again.
  void condemn() { condemned_ = true; }
  /// Whether the server warned, since `forget_warning`, that a commit may not have reached its standby.
  [[nodiscard]] bool warned_of_replication() const { return *warned_; }
  void forget_warning() { *warned_ = false; }
  /// Remembers what the server is told its timeout shall be, in milliseconds; returns what it was told before.
  std::int64_t swap_timeout(std::int64_t timeout) { return std::exchange(timeout_, timeout); }

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  using Handle = std::unique_ptr<PGconn, Close>;
  friend class Connector;
  Connection(Handle handle, bool pooled);
  static void take_notice(void* warned, const PGresult* notice);

  std::unique_ptr<bool> warned_ = std::make_unique<bool>(false);
  Handle handle_;
  const bool pooled_;
  Pipeline pipeline_;
  StatementCache statements_;
  bool condemned_ = false;
  std::int64_t timeout_ = -1;  ///< Unknown at first: the role may have one of its own.
};

}  // namespace triune::adapters::postgres
