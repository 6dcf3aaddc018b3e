// The relational contract over a PostgreSQL database.
#pragma once

#include <atomic>
#include <memory>
#include <source_location>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/group_writer.h"
#include "adapters/postgres/session.h"
#include "contract/registry.h"
#include "contract/relational_store.h"

namespace triune::adapters::postgres {

/// A pool of connections for reading and one for writing. Every call from any thread.
class Store final : public contract::RelationalStore {
 public:
  /// Connects to `options.url` through pools that `options.make_pool` makes. Errors: those of `Connection::open`,
  /// `invalid_argument` without a pool.
  static Result<std::unique_ptr<contract::RelationalStore>> open(const contract::EngineOptions& options);
  ~Store() override;

  [[nodiscard]] contract::RelationalCapabilities capabilities() const override;
  Result<std::unique_ptr<contract::RelationalSession>> read(contract::ReadScope scope, Deadline deadline,
                                                            contract::TableFunctions* functions,
                                                            std::source_location place) override;
  Status write(const contract::WriteJob& job, Deadline deadline, contract::WriteMode mode,
               std::source_location place) override;
  Result<std::unique_ptr<contract::RelationalTransaction>> begin(Deadline deadline,
                                                                 std::source_location place) override;
  Status run_outside(std::string_view sql, Deadline deadline) override;
  Result<bool> is_read_only(std::string_view sql, Deadline deadline) override;
  Result<std::vector<contract::ColumnDescription>> describe(std::string_view table) override;
  Result<contract::RelationalStatistics> statistics() override;
  contract::Health health() override;
  /// The server does that by itself; succeeds without doing anything.
  Status checkpoint() override;
  Result<std::unique_ptr<contract::ChangeSignal>> change_signal(const std::string& channel,
                                                                contract::SignalHeard heard) override;

 private:
  explicit Store(const contract::EngineOptions& options);
  /// In a transaction of its own, again when the server asks for that.
  Status write_alone(const contract::WriteJob& job, Deadline deadline, std::source_location place);
  Status attempt(const contract::WriteJob& job, Deadline deadline, std::source_location place);

  const ConnectionOptions connection_;
  std::unique_ptr<contract::ConnectionPool> readers_;
  std::unique_ptr<contract::ConnectionPool> writers_;
  Session::Alarm alarm_;
  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> commits_{0};  ///< Of jobs that ran by themselves.
  std::unique_ptr<GroupWriter> groups_;
};

}  // namespace triune::adapters::postgres
