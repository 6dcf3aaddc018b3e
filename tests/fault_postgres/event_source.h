// Events written round the API, by ordinary transactions of random length, as other programs write them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace triune::testing {

/// The table that `EventSource` fills: `CREATE TABLE` for it.
inline constexpr std::string_view events_table = "CREATE TABLE events (id text PRIMARY KEY, place bigint NOT NULL)";

/// Writers with a connection each. Some of their transactions stay open while others, begun later, commit.
class EventSource {
 public:
  struct Load {
    unsigned writers = 12;
    std::uint64_t events_each = 5'000;
    unsigned seed = 1;
  };
  EventSource(const std::string& url, Load load);
  ~EventSource();  ///< Waits for the end.
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  /// Waits until all is committed. What went wrong, or empty.
  std::string finish();
  /// Events of transactions whose COMMIT was answered.
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  /// Transactions that committed.
  [[nodiscard]] std::uint64_t transactions() const { return transactions_; }

 private:
  void write(const std::string& url, unsigned writer, Load load);

  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> transactions_ = 0;
  std::vector<std::string> errors_;  // of each writer
  std::vector<std::thread> threads_;
};

/// A connection that holds one transaction open.
class OpenTransaction {
 public:
  /// Begins and runs `statement` in it, as the application "held open".
  OpenTransaction(const std::string& url, const std::string& statement);
  ~OpenTransaction();
  OpenTransaction(const OpenTransaction&) = delete;
  OpenTransaction& operator=(const OpenTransaction&) = delete;
  void commit();

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace triune::testing
