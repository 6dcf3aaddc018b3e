// PostgreSQL without Triune: plain libpq, psql and pgbench, as peers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;

namespace triune::bench {

/// One libpq connection in the use of one thread; prepared statements, text parameters. Throws.
class RawPostgres {
 public:
  explicit RawPostgres(const std::string& url);
  ~RawPostgres();
  RawPostgres(const RawPostgres&) = delete;
  RawPostgres& operator=(const RawPostgres&) = delete;

  /// Statements without parameters.
  void run(const std::string& sql);
  /// Prepares under a name. With a pooler, which has no prepared statements, use `run_parameters`.
  void prepare(const std::string& name, const std::string& sql);
  void execute(const std::string& name, const std::vector<std::string>& values);
  void run_parameters(const std::string& sql, const std::vector<std::string>& values);
  /// Many executions in one transaction, sent along in pipeline mode.
  void execute_batch(const std::string& name, const std::vector<std::vector<std::string>>& rows);

 private:
  void check(bool ok, std::string_view what) const;
  pg_conn* connection_ = nullptr;
};

/// Seconds psql takes for `statements`; throws when it fails.
double time_psql(const std::string& url, const std::string& statements);

/// Transactions a second by pgbench with the script, clients and seconds given.
double pgbench_rate(const std::string& url, const std::filesystem::path& script, int clients, int seconds);

}  // namespace triune::bench
