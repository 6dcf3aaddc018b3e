// The relational contract over one SQLite file.
#pragma once

#include <atomic>
#include <memory>
#include <source_location>

#include "adapters/sqlite/reader.h"
#include "adapters/sqlite/writer.h"
#include "contract/connection_pool.h"
#include "contract/registry.h"
#include "contract/relational_store.h"

namespace triune::adapters::sqlite {

/// One writer thread, a pool of readers. Every call from any thread.
class Store final : public contract::RelationalStore {
 public:
  /// Opens or creates the file at `options.path`, whose directory must exist. Errors: those of `Connection::open`,
  /// `invalid_argument` without `options.make_pool`.
  static Result<std::unique_ptr<contract::RelationalStore>> open(const contract::EngineOptions& options);
  /// The same with other bounds for the writer, for tests and measurements; its `connection` is filled in here.
  static Result<std::unique_ptr<contract::RelationalStore>> open_with(const contract::EngineOptions& options,
                                                                      Writer::Options writer_options);

  [[nodiscard]] contract::RelationalCapabilities capabilities() const override;
  Result<std::unique_ptr<contract::RelationalSession>> read(contract::ReadScope scope, Deadline deadline,
                                                            contract::TableFunctions* functions,
                                                            std::source_location place) override;
  Status write(const contract::WriteJob& job, Deadline deadline, contract::WriteMode,
               std::source_location place) override;
  Result<std::unique_ptr<contract::RelationalTransaction>> begin(Deadline deadline,
                                                                 std::source_location place) override;
  Status run_outside(std::string_view sql, Deadline deadline) override;
  Result<bool> is_read_only(std::string_view sql, Deadline deadline) override;
  Result<std::vector<contract::ColumnDescription>> describe(std::string_view table) override;
  Result<contract::RelationalStatistics> statistics() override;
  contract::Health health() override;
  Status checkpoint() override;
  /// `unsupported`: one process owns a directory.
  Result<std::unique_ptr<contract::ChangeSignal>> change_signal(const std::string& channel,
                                                                contract::SignalHeard heard) override;

 private:
  Store(std::filesystem::path path, std::unique_ptr<Writer> writer, std::unique_ptr<contract::ConnectionPool> readers);
  Result<ReadLease> take(Reader::Preparation preparation, Deadline deadline,
                         std::source_location place = std::source_location::current());

  const std::filesystem::path path_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<contract::ConnectionPool> readers_;  ///< Closed before the writer, which then empties the log.
  std::atomic<std::uint64_t> reads_{0};
};

}  // namespace triune::adapters::sqlite
